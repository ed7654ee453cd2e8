"""Many voices in three languages out of one synthesiser: a control for what several languages do.

German, English and Polish, as EMO-DB, RAVDESS and nEMO have them, but nothing else tells them apart: everybody speaks
in a room of their own, drawn in the same way for all, and says invented words that each language reads by its own
rules. With many voices in each language, neither does a voice tell the language, as in the default corpus, where each
language has two. No voice of that corpus is here.

Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sercourse.corpora.synthetic.crowd import Script, babbled_sentence, make_crowd
from sercourse.corpora.table import make_table

VOICES, EACH = 48, 40
"""Speakers, and utterances of each."""

SCRIPT = Script("tongues", ("de", "en", "pl"), babbled_sentence, stream=(8,), in_turn=True)


def load(folder: Path) -> pd.DataFrame:
    """Read it as an utterance table, making it where it is not there yet."""
    table = make_crowd(folder, script=SCRIPT, voices=VOICES, utterances=EACH).reset_index()
    return make_table(table.drop(columns=["start", "end"]).assign(noise="none"), "tongues")
