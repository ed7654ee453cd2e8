"""Crowds of synthetic voices: the same bytes again, nothing of the default corpus among them."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from sercourse import corpora
from sercourse.corpora.synthetic import matrix, tongues
from sercourse.corpora.synthetic.crowd import LANGUAGES, Script, babbled_sentence, draw_voice, make_crowd
from sercourse.corpora.synthetic.sentences import EMOTIONAL, NEUTRAL
from sercourse.corpora.synthetic.voices import SPEAKERS
from sercourse.errors import CorpusError


def speechless(*_: object) -> str:
    raise CorpusError("lost my voice")


def digest(folder: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.wav")))).hexdigest()


def test_the_same_seed_gives_the_same_bytes_whatever_the_workers(tmp_path):
    tables = [
        make_crowd(tmp_path / f"w{workers}", voices=3, utterances=2, seed=1, workers=workers, progress=False)
        for workers in (1, 2)
    ]
    assert digest(tmp_path / "w1") == digest(tmp_path / "w2")
    assert tables[0]["text"].tolist() == tables[1]["text"].tolist()
    other = make_crowd(tmp_path / "other", voices=3, utterances=2, seed=2, workers=1, progress=False)
    assert other["text"].tolist() != tables[0]["text"].tolist()
    assert make_crowd(tmp_path / "w1", voices=99, progress=False).equals(tables[0]), "found, not made again"


def test_a_crowd_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(CorpusError, match="lost my voice"):
        make_crowd(
            tmp_path / "c",
            script=Script("crowd", ("en",), speechless),
            voices=1,
            utterances=1,
            workers=1,
            progress=False,
        )
    assert not (tmp_path / "c").exists()


def test_nobody_of_the_default_corpus_is_in_a_crowd():
    taken = {speaker.voice for speaker in SPEAKERS}
    drawn = {draw_voice(0, LANGUAGES, np.random.default_rng(seed)).voice for seed in range(800)}
    assert len(drawn) > 300
    assert not drawn & taken
    sentences = {s for by in NEUTRAL.values() for s in by} | {
        s for by in EMOTIONAL.values() for ss in by.values() for s in ss
    }
    babbled = {babbled_sentence(n, np.random.default_rng(n)) for n in range(500)}
    assert len(babbled) == 500
    assert not babbled & sentences


def test_matrix_sentences_are_all_different():
    assert len({matrix.sentence(number) for number in range(5_000)}) == 5_000
    assert len(set(range(0, 10**5)) & {n * 61_803 % 10**5 for n in range(10**5)}) == 10**5
    assert matrix.sentence(0) == "Nina lost two green cups."
    assert all(len(set(words)) == 10 for words in matrix.WORDS)


def test_the_matrix_is_a_corpus_like_others(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix, "VOICES", 3)
    monkeypatch.setattr(matrix, "EACH", 12)
    table = corpora.load("matrix", root=tmp_path)
    assert len(table) == 36
    assert table["speaker"].nunique() == 3
    assert set(table["language"]) == {"en"}
    texts = table["text"].value_counts()
    pool = {matrix.sentence(number) for number in range(matrix.POOL)}
    assert set(texts.index[texts > 1]) <= pool, "sentences that two people say are those of the pool"
    assert corpora.load("matrix", root=tmp_path).equals(table)


def test_everybody_speaks_all_the_tongues(tmp_path, monkeypatch):
    monkeypatch.setattr(tongues, "VOICES", 3)
    monkeypatch.setattr(tongues, "EACH", 4)
    table = corpora.load("tongues", root=tmp_path)
    assert table.groupby("speaker")["language"].value_counts().to_dict() == {
        (f"tongues/c{number:04d}", code): 4 for number in range(3) for code in ("de", "en", "pl")
    }
    assert (table.groupby("speaker")["gender"].nunique() == 1).all()
    words = {code: " ".join(part["text"]) for code, part in table.groupby("language")}
    assert not set("äöüßąęłóśćźż") & set("".join(words.values())), "invented words, spelt alike in all languages"


def test_the_tongues_are_as_their_card_says():
    script = tongues.SCRIPT
    people = [script.speaker(n, np.random.default_rng([0, 5, n, *script.stream])) for n in range(tongues.VOICES)]
    card = corpora.card("tongues")
    genders = [person.gender for person in people]
    assert (genders.count("female"), genders.count("male")) == (card.female, card.male)
    assert card.utterances == tongues.VOICES * tongues.EACH * len(tongues.LANGUAGES)
    voices = {one.voice for person in people for one in script.spoken_by(person)}
    assert {voice.partition("+")[0] for voice in voices} == set(card.languages)
    variants = {voice.partition("+")[2] for voice in voices}
    assert len(voices) == 3 * len(variants), "every variant in every language"
    assert not variants & {speaker.voice.partition("+")[2] for speaker in SPEAKERS}


def test_nobody_of_the_matrix_was_heard_in_pretraining():
    """Neither a voice nor anybody's habits and room: the streams differ, and these voices are left out."""
    crowd = {draw_voice(n, LANGUAGES, np.random.default_rng([0, 5, n])) for n in range(matrix.PRETRAINED)}
    script = matrix.SCRIPT
    streams = [np.random.default_rng([0, 5, n, *script.stream]) for n in range(matrix.VOICES)]
    drawn = {draw_voice(n, script.languages, rng, script.without) for n, rng in enumerate(streams)}
    assert not {one.voice for one in crowd} & {one.voice for one in drawn}
    assert not {(one.rate, one.pitch) for one in crowd} & {(one.rate, one.pitch) for one in drawn}
