"""Every feature by name keeps the extractor's contract."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from sercourse.errors import AudioError
from sercourse.features.base import PerUtterance, frame_times
from sercourse.features.registry import FEATURES

RATE = 16_000
WIDTHS = {
    "is09": 384,
    "is10": 1582,
    "egemaps": 88,
    "compare": 6373,
    "logmag": 513,
    "logmag_stats": 2 * 513,
    "spec400": 400,
    "logmel": 64,
    "vggish_logmel": 64,
    "mfcc": 39,
    "prosody": 3,
    "waveform": None,
}


@pytest.fixture(scope="module")
def waveform() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.05, 12_345).astype(np.float32)


def test_names():
    assert set(FEATURES) == set(WIDTHS)


@pytest.mark.parametrize("name", WIDTHS)
def test_contract(name, waveform):
    extractor = FEATURES[name]()
    assert extractor.name == name
    assert isinstance(extractor.version, int)
    assert json.loads(json.dumps(extractor.config)) == extractor.config
    assert FEATURES[name]().config == extractor.config
    results = extractor([waveform, waveform[:8000]])
    assert len(results) == 2
    for result in results:
        assert result.dtype == np.float32
        assert np.isfinite(result).all()
    if name == "waveform":
        assert extractor.columns is None
        np.testing.assert_array_equal(results[0], waveform)
    else:
        assert results[0].shape[-1] == WIDTHS[name] == len(extractor.columns) == len(set(extractor.columns))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(extractor))([waveform])[0], results[0])
    assert extractor([]) == []


def test_another_configuration_is_another_address():
    from sercourse.features.spectral import LogMel

    assert LogMel(n_mels=40).config != LogMel().config
    assert LogMel(n_mels=40).config["n_mels"] == 40


@pytest.mark.parametrize("name", ["logmag", "mfcc", "prosody", "waveform", "is09"])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.full(RATE, np.nan, dtype=np.float32), "not numbers"),
        (np.full(RATE, np.inf, dtype=np.float32), "not numbers"),
        (np.zeros((2, RATE), dtype=np.float32), r"shape \(2, 16000\)"),
        (np.zeros(0, dtype=np.float32), r"shape \(0,\)"),
    ],
)
def test_bad_waveforms_are_refused_in_a_sentence(name, bad, message):
    with pytest.raises(AudioError, match=message):
        FEATURES[name]()([bad])


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_other_float_types_are_taken(dtype, waveform):
    given = waveform.astype(dtype)
    (expected,), (ours,) = FEATURES["logmel"]()([given.astype(np.float32)]), FEATURES["logmel"]()([given])
    np.testing.assert_array_equal(ours, expected)


def test_every_other_sample_of_an_array_is_a_waveform_too(waveform):
    for name in ("logmel", "prosody", "egemaps"):
        view, copy = FEATURES[name]()([waveform[::2], waveform[::2].copy()])
        np.testing.assert_array_equal(view, copy)


@pytest.mark.parametrize("name", ["logmag", "spec400", "logmel", "mfcc", "prosody"])
def test_a_single_sample_is_one_frame(name):
    (frames,) = FEATURES[name]()([np.full(1, 0.5, dtype=np.float32)])
    assert frames.shape == (1, WIDTHS[name])
    assert np.isfinite(frames).all()


def test_frame_times():
    np.testing.assert_allclose(frame_times(3, 0.0125), [0, 0.0125, 0.025])


def test_base_asks_for_compute(waveform):
    with pytest.raises(NotImplementedError):
        PerUtterance()([waveform])


def test_names_and_addresses_need_neither_opensmile_nor_praat():
    """A GPU machine with stored features only has torch; it must be able to look them up."""
    code = (
        "import sys; sys.modules['opensmile'] = sys.modules['parselmouth'] = sys.modules['librosa'] = None\n"
        "from sercourse.features.registry import FEATURES\n"
        "print(sorted(e().name for e in FEATURES.values()), [e().config for e in FEATURES.values()])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "is10" in done.stdout
