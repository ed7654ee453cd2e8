"""How a table falls into train, validation and test: the splitting behind every protocol.

One idea carries all speaker-independent protocols: *leave one unit out*, the unit being a speaker, a session, a
language or a group of speakers. What shares a speaker, session, dialogue or recording with the test side is purged
from the rest, so every utterance is still tested exactly once and nothing of it was heard in training.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold

from sercourse.errors import ProtocolError

GUARDS: tuple[str, ...] = ("speaker", "session", "dialogue", "recording")
"""Columns whose values never stand on both sides of a speaker-independent split (a missing value matches nothing)."""

VALIDATION_UNITS = 1 / 5
"""Share of the units left beside the test unit that validate (at least one): 2 of the 9 other speakers of EMO-DB."""

VALIDATION_SHARE = 1 / 10
"""Share of the utterances left beside the test part that validate, where validation is no set of units."""

_MAX_TRIES = 100  # sets of validation units that are looked at before the best one is taken


@dataclass(frozen=True)
class Fold:
    """One round of a protocol: fit on train, choose on validation, judge on test. All ids in sorted order."""

    name: str
    """The test unit ("emodb/03", "de", …) or "fold 1", "group 1", "holdout"."""
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    purged: tuple[str, ...] = ()
    """Utterances that share a speaker, session, dialogue or recording with test: in no part of this fold."""
    set_aside: tuple[str, ...] = ()
    """Utterances that share one of these with validation alone: not in train, but usable once nothing is chosen."""
    validation_by: str = "utterance"
    """What keeps validation apart from train: "speaker", "session", "language", "group", "speaker, sharing sessions"
    (no other session was left) or "utterance" (only recordings are kept apart)."""

    def __post_init__(self) -> None:
        parts = (self.train, self.validation, self.test, self.purged, self.set_aside)
        if len(set().union(*parts)) != sum(len(part) for part in parts):
            raise ProtocolError(f"Fold '{self.name}' holds an utterance twice; make the protocol again.")
        if not (self.train and self.validation and self.test):
            raise ProtocolError(f"Fold '{self.name}' lacks train, validation or test utterances; choose fewer folds.")

    @property
    def development(self) -> tuple[str, ...]:
        """All that may be learnt from when nothing is chosen on validation: train, validation and what was set aside.

        A baseline whose settings were fixed beforehand is fitted on these.
        """
        return tuple(sorted((*self.train, *self.validation, *self.set_aside)))


def leave_one_unit_out(name: str, table: pd.DataFrame, units: pd.Series, kind: str, seed: int) -> list[Fold]:
    """Speaker-independent folds: each unit is tested once.

    Validation is a fifth of the other units, drawn by the seed among those sets that keep most emotions and genders
    in train, then show most genders and emotions in validation, then keep most languages in train, then cost train the
    fewest utterances. Where too few units are left, it is a set of speakers, and where too few speakers are left, a
    stratified tenth of the rest.

    Args:
        name: the protocol's name, for errors and the names of the folds of "group".
        table: labelled utterances in sorted order.
        units: the unit of every utterance, none missing.
        kind: "speaker", "session", "language" or "group".
        seed: of the draw of validation units; the test sides do not depend on it.

    Raises:
        ProtocolError: fewer than two units, or nothing is left to train on beside a unit.
    """
    ids = np.asarray(table.index, dtype=object)
    emotions, *others = (_codes(table[column]) for column in ("emotion", "language", "gender"))
    guards = {column: _codes(table[column]) for column in GUARDS}
    ladder = [  # kinds of validation, the best first: its name, the unit of every row, what is kept apart
        (kind, _codes(units), list(guards.values())),
        ("speaker", guards["speaker"], list(guards.values())),
        ("speaker, sharing sessions", guards["speaker"], [guards[c] for c in GUARDS if c != "session"]),
    ]
    unit_codes, unit_names = pd.factorize(units, sort=True)
    if len(unit_names) < 2:
        raise ProtocolError(
            f"{name} needs at least two {kind}s and found one, '{unit_names[0]}'; use kfold-K or another corpus."
        )
    folds = []
    for number, unit in enumerate(unit_names):
        test = unit_codes == number
        purged = _sharing(test, list(guards.values())) & ~test
        rest = ~test & ~purged
        if not rest.any():
            raise ProtocolError(
                f"{name}: beside {kind} '{unit}' nothing is left to train on, because every other utterance shares a"
                f" speaker, session, dialogue or recording with it; use kfold-K or correct these columns of the table."
            )
        if len(np.unique(emotions[rest].astype(str))) < 2:
            raise ProtocolError(
                f"{name}: beside {kind} '{unit}' only one emotion is left to train on; use kfold-K or add recordings."
            )
        rng = np.random.default_rng([seed, number])
        validation, set_aside, validation_by = _draw_validation(rest, ladder, emotions, others, rng)
        if validation_by == "utterance":
            validation = _draw_utterances(rest, emotions, guards["recording"], VALIDATION_SHARE, rng)
        parts = (rest & ~validation & ~set_aside, validation, test, purged, set_aside)
        folds.append(Fold(str(unit), *(tuple(ids[mask]) for mask in parts), validation_by))
    return folds


def speaker_groups(name: str, table: pd.DataFrame, number: int) -> pd.Series:
    """Divide the speakers into groups of about equal numbers of utterances, as scikit-learn's ``GroupKFold`` does.

    Raises:
        ProtocolError: fewer speakers than groups.
    """
    speakers = table["speaker"].nunique()
    if speakers < number:
        raise ProtocolError(
            f"{name} needs at least {number} speakers and the table has {speakers};"
            f" use {f'group-{speakers}' if speakers > 1 else 'kfold-K'} or another corpus."
        )
    groups = pd.Series("", index=table.index, dtype="string")
    width = len(str(number))  # "group 02" sorts before "group 10"
    for fold, (_, test) in enumerate(GroupKFold(number).split(table, groups=table["speaker"].to_numpy(dtype=object))):
        groups.iloc[test] = f"group {fold + 1:0{width}d}"
    return groups


def stratified_folds(name: str, table: pd.DataFrame, number: int, recordings: pd.Series, seed: int) -> list[Fold]:
    """Speaker-dependent folds over utterances, shuffled, with equal shares of the emotions.

    Speakers, sessions and dialogues are shared between train and test knowingly; recordings are not. Where all
    recordings are distinct, the test sides are those of ``StratifiedKFold(number, shuffle=True, random_state=seed)``
    on the sorted table, else those of ``StratifiedGroupKFold`` over recordings.

    Raises:
        ProtocolError: an emotion has fewer recordings than there are folds.
    """
    _check_classes(name, table, recordings, number)
    emotions = table["emotion"].to_numpy(dtype=object)
    if recordings.is_unique:
        splits = StratifiedKFold(number, shuffle=True, random_state=seed).split(emotions, emotions)
    else:
        splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
        splits = splitter.split(emotions, emotions, groups=recordings.to_numpy(dtype=object))
    return [
        _stratified_fold(f"fold {fold + 1}", table, test, recordings, np.random.default_rng([seed, fold]))
        for fold, (_, test) in enumerate(splits)
    ]


def stratified_holdout(name: str, table: pd.DataFrame, percent: int, recordings: pd.Series, seed: int) -> list[Fold]:
    """One speaker-dependent fold: ``percent`` of each emotion's recordings are tested, a tenth of the rest validates.

    Raises:
        ProtocolError: an emotion has fewer than three recordings.
    """
    _check_classes(name, table, recordings, 3)
    rng = np.random.default_rng(seed)
    everything = np.ones(len(table), dtype=bool)
    test = _draw_utterances(everything, _codes(table["emotion"]), _codes(recordings), percent / 100, rng)
    return [_stratified_fold("holdout", table, np.flatnonzero(test), recordings, rng)]


def _stratified_fold(
    name: str, table: pd.DataFrame, test: np.ndarray, recordings: pd.Series, rng: np.random.Generator
) -> Fold:
    ids = np.asarray(table.index, dtype=object)
    rest = np.ones(len(table), dtype=bool)
    rest[test] = False
    validation = _draw_utterances(rest, _codes(table["emotion"]), _codes(recordings), VALIDATION_SHARE, rng)
    return Fold(name, tuple(ids[rest & ~validation]), tuple(ids[validation]), tuple(ids[~rest]))


def _check_classes(name: str, table: pd.DataFrame, recordings: pd.Series, least: int) -> None:
    counts = recordings.groupby(table["emotion"]).nunique()
    if counts.min() < least:
        rarest = counts.idxmin()
        raise ProtocolError(
            f"{name} needs at least {least} recordings of every emotion and '{rarest}' has {counts.min()};"
            f" choose fewer folds or leave '{rarest}' out."
        )


def _codes(column: pd.Series) -> np.ndarray:
    """Integers for values, -1 where the value is missing."""
    return pd.factorize(column, sort=True)[0]


def _sharing(side: np.ndarray, guards: list[np.ndarray]) -> np.ndarray:
    """Mask of the utterances that share a value of any guard with the utterances of ``side`` (masks of shape (N,))."""
    shared = np.zeros(len(side), dtype=bool)
    for codes in guards:
        seen = np.zeros(codes.max() + 2, dtype=bool)  # the last place answers for -1, the missing value
        seen[codes[side]] = True
        seen[-1] = False
        shared |= seen[codes]
    return shared


def _draw_validation(
    rest: np.ndarray,
    ladder: list[tuple[str, np.ndarray, list[np.ndarray]]],
    emotions: np.ndarray,
    others: list[np.ndarray],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, str]:
    """Masks of validation and of what it sets aside, and the kind of validation; "utterance" where no units do."""
    for kind, units, guards in ladder:
        validation = _draw_units(rest, units, guards, emotions, others, rng)
        if validation is not None:
            return validation, _sharing(validation, guards) & rest & ~validation, kind
    nothing = np.zeros_like(rest)
    return nothing, nothing, "utterance"


def _draw_units(
    rest: np.ndarray,
    units: np.ndarray,
    guards: list[np.ndarray],
    emotions: np.ndarray,
    others: list[np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray | None:
    """Mask of the validation utterances, a fifth of the units of ``rest``; None where no set of units leaves a train
    side with two emotions. ``others``: languages and genders."""
    languages, genders = others
    candidates = np.setdiff1d(units[rest], [-1])
    if len(candidates) < 2:
        return None
    wanted = max(1, round(len(candidates) * VALIDATION_UNITS))
    if comb(len(candidates), wanted) <= _MAX_TRIES:
        draws = np.array(list(combinations(rng.permutation(candidates), wanted)))
        rng.shuffle(draws)
    else:
        draws = np.array([rng.permutation(candidates)[:wanted] for _ in range(_MAX_TRIES)])
    best, best_score = None, ()
    for draw in draws:
        validation = rest & np.isin(units, draw)
        train = rest & ~_sharing(validation, guards)
        score = (
            _variety(emotions[train]),
            _variety(genders[train]),
            _variety(genders[validation]),
            _variety(emotions[validation]),
            _variety(languages[train]),
            int((train | validation).sum()),
        )
        if score[0] >= 2 and score > best_score:  # one emotion alone cannot be trained on
            best, best_score = validation, score
    return best


def _draw_utterances(
    rest: np.ndarray, emotions: np.ndarray, recordings: np.ndarray, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Mask of a stratified part of ``rest``: ``share`` of each emotion's recordings, at least one, never all.

    A recording counts for the emotion of its first utterance.
    """
    rows = np.flatnonzero(rest)
    names, first = np.unique(recordings[rows], return_index=True)
    labels = emotions[rows][first]
    drawn: list[np.ndarray] = []
    for emotion in np.unique(labels):
        members = rng.permutation(names[labels == emotion])
        wanted = min(max(1, round(share * len(members))), len(members) - 1)
        drawn.append(members[:wanted])
    chosen = np.concatenate(drawn)
    if not len(chosen) and len(names) > 1:  # every emotion has a single recording left
        chosen = rng.permutation(names)[:1]
    return rest & np.isin(recordings, chosen)


def _variety(codes: np.ndarray) -> int:
    return len(np.unique(codes[codes >= 0]))
