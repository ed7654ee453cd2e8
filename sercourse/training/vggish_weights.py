"""VGGish from a published file, and the embedding of an utterance.

The weights come in two files: the network, and the PCA that whitens its embedding. The torch port publishes both
(:data:`PUBLISHED`, at :data:`WHERE`); the release itself publishes the PCA as ``vggish_pca_params.npz``. Either
download them once, put them into one folder and give the path of the first, or have :func:`fetch_vggish` do it. Of
their sha256 no more than the first eight digits is public, which finds damage, not malice; so a file is read as
numbers alone, wherever it came from.

Source: Hershey et al., ICASSP 2017; the torch port github.com/harritaylor/torchvggish, release v0.1.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import requests
import torch
from huggingface_hub import constants
from safetensors.torch import load_file
from torch import Tensor

from sercourse.errors import UserError
from sercourse.features.store import file_hash
from sercourse.features.vggish import VggishLogMel
from sercourse.models.vggish import EXAMPLE, Vggish

WHERE = "github.com/harritaylor/torchvggish/releases/tag/v0.1"

PUBLISHED: dict[str, str] = {
    "vggish-10086976.pth": "10086976",
    "vggish_pca_params-970ea276.pth": "970ea276",
}
"""Published file to the first digits of its sha256. The port writes them into the names, by the convention of
torch.hub."""

PCA_FILES: tuple[str, ...] = ("vggish_pca_params-970ea276.pth", "vggish_pca_params.npz")
"""Names under which a PCA is looked for beside the network: the port's and the release's."""

_SUFFIXES = (".pth", ".pt", ".safetensors", ".npz")
_PCA = ("pca_eigen_vectors", "pca_means")
_EXAMPLES_AT_ONCE = 32  # half a minute of audio
_PATIENCE = 5.0  # seconds that the server is waited for

_reconstruct = np._core.multiarray._reconstruct
_NUMBERS = [
    (_reconstruct, "numpy.core.multiarray._reconstruct"),  # its name before numpy 2, under which the PCA was written
    (_reconstruct, "numpy._core.multiarray._reconstruct"),
    np.ndarray,
    np.dtype,
    type(np.dtype(np.float32)),
    type(np.dtype(np.float64)),
]
"""What a file may hold besides tensors: the port's PCA is written as arrays of numbers."""


@lru_cache(maxsize=4)
def fetch_vggish(folder: Path) -> bool:
    """Fetch the published files (about 290 MB) into a folder, those that are not there yet; their digits are checked.

    Args:
        folder: is made where it is not there.

    Returns:
        Whether both are there now. A folder is tried once per process.
    """
    try:
        for name, digits in reversed(PUBLISHED.items()):  # the network last: where it is, nothing is missing
            file, url = folder / name, f"https://{WHERE.replace('/tag/', '/download/')}/{name}"
            if file.is_file():
                continue
            if constants.HF_HUB_OFFLINE:
                raise requests.ConnectionError("HF_HUB_OFFLINE is set")
            requests.head(url, timeout=_PATIENCE, allow_redirects=True).raise_for_status()
            folder.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(file), hash_prefix=digits)
    except (requests.RequestException, OSError, RuntimeError):  # no network, a full disk, other digits
        return False
    return True


def load_vggish(path: str | Path, *, pca: str | Path | None = None) -> Vggish:
    """VGGish with the weights of a file.

    The widths of its layers are read from the weights. What else the file holds (the head of a classifier) is left out.

    Args:
        path: ``.pth`` or ``.pt`` with the names of the torch port, or ``.safetensors`` with the same names.
        pca: file of ``pca_eigen_vectors`` and ``pca_means`` (those suffixes, or ``.npz``); ``None``: those of ``path``
            (``pproc.pca_eigen_vectors`` …), or one of :data:`PCA_FILES` beside it.

    Raises:
        UserError: no such file, one of another kind, a damaged one, one with code in it, one that is no VGGish, or one
            that lacks weights.
    """
    path = _expanded(path)
    weights = _read(path)
    if not any(name.startswith(("features.", "embeddings.")) for name in weights):
        raise UserError(f"{path}: not a checkpoint of VGGish; it is published at {WHERE}.")
    with torch.device("meta"):
        order = Vggish().state_dict()
    if pca is not None or not all(f"pproc.{name}" in weights for name in _PCA):
        weights.update(_read_pca(path, pca))
    missing = [name for name in order if name not in weights]
    if missing:
        raise UserError(f"{path}: lacks {len(missing)} weights of VGGish, such as {missing[0]}; download it again.")
    outputs = [len(weights[name]) if weights[name].ndim else 0 for name in order if name.endswith(".weight")]
    with torch.device("meta"):
        network = Vggish([max(1, width) for width in outputs])
    for name, needed in network.state_dict().items():
        if weights[name].shape != needed.shape:
            shapes = f"{tuple(weights[name].shape)} where {tuple(needed.shape)} is needed"
            raise UserError(f"{path}: is no VGGish: {name} has the shape {shapes}.")
    network.load_state_dict({name: weights[name].float().contiguous() for name in order}, assign=True)
    return network.eval()


def embed(network: Vggish, waveform: np.ndarray) -> np.ndarray:
    """One embedding for an utterance: the mean over its examples of 0.96 s.

    Args:
        network: on any device.
        waveform: 16 kHz, shape ``(T,)``; below 0.975 s it is padded with zeros to one example.

    Returns:
        Whitened and clipped, each from -2 to 2, shape ``(128,)``, float32.

    Raises:
        AudioError: the waveform is empty or holds NaN.
    """
    (log_mel,) = VggishLogMel()([waveform])
    return pool(network, log_mel)


@torch.inference_mode()
def pool(network: Vggish, log_mel: np.ndarray) -> np.ndarray:
    """The same from the feature ``vggish_logmel`` that is stored already.

    Args:
        network: on any device.
        log_mel: whole examples, shape ``(N * 96, 64)``.

    Returns:
        Shape ``(128,)``, float32.
    """
    device = network.pproc.pca_means.device
    examples = torch.from_numpy(log_mel).view(-1, *EXAMPLE)  # (N, 96, 64)
    parts = [network.postprocess(network(part.to(device))) for part in examples.split(_EXAMPLES_AT_ONCE)]
    return torch.cat(parts).mean(0).cpu().numpy()


def _read_pca(path: Path, pca: str | Path | None) -> dict[str, Tensor]:
    """The PCA of a file of its own, under the names it has in the network."""
    beside = [path.with_name(name) for name in PCA_FILES if path.with_name(name).is_file()]
    if pca is None and not beside:
        raise UserError(
            f"{path}: lacks pproc.pca_eigen_vectors and pproc.pca_means; put {PCA_FILES[0]} (published at {WHERE})"
            " beside it, or name the file as pca."
        )
    file = beside[0] if pca is None else _expanded(pca)
    held = _read(file)
    held = {name: held.get(name, held.get(f"pproc.{name}")) for name in _PCA}
    missing = [name for name, tensor in held.items() if tensor is None]
    if missing:
        raise UserError(f"{file}: holds no PCA of VGGish, for it lacks {missing[0]}; download it again from {WHERE}.")
    return {"pproc.pca_eigen_vectors": held["pca_eigen_vectors"], "pproc.pca_means": held["pca_means"].reshape(-1, 1)}


def _expanded(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UserError(f"{path}: there is no such home folder; write the whole path.") from None


def _read(path: Path) -> dict[str, Tensor]:
    """Tensors of a file by name; nothing in it is ever run."""
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; VGGish is published at {WHERE}.")
    if path.suffix not in _SUFFIXES:
        raise UserError(f"{path}: weights are read from {', '.join(_SUFFIXES[:-1])} (a PCA from {_SUFFIXES[-1]}, too).")
    try:
        _check_hash(path)
        return _tensors(path)
    except UserError:
        raise
    except PermissionError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); change its permissions.") from None
    except Exception as error:  # a damaged pickle or archive may raise anything
        code = re.search(r"GLOBAL ([\w.]+)\s", str(error)) if isinstance(error, UnpicklingError) else None
        why = "damaged, or no file of weights; download it again"
        if code is not None:
            why = f"holds code ({code[1]}), which is never run; have its weights written as safetensors"
        raise UserError(f"{path}: {why}.") from None


def _tensors(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            held = dict(file)
    else:
        with torch.serialization.safe_globals(_NUMBERS):
            held = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(held, dict):
        return {}
    return {str(name): torch.as_tensor(value) for name, value in held.items() if isinstance(value, Tensor | np.ndarray)}


def _check_hash(path: Path) -> None:
    digits = PUBLISHED.get(path.name)
    if digits and not file_hash(path).startswith(digits):
        raise UserError(f"{path}: its sha256 does not begin with {digits}, so it is damaged; download it again.")
