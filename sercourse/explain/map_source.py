"""What a map can be drawn of: a run's layers, each computed once and projected once per setting.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from pathlib import Path

import numpy as np
import pandas as pd

from sercourse.errors import UserError
from sercourse.explain.colourings import check_colour, filled, short_speakers
from sercourse.explain.layers import fold_names, meanings, vectors_of
from sercourse.explain.maps import silhouette
from sercourse.explain.page import without_folders
from sercourse.explain.projections import LEAST, MANY, Projection, project
from sercourse.training.runs import Run, read_run

SEPARATED: tuple[str, ...] = ("emotion", "predicted", "speaker", "gender", "language", "noise")
"""Labels whose silhouettes are told."""


class MapSource:
    """A run and its utterances, ready to be drawn again and again.

    Args:
        run: a finished run, or its folder.
        title: above the map; "": chapter and corpus.
        layer: the one to look at first; ``None``: the chapter's first.
        fold, side, table: see :func:`~sercourse.explain.layers.vectors_of`.
        seed: of the projections.
        progress: show bars where features have yet to be computed.

    Attributes:
        run: the run.
        fold: name of the fold.
        layers: names of what can be drawn, each with its meaning.
        first: the layer to look at first.
        table: what is known of the utterances, as :func:`~sercourse.explain.layers.vectors_of` gives it.

    Raises:
        UserError: as :func:`~sercourse.explain.layers.vectors_of`.
    """

    def __init__(
        self,
        run: Run | str | Path,
        *,
        title: str = "",
        layer: str | None = None,
        fold: int = 0,
        side: str = "test",
        table: pd.DataFrame | None = None,
        seed: int = 0,
        progress: bool = False,
    ):
        self.run = run if isinstance(run, Run) else read_run(run)
        self.layers = meanings(self.run)
        self.first = layer or next(iter(self.layers))
        self.title = title or f"{self.run.summary['chapter']} on {without_folders(self.corpus)}"
        self._asked = {"fold": fold, "side": side, "table": table, "progress": progress}
        self._seed = seed
        self._vectors: dict[str, pd.DataFrame] = {}
        self._placed: dict[tuple, Projection] = {}
        self._vectors[self.first], self.table = vectors_of(self.run, self.first, **self._asked)
        self.fold = fold_names(self.run)[fold]  # vectors_of has said whether there is one
        self.table = self.table.assign(speaker=short_speakers(self.table["speaker"]))

    @property
    def corpus(self) -> str:
        """The run's."""
        return self.run.about["config"]["corpus"]

    def restricted(self, utterances: Sequence[str]) -> MapSource:
        """The same with these utterances only, in this order.

        Raises:
            UserError: fewer than make a map.
        """
        if len(utterances) < LEAST:
            raise UserError(f"{self.title}: {len(utterances)} utterances are left, and {LEAST} make a map.")
        fewer = copy(self)
        fewer.table, fewer._placed = self.table.loc[list(utterances)], {}
        return fewer

    def vectors(self, layer: str) -> np.ndarray:
        """A layer, ``(N, D)``, in the order of :attr:`table`.

        Raises:
            UserError: no such layer, or it lacks some of the utterances.
        """
        if layer not in self._vectors:
            self._vectors[layer], _ = vectors_of(self.run, layer, **self._asked)
        lacking = self.table.index.difference(self._vectors[layer].index)
        if len(lacking):
            raise UserError(f"--layer {layer}: {len(lacking)} utterances have none, '{lacking[0]}' among them.")
        return self._vectors[layer].loc[self.table.index].to_numpy()

    def place(self, layer: str, method: str = "tsne", **setting: float) -> Projection:
        """The map of a layer; ``setting`` as :func:`~sercourse.explain.projections.project` takes it."""
        key = (layer, method, *sorted(setting.items()))
        if key not in self._placed:
            self._placed[key] = project(self.vectors(layer), method, seed=self._seed, **setting)
        return self._placed[key]

    def silhouettes(self, layer: str) -> dict[str, float]:
        """How well each label separates in a layer, before it is projected; labels without a meaning are left out.

        Of more utterances than :data:`~sercourse.explain.projections.MANY`, so many are drawn.
        """
        drawn = np.sort(np.random.default_rng(self._seed).permutation(len(self.table))[:MANY])
        vectors, table, scores = self.vectors(layer)[drawn], self.table.iloc[drawn], {}
        for name in SEPARATED:
            there = table[name].notna().to_numpy()
            scores[name] = silhouette(vectors[there], table[name][there]) if there.any() else float("nan")
        return {name: score for name, score in scores.items() if score == score}

    def labels(self, colour: str) -> pd.Series:
        """A colouring of the utterances as text, none missing.

        Args:
            colour: one of :data:`~sercourse.explain.colourings.COLOURINGS`.

        Raises:
            UserError: it is none of these.
        """
        check_colour(colour)
        return filled(self.table[colour])
