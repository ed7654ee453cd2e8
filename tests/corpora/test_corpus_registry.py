"""Corpora by name: finding, loading, joining, and the sentences when that fails."""

from __future__ import annotations

import sys
import types

import pytest

from sercourse import corpora
from sercourse.corpora.layout import CorpusWarning
from sercourse.corpora.table import COLUMNS, make_table, validate
from sercourse.errors import CorpusError

INCOMPLETE = pytest.mark.filterwarnings("ignore:.* utterances are there")


@pytest.fixture
def data(tree, monkeypatch):
    """SERCOURSE_DATA with two files of TESS and one of RAVDESS."""
    root = tree("tess/OAF_back_angry.wav", "tess/YAF_back_sad.wav", "ravdess/03-01-05-02-01-02-12.wav", folder="data")
    monkeypatch.setenv("SERCOURSE_DATA", str(root))
    return root


@INCOMPLETE
def test_load_by_environment_and_by_root(data, monkeypatch):
    by_environment = corpora.load("tess")
    monkeypatch.delenv("SERCOURSE_DATA")
    assert corpora.load("tess", root=data).equals(by_environment)
    assert corpora.locate("tess", root=data) == data.resolve() / "tess"


def test_part_of_a_corpus_is_counted(data):
    with pytest.warns(CorpusWarning, match="tess: 2 of 2800 utterances are there"):
        corpora.load("tess")


@INCOMPLETE
def test_joining(data):
    table = corpora.load("tess, ravdess,tess")
    assert list(table.index) == ["ravdess/03-01-05-02-01-02-12", "tess/OAF_back_angry", "tess/YAF_back_sad"]
    assert list(table.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert table["intensity"].isna().to_list() == [False, True, True]
    validate(table)


def test_unset_environment(monkeypatch):
    monkeypatch.delenv("SERCOURSE_DATA", raising=False)
    with pytest.raises(CorpusError, match=r"SERCOURSE_DATA is not set; point it at .*'emodb'.*fetch.py emodb"):
        corpora.locate("emodb")
    with pytest.raises(CorpusError, match=r"iemocap-improvised: .*'iemocap'.*ask for it at https://sail.usc.edu"):
        corpora.load("iemocap-improvised")


def test_missing_folder(data):
    with pytest.raises(CorpusError, match=f"no folder {data.resolve()}/emodb; fetch it with"):
        corpora.load("emodb")
    with pytest.raises(CorpusError, match=r"no folder .*savee; ask for it at http://kahlan"):
        corpora.load("savee")


@pytest.mark.parametrize(("typed", "meant"), [("emo-db", "emodb"), ("RAVDES", "ravdess"), ("crema-d", "cremad")])
def test_a_mistyped_name(typed, meant):
    with pytest.raises(CorpusError, match=rf"no corpus '{typed}'; .* Did you mean {meant}\?"):
        corpora.load(typed)


@INCOMPLETE
@pytest.mark.parametrize("name", ["", ",", "qqqqqq", "tess,qqqqqq"])
def test_a_name_like_no_other(name, data):
    with pytest.raises(CorpusError, match="choose one of synthetic, matrix, tongues, casia"):
        corpora.load(name)


class TestInspect:
    def test_absent(self, data):
        state = corpora.inspect("emodb")
        assert (state.name, state.folder, state.found, state.expected) == ("emodb", None, 0, 535)
        assert "fetch.py emodb" in state.problem

    def test_part(self, data):
        state = corpora.inspect("tess")
        assert (state.folder, state.found, state.problem) == (data.resolve() / "tess", 2, None)
        assert len(state.notes) == 1
        assert "2 of 2800" in state.notes[0]

    def test_unusable(self, data):
        (data / "urdu").mkdir()
        state = corpora.inspect("urdu")
        assert (state.folder, state.found) == (data.resolve() / "urdu", 0)
        assert "holds no wav or flac file" in state.problem

    def test_never_raises(self, data, monkeypatch):
        monkeypatch.setitem(corpora.registry._LOADERS, "tess", lambda folder: 1 / 0)
        assert corpora.inspect("tess").problem == "division by zero"
        assert "no corpus 'x'" in corpora.inspect("x").problem

    def test_every_corpus(self, data, monkeypatch, tmp_path):
        monkeypatch.setenv("SERCOURSE_CACHE", str(tmp_path / "cache"))
        states = {name: corpora.inspect(name) for name in corpora.names()}
        assert {name for name, state in states.items() if state.found} == {"tess", "ravdess"}
        assert "not made yet" in states["synthetic"].problem
        assert not (tmp_path / "cache").exists()


def test_synthetic_is_made_once_in_the_cache(monkeypatch, tmp_path):
    calls = []
    fake = types.ModuleType("sercourse.corpora.synthetic")
    fake.make = lambda folder: (calls.append(folder), folder.mkdir(parents=True))
    fake.is_intact = lambda folder: folder.is_dir()
    fake.load = lambda folder: make_table([{"utterance_id": "synthetic/1", "path": str(folder / "1.wav")}], "synthetic")
    monkeypatch.setitem(sys.modules, "sercourse.corpora.synthetic", fake)
    monkeypatch.setenv("SERCOURSE_CACHE", str(tmp_path))
    assert len(corpora.load("synthetic")) == len(corpora.load("synthetic")) == 1
    assert calls == [tmp_path.resolve() / "synthetic"]
    assert corpora.inspect("synthetic").found == 1
    corpora.load("synthetic", root=tmp_path / "elsewhere")
    assert calls[1:] == [tmp_path.resolve() / "elsewhere" / "synthetic"]
