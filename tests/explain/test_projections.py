"""Projections: neighbours kept, the same twice, and a sentence for what cannot be projected."""

from __future__ import annotations

import numpy as np
import pytest

from sercourse.errors import UserError
from sercourse.explain.projections import METHODS, project

FAST = ("tsne", "pca")


@pytest.fixture
def islands() -> np.ndarray:
    """Three groups of twelve points, far apart in ten dimensions."""
    centres = np.repeat([0.0, 8.0, -8.0], 12)[:, None]
    return np.random.default_rng(0).standard_normal((36, 10)) + centres


def nearest_is_of_the_same_island(points: np.ndarray) -> bool:
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1) + 1e9 * np.eye(36)
    return bool((distance.argmin(1) // 12 == np.arange(36) // 12).all())


@pytest.mark.parametrize("method", [*FAST, pytest.param("umap", marks=pytest.mark.long)])
def test_neighbours_stay_neighbours_and_twice_is_the_same(islands, method):
    found = project(islands, method, seed=3)
    assert found.points.shape == (36, 2)
    assert nearest_is_of_the_same_island(found.points)
    assert found.trustworthiness > 0.7
    np.testing.assert_array_equal(project(islands, method, seed=3).points, found.points)
    assert found.describe().startswith(METHODS[method])
    few = project(islands[:4], method)
    assert np.isfinite(few.points).all()


def test_trustworthiness_falls_where_the_plane_is_too_small():
    noise = np.random.default_rng(0).standard_normal((200, 40))
    flat = np.outer(noise[:, 0], np.ones(40)) + np.outer(noise[:, 1], np.arange(40))
    assert project(flat, "pca").trustworthiness > 0.99
    assert project(noise, "pca").trustworthiness < 0.7


def test_by_angle_lengths_do_not_count(islands):
    lengths = np.random.default_rng(1).uniform(1, 100, (36, 1))
    plain, stretched = project(islands, "pca", metric="cosine"), project(islands * lengths, "pca", metric="cosine")
    np.testing.assert_allclose(plain.points, stretched.points, atol=1e-9)
    np.testing.assert_allclose(plain.trustworthiness, stretched.trustworthiness)


def test_parameters_say_what_was_done(islands):
    assert project(islands).parameters == {"perplexity": 35 / 3, "metric": "euclidean", "seed": 0}
    assert project(islands, perplexity=5).parameters["perplexity"] == 5
    assert 0.5 < project(islands, "pca").parameters["variance"] <= 1


@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        (lambda x: x, {"method": "tsme"}, "no such projection.*Did you mean tsne"),
        (lambda x: x, {"metric": "taxi"}, "choose one of euclidean, cosine"),
        (lambda x: x, {"perplexity": 30}, "at most a third of the points, 11.7 here"),
        (lambda x: x, {"perplexity": 0}, "must be above 0"),
        (lambda x: x, {"method": "umap", "neighbours": 36}, "fewer than the 36 points"),
        (lambda x: x[:3], {}, "3 points make no map; give 4 or more"),
        (lambda x: x[:, 0], {}, "one row of two numbers or more"),
        (lambda x: np.where(np.arange(36)[:, None] == 7, np.nan, x), {}, "row 7 .* no numbers"),
    ],
)
def test_what_cannot_be_projected_is_one_sentence(islands, change, options, sentence):
    with pytest.raises(UserError, match=sentence):
        project(change(islands), **options)
