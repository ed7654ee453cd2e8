"""From one source to a student's notebook and its solutions."""

from __future__ import annotations

import shutil

import nbformat
import pytest

SOURCE = '''\
# %% [markdown] tags=["title"]
# # 09 A chapter
#
# {{badges}}

# %% tags=["setup"]
url = "https://github.com/{{repository}}"

# %% [markdown]
# {{chapters}}


# %% tags=["exercise"]
def double(x):
    """Twice x."""
    if x:
        ### BEGIN SOLUTION
        y = 2 * x
        return y
        ### END SOLUTION
    return 0


# %% tags=["check", "nbval-check-output"]
print(double(2))
'''


@pytest.fixture
def made(builder, tmp_path, monkeypatch):
    """A chapter of its own, beside the real ones."""
    shutil.copy(builder.NOTEBOOKS / "course.yml", tmp_path)
    monkeypatch.setattr(builder, "SOURCE", tmp_path)
    monkeypatch.setattr(builder, "NOTEBOOKS", tmp_path)
    (tmp_path / "09_chapter.py").write_text(SOURCE)
    return {str(path.relative_to(tmp_path)): notebook for path, notebook in builder.targets("09_chapter").items()}


def test_a_stub_raises_where_the_solution_stood(made):
    (stub,) = [cell.source for cell in made["09_chapter.ipynb"].cells if "def double" in cell.source]
    assert stub.endswith('    if x:\n        raise NotImplementedError("your turn")\n    return 0')


def test_solutions_hold_what_the_exercises_need_and_no_more(made):
    title, setup, exercise, check = made["solutions/09_chapter.ipynb"].cells
    assert title.source == "# 09 A chapter: solutions"
    assert setup.source.startswith("url =")
    assert exercise.source.endswith("    if x:\n        y = 2 * x\n        return y\n    return 0")
    assert check.source == "print(double(2))"


def test_placeholders_are_filled(builder, made):
    text = "\n".join(cell.source for cell in made["09_chapter.ipynb"].cells)
    assert "{{" not in text
    assert f"https://mybinder.org/v2/gh/{builder.repository()}/main?urlpath=lab/tree/notebooks/09_chapter.ipynb" in text
    assert f'url = "https://github.com/{builder.repository()}"' in text
    for listed in builder.course():
        linked = f"[{listed['name']}]({listed['name']}.ipynb)" in text
        assert linked == listed["ready"], "only what is there has a link"


def test_a_chapter_runs_and_a_changed_notebook_is_noticed(builder, made, tmp_path):
    solutions = made["solutions/09_chapter.ipynb"]
    builder.run(solutions, tmp_path)
    assert solutions.cells[-1].outputs[0].text == "4\n"
    path = tmp_path / "written.ipynb"
    assert not builder.same_sources(path, solutions), "a notebook that is not there does not equal its source"
    nbformat.write(solutions, path)
    assert builder.same_sources(path, solutions)
    solutions.cells[1].source += "  # changed"
    assert not builder.same_sources(path, solutions)
