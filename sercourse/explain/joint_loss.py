"""The weights of the joint loss, live: sliders for alpha and beta over a grid of networks that were trained before.

Source: Chen et al., Expert Systems with Applications 2025, equation 13 and figure 14.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
import numpy as np
import pandas as pd
from IPython.display import Image
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sercourse.experiments.mtlser_grid import SURFACES
from sercourse.explain.plots import png
from sercourse.explain.still_box import StillBox
from sercourse.explain.widgets import DPI, chooser


class JointLossBox(StillBox):
    """The sliders with their picture."""

    no_kernel = "The sliders need a running kernel; the picture below shows alpha = 0 and beta = 0."


def picture(result: Mapping, alpha: float, beta: float) -> bytes:
    """Each task's figure over both weights as a map, the chosen pair framed, as the bytes of a PNG file.

    Args:
        result: what ``mtlser/figure14`` gave.
        alpha: one of the grid's.
        beta: one of the grid's.
    """
    cells = pd.DataFrame(result["cells"])
    figure = Figure(figsize=(11, 3.4), dpi=DPI, layout="constrained")
    for axis, (task, title) in zip(figure.subplots(1, len(SURFACES)), SURFACES.items(), strict=True):
        square = cells.pivot(index="beta", columns="alpha", values=task).astype(float)
        shown = np.ma.masked_invalid(square.to_numpy())
        axis.imshow(shown, origin="lower", cmap="viridis_r" if task == "text" else "viridis")
        axis.grid(visible=False)
        for row, column in np.ndindex(*square.shape):
            value = square.iat[row, column]
            axis.text(column, row, "–" if np.isnan(value) else f"{value:.0f}", ha="center", va="center", color="white")
        place = list(square.columns).index(alpha) - 0.5, list(square.index).index(beta) - 0.5
        axis.add_patch(Rectangle(place, 1, 1, fill=False, edgecolor="#D55E00", linewidth=3))
        axis.set_xticks(range(square.shape[1]), [f"{value:g}" for value in square.columns])
        axis.set_yticks(range(square.shape[0]), [f"{value:g}" for value in square.index])
        axis.set(xlabel="alpha (words)", ylabel="beta (speaker)", title=title)
    return png(figure)


def still(result: Mapping) -> Image:
    """The picture of one choice, for readers without a kernel."""
    return Image(picture(result, 0.0, 0.0), format="png")


def joint_loss_widget(result: Mapping) -> JointLossBox:
    """Choose alpha and beta; the picture frames the pair.

    Args:
        result: what ``mtlser/figure14`` gave, or what is stored of it.
    """
    cells = pd.DataFrame(result["cells"])
    choices = [
        ipywidgets.SelectionSlider(
            options=sorted(cells[name].unique()), value=0.0, description=label, continuous_update=False,
            style={"description_width": "initial"},
        )
        for name, label in (("alpha", "α, words"), ("beta", "β, speaker"))
    ]  # fmt: skip
    return chooser(choices, lambda alpha, beta: picture(result, alpha, beta), lambda *_: "", box=JointLossBox)
