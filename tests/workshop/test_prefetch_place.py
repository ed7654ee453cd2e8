"""Where an archive's corpora and runs go on a laptop that has some already, and places that cannot be written."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock
from workshop_archive import CONFIG, below, rewritten

from sercourse import corpora
from sercourse.corpora import registry
from sercourse.errors import UserError
from sercourse.training import workshop_unpack
from sercourse.training.workshop_pack import MANIFEST
from sercourse.training.workshop_unpack import unpack_here


@pytest.fixture
def run(packed, laptop) -> Path:
    """The archive's run, here as one that is not finished."""
    folder = laptop / "runs" / CONFIG.name
    shutil.copytree(packed["folder"] / "runs" / CONFIG.name, folder)
    (folder / "summary.json").unlink()
    (folder / "mine.txt").write_text("mine")
    return folder


def renamed(content: dict[str, bytes], old: str, new: str) -> None:
    """The files of one folder in another, in the list of contents too."""
    manifest = json.loads(content[MANIFEST])
    for name in [name for name in content if name.startswith(old)]:
        content[new + name.removeprefix(old)] = body = content.pop(name)
        del manifest["files"][name]
        said = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        manifest["files"][new + name.removeprefix(old)] = said
    content[MANIFEST] = json.dumps(manifest | {"corpora": ["emodb"]}).encode()


def test_a_training_at_work_keeps_its_folder(packed, run, capsys):
    before = below(run)
    with FileLock(run / ".lock"):
        unpack_here(packed["archive"], progress=False)
    assert below(run) == before
    assert f"{run}: a training is at work on this run, so it stays as it is." in capsys.readouterr().out
    assert not list(run.parent.glob("*before-prefetch*"))


def test_an_unfinished_run_is_kept_under_another_name(packed, run, capsys):
    unpack_here(packed["archive"], progress=False)
    aside = run.with_name(f"{run.name}.before-prefetch")
    assert (run / "summary.json").exists()
    assert (aside / "mine.txt").read_text() == "mine"
    assert f"what was there is now {aside.name}" in capsys.readouterr().out
    (run / "summary.json").unlink()
    unpack_here(packed["archive"], progress=False)
    assert aside.with_name(f"{aside.name}-2").is_dir()
    assert (aside / "mine.txt").exists()


@pytest.mark.parametrize("kind", ["file", "link", "link to nothing"])
def test_a_run_that_is_a_file_or_a_link_gives_way(packed, laptop, kind):
    folder, elsewhere = laptop / "runs" / CONFIG.name, laptop / "elsewhere"
    folder.parent.mkdir()
    if kind == "file":
        folder.write_text("mine")
    else:
        folder.symlink_to(elsewhere)
    if kind == "link":
        elsewhere.mkdir()
        (elsewhere / "mine.txt").write_text("mine")
    unpack_here(packed["archive"], progress=False)
    assert (folder / "summary.json").exists()
    assert not folder.is_symlink()
    assert kind != "link" or (elsewhere / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("variable", ["SERCOURSE_RUNS", "SERCOURSE_CACHE"])
def test_what_cannot_be_written_is_named_with_its_variable(packed, laptop, monkeypatch, variable):
    (laptop / "file").touch()
    monkeypatch.setenv(variable, str(laptop / "file"))
    with pytest.raises(UserError, match=f"{laptop / 'file'}.*set {variable} to another"):
        unpack_here(packed["archive"], progress=False)
    assert not list(laptop.rglob("*.partial"))


def test_half_a_move_leaves_nothing_and_names_the_run(packed, laptop, monkeypatch):
    real = shutil.move

    def full(source: Path, target: Path) -> None:
        real(source, target)
        if CONFIG.name in target.name:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(workshop_unpack.shutil, "move", full)
    with pytest.raises(UserError, match=rf"{CONFIG.name}: cannot be written \(No space.*set SERCOURSE_RUNS"):
        unpack_here(packed["archive"], progress=False)
    assert below(laptop / "runs") == {}
    assert list((laptop / "runs").iterdir()) == []


@pytest.mark.parametrize("full", ["cache", "runs"])
def test_every_disk_is_asked_for_room_before_the_work(packed, laptop, monkeypatch, full):
    monkeypatch.setattr(workshop_unpack, "_disk", lambda folder: folder.name)
    (laptop / full).mkdir()
    monkeypatch.setattr(
        workshop_unpack.shutil, "disk_usage", lambda folder: SimpleNamespace(free=0 if folder.name == full else 1e12)
    )
    with pytest.raises(UserError, match=f"{full}: .* GB are needed; free space or set SERCOURSE_{full.upper()}"):
        unpack_here(packed["archive"], progress=False)
    assert below(laptop) == {}


def test_a_damaged_real_corpus_is_mended_and_kept_aside(packed, laptop, monkeypatch, capsys):
    """A small synthetic corpus stands in for EmoDB."""
    monkeypatch.setitem(registry._LOADERS, "emodb", registry._LOADERS["synthetic"])
    folder = corpora.card("emodb").folder
    archive = rewritten(
        packed["archive"], laptop / "real.tar", lambda c: renamed(c, "cache/synthetic/", f"data/{folder}/")
    )
    (laptop / "data" / folder).mkdir()
    (laptop / "data" / folder / "x").write_text("mine")
    assert corpora.inspect("emodb").problem is not None
    assert unpack_here(archive, progress=False).corpora == ("emodb",)
    assert corpora.inspect("emodb").found == 70
    assert (laptop / "data" / f"{folder}.before-prefetch" / "x").read_text() == "mine"
    whole = below(laptop / "data")
    unpack_here(archive, progress=False)
    assert below(laptop / "data") == whole, "an intact one stays"


def test_what_is_damaged_or_unknown_is_not_said_to_be_unpacked(packed, laptop, capsys):
    def foreign(content: dict[str, bytes]) -> None:
        manifest = json.loads(content[MANIFEST])
        manifest["corpora"] += ["nosuch", "emodb"]
        manifest["files"]["data/emodb/x"] = {"bytes": 1, "sha256": hashlib.sha256(b"1").hexdigest()}
        content |= {"data/emodb/x": b"1", MANIFEST: json.dumps(manifest).encode()}

    answer = unpack_here(rewritten(packed["archive"], laptop / "more.tar", foreign), progress=False)
    assert replace(answer, files=0, bytes=0) == replace(packed["answer"], files=0, bytes=0)
    assert below(laptop / "data") == {}
    said = capsys.readouterr().out
    assert "nosuch: a corpus that this sercourse does not know is left out." in said
    assert "emodb: is not whole in the archive and left out." in said
