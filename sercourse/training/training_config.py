"""What is asked of a training run, and the name of the folder that answers.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sercourse.corpora.corpus_names import file_name
from sercourse.errors import UserError
from sercourse.paths import runs_dir
from sercourse.training.recipes import Recipe, recipe
from sercourse.training.settings import Settings


@dataclass(frozen=True)
class TrainingConfig:
    """What is asked of a training run."""

    chapter: str = "emotion_autoencoder"
    """Whose network."""
    corpus: str = "synthetic"
    """Name of a corpus, several with commas, or csv:FILE."""
    protocol: str = "loso"
    """loso, session, language, group-K, kfold-K or holdout-PERCENT."""
    profile: str = "quick"
    """quick, course or paper."""
    changes: tuple[str, ...] = ()
    """``key=value`` each, on top of the profile."""
    unit: str = "utterance"
    """utterance, or crop (a leak; the protocol lesson)."""
    repeats: int = 1
    """Times that the protocol is drawn and all its folds are trained, each time from another seed."""
    seed: int = 0
    """Seed of the first repeat; the others count on."""
    fold: int | None = None
    """Only this fold of the protocol, from 0; ``None``: all. For chains whose input is another one in every fold."""

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise UserError(f"--repeats {self.repeats}: must be 1 or more.")
        _ = self.settings  # a wrong profile or setting is said at once

    @cached_property
    def recipe(self) -> Recipe:
        """The chapter's recipe."""
        return recipe(self.chapter)

    @cached_property
    def settings(self) -> Settings:
        """The profile with the changes."""
        return self.recipe.settings(self.profile, self.changes)

    @property
    def name(self) -> str:
        """Name of the run folder: readable, and different for every configuration."""
        parts = [
            self.chapter, file_name(self.corpus), self.protocol,
            *(["crops"] if self.unit == "crop" else []), self.profile, self.settings.digest,
            f"x{self.repeats}", f"seed{self.seed}", *([] if self.fold is None else [f"fold{self.fold}"]),
        ]  # fmt: skip
        return "-".join(parts)

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        return runs_dir() / self.name
