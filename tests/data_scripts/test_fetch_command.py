"""The command around the fetchers, its addresses, and the real corpora."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from data_scripts import fetch as command
from data_scripts.by_form import FORMS
from data_scripts.check_content import check_content
from data_scripts.sources import SOURCES
from sercourse.corpora import card, names
from sercourse.errors import CorpusError

ROOT = Path(__file__).resolve().parents[2]


def test_the_list_names_every_corpus_with_its_licence(capsys):
    assert command.main([]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name:8} " in out for name in [*SOURCES, *FORMS])
    assert out.count("licence: ") == len(SOURCES)


@pytest.mark.parametrize("name", list(FORMS))
def test_a_corpus_behind_a_form_is_explained(name, capsys, tmp_path):
    assert command.main([name, "--to", str(tmp_path / name)]) == 2
    printed = capsys.readouterr()
    assert "http" in printed.out
    assert str(tmp_path / name) in printed.out
    assert "layout" in printed.out
    assert printed.err.startswith(f"{name}: nothing was fetched")
    assert printed.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_where_to(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("SERCOURSE_DATA", str(tmp_path))
    assert command.target_folder("urdu", None) == tmp_path / "urdu"
    assert command.target_folder("urdu", Path("here")) == Path.cwd() / "here"
    monkeypatch.delenv("SERCOURSE_DATA")
    assert command.main(["urdu"]) == 2
    assert "Set SERCOURSE_DATA" in capsys.readouterr().err


def test_an_unknown_name(capsys):
    assert command.main(["emo-db"]) == 2
    assert "'emo-db' is not a corpus; choose one of emodb, ravdess" in capsys.readouterr().err


@pytest.mark.parametrize("start", [["data_scripts/fetch.py"], ["-m", "data_scripts.fetch"]])
def test_it_starts_both_ways(start):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    arguments = [sys.executable, *start, "afew"]
    done = subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout.startswith("AFEW")


# --- the addresses and the cards


def test_every_corpus_that_may_be_fetched_has_a_source_and_every_other_a_form():
    ways = {name: card(name).how for name in names()}
    assert {name for name, how in ways.items() if how == "fetch"} == set(SOURCES)
    assert {name for name, how in ways.items() if how == "form"} - {"iemocap-improvised"} <= set(FORMS)


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
def test_addresses_are_fixed_and_encrypted(source):
    for item in source.downloads:
        assert (item.record or item.url).startswith("https://")
        assert bool(item.record) != bool(item.url)
        assert item.record.replace("/api/", "/") == source.page or source.page in item.url
        if item.commit:
            assert item.commit in item.url
    assert any(item.commit or item.record for item in source.downloads)


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "minutes"), [("emodb", "24.8"), ("ravdess", "88.8")])
def test_the_real_corpora_pass(real_corpora, name, minutes):
    if not (real_corpora / name).is_dir():
        pytest.skip(f"{name} is not in SERCOURSE_DATA")
    count = card(name).utterances
    assert check_content(SOURCES[name], real_corpora / name) == f"{count} recordings, {minutes} minutes"


@pytest.mark.realdata
def test_part_of_a_real_corpus_is_refused(real_corpora):
    if not (real_corpora / "nemo" / "data.tsv").is_file():
        pytest.skip("nEMO is not in SERCOURSE_DATA")
    found = len(list((real_corpora / "nemo" / "samples").iterdir()))
    if found == card("nemo").utterances:
        pytest.skip("nEMO is complete")
    with pytest.raises(CorpusError, match=f"{found} recordings are there, but 4481 belong there"):
        check_content(SOURCES["nemo"], real_corpora / "nemo")
