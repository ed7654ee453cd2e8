"""Synthetic voices that each speak three languages: a control for what a second language does to a network.

German, English and Polish, as EMO-DB, RAVDESS and nEMO have them. There a language is a corpus: other speakers, another
studio, other sentences. Here everybody speaks all three, with one voice in one room, and says invented words that each
language reads by its own rules. So neither a speaker nor a room nor a text tells the language; how it is pronounced
does. No voice of the default corpus is here.

Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sercourse.corpora.synthetic.crowd import Script, babbled_sentence, make_crowd
from sercourse.corpora.synthetic.voices import SPEAKERS
from sercourse.corpora.table import make_table

VOICES, EACH = 48, 14
"""Speakers, and utterances of each in each language."""

LANGUAGES = ("de", "en", "pl")

SCRIPT = Script(
    "tongues",
    LANGUAGES,
    babbled_sentence,
    stream=(8,),
    without=frozenset(f"{LANGUAGES[0]}+{speaker.voice.partition('+')[2]}" for speaker in SPEAKERS),
    polyglot=True,
)


def load(folder: Path) -> pd.DataFrame:
    """Read it as an utterance table, making it where it is not there yet."""
    table = make_crowd(folder, script=SCRIPT, voices=VOICES, utterances=EACH).reset_index()
    return make_table(table.drop(columns=["start", "end"]).assign(noise="none"), "tongues")
