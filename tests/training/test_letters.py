"""Letters read off frozen frames, one by one."""

from __future__ import annotations

import numpy as np
import torch

from sercourse.losses.ctc import ENGLISH
from sercourse.training.alphabet import spelt
from sercourse.training.frozen import letters_in

TEXTS = {"one": "a cab", "two": "bad", "three": "a bee", "four": "dead bee", "five": "cab", "six": "a bad cab"}
LEARNT, ASKED = ("one", "two", "three", "four"), ("five", "six")


def frames_of(text: str) -> np.ndarray:
    """A frame of its own for every letter, held for two frames, and one of the blank behind it."""
    rows = [row for letter in spelt(text, ENGLISH) for row in (letter, letter, 0)]
    return np.eye(len(ENGLISH), dtype=np.float32)[rows]


def test_letters_that_are_there_are_read_and_noise_is_not():
    clear = {i: frames_of(text) for i, text in TEXTS.items()}
    rng = np.random.default_rng(0)
    noise = {i: rng.normal(size=array.shape).astype(np.float32) for i, array in clear.items()}
    state = torch.random.get_rng_state()
    assert letters_in(clear, TEXTS, ENGLISH, LEARNT, ASKED) == 0
    assert letters_in(noise, TEXTS, ENGLISH, LEARNT, ASKED) > 50
    assert torch.equal(state, torch.random.get_rng_state()), "what is drawn afterwards is the same"
    assert letters_in(noise, TEXTS, ENGLISH, LEARNT, ASKED) == letters_in(noise, TEXTS, ENGLISH, LEARNT, ASKED)
