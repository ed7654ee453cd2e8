"""Five little networks, trained once for all tests of the app."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from little_runs import runs_apart, runs_of_all_chapters

from sercourse.app.answers import Networks
from sercourse.training.runs import Run


@pytest.fixture(scope="session")
def voices(tmp_path_factory) -> Iterator[dict[str, Run]]:
    """A run per chapter, in folders of their own."""
    with runs_apart(tmp_path_factory):
        yield runs_of_all_chapters(tmp_path_factory)


@pytest.fixture(scope="session")
def networks(voices: dict[str, Run]) -> Networks:
    """All five."""
    return Networks.load(list(voices.values()))


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Meanwhile no file can be longer than so many bytes."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def full(length: int) -> Iterator[None]:
        before, told = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (length, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, told)

    return full
