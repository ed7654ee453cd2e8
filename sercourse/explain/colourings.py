"""What may colour the points of a map, and with which colours: told apart by all kinds of colour vision.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import pandas as pd

from sercourse.errors import UserError
from sercourse.explain.plots import EMOTION_COLOURS

COLOURINGS: dict[str, str] = {
    "emotion": "emotion",
    "predicted": "predicted emotion",
    "judged": "right or wrong",
    "gender": "gender",
    "speaker": "speaker",
    "language": "language",
    "noise": "noise",
    "side": "side of the fold",
}
"""Columns that may colour the points, and what they are called on the page."""

OFTEN_ONE: tuple[str, ...] = ("noise", "side")
"""Those that are left out where all points have the same."""

PALETTE: tuple[str, ...] = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#117733", "#882255", "#DDCC77", "#332288",
)  # fmt: skip
"""For classes without a colour of their own, from the sets of Okabe and Ito (2008) and Tol (2021); told apart by all
kinds of colour vision."""

SHAPES: tuple[str, ...] = (
    "circle", "triangle", "square", "cross", "diamond", "star", "plus", "nabla", "pentagon", "hexagon",
)  # fmt: skip
"""A second sign beside the colour; after so many classes they begin again, shifted against the colours."""

JUDGED: dict[str, tuple[str, str]] = {"right": ("#0072B2", "circle"), "wrong": ("#D55E00", "cross")}
MISSING = ("#888888", "ring")
"""Colour and shape of what has no label."""


def told_by(table: pd.DataFrame) -> list[str]:
    """Those of :data:`COLOURINGS` that a table knows, and that tell its rows apart.

    Args:
        table: a row per point, as :func:`~sercourse.explain.layers.vectors_of` gives it.
    """
    told = [name for name in COLOURINGS if name in table and table[name].notna().any()]
    return [name for name in told if name not in OFTEN_ONE or table[name].nunique() > 1]


def check_colour(colour: str, known: Sequence[str] = tuple(COLOURINGS)) -> None:
    """Say at once that there is no such colouring.

    Raises:
        UserError: it is none of those known.
    """
    if colour not in known:
        raise UserError(f"--colour {colour}: choose one of {', '.join(known)}.")


def classes_of(column: pd.Series) -> list[dict]:
    """``name, count, colour, shape`` of the classes of a column; what has no label comes last."""
    counts = column.value_counts().sort_index()
    own = {name: (colour, SHAPES[k % len(SHAPES)]) for k, (name, colour) in enumerate(EMOTION_COLOURS.items())} | JUDGED
    classes = []
    for number, ((name, count), spare) in enumerate(zip(counts.items(), cycle(PALETTE))):
        colour, shape = own.get(name, (spare, SHAPES[(number + number // len(SHAPES)) % len(SHAPES)]))
        classes.append({"name": str(name), "count": int(count), "colour": colour, "shape": shape})
    lacking = int(column.isna().sum())
    if lacking:
        classes.append({"name": unknown(str(column.name)), "count": lacking, "colour": MISSING[0], "shape": MISSING[1]})
    return classes


def unknown(column: str) -> str:
    """What a missing label of a column is called."""
    return "not tested" if column in ("predicted", "judged") else "not given"


def filled(column: pd.Series) -> pd.Series:
    """Labels as text, the missing ones by the name that :func:`unknown` gives."""
    return column.astype(object).where(column.notna(), unknown(str(column.name))).astype(str)


def short_speakers(speakers: pd.Series) -> pd.Series:
    """Speakers without their corpus, where all are from one."""
    parts = speakers.str.rpartition("/")
    return parts[2].where(speakers.notna()) if parts[0].nunique() == 1 else speakers
