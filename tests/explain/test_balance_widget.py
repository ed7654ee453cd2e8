"""GradNorm as a picture: the library's balancers on a toy, and what the chapter says of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from sercourse.errors import UserError
from sercourse.explain.balance import (
    ALPHAS,
    EVERY,
    FIXED,
    GRADNORM,
    PANELS,
    RATES,
    SCALES,
    START,
    STEPS,
    TASKS,
    Toy,
    balance_figure,
    balance_widget,
    balanced,
    in_words,
    picture,
)

PNG = b"\x89PNG"


def ratio(curves: pd.DataFrame, way: str) -> np.ndarray:
    """How many times as hard B pulls as A, at every step."""
    pulls = curves[curves["way"] == way].pivot(index="step", columns="task", values="pull")
    return (pulls["B"] / pulls["A"]).to_numpy()


def left(curves: pd.DataFrame, way: str) -> dict[str, float]:
    """Of each task's first loss, at the end."""
    last = curves[(curves["way"] == way) & (curves["step"] == curves["step"].max())]
    return last.set_index("task")["relative"].to_dict()


def test_who_knows_nothing_has_a_loss_of_1_times_the_scale():
    toy = Toy(20.0)
    for task in TASKS:
        torch.testing.assert_close(toy.y[task].mean(0), torch.zeros(2), atol=1e-5, rtol=0)
        torch.testing.assert_close(toy.y[task].square().mean(), torch.ones(()))
    losses, plain = toy.losses(), Toy(1.0).losses()
    assert losses["B"].item() == pytest.approx(20 * plain["B"].item())
    assert losses["A"].item() == plain["A"].item()


def test_curves_have_a_row_for_each_way_task_and_fourth_step():
    curves = balanced(*START)
    assert curves.groupby(["way", "task"]).size().to_dict() == {
        (way, task): STEPS // EVERY for way in (FIXED, GRADNORM) for task in TASKS
    }
    assert set(PANELS) <= set(curves)
    assert np.isfinite(curves[list(PANELS)]).all(axis=None)
    assert (curves.loc[curves["way"] == FIXED, "weight"] == 1).all()
    sums = curves[curves["way"] == GRADNORM].groupby("step")["weight"].sum()
    np.testing.assert_allclose(sums, 2, rtol=1e-5)
    first = curves[curves["step"] == 0].set_index(["way", "task"])["pull"]
    np.testing.assert_allclose(first[FIXED], first[GRADNORM], rtol=1e-5)


@pytest.mark.parametrize("scale", [20.0, 100.0])
def test_with_alpha_0_pulls_come_together_and_fixed_ones_stay_apart(scale):
    """At first by the scale itself; later by less of it, for who has learnt nothing yet pulls harder."""
    curves = balanced(scale, 0.0, 0.025)
    assert ratio(curves, FIXED)[0] == pytest.approx(scale * ratio(balanced(1.0, 0.0, 0.025), FIXED)[0], rel=1e-4)
    late = slice(STEPS // EVERY // 2, None)
    assert scale / 8 < np.median(ratio(curves, FIXED)[late]) < scale
    assert np.median(ratio(curves, GRADNORM)[late]) == pytest.approx(1, abs=0.4)


def test_the_neglected_task_is_learnt_and_alpha_brings_both_to_one_pace():
    even, paced = balanced(20.0, 0.0, 0.025), balanced(20.0, 1.5, 0.025)
    assert left(even, GRADNORM)["A"] < left(even, FIXED)["A"] - 0.2
    apart = {name: abs(found["A"] - found["B"]) for name, found in {
        "fixed": left(even, FIXED), "even": left(even, GRADNORM), "paced": left(paced, GRADNORM)}.items()
    }  # fmt: skip
    assert apart["paced"] < apart["even"] < apart["fixed"]


def test_what_is_the_same_is_not_changed_by_other_settings():
    one, two = balanced(20.0, 0.0, 0.025), balanced(20.0, 3.0, 0.1)
    pd.testing.assert_frame_equal(one[one["way"] == FIXED], two[two["way"] == FIXED])
    still = balanced(20.0, 0.0, 0.0)
    np.testing.assert_allclose(still["weight"], 1, rtol=1e-5)
    np.testing.assert_allclose(*(still.loc[still["way"] == way, "relative"] for way in (FIXED, GRADNORM)), rtol=1e-3)


def test_training_leaves_the_random_state_alone_and_what_is_kept_cannot_be_spoilt():
    torch.rand(1)  # so that the state is none that a training would leave behind
    before = torch.random.get_rng_state()
    first = balanced(5.0, 0.0, 0.05, steps=8)
    assert torch.equal(torch.random.get_rng_state(), before)
    kept = first.copy()
    first["weight"] = -1.0
    pd.testing.assert_frame_equal(balanced(5.0, 0.0, 0.05, steps=8), kept)


def test_the_end_is_told_in_words():
    curves = pd.DataFrame(
        [
            (FIXED, "A", 0, 1.0, 0.8), (FIXED, "B", 0, 5.0, 0.2),
            (GRADNORM, "A", 0, 2.0, 0.4), (GRADNORM, "B", 0, 2.2, 0.3),
        ],
        columns=["way", "task", "step", "pull", "relative"],
    )  # fmt: skip
    assert in_words(curves) == (
        "In the end, with fixed weights B pulls 5.0 times as hard as A, and 80 % are left of A's first loss, 20 % of"
        " B's; with GradNorm B pulls 1.1 times as hard as A, and 40 % are left of A's first loss, 30 % of B's."
    )


def test_the_picture_has_three_axes_with_names_and_dashes_for_fixed_weights():
    curves = balanced(*START)
    axes = balance_figure(curves, title="x").axes
    assert [ax.get_title() for ax in axes] == list(PANELS.values())
    assert {ax.get_xlabel() for ax in axes} == {"step"}
    for ax, column in zip(axes, PANELS, strict=True):
        assert [line.is_dashed() for line in ax.lines] == [False, False, True, True]
        drawn = np.concatenate([line.get_ydata() for line in ax.lines])
        assert sorted(drawn) == sorted(curves[column])
        low, high = ax.get_ylim()
        assert low <= drawn.min() <= drawn.max() <= high


@pytest.mark.parametrize("place", [0, -1])
def test_the_extremes_of_all_sliders_stay_inside_the_axes(place):
    curves = balanced(SCALES[place], ALPHAS[place], RATES[place])
    for ax, column in zip(balance_figure(curves).axes, PANELS, strict=True):
        low, high = ax.get_ylim()
        assert curves[column].between(low, high).all()


def test_sliders_move_the_picture_and_the_words():
    box = balance_widget()
    *sliders, image, words = box.children
    assert tuple(slider.value for slider in sliders) == START
    assert "sercourse-picture" in image._dom_classes
    before, said = image.value, words.value
    assert before[:4] == PNG
    assert in_words(balanced(*START)) in said
    sliders[1].value = 1.5
    assert image.value == picture(START[0], 1.5, START[2]) != before
    assert words.value != said
    assert len(image.value) < 60_000
    still = box.still()
    assert still.data == image.value
    assert still.alt in words.value
    assert repr(box) == box.no_kernel


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ((0.0, 0.0, 0.025), "scale=0: task B's loss is so many times as large as A's; give a number above 0."),
        ((float("nan"), 0.0, 0.025), "scale=nan: "),
        ((20.0, -1.0, 0.025), "alpha=-1: GradNorm has no use for it; give 0 or more."),
        ((20.0, 0.0, -0.1), "rate=-0.1: GradNorm has no use for it; give 0 or more."),
        ((20.0, 0.0, 0.025, 0), "steps=0: there would be nothing to draw; give 1 or more."),
    ],
)
def test_a_setting_outside_its_range_is_refused_in_a_sentence(setting, sentence):
    with pytest.raises(UserError, match=f"^{sentence}"):
        balanced(*setting)
