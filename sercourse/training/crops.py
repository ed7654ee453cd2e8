"""Overlapping crops of utterances: more training material, and a famous way to fool oneself.

Cut every utterance into crops, shuffle the crops, and pieces of one utterance land in train and test.
:func:`sercourse.training.protocols.make_protocol` with ``unit="crop"`` does just that, as a lesson.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import pandas as pd

from sercourse.errors import ProtocolError
from sercourse.signal.audio import probe_audio


def utterance_seconds(table: pd.DataFrame) -> pd.Series:
    """Duration of every utterance in seconds: end minus start, the end taken from the file's header where missing.

    Raises:
        AudioError: a file whose end is missing from the table cannot be read.
    """
    ends = [probe_audio(path).duration if pd.isna(end) else end for path, end in zip(table["path"], table["end"])]
    return pd.Series(ends, index=table.index, name="seconds") - table["start"]


def crop_table(
    table: pd.DataFrame, *, seconds: float = 1.0, hop: float = 0.5, durations: pd.Series | None = None
) -> pd.DataFrame:
    """Cut every utterance into overlapping crops.

    Args:
        table: the utterance table.
        seconds: length of a crop; an utterance that is shorter gives one crop, itself.
        hop: seconds from the beginning of one crop to the next. What remains after the last whole crop is dropped.
        durations: seconds of every utterance, indexed by id; ``None``: read from the table and the files' headers.

    Returns:
        An utterance table of crops with ids ``"<utterance_id>#<k>"``, k from 0, in the order of the utterances; all
        labels, and ``recording``, are those of the utterance.

    Raises:
        ProtocolError: ``seconds`` or ``hop`` is not above 0, or a duration is missing.
    """
    if seconds <= 0 or hop <= 0:
        raise ProtocolError(f"Crops of {seconds} s every {hop} s cannot be made; both must be above 0.")
    durations = utterance_seconds(table) if durations is None else durations.reindex(table.index)
    if durations.isna().any():
        missing = durations.index[durations.isna()][0]
        raise ProtocolError(f"The duration of '{missing}' is missing; give one for every utterance of the table.")
    counts = ((durations - seconds) / hop + 1 + 1e-9).clip(lower=1).astype(int)  # 1e-9: 1.5 s is two whole crops
    crops = table.loc[table.index.repeat(counts)].copy()
    number = crops.groupby(level=0).cumcount()
    whole = durations.loc[crops.index].clip(upper=seconds)
    crops["start"] += number * hop
    crops["end"] = crops["start"] + whole
    crops.index = pd.Index(crops.index + "#" + number.astype("string"), name="utterance_id", dtype="string")
    return crops
