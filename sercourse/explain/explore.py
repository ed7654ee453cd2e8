"""``sercourse explore``: a run's layer as a map, in figures and as a page.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console

from sercourse.explain.colourings import check_colour
from sercourse.explain.map_source import MapSource
from sercourse.explain.page import silent_because, write_page
from sercourse.explain.projections import Projection, check_method
from sercourse.training.runs import Run


@dataclass(frozen=True)
class Exploration:
    """One layer of a run, projected.

    Attributes:
        source: the run and its utterances.
        layer: which layer.
        projection: the map.
        silhouettes: by label, in the space before the projection; those with a meaning.
    """

    source: MapSource
    layer: str
    projection: Projection
    silhouettes: dict[str, float]

    @property
    def notes(self) -> list[str]:
        """What a reader of the map should know, in sentences."""
        count, width = self.source.vectors(self.layer).shape
        tested = self.source.table["judged"].notna()
        right = int((self.source.table["judged"] == "right").sum())
        told = ", ".join(f"{name} {value:.2f}" for name, value in self.silhouettes.items())
        what = f"{self.layer}: {self.source.layers[self.layer]}, {width} numbers for each of {count} utterances"
        return [
            f"{what}, fold “{self.source.fold}”; {right} of {int(tested.sum())} tested ones are predicted right.",
            f"Silhouette in the layer itself (1 apart, 0 mixed): {told or 'none, for labels are lacking'}.",
            f"Run: {self.source.run.summary['run']}.",
        ]

    def write(self, file: Path, *, colour: str = "emotion", audio: bool = True) -> Path:
        """The page; see :func:`~sercourse.explain.page.write_page`."""
        title = f"{self.source.title}: {self.layer}"
        about = {"corpus": self.source.corpus, "title": title, "notes": self.notes}
        return write_page(file, self.projection, self.source.table, colour=colour, audio=audio, **about)

    def to_json(self) -> dict:
        """For ``--json``."""
        return {
            "run": self.source.run.summary["run"],
            "corpus": self.source.corpus,
            "layers": self.source.layers,
            "layer": self.layer,
            "fold": self.source.fold,
            "utterances": len(self.source.table),
            "method": self.projection.method,
            "parameters": self.projection.parameters,
            "trustworthiness": self.projection.trustworthiness,
            "silhouettes": self.silhouettes,
            "points": {i: [float(x), float(y)] for i, (x, y) in zip(self.source.table.index, self.projection.points)},
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
    source = MapSource(run, layer=layer, fold=fold, side=side, table=table, seed=seed, progress=progress)
    return Exploration(source, source.first, source.place(source.first, method), source.silhouettes(source.first))


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

    for name, meaning in found.source.layers.items():
        say(f"{'*' if name == found.layer else ' '} {name:<18}{meaning}")
    for note in found.notes:
        say(note)
    say(f"{found.projection.describe()}.")
    if html is None:
        say("To look, click and listen, add --html FILE.")
        return found.to_json()
    found.write(html, colour=colour)
    say(f"{html}: {html.stat().st_size / 1e6:.1f} MB, open it in a browser; it needs no network.")
    silent = silent_because(found.source.corpus, len(found.source.table))
    if silent:
        say(silent)
    return found.to_json() | {"html": str(html)}
