"""Who says what in which emotion: a balanced design.

Every speaker has the same number of utterances in every emotion. In the part with neutral wording every sentence is
spoken in every emotion equally often by each speaker, so the wording carries no information about the emotion. In the
part with emotional wording the words agree with the emotion in a stated share of cases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sercourse.corpora.synthetic.rules import RULES
from sercourse.corpora.synthetic.sentences import EMOTIONAL, NEUTRAL
from sercourse.corpora.synthetic.voices import SPEAKERS, Speaker
from sercourse.errors import CorpusError

EMOTIONS: tuple[str, ...] = tuple(RULES)

EMOTIONAL_SHARE = 0.3
"""Part of the utterances that have emotional wording."""

AGREEMENT = 0.6
"""Share of the utterances with emotional wording whose words agree with the emotion of the voice. The others are
shared out evenly over the other emotions, which makes Cramér's V between the emotion of the words and of the voice
(0.6 - 1/7) / (6/7) = 0.533 in that part of the corpus of 700."""

STEP = len(SPEAKERS) * len(EMOTIONS)
"""A balanced corpus has a multiple of this many utterances."""


@dataclass(frozen=True)
class Utterance:
    """One line of the script."""

    number: int
    """Counted from 0 per speaker; names the file and seeds the draw."""
    emotion: str
    """Emotion of the voice."""
    text: str
    wording: str
    """``"neutral"``: the words say nothing about the emotion; ``"emotional"``: they suggest one."""
    wording_emotion: str | None
    """The emotion that the words suggest; ``None`` for neutral wording."""


def make_plan(utterances: int, seed: int) -> dict[Speaker, list[Utterance]]:
    """Write the script of every speaker.

    Args:
        utterances: in the whole corpus; a multiple of :data:`STEP`.
        seed: 0 or more.

    Raises:
        CorpusError: the number of utterances cannot be balanced.
    """
    if utterances < STEP or utterances % STEP:
        below = max(utterances // STEP * STEP, STEP)
        raise CorpusError(
            f"synthetic: {utterances} utterances cannot be balanced over {len(SPEAKERS)} speakers and"
            f" {len(EMOTIONS)} emotions; ask for a multiple of {STEP}, such as {below}."
        )
    takes = utterances // STEP
    emotional = round(EMOTIONAL_SHARE * takes)
    suggested = _suggested_emotions(len(SPEAKERS) * emotional, np.random.default_rng([seed, 0]))
    return {
        speaker: _script(speaker, position, takes - emotional, suggested[position :: len(SPEAKERS)], seed)
        for position, speaker in enumerate(SPEAKERS)
    }


def _suggested_emotions(count: int, rng: np.random.Generator) -> list[dict[str, str]]:
    """For each of ``count`` utterances per emotion: spoken emotion to the emotion that the words suggest."""
    agreeing = round(AGREEMENT * count)
    columns = {}
    for number, emotion in enumerate(EMOTIONS):
        others = EMOTIONS[number + 1 :] + EMOTIONS[:number]  # begins elsewhere for each, so that leftovers even out
        dealt = [emotion] * agreeing + [others[i % len(others)] for i in range(count - agreeing)]
        columns[emotion] = rng.permutation(dealt).tolist()
    return [{emotion: columns[emotion][i] for emotion in EMOTIONS} for i in range(count)]


def _script(speaker: Speaker, position: int, neutral: int, suggested: list[dict], seed: int) -> list[Utterance]:
    plain, telling = NEUTRAL[speaker.language], EMOTIONAL[speaker.language]
    lines = []
    for take in range(neutral):
        text = plain[(take + position) % len(plain)]  # the same sentences for all emotions
        lines += [(emotion, text, "neutral", None) for emotion in EMOTIONS]
    for take, suggestion in enumerate(suggested):
        for emotion, words in suggestion.items():
            sentences = telling[words]
            lines.append((emotion, sentences[(take + position) % len(sentences)], "emotional", words))
    order = np.random.default_rng([seed, 1, position]).permutation(len(lines))
    return [Utterance(number, *lines[i]) for number, i in enumerate(order)]
