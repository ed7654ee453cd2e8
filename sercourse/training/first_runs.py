"""One small network per chapter, so that whoever comes has all five: for app, explorer and a workshop's archive.

They are trained on synthetic speech in the quick profile. They show how the methods work, not how emotion sounds.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from sercourse.training.networks import TrainingConfig, load_or_train
from sercourse.training.runs import Run, is_finished

FIRST_RUNS = MappingProxyType(
    {
        "emotion_autoencoder": TrainingConfig("emotion_autoencoder", "synthetic", "holdout-20", "quick"),
        "asp_mtl": TrainingConfig("asp_mtl", "synthetic", "holdout-20", "quick", ("auxiliary=gender",)),
        "mtlser": TrainingConfig("mtlser", "matrix", "holdout-20", "quick"),
        "mtap": TrainingConfig("mtap", "synthetic", "holdout-20", "quick"),
        "msfl": TrainingConfig("msfl", "synthetic", "holdout-20", "quick"),
    }
)
"""By chapter. One network each: a fifth of the utterances is held out, of the same speakers; another part validates."""


def first_runs(chapters: Sequence[str] = tuple(FIRST_RUNS), *, progress: bool = False) -> dict[str, Run]:
    """The first runs, by chapter; those that are not there are trained now.

    Args:
        chapters: which.
        progress: show plans and bars.
    """
    return {chapter: load_or_train(FIRST_RUNS[chapter], progress=progress) for chapter in chapters}


def missing_first_runs() -> list[str]:
    """Chapters whose first run is not there yet, or not finished."""
    return [chapter for chapter, config in FIRST_RUNS.items() if not is_finished(config.folder)]
