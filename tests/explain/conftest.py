"""A corpus of tones, and a place for what is trained on it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile
from little_runs import runs_apart

from sercourse.corpora.table import make_table


@pytest.fixture(scope="module")
def own_runs(tmp_path_factory):
    """Runs and features of the module lie apart."""
    with runs_apart(tmp_path_factory):
        yield


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> pd.DataFrame:
    """18 tones in three emotions by three speakers."""
    folder, rng = tmp_path_factory.mktemp("tones"), np.random.default_rng(0)
    rows = []
    for number in range(18):
        emotion, hz = (("anger", 280), ("neutral", 200), ("sadness", 140))[number % 3]
        t = np.arange(6_400 + 300 * number) / 16_000
        path = folder / f"{number:02d}.wav"
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * t) ** 3 + 0.02 * rng.normal(size=len(t)), 16_000)
        rows.append({"utterance_id": f"tones/{number:02d}", "path": str(path), "emotion": emotion, "language": "de",
                     "speaker": f"tones/{number // 6}", "gender": ("female", "male")[number // 3 % 2]})  # fmt: skip
    return make_table(rows, "tones")
