"""A workshop's archive: packed here, unpacked on a laptop without network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workshop_archive import CONFIG, below, members

from sercourse import corpora, doctor
from sercourse.commands import workshop as commands
from sercourse.errors import UserError
from sercourse.features import extract as extraction
from sercourse.features.store import FeatureStore
from sercourse.training import networks, workshop
from sercourse.training.networks import load_or_train
from sercourse.training.workshop_pack import LICENCES, MANIFEST
from sercourse.training.workshop_unpack import unpack_here


@pytest.mark.usefixtures("nothing_is_made")
def test_a_laptop_without_network_makes_nothing_again(packed, laptop):
    answer = unpack_here(packed["archive"], progress=False)
    assert answer == packed["answer"]
    assert answer.runs == (CONFIG.name,)
    table = corpora.load("synthetic")
    assert len(table) == 70
    assert all(Path(path).is_relative_to(laptop / "cache") for path in table["path"])
    assert len(extraction.extract(table, "is10", workers=1, progress=False).frame) == 70
    run = load_or_train(CONFIG, table=table.groupby("speaker").head(7))
    assert run.folder == laptop / "runs" / CONFIG.name
    assert run.summary["chapter"] == "msfl"


def test_a_cell_of_a_notebook_finds_its_run(packed, laptop, monkeypatch):
    monkeypatch.undo()  # a kernel is reached over a socket
    monkeypatch.setenv("SERCOURSE_CACHE", str(laptop / "cache"))
    monkeypatch.setenv("SERCOURSE_RUNS", str(laptop / "runs"))
    unpack_here(packed["archive"], progress=False)
    before = below(laptop / "runs")
    workshop.run_notebooks(packed["folder"] / "notebooks", progress=False)
    assert below(laptop / "runs") == before
    assert (packed["folder"] / "notebooks" / "01_little.ipynb").read_bytes() == packed["before"]


def test_the_archive_names_no_path_of_the_machine_and_leaves_out_what_is_made_in_seconds(packed):
    content = members(packed["archive"])
    assert list(content)[:2] == [MANIFEST, LICENCES]
    assert b"CC BY 4.0" in content[LICENCES]
    assert not any(str(packed["folder"]).encode() in body for body in content.values())
    assert not any("waveform" in name or "tensorboard" in name or "unfinished" in name for name in content)
    assert "cache/notebooks/01_little.ipynb" in content
    assert sum(name.startswith("cache/features/is10-") for name in content) == 70
    assert json.loads(content[MANIFEST])["files"].keys() == content.keys() - {MANIFEST, LICENCES}


def test_unpacking_again_replaces_nothing_that_is_whole_and_mends_what_is_not(packed, laptop):
    unpack_here(packed["archive"], progress=False)
    summary = laptop / "runs" / CONFIG.name / "summary.json"
    whole = summary.read_bytes()
    summary.write_bytes(whole + b"\n")  # mine, and still a finished run
    (laptop / "cache" / "synthetic" / "manifest.json").unlink()
    unpack_here(packed["archive"], progress=False)
    assert summary.read_bytes() == whole + b"\n"
    assert corpora.inspect("synthetic").problem is None
    summary.unlink()
    unpack_here(packed["archive"], progress=False)
    assert summary.read_bytes() == whole


def test_the_doctor_says_what_is_missing_and_when_all_is_ready(packed, laptop, monkeypatch):
    monkeypatch.setattr(workshop, "FIRST_RUNS", {})
    monkeypatch.setattr(workshop, "missing_first_runs", lambda: ["mtap"])
    monkeypatch.setattr(workshop, "COURSE_CORPORA", ("synthetic",))
    found = doctor.check_course()
    assert (found.ok, found.topic) == (None, "course")
    assert found.text == (
        "not ready: corpus synthetic; is10, egemaps of synthetic;"
        f" runs of mtap in {laptop / 'runs'} missing; `sercourse prefetch` makes all of it"
    )
    unpack_here(packed["archive"], progress=False)
    assert "not ready: runs of mtap" in doctor.check_course().text  # egemaps came with the run
    monkeypatch.setattr(workshop, "missing_first_runs", list)
    assert doctor.check_course().ok is True
    next(FeatureStore().root.glob("is10-*/*/*.npy")).unlink()
    assert "not ready: is10 of synthetic missing" in doctor.check_course().text


def test_each_user_of_the_hub_works_beside_a_shared_cache_that_stays_as_it_was(packed, laptop, monkeypatch, repository):
    """The script of ``docs/hub.md``, after a ``prefetch`` made the shared cache on the spot, locks and all."""
    shared = laptop / "srv" / "sercourse"
    for kind in ("cache", "runs", "notebooks"):
        shutil.copytree(packed["folder"] / kind, shared / kind)
    for kind in ("CACHE", "RUNS"):
        monkeypatch.setenv(f"SERCOURSE_{kind}", str(shared / kind.lower()))
    noisy = "synthetic+white@0"
    corpora.load(noisy)
    (shared / "runs" / CONFIG.name / ".lock").touch()
    before = below(shared)
    (script,) = re.findall(
        r"```\n(#!/bin/bash\n.*?)```", (repository / "docs" / "hub.md").read_text("utf-8"), re.DOTALL
    )
    (laptop / "begin").write_text(script.replace("/srv/sercourse", str(shared)))
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    home = os.environ | {"HOME": str(laptop / "user"), "PATH": tools}
    for _ in range(2):  # on two days
        begun = ["bash", str(laptop / "begin"), "env"]
        told = subprocess.run(begun, env=home, capture_output=True, text=True, check=True).stdout
    for name, value in re.findall(r"^(SERCOURSE_(?:CACHE|RUNS))=(.*)$", told, re.MULTILINE):
        assert value.startswith(str(laptop / "user"))
        monkeypatch.setenv(name, value)
    table = corpora.load("synthetic")
    assert extraction.extract(table, "is10", workers=1, progress=False).frame.shape[0] == 70
    extraction.extract(table.head(3), "mfcc", workers=1, progress=False)
    assert all(Path(path).is_symlink() for path in corpora.load(noisy)["path"])
    part = table.groupby("speaker").head(7)
    own = laptop / "user" / ".sercourse" / "runs" / CONFIG.name
    assert load_or_train(CONFIG, table=part).folder == own
    networks.train(CONFIG, table=part, workers=1, progress=False)  # trained anew, over the links
    assert below(shared) == before
    assert not (own / "summary.json").is_symlink()
    assert (laptop / "user" / "notebooks" / "01_little.ipynb").read_bytes() == packed["before"]


def test_the_command_unpacks_and_says_how_things_stand(packed, laptop, monkeypatch, capsys):
    monkeypatch.setattr(workshop, "missing", lambda: ["corpus matrix"])
    monkeypatch.delenv("SERCOURSE_RUNS")
    monkeypatch.chdir(laptop)
    commands.prefetch(source=packed["archive"], json=laptop / "said.json")
    out = capsys.readouterr().out
    assert "unpacked from" in out
    assert "synthetic; 1 runs;" in out
    assert "not ready: corpus matrix" in out
    assert f"Runs lie in {laptop / 'runs'}; start JupyterLab with SERCOURSE_RUNS" in out
    said = json.loads((laptop / "said.json").read_text())
    assert (said["ready"], said["missing"], said["runs"]) == (False, ["corpus matrix"], [CONFIG.name])
    with pytest.raises(UserError, match="give it alone"):
        commands.prefetch(source=packed["archive"], to=laptop / "x.tar")
