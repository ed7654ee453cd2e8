"""``sercourse reset``: the original comes back, answers and own cells stay, nothing is lost."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

from sercourse.commands import workshop as commands
from sercourse.errors import UserError
from sercourse.reset import HEADING, reset_notebook

CHAPTER = "02_emotion_autoencoder.ipynb"


@pytest.fixture
def notebook(repository: Path, own_folders: Path) -> Path:
    """A copy of a chapter in a folder that git does not know; the untouched one lies in the cache."""
    (own_folders / "cache" / "notebooks").mkdir(parents=True)
    for folder in (own_folders, own_folders / "cache" / "notebooks"):
        shutil.copy(repository / "notebooks" / CHAPTER, folder)
    return own_folders / CHAPTER


def read(path: Path) -> dict:
    nbformat.validate(nbformat.read(path, as_version=4))
    return json.loads(path.read_text("utf-8"))


def sources(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in read(path)["cells"]]


def answer_of(content: dict, name: str) -> dict:
    """The exercise that asks for a function."""
    return next(c for c in content["cells"] if c["cell_type"] == "code" and f"def {name}(" in "".join(c["source"]))


def spoil(path: Path, change) -> None:
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


ANSWER = "def time_to_channels(x):\n    return mine(x)"


def answered(content: dict) -> None:
    answer_of(content, "time_to_channels")["source"] = ANSWER


def test_answers_and_own_cells_stay_and_the_rest_is_as_it_was(notebook):
    before = sources(notebook)

    def spoilt(content):
        answered(content)
        content["cells"][3]["source"] = ["import nothing\n", "1 / 0"]
        content["cells"].insert(5, nbformat.v4.new_code_cell("my_own = 1"))
        content["cells"].insert(9, nbformat.v4.new_markdown_cell("my note"))
        del content["cells"][20:25]

    spoil(notebook, spoilt)
    wrong = notebook.read_bytes()
    done = reset_notebook(notebook)
    assert done.answers == ("time_to_channels",)
    assert done.added == 2
    assert done.backup == notebook.with_name("02_emotion_autoencoder.before-reset.ipynb")
    assert done.backup.read_bytes() == wrong
    after = sources(notebook)
    assert after[len(before) :] == [HEADING, "my_own = 1", "my note"]
    changed = [(old, new) for old, new in zip(before, after) if old != new]
    assert len(changed) == 1
    assert changed[0][1] == ANSWER
    assert answer_of(read(notebook), "time_to_channels")["outputs"] == []


def test_a_second_time_nothing_doubles_and_the_first_backup_stays(notebook):
    spoil(notebook, lambda content: (answered(content), content["cells"].append(nbformat.v4.new_code_cell("my_own"))))
    first = reset_notebook(notebook)
    once = sources(notebook)
    second = reset_notebook(notebook)
    assert sources(notebook) == once
    assert second.answers == ("time_to_channels",)
    assert second.backup != first.backup
    assert first.backup.exists()


def test_an_answer_that_is_no_python_any_more_is_kept(notebook):
    spoil(
        notebook, lambda content: answer_of(content, "time_to_channels").update(source="def time_to_channels(x:\n  (((")
    )
    assert reset_notebook(notebook).answers == ("time_to_channels",)
    assert "def time_to_channels(x:\n  (((" in sources(notebook)


def test_answers_are_found_where_cells_have_other_ids(notebook):
    """Colab gives every cell another id."""

    def renumbered(content):
        answered(content)
        for number, cell in enumerate(content["cells"]):
            cell["id"] = f"colab{number}"

    spoil(notebook, renumbered)
    done = reset_notebook(notebook)
    assert (done.answers, done.added) == (("time_to_channels",), 0)


def test_a_notebook_of_another_edition_keeps_its_answers_apart(notebook):
    """Cells are numbered: after an update an id may belong to another exercise."""

    def shifted(content):
        one, two = answer_of(content, "time_to_channels"), answer_of(content, "peeks")
        one["source"], one["id"], two["id"] = ANSWER, two["id"], one["id"]
        answer_of(content, "peeks")["source"] = "def peeks_of_old():\n    return 7"

    spoil(notebook, shifted)
    done = reset_notebook(notebook)
    assert done.answers == ("time_to_channels",)
    assert "".join(answer_of(read(notebook), "peeks")["source"]).endswith('raise NotImplementedError("your turn")')
    assert sources(notebook)[-1] == "def peeks_of_old():\n    return 7"


def test_the_original_comes_from_git_before_the_cache(notebook, tmp_path):
    repository = tmp_path / "clone"
    repository.mkdir()
    path = Path(shutil.copy(notebook, repository))
    (tmp_path / "cache" / "notebooks" / CHAPTER).write_text("{}")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    before = sources(path)
    spoil(path, lambda content: content["cells"].clear())
    done = reset_notebook(path)
    assert done.source == "git's last commit"
    assert sources(path) == before
    path.unlink()  # deleted altogether
    assert reset_notebook(path).backup is None
    assert sources(path) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"cells": [', "line 1: Expecting value"),
        (b"", "line 1: Expecting value"),
        (b"\xff\xfe", "no cells in it"),
        (b'{"cells": 7}', "no cells in it"),
        (b'{"cells": [{"cell_type": "code"}]}', "no cells in it"),
        (b"[]", "no cells in it"),
        (b'{"cells": {}}', "no cells in it"),
        (b'{"cells": [{"cell_type": "code", "source": {"a": 1}}]}', "no cells in it"),
        (b"[" * 200_000, "no cells in it"),
    ],
)
def test_a_file_that_is_no_notebook_any_more_is_one_sentence_and_stays(notebook, content, said):
    notebook.write_bytes(content)
    with pytest.raises(UserError, match=f"{CHAPTER}: is no notebook any more .{said}.*rename it, and"):
        reset_notebook(notebook)
    assert notebook.read_bytes() == content
    assert not list(notebook.parent.glob("*before-reset*"))


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": None},
        {"metadata": {"tags": None}},
        {"metadata": {"tags": 7}},
        {"id": ["a"]},
        {"id": 5},
        {"id": None},
    ],
)
def test_what_is_no_id_metadata_or_tag_costs_no_answer(notebook, change):
    def spoilt(content):
        answer_of(content, "time_to_channels").update(source=ANSWER, **change)
        content["cells"].append({"cell_type": "code", "source": "my_own = 1", "outputs": [], "execution_count": None})
        content["cells"][-1] |= {"metadata": {}} | change

    spoil(notebook, spoilt)
    reset_notebook(notebook)
    after = sources(notebook)
    assert ANSWER in after
    assert "my_own = 1" in after


def test_half_a_surrogate_pair_in_an_answer_is_kept(notebook):
    answer = "def time_to_channels(x):\n    return '\ud800'"
    spoil(notebook, lambda content: answer_of(content, "time_to_channels").update(source=answer))
    for _ in range(2):
        assert reset_notebook(notebook).answers == ("time_to_channels",)
        assert answer in sources(notebook)


@pytest.mark.parametrize("length", [245, 300])
def test_a_name_that_is_too_long_is_one_sentence(notebook, length):
    path = notebook.with_name("a" * length + ".ipynb")
    if length < 250:
        shutil.copy(notebook, path)
    with pytest.raises(UserError, match=r"cannot be (read|written) \(File name too long\)"):
        reset_notebook(path, notebook)


def test_without_an_original_one_sentence_says_how_to_name_it(notebook, tmp_path):
    (tmp_path / "cache" / "notebooks" / CHAPTER).unlink()
    with pytest.raises(UserError, match=r"no original is at hand.*--original FILE"):
        reset_notebook(notebook)
    with pytest.raises(UserError, match=re.escape(f"--original {tmp_path / 'no.ipynb'}: there is no such file")):
        reset_notebook(notebook, tmp_path / "no.ipynb")


def test_every_exercise_of_the_course_can_be_kept(repository, own_folders):
    """Each chapter with every answer written: all of them come through a reset, and no cell is added."""
    solved_by = {path.name: path for path in (repository / "notebooks" / "solutions").glob("*.ipynb")}
    for name, solution in solved_by.items():
        path = Path(shutil.copy(repository / "notebooks" / name, own_folders))
        answers = {cell["id"]: cell["source"] for cell in read(solution)["cells"]}

        def solve(content: dict, answers: dict = answers) -> int:
            for cell in content["cells"]:
                if cell["cell_type"] == "code" and "exercise" in cell["metadata"].get("tags", []):
                    cell["source"] = answers[cell["id"]]

        spoil(path, solve)
        written = sources(path)
        done = reset_notebook(path, repository / "notebooks" / name)
        assert sources(path) == written, name
        assert done.added == 0
        assert len(done.answers) >= 1, name


def test_the_command_says_what_it_did(notebook, capsys):
    spoil(notebook, lambda content: (answered(content), content["cells"].append(nbformat.v4.new_code_cell("my_own"))))
    commands.reset(notebook)
    out = capsys.readouterr().out
    assert "answers kept: time_to_channels" in out
    assert "your own cells, now at the end: 1" in out
    assert "before-reset.ipynb" in out
    assert "Reload Notebook from Disk" in out
