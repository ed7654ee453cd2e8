"""The memory of notebooks: measured in the kernel and its children, remembered while nothing changes, shown."""

from __future__ import annotations

import json
import math

import nbformat
import pytest

from benchmarks import jupyterlab
from benchmarks import notebooks as benchmark
from data_scripts import readme
from data_scripts.course import chapters


def notebook(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def test_memory_of_kernel_and_children_is_counted_at_its_peak(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "NOTEBOOKS", tmp_path)
    plain = benchmark.measure("plain", notebook("import time; time.sleep(0.5)"), {})
    held = "import time; held = bytearray(200_000_000); time.sleep(0.5); del held"
    own = benchmark.measure("own", notebook(held), {})
    outside = f"import sys, subprocess; subprocess.run([sys.executable, '-c', {held!r}])"
    child = benchmark.measure("child", notebook(outside), {})
    assert 150 < own.peak_rss_mb - plain.peak_rss_mb < 260
    assert 150 < child.peak_rss_mb - plain.peak_rss_mb < 300
    assert child.processes == plain.processes + 1


def test_a_notebook_that_fails_has_no_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "NOTEBOOKS", tmp_path)
    with pytest.raises(RuntimeError, match="broken: cell 1 failed"):
        benchmark.measure("broken", notebook("1", "1 / 0"), {})


def test_what_has_not_changed_is_not_run_again(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "NOTEBOOKS", tmp_path)
    nbformat.write(notebook("1"), tmp_path / "00_one.ipynb")
    nbformat.write(notebook("2"), tmp_path / "01_two.ipynb")
    nbformat.write(notebook("3"), tmp_path / "01_two.before-reset-2.ipynb")
    assert benchmark.names() == ["00_one", "01_two"], "a spoilt notebook that was kept is no chapter"
    told = benchmark.digest(notebook("1"))
    known = benchmark.Peak("00_one", 5.0, None, 1, 1.0, told)
    assert next(benchmark.measure_all(["00_one"], known={"00_one": known})) is known

    def run(*_: object) -> None:
        raise AssertionError("run")

    monkeypatch.setattr(benchmark, "measure", run)
    monkeypatch.setattr(benchmark.corpora, "load", lambda _: None)
    with pytest.raises(AssertionError, match="run"):
        next(benchmark.measure_all(["01_two"], known={"01_two": known}))


def test_the_committed_figures_are_of_the_notebooks_as_they_are_and_below_binders_memory(repository):
    """Else: ``python -m benchmarks.notebooks NAME --json results/notebooks_memory.json``, and the README's blocks."""
    measured = json.loads((repository / "results" / "notebooks_memory.json").read_text("utf-8"))["rows"]
    assert [one["name"] for one in measured] == list(benchmark.names())
    for one in measured:
        path = repository / "notebooks" / f"{one['name']}.ipynb"
        assert one["digest"] == benchmark.digest(nbformat.read(path, as_version=4)), f"{one['name']} has changed since"
        assert one["peak_rss_mb"] <= benchmark.LIMIT_MB
        stated = chapters()[one["name"]]["cpu"]
        assert math.ceil(one["seconds"] / 60) <= int(stated.split()[-2]), f"{one['name']}: course.yml says {stated}"


def test_the_kernel_is_started_as_binder_starts_it():
    environment = benchmark.on_binder()
    assert environment["LOKY_MAX_CPU_COUNT"] == "1"


def test_jupyterlab_is_started_with_the_variables_given(tmp_path, monkeypatch):
    seen = {}

    def start(command: list[str], *, env: dict[str, str], **_: object) -> None:
        seen.update(env, command=command)
        raise FileNotFoundError

    monkeypatch.setattr(jupyterlab.subprocess, "Popen", start)
    with pytest.raises(FileNotFoundError), jupyterlab.running_lab(tmp_path, tmp_path, environment={"OF": "binder"}):
        pass
    assert seen["OF"] == "binder"
    assert seen["JUPYTER_CONFIG_DIR"] == str(tmp_path / "config")
    assert len(seen["JUPYTER_TOKEN"]) == 32, "nobody else on the machine gets in"
    assert "PATH" not in seen
    assert not any("token" in part for part in seen["command"])


def test_the_table_of_the_pages(tmp_path, monkeypatch):
    monkeypatch.setattr(readme, "RESULTS", tmp_path)
    assert readme.memory_table() == (
        "Not measured yet: `python -m benchmarks.notebooks --json results/notebooks_memory.json` does it."
    )
    peaks = [benchmark.Peak("00_one", 900.0, 500.0, 1, 20.4, ""), benchmark.Peak("01_two", 1900.0, None, 1, 61.0, "")]
    (tmp_path / "notebooks_memory.json").write_text(json.dumps(benchmark.as_json(peaks, 100.0)))
    text = readme.memory_table()
    assert "| 00_one | 0.90 GB | 20 |\n| 01_two | 1.90 GB ⚠ | 61 |" in text
    assert "need 60 GB" in text
    monkeypatch.setattr(readme, "blocks", lambda: {"memory": text})
    page = readme.fill("a\n<!-- memory -->\n<!-- /memory -->\nb", ("memory",), "docs/hub.md")
    assert page == f"a\n<!-- memory -->\n{text}\n<!-- /memory -->\nb"
    with pytest.raises(ValueError, match=r"docs/hub\.md must hold"):
        readme.fill("nothing", ("memory",), "docs/hub.md")
