"""The denoising explorer shows and plays what model 1 leaves of a mixture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sercourse.explain.denoising import SNRS, DenoisingExplorer
from sercourse.models.asp_mtl import AspMtl
from sercourse.models.asp_mtl_config import AspMtlConfig
from sercourse.signal.snr import snr_in, snr_out

CLASSES = {"emotion": ["anger", "neutral"], "noise": ["none", "white"]}


@pytest.fixture(scope="module")
def explorer() -> DenoisingExplorer:
    torch.manual_seed(0)
    network = AspMtl(106, CLASSES, AspMtlConfig(hidden=4, head=4, auxiliary="noise", mask=True))
    rng = np.random.default_rng(0)
    waveforms = {f"c/{name}": (0.1 * rng.normal(size=8000)).astype(np.float32) for name in "ab"}
    return DenoisingExplorer(network, waveforms, step=2, noises=("white", "pink"))


def test_mixture_and_cleaned_are_those_of_the_choice(explorer):
    mixed, cleaned = explorer.cleaned("c/a", "pink", 5)
    assert snr_in(mixed.clean, mixed.noisy) == pytest.approx(5, abs=0.05)
    assert explorer.snr_out("c/a", "pink", 5) == snr_out(mixed.clean, cleaned.masked)
    assert explorer.cleaned("c/a", "pink", 5)[1] is cleaned, "kept"


def test_choices_change_picture_and_players(explorer):
    box = explorer.widget("c/b", noise="pink", snr_db=-5)
    utterance, noise, snr, image, heard = box.children
    assert (utterance.value, noise.value, snr.value) == ("c/b", "pink", -5)
    assert snr.options == SNRS
    assert image.value == explorer.png("c/b", "pink", -5)
    assert heard.value.count("<audio") == 4, "clean, noisy, under the mask, frames silenced"
    before = image.value, heard.value
    snr.value = 10
    assert image.value != before[0]
    assert heard.value != before[1]
    assert "sercourse-picture" in image._dom_classes
    assert repr(box) == box.no_kernel


def test_what_cannot_be_explored_is_said(explorer):
    with pytest.raises(ValueError, match="no utterances"):
        DenoisingExplorer(explorer.network, {})
    network = AspMtl(106, CLASSES, AspMtlConfig(hidden=4, head=4, auxiliary="noise"))
    with pytest.raises(ValueError, match="no soft mask"):
        DenoisingExplorer(network, explorer.waveforms)
