"""Softmax on a circle: three class vectors, a dozen utterances, and what scale, margin and focus do to them, live.

Features and class vectors of length 1 differ by an angle alone, so in two dimensions everything lies on a circle and
can be looked at: where each class wins when somebody asks, where training is content, and what an utterance costs.

Source: Deng et al. 2019 (ArcFace); Wen et al. 2023, equations 1 and 2, figure 1.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from itertools import pairwise

import ipywidgets
import numpy as np
import torch
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes
from torch import Tensor

from sercourse.explain.plots import EMOTION_COLOURS, png
from sercourse.explain.widgets import DPI, SlidersBox, chooser
from sercourse.losses.angular import apfl, arcface, normalised_softmax, penalised

DIRECTIONS: dict[str, float] = {"anger": 20.0, "happiness": 95.0, "sadness": 230.0}
"""Of the class vectors, degrees; the first two are 75 degrees apart, which some margins do not leave room for."""

MARKERS: dict[str, str] = {"anger": "o", "happiness": "^", "sadness": "s"}

SCALES: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 64.0)
MARGINS: tuple[float, ...] = tuple(round(0.1 * step, 1) for step in range(16))
GAMMAS: tuple[float, ...] = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
PAPER = 10.0, 0.5, 0.1
"""Scale, margin (radians) and gamma of the paper's best row for strangers on EMO-DB."""

STYLES: dict[str, dict] = {
    "softmax": {"color": "#999999", "linestyle": ":", "linewidth": 2.5},
    "ArcFace": {"color": "#56B4E9", "linestyle": "--", "linewidth": 2.5},
    "APFL": {"color": "#000000", "linewidth": 1.5},
}
SPREAD = 34.0
"""Degrees by which utterances scatter around their class vectors."""

NOBODY = -1
"""In place of a class: training is not content here with any."""

BEGIN = 162.5
"""Degrees: half way from happiness to sadness, where no arc is cut in two by beginning there."""


def embeddings(each: int = 4, seed: int = 238) -> tuple[np.ndarray, np.ndarray]:
    """Utterances around their class vectors.

    Args:
        each: utterances per class.
        seed: of their places.

    Returns:
        Angles ``(N,)``, degrees, and classes ``(N,)``.
    """
    labels = np.repeat(np.arange(len(DIRECTIONS)), each)
    spread = np.random.default_rng(seed).normal(0.0, SPREAD, len(labels))
    return (np.array(list(DIRECTIONS.values()))[labels] + spread) % 360, labels


def cosines(angles: np.ndarray) -> Tensor:
    """Between features at these angles (degrees, ``(N,)``) and the class vectors: ``(N, 3)``."""
    apart = np.deg2rad(np.asarray(angles, dtype=float)[:, None] - np.array(list(DIRECTIONS.values())))
    return torch.from_numpy(np.cos(apart))


def content(angles: np.ndarray, margin: float) -> np.ndarray:
    """The class whose utterances satisfy training at each place: nearest even after its angle has grown by the margin.

    Args:
        angles: degrees, ``(N,)``.
        margin: radians; 0 gives the class that wins when somebody asks.

    Returns:
        ``(N,)``, numbers of classes, :data:`NOBODY` where there is none.
    """
    plain = cosines(angles)
    strict = penalised(plain, margin) if margin else plain
    own = torch.eye(plain.shape[1], dtype=torch.bool)
    rivals = plain[:, None].masked_fill(own, -2.0).amax(2)  # (N, 3), the best of the others
    satisfied = strict >= rivals
    return torch.where(satisfied.any(1), satisfied.int().argmax(1), NOBODY).numpy()


def losses(angles: np.ndarray, labels: np.ndarray, scale: float, margin: float, gamma: float) -> dict[str, np.ndarray]:
    """What each utterance costs, in nats.

    Args:
        angles: degrees, ``(N,)``.
        labels: classes, ``(N,)``.
        scale: above 0.
        margin: radians.
        gamma: 0 or more.

    Returns:
        ``softmax`` (of cosines: scale alone), ``ArcFace`` (with the margin), ``APFL`` (with margin and focus), each
        ``(N,)``.
    """
    rows = list(zip(cosines(angles).split(1), torch.as_tensor(labels).split(1), strict=True))
    family = {
        "softmax": lambda cosine, label: normalised_softmax(cosine, label, scale=scale),
        "ArcFace": lambda cosine, label: arcface(cosine, label, scale=scale, margin=margin),
        "APFL": lambda cosine, label: apfl(cosine, label, scale=scale, margin=margin, gamma=gamma),
    }
    return {name: np.array([float(loss(*row)) for row in rows]) for name, loss in family.items()}


def picture(scale: float, margin: float, gamma: float) -> bytes:
    """The circle, and beside it the loss of one utterance over its angle, as the bytes of a PNG file.

    Args:
        scale: above 0.
        margin: radians, at least 0 and below pi.
        gamma: 0 or more.
    """
    figure = Figure(figsize=(11, 4.6), dpi=DPI, layout="constrained")
    parts = figure.subfigures(1, 2, width_ratios=(4, 5))
    _draw_circle(parts[0].add_subplot(projection="polar"), scale, margin, gamma)
    _draw_loss(parts[1].subplots(), scale, margin, gamma)
    return png(figure)


def still(scale: float = PAPER[0], margin: float = PAPER[1], gamma: float = PAPER[2]) -> Image:
    """The picture of one choice, for readers without a kernel."""
    return Image(picture(scale, margin, gamma), format="png")


def circle_widget() -> SlidersBox:
    """Choose scale, margin and focus; boundaries and losses follow."""
    choices = [
        ipywidgets.SelectionSlider(
            options=options, value=value, description=name, continuous_update=False,
            style={"description_width": "initial"}, layout={"width": "420px"},
        )
        for name, options, value in zip(
            ("scale s", "margin m (rad)", "focus γ"), (SCALES, MARGINS, GAMMAS), PAPER, strict=True
        )
    ]  # fmt: skip
    return chooser(choices, picture, lambda *_: "", box=SlidersBox)


def _draw_circle(ax: PolarAxes, scale: float, margin: float, gamma: float) -> None:
    """Inner ring: who wins when somebody asks. Outer ring: where training is content. Marks: what utterances cost."""
    names, grid = list(DIRECTIONS), np.arange(BEGIN, BEGIN + 360.0, 0.5)
    for allowed, bottom, height, alpha in ((0.0, 1.1, 0.1, 0.35), (margin, 1.22, 0.16, 1.0)):
        for first, last, number in _runs(content(grid, allowed)):
            if number != NOBODY:
                start, end = np.deg2rad(grid[first]), np.deg2rad(grid[last] + 0.5)
                ax.bar(
                    (start + end) / 2, height, end - start, bottom, color=EMOTION_COLOURS[names[number]], alpha=alpha
                )
    angles, labels = embeddings()
    cost = losses(angles, labels, scale, margin, gamma)
    for number, name in enumerate(names):
        colour, there = EMOTION_COLOURS[name], labels == number
        ax.plot(np.deg2rad([DIRECTIONS[name]] * 2), [0, 0.92], color=colour, linewidth=2.5)
        ax.text(np.deg2rad(DIRECTIONS[name] + 32), 0.55, name, color=colour, ha="center", va="center", fontsize=11)
        share = cost["APFL"][there] / max(cost["APFL"].sum(), 1e-12)
        ax.scatter(
            np.deg2rad(angles[there]), np.ones(there.sum()), s=20 + 700 * share, marker=MARKERS[name],
            color=colour, edgecolors="black", linewidths=0.8, alpha=0.85, zorder=3,
        )  # fmt: skip
    ax.set(ylim=(0, 1.4), yticks=[], xticks=np.deg2rad(np.arange(0, 360, 45)))
    ax.grid(visible=False)
    ax.spines["polar"].set_visible(False)
    right, pleased = ((content(angles, allowed) == labels).sum() for allowed in (0.0, margin))
    ax.set_title(
        f"inner ring: told right {right} of {len(labels)};  outer: training content with {pleased}\n"
        + "mean loss: " + ", ".join(f"{name} {values.mean():.2f}" for name, values in cost.items()),
        fontsize=10,
    )  # fmt: skip


def _draw_loss(ax: Axes, scale: float, margin: float, gamma: float) -> None:
    """The loss of one angry utterance at every angle."""
    name, grid = next(iter(DIRECTIONS)), np.arange(-160.0, 201.0, 2.0)
    for loss, values in losses(grid, np.zeros(len(grid), dtype=int), scale, margin, gamma).items():
        ax.plot(grid, values, label=loss, **STYLES[loss])
    for first, last, number in _runs(content(grid, margin)):
        if number == 0:
            ax.axvspan(grid[first], grid[last], color=EMOTION_COLOURS[name], alpha=0.2, linewidth=0)
    for other, direction in DIRECTIONS.items():
        ax.axvline(direction if direction <= 200 else direction - 360, color=EMOTION_COLOURS[other], linewidth=1.5)
    setting = f"s = {scale:g}, m = {margin:g} rad = {np.rad2deg(margin):.0f}°, γ = {gamma:g}"
    ax.set_title(f"one utterance of {name}: {setting}", fontsize=11)
    ax.set(xlabel="where the utterance lies (degrees); lines: class vectors", ylabel="loss (nats)")
    ax.set(xticks=range(-135, 181, 45), xlim=(-160, 200))
    ax.set_ylim(bottom=0)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize=10)


def _runs(classes: np.ndarray) -> list[tuple[int, int, int]]:
    """First and last place and class of every stretch of equal classes."""
    borders = [0, *(np.flatnonzero(np.diff(classes)) + 1), len(classes)]
    return [(first, past - 1, int(classes[first])) for first, past in pairwise(borders)]
