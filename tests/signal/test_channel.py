"""Over the telephone nothing is left outside of the band, everybody is equally loud, and one floor lies under all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import welch

from sercourse.errors import SilentAudio
from sercourse.signal.channel import BAND_HZ, LEVEL_DB, PEAK, SNR_DB, band_limit, telephone
from sercourse.signal.noise import white

RATE = 16_000
PAUSE = slice(0, 15_200)
"""Before the sentence."""

INSIDE = slice(17_000, 33_000)
"""Of the sentence, in samples."""


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def level(signal: np.ndarray) -> float:
    """Mean square, dB."""
    return 10 * np.log10(np.mean(np.square(signal, dtype=np.float64)))


def spectrum(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hertz and dB per hertz."""
    hertz, power = welch(signal.astype(np.float64), RATE, nperseg=1024, detrend=False)
    return hertz, 10 * np.log10(power)


def test_the_band_outside_is_gone():
    noise = rng().standard_normal(4 * RATE)
    hertz, before = spectrum(noise)
    _, after = spectrum(band_limit(noise))
    change = after - before
    assert change[(hertz <= 150) | (hertz >= 5500)].max() < -40
    assert np.abs(change[(hertz > 450) & (hertz < 3000)]).max() < 1.0, "and what is inside stays"
    for corner in BAND_HZ:
        assert np.interp(corner, hertz, change) == pytest.approx(-6, abs=2)


def test_what_comes_out_has_nothing_outside_of_the_band_either(sentence):
    hertz, heard = spectrum(telephone(sentence.waveform, rng()))
    inside = heard[(hertz > 400) & (hertz < 3000)].max()
    assert heard[(hertz < 130) | (hertz > 6000)].max() < inside - 60


def test_nothing_is_delayed(sentence):
    heard = telephone(sentence.waveform, rng())
    lags = np.arange(-40, 41)
    agreement = [np.dot(np.roll(sentence.waveform, lag), heard) for lag in lags]
    assert lags[np.argmax(agreement)] == 0


def test_two_recordings_20_db_apart_become_equally_loud(sentence):
    loud, quiet = telephone(sentence.waveform, rng()), telephone(0.1 * sentence.waveform, rng())
    assert level(loud[INSIDE]) == pytest.approx(level(quiet[INSIDE]), abs=0.5)
    assert level(loud[INSIDE]) == pytest.approx(LEVEL_DB, abs=1.5), "the sentence has a pause of 80 ms"


def test_the_level_of_the_recording_makes_no_difference_at_all():
    """A sound that dies away by 60 dB: 30 dB down, more of it would be below what is taken for silence."""
    dying = white(RATE, rng(3)) * 10 ** np.linspace(-0.5, -3.5, RATE, dtype=np.float32)
    wave = np.pad(dying, RATE // 2)
    np.testing.assert_allclose(telephone(0.03 * wave, rng()), telephone(wave, rng()), atol=1e-5)


def test_long_pauses_make_nobody_louder(sentence):
    longer = np.concatenate([sentence.waveform[:14_000]] * 4 + [sentence.waveform])
    heard, alone = telephone(longer, rng()), telephone(sentence.waveform, rng())
    assert level(heard[4 * 14_000 :][INSIDE]) == pytest.approx(level(alone[INSIDE]), abs=0.5)


def test_the_floor_is_where_it_is_said_to_be(sentence):
    heard = telephone(sentence.waveform, rng())
    assert level(heard[PAUSE]) == pytest.approx(LEVEL_DB - SNR_DB, abs=1.0)


def test_hum_and_hiss_of_one_channel_are_not_heard_any_more(sentence):
    """One recording is clean, the other has mains hum and hiss and is louder; their pauses differ before, not after."""
    t = np.arange(len(sentence.waveform)) / RATE
    hiss = 10 ** ((level(sentence.waveform[INSIDE]) - 45) / 20) * white(len(t), rng(5))
    other = 3 * (sentence.waveform + 0.02 * np.sin(2 * np.pi * 50 * t) + hiss).astype(np.float32)
    pauses = {"before": (sentence.waveform, other)}
    pauses["after"] = tuple(telephone(each, rng(seed)) for seed, each in enumerate(pauses["before"]))
    apart = {}
    for when, (one, two) in pauses.items():
        hertz, first = spectrum(one[PAUSE])
        difference = np.abs(spectrum(two[PAUSE])[1] - first)
        near = (hertz > 200) & (hertz < 4500)
        bands = np.array_split(difference[near], 12)
        apart[when] = max(np.median(difference[hertz < 100]) if when == "before" else 0, *map(np.median, bands))
        low = level(one[PAUSE]) - level(two[PAUSE])
        assert abs(low) > 20 if when == "before" else abs(low) < 0.5, when
    assert apart["before"] > 10
    assert apart["after"] < 2.0


def test_where_nobody_speaks_the_whole_is_brought_to_the_level():
    steady = 0.003 * white(RATE, rng())
    assert level(telephone(steady, rng(1))) == pytest.approx(LEVEL_DB, abs=0.1)


def test_a_seed_gives_the_same_again_and_leaves_the_recording_alone(sentence):
    before = sentence.waveform.copy()
    one, same, other = (telephone(sentence.waveform, rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(sentence.waveform, before)
    assert (one.dtype, one.shape) == (np.float32, before.shape)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**16), st.floats(1.0, 300.0), st.integers(1, 20))
def test_nothing_clips(seed, crest, bursts):
    """Clicks far above the speech: everything is scaled down, its floor with it."""
    draw = rng(seed)
    wave = 0.01 * white(RATE, draw)
    wave[draw.integers(RATE, size=bursts)] += 0.01 * crest * draw.choice([-1, 1], bursts)
    assert np.abs(telephone(wave, draw)).max() <= PEAK + 1e-6


def test_a_peak_scales_speech_and_floor_alike(sentence):
    clicking = sentence.waveform.copy()
    clicking[20_000] += 60.0
    heard = telephone(clicking, rng())
    assert np.abs(heard).max() == pytest.approx(PEAK, abs=1e-6)
    assert level(heard[PAUSE]) < LEVEL_DB - SNR_DB - 3


@pytest.mark.parametrize("made", [np.zeros, lambda n: 0.3 * np.ones(n), lambda n: 0.1 * np.sin(np.arange(n) * 0.0196)])
def test_silence_within_the_band_is_one_sentence(made):
    """Nothing, an offset, or a hum at 50 Hz."""
    with pytest.raises(SilentAudio, match="silent between 300 and 3400 Hz"):
        telephone(made(RATE).astype(np.float32), rng())


def test_the_shortest_recording_that_is_read_passes():
    assert telephone(0.1 * white(1600, rng()), rng()).shape == (1600,)
