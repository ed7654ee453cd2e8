"""The site: pages made from notebooks, docstrings, cards and results, and what is checked of the HTML."""

from __future__ import annotations

import json
import re
import shutil

import nbformat
import pytest

from data_scripts import readme
from data_scripts.course import ROOT, build, chapters
from data_scripts.website import __main__ as site
from data_scripts.website import corpora, explorers, figures, measured, networks, notebooks, papers, reference
from data_scripts.website.docstrings import foreign, linked
from data_scripts.website.markdown import NOT_RUN, section, table
from data_scripts.website.printed import printed_tables
from sercourse.corpora.cards import card, card_names
from sercourse.corpora.corpus_names import parts
from sercourse.experiments.registry import EXPERIMENTS
from sercourse.losses.ctc import ENGLISH
from sercourse.training.recipes import recipe
from sercourse.training.settings import CHAPTERS, PROFILES


@pytest.fixture
def chapter():
    """The first chapter, as the site shows it."""
    path = ROOT / "notebooks" / "01_signal_preprocessing.ipynb"
    return notebooks.page(path, {"notebooks/00_start_here.ipynb", "notebooks/01_signal_preprocessing.ipynb"})


def test_table_escapes_and_rounds():
    assert table(("a", "b"), [("x|y", 1.26), (None, 3)]) == "| a | b |\n|---|---|\n| x\\|y | 1.3 |\n| – | 3 |"
    assert section("T", "", "text", label="here") == "(here)=\n## T\n\ntext\n"


def test_chapter_has_links_to_launch_it_and_no_badge_of_another_server(chapter):
    first = chapter.cells[0].source
    assert "badge" not in first
    for place in ("mybinder.org", "colab.research.google.com", "raw/main/notebooks/01_signal_preprocessing.ipynb"):
        assert place in first
    assert not any(notebooks.WIDGET in output.get("data", {}) for cell in chapter.cells if cell.cell_type == "code"
                   for output in cell.outputs)  # fmt: skip
    before = nbformat.read(ROOT / "notebooks" / "01_signal_preprocessing.ipynb", as_version=4)
    assert any(notebooks.WIDGET in o.get("data", {}) for c in before.cells for o in c.get("outputs", [])), (
        "none to drop"
    )
    sounds = sum(
        "<audio" in o.get("data", {}).get("text/html", "") for c in chapter.cells for o in c.get("outputs", [])
    )
    assert sounds == sum("<audio" in o.get("data", {}).get("text/html", "") for c in before.cells
                         for o in c.get("outputs", []))  # fmt: skip


def test_pictures_keep_the_description_they_were_stored_with():
    path = ROOT / "notebooks" / "07_explorer.ipynb"
    stored = [
        output.metadata["image/png"]["alt"]
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    shown = [
        cell.metadata["mystnb"]["image"]["alt"] for cell in notebooks.page(path, ()).cells if "mystnb" in cell.metadata
    ]
    assert len(stored) > 3
    assert set(stored) <= set(shown)


def test_a_picture_without_a_description_gets_the_one_of_the_builder(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    picture = nbformat.v4.new_output("display_data", {"image/png": "QUJD"})
    cells = [nbformat.v4.new_markdown_cell("# A\n\n## The idea"), nbformat.v4.new_code_cell("1", outputs=[picture])]
    nbformat.write(nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell("2")]), tmp_path / "a.ipynb")
    _, drawn, plain = notebooks.page(tmp_path / "a.ipynb", ()).cells
    assert drawn.metadata["mystnb"]["image"]["alt"] == build.alternative("1", "The idea")
    assert "mystnb" not in plain.metadata


def test_links_that_leave_the_site_point_at_the_repository():
    pages = {"notebooks/00_start_here.ipynb"}
    assert notebooks.outward("00_start_here.ipynb#quiz", "notebooks", pages) == "00_start_here.ipynb#quiz"
    assert notebooks.outward("../results/mtap", "notebooks", pages).endswith("/tree/main/results/mtap")
    away = notebooks.outward("../README.md#start", "notebooks", pages)
    assert away.startswith("https://github.com/")
    assert away.endswith("/blob/main/README.md#start")


def test_pages_of_other_folders_are_linked_and_listed():
    told = notebooks.relinked("[a](b.md) [c](../../Makefile)", "docs/teaching", {"docs/teaching/b.md"})
    assert told.startswith("[a](b.md) [c](https://github.com/")
    listed = figures.other_tree().splitlines()
    assert not {"index", "believe", "glossary"} & set(listed)
    assert all((ROOT / "docs" / f"{name}.md").exists() for name in listed)


def test_solutions_are_for_instructors(tmp_path):
    plain = notebooks.write_chapters(tmp_path / "a")
    assert plain == list(chapters())
    assert not list((tmp_path / "a").rglob("solutions"))
    solved = notebooks.write_chapters(tmp_path / "b", solutions=True)
    assert "solutions/00_start_here" in solved
    text = (tmp_path / "a" / "chapters" / "00_start_here.ipynb").read_text("utf-8")
    assert "raise NotImplementedError" in text


def test_reference_has_every_module_in_the_order_of_the_house(tmp_path):
    house = reference.house()
    assert house.index("errors") < house.index("signal") < house.index("models") < house.index("training")
    assert house.index("experiments") < house.index("cli")
    count = reference.write_reference(tmp_path)
    assert count > 150
    text = (tmp_path / "api" / "signal.rst").read_text("utf-8")
    assert ".. automodule:: sercourse.signal.audio" in text
    assert "`signal`" in (tmp_path / "api" / "index.md").read_text("utf-8")
    assert reference.file_of("sercourse.corpora.cards").name == "cards.py", "a folder of the same name is beside it"


def test_docstrings_link_to_their_chapter():
    told = linked(["What.", "", "Source: A 2021.", "Notebook: 06_msfl.ipynb"], {"chapters/06_msfl"})
    assert told == ["What.", "", "", "**Source**: A 2021.", "", "**Notebook**: :doc:`/chapters/06_msfl`"]
    assert "in the making" in linked(["Notebook: 99_later.ipynb"], set())[1]
    assert foreign("json", json.loads)
    assert not foreign("card", card)


def test_corpora_page_has_every_card():
    page = corpora.corpora_page()
    for name in card_names():
        assert f"(corpus-{name})=" in page
    assert "816" in page, "a trap of EMO-DB"


@pytest.mark.parametrize("name", ["asp_mtl", "emotion_autoencoder", "msfl", "mtap", "mtlser"])
def test_printed_tables_belong_to_artifacts(name):
    tables = printed_tables(name)
    assert tables
    assert {f"{name}/{artifact}" for artifact in tables} <= set(EXPERIMENTS)


def test_printed_stands_beside_measured():
    text = papers.beside({"A": {"UA": "60"}, "B": {"UA": "61"}}, {"a": {"UA": "50.0"}, "C+SVM": {"UA": "70.0"}})
    rows = text.splitlines()[2:]
    assert rows == ["| A | 60 | 50.0 |", f"| B | 61 | {NOT_RUN} |", "| C+SVM | – | 70.0 |"]
    tagged = papers.beside({"[9]": {"F1": "0.8"}}, {"histogram equalisation [9]": {"UA": "55.6"}})
    assert "| [9] (histogram equalisation [9]) | 0.8 | 55.6 |" in tagged


def test_measured_figures_are_those_of_results():
    (found,) = measured.stored("mtap/table1")
    raw = json.loads((ROOT / "results" / "mtap" / "table1_emodb.json").read_text("utf-8"))
    rows = measured.rows_of(found)
    assert rows["apfl"]["WA"] == f"{raw['rows']['apfl']['wa']:.1f}"
    assert "focal" not in rows or raw["rows"]["focal"] is not None
    assert measured.strongest(rows, "WA") == f"{max(one['wa'] for one in raw['machines'].values()):.1f}"
    assert measured.stored("mtap/nothing") == []


def test_tables_read_off_a_cell_are_those_of_the_cell():
    (found,) = measured.stored("emotion_autoencoder/table8")
    assert found["protocol"] == "kfold-10"
    rows = measured.rows_of(found)
    assert set(rows["anger"]) == {"precision", "recall", "F1"}
    (confusion,) = measured.stored("emotion_autoencoder/table12")
    assert sum(float(value) for value in measured.rows_of(confusion)["anger"].values()) == pytest.approx(100, abs=0.5)
    assert measured.stored("emotion_autoencoder/table5") == [], "IEMOCAP was not measured"


def test_every_artifact_has_a_state(tmp_path):
    done = papers.write_papers(tmp_path)
    overview = (tmp_path / "results" / "index.md").read_text("utf-8")
    assert overview.count(NOT_RUN) == len(EXPERIMENTS) - done
    for artifact in EXPERIMENTS:
        assert f"`{artifact}`" in overview
    assert "95.6" in (tmp_path / "results" / "emotion_autoencoder.md").read_text("utf-8"), "a printed figure"


@pytest.mark.parametrize("chapter_name", CHAPTERS)
def test_a_card_has_a_row_per_profile(chapter_name):
    told = networks.sizes(chapter_name).splitlines()[2:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in told] == list(PROFILES)


MEASURED = [
    cell
    for cell in (json.loads(file.read_text("utf-8")) for file in sorted((ROOT / "results").glob("*/cells/*.json")))
    if "parameters" in cell
]


@pytest.mark.parametrize("chapter_name", sorted({cell["chapter"] for cell in MEASURED}))
def test_counted_networks_have_the_size_of_the_trained_ones(chapter_name, monkeypatch):
    monkeypatch.setitem(networks.SHAPES, "compare", (6373,))
    for cell in (cell for cell in MEASURED if cell["chapter"] == chapter_name):
        monkeypatch.setitem(networks.CLASSES, networks.MAIN, list(cell["per_class"]))
        named = [re.match(r"[\w-]+", part)[0] for part in parts(cell["corpus"])]
        spoken = sorted({code for name in named for code in card(name).languages})
        monkeypatch.setitem(networks.CLASSES, "language", cell["settings"]["loop"].get("languages") or spoken)
        if cell["corpus"] == "matrix":  # a fifth of its 100 speakers is for the test, another one for validation
            monkeypatch.setitem(networks.CLASSES, "speaker", [str(number) for number in range(60)])
        symbols = (
            ENGLISH if cell["corpus"] == "matrix" else ENGLISH[:29]
        )  # what EMO-DB's German sentences are spelt with
        monkeypatch.setitem(networks.CLASSES, "text", list(symbols))
        settings = recipe(chapter_name).profiles[cell["profile"]].from_json(cell["settings"])
        assert networks.parameters(chapter_name, settings) == cell["parameters"], cell["run"]


@pytest.mark.parametrize("page", [ROOT / "docs" / name for name in figures.WRITTEN], ids=lambda page: page.name)
def test_pages_hold_no_typed_figure_and_no_unknown_place(page):
    text = page.read_text("utf-8")
    typed = re.sub(r"\{\{.*?\}\}|\$.*?\$|wav2vec 2\.0", "", text)
    assert not re.search(r"\d\d\.\d", typed), "a measured figure is written as {{name}}"
    filled = figures.fill(text, page.name)
    assert "{{" not in filled
    if page.name == "glossary.md":
        assert text.count("Chapter {{chapter") > 50


def test_every_kind_of_summary_has_figures():
    """Quoted systems, silhouettes and the lesson on evaluation are tables of other shapes."""
    quoted = {"quoted": [], "metric": "wa", "measured": [{"system": "IS10+SVM", "protocol": "loso", "wa": 77.2}]}
    assert measured.rows_of(quoted) == {"IS10+SVM, loso": {"WA": "77.2"}}
    maps = measured.rows_of({"silhouette": {"latent": 0.123, "states": [0.5, 0.25], "apfl": {"emotion": 0.3}}})
    layers = {"layer 1": "0.50", "layer 2": "0.25"}
    assert maps == {"latent": {"silhouette": "0.12"}, "states": layers, "apfl": {"emotion": "0.30"}}
    (lesson,) = measured.stored("emotion_autoencoder/evaluation")
    for name, row in measured.rows_of(lesson).items():
        assert list(row) == ["WA, epoch by validation", "WA, epoch by test", "WA of the strongest SVM"]
        assert row["WA, epoch by test"] == f"{lesson['rows'][name]['wa_epoch_of_test']:.1f}"
    assert "| [1] | 80 | *quoted* |" in papers.beside({"[1]": {"WA": "80"}}, {"x": {"WA": "7"}}, missing="*quoted*")


def test_unknown_place_is_refused():
    with pytest.raises(ValueError, match=r"x\.md: \{\{nothing\}\} is unknown"):
        figures.fill("{{nothing}}", "x.md")


def test_what_was_not_measured_says_so():
    assert figures.effect("mtap/table1", "nothing", "softmax") == NOT_RUN
    assert figures.silence("all", "nowhere", "silence") == NOT_RUN
    assert figures.baseline("emodb", "is10", "linear", "nothing", "wa") == NOT_RUN
    assert "points of WA" in figures.effect("mtap/table1", "apfl", "softmax")


def test_explorers_that_are_there_are_linked(tmp_path, monkeypatch):
    monkeypatch.setenv("SERCOURSE_RUNS", str(tmp_path))
    assert explorers.at_hand() == []
    assert explorers.explorer_list().count(NOT_RUN) == len(explorers.FIRST_RUNS)
    (tmp_path / "made.html").write_text("<p>map</p>")
    explorers.put_into(tmp_path / "site", {"mtap": tmp_path / "made.html"})
    explorers.put_into(tmp_path / "site", {"msfl": tmp_path / "made.html"})
    assert [file.name for file in (tmp_path / "site" / "explorers").iterdir()] == ["msfl.html"], "older ones go"


@pytest.mark.parametrize(
    "changed", ["colourings.py", "map_source.py", "maps.py", "players.py", "page.html", "run.json"]
)
def test_an_explorer_is_made_anew_where_its_code_or_run_changes(changed, tmp_path, monkeypatch):
    code, run = tmp_path / "sercourse" / "explain", tmp_path / "run"
    shutil.copytree(ROOT / "sercourse" / "explain", code)
    run.mkdir()
    (run / "run.json").write_text("{}")
    monkeypatch.setattr(explorers, "ROOT", tmp_path)
    before = explorers._digest(run)
    assert explorers._digest(run) == before
    file = (run if changed == "run.json" else code) / changed
    file.write_text(file.read_text("utf-8") + " ")
    assert explorers._digest(run) != before


def test_readme_check_fails_where_a_page_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    monkeypatch.setattr(readme.sys, "argv", ["readme.py", "--check"])
    with pytest.raises(FileNotFoundError, match=r"README\.md"):
        readme.main()


def test_folder_is_brought_up_to_date(tmp_path):
    fresh, target = tmp_path / "fresh", tmp_path / "target"
    for file, text in ((fresh / "a", "1"), (fresh / "b" / "c", "2"), (target / "a", "1"), (target / "old", "3")):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    before = (target / "a").stat().st_mtime_ns
    site.synchronise(fresh, target)
    assert sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()) == ["a", "b/c"]
    assert (target / "a").stat().st_mtime_ns == before, "what is the same is left alone"


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A build in which only the check of links is real."""
    monkeypatch.setattr(site, "clear_if_other", lambda source, html: None)
    monkeypatch.setattr(site, "SITE", tmp_path)
    monkeypatch.setattr(site, "assemble", lambda **options: None)
    monkeypatch.setattr(site, "sphinx", lambda *arguments, **options: 0)
    monkeypatch.setattr(explorers, "at_hand", lambda: [])
    monkeypatch.delenv("SITE_EXPLORERS", raising=False)
    return tmp_path


def test_command_fails_with_a_list(built, monkeypatch, capsys):
    (built / "index.html").write_text("<h1>T</h1>")
    assert site.main([]) == 0
    (built / "index.html").write_text("<h1>T</h1><a href='gone.html'>x</a>")
    assert site.main(["--solutions"]) == 1
    assert "index.html: links to gone.html, which is not there" in capsys.readouterr().err
    monkeypatch.setattr(site, "sphinx", lambda *arguments, **options: 1)
    assert site.main([]) == 1
    assert site.main(["--external"]) == 1


def test_missing_runs_are_trained_when_asked_for(built, monkeypatch):
    asked = []
    monkeypatch.setattr(explorers, "train_missing", lambda: asked.append(True))
    site.main([])
    assert asked == []
    monkeypatch.setenv("SITE_EXPLORERS", "all")
    site.main([])
    assert asked == [True]
