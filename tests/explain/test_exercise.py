"""Checks of exercises: one line that says solved or not yet, whatever the learner's code does."""

from __future__ import annotations

import pytest

from sercourse.explain.exercise import check


def verdict(capsys, assertions) -> str:
    assert check(assertions) is None
    return capsys.readouterr().out


def test_solved(capsys):
    assert verdict(capsys, lambda: None) == "solved\n"


def test_the_message_of_an_assertion_is_the_hint(capsys):
    def assertions():
        raise AssertionError("count again")  # an assert statement would be rewritten by pytest

    assert verdict(capsys, assertions) == "not yet: count again\n"


def test_a_stub_is_not_yet_solved(capsys):
    def assertions():
        raise NotImplementedError("your turn")

    assert verdict(capsys, assertions).startswith("not yet: replace the line that raises NotImplementedError")


def test_an_error_of_the_learner_is_told_in_one_line(capsys):
    assert verdict(capsys, lambda: {}["anger"]) == "not yet: your code raised KeyError: 'anger'\n"


def test_an_interrupt_is_not_swallowed():
    def assertions():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(assertions)
