"""Runs of one epoch, for tests of what is done with a run."""

from __future__ import annotations

import pandas as pd

from sercourse.training.networks import TrainingConfig, train
from sercourse.training.runs import Run

SMALL = {
    "emotion_autoencoder": ("width=16", "bank_channels=4", "bank_widths=3", "encoder_gru=4", "decoder_gru=4",
                            "hidden=16,8", "functionals=is09", "crop_frames=32", "hop_frames=16"),
    "asp_mtl": ("hidden=6", "head=6", "step=4"),
    "mtlser": ("backbone=mini",),
    "mtap": ("text=none", "audio=none", "seconds=0.64", "step=2", "bins=40"),
    "msfl": ("hidden=6", "attention=4", "functionals=is09", "language_weight=0"),
}  # fmt: skip
LOOP = ("threads=1", "accelerator=cpu", "precision=fp32", "epochs=1", "batch_size=8")


def little_run(chapter: str, corpus: pd.DataFrame, *changes: str) -> Run:
    """Two folds of a chapter's smallest network on the fixture ``corpus``."""
    config = TrainingConfig(chapter, "tones", "kfold-2", changes=(*LOOP, *SMALL[chapter], *changes))
    return train(config, table=corpus, workers=1, progress=False)
