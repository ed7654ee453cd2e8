"""Pretrained encoders by name: the one that ships with sercourse, a folder, or an id of the Hugging Face hub.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import requests
from huggingface_hub import constants, try_to_load_from_cache
from safetensors import SafetensorError
from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, PretrainedConfig
from transformers.utils import logging

from sercourse.errors import UserError
from sercourse.features.store import file_hash
from sercourse.models.speech_encoder import KINDS, SpeechEncoder
from sercourse.paths import MINI_WEIGHTS
from sercourse.training.devices import enough_memory
from sercourse.training.settings import LoopConfig

MINI = "mini"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_PATIENCE = 5.0  # seconds that the hub is waited for


def at_hand(
    name: str, option: str = "backbone", instead: str = MINI, known: str = "the small encoder that ships with sercourse"
) -> str:
    """The encoder that will be used for a name: the name itself, or another, with a warning each time, where it cannot
    be had.

    Args:
        name: that other one's, a folder, or an id of the hub.
        option: for which setting, for the sentences.
        instead: what is used where the hub cannot be reached.
        known: what that is, for the warning.

    Raises:
        UserError: neither a folder nor written like an id, no such checkpoint on the hub, or one that asks for an
            account.
    """
    if name == instead or Path(name).is_dir():
        return name
    if not _HUB_ID.fullmatch(name):
        raise UserError(f"{option}={name}: no such folder, and no id of the hub (OWNER/NAME); or take {instead}.")
    status = _on_the_hub(name)
    if status in (401, 403):
        raise UserError(f"{option}={name}: the hub asks for an account ({status}); log in there, or take {instead}.")
    if status == 404:
        raise UserError(f"{option}={name}: the hub has no such checkpoint; or take {instead}.")
    if status is None or status >= 400:
        what = "the hub cannot be reached" if status is None else f"the hub does not answer now ({status})"
        warnings.warn(
            f"{option}={name}: not at hand, and {what}; {known} ({instead}) is used instead, and its figures are not"
            " those of the one that was asked for.",
            stacklevel=2,
        )
        return instead
    return name


@lru_cache(maxsize=16)
def _on_the_hub(name: str) -> int | None:
    """The hub's answer to a request for a checkpoint, asked once; 200 where its files are here; ``None``: offline."""
    if isinstance(try_to_load_from_cache(name, "config.json"), str):
        return 200
    try:
        if constants.HF_HUB_OFFLINE:
            raise requests.ConnectionError("HF_HUB_OFFLINE is set")
        return requests.head(f"{constants.ENDPOINT}/{name}/resolve/main/config.json", timeout=_PATIENCE).status_code
    except requests.RequestException:
        return None


def fingerprint(name: str) -> str:
    """16 hexadecimal digits that tell a checkpoint from a later one of the same name: of a folder's files, or the
    commit of the hub."""
    source = _source(name)
    if Path(source).is_dir():
        files = sorted(Path(source).glob("*.safetensors")) + sorted(Path(source).glob("*config.json"))
        return hash_of_files(files)
    return str(_config(name)._commit_hash)[:16]


def hash_of_files(files: Iterable[Path]) -> str:
    """16 hexadecimal digits over some files, in this order."""
    return hashlib.sha256("".join(file_hash(file) for file in files).encode()).hexdigest()[:16]


def load_backbone(name: str, *, pretrained: bool = True) -> SpeechEncoder:
    """A checkpoint as a shared encoder.

    Args:
        name: ``mini``, a folder, or an id of the hub such as ``facebook/wav2vec2-base``.
        pretrained: False: the same network with random weights.

    Raises:
        UserError: no checkpoint there, one of another architecture, a damaged one, one without safetensors, or one that
            lacks weights of its network.
    """
    config = _config(name)
    if not pretrained:
        return SpeechEncoder(AutoModel.from_config(config).float(), normalise=_normalises(name))
    try:
        with quietly(), memory_for(f"backbone={name}: too large for this machine's memory; take {MINI}."):
            network, told = AutoModel.from_pretrained(
                _source(name), use_safetensors=True, dtype="float32", output_loading_info=True
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise _none_that_fits(name, _first(error)) from None
    missing = sorted(set(told["missing_keys"]) - {"masked_spec_embed"})
    if missing:
        raise UserError(f"backbone={name}: lacks {len(missing)} weights of its network, such as {missing[0]}.")
    return SpeechEncoder(network, normalise=_normalises(name))


def empty_backbone(about: dict) -> SpeechEncoder:
    """The network of a stored description, with random weights, for weights to be loaded into."""
    network = AutoModel.from_config(AutoConfig.for_model(**about["config"])).float()
    return SpeechEncoder(network, normalise=about["normalise"])


def description(encoder: SpeechEncoder) -> dict:
    """What :func:`empty_backbone` needs, fit for JSON."""
    return {"config": json.loads(encoder.network.config.to_json_string()), "normalise": encoder.normalise}


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


@contextmanager
def memory_for(sentence: str) -> Iterator[None]:
    """Say in a sentence that memory does not suffice, where no batch size can be lowered.

    Args:
        sentence: names what is too large, and the way out.

    Raises:
        UserError: torch could not get the memory it asked for.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        try:
            with enough_memory(LoopConfig()):  # knows how torch says it
                raise error
        except UserError:
            raise UserError(sentence) from None


def _source(name: str) -> str:
    """The folder of a name, or the id."""
    return str(MINI_WEIGHTS if name == MINI else name)


def _config(name: str) -> PretrainedConfig:
    folder = Path(_source(name))
    if folder.is_dir() and not (folder / "config.json").exists():  # transformers 5.0 guesses a kind from the name
        raise _none_that_fits(name, "config.json is missing")
    try:
        with quietly():
            config = AutoConfig.from_pretrained(_source(name))
    except (OSError, ValueError) as error:
        raise _none_that_fits(name, _first(error)) from None
    if config.model_type not in KINDS or getattr(config, "add_adapter", False):
        kind = f"{config.model_type} with an adapter" if config.model_type in KINDS else config.model_type
        raise UserError(f"backbone={name}: is a {kind}; choose a plain {', '.join(KINDS)}.")
    return config


def _normalises(name: str) -> bool:
    """Whether the checkpoint's preprocessor levels waveforms; those that have none do."""
    try:
        with quietly():
            return bool(AutoFeatureExtractor.from_pretrained(_source(name)).do_normalize)
    except (OSError, ValueError, AttributeError):
        return True


def _none_that_fits(name: str, reason: str) -> UserError:
    return UserError(f"backbone={name}: holds no checkpoint in safetensors that fits ({reason}).")


def _first(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0].strip().rstrip(".")
