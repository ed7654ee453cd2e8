"""Chapters on disk: found without kept spoilt ones, read, run; what is wrong is one sentence."""

from __future__ import annotations

import subprocess
import sys

import nbformat
import pytest

from sercourse.errors import UserError
from sercourse.notebooks import client, course_notebooks, pristine_dir, read
from sercourse.reset import reset_notebook
from sercourse.training import workshop


def write(path, *cells: str) -> None:
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)


def test_what_reset_keeps_is_no_chapter(own_folders):
    for name in ("01_one", "00_zero"):
        write(own_folders / f"{name}.ipynb", "1")
    write(own_folders / "scratch.ipynb", "1")
    original = own_folders / "original.ipynb"
    write(original, "2")
    kept = {reset_notebook(own_folders / "01_one.ipynb", original).backup.name for _ in range(2)}
    assert kept == {"01_one.before-reset.ipynb", "01_one.before-reset-2.ipynb"}
    assert [path.name for path in course_notebooks(own_folders)] == ["00_zero.ipynb", "01_one.ipynb"]


def test_without_jupyter_it_is_said_before_the_work(own_folders, monkeypatch):
    write(own_folders / "00_zero.ipynb", "1")
    monkeypatch.setitem(sys.modules, "nbclient", None)
    for call in (
        lambda: read(own_folders / "00_zero.ipynb"),
        lambda: client(nbformat.v4.new_notebook(), own_folders),
        lambda: workshop.prepare(notebooks=own_folders, progress=False),
    ):
        with pytest.raises(UserError, match=r"install sercourse\[notebooks\]"):
            call()


def test_a_broken_notebook_does_not_become_the_copy_that_reset_takes(own_folders):
    pristine_dir().mkdir(parents=True)
    write(pristine_dir() / "00_zero.ipynb", "1")
    before = (pristine_dir() / "00_zero.ipynb").read_bytes()
    (own_folders / "00_zero.ipynb").write_text("{ half a file")
    with pytest.raises(UserError, match=r"00_zero\.ipynb: is no notebook that can be read"):
        workshop.run_notebooks(own_folders, progress=False)
    assert (pristine_dir() / "00_zero.ipynb").read_bytes() == before


def test_the_copy_that_reset_takes_stays_what_it_was_when_somebody_has_worked_since(own_folders, capsys):
    path, kept = own_folders / "00_zero.ipynb", pristine_dir() / "00_zero.ipynb"
    write(path, "your turn")
    before = path.read_bytes()
    workshop.keep_pristine([path])
    workshop.keep_pristine([path])
    assert capsys.readouterr().out == ""
    write(path, "an answer")
    workshop.keep_pristine([path])
    assert kept.read_bytes() == before
    assert capsys.readouterr().out == (
        f"{path}: differs from {kept}, which stays what `sercourse reset` takes; delete that to replace it.\n"
    )
    for command in (
        ["init", "-q"],
        ["add", path.name],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *command], cwd=own_folders, check=True)
    workshop.keep_pristine([path])
    assert kept.read_bytes() == path.read_bytes(), "git's committed version is a new original"
    assert [one.name for one in pristine_dir().iterdir()] == ["00_zero.ipynb"]


def test_code_runs_in_the_folder_given_and_no_longer_than_given(own_folders):
    (own_folders / "here.txt").write_text("found")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(open('here.txt').read())")])
    running = client(notebook, own_folders, 120, kernel_name="python3")
    assert running.timeout == 120
    running.execute()
    assert notebook.cells[0].outputs[0].text == "found\n"
