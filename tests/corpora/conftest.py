"""Tiny corpora in the official layouts, written by the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A function that writes audio files of quiet noise below a new folder and returns the folder."""

    def write(*names: str, seconds: float = 0.02, rate: int = 16_000, folder: str = "corpus") -> Path:
        rng = np.random.default_rng(0)
        root = tmp_path / folder
        root.mkdir(exist_ok=True)
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, 0.1 * rng.standard_normal(round(seconds * rate)), rate)
        return root

    return write
