"""How an emotion is expressed: published findings on the voice, turned into rules.

What the literature agrees on (against the same speaker's neutral voice):

========== ================================================================================================
anger      pitch higher, range much wider, faster, louder with strong contrasts, sharp and full voice
boredom    pitch lower, range narrow, slow with pauses, softer and even, lax voice
disgust    pitch lower, slow, irregular (grumbling) voice, formants down, falling ends
fear       pitch much higher, fast, trembling, irregular, thin and breathy voice
happiness  pitch higher, range much wider, faster, louder, smiling (formants up), rising ends
sadness    pitch lower, range narrow, slow with pauses, soft, dull, thin and breathy voice
========== ================================================================================================

Each utterance departs from its rule: its speaker expresses every emotion with a strength and a turn of their own, and
no two utterances are alike. Some are weak, some lean to a second emotion. That is what keeps the corpus from being
trivial. It is a teaching aid: nothing that is found on it is a finding about emotion.

Source: Murray and Arnott, "Toward the simulation of emotion in synthetic speech", JASA 93 (1993), table I; Burkhardt
and Sendlmeier, "Verification of acoustical correlates of emotional speech using formant-synthesis", ISCA Workshop on
Speech and Emotion (2000); Banse and Scherer, "Acoustic profiles in vocal emotion expression", JPSP 70 (1996); Juslin
and Laukka, "Communication of emotions in vocal expression and music performance", Psychological Bulletin 129 (2003),
table 7; Scherer, "Vocal communication of emotion", Speech Communication 40 (2003), table 1. Full and thin voices:
Scherer, "Vocal affect expression", Psychological Bulletin 99 (1986). The formants of a smile: Tartter, "Happy talk",
Perception & Psychophysics 27 (1980). They give directions ("much higher"); the sizes, and the formants of disgust,
are ours.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np


@dataclass(frozen=True)
class Prosody:
    """One way of speaking, against the speaker's neutral voice."""

    pitch: float = 0.0
    """Mean pitch, semitones."""
    pitch_range: float = 0.0
    """Range of pitch, octaves of ratio: 1 doubles it, -1 halves it."""
    rate: float = 0.0
    """Rate of speech, octaves of ratio."""
    pauses: float = 0.0
    """Pause between words, seconds."""
    loudness: float = 0.0
    """Level of the speech, dB."""
    dynamics: float = 0.0
    """Contrast of level within the utterance: 0.3 turns 10 dB between loud and soft into 13 dB."""
    tilt: float = 0.0
    """Slope added to the spectrum, dB per octave around 1 kHz; positive: sharper, tenser."""
    fullness: float = 0.0
    """Gain below 400 Hz, dB; positive: a full chest voice, negative: a thin one."""
    breath: float = 0.0
    """Aspiration noise, dB."""
    jitter: float = 0.0
    """Irregularity of the pitch periods, octaves of ratio."""
    tremor: float = 0.0
    """Trembling of pitch and level at 5 to 7 Hz, octaves of ratio."""
    formants: float = 0.0
    """Shift of all formants, percent; positive: shorter vocal tract, as in a smile."""
    rise: float = 0.0
    """Inclination to end with a rise (question, exclamation) instead of a fall; on the scale of a logit."""


NAMES: tuple[str, ...] = tuple(field.name for field in fields(Prosody))

RULES: dict[str, Prosody] = {
    "anger": Prosody(
        pitch=2.8, pitch_range=0.6, rate=0.14, loudness=4.0, dynamics=0.3, tilt=2.0, fullness=5.0, jitter=0.7, rise=-0.5
    ),
    "boredom": Prosody(
        pitch=-1.4, pitch_range=-0.9, rate=-0.36, pauses=0.05, loudness=-1.0, dynamics=-0.3, tilt=-0.5, fullness=4.0
    ),
    "disgust": Prosody(
        pitch=-1.6, pitch_range=0.2, rate=-0.25, loudness=0.5, dynamics=0.2, jitter=2.3, formants=-6.0, rise=-1
    ),
    "fear": Prosody(pitch=4.2, rate=0.28, tilt=0.6, fullness=-5.0, breath=6.0, jitter=1.3, tremor=2.6, rise=0.3),
    "happiness": Prosody(
        pitch=3.0, pitch_range=0.8, rate=0.18, loudness=2.0, dynamics=0.2, tilt=0.7, formants=7.0, rise=1.8
    ),
    "neutral": Prosody(),
    "sadness": Prosody(
        pitch=-1.8,
        pitch_range=-0.5,
        rate=-0.2,
        pauses=0.02,
        loudness=-3.0,
        tilt=-1.6,
        fullness=-2.5,
        breath=8.0,
        tremor=1.2,
    ),
}

SPREAD = Prosody(
    pitch=1.0,
    pitch_range=0.26,
    rate=0.09,
    pauses=0.01,
    loudness=2.0,
    dynamics=0.10,
    tilt=0.65,
    fullness=1.3,
    breath=2.6,
    jitter=0.4,
    tremor=0.45,
    formants=1.3,
    rise=0.5,
)
"""Standard deviation between utterances of one speaker and one emotion; speakers differ by parts of it."""

_HABIT = 0.2  # of SPREAD, between speakers, whatever the emotion
_TURN = 0.3  # of SPREAD, between speakers, for each emotion anew
_STRENGTHS = (0.95, 1.25)  # a speaker's strength of one emotion
_WEAK, _WEAK_STRENGTHS = 0.06, (0.2, 0.6)  # share of weak expressions
_MIXED, _MIXED_PART = 0.05, 0.45  # share of expressions that lean to a second emotion


class Style:
    """One speaker's own way of expressing each emotion.

    Args:
        rng: where the speaker's habits are drawn from.
    """

    def __init__(self, rng: np.random.Generator):
        spread = _vector(SPREAD)  # (P,)
        habit = _HABIT * spread * rng.standard_normal(len(NAMES))
        self._means = {}
        for emotion, rule in RULES.items():
            turn = _TURN * spread * rng.standard_normal(len(NAMES))
            self._means[emotion] = (habit + rng.uniform(*_STRENGTHS) * _vector(rule) + turn, habit)

    def express(self, emotion: str, rng: np.random.Generator) -> Prosody:
        """Draw the prosody of one utterance."""
        target, habit = self._means[emotion]
        lot = rng.random()
        if lot < _WEAK:
            target = habit + rng.uniform(*_WEAK_STRENGTHS) * (target - habit)
        elif lot < _WEAK + _MIXED:
            other, _ = self._means[rng.choice([name for name in RULES if name != emotion])]
            target = (1 - _MIXED_PART) * target + _MIXED_PART * other
        drawn = target + _vector(SPREAD) * rng.standard_normal(len(NAMES))
        prosody = Prosody(**dict(zip(NAMES, drawn.tolist())))
        return replace(prosody, pauses=max(prosody.pauses, 0.0))


def _vector(prosody: Prosody) -> np.ndarray:
    return np.array([getattr(prosody, name) for name in NAMES])
