"""A toy world in which an adversary can be watched: four features, two labels, a weight to choose.

Ten numbers hold an emotion, a gender, and something of both. An encoder squeezes them into four. Each picture trains it
anew, in a second, and asks a fresh probe what is left.

Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import ipywidgets
import numpy as np
import torch
from IPython.display import Image
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sercourse.evaluation.probes import probe
from sercourse.explain.plots import png
from sercourse.explain.widgets import DPI, SlidersBox, chooser
from sercourse.layers.reversal import ramp, reverse

WAYS: tuple[str, ...] = ("reversal", "minus sign")
STRENGTHS: tuple[float, ...] = (0.0, 0.1, 0.3, 1.0, 3.0)
STEPS = 600
ITEMS = 1000
WIDTH = 4
"""Features that the encoder leaves."""

GENDERS = np.array(["female", "male"])


@dataclass(frozen=True)
class Fight:
    """How a fight ended; shares of test items told right, 0 to 1.

    Attributes:
        emotion: by the main head.
        discriminator: the gender, by the discriminator of the training.
        probe: the gender, by a classifier that sees the features for the first time.
        features: of the test items, ``(N, 4)``.
        labels: their emotion and gender, ``(N, 2)``, 0 or 1.
    """

    emotion: float
    discriminator: float
    probe: float
    features: np.ndarray
    labels: np.ndarray


def toy(seed: int, items: int = ITEMS) -> tuple[Tensor, Tensor, Tensor]:
    """Ten mixed numbers ``(N, 10)``, emotion ``(N,)`` and gender ``(N,)`` of some items."""
    generator = torch.Generator().manual_seed(seed)
    emotion, gender = (torch.randint(2, (items,), generator=generator) for _ in range(2))
    x = torch.randn(items, 10, generator=generator)
    x[:, 0] += 2.0 * emotion + 2.0 * gender - 2.0
    x[:, 1] += 4.0 * gender - 2.0
    x[:, 2] += 2.0 * emotion - 1.0
    mixing = torch.randn(10, 10, generator=torch.Generator().manual_seed(9)) / 3
    return x @ mixing, emotion, gender


@lru_cache(maxsize=32)
def fight(way: str, strength: float, seed: int = 0) -> Fight:
    """Train encoder, main head and discriminator against each other, then probe.

    Args:
        way: "reversal" (a reversal layer before the discriminator), or "minus sign" (its loss is subtracted, with one
            optimiser for all).
        strength: weight of the adversary; 0: the discriminator watches and changes nothing.
        seed: of data and weights.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, WIDTH))
        head = nn.Linear(WIDTH, 2)
        discriminator = nn.Sequential(nn.Linear(WIDTH, 32), nn.ReLU(), nn.Linear(32, 2))
        learners = [{"params": [*encoder.parameters(), *head.parameters()], "lr": 1e-3}]
        optimiser = torch.optim.Adam([*learners, {"params": discriminator.parameters(), "lr": 2e-2}])
        x, emotion, gender = toy(seed)
        for step in range(STEPS):
            hidden = encoder(x)
            loss = cross_entropy(head(hidden), emotion)
            if way == "reversal":
                loss = loss + cross_entropy(discriminator(reverse(hidden, strength * ramp(step / STEPS))), gender)
            elif strength:
                loss = loss - strength * cross_entropy(discriminator(hidden), gender)
            else:
                loss = loss + cross_entropy(discriminator(hidden.detach()), gender)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            x_test, emotion_test, gender_test = toy(seed + 1)
            seen, hidden = encoder(x), encoder(x_test)
            right = [
                float((told(hidden).argmax(1) == truth).float().mean())
                for told, truth in ((head, emotion_test), (discriminator, gender_test))
            ]
    found = probe(seen.numpy(), GENDERS[gender.numpy()], hidden.numpy(), GENDERS[gender_test.numpy()], kind="mlp")
    labels = torch.stack([emotion_test, gender_test], dim=1).numpy()
    return Fight(*right, found.wa / 100, hidden.numpy(), labels)


def picture(way: str, strength: float) -> bytes:
    """Bars of who tells what, and the features on their two main axes, as the bytes of a PNG file."""
    end = fight(way, strength)
    figure = Figure(figsize=(11, 3.2), dpi=DPI, layout="constrained")
    bars, left, right = figure.subplots(1, 3)
    names = ["emotion", "gender:\nadversary", "gender:\nfresh probe"]
    drawn = bars.bar(names, [end.emotion, end.discriminator, end.probe], color=["#009E73", "#999999", "#D55E00"])
    bars.bar_label(drawn, fmt="%.2f")
    bars.axhline(0.5, color="black", linestyle=":")
    bars.set(ylim=(0, 1.1), ylabel="told right", title=f"{way}, weight {strength:g}")
    places = PCA(2).fit_transform(end.features)
    for ax, column, name in ((left, 0, "emotion"), (right, 1, "gender")):
        ax.scatter(*places.T, c=np.array(["#0072B2", "#E69F00"])[end.labels[:, column]], s=5)
        ax.set(title=f"features, coloured by {name}", xlabel="main axis 1", ylabel="main axis 2")
    return png(figure)


def still(way: str, strength: float) -> Image:
    """The picture of one choice, for readers without a kernel."""
    return Image(picture(way, strength), format="png")


def adversary_explorer(way: str = "reversal", strength: float = 1.0) -> SlidersBox:
    """Choose how the adversary works and how much it weighs."""
    style = {"style": {"description_width": "initial"}}
    choices = [
        ipywidgets.ToggleButtons(options=WAYS, value=way, description="adversary by", **style),
        ipywidgets.SelectionSlider(
            options=STRENGTHS, value=strength, description="weight γ", continuous_update=False, **style
        ),
    ]
    return chooser(choices, picture, lambda *_: "", box=SlidersBox)
