"""Published ImageNet weights for the image branch, where they can be had.

Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlparse

import requests
import torch
from huggingface_hub import constants
from torch import Tensor
from torchvision.models import WeightsEnum, get_model_weights

from sercourse.errors import UserError
from sercourse.features.store import file_hash

_PATIENCE = 5.0  # seconds that the server is waited for


@lru_cache(maxsize=4)
def imagenet_at_hand(name: str) -> bool:
    """Whether the weights lie in torch's hub folder or can be fetched; where not, a warning says what follows.

    Args:
        name: of a network of torchvision.
    """
    weights = _weights(name)
    if imagenet_file(name).is_file():
        return True
    try:
        if constants.HF_HUB_OFFLINE:
            raise requests.ConnectionError("HF_HUB_OFFLINE is set")
        requests.head(weights.url, timeout=_PATIENCE, allow_redirects=True).raise_for_status()
        return True
    except requests.RequestException:
        warnings.warn(
            f"imagenet=true: the weights of {name} are not at hand and cannot be had from"
            f" {urlparse(weights.url).hostname}; the image branch begins with random weights, and its"
            " figures are not those of a pretrained one.",
            stacklevel=2,
        )
        return False


def imagenet_file(name: str) -> Path:
    """Where torch keeps the weights of a network of torchvision."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(_weights(name).url).path).name


def imagenet_state(name: str) -> dict[str, Tensor]:
    """The weights of a network of torchvision, fetched where they are not there yet, their hash verified.

    Raises:
        UserError: they cannot be fetched, or are not what was published.
    """
    file = imagenet_file(name)
    digits = file.stem.rpartition("-")[2]  # torch's convention: the first ones of the sha256
    try:
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(_weights(name).url, str(file), hash_prefix=digits, progress=False)
    except (OSError, RuntimeError) as error:
        reason = f"the weights of {name} cannot be fetched ({error})"
        raise UserError(f"imagenet=true: {reason}; try again later, or set imagenet=false.") from None
    if not file_hash(file).startswith(digits):
        raise UserError(f"{file}: its sha256 does not begin with {digits}, so it is damaged; delete it.")
    return torch.load(file, map_location="cpu", weights_only=True)


def _weights(name: str) -> WeightsEnum:
    """The first published ones, as the paper must have had them."""
    return next(iter(get_model_weights(name)))
