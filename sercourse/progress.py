"""The progress bar of everything that takes long."""

from __future__ import annotations

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def progress_bar(show: bool = True) -> Progress:
    """What is done, how many of how many, time left; it vanishes when it is full.

    Args:
        show: False draws nothing and costs nothing.
    """
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, disable=not show, transient=True)
