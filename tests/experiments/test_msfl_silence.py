"""The language from silence: found where channels differ, not over one telephone, and never from frames of speech."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from rich.console import Console

from sercourse.errors import UserError
from sercourse.experiments import msfl, msfl_silence
from sercourse.experiments.cells import Bench
from sercourse.experiments.msfl_silence import (
    AMOUNTS,
    CHANNELS,
    PARTS,
    frames_within,
    longest_stretch,
    silence,
    silence_one_synthesiser,
)
from sercourse.features.spectral import LogMel
from sercourse.signal.noise import white

RATE = 16_000


def utterance(rng: np.random.Generator, hum: float, hiss_db: float, pause: int = 4000) -> np.ndarray:
    """A buzz between two pauses, over mains hum and hiss; nothing of the buzz tells the language."""
    t = np.arange(8000) / RATE
    pitch = rng.uniform(120, 240)
    buzz = sum(np.sin(2 * np.pi * pitch * k * t + rng.uniform(0, 6)) / k for k in range(1, 12))
    wave = np.concatenate([np.zeros(pause), 0.1 * buzz, np.zeros(pause)])
    wave += hum * np.sin(2 * np.pi * 50 * np.arange(len(wave)) / RATE + rng.uniform(0, 6))
    return wave + 10 ** (hiss_db / 20) * white(len(wave), rng)


def write(folder: Path, languages: dict[str, tuple[float, float]], pause: int = 4000) -> str:
    """A corpus of six speakers per language with five utterances each; a channel per language."""
    rng = np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    rows = []
    for language, (hum, hiss_db) in languages.items():
        for k in range(30):
            path = folder / f"{language}{k}.wav"
            soundfile.write(path, utterance(rng, hum, hiss_db, pause), RATE)
            emotion = ("anger", "sadness")[k % 2]
            speaker = f"{language}-{k // 5}"
            rows.append({"path": path.name, "emotion": emotion, "speaker": speaker, "language": language})
    pd.DataFrame(rows).to_csv(folder / "my.csv", index=False)
    return f"csv:{folder / 'my.csv'}"


TWO = {"de": (0.01, -70.0), "pl": (0.0, -80.0)}
"""Hum and hiss of each language, both below the telephone's floor."""


@pytest.fixture
def two_channels(own_folders, monkeypatch) -> str:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    return write(own_folders / "two", TWO)


def test_silence_tells_the_channel_and_the_telephone_hides_it(two_channels, own_folders):
    hardly_any = utterance(np.random.default_rng(1), *TWO["de"], pause=200)
    soundfile.write(own_folders / "two" / "de0.wav", hardly_any, RATE)
    bench = Bench(corpus=two_channels, console=Console(file=io.StringIO(), width=200))
    found = silence(bench)
    assert json.loads(json.dumps(found)) == found
    assert (found["artifact"], found["corpus"], found["protocol"]) == ("msfl/silence", two_channels, "group-5")
    keys = [(row["amount"], row["channel"], row["part"]) for row in found["rows"]]
    assert keys == [(a, c, p) for a in AMOUNTS for c in CHANNELS for p in PARTS]
    wa = {key: row["wa"] for key, row in zip(keys, found["rows"], strict=True)}
    for amount in AMOUNTS:
        assert wa[amount, "as recorded", "silence"] == 100
        assert wa[amount, "telephone", "silence"] < 70
    for row in found["rows"]:
        assert row["n_test"] == 59
        assert np.sum(row["confusion"]["counts"]) == 59
        assert row["confusion"]["languages"] == list(row["recall"]) == ["de", "pl"]
        assert row["wa_interval"]["low"] <= row["wa"] <= row["wa_interval"]["high"]
        assert row["wa_interval"]["over"] == "12 speakers"
    assert found["majority"]["wa"] < 60
    assert {name: told["left_out"] for name, told in found["utterances"].items()} == {"de": 1, "pl": 0}
    assert found["utterances"]["pl"]["silence_seconds"] == pytest.approx(0.45, abs=0.05)
    shown = bench.console.file.getvalue()
    assert "95 % of WA" in shown
    assert "in one stretch: de 1 of 30, pl 0 of 30" in shown
    assert silence(replace(bench, console=None)) == found, "the same again, and nothing shown"


def test_the_control_is_the_same_measurement_on_another_corpus(two_channels, monkeypatch):
    monkeypatch.setattr(msfl, "ONE_SYNTHESISER", two_channels)
    found = silence_one_synthesiser(Bench())
    assert found == silence(Bench(corpus=two_channels)) | {"artifact": "msfl/silence_one_synthesiser"}
    monkeypatch.setattr(msfl_silence, "control", lambda bench: (replace(bench, corpus=two_channels), "loso"))
    assert silence_one_synthesiser(Bench())["protocol"] == "loso"


def test_a_floor_that_is_louder_than_the_telephones_is_still_found(own_folders, monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    rows = silence(Bench(corpus=write(own_folders / "loud", {"de": (0.0, -35.0), "pl": (0.0, -80.0)})))["rows"]
    assert {row["wa"] for row in rows if row["part"] == "silence"} == {100.0}


def test_more_silence_is_heard_in_the_spread_unless_equally_much_is_taken(own_folders, monkeypatch):
    """One channel for both, and one language pauses longer."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    name = write(own_folders / "long", {"de": (0.0, -60.0)}, pause=16_000)
    short = write(own_folders / "short", {"pl": (0.0, -60.0)}, pause=1400)
    rows = {(row["amount"], row["channel"], row["part"]): row["wa"] for row in
            silence(Bench(corpus=f"{name},{short}"))["rows"]}  # fmt: skip
    for channel in CHANNELS:
        assert rows["all", channel, "silence"] > 80
        assert rows["50 ms", channel, "silence"] < 65


@pytest.mark.parametrize(
    ("languages", "pause", "conditions", "sentence"),
    [
        ({"de": (0.0, -60.0)}, 4000, "", r"has utterances in one language only \(de\), and two are needed"),
        (TWO, 200, "", "utterances with 0.05 s of silence and of speech in no language, and two are needed"),
        (TWO, 4000, "+none", "name the corpora without conditions"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(own_folders, languages, pause, conditions, sentence):
    with pytest.raises(UserError, match=sentence):
        silence(Bench(corpus=write(own_folders / "few", languages, pause) + conditions))


def test_frames_never_reach_into_the_other_part_or_over_an_end():
    rng = np.random.default_rng(0)
    for n_samples in (4000, 4001, 4159, 4160):
        mask = np.zeros(n_samples, dtype=bool)
        mask[1000:2203] = mask[3000:] = True
        chosen = frames_within(mask)
        quiet = 1e-4 * rng.standard_normal(n_samples).astype(np.float32)
        other = np.where(mask, quiet, 1).astype(np.float32)
        levels, changed = LogMel().compute(quiet), LogMel().compute(other)
        assert len(chosen) == len(levels)
        assert chosen.sum() >= 6
        np.testing.assert_array_equal(levels[chosen], changed[chosen])
        beside = np.flatnonzero(~chosen & (np.abs(levels - changed).max(axis=1) < 1e-3))
        assert set(beside) <= {n_samples // 160 - 1, n_samples // 160}, "only those over the end were left out for it"
    whole = frames_within(np.ones(4000, dtype=bool))
    assert list(np.flatnonzero(~whole)) == [0, 1, 24, 25]


@pytest.mark.parametrize(
    ("flags", "stretch"),
    [("", (0, 0)), ("000", (0, 0)), ("1", (0, 1)), ("0110111", (4, 7)), ("1110110", (0, 3)), ("0110110", (1, 3))],
)
def test_longest_stretch(flags, stretch):
    assert longest_stretch(np.array([flag == "1" for flag in flags], dtype=bool)) == stretch
