"""Fresh probes find what is there, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from sercourse.evaluation.probes import KINDS, pooled, probe


@pytest.fixture
def data():
    """Labels, noise that knows nothing of them, and features that hold them in a line or in a ring."""
    rng = np.random.default_rng(0)
    labels = np.array(["female", "male"])[rng.integers(2, size=1600)]
    blind = rng.normal(size=(1600, 6))
    sign = np.where(labels == "male", 1.0, -1.0)
    line = blind + 2 * sign[:, None] * np.eye(6)[0]
    ring = blind * np.where(sign > 0, 3.0, 0.3)[:, None]
    return labels, blind, line, ring


def halves(x, labels, **options):
    return probe(x[:800], labels[:800], x[800:], labels[800:], **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_is_found_and_noise_is_not(data, kind):
    labels, blind, line, _ = data
    assert halves(line, labels, kind=kind).ua > 90
    nothing = halves(blind, labels, kind=kind)
    assert abs(nothing.ua - 50) < 10
    assert nothing.chance == pytest.approx(50)
    names, counts = np.unique(labels[:800], return_counts=True)
    assert nothing.majority == pytest.approx(100 * np.mean(labels[800:] == names[counts.argmax()]))


def test_only_the_mlp_finds_a_ring(data):
    labels, _, _, ring = data
    assert halves(ring, labels, kind="linear").ua < 75
    assert halves(ring, labels, kind="mlp").ua > 90


def test_chance_is_that_of_the_classes_tested(data):
    _, _, line, _ = data
    three = np.array(["a", "b", "c"])[np.arange(1600) % 3]
    only_two = np.where(three[800:] == "a", "b", three[800:])
    assert probe(line[:800], three[:800], line[800:], only_two).chance == 50


def test_missing_labels_are_left_out(data):
    labels, _, line, _ = data
    holes = labels.astype(object).copy()
    holes[::3] = None
    known = np.array([isinstance(name, str) for name in holes[800:]])
    found = halves(line, holes)
    told = probe(line[:800], holes[:800], line[800:][known], holes[800:][known])
    assert (found.predicted == told.predicted).all()
    assert (found.truth == told.truth).all()
    assert (found.frequent == told.frequent).all()
    assert found.kind == told.kind


def test_what_cannot_be_probed_is_said(data):
    labels, _, line, _ = data
    with pytest.raises(ValueError, match="two classes or more"):
        probe(line, ["female"] * 1600, line, labels)
    with pytest.raises(ValueError, match="choose one of linear, mlp"):
        halves(line, labels, kind="tree")


def test_folds_with_one_class_each_are_judged_together():
    """Always naming one class is right in a whole fold of it; only the pool shows that it tells nothing."""
    rng = np.random.default_rng(0)
    noise, labels = rng.standard_normal((40, 2)), np.array(["a", "b"] * 20)
    folds = [probe(noise, labels, noise, np.full(40, name)) for name in "ab"]
    assert [fold.chance for fold in folds] == [100, 100]
    both = pooled(folds)
    assert both.chance == 50
    assert both.ua == pytest.approx(np.mean([fold.ua for fold in folds])), "as many rows in each"
    assert both.majority == 50
