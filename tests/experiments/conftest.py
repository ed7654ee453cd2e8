"""What the artifacts of chapter 03 share."""

from __future__ import annotations

import pytest

from sercourse import corpora
from sercourse.corpora.noisy import Condition, in_noise
from sercourse.experiments import cells


@pytest.fixture
def tiny_corpus(own_folders, my_csv, monkeypatch) -> None:
    """Whatever corpus is asked for is a tiny one with two genders, in white noise too where conditions are named;
    results go to a folder of the test's own."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    base = corpora.load(my_csv)
    base["gender"] = ["female", "male"] * (len(base) // 2)
    noisy = in_noise(base, (Condition("none"), Condition("white", 0.0, 0.0)), workers=1, progress=False)
    monkeypatch.setattr(corpora, "load", lambda name: noisy if "+" in name else base)
    monkeypatch.setattr(cells, "RESULTS", own_folders / "results")
