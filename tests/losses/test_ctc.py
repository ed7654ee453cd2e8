"""CTC: the sum over all paths, what is skipped, and reading a path."""

from itertools import groupby, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sercourse.losses.ctc import BLANK, ENGLISH, SPACE, SPECIAL, best_path, collapsed, ctc


def paths_that_read(text: tuple[int, ...], frames: int, symbols: int) -> list[tuple[int, ...]]:
    return [p for p in product(range(symbols), repeat=frames) if tuple(s for s, _ in groupby(p) if s != BLANK) == text]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), text=st.lists(st.integers(1, 2), min_size=1, max_size=3))
def test_the_loss_is_the_sum_over_all_paths(seed, text):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, 5, 3, generator=generator)
    posterior = logits[0].softmax(1).numpy()
    total = sum(np.prod([posterior[t, s] for t, s in enumerate(p)]) for p in paths_that_read(tuple(text), 5, 3))
    told = ctc(logits, torch.tensor([5]), torch.tensor([text]), torch.tensor([len(text)]))
    expected = -np.log(total) if total else 0.0  # a text too long for its frames counts 0
    assert float(told) == pytest.approx(expected, abs=1e-4)


def test_utterances_without_a_text_and_padding_are_skipped():
    torch.manual_seed(0)
    logits = torch.randn(3, 9, 6)
    frames, texts = torch.tensor([9, 6, 9]), torch.tensor([[1, 2, 0], [3, 3, 5], [4, 4, 4]])
    alone = ctc(logits[1:2, :6], torch.tensor([6]), texts[1:2], torch.tensor([3]))
    assert torch.isclose(ctc(logits, frames, texts, torch.tensor([0, 3, 0])), alone, atol=1e-5)
    nothing = ctc(logits.requires_grad_(), frames, texts, torch.zeros(3, dtype=torch.long))
    assert nothing == 0
    nothing.backward()
    assert not logits.grad.any(), "connected, so that several devices agree"


def test_per_character_divides_each_utterance_by_its_own_text():
    torch.manual_seed(0)
    logits, frames = torch.randn(2, 12, 5), torch.tensor([12, 12])
    texts, lengths = torch.tensor([[1, 2, 3, 4], [2, 0, 0, 0]]), torch.tensor([4, 1])
    each = [ctc(logits[k : k + 1], frames[:1], texts[k : k + 1], lengths[k : k + 1]) for k in (0, 1)]
    assert torch.isclose(ctc(logits, frames, texts, lengths), (each[0] + each[1]) / 2)
    assert torch.isclose(ctc(logits, frames, texts, lengths, per_character=True), (each[0] / 4 + each[1]) / 2)


def test_english_has_the_papers_32_symbols():
    assert len(ENGLISH) == len(set(ENGLISH)) == 32
    assert set("abcdefghijklmnopqrstuvwxyz'") < set(ENGLISH)
    assert (ENGLISH[BLANK], ENGLISH[SPACE]) == ("<pad>", "|")


@pytest.mark.parametrize(
    ("path", "text"),
    [("cc_aat", "cat"), ("____", ""), ("l_l", "ll"), ("ll", "l"), ("|a||b|", "a b"), ("a|_|b", "a b"), ("?a", "a")],
)
def test_a_path_is_read(path, text):
    names = {"_": 0, "?": 3, "|": SPACE}
    numbers = [names.get(symbol, ENGLISH.index(symbol) if symbol in ENGLISH else 0) for symbol in path]
    assert collapsed(torch.tensor(numbers), ENGLISH) == text
    assert collapsed(numbers, ENGLISH) == text


def test_the_best_path_is_blank_behind_the_end():
    logits = torch.zeros(2, 4, len(SPECIAL) + 1)
    logits[..., 5] = 1.0
    mask = torch.tensor([[1.0, 1, 1, 1], [1, 1, 0, 0]])
    assert best_path(logits, mask).tolist() == [[5, 5, 5, 5], [5, 5, 0, 0]]
    assert best_path(logits, None).eq(5).all()
