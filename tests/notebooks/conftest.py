"""The builder of the notebooks, for the tests of what it built."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def load_builder() -> ModuleType:
    """``notebooks/source/build.py`` as a module; it lies in no package."""
    spec = importlib.util.spec_from_file_location("notebook_builder", ROOT / "notebooks" / "source" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUILDER = load_builder()
CHAPTERS = sorted(path.stem for path in BUILDER.SOURCE.glob("[0-9][0-9]_*.py"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that ask for a ``chapter`` on each chapter, and those that ask for a ``path`` on each notebook."""
    if "chapter" in metafunc.fixturenames:
        metafunc.parametrize("chapter", CHAPTERS)
    if "path" in metafunc.fixturenames:
        paths = [path for name in CHAPTERS for path in BUILDER.targets(name)]
        metafunc.parametrize("path", paths, ids=lambda path: str(path.relative_to(BUILDER.NOTEBOOKS)))


@pytest.fixture
def builder() -> ModuleType:
    """``notebooks/source/build.py``."""
    return BUILDER
