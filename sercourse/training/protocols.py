"""Protocols: who is trained on, who decides, who is tested. A number means nothing without its protocol.

Speaker-independent (no speaker, session, dialogue or recording of a test utterance is heard in training): ``loso``
(leave one speaker out), ``session``, ``language``, ``group-K`` (speakers in K groups). Speaker-dependent (speakers,
sessions and dialogues are shared knowingly, recordings are not): ``kfold-K``, ``holdout-PERCENT``. Each fold has a
validation side of the same kind; epochs and settings are chosen there and never on test.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sercourse.errors import ProtocolError, did_you_mean
from sercourse.training.folds import (
    GUARDS,
    Fold,
    leave_one_unit_out,
    speaker_groups,
    stratified_folds,
    stratified_holdout,
)

__all__ = ["NAMES", "UNITS", "Fold", "Protocol", "make_protocol"]

NAMES: tuple[str, ...] = ("loso", "session", "language", "group-K", "kfold-K", "holdout-PERCENT")
UNITS: tuple[str, ...] = ("utterance", "crop")

FORMAT = 1
"""Version of the exported form."""

_COLUMN_OF = {"loso": "speaker", "session": "session", "language": "language", "group": "speaker"}
_LEAK = (
    "Crops of one utterance stand in train and in test here: the figures are inflated by this leak and show nothing but"
    " the leak."
)


@dataclass(frozen=True)
class Protocol:
    """All folds of one protocol on one table; stored with every result."""

    name: str
    """As on the command line: "loso", "group-6", "kfold-10", …"""
    unit: str
    """What the ids stand for: "utterance" or "crop"."""
    seed: int
    folds: tuple[Fold, ...]
    warning: str = ""
    """Why no figure under this protocol may be believed; empty for an honest protocol."""
    notices: tuple[str, ...] = ()
    """Sentences a reader of the result should know: what was left out, where validation had to give way."""

    @property
    def leaky(self) -> bool:
        """Whether parts of one recording stand in train and test (the crop lesson)."""
        return bool(self.warning)

    @property
    def test_train_ratio(self) -> float:
        """Mean of (test / development utterances) over folds, for the corrected resampled t-test: 1/9 for 10 folds.

        Validation counts as learnt from, for it chose the epoch and the settings.
        """
        return float(np.mean([len(fold.test) / len(fold.development) for fold in self.folds]))

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of the exported form (SHA-256): equal for equal protocols."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    def beside(self, fold: Fold, table: pd.DataFrame) -> tuple[str, ...]:
        """Utterances without an emotion that may be learnt from beside a fold, for their other labels or for none.

        They stand in no fold. Under a speaker-independent protocol they share no speaker, session, dialogue, recording
        or (``language``) language with the validation and test sides, else no recording; one whose speaker (session,
        language) is unknown stays out where the protocol splits by it.

        Args:
            fold: one of :attr:`folds`.
            table: the utterance table that the protocol was made of.
        """
        column = _COLUMN_OF.get(self.name.partition("-")[0])
        rows = table[table["emotion"].isna()]
        kept = pd.Series(True, index=rows.index) if column is None else rows[column].notna()
        judged = table.loc[[*fold.validation, *fold.test]]
        for guard in ("recording",) if column is None else dict.fromkeys((*GUARDS, column)):
            kept &= ~rows[guard].isin(judged[guard].dropna())
        return tuple(rows.index[kept].sort_values())

    def describe(self) -> str:
        """One line: folds and the sizes of their sides."""
        tested = sum(len(fold.test) for fold in self.folds)
        sides = ", ".join(
            f"{side} {_span([len(getattr(fold, side)) for fold in self.folds])}"
            for side in ("train", "validation", "test", "purged", "set_aside")
            if any(getattr(fold, side) for fold in self.folds)
        ).replace("set_aside", "set aside")
        folds = "1 fold" if len(self.folds) == 1 else f"{len(self.folds)} folds"
        leak = "; LEAKY" if self.leaky else ""
        return f"{self.name} (seed {self.seed}): {folds}, {tested} {self.unit}s tested; per fold {sides}{leak}"

    def to_json(self) -> dict[str, Any]:
        """Everything as plain dicts, lists, strings and numbers; :meth:`from_json` gives an equal protocol back."""
        return json.loads(json.dumps({"format": FORMAT, **asdict(self)}))

    @classmethod
    def from_json(cls, exported: Mapping[str, Any]) -> Protocol:
        """Read back what :meth:`to_json` gave.

        Raises:
            ProtocolError: not an exported protocol, or one of another format version.
        """
        if not isinstance(exported, Mapping) or exported.get("format") != FORMAT:
            found = exported.get("format") if isinstance(exported, Mapping) else type(exported).__name__
            raise ProtocolError(
                f"Not a protocol of format {FORMAT} (found {found!r}); export it again with this version."
            )
        try:
            folds = tuple(
                Fold(**{key: tuple(value) if isinstance(value, list) else value for key, value in fold.items()})
                for fold in exported["folds"]
            )
            return cls(
                name=exported["name"],
                unit=exported["unit"],
                seed=exported["seed"],
                folds=folds,
                warning=exported["warning"],
                notices=tuple(exported["notices"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ProtocolError(f"The exported protocol is damaged ({error}); export it again.") from None

    def save(self, path: str | Path) -> None:
        """Write the protocol to a JSON file."""
        Path(path).write_text(json.dumps(self.to_json()) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Protocol:
        """Read a protocol from a JSON file that :meth:`save` wrote.

        Raises:
            ProtocolError: no such file, or not a protocol.
        """
        try:
            return cls.from_json(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise ProtocolError(f"{path}: cannot be read as a protocol ({error}); check the path.") from None


def make_protocol(name: str, table: pd.DataFrame, *, seed: int = 0, unit: str = "utterance") -> Protocol:
    """Divide a table into the folds of a protocol.

    Utterances without an emotion label, or without the speaker, session or language that the protocol splits by, are
    in no fold; ``notices`` counts them. The order of the rows does not matter: ids are taken in sorted order.

    Args:
        name: loso, session, language, group-K, kfold-K or holdout-PERCENT, with a whole number for K and PERCENT.
        table: the utterance table, or for ``unit="crop"`` a table of :func:`sercourse.training.crops.crop_table`.
        seed: shuffles kfold and holdout, and draws the validation side everywhere.
        unit: "utterance": all rows of one recording stay on one side. "crop": kfold and holdout shuffle the crops
            themselves, as published work has done; the protocol is then ``leaky`` and exists as a lesson only.

    Raises:
        ProtocolError: unknown name or unit, or a table that does not allow it: no or too few speakers, sessions or
            languages, a single emotion, an emotion with fewer recordings than folds.
    """
    stem, number = _parse(name)
    _check_unit(unit, table)
    column = _COLUMN_OF.get(stem)
    table, notices = _usable(name, table.sort_index(), column)
    if table["emotion"].nunique() < 2:
        raise ProtocolError(
            f"{name}: {len(table)} utterances are left and they show {table['emotion'].nunique()} emotion(s);"
            " a classifier needs two or more, so check the emotion column."
        )
    if column is not None:
        kind = "group" if stem == "group" else column
        units = speaker_groups(name, table, number) if stem == "group" else table[column]
        folds = leave_one_unit_out(name, table, units, kind, seed)
        notices += _validation_notices(folds, kind)
        warning = ""
    else:
        recordings = table["recording"] if unit == "utterance" else table.index.to_series()
        split = stratified_folds if stem == "kfold" else stratified_holdout
        folds = split(name, table, number, recordings, seed)
        warning = _LEAK if unit == "crop" else ""
    return Protocol(name, unit, seed, tuple(folds), warning, tuple(notices))


def _parse(name: str) -> tuple[str, int]:
    stem, _, digits = name.partition("-")
    stems = [known.partition("-")[0] for known in NAMES]
    if stem not in stems:
        raise ProtocolError(
            f"There is no protocol '{name}'; choose one of {', '.join(NAMES)}.{did_you_mean(stem, stems)}"
        )
    if stem in ("loso", "session", "language"):
        if name != stem:
            raise ProtocolError(f"Protocol '{name}': {stem} takes no number; write {stem}.")
        return stem, 0
    least, most = (1, 80) if stem == "holdout" else (2, 1000)
    if not re.fullmatch("[0-9]{1,4}", digits) or not least <= int(digits) <= most:
        example = "holdout-10" if stem == "holdout" else f"{stem}-5"
        raise ProtocolError(
            f"Protocol '{name}': {stem} needs a whole number from {least} to {most}, such as {example}."
        )
    return stem, int(digits)


def _check_unit(unit: str, table: pd.DataFrame) -> None:
    if unit not in UNITS:
        raise ProtocolError(f"There is no unit '{unit}'; choose one of {', '.join(UNITS)}.")
    if unit == "crop" and not table.index.astype(str).str.contains("#").all():
        raise ProtocolError("Unit crop needs a table of crops; make one with sercourse.training.crops.crop_table.")


def _usable(name: str, table: pd.DataFrame, column: str | None) -> tuple[pd.DataFrame, list[str]]:
    """The rows that have the labels a protocol needs, and a sentence for each kind of row that was left out."""
    notices = []
    for needed in ("emotion", column):
        if needed is None:
            continue
        missing = table[needed].isna()
        if missing.all():
            raise ProtocolError(
                f"{name} needs the {needed} of the utterances and the table names none;"
                f" fill the column '{needed}'{'' if needed == 'emotion' else ' or use kfold-K'}."
            )
        if missing.any():
            notices.append(f"{int(missing.sum())} of {len(table)} rows have no {needed} and are in no fold.")
        table = table[~missing]
    return table, notices


def _validation_notices(folds: list[Fold], kind: str) -> list[str]:
    """Say where validation is not of the protocol's own kind."""
    notices = []
    for weaker in dict.fromkeys(fold.validation_by for fold in folds if fold.validation_by != kind):
        names = [fold.name for fold in folds if fold.validation_by == weaker]
        beside = f"{names[0]}" if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        notices.append(f"Too few {kind}s are left beside {beside}: validation was drawn by {weaker} there.")
    return notices


def _span(sizes: list[int]) -> str:
    return str(sizes[0]) if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
