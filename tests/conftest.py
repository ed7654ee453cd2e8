"""Fixtures that every part of the tests shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_corpora() -> Path:
    """The folder of real corpora; the test is skipped where SERCOURSE_DATA does not point at one."""
    root = os.environ.get("SERCOURSE_DATA", "")
    if not root or not Path(root).is_dir():
        pytest.skip("SERCOURSE_DATA does not point at a folder of real corpora")
    return Path(root)


@pytest.fixture(scope="session")
def emodb(real_corpora: Path) -> Path:
    """The real EMO-DB; skipped where absent."""
    if not (real_corpora / "emodb").is_dir():
        pytest.skip("EMO-DB is not in SERCOURSE_DATA")
    return real_corpora / "emodb"


@pytest.fixture(scope="session")
def ravdess(real_corpora: Path) -> Path:
    """The real RAVDESS; skipped where absent."""
    if not (real_corpora / "ravdess").is_dir():
        pytest.skip("RAVDESS is not in SERCOURSE_DATA")
    return real_corpora / "ravdess"
