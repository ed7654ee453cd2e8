"""Chapter 05's probe of the text alone: folds, intervals, what cannot be judged."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.experiments import cells, mtap_text, registry
from sercourse.experiments.cells import Bench
from sercourse.training import modalities


@pytest.fixture
def table(tiny_corpus, monkeypatch) -> pd.DataFrame:
    """Two sentences, and an encoder that gives made-up vectors."""
    table = corpora.load("tiny")
    table["text"] = pd.Series(["stop it", "go on"] * len(table), dtype="string")[: len(table)].to_numpy()
    table["language"] = "en"

    def read(encoder: str, text: str) -> np.ndarray:
        return np.random.default_rng(len(text)).normal(size=6).astype(np.float32)

    monkeypatch.setattr(modalities, "read", read)
    monkeypatch.setattr(modalities, "text_fingerprint", lambda name: f"of-{name}")
    monkeypatch.setattr(modalities, "find_spec", lambda name: True)
    return table


def said(texts: dict[str, list[str]]) -> pd.DataFrame:
    """Each emotion's sentences, said by three speakers."""
    rows = [(emotion, text, speaker) for emotion, own in texts.items() for text in own for speaker in "xyz"]
    return pd.DataFrame(rows, columns=["emotion", "text", "speaker"], index=[f"u{k:02d}" for k in range(len(rows))])


def test_a_sentence_of_one_emotion_is_learnt_by_heart_and_a_fixed_one_tells_nothing():
    def vectors(table: pd.DataFrame) -> dict[str, np.ndarray]:
        return {i: np.eye(8)[ord(text[-1]) - ord("a")] for i, text in table["text"].items()}

    own = said({"anger": ["a", "b"], "fear": ["c", "d"]})
    apart = mtap_text.judged(own, vectors(own), "speaker")
    assert (apart["ua"], apart["folds"]) == (100.0, 3), "three speakers, three folds"
    assert mtap_text.judged(own, vectors(own), "text")["ua"] < 60.0
    fixed = said({"anger": ["a", "b"], "fear": ["a", "b"]})
    found = mtap_text.judged(fixed, vectors(fixed), "speaker")
    assert found["ua"] == found["chance"] == 50.0
    assert mtap_text.judged(fixed[fixed["text"] == "a"], vectors(fixed), "text") is None


def test_text_alone_is_judged_by_wording_where_the_corpus_tells_it(table):
    console = Console(file=io.StringIO(), width=200)
    result = registry.run("mtap/text", Bench(corpus="tiny", console=console))
    assert list(result["rows"]) == ["all utterances"]
    assert result["rows"]["all utterances"]["sentences"] == 2
    low, high = result["rows"]["all utterances"]["speakers apart"]["ua_interval"]
    assert low <= result["rows"]["all utterances"]["speakers apart"]["ua"] <= high
    table.loc[table["text"] == "go on", "emotion"] = "fear"
    assert mtap_text.text(Bench(corpus="tiny"))["rows"]["all utterances"]["speakers apart"]["wa"] > 0
    table.loc[table["text"] == "stop it", "emotion"] = "anger"
    assert mtap_text.text(Bench(corpus="tiny"))["rows"]["all utterances"]["sentences apart"] is None
    table["wording"] = ["neutral", "emotional"] * (len(table) // 2)
    assert list(mtap_text.parts(table)) == ["plain sentences", "with feeling, en"]
    table["text"] = pd.NA
    with pytest.raises(UserError, match="tiny: has fewer than two sentences"):
        mtap_text.text(Bench(corpus="tiny"))


def vectors_of(table: pd.DataFrame) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {i: rng.normal(size=4) for i in table.index}


@pytest.mark.parametrize(("emotions", "folds"), [(2, 5), (5, 2), (10, None)])
def test_there_are_no_more_folds_than_an_emotion_has_utterances(emotions, folds):
    """Ten speakers with an utterance each: so many folds as speakers cannot be dealt out."""
    rows = [(f"emotion {number % emotions}", f"t{number}", f"speaker {number}") for number in range(10)]
    table = pd.DataFrame(rows, columns=["emotion", "text", "speaker"], index=[f"u{number}" for number in range(10)])
    found = {way: mtap_text.judged(table, vectors_of(table), column) for way, column in mtap_text.APART.items()}
    assert [one and one["folds"] for one in found.values()] == [folds, folds]
    assert mtap_text.judged(table[:0], {}, "speaker") is None


def test_intervals_are_over_what_was_set_apart():
    table = said({"anger": list("abcdef"), "fear": list("ghijkl")})
    speakers, sentences = (mtap_text.judged(table, vectors_of(table), column) for column in ("speaker", "text"))
    assert sentences["interval_over"] == "12 sentences"
    assert sentences["notice"] == ""
    assert speakers["interval_over"] == "36 utterances"
    assert "there are only 3 speakers: the interval leaves out how much speakers differ" in speakers["notice"]
    few = said({"anger": ["a", "b"], "fear": ["c", "d"]})
    assert "there are only 4 sentences: the" in mtap_text.judged(few, vectors_of(few), "text")["notice"]
    alike = {i: np.eye(12)[ord(text) - ord("a")] for i, text in table["text"].items()}  # one answer per sentence
    wide, narrow = (mtap_text.judged(table, alike, column)["ua_interval"] for column in ("text", "speaker"))
    assert np.ptp(wide) >= np.ptp(narrow)


def test_an_interval_that_is_to_be_mistrusted_says_so(table):
    table["text"] = np.where(table.groupby("emotion").cumcount() % 2, "stop it", "go on")
    console = Console(file=io.StringIO(), width=200)
    result = registry.run("mtap/text", Bench(corpus="tiny", console=console))
    told = mtap_text.notices(result["rows"])
    row = result["rows"]["all utterances"]
    assert told == [f"all utterances, {way}: {row[way]['notice']}" for way in mtap_text.APART if row[way]["notice"]]
    assert told[-1].startswith("all utterances, sentences apart: Drawn over utterances because there are only 2 sent")
    assert all(sentence in console.file.getvalue() for sentence in told)


def test_results_of_before_there_were_notices_have_none():
    for file in sorted((cells.RESULTS / "mtap").glob("text_*.json")):
        rows = json.loads(file.read_text("utf-8"))["rows"]
        without = {name: {key: _older(value) for key, value in row.items()} for name, row in rows.items()}
        assert mtap_text.notices(without) == []
    assert mtap_text.notices({"all utterances": {"speakers apart": None, "sentences apart": {"ua": 1.0}}}) == []


def _older(value):
    return {name: one for name, one in value.items() if name != "notice"} if isinstance(value, dict) else value
