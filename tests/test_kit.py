"""The instructor's kit: what it takes from the notebooks, what it must never hand to students."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from data_scripts.course import ROOT, chapters
from data_scripts.kit import __main__ as kit
from data_scripts.kit import pages, slides, timetables
from data_scripts.kit.answer_key import answer_key
from data_scripts.website.links import read_page
from sercourse.cli import COMMANDS
from sercourse.reset import reset_notebook

SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?) *### END SOLUTION", re.DOTALL)
ASKED_FOR = re.compile(r'<(?:script|img|link|iframe|audio|video|source)\b[^>]*\b(?:src|href)="(?!data:)|@import|url\(')


def picture_cell(source: str = "plot()", tags: tuple[str, ...] = ()) -> nbformat.NotebookNode:
    output = new_output("display_data", {"image/png": "QUJD\n"}, metadata={"image/png": {"alt": 'a "curve"'}})
    return new_code_cell(source, outputs=[output], metadata={"tags": list(tags)})


def test_slides_follow_from_the_cells():
    chapter = new_notebook(
        cells=[
            new_markdown_cell("# 09 A & B\n\n[![Binder](https://x)](https://y)\n\nAbout.\n\n**Time** 3 min"),
            new_markdown_cell("## Set-up\n\nNot shown."),
            new_code_cell("import x", metadata={"tags": ["setup"]}),
            new_markdown_cell("## 1 Idea\n\nFirst. Second. Third. Fourth.\n\nLater.\n\n$$ a^2 $$"),
            picture_cell("plot('<b>')"),
            new_markdown_cell("**What we saw.** It *falls*.\n\n- a point\n\nMore."),
            new_markdown_cell("> **Trap.** Beware."),
            new_markdown_cell("### 1. Do it\n\nPlease.\n\n*Hint:* secret", metadata={"tags": ["exercise"]}),
            new_code_cell("def f(): ...", metadata={"tags": ["exercise"]}),
            picture_cell("check()", ("check",)),
            new_markdown_cell("**1.** Why?\n\n<details><summary>Answer</summary>\n\nSo.\n\n</details>"),
            new_markdown_cell("## References\n\n- A book"),
        ]
    )
    made = slides.slides(chapter)
    assert [slide.heading for slide in made] == ["09 A & B", "1 Idea", "1 Idea", "1 Idea", "1. Do it", "Quiz"]
    title, idea, picture, trap, exercise, quiz = (slide.to_html() for slide in made)
    assert "<h1>09 A &amp; B</h1>" in title
    assert "binder" not in title.lower()
    assert "First. Second. Third.</p>" in idea
    assert "Later" not in idea
    assert "<math" in idea
    assert 'alt="a &quot;curve&quot;" src="data:image/png;base64,QUJD"' in picture
    assert "&lt;b&gt;" in picture
    assert "It <em>falls</em>." in picture
    assert "a point" in picture
    assert "<blockquote>" in trap
    assert "secret" not in exercise
    assert "def f(): ..." in exercise
    assert '<details class="quiz"><summary>Answer</summary>' in quiz
    page = slides.deck(chapter)
    assert page.count('<section class="slide">') == 6
    assert "A book" not in page
    assert "Not shown" not in page


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")))
def test_slides_of_a_chapter_are_whole_and_need_no_network(name):
    notebook = kit.notebook_of(name)
    page = slides.deck(notebook)
    found = read_page(page)
    assert found.problems == []
    assert found.unclosed == []
    assert found.headings.count(1) == 1
    assert set(found.headings) == {1, 2}
    assert ASKED_FOR.search(page) is None
    pictures = sum("image/png" in output.get("data", {}) for c in notebook.cells for output in c.get("outputs", []))
    assert page.count("data:image/png") == pictures, "every picture of the chapter is on a slide"
    assert "{{" not in page
    assert len(page) < 1_500_000


def test_key_has_every_solution_and_students_have_none(tmp_path, monkeypatch):
    monkeypatch.setattr(kit, "build_wheel", lambda folder: None)  # needs a network
    kit.write_student(tmp_path / "student")
    page = answer_key()
    assert read_page(page).unclosed == []
    keys = {part.partition('"')[0]: part for part in page.split('<h2 id="')[1:]}
    assert list(keys) == list(chapters())
    for name in chapters():
        key = keys[name]
        source = (ROOT / "notebooks" / "source" / f"{name}.py").read_text("utf-8")
        handed_out = (tmp_path / "student" / "notebooks" / f"{name}.ipynb").read_text("utf-8")
        solutions = SOLUTION.findall(source)
        assert key.count("<h3>Exercise") == len(re.findall(r"^# ### \d+\. ", source, re.MULTILINE))
        for solution in solutions:
            line = max((line.strip() for line in solution.splitlines()), key=len)
            assert pages.html.escape(line) in key, f"{name}: {line}"
            assert line not in handed_out, f"{name}: a solution is in the students' folder"
        assert "SOLUTION" not in handed_out
        assert len(re.findall(r"^# \*\*\d+\.\*\*", source, re.MULTILINE)) + 1 == key.count('class="answer"')
        assert timetables.check_ins()[name]["answer"].split()[0] in key
    given = "".join(file.read_text("utf-8") for file in (tmp_path / "student").rglob("*.*") if file.suffix != ".ipynb")
    given += timetables.check_in_page()
    for one in timetables.check_ins().values():
        assert one["answer"] not in given


def test_no_formula_of_the_course_is_shown_as_code():
    """Every formula is known to the translator to MathML."""
    unknown, found = [], 0
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                page = pages.to_html(re.sub(r"`[^`]*`", "", cell.source))
                found += page.count("<math")
                unknown += [(path.stem, tex) for tex in re.findall(r'class="math[^>]*>\s*<code>(.*?)</code>', page)]
    assert unknown == []
    assert found > 100
    assert "<mfrac>" in pages.to_html("$\\frac{a}{b}$")
    assert "<code>\\nonsense</code>" in pages.to_html("$\\nonsense$")


def test_timetables_add_up_and_keep_their_limits():
    made = timetables.timetables()
    assert list(made) == ["Half a day", "One day", "Three days"]
    assert [len(days) for _, days in made.values()] == [1, 1, 3]
    stated = chapters()
    for name, (_, days) in made.items():
        taught = []
        for day in days:
            last = day.rows[-1]
            assert (last.begin - day.rows[0].begin).seconds // 60 + last.minutes == day.minutes, name
            assert day.minutes <= day.limit, f"{name}: {day.minutes} minutes"
            for row, following in zip(day.rows, day.rows[1:]):
                assert (following.begin - row.begin).seconds == 60 * row.minutes
            for row in day.rows:
                if chapter := re.match(r"\*\*(\w+)\*\*", row.what):
                    taught.append(chapter[1])
                    own = stated[chapter[1]]
                    assert row.minutes == timetables.minutes(own["reading"]) + timetables.minutes(own["cpu"])
        assert taught == sorted(set(taught)), f"{name}: a chapter twice, or before the one it rests on"
        if name == "Three days":
            assert taught == list(stated), "three days hold the whole course"


@pytest.mark.parametrize(("stated", "found"), [("15 min", 15), ("< 1 min", 1)])
def test_minutes_are_read_from_the_table_of_contents(stated, found):
    assert timetables.minutes(stated) == found
    with pytest.raises(ValueError, match="no time in minutes"):
        timetables.minutes("an hour")


def test_pages_that_are_written_are_up_to_date(tmp_path, monkeypatch):
    assert kit.stale_pages() == [], "run: python -m data_scripts.kit --pages"
    monkeypatch.setattr(kit, "TEACHING", tmp_path)
    assert kit.stale_pages() == ["timetables.md", "check_in.md"]


def test_every_chapter_has_a_question_an_answer_and_a_misconception():
    for name, one in timetables.check_ins().items():
        assert set(one) == {"question", "misconception", "answer"}, name
        assert one["question"].count("?") == 1, f"{name}: one question"
        assert one["answer"] not in timetables.check_in_page()


def test_kit_is_written_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(kit, "build_wheel", lambda folder: (folder / "sercourse-0-py3-none-any.whl").touch())
    monkeypatch.setattr(kit, "chapters", lambda: ["00_start_here"])
    (tmp_path / "kit" / "old").mkdir(parents=True)
    archives = kit.write_kit(tmp_path / "kit")
    assert [archive.stem for archive in archives] == list(kit.PARTS)
    inside = {archive.stem: zipfile.ZipFile(archive).namelist() for archive in archives}
    assert "slides/00_start_here.html" in inside["slides"]
    assert {"student/notebooks/00_start_here.ipynb", "student/start.html"} <= set(inside["student"])
    assert not any("key" in name or "solution" in name for name in inside["student"])
    assert "key/answer_key.html" in inside["key"]
    assert not (tmp_path / "kit" / "old").exists()
    links = {
        page.name: re.findall(r'href="([^"#:]+)"', page.read_text("utf-8"))
        for page in (tmp_path / "kit" / "teaching").glob("*.html")
    }
    assert {"offline.html", "timetables.html"} <= set(links["index.html"])
    for link in {one for some in links.values() for one in some}:
        assert (tmp_path / "kit" / "teaching" / link).is_file(), link


def test_a_student_can_reset_a_notebook_of_the_folder_that_was_handed_out(tmp_path, monkeypatch, own_folders):
    monkeypatch.setattr(kit, "build_wheel", lambda folder: None)  # needs a network
    monkeypatch.setattr(kit, "chapters", lambda: ["00_start_here"])
    kit.write_student(tmp_path / "student")
    notebook = tmp_path / "student" / "notebooks" / "00_start_here.ipynb"
    untouched = json.loads(notebook.read_text("utf-8"))
    spoilt = untouched | {"cells": untouched["cells"][1:]}
    notebook.write_text(json.dumps(spoilt), "utf-8")
    assert reset_notebook(notebook).source == str(tmp_path / "student" / "originals" / "00_start_here.ipynb")
    assert json.loads(notebook.read_text("utf-8")) == untouched


def test_a_notebook_that_is_not_built_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(kit, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match=r"notebooks/42_gone\.ipynb is not built yet; run `make notebooks`"):
        kit.notebook_of("42_gone")
    done = type("Done", (), {"returncode": 2, "stderr": "a\nno network\n"})
    monkeypatch.setattr(kit.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(SystemExit, match=r"cannot be built \(no network\)"):
        kit.build_wheel(Path("x"))


def test_commands_that_the_teaching_pages_name_are_there():
    text = "".join(page.read_text("utf-8") for page in timetables.TEACHING.glob("*.md"))
    code = "\n".join(re.findall(r"```.*?```|`[^`]+`", text, re.DOTALL))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets, commands = (set(re.findall(rf"\b{tool} ([a-z-]+)\b(?! Python)", code)) for tool in ("make", "sercourse"))
    assert {"demo", "lab"} <= targets
    assert {"doctor", "progress", "reset"} <= commands
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"
    assert commands <= {command.__name__ for command in COMMANDS}
