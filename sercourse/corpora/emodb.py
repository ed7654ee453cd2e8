"""EMO-DB, the Berlin Database of Emotional Speech: ten German sentences in seven emotions by ten speakers.

A name such as ``03a01Fa`` reads: speaker 03, sentence a01, F for *Freude* (happiness), version a.

Source: Burkhardt et al., A database of German emotional speech, Interspeech 2005.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import csv
import logging
import re
from functools import cache
from importlib.resources import files
from pathlib import Path

import pandas as pd

from sercourse.corpora.layout import audio_files, read_names
from sercourse.corpora.table import make_table
from sercourse.errors import AudioError, CorpusError
from sercourse.signal.audio import probe_audio

_LOGGER = logging.getLogger(__name__)

EMOTION_CODES = {
    "W": "anger",  # Wut (the letters stand for German words)
    "L": "boredom",  # Langeweile
    "E": "disgust",  # Ekel
    "A": "fear",  # Angst
    "F": "happiness",  # Freude
    "T": "sadness",  # Trauer
    "N": "neutral",
}

SPEAKERS = {
    "03": "male",
    "08": "female",
    "09": "female",
    "10": "male",
    "11": "male",
    "12": "male",
    "13": "female",
    "14": "female",
    "15": "male",
    "16": "female",
}

SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}

_NAME = re.compile(rf"({'|'.join(SPEAKERS)})({'|'.join(SENTENCES)})([{''.join(EMOTION_CODES)}])[a-z]?")


def load(folder: Path) -> pd.DataFrame:
    """Load the 535 utterances that go by the name of EMO-DB.

    Release 2.0 adds 281 recordings whose emotion fewer than 80 % of the listeners recognised. They are left out here
    (the log says how many), because no published number includes them.

    Args:
        folder: holds ``wav/*.wav``, as in the original download and in release 2.0.

    Raises:
        CorpusError: no file has a name within the code, or the files are the copy that was cut to 2 s.
    """
    audio = audio_files(folder / "wav" if (folder / "wav").is_dir() else folder)
    rows = read_names("emodb", folder, _parse, example="03a01Fa.wav", files=audio)
    kept = [row for row in rows if Path(row["path"]).stem not in ambiguous()]
    if len(kept) < len(rows):
        _LOGGER.info("emodb: %d ambiguous recordings of release 2.0 left out", len(rows) - len(kept))
    _refuse_cut_copy(folder, [row["path"] for row in kept])
    return make_table(kept, "emodb")


def _parse(path: Path) -> dict | None:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker, sentence, emotion = match.groups()
    return {
        "emotion": EMOTION_CODES[emotion],
        "speaker": f"emodb/{speaker}",
        "gender": SPEAKERS[speaker],
        "language": "de",
        "text": SENTENCES[sentence],
    }


@cache
def ambiguous() -> frozenset[str]:
    """File stems of the 281 recordings that the perception test covers but EMO-DB before release 2.0 does not."""
    return frozenset((files("sercourse.corpora") / "cards" / "emodb_ambiguous.txt").read_text("utf-8").split())


def _refuse_cut_copy(folder: Path, paths: list[str]) -> None:
    """Natural sentences differ in length. In the copy that circulates every file was cut or padded to 2.00 s."""
    durations = set()
    for path in paths:
        try:
            durations.add(round(probe_audio(path).duration, 3))
        except AudioError:
            continue  # a damaged file is reported where it is read
        if len(durations) > 1:
            return
    if len(paths) > 1 and durations and (len(paths) >= 20 or abs(durations.pop() - 2.0) < 0.01):
        raise CorpusError(
            f"{folder}: all {len(paths)} files have the same duration, so this is the circulating copy of EMO-DB that"
            " was cut to 2 s and not the original; fetch that one with `python data_scripts/fetch.py emodb`."
        )


def perception_test(folder: Path) -> pd.DataFrame:
    """Read what twenty listeners heard, the human ceiling of EMO-DB.

    Args:
        folder: holds ``erkennung.txt`` (original download) or ``db.emotion.csv`` (release 2.0).

    Returns:
        One row per recording in the test (816), indexed by ``utterance_id``: ``emotion`` (the one that was acted),
        ``recognised`` and ``natural`` (percent of the listeners). Join it with the table of :func:`load` by index: the
        mean of ``recognised`` over those 535 is comparable to WA, the mean of its means per emotion to UA.

    Raises:
        CorpusError: neither file is there, or a line cannot be read.
    """
    original, release_2 = folder / "erkennung.txt", folder / "db.emotion.csv"
    if original.is_file():
        lines = original.read_text("latin-1").splitlines()[1:]
        rows = [_judgement(line.split()[1:], original, number) for number, line in enumerate(lines, 2) if line.strip()]
    elif release_2.is_file():
        with release_2.open(encoding="utf-8", newline="") as file:
            rows = [
                _judgement(
                    [Path(line["file"]).name, line["emotion.confidence"], line["emotion.naturalness"]],
                    release_2,
                    number,
                    scale=100,
                )
                for number, line in enumerate(csv.DictReader(file), 2)
            ]
    else:
        raise CorpusError(
            f"{folder}: the perception test erkennung.txt is not there; fetch the corpus again with"
            " `python data_scripts/fetch.py emodb`."
        )
    table = pd.DataFrame(rows, columns=["utterance_id", "emotion", "recognised", "natural"])
    return table.astype({"utterance_id": "string", "emotion": "string"}).set_index("utterance_id").sort_index()


def _judgement(values: list[str], source: Path, number: int, scale: float = 1) -> tuple[str, str, float, float]:
    try:
        name, recognised, natural = values
        stem = Path(name).stem
        shares = [scale * float(share.replace(",", ".")) for share in (recognised, natural)]
        return f"emodb/{stem}", EMOTION_CODES[stem[5]], *shares
    except (ValueError, LookupError, AttributeError):
        raise CorpusError(f"{source}: line {number} cannot be read; fetch the corpus again.") from None
