"""The errors that a user can cause: each is one sentence that names the culprit and the way out.

The command line prints the sentence and exits with code 2; in a notebook it is the last line of the traceback.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

Item, Result = TypeVar("Item"), TypeVar("Result")

SKIPPED_SHARE = 0.01
"""Up to this share of unusable files is skipped with a counted warning; above it the corpus is refused."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean NAME?`` for the known name nearest to a mistyped one; empty where none is near."""
    near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    return f" Did you mean {near[0]}?" if near else ""


class UserError(Exception):
    """Something the user gave cannot be used. ``str(error)`` is one sentence with the way out."""


class AudioError(UserError):
    """One audio file (or one span of it) cannot be used as speech."""


class SilentAudio(AudioError):
    """A recording, or a span of it, holds nothing but silence."""


class RunBusy(UserError):
    """Another process is at work on a run."""


class CorpusError(UserError):
    """A corpus is missing, incomplete, or not what its name says."""


class ProtocolError(UserError):
    """A protocol cannot be made from this table (too few speakers, no sessions, …)."""


def all_but_refused(
    items: Sequence[Item],
    together: Callable[[Sequence[Item]], Sequence[Result]],
    refused: Callable[[Item, AudioError], None],
) -> Iterator[tuple[Item, Result]]:
    """Results of a batch that is computed at once; where one item cannot be used, one by one, so that the others stay.

    Args:
        items: what to compute; nothing is called where there is none.
        together: the results of some items, in their order.
        refused: told of every item that cannot be used, and why.
    """
    if not items:
        return
    try:
        results = together(items)
    except AudioError as error:
        if len(items) == 1:
            refused(items[0], error)
            return
        for one in items:
            yield from all_but_refused([one], together, refused)
        return
    yield from zip(items, results, strict=True)


def report_skipped(what: str, skipped: Mapping[str, str], total: int) -> None:
    """Warn of utterances that are left out, or refuse a corpus that has too many of them.

    Args:
        what: was to be made of them.
        skipped: utterance id to the sentence that says why it cannot be used.
        total: utterances of the corpus.

    Raises:
        UserError: all of them, or more than :data:`SKIPPED_SHARE`.
    """
    if not skipped:
        return
    first = next(iter(skipped.values()))
    if len(skipped) == total or len(skipped) > SKIPPED_SHARE * total:
        more = f" ({len(skipped)} of {total} files have such a problem; `sercourse doctor` lists them)"
        raise UserError(first if len(skipped) == 1 else first.rstrip(".") + more + ".")
    warnings.warn(f"{what}: {len(skipped)} of {total} utterances skipped; the first: {first}", stacklevel=4)
