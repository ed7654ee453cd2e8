"""Protocols: scikit-learn's folds where promised, dialogue partners purged, one sentence for a bad table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold

from sercourse.corpora.table import make_table
from sercourse.errors import ProtocolError
from sercourse.training.audit import audit
from sercourse.training.folds import Fold
from sercourse.training.protocols import Protocol, make_protocol

FIVE = ("anger", "fear", "happiness", "neutral", "sadness")


def corpus(speakers: int = 10, each: int = 20, seed: int = 0, **columns) -> pd.DataFrame:
    """An acted corpus like EMO-DB: every speaker, both genders in turn, emotions at random."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "utterance_id": f"toy/{s:02d}-{k:03d}",
            "path": "none.wav",
            "emotion": FIVE[rng.integers(len(FIVE))],
            "speaker": f"toy/{s:02d}",
            "gender": ("female", "male")[s % 2],
        }
        for s in range(speakers)
        for k in range(each)
    ]
    return make_table(pd.DataFrame(rows).assign(**columns), "toy")


def conversations(sessions: int = 5, dialogues: int = 3, turns: int = 12) -> pd.DataFrame:
    """A corpus like IEMOCAP: two speakers of two genders in each session and in each of its dialogues."""
    rows = [
        {
            "utterance_id": f"talk/{s}-{d}-{t:02d}",
            "path": "none.wav",
            "emotion": FIVE[(t // 2 + d) % 4],
            "speaker": f"talk/{s}{'FM'[t % 2]}",
            "gender": ("female", "male")[t % 2],
            "session": f"talk/{s}",
            "dialogue": f"talk/{s}-{d}",
        }
        for s in range(sessions)
        for d in range(dialogues)
        for t in range(turns)
    ]
    return make_table(rows, "talk")


def values(table: pd.DataFrame, ids: tuple[str, ...], column: str) -> set[str]:
    return set(table.loc[list(ids), column].dropna())


def test_group_k_is_scikit_learns_group_k_fold():
    table = corpus(speakers=24, each=10)
    table = table.drop(table.index[::7])  # unequal speakers
    protocol = make_protocol("group-6", table.sample(frac=1, random_state=3))
    expected = [tuple(table.index[test]) for _, test in GroupKFold(6).split(table, groups=table["speaker"])]
    assert [fold.test for fold in protocol.folds] == expected
    assert all(fold.validation_by == "group" for fold in protocol.folds)
    assert all(len(values(table, fold.validation, "speaker")) == 4 for fold in protocol.folds)


def test_kfold_is_scikit_learns_stratified_k_fold():
    table = corpus()
    protocol = make_protocol("kfold-5", table.sample(frac=1, random_state=3), seed=7)
    splitter = StratifiedKFold(5, shuffle=True, random_state=7)
    assert [fold.test for fold in protocol.folds] == [
        tuple(table.index[test]) for _, test in splitter.split(table, table["emotion"])
    ]
    for fold in protocol.folds:  # validation is a stratified tenth of the other 160
        assert len(fold.validation) == pytest.approx(16, abs=3)
        assert table.loc[list(fold.validation), "emotion"].nunique() == 5
    assert make_protocol("kfold-5", table, seed=8).folds != protocol.folds


def test_kfold_with_noisy_siblings_is_scikit_learns_stratified_group_k_fold():
    clean = corpus(speakers=4, each=15)
    noisy = clean.iloc[::2].assign(noise="pink")
    noisy.index = noisy.index + "-pink"
    table = make_table(pd.concat([clean, noisy]), "noisy")
    protocol = make_protocol("kfold-3", table, seed=2)
    splitter = StratifiedGroupKFold(3, shuffle=True, random_state=2)
    assert [fold.test for fold in protocol.folds] == [
        tuple(table.index[test]) for _, test in splitter.split(table, table["emotion"], table["recording"])
    ]


def test_holdout_takes_its_percent_of_every_emotion():
    table = corpus()
    (fold,) = make_protocol("holdout-20", table, seed=1).folds
    counts, tested = table["emotion"].value_counts(), table.loc[list(fold.test), "emotion"].value_counts()
    assert (abs(tested - 0.2 * counts) <= 0.5).all()
    assert make_protocol("holdout-20", table, seed=2).folds[0].test != fold.test


def test_loso_validates_on_speakers_of_both_genders_with_all_emotions():
    table = corpus()
    protocol = make_protocol("loso", table)
    assert [fold.name for fold in protocol.folds] == [f"toy/{s:02d}" for s in range(10)]
    for fold in protocol.folds:
        validation = table.loc[list(fold.validation)]
        assert validation["speaker"].nunique() == 2
        assert set(validation["gender"]) == {"female", "male"}
        assert set(validation["emotion"]) == set(FIVE)
    other_seed = make_protocol("loso", table, seed=1)
    assert [f.test for f in other_seed.folds] == [f.test for f in protocol.folds]
    assert [f.validation for f in other_seed.folds] != [f.validation for f in protocol.folds]


def test_many_speakers_are_drawn_at_random():
    table = corpus(speakers=24, each=8)
    fold = make_protocol("loso", table).folds[0]
    assert len(values(table, fold.validation, "speaker")) == 5  # a fifth of 23
    assert set(table.loc[list(fold.validation), "emotion"]) == set(FIVE)


def test_validation_is_never_empty():
    rows = [{"utterance_id": f"u{k}", "path": "p", "emotion": FIVE[k], "speaker": "a"} for k in range(3)]
    rows += [{"utterance_id": f"v{k}", "path": "p", "emotion": FIVE[k], "speaker": "b"} for k in range(3)]
    for fold in make_protocol("loso", make_table(rows, "tiny")).folds:
        assert (len(fold.train), len(fold.validation), len(fold.test)) == (2, 1, 3)


def test_loso_keeps_a_rare_emotion_in_train():
    table = corpus(speakers=6)
    table["emotion"] = table["emotion"].mask(table["speaker"] == "toy/02", "boredom")
    for fold in make_protocol("loso", table).folds:
        if fold.name != "toy/02":
            assert "boredom" in set(table.loc[list(fold.train), "emotion"])


def test_loso_keeps_a_voice_of_every_language_in_train():
    """Two voices of each of five languages: drawn without regard, one fold in three or so would lose a language."""
    table = corpus()
    codes = ["de", "en", "it", "pl", "zh"]
    table["language"] = table["speaker"].map({f"toy/{s:02d}": codes[s // 2] for s in range(10)})
    for seed in range(5):
        for fold in make_protocol("loso", table, seed=seed).folds:
            assert len(values(table, fold.train, "language")) == 5
            assert set(table.loc[list(fold.validation), "gender"]) == {"female", "male"}
        for fold in make_protocol("language", table, seed=seed).folds:
            assert set(table.loc[list(fold.validation), "gender"]) == {"female", "male"}, "not for a language more"


def test_loso_purges_the_other_speaker_of_the_test_dialogues():
    table = conversations()
    protocol = make_protocol("loso", table)
    assert len(protocol.folds) == 10
    for fold in protocol.folds:
        partner = fold.name[:-1] + ("M" if fold.name.endswith("F") else "F")
        assert fold.purged == tuple(table.index[table["speaker"] == partner])
        # two dev speakers of one session: the set that costs train nothing
        assert len(values(table, fold.validation, "session")) == 1
        assert fold.set_aside == ()
        assert len(fold.train) == 6 * 18


def test_only_the_test_dialogue_is_purged_where_there_are_no_sessions():
    table = conversations().assign(session=pd.NA)
    table["session"] = table["session"].astype("string")
    mixed = table["dialogue"].to_numpy()
    mixed[table["speaker"] == "talk/0M"] = "talk/apart"  # this speaker talks alone now
    table["dialogue"] = mixed
    folds = {fold.name: fold for fold in make_protocol("loso", table).folds}
    assert folds["talk/0F"].purged == ()
    assert len(folds["talk/1F"].purged) == 18


def test_session_protocol_validates_on_another_session():
    table = conversations()
    protocol = make_protocol("session", table)
    for fold in protocol.folds:
        assert len(values(table, fold.validation, "session")) == 1
        assert fold.validation_by == "session"
        assert len(fold.train) == 3 * 36


def test_language_protocol_and_its_inner_validation():
    three = corpus(speakers=9)
    three["language"] = pd.Series(["de", "en", "pl"] * 60, index=three.index, dtype="string")
    by_speaker = three["speaker"].str[-2:].astype(int) % 3
    three["language"] = by_speaker.map({0: "de", 1: "en", 2: "pl"}).astype("string")
    protocol = make_protocol("language", three)
    assert [fold.name for fold in protocol.folds] == ["de", "en", "pl"]
    assert all(fold.validation_by == "language" for fold in protocol.folds)
    two = three[three["language"] != "pl"]
    protocol = make_protocol("language", two)
    assert all(fold.validation_by == "speaker" for fold in protocol.folds)
    assert protocol.notices == (
        "Too few languages are left beside de and 1 more: validation was drawn by speaker there.",
    )


def test_bilingual_speakers_are_purged():
    table = corpus(speakers=6)
    language = pd.Series("de", index=table.index, dtype="string")
    language[table["speaker"] >= "toy/03"] = "en"
    language[(table["speaker"] == "toy/03") & (table.index.str.endswith("0"))] = "de"
    table["language"] = language
    german = make_protocol("language", table).folds[0]
    assert values(table, german.purged, "speaker") == {"toy/03"}
    assert len(german.purged) == 18


def test_two_speakers_fall_back_to_a_stratified_validation():
    protocol = make_protocol("loso", corpus(speakers=2, each=50))
    assert [fold.validation_by for fold in protocol.folds] == ["utterance", "utterance"]
    assert len(protocol.folds[0].validation) == pytest.approx(5, abs=2)
    assert "validation was drawn by utterance there" in protocol.notices[0]


def test_two_sessions_fall_back_to_speakers_of_the_same_session():
    table = corpus(speakers=6)
    table["session"] = ("s" + (table["speaker"].str[-2:].astype(int) % 2).astype(str)).astype("string")
    for fold in make_protocol("session", table).folds:
        assert fold.validation_by == "speaker, sharing sessions"
        assert not values(table, fold.validation, "speaker") & values(table, fold.train, "speaker")


def test_rows_without_a_label_are_left_out_and_counted():
    table = corpus(speakers=4)
    table.loc[table.index[:3], "emotion"] = pd.NA
    table.loc[table.index[3:5], "speaker"] = pd.NA
    protocol = make_protocol("loso", table)
    assert protocol.notices == (
        "3 of 80 rows have no emotion and are in no fold.",
        "2 of 77 rows have no speaker and are in no fold.",
    )
    assert sum(len(fold.test) for fold in protocol.folds) == 75


def test_describe_names_sizes():
    text = make_protocol("loso", corpus(), seed=4).describe()
    assert text == "loso (seed 4): 10 folds, 200 utterances tested; per fold train 140, validation 40, test 20"
    assert "purged 18" in make_protocol("loso", conversations()).describe()
    assert make_protocol("holdout-10", corpus()).describe().startswith("holdout-10 (seed 0): 1 fold, 20 ")


def test_ratio_for_the_corrected_t_test():
    assert make_protocol("kfold-10", corpus()).test_train_ratio == pytest.approx(1 / 9, rel=0.01)
    assert make_protocol("loso", corpus()).test_train_ratio == pytest.approx(1 / 9)


@pytest.mark.parametrize(
    ("name", "table", "sentence"),
    [
        ("lsoo", corpus(), "There is no protocol 'lsoo'; choose one of loso, .*Did you mean loso"),
        ("xyzzy", corpus(), r"There is no protocol 'xyzzy'; choose one of .*holdout-PERCENT\.$"),
        ("kflod-5", corpus(), r"Did you mean kfold\?"),
        ("loso-3", corpus(), "loso takes no number"),
        ("kfold", corpus(), "kfold needs a whole number from 2 to 1000, such as kfold-5"),
        ("kfold-1", corpus(), "whole number from 2"),
        ("group-x", corpus(), "such as group-5"),
        ("holdout-95", corpus(), "whole number from 1 to 80, such as holdout-10"),
        ("loso", corpus(speaker=None), "loso needs the speaker of the utterances and the table names none"),
        ("session", corpus(), "session needs the session of the utterances"),
        ("kfold-3", corpus(emotion=None), "kfold-3 needs the emotion of the utterances"),
        ("loso", corpus(speakers=1), "loso needs at least two speakers and found one, 'toy/00'"),
        ("language", corpus(language="de"), "at least two languages and found one, 'de'"),
        ("group-11", corpus(), "needs at least 11 speakers and the table has 10; use group-10"),
        ("group-2", corpus(speakers=1), "use kfold-K"),
        ("kfold-50", corpus(), r"kfold-50 needs at least 50 recordings of every emotion and '\w+' has \d+"),
        ("loso", corpus(session="studio"), "beside speaker 'toy/00' nothing is left to train on"),
        ("kfold-3", corpus(emotion="anger"), "they show 1 emotion"),
    ],
)
def test_a_table_that_does_not_allow_a_protocol(name, table, sentence):
    with pytest.raises(ProtocolError, match=sentence):
        make_protocol(name, table)


def test_bad_exports_and_bad_folds(tmp_path):
    protocol = make_protocol("kfold-3", corpus())
    protocol.save(tmp_path / "protocol.json")
    assert Protocol.load(tmp_path / "protocol.json") == protocol
    exported = protocol.to_json()
    with pytest.raises(ProtocolError, match=r"format 1 \(found 99\)"):
        Protocol.from_json({**exported, "format": 99})
    with pytest.raises(ProtocolError, match="found 'list'"):
        Protocol.from_json([])
    del exported["folds"][0]["train"]
    with pytest.raises(ProtocolError, match="damaged"):
        Protocol.from_json(exported)
    with pytest.raises(ProtocolError, match=r"absent\.json: cannot be read"):
        Protocol.load(tmp_path / "absent.json")
    with pytest.raises(ProtocolError, match="holds an utterance twice"):
        Fold("f", ("a", "b"), ("c",), ("a",))
    with pytest.raises(ProtocolError, match="lacks train"):
        Fold("f", (), ("c",), ("a",))


def test_audit_finds_a_leak_in_a_foreign_protocol():
    table = corpus(speakers=2, each=4)
    ids = tuple(table.index)
    table.loc[ids[7], "recording"] = ids[0]
    protocol = Protocol("theirs", "utterance", 0, (Fold("fold 1", ids[:5], ids[5:6], ids[6:]),))
    row = audit(protocol, table).loc["fold 1"]
    assert row.to_dict() == {"speaker": 100.0, "session": 0.0, "dialogue": 0.0, "recording": 50.0}
    with pytest.raises(ProtocolError, match="which is not in the table"):
        audit(protocol, table.drop(ids[0]))
