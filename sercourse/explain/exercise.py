"""Checks for the exercises in the notebooks: a sentence instead of a traceback.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

from collections.abc import Callable


def check(assertions: Callable[[], None]) -> None:
    """Run an exercise's assertions at once and print whether it is solved; use it as a decorator.

    A notebook goes on after an unsolved exercise, so that *Run All* reaches the end.

    Args:
        assertions: takes nothing, asserts what a solution must do; the message of each assertion is the hint.

    Example:
        >>> @check
        ... def exercise_1():
        ...     assert 1 + 1 == 3, "count again"
        not yet: count again
    """
    try:
        assertions()
    except NotImplementedError:
        print("not yet: replace the line that raises NotImplementedError by your own")
    except AssertionError as hint:
        print(f"not yet: {hint}")
    except Exception as error:  # whatever a learner's code raises is part of the lesson
        print(f"not yet: your code raised {type(error).__name__}: {error}")
    else:
        print("solved")
