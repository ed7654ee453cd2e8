"""Corpora in noise: names are read, the SNR is what the name says, copies of a recording stay together."""

from __future__ import annotations

import json
import os
import zlib
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sercourse import corpora
from sercourse.corpora import noisy, synthetic
from sercourse.corpora.noisy import Condition, in_conditions, in_noise, make_noise, parse, recordings
from sercourse.corpora.table import make_table
from sercourse.errors import CorpusError, UserError
from sercourse.signal import channel
from sercourse.signal.audio import read_audio
from sercourse.signal.snr import snr_in
from sercourse.training.protocols import make_protocol


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    """Voices for babble are made once, mixtures go where nobody else looks."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SERCOURSE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> pd.DataFrame:
    """Eight recordings of four speakers, tones that come and go; the second half of one file is an utterance too."""
    folder = tmp_path_factory.mktemp("speech")
    rows = []
    for number in range(8):
        t = np.arange(8000 + 400 * number) / 16_000
        path = folder / f"{number}.wav"
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * (150 + 20 * number) * t) * (np.sin(9 * t) > 0), 16_000)
        rows.append(
            {"utterance_id": f"s/{number}", "path": str(path), "emotion": ("anger", "neutral")[number % 2],
             "speaker": f"s/{number // 2}", "start": 0.1 if number == 7 else 0.0}
        )  # fmt: skip
    return make_table(rows, "speech")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("emodb+none+white@0", ("emodb", ("none", "white@0"))),
        ("emodb+white@+5", ("emodb", ("white@5",))),
        ("emodb+babble@-5.5", ("emodb", ("babble@-5.5",))),
        ("emodb+pink@-10..5", ("emodb", ("pink@-10..5",))),
        ("csv:a+b.csv+pink@10", ("csv:a+b.csv", ("pink@10",))),
        ("emodb=four+none+telephone", ("emodb=four", ("none", "telephone"))),
        ("emodb+all@5", ("emodb", ("white@5", "pink@5", "babble@5", "factory@5"))),
    ],
)
def test_names_are_read(name, expected):
    base, conditions = parse(name)
    assert (base, tuple(condition.label for condition in conditions)) == expected


@pytest.mark.parametrize("name", ["emodb", "csv:/some/where.csv", "synthetic"])
def test_a_name_without_conditions_is_left_to_others(name):
    assert parse(name) is None


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("emodb+pinc@0", "no such noise 'pinc'.*Did you mean"),
        ("emodb+white@loud", "'white@loud' needs an SNR in dB behind the @"),
        ("emodb+white", "'white' needs an SNR in dB"),
        ("emodb+white@nan", "an SNR of nan dB; choose one from -40 to 60"),
        ("emodb+white@5..-5", r"an SNR of 5\.\.-5 dB.*the lower one first"),
        ("emodb+white@5..", "needs an SNR in dB"),
        ("emodb+white@-90", "an SNR of -90 dB"),
        ("emodb+none+none", "names a condition twice"),
        ("emodb+none@5", "'none' takes no SNR"),
        ("emodb+telephone@5", "'telephone' takes no SNR; write telephone, or name a noise: white@5"),
        ("emodb+telefone", r"'telefone'; choose among none, telephone, .*Did you mean telephone\?"),
        ("emodb+telephone+telephone", "names a condition twice"),
        ("emodb+white@5+all@5", "names a condition twice"),
    ],
)
def test_a_wrong_name_is_one_sentence(name, sentence):
    with pytest.raises(CorpusError, match=sentence):
        corpora.load(name)


@pytest.mark.parametrize("kind", ["white", "pink", "factory", "babble"])
def test_the_snr_is_what_the_name_says(speech, kind):
    table = in_noise(speech, (Condition(kind, -5.0, -5.0),), workers=1, progress=False)
    for utterance_id, row in table.iterrows():
        origin = speech.loc[row["clean"]]
        clean = row["gain"] * read_audio(origin["path"], origin["start"])
        assert utterance_id == f"{row['clean']}~{kind}@-5"
        assert snr_in(clean, read_audio(row["path"])) == pytest.approx(-5, abs=0.05)
        assert (row["noise"], row["snr_db"], row["emotion"]) == (kind, -5.0, origin["emotion"])


def test_the_same_name_gives_the_same_bytes_and_makes_them_once(speech):
    conditions = (Condition("none"), Condition("white", 0.0, 0.0))
    first = in_noise(speech, conditions, workers=1, progress=False)
    paths = first.loc[first["noise"] == "white", "path"]
    before = [Path(path).read_bytes() for path in paths]
    stamps = [Path(path).stat().st_mtime_ns for path in paths]
    again = in_noise(speech, conditions, workers=2, progress=False)
    pd.testing.assert_frame_equal(first, again)
    assert stamps == [Path(path).stat().st_mtime_ns for path in paths]
    Path(paths.iloc[0]).with_name("levels.json").unlink()
    in_noise(speech, conditions, workers=2, progress=False)
    assert before == [Path(path).read_bytes() for path in paths], "made anew, in another number of threads"
    other = in_noise(speech, conditions, seed=1, workers=1, progress=False)
    assert Path(other.loc[paths.index[0], "path"]).read_bytes() != before[0]


def test_an_interrupted_making_is_not_taken_for_a_finished_one(speech, monkeypatch):
    real, made = noisy._mixture, []

    def breaks(*arguments):
        made.append(arguments)
        if len(made) == 5:
            raise KeyboardInterrupt
        return real(*arguments)

    condition = (Condition("pink", 7.0, 7.0),)
    monkeypatch.setattr(noisy, "_mixture", breaks)
    with pytest.raises(KeyboardInterrupt):
        in_noise(speech, condition, workers=1, progress=False)
    monkeypatch.setattr(noisy, "_mixture", real)
    table = in_noise(speech, condition, workers=1, progress=False)
    assert len(table) == len(speech)
    levels = json.loads(Path(table["path"].iloc[0]).with_name("levels.json").read_text())
    assert levels["snr_db"] == [7.0] * len(speech)


def test_an_snr_is_drawn_for_every_utterance(speech):
    table = in_noise(speech, (Condition("white", -10.0, 10.0),), workers=1, progress=False)
    assert table["snr_db"].between(-10, 10).all()
    assert table["snr_db"].nunique() == len(speech)
    for _, row in table.iterrows():
        origin = speech.loc[row["clean"]]
        clean = row["gain"] * read_audio(origin["path"], origin["start"])
        assert snr_in(clean, read_audio(row["path"])) == pytest.approx(row["snr_db"], abs=0.05)


def test_the_telephone_brings_all_to_one_band_and_loudness(speech):
    table = in_noise(speech, (Condition("none"), Condition("telephone")), workers=1, progress=False)
    copies = table[table["noise"] == "telephone"]
    assert list(copies.index) == [f"{clean}~telephone" for clean in speech.index]
    assert set(copies["snr_db"]) == {channel.SNR_DB}
    assert set(copies["gain"]) == {1.0}
    for _, row in copies.iterrows():
        origin, heard = speech.loc[row["clean"]], read_audio(row["path"])
        recorded = read_audio(origin["path"], origin["start"])
        assert len(heard) == len(recorded)
        power = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))) ** 2
        hertz = np.fft.rfftfreq(len(heard), 1 / 16_000)
        assert power[(hertz < 100) | (hertz > 6000)].sum() < 1e-4 * power.sum()
        loudness = 10 * np.log10(np.mean(heard[np.abs(recorded) > 0.01] ** 2))  # a tone of 150 Hz, one of 290 Hz
        assert loudness == pytest.approx(channel.LEVEL_DB, abs=4), "no speech: the pauses count, too"
        assert row["emotion"] == origin["emotion"]
    again = in_noise(speech, (Condition("telephone"),), workers=2, progress=False)
    assert list(again["path"]) == list(copies["path"])


def test_a_new_version_of_the_channel_is_made_anew_and_noise_is_not(speech, monkeypatch):
    conditions = (Condition("telephone"), Condition("white", 0.0, 0.0))
    before = in_noise(speech, conditions, workers=1, progress=False)["path"]
    monkeypatch.setattr(channel, "VERSION", channel.VERSION + 1)
    after = in_noise(speech, conditions, workers=1, progress=False)["path"]
    assert list(before == after) == [not i.endswith("~telephone") for i in before.index]


@pytest.mark.parametrize(
    ("condition", "folder", "samples"),
    [
        (Condition("white", 0.0, 0.0), "ac9b3deb4ece5be9", 1616090364),
        (Condition("pink", -10.0, 10.0), "39539e5c676ab9a4", 3793213327),
    ],
)
def test_mixtures_that_were_kept_stay_valid(tmp_path, condition, folder, samples):
    """Whoever changes this file makes all mixtures of all users anew, unless the digest stays; VERSION says so."""
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(8000) / 9), 16_000)
    os.utime(path, ns=(10**18, 10**18))
    table = make_table([{"utterance_id": "s/0", "path": str(path)}], "s")
    kept = Path(in_noise(table, (condition,), workers=1, progress=False)["path"].iloc[0])
    assert kept.parent.name == folder
    assert zlib.crc32(soundfile.read(kept, dtype="int16")[0].tobytes()) == samples


@pytest.mark.parametrize("protocol", ["kfold-2", "loso"])
def test_copies_of_a_recording_never_stand_on_both_sides(speech, protocol):
    table = in_noise(
        speech, (Condition("none"), Condition("white", 0.0, 0.0), Condition("pink", 0.0, 0.0)), progress=False
    )
    for fold in make_protocol(protocol, table).folds:
        sides = [set(table.loc[list(side), "recording"]) for side in (fold.train, fold.validation, fold.test)]
        assert all(one.isdisjoint(other) for one, other in combinations(sides, 2))


@pytest.mark.parametrize("condition", [Condition("white", 0.0, 0.0), Condition("telephone")])
def test_silence_is_one_sentence_that_names_the_file(tmp_path, condition):
    path = tmp_path / "quiet.wav"
    soundfile.write(path, np.zeros(8000), 16_000)
    table = make_table([{"utterance_id": "q", "path": str(path)}], "quiet")
    with pytest.raises(UserError, match=r"quiet\.wav.*silent"):
        in_noise(table, (condition,), workers=1, progress=False)


def test_a_hum_that_no_telephone_lets_through_is_one_sentence(tmp_path):
    path = tmp_path / "hum.wav"
    soundfile.write(path, 0.1 * np.sin(2 * np.pi * 50 * np.arange(16_000) / 16_000), 16_000)
    table = make_table([{"utterance_id": "h", "path": str(path)}], "hum")
    with pytest.raises(UserError, match=r"hum\.wav: cannot be mixed with noise: silent between 300 and 3400 Hz"):
        in_noise(table, (Condition("telephone"),), workers=1, progress=False)


def test_one_unusable_recording_among_many_is_left_out_of_every_condition(speech, tmp_path):
    silent = tmp_path / "quiet.wav"
    soundfile.write(silent, np.zeros(8000), 16_000)
    rows = [{"utterance_id": f"m/{k}", "path": speech["path"].iloc[0]} for k in range(120)]
    table = make_table([*rows, {"utterance_id": "q", "path": str(silent)}], "many")
    conditions = (Condition("none"), Condition("white", 0.0, 0.0))
    for _ in range(2):  # made, and found again
        with pytest.warns(UserWarning, match=r"noise: 1 of 121 utterances skipped; the first: .*quiet\.wav.*silent"):
            noisy_table = in_noise(table, conditions, workers=1, progress=False)
        assert len(noisy_table) == 240
        assert "q" not in set(noisy_table["clean"])
        assert noisy_table["gain"].dtype == noisy_table["snr_db"].dtype == float


def test_recorded_noise_needs_its_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_DATA", str(tmp_path))
    with pytest.raises(CorpusError, match="no folder 'noise' under SERCOURSE_DATA"):
        make_noise("recorded", 100, np.random.default_rng(0))


def test_unseen_recordings_are_others_and_stay_so_when_the_folder_grows(monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_DATA", str(tmp_path))
    (tmp_path / "noise").mkdir()

    def write(name: str) -> None:
        soundfile.write(tmp_path / "noise" / f"{name}.wav", np.random.default_rng(0).normal(size=99), 16_000)

    for number in range(12):
        write(f"rain-{number}")
    write("yawn-1")
    halves = {kind: {file.stem for file in recordings(kind)} for kind in ("recorded", "unseen")}
    assert halves["recorded"] | halves["unseen"] == {f"rain-{number}" for number in range(12)}
    assert not halves["recorded"] & halves["unseen"]
    assert min(map(len, halves.values())) >= 3
    write("door-5")
    for kind, before in halves.items():
        assert before <= {file.stem for file in recordings(kind)}


def test_a_folder_without_files_for_a_kind_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_DATA", str(tmp_path))
    (tmp_path / "noise").mkdir()
    soundfile.write(tmp_path / "noise" / "car.wav", np.random.default_rng(0).normal(size=99), 16_000)
    theirs, nobodys = ("unseen", "recorded") if zlib.crc32(b"car") % 2 else ("recorded", "unseen")
    assert [file.stem for file in recordings(theirs)] == ["car"]
    with pytest.raises(CorpusError, match="put more of them there"):
        recordings(nobodys)


def test_other_recordings_give_other_mixtures(speech, monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_DATA", str(tmp_path))
    (tmp_path / "noise").mkdir()
    for number in range(6):
        soundfile.write(
            tmp_path / "noise" / f"rain-{number}.wav", np.random.default_rng(number).normal(size=2000), 16_000
        )
    condition = (Condition("recorded", 0.0, 0.0),)
    before = in_noise(speech, condition, workers=1, progress=False)["path"]
    changed = recordings("recorded")[0]
    soundfile.write(changed, np.random.default_rng(99).normal(size=2100), 16_000)
    assert not set(in_noise(speech, condition, workers=1, progress=False)["path"]) & set(before)


def test_a_lost_file_is_made_again(speech):
    condition = (Condition("brown", 3.0, 3.0),)
    paths = in_noise(speech, condition, workers=1, progress=False)["path"]
    Path(paths.iloc[2]).unlink()
    again = in_noise(speech, condition, workers=1, progress=False)["path"]
    assert again.equals(paths)
    assert Path(paths.iloc[2]).exists()


def test_several_corpora_each_get_the_conditions():
    assert in_conditions("emodb,ravdess", "+none+all@0") == "emodb+none+all@0,ravdess+none+all@0"
    assert in_conditions("emodb=four,nemo=four", "+telephone") == "emodb=four+telephone,nemo=four+telephone"


@pytest.mark.parametrize(("kind", "seed", "factors"), [("babble", 1, (5 / 6, 6 / 5)), ("chatter", 2, (10 / 11, 1.1))])
def test_babble_is_spoken_faster_or_slower_than_anybody_in_the_default_corpus(kind, seed, factors):
    """So pitch and formants move by a tenth to a fifth of their value: no voice is another's."""
    voices = noisy._voices(kind)
    folder = noisy.cache_dir() / f"{kind}_voices"
    table = synthetic.load(folder, utterances=70, seed=seed)
    assert len(voices) == 2 * table["speaker"].nunique() == 20
    for speaker, rows in table.groupby("speaker"):
        seconds = [len(read_audio(path)) for path in rows["path"]]
        for name, factor in zip(("high", "low"), factors, strict=True):
            changed = [len(wave) for wave in voices[f"{speaker}-{name}"]]
            assert np.divide(changed, seconds) == pytest.approx(factor, abs=1e-3)
    assert np.isfinite(make_noise(kind, 16_000, np.random.default_rng(0))).all()


def test_chatter_says_other_sentences_than_babble_so_that_a_test_has_nothing_of_training():
    heard, other = (noisy._voices(kind) for kind in ("babble", "chatter"))
    lengths = [{len(wave) for waves in voices.values() for wave in waves} for voices in (heard, other)]
    assert len(lengths[0] & lengths[1]) < len(lengths[1]) / 5, "no recording stands in both"


def test_conditions_are_not_added_to_conditions():
    assert in_conditions("emodb,tess", "+white@0") == "emodb+white@0,tess+white@0"
    with pytest.raises(CorpusError, match=r"emodb\+pink@0: names conditions; name the corpus alone"):
        in_conditions("tess,emodb+pink@0", "+white@0")
