"""One speaker's whole script, spoken in one fresh process and written as wav files.

:mod:`~sercourse.corpora.synthetic.process` starts it. It imports numpy and soxr only, so that ten processes start fast.
"""

from __future__ import annotations

import hashlib
import io
import json
import signal
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sercourse.corpora.synthetic.espeak import Engine
from sercourse.corpora.synthetic.plan import Utterance, make_plan
from sercourse.corpora.synthetic.room import Room
from sercourse.corpora.synthetic.rules import Style
from sercourse.corpora.synthetic.voice import SAMPLE_RATE, utter
from sercourse.corpora.synthetic.voices import SPEAKERS, Speaker
from sercourse.errors import UserError


def stem(speaker: Speaker, utterance: Utterance) -> str:
    """Name of an utterance's file without suffix, such as ``"f01_007_anger"``."""
    return f"{speaker.code}_{utterance.number:03d}_{utterance.emotion}"


def speak_script(code: str, utterances: int, seed: int, folder: Path) -> Iterator[dict]:
    """Say everything that one speaker has to say.

    Args:
        code: the speaker, one of :data:`~sercourse.corpora.synthetic.voices.SPEAKERS`.
        utterances: in the whole corpus, see :func:`~sercourse.corpora.synthetic.plan.make_plan`.
        seed: of the whole corpus, 0 or more.
        folder: where the wav files go; it exists.

    Yields:
        For each file as soon as it is there: ``name``, ``bytes``, ``seconds`` and ``sha256``.
    """
    position = next(i for i, speaker in enumerate(SPEAKERS) if speaker.code == code)
    speaker = SPEAKERS[position]
    # Streams of their own: what an utterance sounds like depends on nothing but the seed, the speaker and its number.
    habits = np.random.default_rng([seed, 2, position])
    style, room = Style(habits), Room(habits)
    engine = Engine(speaker.voice, seed=seed)
    try:
        for utterance in make_plan(utterances, seed)[speaker]:
            rng = np.random.default_rng([seed, 3, position, utterance.number])
            prosody = style.express(utterance.emotion, rng)
            samples = room.record(utter(engine, speaker, utterance.text, prosody, rng), rng)
            content = _wav(samples)
            name = f"{stem(speaker, utterance)}.wav"
            (folder / name).write_bytes(content)
            yield {
                "name": name,
                "bytes": len(content),
                "seconds": len(samples) / SAMPLE_RATE,
                "sha256": hashlib.sha256(content).hexdigest(),
            }
    finally:
        engine.close()


def main(arguments: list[str]) -> int:
    """Speak the script of ``[code, utterances, seed, folder]``; print one line of JSON for each file."""
    code, utterances, seed, folder = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one decides when to stop
    try:
        for spoken in speak_script(code, int(utterances), int(seed), Path(folder)):
            print(json.dumps(spoken), flush=True)
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _wav(samples: np.ndarray) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, len(samples), "NONE", "not compressed"))
        file.writeframes(samples.tobytes())
    return content.getvalue()
