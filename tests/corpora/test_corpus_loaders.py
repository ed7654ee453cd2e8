"""Loaders on tiny trees in the official layouts, and on the real corpora where present."""

from __future__ import annotations

import timeit
import warnings
from pathlib import Path

import pandas as pd
import pytest

from sercourse import corpora
from sercourse.corpora import casia, cremad, nemo, ravdess, savee, tess, urdu
from sercourse.corpora.layout import CorpusWarning, audio_files
from sercourse.errors import CorpusError


@pytest.fixture(autouse=True)
def _no_surprising_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", CorpusWarning)
        yield


def labels(table: pd.DataFrame, utterance: str, *columns: str) -> list:
    return [table.loc[utterance, column] for column in columns]


class TestRavdess:
    @pytest.mark.parametrize("suffix", ["wav", "flac"])
    def test_labels(self, tree, suffix):
        table = ravdess.load(tree(f"Actor_12/03-01-05-02-01-02-12.{suffix}", f"Actor_01/03-01-01-01-02-01-01.{suffix}"))
        assert labels(table, "ravdess/03-01-05-02-01-02-12", "emotion", "speaker", "gender", "language") == [
            "anger",
            "ravdess/12",
            "female",
            "en",
        ]
        assert labels(table, "ravdess/03-01-05-02-01-02-12", "text", "intensity", "repetition") == [
            "Kids are talking by the door.",
            "strong",
            2,
        ]
        assert labels(table, "ravdess/03-01-01-01-02-01-01", "emotion", "gender", "text", "intensity") == [
            "neutral",
            "male",
            "Dogs are sitting by the door.",
            "normal",
        ]
        assert Path(table.loc["ravdess/03-01-01-01-02-01-01", "path"]).suffix == f".{suffix}"

    def test_song_and_video_are_outside_the_code(self, tree):
        folder = tree("03-01-05-02-01-02-12.wav", "03-02-05-02-01-02-12.wav", "01-01-05-02-01-02-12.wav")
        with pytest.warns(CorpusWarning, match="2 files skipped.*'01-01-05-02-01-02-12.wav'"):
            assert len(ravdess.load(folder)) == 1

    def test_actor_25_does_not_exist(self, tree):
        with pytest.raises(CorpusError, match="none of its 1 audio files has a name such as"):
            ravdess.load(tree("Actor_25/03-01-05-02-01-02-25.wav"))

    def test_the_recording_that_was_published_twice(self, tree):
        first, second, other = "03-01-03-01-02-01-07", "03-01-03-01-02-02-07", "03-01-03-01-02-02-08"
        table = ravdess.load(tree(*(f"{name}.wav" for name in (first, second, other))))
        assert labels(table.T, "recording", f"ravdess/{first}", f"ravdess/{second}", f"ravdess/{other}") == [
            f"ravdess/{first}",
            f"ravdess/{first}",
            f"ravdess/{other}",
        ]

    def test_second_copies_are_left_out(self, tree):
        name = "Actor_01/03-01-01-01-02-01-01.wav"
        with pytest.warns(CorpusWarning, match="1 file left out, second copies"):
            assert len(ravdess.load(tree(name, f"audio_speech_actors_01-24/{name}"))) == 1

    @pytest.mark.realdata
    def test_the_real_one(self, ravdess: Path):
        table = corpora.load("ravdess", root=ravdess.parent)
        # Best of three: a disk that is read for the first time, or a busy machine, says nothing about the loader.
        assert min(timeit.repeat(lambda: corpora.load("ravdess", root=ravdess.parent), number=1, repeat=3)) < 0.5
        assert table["emotion"].value_counts().to_dict() == corpora.card("ravdess").emotions
        assert table["recording"].nunique() == 1439
        assert table.groupby("gender")["speaker"].nunique().to_dict() == {"female": 12, "male": 12}
        pair = table[table["recording"].duplicated(keep=False)]["path"]
        assert len({Path(path).read_bytes() for path in pair}) == 1


class TestSavee:
    @pytest.mark.parametrize("suffix", ["wav", "flac"])
    @pytest.mark.parametrize("layout", ["AudioData/{}/{}", "{}_{}"])
    def test_both_layouts(self, tree, layout, suffix):
        files = [
            ("DC", "a01"),
            ("JE", "sa15"),
            ("JK", "su02"),
            ("KL", "n30"),
            ("KL", "d01"),
            ("KL", "h01"),
            ("KL", "f01"),
        ]
        table = savee.load(tree(*(layout.format(*file) + f".{suffix}" for file in files)))
        assert table["emotion"].to_dict() == {
            "savee/DC_a01": "anger",
            "savee/JE_sa15": "sadness",
            "savee/JK_su02": "surprise",
            "savee/KL_n30": "neutral",
            "savee/KL_d01": "disgust",
            "savee/KL_h01": "happiness",
            "savee/KL_f01": "fear",
        }
        assert table["speaker"].nunique() == 4
        assert set(table["gender"]) == {"male"}

    def test_unknown_speaker(self, tree):
        with pytest.warns(CorpusWarning, match="savee: 1 file skipped.*'a01.wav'"):
            assert list(savee.load(tree("AudioData/DC/a01.wav", "AudioData/XX/a01.wav")).index) == ["savee/DC_a01"]


class TestCasia:
    @pytest.mark.parametrize("suffix", ["wav", "flac"])
    def test_one_number_many_utterances(self, tree, suffix):
        folder = tree(
            f"liuchanhg/angry/201.{suffix}",
            f"liuchanhg/sad/201.{suffix}",
            f"ZhaoZuoxiang/angry/201.{suffix}",
            f"wangzhe/surprise/250.{suffix}",
            f"zhaoquanyin/happy/250.{suffix}",
        )
        table = casia.load(folder)
        assert len(table) == 5
        assert labels(table, "casia/liuchanhg-sad-201", "emotion", "gender", "language") == ["sadness", "female", "zh"]
        assert labels(table, "casia/zhaozuoxiang-angry-201", "speaker", "gender") == ["casia/zhaozuoxiang", "male"]
        assert table.groupby("gender")["speaker"].nunique().to_dict() == {"female": 2, "male": 2}

    def test_outside_the_layout(self, tree):
        with pytest.raises(CorpusError, match=r"such as 'wangzhe/angry/201.wav'"):
            casia.load(tree("angry/201.wav"))


class TestUrdu:
    @pytest.mark.parametrize("suffix", ["wav", "flac"])
    def test_labels(self, tree, suffix):
        table = urdu.load(
            tree(
                f"Angry/SM1_F10_A010.{suffix}",
                f"Happy/SF6_F9_H033.{suffix}",
                f"Neutral/SM5_F72_N0100.{suffix}",
                f"Sad/SM25_F1_S051.{suffix}",
            )
        )
        assert labels(table, "urdu/SM1_F10_A010", "emotion", "speaker", "gender") == ["anger", "urdu/SM1", "male"]
        assert labels(table, "urdu/SF6_F9_H033", "emotion", "speaker", "gender") == ["happiness", "urdu/SF6", "female"]
        assert table["emotion"].nunique() == 4
        assert set(table["language"]) == {"ur"}


class TestTess:
    @pytest.mark.parametrize("suffix", ["wav", "flac"])
    def test_labels(self, tree, suffix):
        table = tess.load(
            tree(
                f"OAF_Pleasant_surprise/OAF_back_ps.{suffix}",
                f"OAF_neutral/OA_bite_neutral.{suffix}",
                f"YAF_angry/YAF_youth_angry.{suffix}",
            )
        )
        assert labels(table, "tess/OAF_back_ps", "emotion", "text") == ["surprise", "Say the word back."]
        assert labels(table, "tess/OA_bite_neutral", "speaker", "text") == ["tess/OAF", "Say the word bite."]
        assert labels(table, "tess/YAF_youth_angry", "speaker", "emotion", "gender") == ["tess/YAF", "anger", "female"]
        assert table["speaker"].nunique() == 2


class TestCremad:
    @pytest.mark.parametrize("suffix", ["wav", "flac"])
    def test_labels(self, tree, suffix):
        folder = tree(f"AudioWAV/1001_IEO_ANG_HI.{suffix}", f"AudioWAV/1002_WSI_NEU_XX.{suffix}")
        (folder / "VideoDemographics.csv").write_text(
            '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not Hispanic"\n'
            '1002,21,"Female","Caucasian","Not Hispanic"\n'
        )
        table = cremad.load(folder)
        assert labels(table, "cremad/1001_IEO_ANG_HI", "emotion", "speaker", "gender", "text", "intensity") == [
            "anger",
            "cremad/1001",
            "male",
            "It's eleven o'clock.",
            "high",
        ]
        assert labels(table, "cremad/1002_WSI_NEU_XX", "gender", "text") == [
            "female",
            "We'll stop in a couple of minutes.",
        ]
        assert pd.isna(table.loc["cremad/1002_WSI_NEU_XX", "intensity"])

    def test_without_demographics_gender_is_missing(self, tree):
        assert cremad.load(tree("AudioWAV/1040_ITH_SAD_X.wav"))["gender"].isna().all()

    def test_pointers_in_place_of_audio(self, tree):
        folder = tree()
        (folder / "1001_IEO_ANG_HI.wav").write_text(
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
        )
        with pytest.raises(CorpusError, match="git lfs pull"):
            cremad.load(folder)

    def test_twelve_sentences(self):
        assert len(set(cremad.SENTENCES.values())) == 12


class TestNemo:
    TABLE = (
        "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
        'EB0_anger_1.wav\tanger\tLubię "czytać".\tlubię czytać\t        EB0\tfemale\t27\n'
        "KS0_surprised_2.wav\tsurprised\tMój teść.\tmój teść\t        KS0\tmale\t23\n"
        "KS0_fear_3.wav\tfear\tChodźmy.\tchodźmy\t        KS0\tmale\t23\n"
    )

    @pytest.mark.parametrize("suffix", ["wav", "flac"])
    def test_only_what_is_there(self, tree, suffix):
        folder = tree(f"samples/EB0_anger_1.{suffix}", f"samples/KS0_surprised_2.{suffix}")
        (folder / "data.tsv").write_text(self.TABLE, "utf-8")
        table = nemo.load(folder)
        assert list(table.index) == ["nemo/EB0_anger_1", "nemo/KS0_surprised_2"]
        assert labels(table, "nemo/EB0_anger_1", "speaker", "gender", "text") == [
            "nemo/EB0",
            "female",
            'Lubię "czytać".',
        ]
        assert labels(table, "nemo/KS0_surprised_2", "emotion", "language") == ["surprise", "pl"]

    def test_audio_that_the_table_does_not_know(self, tree):
        folder = tree("samples/EB0_anger_1.wav", "samples/ZZ0_anger_1.wav")
        (folder / "data.tsv").write_text(self.TABLE, "utf-8")
        with pytest.warns(CorpusWarning, match="nemo: 1 file skipped.*'ZZ0_anger_1.wav'"):
            assert len(nemo.load(folder)) == 1

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            (None, "data.tsv: no such file"),
            ("file_id\temotion\n", "the column 'raw_text' is missing"),
            (TABLE.replace("\tfear\t", "\tpride\t"), "line 4 cannot be read"),
        ],
    )
    def test_damaged_table(self, tree, text, complaint):
        folder = tree("samples/EB0_anger_1.wav")
        if text is not None:
            (folder / "data.tsv").write_text(text, "utf-8")
        with pytest.raises(CorpusError, match=complaint):
            nemo.load(folder)

    @pytest.mark.realdata
    def test_the_real_one(self, real_corpora: Path):
        if not (real_corpora / "nemo").is_dir():
            pytest.skip("nEMO is not in SERCOURSE_DATA")
        table = nemo.load(real_corpora / "nemo")
        expected = corpora.card("nemo")
        counts = table["emotion"].value_counts()
        assert all(counts[emotion] <= count for emotion, count in expected.emotions.items())
        assert table.groupby("gender")["speaker"].nunique().to_dict() == {"female": 4, "male": 5}
        assert table["text"].notna().all()


@pytest.mark.parametrize(
    ("loader", "name"),
    [(cremad, "1001_IEO_JOY_HI"), (tess, "OAF_back_bored"), (urdu, "SX1_F1_A01"), (ravdess, "03-01-09-01-01-01-01")],
)
def test_a_name_outside_the_code(tree, loader, name):
    with pytest.raises(CorpusError, match=f"none of its 1 audio files has a name such as .*the first is '{name}.flac'"):
        loader.load(tree(f"{name}.flac"))


def test_an_empty_folder(tree):
    with pytest.raises(CorpusError, match="holds no wav or flac file; unpack the corpus there"):
        tess.load(tree())


def test_audio_files_leaves_out_what_is_hidden(tree):
    folder = tree("b/x.WAV", "a.flac", "._a.wav", ".cache/y.wav")
    (folder / "notes.txt").write_text("no audio")
    assert [path.name for path in audio_files(folder)] == ["a.flac", "x.WAV"]
