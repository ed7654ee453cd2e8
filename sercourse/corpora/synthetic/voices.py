"""Who speaks: ten speakers, one woman and one man in each of five languages.

A session pairs a woman and a man of different languages, so that leaving a session out is not the same as leaving a
language out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Speaker:
    """One synthetic speaker."""

    code: str
    """Speaker code: f01 … f05, m01 … m05."""
    gender: str
    """``"female"`` or ``"male"``."""
    language: str
    """ISO 639-1 code."""
    voice: str
    """espeak-ng's language and variant."""
    session: int
    """Recording session, 1 … 5."""
    rate: float
    """Habitual rate of speech, words per minute on espeak-ng's scale."""
    pitch: float
    """Semitones above (below) the voice's own pitch, in neutral speech."""
    formants: float
    """Percent above (below) the voice's own formants: a shorter (longer) vocal tract."""


SPEAKERS: tuple[Speaker, ...] = (
    Speaker("f01", "female", "de", "de+f1", 1, rate=172, pitch=0.5, formants=1.0),
    Speaker("f02", "female", "en", "en+f2", 2, rate=178, pitch=1.5, formants=1.0),
    Speaker("f03", "female", "it", "it+f2", 3, rate=172, pitch=-1.0, formants=-1.0),
    Speaker("f04", "female", "pl", "pl+f1", 4, rate=158, pitch=0.5, formants=0.0),
    Speaker("f05", "female", "zh", "cmn+f2", 5, rate=176, pitch=0.0, formants=-1.0),
    Speaker("m01", "male", "de", "de+m1", 5, rate=164, pitch=3.5, formants=1.0),
    Speaker("m02", "male", "en", "en-us+m1", 1, rate=170, pitch=1.5, formants=2.0),
    Speaker("m03", "male", "it", "it+m4", 2, rate=176, pitch=4.0, formants=-1.0),
    Speaker("m04", "male", "pl", "pl+m1", 3, rate=162, pitch=2.5, formants=0.0),
    Speaker("m05", "male", "zh", "cmn+m3", 4, rate=168, pitch=2.5, formants=2.0),
)
