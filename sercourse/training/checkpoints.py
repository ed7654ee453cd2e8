"""Weights and states on disk: safetensors, with everything else as JSON in the file's own header.

One file, written whole or not at all, so a kill at any moment leaves the old state or the new one. Nothing here can
run foreign code: safetensors holds numbers only.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from sercourse.errors import UserError

FORMAT_VERSION = 1
_KEY = "sercourse"


def save_checkpoint(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write tensors and JSON to one file.

    Args:
        path: ``….safetensors``; an earlier file is replaced at once.
        tensors: by name.
        about: fit for JSON.

    Raises:
        UserError: the file cannot be written.
    """
    header = {_KEY: json.dumps({"format_version": FORMAT_VERSION, **about})}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, temporary, header)
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: cannot be written ({reason}); free space or set SERCOURSE_RUNS elsewhere.") from None
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`save_checkpoint` wrote.

    Returns:
        Tensors by name (on the CPU), and the JSON.

    Raises:
        UserError: no such file, damaged, not written by sercourse, or written by a newer one.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(_KEY)
            if header is None:
                raise UserError(f"{path}: not a checkpoint of sercourse; name one that `sercourse train` wrote.")
            about = json.loads(header)
            if about["format_version"] > FORMAT_VERSION:
                raise UserError(f"{path}: written by a newer sercourse (format {about['format_version']}); update.")
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118 (no iterator)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such checkpoint; train first.") from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path}: damaged or not a checkpoint; delete it and train again with --resume.") from None


def flatten_optimiser(state: dict[str, Any]) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """An optimiser's ``state_dict`` as named tensors and its groups as JSON."""
    tensors = {
        f"optimiser.{number}.{name}": torch.as_tensor(value)
        for number, values in state["state"].items()
        for name, value in values.items()
    }
    return tensors, state["param_groups"]


def restore_optimiser(tensors: dict[str, Tensor], groups: list[dict[str, Any]]) -> dict[str, Any]:
    """The ``state_dict`` that :func:`flatten_optimiser` took apart."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser."):
            _, number, key = name.split(".", 2)
            state.setdefault(int(number), {})[key] = tensor
    return {"state": state, "param_groups": groups}


def with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Names with ``prefix.`` before them."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those of a prefix, without it."""
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")}
