"""What the training of a chapter needs to know about it.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from sercourse.errors import UserError, did_you_mean
from sercourse.losses.balancing import Balancer, FixedWeights, GradNorm
from sercourse.models.multitask import MAIN, Classes, MultiTaskModel
from sercourse.training.batches import Examples
from sercourse.training.settings import CHAPTERS, PEERS, PROFILES, Settings

FeatureMaps = Mapping[str, Mapping[str, np.ndarray]]
"""Feature set to (utterance id to array)."""


class Recipe(ABC):
    """A chapter's part of a training run.

    Attributes:
        name: the chapter.
        profiles: quick, course and paper.
        seconds: rule of thumb per profile: seconds for an epoch of 100 utterances on one core, for the
            plan alone; ``make bench`` measures them.
    """

    name: str
    profiles: Mapping[str, Settings]
    seconds: Mapping[str, float]
    chunk_seconds: float | None = None
    """Predictions hear a recording in pieces of this length, one after the other; ``None``: as a whole."""

    writes: tuple[str, ...] = ()
    """Columns of the table that the network learns to write; their texts are part of what a run belongs to."""

    reads: tuple[str, ...] = ()
    """Columns whose texts go into the network; part of what a run belongs to, too."""

    @abstractmethod
    def features(self, settings: Settings) -> tuple[str, ...]:
        """The feature sets to extract."""

    def derived(
        self, features: FeatureMaps, table: pd.DataFrame, settings: Settings, *, progress: bool = False
    ) -> FeatureMaps:
        """What frozen networks make of the utterances, under names of its own; not every utterance must be in it.

        Args:
            features: the extracted ones.
            table: the utterances.
            settings: of data and network.
            progress: show a progress bar where it takes long.
        """
        return {}

    def labels(self, settings: Settings) -> tuple[str, ...]:
        """The tasks with classes: columns of the utterance table, the main one first."""
        return (MAIN,)

    def alphabets(self, table: pd.DataFrame, settings: Settings) -> Classes:
        """Symbols of each task that writes a text, from the training side; a task without texts is off."""
        return {}

    def notices(self, table: pd.DataFrame, settings: Settings) -> list[str]:
        """Sentences a reader of the result should know about what this chapter made of the corpus."""
        return []

    def taught(self, table: pd.DataFrame, settings: Settings, seed: int) -> pd.DataFrame:
        """The utterances with the labels that a network learns; a control may teach others than the true ones.

        Args:
            table: the utterances.
            settings: of data and network.
            seed: of the network.
        """
        return table

    @abstractmethod
    def examples(self, features: FeatureMaps, table: pd.DataFrame, classes: Classes, settings: Settings) -> Examples:
        """The utterances as this chapter's network takes them."""

    @abstractmethod
    def model(self, features: FeatureMaps, ids: Sequence[str], classes: Classes, settings: Settings) -> MultiTaskModel:
        """A fresh network whose scaling is fitted on the utterances ``ids``, which are those it learns from."""

    @abstractmethod
    def empty_model(self, about: dict, settings: Settings) -> MultiTaskModel:
        """A network of the right shape for stored weights; ``about`` is what :meth:`shape` gave."""

    @abstractmethod
    def shape(self, model: MultiTaskModel) -> dict:
        """What :meth:`empty_model` needs to know, fit for JSON."""

    def balancer(self, settings: Settings, network: MultiTaskModel) -> Balancer:
        """The balancer of the network's losses: the weights that the model's settings name, fixed or as a beginning."""
        loop, weights = settings.loop, self.weights(settings, network)
        if loop.balancer == "fixed":
            return FixedWeights(weights)
        weights = {task: weights[task] for task in network.tasks}
        pace = {"alpha": loop.gradnorm_alpha, "rate": loop.gradnorm_rate}
        return GradNorm(weights, initial=network.initial_losses(), **pace)

    def weights(self, settings: Settings, network: MultiTaskModel) -> Mapping[str, float]:
        """The weight of each loss, those among them that this network does not have."""
        return settings.model.weights

    def settings(self, profile: str, assignments: Sequence[str] = ()) -> Settings:
        """A profile with ``--set`` applied.

        Raises:
            UserError: no such profile, setting or value.
        """
        if profile not in self.profiles:
            hint = did_you_mean(profile, PROFILES)
            raise UserError(f"--profile {profile}: no such profile; choose one of {', '.join(PROFILES)}.{hint}")
        return self.profiles[profile].changed(assignments)


def frame_statistics(utterances: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every feature over all frames of some utterances ``(T, F)``, ``(F,)`` each."""
    count, total, squares = 0, 0.0, 0.0
    for utterance in utterances:
        frames = utterance.astype(np.float64)  # (T, F)
        count += len(frames)
        total = total + frames.sum(0)
        squares = squares + np.square(frames).sum(0)
    mean = total / count
    return mean.astype(np.float32), np.sqrt(np.maximum(squares / count - mean**2, 0)).astype(np.float32)


def recipe(chapter: str) -> Recipe:
    """The recipe of a chapter, or of a peer that a chapter is compared with.

    Raises:
        UserError: no such chapter.
    """
    known = (*CHAPTERS, *PEERS)
    if chapter not in known:
        hint = did_you_mean(chapter, known)
        raise UserError(f"{chapter}: no such chapter to train; choose one of {', '.join(known)}.{hint}")
    return importlib.import_module(f"sercourse.training.recipes.{chapter}").RECIPE
