"""The errors that a user can cause: each is one sentence that names the culprit and the way out.

The command line prints the sentence and exits with code 2; in a notebook it is the last line of the traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean NAME?`` for the known name nearest to a mistyped one; empty where none is near."""
    near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    return f" Did you mean {near[0]}?" if near else ""


class UserError(Exception):
    """Something the user gave cannot be used. ``str(error)`` is one sentence with the way out."""


class AudioError(UserError):
    """One audio file (or one span of it) cannot be used as speech."""


class CorpusError(UserError):
    """A corpus is missing, incomplete, or not what its name says."""


class ProtocolError(UserError):
    """A protocol cannot be made from this table (too few speakers, no sessions, …)."""
