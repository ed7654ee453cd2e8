"""`python -m benchmarks`: what cannot run is one sentence, and figures measured before it stay."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import time

import pytest

from benchmarks import __main__ as all_benchmarks
from benchmarks import explorer, memory, networks, notebooks
from benchmarks.watch import Watch, tree
from sercourse.errors import UserError


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """Benchmarks that were asked for; each gives one figure."""
    names: list[str] = []

    def measure(name: str, console: object) -> tuple[object, bool]:
        names.append(name)
        return {"figure": 1}, True

    monkeypatch.setattr(all_benchmarks, "measure", measure)
    return names


def test_what_needs_a_browser_or_long_runs_by_name_only(asked):
    assert all_benchmarks.main([]) == 0
    assert asked == list(all_benchmarks.USUAL)
    assert not {"explorer", "notebooks"} & set(asked)
    assert all_benchmarks.main(["notebooks", "explorer"]) == 0
    assert asked[-2:] == ["explorer", "notebooks"]


def test_without_chromium_the_sentence_is_printed_and_the_rest_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(explorer, "chromium", lambda: None)
    monkeypatch.setattr(notebooks, "measure_all", lambda: iter([notebooks.Peak("00_one", 9.0, 5.0, 1, 1.0, "")]))
    monkeypatch.setattr(notebooks, "lab_mb", lambda: 7.0)
    path = tmp_path / "figures.json"
    assert all_benchmarks.main(["explorer", "notebooks", "--json", str(path)]) == 2
    assert "explorer: This benchmark needs" in capsys.readouterr().out
    figures = json.loads(path.read_text("utf-8"))
    assert "explorer" not in figures
    assert figures["notebooks"]["lab_mb"] == 7.0


def test_figures_are_written_after_each_benchmark(tmp_path, monkeypatch):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(memory, "measure", lambda: [memory.Peak(500, 90.0, 1.0, 500)])
    monkeypatch.setattr(networks, "measure", interrupted)
    path = tmp_path / "figures.json"
    with pytest.raises(KeyboardInterrupt):
        all_benchmarks.main(["memory", "networks", "--json", str(path)])
    assert json.loads(path.read_text("utf-8"))["memory"][0]["peak_mb"] == 90.0


def test_a_file_that_cannot_be_written_is_told_before_the_work(tmp_path, asked, capsys):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="2"):
        all_benchmarks.main(["--json", str(tmp_path / "file" / "figures.json")])
    assert "cannot be written" in capsys.readouterr().err
    assert asked == []


def _hold(megabytes: int) -> None:
    held = bytearray(megabytes * 1_000_000)
    time.sleep(0.5)
    del held


def test_each_group_has_its_own_peaks_over_all_its_processes():
    sleep = "import time; held = bytearray({} * 1_000_000); time.sleep(1.5)"
    little, much = (subprocess.Popen([sys.executable, "-c", sleep.format(size)]) for size in (1, 150))
    with Watch(tree(little.pid), tree(much.pid), divided=False) as watch:
        for process in (little, much):
            process.wait(timeout=60)
    small, large = watch.peaks
    assert 120e6 < large.rss - small.rss < 180e6
    assert (small.pss, large.pss) == (0, 0), "not asked for"
    assert (small.processes, large.processes) == (1, 1)
    process = multiprocessing.get_context("spawn").Process(target=_hold, args=(100,))
    process.start()
    with Watch(tree(process.pid)) as watch:
        process.join()
    assert watch.peaks[0].rss > 100e6
    if sys.platform == "linux":
        assert 100e6 < watch.peaks[0].pss <= watch.peaks[0].rss


def test_streaming_is_measured_in_a_process_of_its_own():
    (peak,) = memory.measure((20,), workers=1)
    assert (peak.utterances, peak.stored) == (20, 20)
    assert peak.peak_mb > 30


def test_a_benchmark_that_lacks_something_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(UserError, match="needs playwright"):
        explorer.measure(((10, 1),))
