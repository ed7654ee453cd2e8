"""How much of a text was heard: word and character error rates.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence

import jiwer


def error_rates(references: Sequence[str], heard: Sequence[str]) -> dict[str, float | int | None]:
    """Insertions, deletions and substitutions per word (character) of the references.

    Args:
        references: what was said, one text per utterance; empty ones are left out.
        heard: what was recognised, in the same order.

    Returns:
        ``wer`` and ``cer`` in percent (above 100 where more is heard than was said; ``None`` without references), and
        ``n_test``, the number of texts that were judged.
    """
    pairs = [(said, text) for said, text in zip(references, heard, strict=True) if said]
    if not pairs:
        return {"wer": None, "cer": None, "n_test": 0}
    said, text = (list(side) for side in zip(*pairs, strict=True))
    return {"wer": 100 * jiwer.wer(said, text), "cer": 100 * jiwer.cer(said, text), "n_test": len(pairs)}
