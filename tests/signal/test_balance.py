"""Data balance: what is cut where, and whether the emotions come closer in number."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sercourse.errors import UserError
from sercourse.signal.balance import segments

GROUPS = {"majority": {"happiness", "sadness"}, "minority": {"fear", "surprise"}}


def cut(n: int, emotion: str) -> list[tuple[int, int]]:
    return segments([n], [emotion], **GROUPS)[0]


def test_majority_is_cut_at_head_and_tail():
    assert cut(300, "happiness") == [(0, 96), (204, 300)]
    assert cut(120, "sadness") == [(0, 96), (24, 120)], "they overlap in a short utterance"


def test_minority_is_cut_every_24_frames():
    assert cut(170, "fear") == [(0, 96), (24, 120), (48, 144), (72, 168)]
    assert cut(168, "surprise")[-1] == (72, 168)


def test_others_are_cut_side_by_side():
    assert cut(300, "anger") == [(0, 96), (96, 192), (192, 288)]


@pytest.mark.parametrize("emotion", ["happiness", "fear", "anger"])
@pytest.mark.parametrize("n", [1, 50, 96])
def test_a_short_utterance_is_one_segment(emotion, n):
    assert cut(n, emotion) == [(0, n)]


@given(n=st.integers(1, 2000), emotion=st.sampled_from(["happiness", "fear", "anger"]))
def test_segments_lie_inside_have_one_length_and_differ(n, emotion):
    found = cut(n, emotion)
    assert found == sorted(set(found))
    assert all(0 <= start < end <= n and end - start == min(n, 96) for start, end in found)


def test_classes_come_closer():
    """Counts as unequal as in IEMOCAP's rare and frequent emotions; utterances of 1 to 6 s."""
    rng = np.random.default_rng(0)
    counts = {"happiness": 800, "sadness": 700, "anger": 400, "fear": 100, "surprise": 110}
    emotions = [emotion for emotion, n in counts.items() for _ in range(n)]
    found = segments(rng.integers(100, 600, len(emotions)), emotions, **GROUPS)
    after = Counter(emotion for emotion, parts in zip(emotions, found) for _ in parts)
    assert max(after.values()) / min(after.values()) < 2 < 8 == max(counts.values()) / min(counts.values())


def test_an_emotion_in_both_groups_is_refused():
    with pytest.raises(UserError, match="'fear' is named as majority and as minority"):
        segments([100], ["fear"], majority={"fear", "anger"}, minority={"fear"})
