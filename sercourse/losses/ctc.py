"""Connectionist temporal classification: a text learnt from frames without anybody saying which letter is where.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import ctc_loss

BLANK = 0
"""Class of the symbol that is no letter."""

SPECIAL: tuple[str, ...] = ("<pad>", "<s>", "</s>", "<unk>", "|")
"""The first five of every alphabet, in the order of the published checkpoints: blank, begin, end, unknown, space."""

UNKNOWN, SPACE = 3, 4

ENGLISH: tuple[str, ...] = (*SPECIAL, *"etaonihsrdlumwcfgypbvk'xjqz")
"""The 32 symbols of the paper: 26 letters, the apostrophe, and the five special ones."""


def ctc(logits: Tensor, frames: Tensor, texts: Tensor, lengths: Tensor, *, per_character: bool = False) -> Tensor:
    """Negative log-probability of the texts, summed over all ways to say them.

    Args:
        logits: ``(B, T, U)``.
        frames: valid frames, ``(B,)``.
        texts: classes of the characters, ``(B, L)``; what lies behind a text's end is not looked at.
        lengths: characters of each text, ``(B,)``; 0: no text is known, which is skipped.
        per_character: divide each utterance's loss by its characters; else long texts count more, as in equation 11.

    Returns:
        Scalar: mean over utterances with a text; 0 where there is none. A text too long for its frames counts 0.

    Source: Chen et al., Expert Systems with Applications 2025, equation 11; Graves et al., ICML 2006.
    """
    known = lengths > 0
    if not bool(known.any()):
        return logits.sum() * 0.0
    log_probabilities = logits[known].float().log_softmax(2).transpose(0, 1)  # (T, B, U)
    lengths = lengths[known]
    each = ctc_loss(
        log_probabilities, texts[known], frames[known], lengths, blank=BLANK, reduction="none", zero_infinity=True
    )  # (B,)
    return (each / lengths if per_character else each).mean()


def best_path(logits: Tensor, mask: Tensor | None) -> Tensor:
    """The most probable class of every frame, ``(B, T)``; padding is blank."""
    path = logits.argmax(2)
    return path if mask is None else path.masked_fill(mask == 0, BLANK)


def collapsed(path: Sequence[int] | Tensor, alphabet: Sequence[str]) -> str:
    """A path of classes to the text it stands for: repeats become one, blanks go, ``|`` is a space.

    Args:
        path: a class per frame, ``(T,)``.
        alphabet: the symbol of every class.
    """
    symbols = torch.as_tensor(path).unique_consecutive().tolist()
    letters = [" " if number == SPACE else alphabet[number] for number in symbols if number >= len(SPECIAL) - 1]
    return " ".join("".join(letters).split())
