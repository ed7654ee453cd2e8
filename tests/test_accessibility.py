"""Headings in order, pictures described, players named: in every notebook and page of the course."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sercourse.explain.describe import LETTERS, describe

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "notebooks" / "source"))

import build  # noqa: E402  (the notebooks' own builder)

PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")})
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb")) + sorted(ROOT.glob("notebooks/solutions/*.ipynb"))
IMAGE = re.compile(r"!\[([^\]]*)\]\(")
HTML_IMAGE = re.compile(r"<img\b(?![^>]*\balt\s*=\s*[\"'][^\"']+[\"'])[^>]*>")
HTML_AUDIO = re.compile(r"<audio\b(?![^>]*\baria-label\s*=\s*[\"'][^\"']+[\"'])[^>]*>")


def prose(markdown: str) -> str:
    """Markdown without its code, in which ``#`` begins no heading."""
    return re.sub(r"^(```|~~~).*?^\1|<!--.*?-->", "", markdown, flags=re.MULTILINE | re.DOTALL)


def heading_faults(markdown: str, *, first: int = 1) -> list[str]:
    """What is wrong with the order of headings: one title, first of all, and no level left out below it."""
    levels = [(len(marks), title) for marks, title in re.findall(r"^(#{1,6}) (.+)$", prose(markdown), re.MULTILINE)]
    faults = [f"a second title: {title}" for level, title in levels[1:] if level == first]
    before = first - 1
    for level, title in levels:
        if level > before + 1:
            faults.append(f"level {level} after {before}: {title}")
        before = level
    return faults if levels else ["no heading"]


def undescribed(markdown: str) -> list[str]:
    """Pictures and players of a text that say nothing to those who do not see them."""
    text = prose(markdown)
    nameless = [] if all(alt.strip() for alt in IMAGE.findall(text)) else ["a picture without alternative text"]
    return [*nameless, *(found[:60] for kind in (HTML_IMAGE, HTML_AUDIO) for found in kind.findall(text))]


def shown(path: Path) -> list:
    return nbformat.read(path, as_version=4).cells


def test_the_rules_find_what_they_forbid():
    assert heading_faults("# A\n\n## B\n\n### C\n\n## D") == []
    assert heading_faults("# A\n\n### C") == ["level 3 after 1: C"]
    assert heading_faults("## A") == ["level 2 after 0: A"]
    assert heading_faults("# A\n\n# B") == ["a second title: B"]
    assert heading_faults("text\n```\n# code\n```") == ["no heading"]
    assert undescribed("![](x.png)") != []
    assert undescribed('<img src="x" alt=""> <audio controls>') == ['<img src="x" alt="">', "<audio controls>"]
    assert undescribed('![a](x) <img alt="b" src="x"> <audio aria-label="c">') == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_has_headings_in_order_and_described_pictures(page):
    text = page.read_text("utf-8")
    assert heading_faults(text) == []
    assert undescribed(text) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_notebook_has_headings_in_order(path):
    markdown = "\n\n".join(cell.source for cell in shown(path) if cell.cell_type == "markdown")
    if path.parent.name == "solutions":  # holds the exercises of a chapter alone: they come right below its title
        markdown = markdown.replace("\n### ", "\n## ")
    assert heading_faults(markdown) == []
    assert undescribed(markdown) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_stored_picture_and_player_is_described(path):
    faults = []
    for cell in shown(path):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind in ("image/png", "image/jpeg"):
                if kind in data and not output.metadata.get(kind, {}).get("alt", "").strip():
                    faults.append(f"cell {cell.id}: a picture without a description; run build.py --keep")
            faults += [f"cell {cell.id}: {fault}" for fault in undescribed(data.get("text/html", ""))]
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


def test_a_notebook_takes_the_description_that_a_printer_gives(figure):
    """The way by which figures describe themselves: data and metadata from IPython's printer."""
    shell = InteractiveShell.instance()
    printer = shell.display_formatter.formatters["image/png"]
    printer.for_type(Figure, lambda shown: (b"png", {"alt": describe(shown)}))
    try:
        figure.suptitle("Told")
        _, metadata = shell.display_formatter.format(figure, include={"image/png"})
    finally:
        printer.pop(Figure)
        InteractiveShell.clear_instance()
    assert metadata == {"image/png": {"alt": "Told."}}
