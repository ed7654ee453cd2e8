"""``sercourse explore``: a run's layer as a map, in figures and as a page.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console

from sercourse.explain.layers import fold_names, meanings, vectors_of
from sercourse.explain.maps import silhouette
from sercourse.explain.page import check_colour, silent_because, write_page
from sercourse.explain.projections import Projection, check_method, project
from sercourse.training.runs import Run, read_run

SEPARATED: tuple[str, ...] = ("emotion", "predicted", "speaker", "gender", "language")
"""Labels whose silhouettes are told."""


@dataclass(frozen=True)
class Exploration:
    """One layer of a run, projected.

    Attributes:
        run: the run.
        fold: name of the fold.
        layer: which layer.
        vectors: ``(N, D)`` by utterance id.
        table: what is known of the utterances, in the same order.
        projection: the map.
        silhouettes: by label, in the space before the projection; those with a meaning.
    """

    run: Run
    fold: str
    layer: str
    vectors: pd.DataFrame
    table: pd.DataFrame
    projection: Projection
    silhouettes: dict[str, float]

    @property
    def corpus(self) -> str:
        """The run's."""
        return self.run.about["config"]["corpus"]

    @property
    def notes(self) -> list[str]:
        """What a reader of the map should know, in sentences."""
        count, width = self.vectors.shape
        tested = self.table["judged"].notna()
        right = int((self.table["judged"] == "right").sum())
        told = ", ".join(f"{name} {value:.2f}" for name, value in self.silhouettes.items())
        what = f"{self.layer}: {meanings(self.run)[self.layer]}, {width} numbers for each of {count} utterances"
        return [
            f"{what}, fold “{self.fold}”; {right} of {int(tested.sum())} tested ones are predicted right.",
            f"Silhouette in the layer itself (1 apart, 0 mixed): {told or 'none, for labels are lacking'}.",
            f"Run: {self.run.summary['run']}.",
        ]

    def write(self, file: Path, *, colour: str = "emotion", audio: bool = True) -> Path:
        """The page; see :func:`~sercourse.explain.page.write_page`."""
        title = f"{self.run.summary['chapter']} on {self.corpus}: {self.layer}"
        about = {"corpus": self.corpus, "title": title, "notes": self.notes}
        return write_page(file, self.projection, self.table, colour=colour, audio=audio, **about)

    def to_json(self) -> dict:
        """For ``--json``."""
        return {
            "run": self.run.summary["run"],
            "corpus": self.corpus,
            "layers": meanings(self.run),
            "layer": self.layer,
            "fold": self.fold,
            "utterances": len(self.table),
            "method": self.projection.method,
            "parameters": self.projection.parameters,
            "trustworthiness": self.projection.trustworthiness,
            "silhouettes": self.silhouettes,
            "points": {i: [float(x), float(y)] for i, (x, y) in zip(self.table.index, self.projection.points)},
        }


def explore(
    run: Run | str | Path,
    *,
    layer: str | None = None,
    method: str = "tsne",
    fold: int = 0,
    side: str = "test",
    seed: int = 0,
    table: pd.DataFrame | None = None,
    progress: bool = False,
) -> Exploration:
    """Vectors of a layer, their map, and how well labels separate in it.

    Args:
        run: a finished run, or its folder.
        layer: ``None``: the first of :func:`~sercourse.explain.layers.layers_of`.
        method: see :func:`~sercourse.explain.projections.project`.
        fold, side, table, progress: see :func:`~sercourse.explain.layers.vectors_of`.
        seed: of the projection.

    Raises:
        UserError: as these functions.
    """
    check_method(method)  # before anything is computed
    run = run if isinstance(run, Run) else read_run(run)
    layer = layer or next(iter(meanings(run)))
    vectors, table = vectors_of(run, layer, fold=fold, side=side, table=table, progress=progress)
    projection = project(vectors.to_numpy(), method, seed=seed)
    scores = {name: _score(vectors, table[name]) for name in SEPARATED}
    known = {name: value for name, value in scores.items() if value == value}  # NaN: one class only
    return Exploration(run, fold_names(run)[fold], layer, vectors, table, projection, known)


def _score(vectors: pd.DataFrame, labels: pd.Series) -> float:
    """The silhouette over utterances that have the label."""
    there = labels.notna().to_numpy()
    return silhouette(vectors.to_numpy()[there], labels[there].to_numpy()) if there.any() else float("nan")


def run_explore(
    run: Path,
    *,
    layer: str | None,
    method: str,
    fold: int,
    side: str,
    colour: str,
    seed: int,
    html: Path | None,
    console: Console,
) -> dict:
    """The command: prints what was found, writes the page where one is asked for.

    Args:
        run, layer, method, fold, side, seed: see :func:`explore`.
        colour: what colours the points of the page at first.
        html: where the page goes; ``None``: no page.
        console: where to print.

    Returns:
        The figures, for ``--json``.
    """
    check_colour(colour)
    found = explore(run, layer=layer, method=method, fold=fold, side=side, seed=seed, progress=True)

    def say(line: str) -> None:
        console.print(line, soft_wrap=True, markup=False)

    for name, meaning in meanings(found.run).items():
        say(f"{'*' if name == found.layer else ' '} {name:<18}{meaning}")
    for note in found.notes:
        say(note)
    say(f"{found.projection.describe()}.")
    if html is None:
        say("To look, click and listen, add --html FILE.")
        return found.to_json()
    found.write(html, colour=colour)
    say(f"{html}: {html.stat().st_size / 1e6:.1f} MB, open it in a browser; it needs no network.")
    silent = silent_because(found.corpus, len(found.table))
    if silent:
        say(silent)
    return found.to_json() | {"html": str(html)}
