"""The four weights of equation 19, live: a tiny ASP-MTL on the toy world of :mod:`sercourse.explain.adversary`.

The network, its losses, its optimiser and its probes are the real ones; the speech is not: utterances are four noisy
looks at ten numbers that hold an emotion and a gender. So one choice of weights is trained in about two seconds.

Source: Liu and Zhang, IEEE Access 2023, equation 19.
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
from torch import Tensor
from torch.nn.functional import normalize

from sercourse.evaluation.probes import probe
from sercourse.explain.adversary import GENDERS, toy
from sercourse.explain.plots import png
from sercourse.explain.widgets import DPI, SlidersBox, chooser
from sercourse.losses.balancing import FixedWeights
from sercourse.models.asp_mtl import AspMtl
from sercourse.models.asp_mtl_config import AspMtlConfig
from sercourse.training.fit import make_optimiser
from sercourse.training.settings import LoopConfig

WEIGHTS: tuple[float, ...] = (0.0, 0.3, 1.0, 3.0, 10.0)
GREEK: dict[str, str] = {"emotion": "α, emotion", "auxiliary": "β, gender", "adversary": "γ, adversary",
                         "orthogonality": "μ, orthogonality"}  # fmt: skip
FRAMES = 4
STEPS = 200
ITEMS = 400
HIDDEN = 6


@dataclass(frozen=True)
class Outcome:
    """What a choice of weights led to, on items that were not trained on; shares told right are 0 to 1.

    Attributes:
        emotion: by its head.
        gender: by its head, from the private features.
        shared: the gender, by a fresh probe on the shared features.
        cosines: shared against private channels of the auxiliary task, mean absolute cosine, ``(D, D)``.
    """

    emotion: float
    gender: float
    shared: float
    cosines: np.ndarray


def utterances(seed: int) -> dict[str, Tensor]:
    """A batch of toy utterances: ``frames (N, 4, 10)`` and what belongs to them."""
    x, emotion, gender = toy(seed, ITEMS)
    generator = torch.Generator().manual_seed(seed)
    frames = x[:, None] + 0.7 * torch.randn(ITEMS, FRAMES, x.shape[1], generator=generator)
    known = {"frames": frames, "length": torch.full((ITEMS,), FRAMES)}
    return known | {"emotion": emotion, "gender": gender, "task": torch.full((ITEMS,), -1)}


@lru_cache(maxsize=64)
def outcome(alpha: float, beta: float, gamma: float, mu: float, seed: int = 0) -> Outcome:
    """Train a tiny ASP-MTL with these weights, then look at what it holds.

    Args:
        alpha, beta, gamma, mu: of emotion, gender, adversary and orthogonality.
        seed: of data and weights.
    """
    config = AspMtlConfig(
        hidden=HIDDEN, layers=1, head=8, dropout=0.0, discriminate="label", critic=(16,), critic_rate=10.0,
        emotion_weight=alpha, auxiliary_weight=beta, adversary_weight=gamma, orthogonality_weight=mu,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = AspMtl(10, {"emotion": ["a", "b"], "gender": list(GENDERS)}, config)
        balancer, optimiser = FixedWeights(config.weights), make_optimiser(network, LoopConfig(learning_rate=2e-2))
        train, test = utterances(seed), utterances(seed + 1)
        for step in range(STEPS):
            network.begin_epoch(step / STEPS)
            loss = balancer(network.losses(network(train), train))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        seen, left = network(train), network(test)
    right = [float((left[out].argmax(1) == test[label]).float().mean())
             for out, label in (("emotion", "emotion"), ("auxiliary", "gender"))]  # fmt: skip
    features = [states["embedding"].numpy() for states in (seen, left)]
    labels = [GENDERS[batch["gender"].numpy()] for batch in (train, test)]
    found = probe(features[0], labels[0], features[1], labels[1], kind="mlp")
    courses = [normalize(left[name], dim=1) for name in ("shared", "auxiliary_states")]
    cosines = (courses[0].transpose(1, 2) @ courses[1]).abs().mean(0).numpy()
    return Outcome(*right, found.wa / 100, cosines)


def picture(alpha: float, beta: float, gamma: float, mu: float) -> bytes:
    """Bars of who tells what, and the overlap of shared and private channels, as the bytes of a PNG file."""
    end = outcome(alpha, beta, gamma, mu)
    figure = Figure(figsize=(10, 3.2), dpi=DPI, layout="constrained")
    bars, matrix = figure.subplots(1, 2, width_ratios=(3, 2))
    names = ["emotion:\nits head", "gender:\nits head", "gender, shared:\nfresh probe"]
    drawn = bars.bar(names, [end.emotion, end.gender, end.shared], color=["#009E73", "#0072B2", "#D55E00"])
    bars.bar_label(drawn, fmt="%.2f")
    bars.axhline(0.5, color="black", linestyle=":")
    bars.set(ylim=(0, 1.1), ylabel="told right", title=f"α = {alpha:g}, β = {beta:g}, γ = {gamma:g}, μ = {mu:g}")
    image = matrix.imshow(end.cosines, cmap="viridis", vmin=0, vmax=1)
    matrix.set(xlabel="private channel", ylabel="shared channel", title=f"overlap, mean {end.cosines.mean():.2f}")
    matrix.grid(visible=False)
    figure.colorbar(image, ax=matrix, label="mean |cosine|")
    return png(figure)


def still(alpha: float = 1.0, beta: float = 1.0, gamma: float = 1.0, mu: float = 1.0) -> Image:
    """The picture of one choice, for readers without a kernel."""
    return Image(picture(alpha, beta, gamma, mu), format="png")


def weights_explorer() -> SlidersBox:
    """Choose the four weights; the network is trained anew."""
    choices = [
        ipywidgets.SelectionSlider(
            options=WEIGHTS, value=1.0, description=name, continuous_update=False,
            style={"description_width": "initial"},
        )
        for name in GREEK.values()
    ]  # fmt: skip
    return chooser(choices, picture, lambda *_: "", box=SlidersBox)
