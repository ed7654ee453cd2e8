"""How effects are written in tables."""

from __future__ import annotations

import pytest

from sercourse.experiments.side_by_side import interval


@pytest.mark.parametrize(
    ("effect", "low", "high", "written"),
    [
        (2.06, -0.07, 3.82, "+2.1 [-0.1, +3.8]"),
        (-0.04, -3.3, 3.27, "+0.0 [-3.3, +3.3]"),  # no minus before a zero
    ],
)
def test_effects_have_a_sign_and_one_decimal(effect, low, high, written):
    assert interval({"effect": effect, "low": low, "high": high}) == written


def test_where_nothing_was_measured_nothing_is_written():
    assert interval(None) == ""
