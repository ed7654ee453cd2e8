"""Five little networks, trained once for all tests of the app."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from little_ear import SMALL, little_run, make_corpus

from sercourse.app.answers import Ear
from sercourse.training.runs import Run


@pytest.fixture(scope="session")
def voices(tmp_path_factory) -> Iterator[dict[str, Run]]:
    """A run per chapter, in folders of their own."""
    environment, threads = pytest.MonkeyPatch(), torch.get_num_threads()
    for name in ("CACHE", "RUNS"):
        environment.setenv(f"SERCOURSE_{name}", str(tmp_path_factory.mktemp(name.lower())))
    corpus = make_corpus(tmp_path_factory.mktemp("voices"))
    yield {chapter: little_run(chapter, corpus) for chapter in SMALL}
    torch.set_num_threads(threads)
    environment.undo()


@pytest.fixture(scope="session")
def ear(voices: dict[str, Run]) -> Ear:
    """All five."""
    return Ear.load(list(voices.values()))
