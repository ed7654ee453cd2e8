"""Fixtures that every part of the tests shares."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before anything imports the hub's library: no test downloads

from sercourse.cli import main


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


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test has its own cache, runs and (empty) data folder."""
    monkeypatch.setenv("SERCOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SERCOURSE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SERCOURSE_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.fixture
def sercourse(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Call the command in this process; gives exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sercourse", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return call


@pytest.fixture
def my_csv(tmp_path) -> str:
    """Five speakers, two emotions told apart by pitch, 40 recordings."""
    t = np.arange(11_200) / 16_000
    rng = np.random.default_rng(0)
    rows = []
    for speaker in range(5):
        for k in range(8):
            emotion, hz = (("anger", 280), ("sadness", 140))[k % 2]
            buzz = 0.2 * np.sign(np.sin(2 * np.pi * (hz + 9 * speaker + k) * t)) + 0.01 * rng.normal(size=len(t))
            soundfile.write(tmp_path / f"{speaker}{k}.wav", buzz, 16_000)
            rows.append({"path": f"{speaker}{k}.wav", "emotion": emotion, "speaker": f"s{speaker}", "gender": "female"})
    pd.DataFrame(rows).to_csv(tmp_path / "my.csv", index=False)
    return f"csv:{tmp_path / 'my.csv'}"


@pytest.fixture
def threads_put_back():
    """Training sets the number of torch's threads for its process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
