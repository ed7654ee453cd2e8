"""Pretrained encoders by name: the one that ships with sercourse, a folder, or an id of the Hugging Face hub.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoConfig, AutoModel
from transformers.utils import logging

from sercourse.errors import UserError
from sercourse.models.speech_encoder import KINDS, SpeechEncoder

MINI = "mini"
WEIGHTS = Path(__file__).parents[1] / "weights" / "mini_wav2vec2"
"""The small wav2vec2 that ships with sercourse; its README says what it is made from."""


@dataclass(frozen=True)
class Backbone:
    """An encoder and where it came from.

    Attributes:
        encoder: with its weights.
        name: what was loaded, which is not what was asked for where that is not at hand.
    """

    encoder: SpeechEncoder
    name: str


def load_backbone(name: str, *, pretrained: bool = True) -> Backbone:
    """A checkpoint as a shared encoder; where it cannot be had, the small one that ships, with a warning.

    Args:
        name: ``mini``, a folder, or an id such as ``facebook/wav2vec2-base``.
        pretrained: False: the same network with random weights.

    Raises:
        UserError: a folder without a checkpoint, a checkpoint of another architecture or one without safetensors.
    """
    folder = WEIGHTS if name == MINI else Path(name)
    source = str(folder) if name == MINI or folder.is_dir() else name
    try:
        with quietly():
            config = AutoConfig.from_pretrained(source)
            if config.model_type not in KINDS:
                raise UserError(f"backbone={name}: is a {config.model_type}; choose a {', '.join(KINDS)}.")
            if pretrained:
                network = AutoModel.from_pretrained(source, use_safetensors=True, dtype="float32")
            else:
                network = AutoModel.from_config(config).float()
        return Backbone(SpeechEncoder(network, normalise=_normalises(source)), name)
    except (OSError, ValueError) as error:
        if name == MINI or folder.is_dir():
            raise UserError(
                f"backbone={name}: {source} holds no checkpoint in safetensors ({_first(error)})."
            ) from None
        if "/" not in name:
            raise UserError(
                f"backbone={name}: no such folder, and no id of the hub (OWNER/NAME); or take mini."
            ) from None
        warnings.warn(
            f"backbone={name}: not at hand ({_first(error)}); the small encoder that ships with sercourse is used"
            " instead, and its figures are not those of the large one.",
            stacklevel=2,
        )
        return load_backbone(MINI, pretrained=pretrained)


@contextmanager
def quietly() -> Iterator[None]:
    """Without the library's bars and without its notes on weights that a network has no use for, which is meant."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()


def empty_backbone(about: dict) -> SpeechEncoder:
    """The network of a stored description, with random weights, for weights to be loaded into."""
    config = dict(about["config"])
    network = AutoModel.from_config(AutoConfig.for_model(**config)).float()
    return SpeechEncoder(network, normalise=about["normalise"])


def description(encoder: SpeechEncoder) -> dict:
    """What :func:`empty_backbone` needs, fit for JSON."""
    return {"config": json.loads(encoder.network.config.to_json_string()), "normalise": encoder.normalise}


def _normalises(source: str) -> bool:
    """Whether the checkpoint's preprocessor levels waveforms; those that say nothing do."""
    from transformers import AutoFeatureExtractor  # here, for it imports much

    try:
        return bool(AutoFeatureExtractor.from_pretrained(source).do_normalize)
    except (OSError, ValueError, AttributeError):
        return True


def _first(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0].strip().rstrip(".")
