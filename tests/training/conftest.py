"""What the tests of training share: a corpus of tones, small enough to train on in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sercourse.corpora.table import make_table

TINY: tuple[str, ...] = (
    "width=16", "bank_channels=4", "bank_widths=3", "encoder_gru=4", "decoder_gru=4", "hidden=16,8",
    "functionals=is10", "precision=fp32", "accelerator=cpu", "threads=1", "batch_size=8", "crop_frames=32",
    "hop_frames=16",
)  # fmt: skip
"""Changes that leave of the quick profile a network that is trained in no time."""


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """Changes for a network that is trained in no time."""
    return TINY


@pytest.fixture(scope="module")
def little_corpus(tmp_path_factory) -> pd.DataFrame:
    """24 utterances of .2 to .7 s in three emotions by four speakers; features are kept in a cache of their own."""
    folder: Path = tmp_path_factory.mktemp("little")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(24):
        emotion = ("anger", "neutral", "sadness")[number % 3]
        t = np.arange(3_200 + 340 * number) / 16_000
        hz, gain = {"anger": (280, 0.4), "neutral": (200, 0.2), "sadness": (140, 0.05)}[emotion]
        wave = gain * np.sin(2 * np.pi * (hz + 3 * number) * t) ** 3 + 0.02 * rng.normal(size=len(t))
        path = folder / f"{number:02d}.wav"
        soundfile.write(path, wave, 16_000)
        rows.append(
            {"utterance_id": f"little/{number:02d}", "path": str(path), "emotion": emotion,
             "speaker": f"little/{number % 4}", "gender": "female" if number % 2 else "male"}
        )  # fmt: skip
    environment = pytest.MonkeyPatch()
    environment.setenv("SERCOURSE_CACHE", str(folder / "cache"))
    yield make_table(rows, "little")
    environment.undo()
