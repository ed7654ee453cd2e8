"""Ranges of settings, checked where a configuration is made: one clear sentence for what lies outside.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf


def at_least_one(config: object, *names: str) -> None:
    """Refuse numbers below 1.

    Raises:
        ValueError: names the setting, its value and the range; so do the others.
    """
    for name in names:
        if getattr(config, name) < 1:
            raise ValueError(f"{name}={getattr(config, name)}: must be 1 or more")


def shares(config: object, *names: str) -> None:
    """Refuse what is not at least 0 and below 1."""
    for name in names:
        if not 0 <= getattr(config, name) < 1:
            raise ValueError(f"{name}={getattr(config, name)}: must be at least 0 and below 1")


def not_negative(config: object, *names: str) -> None:
    """Refuse numbers below 0, infinity and NaN."""
    for name in names:
        if not 0 <= getattr(config, name) < inf:
            raise ValueError(f"{name}={getattr(config, name)}: must be 0 or more")


def positive(config: object, *names: str) -> None:
    """Refuse 0 and below, infinity and NaN."""
    for name in names:
        if not 0 < getattr(config, name) < inf:
            raise ValueError(f"{name}={getattr(config, name)}: must be above 0")


def one_of(config: object, name: str, known: Sequence[str]) -> None:
    """Refuse a name that is not known."""
    if getattr(config, name) not in known:
        raise ValueError(f"{name}={getattr(config, name)}: choose one of {', '.join(known)}")


def sizes(config: object, *names: str) -> None:
    """Refuse layers without units; no layer at all is allowed."""
    for name in names:
        if any(size < 1 for size in getattr(config, name)):
            raise ValueError(f"{name}: sizes must be 1 or more")


def some_sizes(config: object, *names: str) -> None:
    """Refuse layers without units, and no layer at all."""
    for name in names:
        if not getattr(config, name) or min(getattr(config, name)) < 1:
            raise ValueError(f"{name}: needs one or more sizes of 1 or more")
