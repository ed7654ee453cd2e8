"""Little runs of all chapters and a corpus of buzzing voices, for tests of what is done with a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from sercourse import corpora
from sercourse.training.networks import TrainingConfig, train
from sercourse.training.runs import Run

SMALL: dict[str, tuple[str, ...]] = {
    "emotion_autoencoder": ("width=16", "bank_channels=4", "bank_widths=3", "encoder_gru=4", "decoder_gru=4",
                            "hidden=16,8", "functionals=is09", "crop_frames=32", "hop_frames=16"),
    "asp_mtl": ("auxiliary=gender", "hidden=6", "head=6", "step=4"),
    "mtlser": ("backbone=mini",),
    "mtap": ("text=none", "audio=none", "seconds=0.64", "step=2", "bins=40"),
    "msfl": ("hidden=6", "attention=4", "functionals=is09", "language_weight=0"),
}  # fmt: skip
"""Chapter to what leaves little of its network."""

LOOP = ("threads=1", "accelerator=cpu", "precision=fp32", "epochs=1", "batch_size=8")


def voice(hz: float, seconds: float = 0.8, *, gain: float = 0.3, seed: int = 0) -> np.ndarray:
    """A buzz in three syllables with room noise before and after, 16 kHz."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(16_000 * seconds)) / 16_000
    buzz = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 9)) * np.sin(3 * np.pi * t / seconds) ** 2
    room = np.zeros(4_800)
    whole = np.concatenate([room, gain * buzz / np.abs(buzz).max(), room])
    return (whole + 1e-4 * rng.normal(size=len(whole))).astype(np.float32)


def make_corpus(folder: Path) -> str:
    """30 utterances in three emotions by five speakers, as ``csv:FILE``."""
    rows = []
    for number in range(30):
        emotion, hz = (("anger", 280), ("neutral", 200), ("sadness", 140))[number % 3]
        speaker = number // 6
        name = f"{number:02d}.wav"
        soundfile.write(folder / name, voice(hz + 5 * speaker, 0.6 + 0.01 * number, seed=number), 16_000)
        rows.append({"path": name, "emotion": emotion, "speaker": f"s{speaker}", "language": "en", "text": "buzz",
                     "gender": ("female", "male")[speaker % 2]})  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "voices.csv", index=False)
    return f"csv:{folder / 'voices.csv'}"


def little_run(chapter: str, corpus: str | pd.DataFrame, *changes: str, protocol: str = "kfold-2") -> Run:
    """A finished run of a chapter's smallest network on a corpus by name, or on a table of tones."""
    name, table = (corpus, corpora.load(corpus)) if isinstance(corpus, str) else ("tones", corpus)
    config = TrainingConfig(chapter, name, protocol, changes=(*LOOP, *SMALL[chapter], *changes))
    return train(config, table=table, workers=1, progress=False)


@contextmanager
def runs_apart(factory: pytest.TempPathFactory, *further: str) -> Iterator[None]:
    """Runs, features and what ``further`` variables name lie in folders of their own; torch's threads are put back."""
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as environment:
        for name in ("SERCOURSE_CACHE", "SERCOURSE_RUNS", *further):
            environment.setenv(name, str(factory.mktemp(name.lower())))
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def runs_of_all_chapters(factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A run per chapter on the corpus of voices; the folder of runs must be the test's own."""
    corpus = make_corpus(factory.mktemp("voices"))
    return {chapter: little_run(chapter, corpus, protocol="holdout-20") for chapter in SMALL}
