"""Properties that every protocol has on every table: nothing heard in training is tested, everything is tested once."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sercourse.corpora.table import make_table
from sercourse.errors import ProtocolError
from sercourse.training.audit import audit
from sercourse.training.folds import GUARDS
from sercourse.training.protocols import Protocol, make_protocol

EMOTIONS = ("anger", "fear", "neutral")
SPEAKER_INDEPENDENT = ("loso", "session", "language", "group-2", "group-3")
SPEAKER_DEPENDENT = ("kfold-3", "kfold-5", "holdout-20")


@st.composite
def tables(draw) -> pd.DataFrame:
    """Speakers with missing ones, sessions and dialogues that two speakers share, noisy siblings, missing labels."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    speakers, size = draw(st.integers(2, 9)), draw(st.integers(24, 80))
    per_session = draw(st.integers(1, 3))
    with_sessions, with_dialogues = draw(st.booleans()), draw(st.booleans())
    missing = draw(st.sampled_from([0.0, 0.1]))
    languages = draw(st.integers(2, 3))
    rows = []
    for k in range(size):
        speaker = int(rng.integers(speakers))
        session = speaker // per_session
        language = ("de", "en", "pl")[session % languages]
        row = {
            "utterance_id": f"x/{rng.integers(1000)}-{k}",
            "path": "none.wav",
            "emotion": EMOTIONS[rng.integers(3)] if rng.random() >= missing else None,
            "speaker": f"x/{speaker}" if rng.random() >= missing / 2 else None,
            "gender": ("female", "male")[speaker % 2],
            "language": language,
            "session": f"x/{session}" if with_sessions else None,
            "dialogue": f"x/{session}-{rng.integers(3)}" if with_dialogues else None,
            "recording": f"r{k}",
        }
        rows.append(row)
        if rng.random() < 0.2:
            rows.append({**row, "utterance_id": f"x/noisy-{k}", "noise": "babble"})
    return make_table(rows, "random").sample(frac=1, random_state=draw(st.integers(0, 9)))


def make_or_skip(name: str, table: pd.DataFrame, seed: int = 0) -> Protocol:
    try:
        return make_protocol(name, table, seed=seed)
    except ProtocolError as error:
        assume(False)
        raise AssertionError from error


def values(table: pd.DataFrame, ids: tuple[str, ...], column: str) -> set[str]:
    return set(table.loc[list(ids), column].dropna())


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from(SPEAKER_INDEPENDENT), st.integers(0, 5))
def test_speaker_independent_sides_share_nothing(table, name, seed):
    protocol = make_or_skip(name, table, seed)
    for fold in protocol.folds:
        learnt = fold.development
        for column in GUARDS:
            test = values(table, fold.test, column)
            assert not test & values(table, learnt, column), (fold.name, column)
            if fold.validation_by == "utterance" and column != "recording":
                continue
            if fold.validation_by == "speaker, sharing sessions" and column == "session":
                continue
            assert not values(table, fold.validation, column) & values(table, fold.train, column), (fold.name, column)
    assert (audit(protocol, table) == 0).all(axis=None)


@settings(max_examples=40, deadline=None)
@given(tables(), st.sampled_from(SPEAKER_DEPENDENT), st.integers(0, 5))
def test_speaker_dependent_sides_share_no_recording(table, name, seed):
    protocol = make_or_skip(name, table, seed)
    for fold in protocol.folds:
        train, validation, test = (values(table, ids, "recording") for ids in (fold.train, fold.validation, fold.test))
        assert not train & validation
        assert not train & test
        assert not validation & test
    assert not protocol.leaky


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from([*SPEAKER_INDEPENDENT, *SPEAKER_DEPENDENT]), st.integers(0, 5))
def test_every_labelled_utterance_is_tested_once_and_placed_once(table, name, seed):
    protocol = make_or_skip(name, table, seed)
    split_by = {"loso": "speaker", "session": "session", "language": "language", "group": "speaker"}
    needed = ["emotion", *filter(None, [split_by.get(name.partition("-")[0])])]
    usable = sorted(table.index[table[needed].notna().all(axis=1)])
    if not name.startswith("holdout"):
        assert sorted(i for fold in protocol.folds for i in fold.test) == usable
    for fold in protocol.folds:
        placed = [*fold.train, *fold.validation, *fold.test, *fold.purged, *fold.set_aside]
        assert sorted(placed) == usable
        assert fold.train
        assert fold.validation
        assert fold.development == tuple(sorted({*fold.train, *fold.validation, *fold.set_aside}))
        for side in (fold.train, fold.validation, fold.test):
            assert list(side) == sorted(side)


@settings(max_examples=30, deadline=None)
@given(tables(), st.sampled_from([*SPEAKER_INDEPENDENT, *SPEAKER_DEPENDENT]), st.integers(0, 5))
def test_same_seed_same_folds_and_json_round_trip(table, name, seed):
    protocol = make_or_skip(name, table, seed)
    again = make_protocol(name, table.sample(frac=1, random_state=1), seed=seed)
    assert protocol == again
    read = Protocol.from_json(protocol.to_json())
    assert read == protocol
    assert read.digest == protocol.digest
