"""One map in a notebook, with the choice of layer, method and neighbourhood above it.

Points are drawn by jupyter-scatter (WebGL); how many it stands, `python -m benchmarks explorer` measures.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

import html
from collections.abc import Callable

import ipywidgets
import numpy as np
import pandas as pd

from sercourse.errors import UserError
from sercourse.explain.colourings import COLOURINGS, classes_of
from sercourse.explain.frame_fit import NO_MAPS
from sercourse.explain.map_source import MapSource
from sercourse.explain.projections import METHODS, NEIGHBOURS, PERPLEXITY, Projection

try:
    import jscatter
except ImportError:
    raise UserError(NO_MAPS) from None

MARGIN = 0.04
"""Of the map's side that stays free around the points."""

WANDER_MS = 800
"""Points need so long to their places on another map."""

LARGE = 5_000
"""Points from which smaller ones are drawn."""


class MapPane(ipywidgets.VBox):
    """A map and its controls.

    Args:
        source: what is drawn.
        colour: what colours the points.
        method: one of :data:`~sercourse.explain.projections.METHODS`.
        height: of the map, pixels.

    Attributes:
        scatter: the points; ``scatter.widget`` has the traits ``selection`` (rows) and ``hovering`` (a row or −1).
        projection: the map that is shown.
    """

    def __init__(self, source: MapSource, *, colour: str = "emotion", method: str = "tsne", height: int = 380):
        self.source, self._colour = source, colour
        self._controls(method)
        self.projection: Projection = source.place(self._layer.value, method)
        labels = {name: source.labels(name).to_numpy() for name in COLOURINGS}
        self._frame = pd.DataFrame(_square(self.projection.points) | labels)
        self.scatter = jscatter.Scatter(
            data=self._frame, x="x", y="y", x_scale=(0, 1), y_scale=(0, 1), height=height, axes=False, legend=True,
            size=3 if len(self._frame) > LARGE else 8, opacity=0.8, tooltip=True, tooltip_properties=["color"],
            mouse_mode="lasso", **self._colours(),
        )  # fmt: skip
        self.scatter.options(transition_points_duration=WANDER_MS)
        self._tell()
        title = ipywidgets.HTML(f"<b>{html.escape(source.title)}</b>")
        super().__init__([title, self._row, self.scatter.show(), self._said], layout={"flex": "1 1 380px"})

    def recolour(self, colour: str) -> None:
        """Colour by another column; one of :data:`~sercourse.explain.colourings.COLOURINGS`."""
        self._colour = colour
        about = self._colours()
        self.scatter.color(by=about["color_by"], map=about["color_map"])

    def _controls(self, method: str) -> None:
        wide = {"style": {"description_width": "initial"}, "layout": {"width": "auto"}}
        others = len(self.source.table) - 1
        self._layer = ipywidgets.Dropdown(options=list(self.source.layers), value=self.source.first, **wide)
        self._layer.description = "layer"
        named = [(title, name) for name, title in METHODS.items()]
        self._method = ipywidgets.Dropdown(options=named, value=method, description="method", **wide)
        self._perplexity = _slider("perplexity", int(PERPLEXITY), others // 3)
        self._neighbours = _slider("neighbours", NEIGHBOURS, others)
        self._said = ipywidgets.HTML()
        self._row = ipywidgets.HBox([self._layer, self._method, self._perplexity, self._neighbours])
        self._row.layout.flex_flow = "row wrap"
        self._show_own_slider()
        for control in (self._layer, self._method, self._perplexity, self._neighbours):
            control.observe(lambda _: self._draw(), names="value")

    def _setting(self) -> dict[str, int]:
        if self._method.value == "tsne":
            return {"perplexity": self._perplexity.value}
        return {"neighbours": self._neighbours.value} if self._method.value == "umap" else {}

    def _show_own_slider(self) -> None:
        for name, slider in (("tsne", self._perplexity), ("umap", self._neighbours)):
            slider.layout.display = "" if self._method.value == name else "none"

    def _draw(self) -> None:
        self._show_own_slider()
        self._said.value = "<p>Computing …</p>"
        try:
            self.projection = self.source.place(self._layer.value, self._method.value, **self._setting())
        except UserError as error:
            self._said.value = f"<p>{html.escape(str(error))}</p>"
            return
        self.scatter.xy(**_square(self.projection.points), x_scale=(0, 1), y_scale=(0, 1), animate=True)
        self._tell()

    def _tell(self) -> None:
        layer = self._layer.value
        apart = ", ".join(f"{name} {value:.2f}" for name, value in self.source.silhouettes(layer).items())
        told = [self.source.layers[layer], self.projection.describe(), f"silhouette in the layer: {apart or 'none'}"]
        self._said.value = "<p>" + ".<br>".join(map(html.escape, told)) + ".</p>"

    def _colours(self) -> dict:
        known = {one["name"]: one["colour"] for one in classes_of(self.source.table[self._colour])}
        return {"color_by": self._colour, "color_map": known}


def linked(panes: list[MapPane], chosen: Callable[[list[int]], None], hovered: Callable[[int | None], None]) -> None:
    """Let maps of the same utterances share selection and hovering.

    Args:
        panes: in the same order of utterances.
        chosen: called with the rows of a new selection.
        hovered: called with the row under the mouse; ``None``: none.
    """
    busy: list[bool] = []

    def share(change: dict, value: object, tell: Callable[[], None]) -> None:
        if busy:
            return  # the others echo what they are told
        busy.append(True)
        try:
            tell()  # first: a browser that draws the other maps answers to nothing else
            for pane in panes:
                if pane.scatter.widget is not change["owner"]:
                    setattr(pane.scatter.widget, change["name"], value)
        finally:
            busy.clear()

    def select(change: dict) -> None:
        rows = np.asarray([] if change["new"] is None else change["new"], dtype=np.uint32)
        share(change, rows, lambda: chosen([int(row) for row in rows]))

    def hover(change: dict) -> None:
        row = change["new"]
        row = None if row is None or row < 0 else int(row)
        share(change, row, lambda: hovered(row))

    for pane in panes:
        pane.scatter.widget.observe(select, names="selection")
        pane.scatter.widget.observe(hover, names="hovering")


def _slider(name: str, start: int, most: int) -> ipywidgets.IntSlider:
    """A slider of 2 to 100 neighbours, fewer where points are few; draws once it is let go."""
    most = max(min(100, most), 2)
    return ipywidgets.IntSlider(
        value=min(start, most), min=min(2, most), max=most, description=name, continuous_update=False,
        style={"description_width": "initial"},
    )  # fmt: skip


def _square(points: np.ndarray) -> dict[str, np.ndarray]:
    """Points ``(N, 2)`` moved into the unit square, both axes by the same measure."""
    low, spread = points.min(0), np.ptp(points, axis=0)
    centred = (points - low - spread / 2) / (spread.max() or 1.0)
    x, y = (0.5 + (1 - 2 * MARGIN) * centred).T
    return {"x": x, "y": y}
