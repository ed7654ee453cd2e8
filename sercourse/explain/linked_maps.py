"""Maps in a notebook: choose points on one, see them on the other, hear them below.

    linked_maps(run)                                  one map
    linked_maps({"softmax": one, "APFL": other})      two, of the utterances that both were tested on

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import ipywidgets
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from sercourse.errors import UserError
from sercourse.explain.colourings import COLOURINGS, check_colour, told_by
from sercourse.explain.frame_fit import FrameFit
from sercourse.explain.map_pane import MapPane, linked
from sercourse.explain.map_source import MapSource
from sercourse.explain.maps import class_map
from sercourse.explain.still_box import StillBox
from sercourse.explain.utterance_panel import UtterancePanel
from sercourse.training.runs import Run

LISTED = 1000
"""Utterances that are offered by name; of more, any name can be typed."""


class LinkedMaps(StillBox):
    """Maps side by side, one choice of colours, one panel.

    Args:
        sources: one or more; only utterances that all of them have are drawn.
        colour: what colours the points at first.

    Attributes:
        panes: the maps.
        panel: what is chosen.

    Raises:
        UserError: no such colouring; sources without common utterances.
    """

    no_kernel = "Run the notebook to explore this map; a still picture stands below."

    def __init__(self, *sources: MapSource, colour: str = "emotion"):
        common = [i for i in sources[0].table.index if all(i in source.table.index for source in sources)]
        sources = tuple(source.restricted(common) for source in sources)
        known = [name for name in COLOURINGS if any(name in told_by(source.table) for source in sources)]
        check_colour(colour, tuple(known))
        self.panes = [MapPane(source, colour=colour) for source in sources]
        self.panel = UtterancePanel(sources[0].table, {source.title: source.table for source in sources})
        named = [(COLOURINGS[name], name) for name in known]
        self._colour = ipywidgets.Dropdown(options=named, value=colour, description="colour by")
        self._play = ipywidgets.Checkbox(value=False, description="play while hovering", indent=False)
        # Points of a canvas cannot be reached by keyboard; this list can.
        self._choose = ipywidgets.Combobox(options=common[:LISTED], description="utterance")
        self._choose.placeholder = "name an utterance"
        self._colour.observe(self._recolour, names="value")
        self._choose.observe(self._choose_by_name, names="value")
        linked(self.panes, self._chosen, self._hovered)
        row = ipywidgets.HBox([self._colour, self._choose, self._play], layout={"flex_flow": "row wrap"})
        maps = ipywidgets.HBox(self.panes, layout={"flex_flow": "row wrap"})
        super().__init__([row, maps, self.panel, FrameFit()])
        self.add_class("sercourse-maps")

    def choose(self, *utterances: str) -> None:
        """Select utterances, as a lasso does.

        Raises:
            UserError: one that is not on the map.
        """
        index = self.panes[0].source.table.index
        for one in utterances:
            if one not in index:
                raise UserError(f"{one}: no such utterance on this map; `table.index` of its source lists them.")
        self.panes[0].scatter.widget.selection = index.get_indexer(utterances).astype("uint32")

    def still(self, colour: str | None = None) -> Figure:
        """The maps as a picture, for readers without a kernel.

        Args:
            colour: what colours the points; ``None``: what does so now.
        """
        colour = colour or self._colour.value
        figure, axes = plt.subplots(
            1, len(self.panes), figsize=(6.2 * len(self.panes), 3.6), layout="constrained", squeeze=False
        )
        for ax, pane in zip(axes[0], self.panes):
            column = pane.source.table[colour]
            class_map(pane.projection.points, column, ax, title=pane.source.title, legend=ax is axes[0, -1])
            ax.set_xlabel(pane.projection.describe(), fontsize=8)
        return figure

    def _recolour(self, change: dict) -> None:
        for pane in self.panes:
            pane.recolour(change["new"])
        if len(self.panel.chosen) > 1:
            self.panel.show_many(self.panel.chosen, change["new"])

    def _choose_by_name(self, change: dict) -> None:
        if change["new"] in self.panes[0].source.table.index:
            self.choose(change["new"])

    def _chosen(self, rows: list[int]) -> None:
        names = self.panes[0].source.table.index[rows].tolist()
        if len(names) > 1:
            self.panel.show_many(names, self._colour.value)
        elif names:
            self.panel.show_one(names[0], autoplay=True)
        else:
            self.panel.clear()

    def _hovered(self, row: int | None) -> None:
        selected = self.panes[0].scatter.widget.selection
        selected = [] if selected is None else [int(each) for each in selected]
        names = self.panes[0].source.table.index
        if len(selected) > 1:
            return  # it stays until it is given up
        if row is not None:
            self.panel.show_one(names[row], autoplay=self._play.value)
        elif selected:
            self.panel.show_one(names[selected[0]])


def linked_maps(
    runs: Run | str | Path | Mapping[str, Run | str | Path],
    *,
    layers: Mapping[str, str] | None = None,
    colour: str = "emotion",
    fold: int = 0,
    side: str = "test",
    table: pd.DataFrame | None = None,
    seed: int = 0,
) -> LinkedMaps:
    """Maps of one run, or of several by title.

    Args:
        runs: a run or its folder; or several, by what stands above their maps.
        layers: by title, the layer to look at first; without it the chapter's first.
        colour: see :class:`LinkedMaps`.
        fold, side, table: see :func:`~sercourse.explain.layers.vectors_of`.
        seed: of the projections.

    Raises:
        UserError: no run, a layer for a map that is not there, or as :class:`LinkedMaps`.
    """
    named = runs if isinstance(runs, Mapping) else {"": runs}
    if not named:
        raise UserError("linked_maps: give one run or more.")
    if unknown := set(layers or {}) - set(named):
        raise UserError(f"layers: there is no map '{min(unknown)}'; the maps are {', '.join(map(repr, named))}.")
    asked = {"fold": fold, "side": side, "table": table, "seed": seed}
    sources = [MapSource(run, title=name, layer=(layers or {}).get(name), **asked) for name, run in named.items()]
    return LinkedMaps(*sources, colour=colour)
