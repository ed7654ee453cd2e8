"""The committed notebooks: as their sources give them, run, small, complete, and free of this machine's paths.

That they run at all is checked by nbval, see ``make test``.
"""

from __future__ import annotations

import re

import nbformat
import pytest

from sercourse.corpora.registry import COURSE_CORPORA

SECTIONS = ("## Set-up", "## Exercises", "## Quiz", "## Summary", "## References")
HEADER = ("**You will learn**", "**You need**", "**Time**")
MACHINE_PATHS = re.compile(r"(?<![\w.~/-])/(?:work|root|home|tmp|Users|mnt|builds)/[\w.-]+|[A-Z]:\\\\?Users")
WORST_BYTES = 1_000_000


@pytest.fixture
def notebook(path):
    """One committed notebook."""
    return read(path)


def read(path):
    assert path.exists(), f"{path.name} is not built yet; run `make notebooks`"
    return nbformat.read(path, as_version=4)


def tags(cell) -> set[str]:
    return set(cell.metadata.get("tags", []))


def printed(cell) -> str:
    """What a cell wrote to its standard output."""
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def checks(notebook) -> list:
    return [cell for cell in notebook.cells if "check" in tags(cell)]


def test_every_ready_chapter_has_a_source(builder):
    ready = [chapter["name"] for chapter in builder.course() if chapter["ready"]]
    assert ready == sorted(path.stem for path in builder.SOURCE.glob("[0-9][0-9]_*.py"))


def test_notebook_equals_its_source(builder, chapter):
    for path, built in builder.targets(chapter).items():
        assert builder.same_sources(path, built), f"{path.name} differs from its source; run `make notebooks`"


def test_notebook_is_valid_and_small(path, notebook):
    nbformat.validate(notebook)
    assert path.stat().st_size < WORST_BYTES
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))


def test_every_cell_was_run_in_order_without_an_error(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        numbers = {output.execution_count for output in cell.outputs if "execution_count" in output}
        assert numbers <= {cell.execution_count}, "an output carries the number of its own cell"
    outputs = [output for cell in code for output in cell.outputs]
    assert outputs
    assert [output for output in outputs if output.output_type == "error"] == []
    noise = [output.text for output in outputs if output.get("name") == "stderr"]
    assert noise == [], "a learner should see no warnings"


def test_no_path_of_the_machine_it_was_built_on(notebook):
    for cell in notebook.cells:
        texts = [cell.source]
        for output in cell.get("outputs", []):
            shown = [output.get("text", ""), *output.get("data", {}).values()]
            texts += [re.sub(r"base64,[\w+/=]+", "", text) for text in shown if isinstance(text, str)]
        for text in texts:
            if not re.fullmatch(r"[\w+/=\s]+", text):  # a picture in base64
                assert MACHINE_PATHS.search(text) is None, f"cell {cell.id}: {MACHINE_PATHS.search(text)}"


def test_output_keeps_no_widget_without_a_picture(notebook):
    """A widget cannot be drawn without a kernel: text stands in, and the next cell is a still picture."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, following in zip(code, [*code[1:], None]):
        for output in cell.outputs:
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                assert output.data.get("text/plain", "").startswith("Run the notebook"), f"cell {cell.id}"
                shown = {kind for o in following.outputs for kind in o.get("data", {})}
                assert shown & {"image/png", "text/html"}, f"cell {following.id} should be a still picture"


def test_chapter_has_its_parts(builder, chapter):
    source = builder.read_source(chapter)
    title = source.cells[0]
    assert "title" in tags(title)
    assert title.source.startswith(f"# {chapter[:2]} ")
    assert "mybinder.org" in title.source
    assert "colab.research.google.com" in title.source
    text = "\n".join(cell.source for cell in source.cells if cell.cell_type == "markdown")
    missing = [part for part in (*HEADER, *SECTIONS) if not re.search(rf"^{re.escape(part)}", text, re.MULTILINE)]
    assert missing == []
    assert "{{" not in text
    assert text.count("<details>") == text.count("</details>") >= 3, "a quiz has at least three answers that explain"


def test_setup_is_short_and_parameters_are_named(builder, chapter):
    cells = builder.read_source(chapter).cells
    setup = next(cell for cell in cells if "setup" in tags(cell))
    assert len([line for line in setup.source.splitlines() if line.strip()]) <= 5
    (parameters,) = [cell for cell in cells if "parameters" in tags(cell)]
    assert re.search(rf"^CORPUS = \"({'|'.join(COURSE_CORPORA)})\"", parameters.source, re.MULTILINE)
    assert re.search(r"^PROFILE = \"quick\"", parameters.source, re.MULTILINE)


def test_every_check_has_a_task_a_hint_and_a_solution(builder, chapter):
    exercises, pending = [], []
    for cell in builder.read_source(chapter).cells:
        if "exercise" in tags(cell):
            pending.append(cell)
        if "check" in tags(cell):
            exercises.append((pending, cell))
            pending = []
    assert len(exercises) >= 2
    assert pending == [], "an exercise without a check"
    for number, (cells, verdict) in enumerate(exercises, 1):
        task = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        assert task.startswith(f"### {number}. ")
        assert "*Hint:*" in task
        assert sum("### BEGIN SOLUTION" in cell.source for cell in cells) == 1
        assert "nbval-check-output" in tags(verdict), "nbval has to compare the verdict"


def test_a_stub_is_not_yet_solved(builder, chapter):
    committed = read(builder.NOTEBOOKS / f"{chapter}.ipynb")
    solved = [cell for cell in builder.read_source(chapter).cells if "### BEGIN SOLUTION" in cell.source]
    stubs = [cell for cell in committed.cells if 'raise NotImplementedError("your turn")' in cell.source]
    assert len(stubs) == len(solved) == len(checks(committed)) >= 1
    assert not any("SOLUTION" in cell.source for cell in committed.cells)
    for cell in checks(committed):
        assert printed(cell).startswith("not yet: replace the line"), cell.id


def test_a_solution_passes_its_check(builder, chapter):
    committed = read(builder.NOTEBOOKS / "solutions" / f"{chapter}.ipynb")
    chapter_checks = checks(builder.read_source(chapter))
    assert len(checks(committed)) == len(chapter_checks) >= 1
    for cell in checks(committed):
        assert printed(cell).endswith("solved\n"), cell.id
        assert "not yet" not in printed(cell)


def test_solutions_keep_nothing_of_the_stub(builder, chapter):
    committed = read(builder.NOTEBOOKS / "solutions" / f"{chapter}.ipynb")
    for cell in committed.cells:
        assert "your turn" not in cell.source
        assert "SOLUTION" not in cell.source
