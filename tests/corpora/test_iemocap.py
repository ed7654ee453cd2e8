"""IEMOCAP in its official layout, written by the test."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from sercourse.corpora import iemocap, load
from sercourse.corpora.layout import CorpusWarning
from sercourse.errors import CorpusError

TURNS = {
    # turn: label, degrees, words
    "Ses01F_impro01_F000": ("neu", "2.5000, 2.5000, 2.5000", "Excuse me."),
    "Ses01F_impro01_M003": ("ang", "1.5000, 3.5000, 4.0000", "Is there a problem?"),
    "Ses01F_impro01_M004": ("xxx", "2.0000, 3.0000, 3.0000", "Well."),
    "Ses01M_impro01_F001": ("exc", "4.5000, 4.0000, 3.0000", "We won!"),
    "Ses05M_script01_1b_F021": ("hap", "4.0000, 3.0000, 3.0000", "Good evening."),
    "Ses05M_script01_1b_M022": ("sad", "2.0000, 2.0000, 2.0000", "Goodbye."),
    "Ses05M_script01_1b_M023": ("fru", "2.0000, 3.0000, 3.0000", "Again."),
}


@pytest.fixture(params=["wav", "flac"])
def corpus(tree, request) -> Path:
    names = [
        f"Session{turn[4]}/sentences/wav/{turn.rpartition('_')[0]}/{turn}.{request.param}"
        for turn in TURNS
        if turn != "Ses05M_script01_1b_M022"
    ]
    root = tree(*names, "Session1/sentences/wav/Ses01F_impro01/._Ses01F_impro01_F000.wav")
    tree("Session1/dialog/wav/Ses01F_impro01.wav")  # the whole dialogue, which is no turn
    for dialogue in {turn.rpartition("_")[0] for turn in TURNS}:
        dialog = root / f"Session{dialogue[4]}" / "dialog"
        verdicts, words = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""], ["F: (laughs)"]
        for turn, (label, degrees, text) in TURNS.items():
            if turn.startswith(dialogue + "_"):
                verdicts += [f"[6.2901 - 8.2357]\t{turn}\t{label}\t[{degrees}]", "C-E2:\tNeutral;\t()", ""]
                words += [f"{turn} [006.2901-008.2357]: {text}"]
        for kind, lines in (("EmoEvaluation", verdicts), ("transcriptions", words)):
            (dialog / kind).mkdir(parents=True, exist_ok=True)
            (dialog / kind / f"{dialogue}.txt").write_text("\n".join(lines) + "\n")
    (dialog / "EmoEvaluation" / f"._{dialogue}.txt").write_bytes(b"\x00\x05\x16\x07\xff")
    (dialog / "EmoEvaluation" / "Categorical").mkdir()
    (dialog / "EmoEvaluation" / "Categorical" / "Ses05M_script01_1b_e1_cat.txt").write_text("Ses05M_F000 :Anger; ()\n")
    return root


def test_the_speaker_is_the_letter_of_the_turn(corpus):
    with pytest.warns(CorpusWarning, match="iemocap: 1 file left out, labelled but without audio"):
        table = iemocap.load(corpus)
    assert table["speaker"].to_dict() == {
        "iemocap/Ses01F_impro01_F000": "iemocap/Ses01F",
        "iemocap/Ses01F_impro01_M003": "iemocap/Ses01M",
        "iemocap/Ses01M_impro01_F001": "iemocap/Ses01F",
        "iemocap/Ses05M_script01_1b_F021": "iemocap/Ses05F",
    }
    assert table["gender"].to_list() == ["female", "male", "female", "female"]


@pytest.mark.filterwarnings("ignore::sercourse.corpora.layout.CorpusWarning")
def test_labels(corpus, caplog):
    with caplog.at_level(logging.INFO):
        table = iemocap.load(corpus)
    assert table["emotion"].to_list() == ["neutral", "anger", "happiness", "happiness"]
    row = table.loc["iemocap/Ses01F_impro01_M003"]
    assert row[["session", "dialogue", "text", "language"]].to_list() == [
        "iemocap/1",
        "iemocap/Ses01F_impro01",
        "Is there a problem?",
        "en",
    ]
    assert row[["valence", "activation", "dominance"]].to_list() == [1.5, 3.5, 4.0]
    assert row["path"].endswith(("Ses01F_impro01_M003.wav", "Ses01F_impro01_M003.flac"))
    assert table["session"].iloc[-1] == "iemocap/5"
    assert table["dialogue"].iloc[-1] == "iemocap/Ses05M_script01_1b"
    assert "2 turns with other labels left out: {'xxx': 1, 'fru': 1}" in caplog.text


def test_improvised_only(corpus):
    table = iemocap.load_improvised(corpus)  # without a warning: the turn without audio is a scripted one
    assert list(table.index) == [
        "iemocap/Ses01F_impro01_F000",
        "iemocap/Ses01F_impro01_M003",
        "iemocap/Ses01M_impro01_F001",
    ]


def test_happiness_with_and_without_excitement(corpus):
    table = iemocap.load_improvised(corpus)
    assert table["code"].to_dict() == {
        "iemocap/Ses01F_impro01_F000": "neu",
        "iemocap/Ses01F_impro01_M003": "ang",
        "iemocap/Ses01M_impro01_F001": "exc",
    }
    assert iemocap.without_excitement(table)["emotion"].to_list() == ["neutral", "anger"]
    in_noise = table.assign(noise="white@0")
    assert len(iemocap.without_excitement(in_noise)) == 2


@pytest.mark.filterwarnings("ignore::sercourse.corpora.layout.CorpusWarning")
def test_both_names_read_one_folder(corpus):
    corpus.rename(corpus.with_name("iemocap"))
    assert len(load("iemocap", root=corpus.parent)) == 4
    assert len(load("iemocap-improvised", root=corpus.parent)) == 3


def test_no_annotation(tree):
    with pytest.raises(CorpusError, match="holds no Session1/dialog/EmoEvaluation"):
        iemocap.load(tree("Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"))


def test_no_audio(corpus):
    for path in corpus.glob("Session*/sentences/wav/*/*"):
        path.unlink()
    with pytest.raises(CorpusError, match="no turn has both a label and audio"):
        iemocap.load(corpus)
