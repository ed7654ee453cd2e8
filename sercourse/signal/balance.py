"""Data balance of the ASP-MTL paper: few segments of frequent emotions, many overlapping ones of rare emotions.

The paper says: 96-frame segments from the beginning and the end of the log-mel spectrogram for the most frequent
emotions (happiness and sadness there); for rare ones (fear and surprise) segments at an interval of 24 frames. How
long those segments are is not said; here they have 96 frames too, for a network takes one size. Emotions in between
are not mentioned; here they are cut into segments side by side.

Notebook: 01_signal_preprocessing.ipynb
Source: ASP-MTL (Liu and Zhang, IEEE Access 2023), section IV B, after its reference [24] (printed as [25]).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sercourse.errors import UserError

SEGMENT_FRAMES = 96
MINORITY_HOP_FRAMES = 24


def segments(
    n_frames: Sequence[int],
    emotions: Sequence[str],
    *,
    majority: Collection[str],
    minority: Collection[str],
    length: int = SEGMENT_FRAMES,
    hop: int = MINORITY_HOP_FRAMES,
) -> list[list[tuple[int, int]]]:
    """Cut utterances into segments so that the emotions come closer in number.

    Args:
        n_frames: frames of each utterance's log-mel spectrogram.
        emotions: emotion of each utterance.
        majority: emotions with too many utterances: head and tail only.
        minority: emotions with too few utterances: a segment every ``hop`` frames.
        length: frames per segment.
        hop: frames between the beginnings of a minority's segments.

    Returns:
        For each utterance its segments ``(start, end)`` in frames, in order. An utterance of at most ``length``
        frames is one segment of its own length, to be padded later. Nothing is drawn by chance.

    Raises:
        UserError: an emotion is in both groups.
    """
    both = sorted(set(majority) & set(minority))
    if both:
        raise UserError(f"data balance: '{both[0]}' is named as majority and as minority; name it once.")
    return [
        _cut(n, emotion in majority, hop if emotion in minority else length, length)
        for n, emotion in zip(n_frames, emotions, strict=True)
    ]


def _cut(n: int, head_and_tail: bool, hop: int, length: int) -> list[tuple[int, int]]:
    if n <= length:
        return [(0, n)]
    starts = [0, n - length] if head_and_tail else range(0, n - length + 1, hop)
    return [(start, start + length) for start in starts]
