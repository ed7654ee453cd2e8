"""A crowd of synthetic voices in many languages, for pretraining without labels.

Everybody speaks in a language, voice, pace, pitch and room of their own, in all the emotions of the rules, and says
strings of invented words and numbers. No sentence of the synthetic corpus is among them and none of its voices, so
what is pretrained on the crowd has met neither. The same seed gives the same bytes.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from filelock import FileLock
from joblib import cpu_count

from sercourse.corpora.synthetic.espeak import Engine
from sercourse.corpora.synthetic.plan import EMOTIONS
from sercourse.corpora.synthetic.room import Room
from sercourse.corpora.synthetic.rules import Style
from sercourse.corpora.synthetic.voice import SAMPLE_RATE, utter
from sercourse.corpora.synthetic.voices import SPEAKERS, Speaker
from sercourse.errors import CorpusError
from sercourse.progress import progress_bar

VERSION = 1
"""Goes up whenever the same seed would give other audio."""

LANGUAGES: tuple[str, ...] = (
    "af", "ar", "bg", "bn", "ca", "cmn", "cs", "cy", "da", "de", "el", "en", "en-us", "eo", "es", "et", "eu", "fa",
    "fi", "fr", "ga", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "ko", "lt", "lv", "mk", "ms", "mt",
    "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "tr", "uk", "ur", "vi", "yue",
)  # fmt: skip
"""As espeak-ng names them."""

VARIANTS: dict[str, tuple[str, ...]] = {
    "female": ("f1", "f2", "f3", "f4", "f5", "anika", "belinda", "linda", "steph", "aunty"),
    "male": ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "adam", "pablo", "rob", "john"),
}

_ONSETS = ("", "b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "sh", "ch", "tr", "pl", "st", "gr")
_NUCLEI = ("a", "e", "i", "o", "u", "ai", "au", "ei", "ou", "ie")
_CODAS = ("", "", "", "n", "s", "r", "l", "t", "m", "k", "nd", "st")
_NUMBERS = 0.25  # share of words that are numbers, which every language reads in its own way

TABLE = "utterances.csv"


@dataclass(frozen=True)
class Script:
    """Who is in a crowd and what they say.

    Attributes:
        name: begins the ids of utterances and speakers.
        languages: as espeak-ng names them.
        text: draws one utterance's text from its number and a generator.
        stream: a number that keeps its people apart from those of other crowds of the same seed.
        without: voices that nobody has; those of the synthetic corpus are always left out.
        polyglot: everybody speaks all the languages, with one voice, in one room; else each in one that is drawn.
    """

    name: str
    languages: tuple[str, ...]
    text: Callable[[int, np.random.Generator], str]
    stream: tuple[int, ...] = ()
    without: frozenset[str] = frozenset()
    polyglot: bool = False

    def speaker(self, number: int, habits: np.random.Generator) -> Speaker:
        """Who is ``number`` in this crowd."""
        return draw_voice(number, self.languages[:1] if self.polyglot else self.languages, habits, self.without)

    def spoken_by(self, speaker: Speaker) -> tuple[Speaker, ...]:
        """The same speaker in each language that they speak."""
        if not self.polyglot:
            return (speaker,)
        variant = speaker.voice.partition("+")[2]
        return tuple(replace(speaker, language=code, voice=f"{code}+{variant}") for code in self.languages)


def make_crowd(
    folder: Path, *, script: Script | None = None, voices: int = 300, utterances: int = 16, seed: int = 0,
    workers: int | None = None, progress: bool = True,
) -> pd.DataFrame:  # fmt: skip
    """Make a crowd, or find it where it was made before.

    Args:
        folder: where it goes; its name should tell the other arguments and :data:`VERSION` apart.
        script: languages and texts; ``None``: :data:`BABBLED`.
        voices: speakers.
        utterances: of each speaker, in each language that they speak; 16 are about a minute.
        seed: 0 or more.
        workers: processes at one time; the files do not depend on it.
        progress: show a progress bar.

    Returns:
        A table by utterance id with ``path, start, end, emotion, speaker, gender, language, text``.

    Raises:
        CorpusError: espeak-ng cannot be started, or the folder cannot be written.
    """
    folder = Path(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            _made(folder, script or BABBLED, voices, utterances, seed, workers or cpu_count(), progress)
    except OSError as error:
        raise CorpusError(
            f"{folder}: cannot be written ({error.strerror or error}); choose a folder on a disk with 1 GB free, for"
            " instance by SERCOURSE_CACHE."
        ) from None
    table = pd.read_csv(folder / TABLE, dtype={"text": "string"}).set_index("utterance_id")
    table["path"] = [str((folder / name).resolve()) for name in table["path"]]
    return table


def _made(folder: Path, script: Script, voices: int, utterances: int, seed: int, workers: int, progress: bool) -> None:
    """Make it beside its place, unless it is there; whatever fails leaves nothing half-made."""
    if (folder / TABLE).exists():
        return
    partial_folder = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial_folder, ignore_errors=True)
    partial_folder.mkdir(parents=True)
    speak = partial(_speak, script=script, utterances=utterances, seed=seed, folder=partial_folder)
    rows: list[dict] = []
    # A fresh process for each speaker: espeak-ng keeps hidden state.
    with multiprocessing.get_context("fork").Pool(workers, maxtasksperchild=1) as pool, progress_bar(progress) as bar:
        for spoken in bar.track(pool.imap(speak, range(voices), chunksize=1), voices, description="voices"):
            rows += spoken
    pd.DataFrame(rows).to_csv(partial_folder / TABLE, index=False)
    shutil.rmtree(folder, ignore_errors=True)
    partial_folder.rename(folder)


def draw_voice(
    number: int, languages: Sequence[str], rng: np.random.Generator, without: frozenset[str] = frozenset()
) -> Speaker:
    """One of a crowd; never a voice of the synthetic corpus, nor one of ``without``."""
    taken = {speaker.voice for speaker in SPEAKERS} | without
    while True:
        gender = str(rng.choice(list(VARIANTS)))
        language = str(rng.choice(languages))
        voice = f"{language}+{rng.choice(VARIANTS[gender])}"
        if voice not in taken:
            break
    return Speaker(
        f"c{number:04d}", gender, language, voice, session=number,
        rate=float(rng.uniform(145, 195)), pitch=float(rng.uniform(-3, 4)), formants=float(rng.uniform(-6, 6)),
    )  # fmt: skip


def babbled_sentence(number: int, rng: np.random.Generator) -> str:
    """Two to eight words that nobody has ever said, and numbers."""
    words = []
    for _ in range(rng.integers(2, 9)):
        if rng.random() < _NUMBERS:
            words.append(str(rng.integers(10 ** rng.integers(1, 5))))
        else:
            syllables = [(_ONSETS, _NUCLEI, _CODAS)] * rng.integers(1, 4)
            words.append("".join(str(rng.choice(part)) for syllable in syllables for part in syllable))
    return " ".join(words).capitalize() + "."


BABBLED = Script("crowd", LANGUAGES, babbled_sentence)
"""Invented words and numbers in many languages."""


def _speak(number: int, script: Script, utterances: int, seed: int, folder: Path) -> list[dict]:
    """One speaker's utterances as files, and their rows; runs in a process of its own."""
    return list(_spoken(number, script, utterances, seed, folder))


def _spoken(number: int, script: Script, utterances: int, seed: int, folder: Path) -> Iterator[dict]:
    habits = np.random.default_rng([seed, 5, number, *script.stream])
    somebody = script.speaker(number, habits)
    style, room = Style(habits), Room(habits)
    for place, speaker in enumerate(script.spoken_by(somebody)):
        engine = Engine(speaker.voice, seed=seed)
        try:
            for count in range(place * utterances, (place + 1) * utterances):
                rng = np.random.default_rng([seed, 6, number, count, *script.stream])
                emotion, text = str(rng.choice(EMOTIONS)), script.text(number * utterances + count, rng)
                samples = room.record(utter(engine, speaker, text, style.express(emotion, rng), rng), rng)
                name = f"{speaker.code}_{count:03d}.wav"
                soundfile.write(folder / name, samples, SAMPLE_RATE, subtype="PCM_16")
                yield {
                    "utterance_id": f"{script.name}/{speaker.code}_{count:03d}", "path": name, "start": 0.0,
                    "end": len(samples) / SAMPLE_RATE, "emotion": emotion, "speaker": f"{script.name}/{speaker.code}",
                    "gender": speaker.gender, "language": speaker.language, "text": text,
                }  # fmt: skip
        finally:
            engine.close()
