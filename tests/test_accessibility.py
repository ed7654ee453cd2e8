"""Headings in order, pictures described, players named: in every notebook and page of the course."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from data_scripts.course import ROOT, build
from data_scripts.kit.pages import to_html
from data_scripts.website.links import read_page
from sercourse.explain.describe import LETTERS, describe

PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")})
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb")) + sorted(ROOT.glob("notebooks/solutions/*.ipynb"))


def faults_of(markdown: str) -> list[str]:
    """What is wrong with the headings, pictures and players of a text: one title, first of all, no level left out."""
    page = read_page(to_html(markdown))
    titles = page.headings.count(1)
    return page.problems if titles == 1 else [*page.problems, f"{titles} titles"]


def shown(path: Path) -> list:
    return nbformat.read(path, as_version=4).cells


def test_the_rules_find_what_they_forbid():
    assert faults_of("# A\n\n## B\n\n### C\n\n## D\n\n![a](x)") == []
    assert faults_of("# A\n\n### C") == ["a heading <h3> follows <h1>"]
    assert faults_of("## A") == ["a heading <h2> follows <h0>", "0 titles"]
    assert faults_of("# A\n\n# B") == ["2 titles"]
    assert faults_of("text\n```\n# code\n```") == ["0 titles"]
    assert faults_of("# A\n\n![](x.png)") == ["a picture has no alternative text: x.png"]
    assert faults_of('# A\n\n<audio controls src="x">') == ["a player has no name: x"]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_has_headings_in_order_and_described_pictures(page):
    assert faults_of(page.read_text("utf-8")) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_notebook_has_headings_in_order(path):
    markdown = "\n\n".join(cell.source for cell in shown(path) if cell.cell_type == "markdown")
    if path.parent.name == "solutions":  # holds the exercises of a chapter alone: they come right below its title
        markdown = markdown.replace("\n### ", "\n## ")
    assert faults_of(markdown) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_stored_picture_and_player_is_described(path):
    faults = []
    for cell in shown(path):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind in ("image/png", "image/jpeg"):
                if kind in data and not output.metadata.get(kind, {}).get("alt", "").strip():
                    faults.append(f"cell {cell.id}: a picture without a description; run build.py --keep")
            faults += [f"cell {cell.id}: {fault}" for fault in read_page(data.get("text/html", "")).problems]
    assert faults == []


def test_builder_describes_a_picture_that_does_not_describe_itself():
    own = new_output("display_data", {"image/png": "x"}, metadata={"image/png": {"alt": "of its own", "width": 3}})
    bare = new_output("display_data", {"image/png": "x"}, metadata={"needs_background": "light"})
    code = "ax.set(title='Leakage', xlabel=\"time (s)\")\nax.plot(x, label=f'{name}')"
    notebook = new_notebook(cells=[new_markdown_cell("# A\n\n## The *idea*\n\ntext"), new_code_cell(code)])
    notebook.cells[1].outputs = [own, bare, new_output("stream", text="x")]
    build.describe_pictures(notebook)
    first, second, _ = notebook.cells[1].outputs
    assert first.metadata["image/png"] == {"alt": "of its own", "width": 3}
    assert second.metadata["image/png"] == {"alt": "Figure in the section “The idea”: Leakage; time (s)"}
    assert second.metadata["needs_background"] == "light"


def test_outputs_are_kept_where_only_prose_has_changed(tmp_path):
    stored = new_notebook(cells=[new_markdown_cell("old"), new_code_cell("1 + 1", execution_count=7)])
    stored.cells[1].outputs = [new_output("execute_result", {"text/plain": "2"}, execution_count=7)]
    nbformat.write(stored, tmp_path / "a.ipynb")
    fresh = new_notebook(cells=[new_markdown_cell("new"), new_markdown_cell("more"), new_code_cell("1 + 1")])
    assert build.keep_outputs(fresh, tmp_path / "a.ipynb")
    assert fresh.cells[2].execution_count == 7
    assert fresh.cells[2].outputs[0].data["text/plain"] == "2"
    changed = new_notebook(cells=[new_code_cell("1 + 2")])
    assert not build.keep_outputs(changed, tmp_path / "a.ipynb")
    assert changed.cells[0].outputs == []
    assert not build.keep_outputs(changed, tmp_path / "gone.ipynb")


@pytest.fixture
def figure():
    made = plt.figure()
    yield made
    plt.close(made)


def test_a_figure_describes_titles_axes_series_and_bars(figure):
    first, second, third, empty = figure.subplots(1, 4)
    first.plot([1, 2], label="train")
    first.plot([1, 3], label="test")
    first.set(title="Loss", xlabel="epoch", ylabel="loss\n(nats)")
    first.legend()
    second.bar(["anger", "calm"], [61.23, 8])
    second.set(ylabel="UA (%)")
    image = third.imshow(np.eye(3))
    third.set(title="$c$", xlabel="predicted")
    figure.colorbar(image, ax=third).set_label("not told")
    empty.axis("off")
    figure.canvas.draw()
    assert describe(figure) == (
        "3 panels. Loss: 2 lines (train, test); across: epoch; up: loss (nats). bars: anger 61.2, calm 8; up: UA (%)."
        " c: an image in colours; across: predicted."
    )


def test_a_description_is_never_empty_and_never_endless(figure):
    assert describe(figure) == "A figure without labels."
    ax = figure.subplots()
    for number in range(200):
        ax.plot([0, number], label=f"a line with the number {number}")
    assert len(describe(figure)) <= LETTERS
    assert describe(figure).endswith("…")
