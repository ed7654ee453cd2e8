"""An instructor's machine with an archive, and a laptop without network."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import nbformat
import pytest
from workshop_archive import CELL, CONFIG

from sercourse import corpora
from sercourse.corpora import synthetic
from sercourse.features import extract as extraction
from sercourse.training import networks, workshop
from sercourse.training.networks import load_or_train
from sercourse.training.workshop_pack import pack


@pytest.fixture(scope="session")
def packed(tmp_path_factory) -> dict:
    """An instructor's machine: a small default corpus, its features, a notebook, its run, and the archive."""
    folder = tmp_path_factory.mktemp("instructor")
    environment = pytest.MonkeyPatch()
    environment.setenv("SERCOURSE_CACHE", str(folder / "cache"))
    environment.setenv("SERCOURSE_RUNS", str(folder / "runs"))
    environment.delenv("SERCOURSE_DATA", raising=False)
    synthetic.make(folder / "cache" / "synthetic", utterances=70, progress=False)
    extraction.extract(corpora.load("synthetic"), "is10", workers=1, progress=False)
    extraction.extract(corpora.load("synthetic"), "waveform", workers=1, progress=False)
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)]), notebooks / "01_little.ipynb")
    before = (notebooks / "01_little.ipynb").read_bytes()
    workshop.keep_pristine([notebooks / "01_little.ipynb"])
    load_or_train(CONFIG, table=corpora.load("synthetic").groupby("speaker").head(7), workers=1, progress=False)
    shutil.copytree(CONFIG.folder, folder / "runs" / "unfinished")
    (folder / "runs" / "unfinished" / "summary.json").unlink()
    answer = pack(folder / "workshop.tar.gz", ["synthetic"], progress=False)
    environment.undo()
    return {"folder": folder, "archive": folder / "workshop.tar.gz", "answer": answer, "before": before}


@pytest.fixture
def laptop(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another machine, without network."""

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return own_folders


@pytest.fixture
def nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """No corpus is made, no feature computed, no network trained."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was made again")

    monkeypatch.setattr(synthetic, "make", refuse)
    monkeypatch.setattr(extraction, "_compute", refuse)
    monkeypatch.setattr(networks, "train", refuse)
