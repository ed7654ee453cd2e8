"""Colours that all kinds of colour vision tell apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from sercourse.explain.colourings import PALETTE
from sercourse.explain.plots import EMOTION_COLOURS

VISION = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
"""What is seen of linear RGB: Machado, Oliveira and Fernandes 2009, severity 1."""

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
LEAST = 13.0
"""Of the distance in CIELAB (1976); 2.3 is just noticed side by side."""


def lab(colour: str, vision: str) -> np.ndarray:
    """A colour in CIELAB, white of D65, as somebody with such eyes sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(VISION[vision] @ linear, 0, 1) / TO_XYZ.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_distances_are_those_of_cielab():
    assert np.allclose(lab("#FFFFFF", "usual"), [100, 0, 0], atol=0.01)
    assert np.allclose(lab("#FF0000", "usual"), [53.24, 80.09, 67.20], atol=0.1)
    apart = np.linalg.norm(lab("#999999", "deuteranopia") - lab("#CC79A7", "deuteranopia"))
    assert apart < 8, "the grey and the pink of Okabe and Ito are no pair for everybody"


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("colours", [tuple(EMOTION_COLOURS.values()), PALETTE], ids=["emotions", "others"])
def test_no_two_colours_are_alike(colours, vision):
    for one, other in combinations(colours, 2):
        assert np.linalg.norm(lab(one, vision) - lab(other, vision)) > LEAST, f"{one} and {other}"
