"""Settings of MTAP: which modalities, which loss, and what the gender hears.

Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass

from sercourse.losses.angular import check_angular
from sercourse.models import ranges
from sercourse.models.multitask import MAIN

GENDER = "gender"
IMAGE, TEXT, AUDIO = "image", "text", "audio"
MODALITIES: tuple[str, ...] = (IMAGE, TEXT, AUDIO)

NETWORKS: tuple[str, ...] = ("small", "densenet169", "resnet50")
"""Of the image branch; small is a DenseNet of 0.13 million parameters."""

NONE = "none"
"""A branch or a task that is not there."""

LOSSES: tuple[str, ...] = ("softmax", "focal", "normalised", "arcface", "apfl")
ANGULAR: tuple[str, ...] = LOSSES[2:]
"""Those that see cosines."""

WAYS: dict[str, tuple[str, ...]] = {"A": (IMAGE,), "B": (IMAGE, AUDIO), "C": MODALITIES}
"""MTL-A, MTL-B, MTL-C: what the gender is recognised from (figure 2)."""


@dataclass(frozen=True)
class MtapConfig:
    """What is fused and how it is judged; the defaults are the paper's best row for strangers on EMO-DB with the
    encoders that are at hand everywhere.

    Raises:
        ValueError: a value outside its range, an encoder without a name, or no modality at all.
    """

    image: str = "small"
    """Network of the spectrogram: small, densenet169, resnet50, or none."""
    imagenet: bool = False
    """Begin with the published ImageNet weights (densenet169, resnet50); false: with random ones."""
    text: str = NONE
    """Sentence encoder, frozen: minilm (extra `text`), an id of the hub such as google-bert/bert-base-uncased, a
    folder, or none."""
    audio: str = NONE
    """Speech or sound encoder, frozen: mini (ships with sercourse), vggish (its weights are fetched), a file of such
    weights, an id of the hub, a folder, or none."""
    fingerprint: str = ""
    """Of the frozen encoders' files; filled in when a run is asked for."""
    loss: str = "apfl"
    """Of the emotion: softmax, focal, normalised (softmax of cosines), arcface, or apfl."""
    gamma: float = 0.1
    """Focus of focal and apfl."""
    margin: float = 0.5
    """Of arcface and apfl, radians."""
    scale: float = 10.0
    """What cosines are multiplied with."""
    gender: str = NONE
    """What the auxiliary task hears: A (image), B (image and audio), C (all), or none: there is no such task."""
    gender_weight: float = 0.5
    """Lambda of the total loss."""
    dropout: float = 0.0
    """Before the heads."""

    def __post_init__(self) -> None:
        ranges.one_of(self, "image", (*NETWORKS, NONE))
        ranges.one_of(self, "loss", LOSSES)
        ranges.one_of(self, "gender", (*WAYS, NONE))
        for name in (TEXT, AUDIO):
            if not getattr(self, name).strip():
                raise ValueError(
                    f"{name}={getattr(self, name)}: names no encoder; write {name}={NONE} to go without one"
                )
        check_angular(scale=self.scale, margin=self.margin, gamma=self.gamma)
        ranges.not_negative(self, "gender_weight")
        ranges.shares(self, "dropout")
        if not self.modalities:
            raise ValueError("image=none, text=none, audio=none: one of them must be there")
        if self.imagenet and self.image not in NETWORKS[1:]:
            raise ValueError(
                f"imagenet=true: needs image=densenet169 or resnet50, and image={self.image} was asked for"
            )
        if self.gender != NONE and not set(self.modalities) & set(WAYS[self.gender]):
            raise ValueError(f"gender={self.gender}: hears {' and '.join(WAYS[self.gender])}, which are not there")

    @property
    def modalities(self) -> tuple[str, ...]:
        """Those that are there, in the order in which they are fused."""
        return tuple(name for name in MODALITIES if getattr(self, name) != NONE)

    @property
    def weights(self) -> dict[str, float]:
        """Fixed weights of the losses, for the balancer."""
        return {MAIN: 1.0, GENDER: self.gender_weight}
