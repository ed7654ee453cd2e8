"""IEMOCAP: dialogues of five pairs of actors, improvised and from a script, cut into turns.

A turn such as ``Ses01F_impro01_M003`` reads: session 1, the woman wore the motion-capture markers, first improvised
dialogue, and the man SPEAKS. So the speaker is the session plus the letter of the turn; taking the letter in front
(the markers) gives half of the turns to the wrong person.

Source: Busso et al., IEMOCAP: Interactive emotional dyadic motion capture database, Language Resources and Evaluation
42, 2008.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from sercourse.corpora.layout import audio_files, warn_counted
from sercourse.corpora.table import make_table
from sercourse.errors import CorpusError

_LOGGER = logging.getLogger(__name__)

EMOTION_CODES = {
    "ang": "anger",
    "hap": "happiness",
    "exc": "happiness",  # excitement is merged into happiness, as in most published results; ``code`` tells it apart
    "neu": "neutral",
    "sad": "sadness",
}

_GENDERS = {"F": "female", "M": "male"}

# [6.2901 - 8.2357]<tab>Ses01F_impro01_F000<tab>neu<tab>[2.5000, 2.5000, 2.5000]
_VERDICT = re.compile(r"\[[\d.]+ - [\d.]+\]\s+(\S+)\s+(\w+)\s+\[([\d.]+), ([\d.]+), ([\d.]+)\]")
_TURN = re.compile(r"(Ses0([1-5])[FM]_(?:impro|script)\w+)_([FM])\d+")
# Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
_LINE = re.compile(r"(\S+) \[[\d.]+-[\d.]+\]:\s*(.*\S)")


def load(folder: Path) -> pd.DataFrame:
    """Load the turns labelled with one of four emotions: anger, happiness (with excitement), neutral, sadness.

    Turns with another label, or none that the annotators agree on, are left out; the log counts them.

    Args:
        folder: holds ``Session1`` to ``Session5``.

    Returns:
        The utterance table (5531 rows when complete) with ``dialogue`` and ``session`` set and four more columns:
        ``code`` (the annotators' label, a key of :data:`EMOTION_CODES`), ``valence``, ``activation``, ``dominance``
        (mean of the annotators, 1 to 5).

    Raises:
        CorpusError: there is no annotation, or no turn in it has audio.
    """
    return _load(folder, improvised_only=False)


def load_improvised(folder: Path) -> pd.DataFrame:
    """Load the improvised dialogues only (2943 rows when complete); otherwise as :func:`load`.

    In the scripted dialogues the text gives the emotion away, and the same lines return with every pair of actors.
    """
    return _load(folder, improvised_only=True)


def without_excitement(table: pd.DataFrame) -> pd.DataFrame:
    """The utterances but those whose label is excitement: happiness is then what the annotators called happy.

    Of the improvised dialogues 2280 utterances are left, 284 of them happy. That is the selection of Wen et al. 2023.

    Args:
        table: of :func:`load` or :func:`load_improvised`, in noise or not.

    Source: Wen et al. 2023, section 5.1.
    Notebook: 05_mtap.ipynb
    """
    return table[table["code"] != "exc"]


def _load(folder: Path, *, improvised_only: bool) -> pd.DataFrame:
    verdicts = [v for v in _verdicts(folder) if not improvised_only or "_impro" in v[0]]
    audio = {path.stem: path for path in audio_files(folder) if path.parent.parent.name == "wav"}
    texts = _transcripts(folder)
    rows, dropped, silent = [], Counter(), []
    for turn, code, *degrees in verdicts:
        match = _TURN.fullmatch(turn)
        if match is None or code not in EMOTION_CODES:
            dropped[code] += 1
        elif turn not in audio:
            silent.append(turn)
        else:
            rows.append(_row(match, code, degrees) | {"path": str(audio[turn]), "text": texts.get(turn)})
    if dropped:
        _LOGGER.info("iemocap: %d turns with other labels left out: %s", dropped.total(), dict(dropped.most_common()))
    if not rows:
        raise CorpusError(
            f"{folder}: no turn has both a label and audio; check that Session1/sentences/wav was unpacked, too."
        )
    warn_counted("iemocap", silent, "left out, labelled but without audio")
    return make_table(rows, "iemocap")


def _row(turn: re.Match, code: str, degrees: list[str]) -> dict:
    dialogue, session, speaker = turn.groups()
    valence, activation, dominance = map(float, degrees)
    return {
        "utterance_id": f"iemocap/{turn[0]}",
        "emotion": EMOTION_CODES[code],
        "code": code,
        "speaker": f"iemocap/Ses0{session}{speaker}",
        "gender": _GENDERS[speaker],
        "language": "en",
        "session": f"iemocap/{session}",
        "dialogue": f"iemocap/{dialogue}",
        "valence": valence,
        "activation": activation,
        "dominance": dominance,
    }


def _verdicts(folder: Path) -> list[tuple[str, ...]]:
    """Turn, label and the three degrees of every annotated turn."""
    sources = _dialogue_files(folder, "EmoEvaluation")
    if not sources:
        raise CorpusError(
            f"{folder}: holds no Session1/dialog/EmoEvaluation/*.txt; unpack IEMOCAP there so that Session1 to Session5"
            " lie in it."
        )
    return [found.groups() for source in sources for found in _VERDICT.finditer(_read(source))]


def _transcripts(folder: Path) -> dict[str, str]:
    lines = (line for source in _dialogue_files(folder, "transcriptions") for line in _read(source).splitlines())
    return dict(found.groups() for line in lines if (found := _LINE.fullmatch(line.strip())))


def _dialogue_files(folder: Path, kind: str) -> list[Path]:
    return sorted(p for p in folder.glob(f"**/Session?/dialog/{kind}/*.txt") if not p.name.startswith("."))


def _read(source: Path) -> str:
    return source.read_text("utf-8", errors="replace")
