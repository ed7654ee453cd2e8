"""EMO-DB: names, the two releases, the copy that was cut to 2 s, the perception test."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from sercourse.corpora import card, emodb
from sercourse.corpora.layout import CorpusWarning
from sercourse.errors import CorpusError


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_labels(tree, suffix):
    table = emodb.load(tree(f"wav/03a01Fa.{suffix}", f"wav/08b02Wd.{suffix}"))
    assert table.loc["emodb/03a01Fa", ["emotion", "speaker", "gender", "language", "text"]].to_list() == [
        "happiness",
        "emodb/03",
        "male",
        "de",
        "Der Lappen liegt auf dem Eisschrank.",
    ]
    assert table.loc["emodb/08b02Wd", ["emotion", "gender"]].to_list() == ["anger", "female"]


def test_versions_of_a_sentence_are_recordings_of_their_own(tree):
    table = emodb.load(tree("03a05Wa.wav", "03a05Wb.wav"))
    assert table["recording"].to_dict() == {"emodb/03a05Wa": "emodb/03a05Wa", "emodb/03a05Wb": "emodb/03a05Wb"}


def test_names_outside_the_code_are_counted_once(tree):
    folder = tree("wav/03a01Fa.wav", "wav/03a03Fa.wav", "wav/04a01Fa.wav", "wav/03a01Xa.wav", "wav/readme.wav")
    with pytest.warns(CorpusWarning) as caught:
        assert len(emodb.load(folder)) == 1
    assert [str(warning.message) for warning in caught] == [
        "emodb: 4 files skipped, named outside the corpus's code; the first is '03a01Xa.wav'."
    ]


def test_release_2_is_reduced_to_the_corpus_of_the_literature(tree, caplog):
    folder = tree("wav/03a01Fa.wav", "wav/03a01Ab.wav", "laryngo/03a01Fa.wav", "laryngo/03a01Ab.wav")
    with caplog.at_level(logging.INFO):
        table = emodb.load(folder)
    assert table["path"].to_list() == [str(folder / "wav" / "03a01Fa.wav")]
    assert "1 ambiguous recordings of release 2.0 left out" in caplog.text


class TestCutCopy:
    NAMES = ("03a01Fa.wav", "03a01Nc.wav", "03a01Wa.wav")

    def test_two_seconds_each_is_refused(self, tree):
        folder = tree(*self.NAMES, seconds=2.0, rate=22_050)
        with pytest.raises(CorpusError, match=r"all 3 files have the same duration.*cut to 2 s.*fetch.py emodb"):
            emodb.load(folder)

    def test_many_files_of_any_one_duration_are_refused(self, tree):
        names = [f"{speaker}{sentence}Wa.wav" for speaker in emodb.SPEAKERS for sentence in emodb.SENTENCES]
        with pytest.raises(CorpusError, match=r"all \d\d files have the same duration"):
            emodb.load(tree(*names, seconds=0.1))

    def test_one_other_duration_is_enough(self, tree):
        tree(*self.NAMES, seconds=2.0)
        assert len(emodb.load(tree("16b10Wb.wav", seconds=2.1))) == 4

    def test_damaged_files_are_left_to_the_reader(self, tree):
        folder = tree(*self.NAMES, seconds=2.0)
        (folder / "16b10Wb.wav").write_bytes(b"")
        with pytest.raises(CorpusError, match="same duration"):
            emodb.load(folder)


class TestPerceptionTest:
    def test_original_format(self, tmp_path):
        nbsp = "\xa0"
        (tmp_path / "erkennung.txt").write_text(
            f"Nr.\tSatz\terkannt\tnatürlich\n1{nbsp}\t03a01Fa.wav\t92,50{nbsp}{nbsp}\t75,00\n2\t16b10Lb.wav\t5,00\t35,00\n\n",
            "latin-1",
        )
        table = emodb.perception_test(tmp_path)
        assert table.loc["emodb/03a01Fa"].to_list() == ["happiness", 92.5, 75.0]
        assert table.loc["emodb/16b10Lb"].to_list() == ["boredom", 5.0, 35.0]

    def test_release_2(self, tmp_path):
        (tmp_path / "db.emotion.csv").write_text(
            "file,emotion,emotion.confidence,emotion.naturalness\nwav/03a01Fa.wav,happiness,0.9,0.75\n"
        )
        assert emodb.perception_test(tmp_path).loc["emodb/03a01Fa"].to_list() == ["happiness", 90.0, 75.0]

    @pytest.mark.parametrize("line", ["1 03a01Fa.wav 92,50", "1 03a01Fa.wav viel 75,00", "1 03a01Xa.wav 92,50 75,00"])
    def test_a_line_that_cannot_be_read(self, tmp_path, line):
        (tmp_path / "erkennung.txt").write_text(f"Nr. Satz\n{line}\n")
        with pytest.raises(CorpusError, match=r"erkennung.txt: line 2 cannot be read"):
            emodb.perception_test(tmp_path)

    def test_absent(self, tmp_path):
        with pytest.raises(CorpusError, match=r"erkennung.txt is not there; fetch the corpus again"):
            emodb.perception_test(tmp_path)


@pytest.mark.realdata
class TestReal:
    def test_counts_are_those_of_the_card(self, emodb: Path):
        from sercourse.corpora import emodb as loader

        table = loader.load(emodb)
        assert table["emotion"].value_counts().to_dict() == card("emodb").emotions
        assert table.groupby("gender")["speaker"].nunique().to_dict() == {"female": 5, "male": 5}
        assert table["text"].nunique() == 10
        assert table.groupby("speaker").size().min() == 35

    def test_human_ceiling(self, emodb: Path):
        from sercourse.corpora import emodb as loader

        judgements, table = loader.perception_test(emodb), loader.load(emodb)
        assert len(judgements) == 816
        assert set(judgements.index) - set(table.index) == {f"emodb/{stem}" for stem in loader.ambiguous()}
        kept = judgements.loc[table.index]
        assert (kept["emotion"] == table["emotion"]).all()
        assert kept["recognised"].mean() == pytest.approx(93.54, abs=0.01)
        assert kept.groupby("emotion")["recognised"].mean().mean() == pytest.approx(92.96, abs=0.01)


def test_281_recordings_are_ambiguous():
    assert len(emodb.ambiguous()) == 281
    assert {"03a01Ab", "03a01Eb"} <= emodb.ambiguous()
    assert "03a01Fa" not in emodb.ambiguous()
