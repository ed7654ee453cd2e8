"""The sliders of chapter 01: each setting another picture, and what a reader without a kernel gets."""

import io

import numpy as np
import PIL.Image
import pytest

from sercourse.explain.widgets import (
    Explorer,
    SliderBox,
    _loudest_stretch,
    mel_explorer,
    snr_explorer,
    window_explorer,
)
from sercourse.signal.audio import SAMPLE_RATE


@pytest.fixture(scope="module")
def tone() -> np.ndarray:
    """A second: silence, then half a second of a 440 Hz tone with an edge."""
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * 440 * time) * (time > 0.5)).astype(np.float32)


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(SAMPLE_RATE).astype(np.float32)


@pytest.fixture(params=["window", "mel", "snr"])
def explorer(request, tone, noise) -> Explorer:
    made = {"window": lambda: window_explorer(tone), "mel": lambda: mel_explorer(tone)}
    return made.get(request.param, lambda: snr_explorer(tone, noise))()


def pixels(png: bytes) -> np.ndarray:
    """A PNG file as ``(height, width, 3)``."""
    return np.asarray(PIL.Image.open(io.BytesIO(png)).convert("RGB"))


def test_moving_the_slider_changes_the_picture_and_back_again(explorer):
    box = explorer.widget()
    slider, picture = box.children[:2]
    before = picture.value
    slider.value = explorer.values[0]
    after = picture.value
    assert pixels(before).shape == pixels(after).shape
    assert (pixels(before) != pixels(after)).mean() > 0.01
    assert after == explorer.png(explorer.values[0])
    slider.value = explorer.start
    assert picture.value == before


def test_a_slider_says_what_it_sets_with_its_unit(explorer):
    slider = explorer.widget().children[0]
    assert slider.description == explorer.setting
    assert slider.description in ("window length (ms)", "mel bands", "SNR (dB)")
    assert slider.value == explorer.start
    assert not slider.continuous_update


def test_a_browser_finds_the_picture_by_its_class(explorer):
    assert "sercourse-picture" in explorer.widget().children[1]._dom_classes


def test_without_a_kernel_there_are_words_instead_of_a_list_of_objects(explorer):
    assert explorer.widget()._repr_mimebundle_()["text/plain"] == SliderBox.no_kernel


def test_a_still_shows_its_values_side_by_side(explorer):
    one, three = (pixels(explorer.still(*explorer.values[:n]).data) for n in (1, 3))
    assert one.shape == three.shape
    third = three.shape[1] // 3
    assert (three[:, :third] != three[:, third : 2 * third]).any()


def test_a_picture_is_small_enough_for_a_notebook(explorer):
    assert len(explorer.still(*explorer.values[:3]).data) < 120_000


def test_only_the_snr_slider_plays_and_what_it_plays_follows_the_slider(tone, noise):
    assert len(window_explorer(tone).widget().children) == 2
    slider, _, sound = snr_explorer(tone, noise).widget().children
    before = sound.value
    assert "<audio" in before
    slider.value = -10
    assert sound.value != before
    assert "SNR (dB) -10" in sound.value


def test_noise_brightens_the_silence(tone, noise):
    explorer = snr_explorer(tone, noise)
    height, width, _ = (quiet := pixels(explorer.png(30))).shape
    silence = (slice(height // 4, height // 2), slice(width // 5, width // 3))  # high frequencies before the tone
    assert pixels(explorer.png(-10))[silence].mean() > quiet[silence].mean() + 50


def test_short_windows_are_sharp_in_time_and_long_ones_in_frequency(tone):
    """The edge of the tone blurs over time with a long window; its line in frequency widens with a short one."""
    from matplotlib.figure import Figure

    def image(window_ms: float) -> np.ndarray:
        ax = Figure().subplots()
        window_explorer(tone, seconds=1.0).draw(ax, window_ms)
        shown = np.asarray(ax.images[0].get_array())  # (F, T)
        return shown > shown.max() - 20

    short, long = image(5), image(100)
    half = short.shape[1] // 2
    assert short[:, half + 40].sum() > 4 * long[:, half + 40].sum()  # bins within 20 dB, inside the tone
    assert long[:, : half - 4].any()  # 10 ms before the edge the long window already sees the tone
    assert not short[:, : half - 4].any()


def test_more_bands_than_the_transform_can_fill_stay_empty(tone):
    from matplotlib.figure import Figure

    empty = {}
    for bands in (40, 128):
        ax = Figure().subplots()
        mel_explorer(tone).draw(ax, bands)
        empty[bands] = int((np.asarray(ax.images[0].get_array()).max(axis=1) <= -99.9).sum())
    assert empty[40] == 0
    assert empty[128] > 0


def test_the_loudest_stretch_is_found_and_never_longer_than_the_sound(tone):
    stretch = _loudest_stretch(tone, 0.25)
    assert stretch.shape == (4000,)
    assert np.abs(stretch).max() == pytest.approx(0.3, abs=1e-3)
    assert _loudest_stretch(tone, 5.0).shape == tone.shape


def test_a_start_that_is_no_stop_of_the_slider_is_refused():
    with pytest.raises(ValueError, match="start 7 is not one of"):
        Explorer(setting="x", values=(1, 2), start=7, draw=lambda ax, value: None)
