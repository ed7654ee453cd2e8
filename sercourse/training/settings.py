"""Settings of a training run: what the loop is told, and how ``--set key=value`` changes it.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import hashlib
import json
import math
import types
import typing
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sercourse.errors import UserError, did_you_mean

CHAPTERS: tuple[str, ...] = ("emotion_autoencoder", "asp_mtl", "mtlser", "mtap", "msfl")
"""Chapters that `sercourse train` knows; each has a module of its name among the recipes."""

PEERS: tuple[str, ...] = ("shared_hidden", "adversarial_autoencoder", "attention_cnn")
"""Networks that chapters 03 and 04 are compared with; `sercourse train` knows them too, and each has a recipe."""

PROFILES: tuple[str, ...] = ("quick", "course", "paper")
PRECISIONS: dict[str, str] = {"fp32": "32-true", "bf16": "bf16-mixed"}
"""Our names to Lightning Fabric's."""

WITHOUT_EFFECT: tuple[str, ...] = ("threads", "workers", "accelerator")
"""Settings that change how fast a result comes, and at most its last digits."""


@dataclass(frozen=True)
class LoopConfig:
    """What the training loop is told; the same for all chapters.

    Raises:
        ValueError: a value outside its range.
    """

    epochs: int = 40
    """Passes over the training side."""
    batch_size: int = 32
    """Utterances (or crops) per step, over all devices together."""
    learning_rate: float = 1e-4
    """Of Adam."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Of Adam."""
    weight_decay: float = 0.0
    """Decoupled (AdamW); 0: plain Adam."""
    schedule: str = "constant"
    """constant, or cosine (falls to 0 over the epochs, step by step)."""
    clip: float = 0.0
    """Largest norm of a gradient; 0: not clipped."""
    accumulate: int = 1
    """Batches whose gradients are summed before a step."""
    sampling: str = "natural"
    """natural, or balanced (every emotion is drawn equally often)."""
    draws: int = 1
    """How often an epoch draws each utterance."""
    languages: tuple[str, ...] = ()
    """Languages that are learnt from and validated on, by their codes; none: all. Others are tested all the same."""
    balancer: str = "fixed"
    """How the tasks' losses become one: fixed (the network's weights), or gradnorm (those are where it begins)."""
    gradnorm_alpha: float = 1.5
    """How strongly gradnorm favours a task that lags behind; 0: all pull alike."""
    gradnorm_rate: float = 0.025
    """Learning rate of gradnorm's weights."""
    learn_from: str = "train"
    """train, or development: validation is trained on too, which leaves nothing to choose an epoch by."""
    unlabelled: bool = False
    """Whether utterances without an emotion are trained on too, for the other tasks."""
    select: str = "ua"
    """How the epoch is chosen on validation: ua, wa, loss (smallest emotion loss), or last (not chosen)."""
    patience: int = 0
    """Epochs without a better one before training stops; 0: never stops early."""
    average: int = 0
    """The result is the mean of the weights of the last so many epochs (needs select=last); 0: not averaged."""
    members: int = 1
    """Networks per fold, trained from different seeds; their probabilities are averaged."""
    precision: str = "fp32"
    """fp32 or bf16."""
    devices: int = 1
    """Processes that share each batch, one per GPU (or CPU process)."""
    accelerator: str = "auto"
    """auto, cpu or cuda."""
    threads: int = 0
    """CPU threads of each process; 0: the cores, shared by the jobs. Another number gives other last digits."""
    workers: int = 0
    """Processes that prepare batches; 0: the training process itself."""
    record_test: bool = False
    """Keep test probabilities of every epoch for the protocol lesson; nothing is chosen by them."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "accumulate", "draws", "members", "devices"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be 1 or more")
        for name in ("weight_decay", "clip", "patience", "average", "threads", "workers", "gradnorm_alpha"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)}: must be 0 or more")
        if self.gradnorm_rate > 1:
            raise ValueError(f"gradnorm_rate={self.gradnorm_rate}: must be 1 or less")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas={self.betas}: must both be at least 0 and below 1")
        for name in ("learning_rate", "gradnorm_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)}: must be above 0")
        choices = {"schedule": ("constant", "cosine"), "sampling": ("natural", "balanced"),
                   "balancer": ("fixed", "gradnorm"),
                   "learn_from": ("train", "development"), "select": ("ua", "wa", "loss", "last"),
                   "precision": tuple(PRECISIONS), "accelerator": ("auto", "cpu", "cuda")}  # fmt: skip
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)}: choose one of {', '.join(known)}")
        if self.select != "last" and (self.learn_from == "development" or self.average):
            raise ValueError("learn_from=development and average need select=last: there is no epoch left to choose")
        if self.select == "last" and self.patience:
            raise ValueError("patience needs select=ua, wa or loss: without a choice nothing tells when to stop")
        if self.average > self.epochs:
            raise ValueError(f"average={self.average}: there are only {self.epochs} epochs")
        if self.threads > 1024:
            raise ValueError(f"threads={self.threads}: must be 1024 or fewer")
        if self.batch_size % self.devices:
            raise ValueError(f"batch_size={self.batch_size}: must be a multiple of devices={self.devices}")


@dataclass(frozen=True)
class Settings:
    """All settings of one run: of the loop, of the data, of the network. The last two are the chapter's own classes."""

    loop: LoopConfig
    data: Any
    model: Any

    def to_json(self) -> dict[str, dict]:
        """Plain dicts and lists; :meth:`from_json` gives equal settings back."""
        return json.loads(json.dumps({part.name: asdict(getattr(self, part.name)) for part in fields(self)}))

    @property
    def digest(self) -> str:
        """8 hexadecimal digits over all that changes the result and is not the default, so that a setting that a later
        version adds gives no run another name."""
        chosen = {
            f"{part.name}.{field.name}": getattr(getattr(self, part.name), field.name)
            for part in fields(self)
            for field in fields(getattr(self, part.name))
            if field.name not in WITHOUT_EFFECT and getattr(getattr(self, part.name), field.name) != field.default
        }
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:8]

    def agrees(self, stored: dict[str, dict]) -> bool:
        """Whether stored settings ask for the same result; what a later version has added is not counted."""
        mine = self.to_json()
        return all(
            mine[part].get(name) == value
            for part, values in stored.items()
            for name, value in values.items()
            if name not in WITHOUT_EFFECT
        )

    def from_json(self, stored: dict[str, dict]) -> Settings:
        """Settings of the same classes as these with stored values; what was not stored has its default.

        Raises:
            UserError: a name or value that these classes do not have.
        """
        defaults = Settings(*(type(getattr(self, part.name))() for part in fields(self)))
        named = ((name, value) for part in stored.values() for name, value in part.items())
        return defaults.changed(f"{name}={json.dumps(value)}" for name, value in named)

    def changed(self, assignments: Iterable[str]) -> Settings:
        """These settings with some values changed.

        Args:
            assignments: ``key=value`` each; lists as ``a,b`` or JSON, nothing as an empty value.

        Raises:
            UserError: not of this form, an unknown key, or a value of the wrong kind or outside its range.
        """
        changes: dict[str, dict[str, Any]] = {part.name: {} for part in fields(self)}
        kinds = {part.name: typing.get_type_hints(type(getattr(self, part.name))) for part in fields(self)}
        for assignment in assignments:
            key, equals, text = assignment.partition("=")
            if not equals:
                raise UserError(f"--set {assignment}: write it as key=value.")
            owner = next((part for part, hints in kinds.items() if key in hints), None)
            if owner is None:
                known = [name for hints in kinds.values() for name in hints]
                hint = did_you_mean(key, known) or f" Known are {', '.join(known)}."
                raise UserError(f"--set {assignment}: there is no setting '{key}'.{hint}")
            changes[owner][key] = _parse(assignment, text, kinds[owner][key])
        try:
            return Settings(**{part: replace(getattr(self, part), **values) for part, values in changes.items()})
        except ValueError as error:
            raise UserError(f"--set {error}.") from None


def _parse(assignment: str, text: str, kind: Any) -> Any:
    """One value, read as the annotated kind."""
    try:
        if isinstance(kind, types.GenericAlias):  # tuple[int, ...] or tuple[float, float]
            inner = kind.__args__[0]
            listed = json.loads(text) if text.startswith("[") else [part for part in text.split(",") if part]
            if Ellipsis not in kind.__args__ and len(listed) != len(kind.__args__):
                raise ValueError
            return tuple(_parse(assignment, str(value), inner) for value in listed)
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if kind is str:
            return json.loads(text) if text.startswith('"') else text
        value = kind(text)
        if not math.isfinite(value):
            raise ValueError
        return value
    except (ValueError, KeyError, OverflowError):
        name = getattr(kind, "__name__", str(kind)) if not isinstance(kind, types.GenericAlias) else "list"
        wanted = {
            "int": "a whole number",
            "float": "a number",
            "bool": "true or false",
            "list": "a list a,b",
            "str": "a word",
        }[name]
        raise UserError(f"--set {assignment}: the value must be {wanted}.") from None
