"""GradNorm, live: two tasks over one small shared layer, and the loss of one of them in larger units.

Two regressions would like three directions of the same eight numbers each, and the shared layer has room for three in
all. Task B's loss is multiplied by a scale, as if it were measured in other units: nothing of what is to be learnt has
changed, and yet with fixed weights B takes the layer for itself. The balancers are the library's, the tasks are toys.

Source: Chen et al., GradNorm, ICML 2018, figures 2 and 3.
Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import ipywidgets
import pandas as pd
import torch
from IPython.display import Image
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor, nn

from sercourse.errors import UserError
from sercourse.explain.plots import png
from sercourse.explain.widgets import DPI, SlidersBox, chooser
from sercourse.losses.balancing import Balancer, FixedWeights, GradNorm

FIXED, GRADNORM = WAYS = ("fixed weights", "GradNorm")
TASKS: tuple[str, str] = ("A", "B")
"""The loss of the second is the one that is scaled."""

SCALES: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
ALPHAS: tuple[float, ...] = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
RATES: tuple[float, ...] = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25)
START = 20.0, 0.0, 0.025
"""Scale, alpha and rate that the sliders begin with."""

STEPS = 200
EVERY = 4
"""Steps from one row of the curves to the next."""

ITEMS, BATCH, INPUTS, SHARED, HIDDEN = 512, 128, 8, 3, 16
NOISE = 0.3
"""Spread of what nobody can learn, beside targets of spread 1."""

COLOURS = {"A": "#0072B2", "B": "#D55E00"}
PANELS = {
    "weight": "weight of the task",
    "pull": "pull at the shared layer",
    "relative": "relative loss L / L(0)",
}
"""Columns of the curves to their axes."""

LIMITS = {"weight": (0.003, 3.0), "pull": (0.03, 100.0), "relative": (0.0, 1.1)}
"""Of the axes, the same for all settings, so that a slider moves the lines and not the ticks."""


class BalanceBox(SlidersBox):
    """The sliders with their picture."""

    def still(self) -> Image:
        """The picture as it is now, to be left under the box for readers without a kernel."""
        scale, alpha, rate = (slider.value for slider in self.children[:3])
        return Image(self.children[-2].value, format="png", alt=in_words(balanced(scale, alpha, rate)))


class Toy(nn.Module):
    """The two tasks and the network that learns them.

    Args:
        scale: of task B's loss.

    Attributes:
        x: ``(N, 8)``.
        y: task to targets ``(N, 2)``, of mean 0 and spread 1: who knows nothing has a loss of 1, times the scale.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scales = {"A": 1.0, "B": scale}
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.x = torch.randn(ITEMS, INPUTS)
            self.y = {task: _targets(self.x) for task in TASKS}
            self.shared = nn.Linear(INPUTS, SHARED)
            self.heads = nn.ModuleDict(
                {task: nn.Sequential(nn.Linear(SHARED, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2)) for task in TASKS}
            )

    def losses(self, rows: Tensor | slice = slice(None)) -> dict[str, Tensor]:
        """Mean squared error of each task on some of the items, times its scale."""
        hidden = self.shared(self.x[rows]).tanh()  # (B, 3)
        return {
            task: self.scales[task] * (self.heads[task](hidden) - self.y[task][rows]).square().mean() for task in TASKS
        }


def _targets(x: Tensor) -> Tensor:
    """Two numbers per item, ``(N, 2)``, that depend on three directions of it."""
    clean = (1.5 * x @ torch.randn(INPUTS, SHARED) / INPUTS**0.5).sin() @ torch.randn(SHARED, 2)
    noisy = clean / clean.std(0) + NOISE * torch.randn(len(x), 2)
    return (noisy - noisy.mean(0)) / noisy.std(0, correction=0)


def balanced(scale: float, alpha: float, rate: float, steps: int = STEPS) -> pd.DataFrame:
    """Train the toy twice from the same start, with fixed weights and with GradNorm.

    Args:
        scale: task B's loss is so many times as large as task A's; above 0.
        alpha: how strongly GradNorm favours a task that lags behind; 0 or more.
        rate: learning rate of GradNorm's weights; 0 or more.
        steps: of the training; 1 or more.

    Returns:
        A row for each ``way``, ``task`` and every fourth ``step``: ``weight`` of the task, ``pull`` (norm of its
        gradient at the shared layer, times its weight), ``relative`` (its loss over that of knowing nothing).

    Raises:
        UserError: a value outside its range.
    """
    if not scale > 0:
        raise UserError(f"scale={scale:g}: task B's loss is so many times as large as A's; give a number above 0.")
    for name, value in (("alpha", alpha), ("rate", rate)):
        if not value >= 0:
            raise UserError(f"{name}={value:g}: GradNorm has no use for it; give 0 or more.")
    if steps < 1:
        raise UserError(f"steps={steps}: there would be nothing to draw; give 1 or more.")
    return pd.concat([_trained(FIXED, scale, 0.0, 0.0, steps), _trained(GRADNORM, scale, alpha, rate, steps)])


@lru_cache(maxsize=128)
def _trained(way: str, scale: float, alpha: float, rate: float, steps: int) -> pd.DataFrame:
    toy, balancer = Toy(scale), _balancer(way, scale, alpha, rate)
    optimiser = torch.optim.Adam(toy.parameters(), lr=0.01, fused=True)
    batches = torch.Generator().manual_seed(1)  # the same for both ways
    rows: list[dict] = []
    balancer.begin_epoch(0)
    for step in range(steps):
        losses = toy.losses(torch.randint(ITEMS, (BATCH,), generator=batches))
        if step % EVERY == 0:
            rows += _measured(toy, balancer, losses, way, step)
        optimiser.zero_grad()
        balancer(losses, toy.shared.weight).backward()
        optimiser.step()
        balancer.after_step()
    return pd.DataFrame(rows)


def _balancer(way: str, scale: float, alpha: float, rate: float) -> Balancer:
    weights = dict.fromkeys(TASKS, 1.0)
    if way == FIXED:
        return FixedWeights(weights)
    return GradNorm(weights, initial={"A": 1.0, "B": scale}, alpha=alpha, rate=rate)


def _measured(toy: Toy, balancer: Balancer, losses: dict[str, Tensor], way: str, step: int) -> list[dict]:
    """A row per task; the pull is that of the batch, which is all that GradNorm sees."""
    with torch.no_grad():
        whole = toy.losses()
    return [
        {
            "way": way, "task": task, "step": step, "weight": weight,
            "pull": weight * torch.autograd.grad(losses[task], toy.shared.weight, retain_graph=True)[0].norm().item(),
            "relative": whole[task].item() / toy.scales[task],
        }
        for task, weight in balancer.weights().items()
    ]  # fmt: skip


def balance_figure(curves: pd.DataFrame, *, title: str = "") -> Figure:
    """Weights, pulls and relative losses over the steps: fixed weights dashed, GradNorm solid, a colour per task.

    Args:
        curves: as :func:`balanced` gives them.
        title: above the picture.
    """
    figure = Figure(figsize=(11, 4.2), dpi=DPI)  # not pyplot's: it must not show by itself
    figure.subplots_adjust(left=0.055, right=0.99, top=0.83, bottom=0.22, wspace=0.2)  # in half the time of a solver
    axes = dict(zip(PANELS, figure.subplots(1, len(PANELS)), strict=True))
    for (way, task), rows in curves.groupby(["way", "task"]):
        for column, ax in axes.items():
            ax.plot(rows["step"], rows[column], color=COLOURS[task], **_style(way, task))
    for column, ax in axes.items():
        ax.set_xlabel("step", fontsize=13)
        ax.set_title(PANELS[column], fontsize=14)
        ax.tick_params(labelsize=12)
        ax.grid(visible=True, alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        if column != "relative":
            ax.set_yscale("log")
            ax.yaxis.set_major_formatter("{x:g}")
            ax.minorticks_off()
        ax.set_ylim(*LIMITS[column])
    handles = [
        Line2D([], [], color=COLOURS[task], label=f"task {task}, {way}", **_style(way, "A"))
        for task, way in product(TASKS, reversed(WAYS))
    ]
    figure.legend(handles=handles, loc="lower center", ncols=4, frameon=False, fontsize=13)
    figure.suptitle(title, fontsize=15)
    return figure


def _style(way: str, task: str) -> dict:
    """Dashes of task B lie in the gaps of task A's, so that both are seen where their lines are one."""
    if way == GRADNORM:
        return {"linestyle": "-", "linewidth": 2.5}
    return {"linestyle": (0 if task == "A" else 4, (4, 4)), "linewidth": 2.5}


def in_words(curves: pd.DataFrame) -> str:
    """How a training ended, in plain English: for those who cannot see the picture, and under it."""
    last = curves[curves["step"] > curves["step"].max() - 10 * EVERY]  # a single batch says little
    end = last.groupby(["way", "task"])[["pull", "relative"]].mean()

    def told(way: str) -> str:
        a, b = (end.loc[(way, task)] for task in TASKS)
        return (
            f"with {way} B pulls {b.pull / a.pull:.1f} times as hard as A, and {100 * a.relative:.0f} % are left of"
            f" A's first loss, {100 * b.relative:.0f} % of B's"
        )

    return f"In the end, {told(FIXED)}; {told(GRADNORM)}."


@lru_cache(maxsize=64)
def picture(scale: float, alpha: float, rate: float) -> bytes:
    """The curves of one choice, as the bytes of a PNG file.

    Args: as :func:`balanced`.
    """
    title = f"task B's loss × {scale:g};  GradNorm: α = {alpha:g}, rate {rate:g}"
    return png(balance_figure(balanced(scale, alpha, rate), title=title))


def balance_widget() -> BalanceBox:
    """Choose scale, alpha and rate; both trainings are run anew, and told in words below their picture."""
    names = ("task B's loss is larger, times", "α: favour who lags behind", "learning rate of the weights")
    choices = [
        ipywidgets.SelectionSlider(
            options=[(f"{option:g}", option) for option in options], value=value, description=name,
            continuous_update=False, style={"description_width": "230px"}, layout={"width": "560px"},
        )
        for name, options, value in zip(names, (SCALES, ALPHAS, RATES), START, strict=True)
    ]  # fmt: skip
    return chooser(
        choices, picture, lambda *values: f"<p role='status' style='font-size:15px'>{in_words(balanced(*values))}</p>",
        box=BalanceBox,
    )  # fmt: skip
