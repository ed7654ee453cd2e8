"""`sercourse progress`: a student's exercises are run and judged on this machine, and nothing else is."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
import typer
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner

from sercourse.commands.progress_page import progress
from sercourse.errors import UserError
from sercourse.explain import exercise_progress
from sercourse.explain.exercise_progress import ChapterResult, Result, check_notebook, find_notebooks
from sercourse.explain.progress_page import write_progress
from sercourse.reset import reset_notebook

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SETUP = "from sercourse.explain.exercise import check\nnumber = 21"
STUB = 'def {name}(x):\n    raise NotImplementedError("your turn")'
CHECK = '@check\ndef exercise():\n    print("a line of its own")\n    assert {name}(21) == 42, "twice <x>"'


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("SERCOURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "progress"


def tagged(make, text, *tags):
    return make(text, metadata={"tags": list(tags)})


def notebook(path: Path, answers: dict[str, str], *, setup: str = SETUP, extra: str = "") -> Path:
    """A chapter with an exercise per answer; ``extra`` is a cell between the first exercise and its check."""
    cells = [tagged(new_markdown_cell, "# 09 A chapter", "title"), tagged(new_code_cell, setup, "setup")]
    cells += [new_code_cell("raise SystemError('cells of the lesson are not run')"), new_markdown_cell("## Exercises")]
    for number, (name, answer) in enumerate(answers.items(), 1):
        cells.append(tagged(new_markdown_cell, f"### {number}. Write {name}\n\n*Hint:* none.", "exercise"))
        cells.append(tagged(new_code_cell, answer or STUB.format(name=name), "exercise"))
        if extra and number == 1:
            cells.append(new_code_cell(extra))
        cells.append(tagged(new_code_cell, CHECK.format(name=name), "check"))
    cells.append(new_markdown_cell("## Quiz"))
    nbformat.write(new_notebook(cells=cells), path)
    return path


def states(result: ChapterResult) -> dict[str, tuple[str, str]]:
    return {one.title: (one.state, one.message) for one in result.exercises}


def counted(monkeypatch) -> list[Path]:
    """Every run from now on."""
    runs, real = [], exercise_progress._run
    monkeypatch.setattr(exercise_progress, "_run", lambda path, *rest: runs.append(path) or real(path, *rest))
    return runs


def test_each_exercise_is_judged_by_its_own_check(tmp_path, monkeypatch, cache):
    answers = {
        "double": "def double(x):\n    return helper(x)",
        "twice": "def twice(x):\n    return x",
        "later": "",
        "wrong": "def wrong(x:",
        "breaks": "def breaks(x):\n    return x / 0",
    }
    path = notebook(tmp_path / "09_chapter.ipynb", answers, extra="def helper(x):\n    return 2 * x")
    runs, cells = counted(monkeypatch), []
    result = check_notebook(path, told=lambda done, total: cells.append((done, total)))
    found = states(result)
    assert result.title == "09 A chapter"
    assert found["1. Write double"] == ("solved", "")
    assert found["2. Write twice"] == ("not yet", "twice <x>")
    assert found["3. Write later"] == ("not begun", "")
    assert found["4. Write wrong"][0] == "not yet"
    assert found["4. Write wrong"][1].startswith("your code raised SyntaxError")
    assert found["5. Write breaks"] == ("not yet", "your code raised ZeroDivisionError: division by zero")
    assert result.solved == 1
    assert cells[-1] == (12, 12), "set-up, six cells of answers, five checks"
    assert check_notebook(path, told=lambda *_: None) == result
    assert len(runs) == 1, "an unchanged notebook is not run again"
    check_notebook(path, everything=True, told=lambda *_: None)
    assert len(runs) == 2
    (kept,) = cache.iterdir()
    kept.write_text("{ half a file")
    notebook(path, {**answers, "twice": "def twice(x):\n    return x + x"}, extra="def helper(x):\n    return 2 * x")
    assert states(check_notebook(path, told=lambda *_: None))["2. Write twice"] == ("solved", "")
    assert len(runs) == 3, "a changed one is"


def test_a_chapter_that_is_not_begun_is_not_run(tmp_path, monkeypatch, cache):
    runs = counted(monkeypatch)
    result = check_notebook(notebook(tmp_path / "a.ipynb", {"double": "", "twice": ""}))
    assert [one.state for one in result.exercises] == ["not begun", "not begun"]
    assert runs == []
    assert not cache.exists()


def test_a_failed_setup_and_an_endless_loop_are_told_and_not_kept(tmp_path, cache):
    solved = {"double": "def double(x):\n    return 2 * x"}
    failed = check_notebook(notebook(tmp_path / "a.ipynb", solved, setup="open('no such file')"), told=lambda *_: None)
    assert failed.exercises[0].state == "not run"
    assert "the set-up raised FileNotFoundError" in failed.exercises[0].message
    endless = {"double": "def double(x):\n    while True: pass"}
    slow = check_notebook(notebook(tmp_path / "b.ipynb", endless), seconds=3, told=lambda *_: None)
    assert slow.exercises[0].state == "not yet"
    assert "too long" in slow.exercises[0].message
    assert not cache.exists()


def test_a_check_that_was_deleted_is_told(tmp_path):
    path = notebook(tmp_path / "a.ipynb", {"double": "def double(x):\n    return 2 * x"})
    spoilt = nbformat.read(path, as_version=4)
    spoilt.cells = [cell for cell in spoilt.cells if "check" not in cell.metadata.get("tags", [])]
    nbformat.write(spoilt, path)
    (one,) = check_notebook(path, told=lambda *_: None).exercises
    assert one.state == "not yet"
    assert "its check is gone" in one.message


@pytest.mark.parametrize("content", [b"", b"no notebook", b'{"cells": 3}', b"\xff\xfe\x00"])
def test_a_file_that_is_no_notebook_is_one_sentence(tmp_path, content):
    path = tmp_path / "09_chapter.ipynb"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"09_chapter\.ipynb: is no notebook that can be read"):
        check_notebook(path)


def test_notebooks_are_found_here_and_in_notebooks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no chapter lies here"):
        find_notebooks([])
    with pytest.raises(UserError, match="no such notebook"):
        find_notebooks([Path("gone.ipynb")])
    (tmp_path / "03_here.ipynb").touch()
    for spoilt in ("03_here.before-reset.ipynb", "03_here.before-reset-2.ipynb"):
        (tmp_path / spoilt).touch()
    assert find_notebooks([]) == [Path("03_here.ipynb")]
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "02_there.ipynb").touch()
    assert find_notebooks([]) == [Path("notebooks/02_there.ipynb")]


def test_page_says_all_and_asks_for_nothing(tmp_path):
    rows = (Result("1. A <b>", "solved", ""), Result("2. B", "not yet", "<script>alert(1)</script>"))
    file = write_progress(tmp_path / "deep" / "page.html", [ChapterResult("x", "09 {{total}}", rows)])
    page = file.read_text("utf-8")
    assert "1 of 2 exercises are solved." in page
    assert "A &lt;b&gt;" in page
    assert "<script" not in page
    assert re.findall(r"(?:src|href)=|https?://|@import|url\(", page) == []
    assert "default-src 'none'" in page
    assert 'aria-label="09 {{total}}: 1 of 2 solved"' in page
    with pytest.raises(UserError, match="--html"):
        write_progress(tmp_path / "deep" / "page.html" / "below", [])


def test_what_reset_has_kept_is_not_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    original = notebook(tmp_path / "original.ipynb", {"double": ""})
    path = notebook(tmp_path / "01_some.ipynb", {"double": "def double(x):\n    return x"})
    kept = reset_notebook(path, original).backup
    assert kept.exists()
    assert find_notebooks([]) == [Path("01_some.ipynb")]
    shutil.copy(original, path)
    done = CliRunner().invoke(commands(), ["--json", "figures.json"])
    assert done.exit_code == 0, done.output
    assert [one["name"] for one in json.loads(Path("figures.json").read_text("utf-8"))["chapters"]] == ["01_some"]


def test_titles_and_errors_without_text_or_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nameless = "class E(Exception): pass\nE.__name__ = ''\nraise E()"
    path = notebook(tmp_path / "01_some.ipynb", {"a": nameless, "b": "raise ValueError('\\ud800 bad')", "c": ""})
    content = json.loads(path.read_text("utf-8"))
    titles = iter(["#", "### half \ud800 [/bold]", "### \n"])
    for cell in content["cells"]:
        if cell["cell_type"] == "markdown" and "exercise" in cell["metadata"].get("tags", []):
            cell["source"] = next(titles)
    content["cells"][0]["source"] = "# chapter \ud800"
    path.write_text(json.dumps(content))
    path.rename(tmp_path / "01_[bold].ipynb")
    done = CliRunner().invoke(commands(), ["--json", "figures.json"])
    assert done.exit_code == 0, done.output
    (chapter,) = json.loads(Path("figures.json").read_text("utf-8"))["chapters"]
    assert [one["title"] for one in chapter["exercises"]] == ["Exercise", "half ? [/bold]", "Exercise"]
    assert chapter["exercises"][0]["message"] == "your code raised an error without a name"
    assert [one["state"] for one in chapter["exercises"]] == ["not yet", "not yet", "not begun"]
    assert "chapter ?" in Path("build/progress.html").read_text("utf-8")


@pytest.mark.parametrize("seconds", ["inf", "nan", "0", "86401", "1e9"])
def test_seconds_are_bounded(seconds):
    assert CliRunner().invoke(commands(), ["--seconds", seconds]).exit_code == 2


def test_a_page_that_cannot_be_written_is_said_before_the_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook(tmp_path / "01_some.ipynb", {"double": "def double(x):\n    return 2 * x"})
    runs = counted(monkeypatch)
    (tmp_path / "file").touch()
    done = CliRunner().invoke(commands(), ["--html", "file/page.html"])
    assert isinstance(done.exception, UserError)
    assert str(done.exception).startswith("--html file/page.html: cannot be written")
    assert runs == []


def commands() -> typer.Typer:
    app = typer.Typer()
    app.command()(progress)
    return app


def test_command_writes_page_and_figures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook(tmp_path / "01_some.ipynb", {"double": "def double(x):\n    return 2 * x", "twice": ""})
    done = CliRunner().invoke(commands(), ["--json", "figures.json"])
    assert done.exit_code == 0, done.output
    assert "1 of 2 solved" in done.output
    assert "Write twice" in (tmp_path / "build" / "progress.html").read_text("utf-8")
    (chapter,) = json.loads((tmp_path / "figures.json").read_text("utf-8"))["chapters"]
    assert [one["state"] for one in chapter["exercises"]] == ["solved", "not begun"]


@pytest.mark.long
@pytest.mark.parametrize("name", ["00_start_here"])
def test_a_real_chapter_passes_with_its_solutions_and_fails_with_its_stubs(name, tmp_path):
    stubs, solved = tmp_path / f"{name}.ipynb", tmp_path / "solved.ipynb"
    shutil.copy(NOTEBOOKS / f"{name}.ipynb", stubs)
    shutil.copy(NOTEBOOKS / "solutions" / f"{name}.ipynb", solved)
    assert {one.state for one in check_notebook(solved, told=lambda *_: None).exercises} == {"solved"}
    assert {one.state for one in check_notebook(stubs).exercises} == {"not begun"}
    begun = nbformat.read(stubs, as_version=4)
    for cell in begun.cells:
        cell.source = cell.source.replace(exercise_progress.STUB, "return None")
    nbformat.write(begun, stubs)
    assert {one.state for one in check_notebook(stubs, told=lambda *_: None).exercises} == {"not yet"}
