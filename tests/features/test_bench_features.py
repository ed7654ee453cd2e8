"""The benchmark beside librosa: it checks values before it speaks of seconds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from rich.console import Console

from benchmarks import features as bench

VOICES = [bench.known_voice(1.5, seed)[0] for seed in range(3)]


@pytest.fixture(autouse=True)
def few_utterances(monkeypatch):
    monkeypatch.setattr(bench, "_waveforms", lambda: ("test", VOICES))
    monkeypatch.setattr(bench, "PITCH_UTTERANCES", 2)


def test_benchmark_finds_equal_values_and_writes_them(tmp_path, capsys):
    assert bench.main(["--json", str(tmp_path / "bench.json")]) == 0
    result = json.loads((tmp_path / "bench.json").read_text())
    assert result["frames"]["equal"]
    assert result["pitch"]["equal"]
    assert result["frames"]["utterances"] == 3
    assert result["pitch"]["utterances"] == 2
    assert result["frames"]["ratio"] == result["frames"]["librosa_seconds"] / result["frames"]["ours_seconds"]
    assert result["pitch"]["ratio"] > 5, "20 is the goal on a quiet machine"
    printed = capsys.readouterr().out
    assert "Largest deviations from librosa" in printed


def test_benchmark_fails_where_values_differ(monkeypatch):
    right = bench.ours

    def wrong(waveforms):
        return [(mel + 0.1, mfcc, energy, crossings) for mel, mfcc, energy, crossings in right(waveforms)]

    monkeypatch.setattr(bench, "ours", wrong)
    result = bench.run()
    assert not result["frames"]["equal"]
    assert result["frames"]["deviations"]["log-mel (dB)"] == pytest.approx(0.1, abs=0.01)
    monkeypatch.setattr(bench, "pitch_track", lambda waveform: np.full(1 + len(waveform) // 160, 300.0))
    assert not bench.compare_pitch(VOICES[:1])["equal"]
    Console().print(bench.table(result))
