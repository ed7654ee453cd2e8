"""Look for leaks: what of the test side was already heard in training?

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import pandas as pd

from sercourse.errors import ProtocolError
from sercourse.training.folds import GUARDS
from sercourse.training.protocols import Protocol


def audit(protocol: Protocol, table: pd.DataFrame) -> pd.DataFrame:
    """Share of the test utterances, in percent, whose speaker, session, dialogue or recording is also in train.

    Zero throughout for a speaker-independent protocol; zero for ``recording`` unless the protocol is leaky.

    Args:
        protocol: made here, or read from a file that somebody published.
        table: the utterance table (or crop table) that its ids stand for.

    Returns:
        One row per fold, columns :data:`sercourse.training.folds.GUARDS`; a missing value never counts as shared.

    Raises:
        ProtocolError: an id of the protocol is not in the table.
    """
    rows = []
    for fold in protocol.folds:
        unknown = pd.Index([*fold.train, *fold.test]).difference(table.index)
        if len(unknown):
            raise ProtocolError(
                f"The protocol names '{unknown[0]}', which is not in the table; use the table it was made for."
            )
        train, test = table.loc[list(fold.train)], table.loc[list(fold.test)]
        rows.append({c: 100 * float(test[c].isin(train[c].dropna()).mean()) for c in GUARDS})
    return pd.DataFrame(rows, index=pd.Index([fold.name for fold in protocol.folds], name="fold"))
