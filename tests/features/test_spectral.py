"""Spectral features against librosa, against theory, and alone against in a batch.

Stated tolerance: 0.01 dB against librosa wherever a level is within 80 dB of the signal's loudest (below that the two
differ by the rounding of float32).
"""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from sercourse.features.registry import FEATURES
from sercourse.features.spectral import (
    BLOCK_FRAMES,
    LogMagnitude,
    LogMagnitudeStatistics,
    LogMel,
    Mfcc,
    Spectrogram400,
    hz_to_mel,
    mel_edges,
    mel_filters,
    mel_to_hz,
)
from sercourse.signal.audio import read_audio

RATE = 16_000
SPECTRAL = ("logmag", "spec400", "logmel", "mfcc")


def assert_db_equal(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.shape == theirs.shape
    floor = theirs.max() - 80
    np.testing.assert_allclose(np.maximum(ours, floor), np.maximum(theirs, floor), atol=0.01)


def librosa_log_mel(signal: np.ndarray) -> np.ndarray:
    mel = librosa.feature.melspectrogram(
        y=signal, sr=RATE, n_fft=512, win_length=400, hop_length=160, window="hamming", n_mels=64, htk=True, norm=None
    )
    return librosa.power_to_db(mel, top_db=None)  # (n_mels, T)


@pytest.mark.filterwarnings("ignore:n_fft=:UserWarning")  # librosa's word on signals shorter than a window
def test_log_magnitude_equals_librosa(signal):
    spectrum = np.abs(librosa.stft(y=signal, n_fft=1024, hop_length=200, window="hann"))
    (ours,) = LogMagnitude()([signal])
    assert_db_equal(ours.T, librosa.amplitude_to_db(spectrum, top_db=None))
    assert ours.shape == (1 + len(signal) // 200, 513)
    assert ours.dtype == np.float32


def test_statistics_are_mean_and_spread_of_every_bin_whatever_the_order_of_the_frames(signal):
    (frames,), (statistics,) = LogMagnitude()([signal]), LogMagnitudeStatistics()([signal])
    shuffled = np.random.default_rng(0).permutation(frames)  # (T, 513)
    np.testing.assert_allclose(statistics[:513], shuffled.mean(0, dtype=np.float64), atol=1e-3)
    np.testing.assert_allclose(statistics[513:], shuffled.std(0, dtype=np.float64), atol=1e-3)
    columns = LogMagnitudeStatistics().columns
    assert (columns[1], columns[513 + 64]) == ("mean 15.625 Hz", "spread 1000 Hz")
    (single,) = LogMagnitudeStatistics()([signal[:1]])
    assert (single[513:] == 0).all()


@pytest.mark.filterwarnings("ignore:n_fft=:UserWarning")
def test_400_bins_equal_librosa(signal):
    spectrum = np.abs(librosa.stft(y=signal, n_fft=1600, win_length=640, hop_length=160, window="hamming"))
    (ours,) = Spectrogram400()([signal])
    assert_db_equal(ours.T, librosa.amplitude_to_db(spectrum, top_db=None)[1:401])


def test_400_bins_are_a_grid_of_10_hz_up_to_4_khz():
    extractor = Spectrogram400()
    assert extractor.columns[0] == "10 Hz"
    assert extractor.columns[-1] == "4000 Hz"
    tone = np.sin(2 * np.pi * 1230 * np.arange(RATE) / RATE).astype(np.float32)
    frame = extractor([tone])[0][50]
    assert extractor.columns[int(frame.argmax())] == "1230 Hz"
    (six_seconds,) = extractor([np.zeros(6 * RATE, dtype=np.float32)])
    assert six_seconds.shape == (601, 400), "the paper's 600 frames and the one at the end"


@pytest.mark.filterwarnings("ignore:n_fft=:UserWarning")
def test_log_mel_equals_librosa(signal):
    (ours,) = LogMel()([signal])
    assert_db_equal(ours.T, librosa_log_mel(signal))


@pytest.mark.filterwarnings("ignore:n_fft=:UserWarning")
def test_mfcc_and_deltas_equal_librosa(signal):
    (ours,) = Mfcc()([signal])
    cepstrum = librosa.feature.mfcc(S=librosa_log_mel(signal), n_mfcc=13)
    deltas = [librosa.feature.delta(cepstrum, order=order, mode="nearest") for order in (1, 2)]
    np.testing.assert_allclose(ours.T, np.concatenate([cepstrum, *deltas]), atol=0.01)
    np.testing.assert_array_equal(ours, Mfcc().from_log_mel(LogMel()([signal])[0]))


def test_delta_is_the_slope_per_frame():
    ramp = np.tile(np.arange(50, dtype=np.float32)[:, None], (1, 64))  # each band rises by 1 dB per frame
    mfcc = Mfcc().from_log_mel(ramp)
    np.testing.assert_allclose(mfcc[10:40, 13], np.sqrt(64), rtol=1e-4)  # an orthonormal sum of 64 equal slopes
    np.testing.assert_allclose(mfcc[10:40, 26:], 0, atol=1e-4)


def test_mel_filters_equal_librosa():
    theirs = librosa.filters.mel(sr=RATE, n_fft=512, n_mels=64, htk=True, norm=None)
    np.testing.assert_allclose(mel_filters(64, 512).T, theirs, atol=1e-4)
    assert (mel_filters(64, 512).sum(axis=0) > 0).all(), "no band is empty"


def test_mel_formula_takes_the_natural_logarithm_not_the_printed_one():
    """The scale is made so that 1000 Hz is 1000 mel; equation 20 as printed says 434."""
    assert hz_to_mel(1000.0) == pytest.approx(1000.0, abs=0.05)
    hertz = np.array([100.0, 440.0, 1000.0, 4000.0, 8000.0])
    np.testing.assert_allclose(hz_to_mel(hertz), librosa.hz_to_mel(hertz, htk=True), rtol=1e-5)
    printed = 1127 * np.log10(1 + hertz / 700)
    assert printed[2] == pytest.approx(434.3, abs=0.1)
    np.testing.assert_allclose(hz_to_mel(hertz) / printed, np.log(10))
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hertz)), hertz)
    assert np.ptp(np.diff(hz_to_mel(mel_edges(64)))) < 1e-9, "corners evenly spaced in mel"


def test_frame_t_is_centred_on_sample_t_times_hop():
    """One click, and the frame that is loudest says where it was, for any window length."""
    click = np.zeros(RATE, dtype=np.float32)
    click[8000] = 1.0
    for name, hop in (("logmag", 200), ("spec400", 160), ("logmel", 160)):
        (frames,) = FEATURES[name]()([click])
        assert frames.mean(axis=1).argmax() == 8000 // hop, name


@pytest.mark.parametrize("name", SPECTRAL)
@pytest.mark.parametrize("threads", [1, 2])
def test_alone_and_in_a_batch_of_longer_ones_bit_for_bit(name, threads):
    rng = np.random.default_rng(0)
    batch = [rng.normal(0, 0.1, n).astype(np.float32) for n in (1700, 40_000, 16_000, 333)]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        together = FEATURES[name]()(batch)
        alone = [FEATURES[name]()([waveform])[0] for waveform in batch]
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for one, other in zip(together, alone):
        np.testing.assert_array_equal(one, other)
        assert np.isfinite(one).all()


def test_padding_with_silence_leaves_the_frames_of_the_signal_as_they_are(signal):
    """What a batch padded with zeros would do: the frames inside agree, the rest is at the floor."""
    padded = np.concatenate([signal, np.zeros(8000, dtype=np.float32)])
    alone, longer = LogMel()([signal])[0], LogMel()([padded])[0]
    np.testing.assert_allclose(longer[: len(alone)], alone, atol=1e-4)
    assert (longer[len(alone) + 2 :] == -100).all()


def test_long_audio_in_blocks_equals_its_parts():
    hop = 160
    waveform = np.random.default_rng(0).normal(0, 0.1, (BLOCK_FRAMES + 100) * hop).astype(np.float32)
    (whole,) = LogMel()([waveform])
    assert whole.shape == (BLOCK_FRAMES + 101, 64)
    start = BLOCK_FRAMES - 50
    (part,) = LogMel()([waveform[start * hop :]])
    np.testing.assert_allclose(whole[start + 3 : -3], part[3:-3], atol=1e-3)


def test_levels_are_in_db_with_a_floor():
    noise = np.random.default_rng(0).normal(0, 0.01, RATE).astype(np.float32)
    for name in ("logmag", "spec400", "logmel"):
        extractor = FEATURES[name]()
        quiet, loud = extractor([noise, 10 * noise])
        np.testing.assert_allclose(loud - quiet, 20, atol=1e-2)
        assert (extractor([np.zeros(RATE, dtype=np.float32)])[0] == -100).all()


@pytest.mark.realdata
def test_real_speech_equals_librosa(emodb):
    for path in sorted((emodb / "wav").glob("*.wav"))[::50]:
        waveform = read_audio(path)
        assert_db_equal(LogMel()([waveform])[0].T, librosa_log_mel(waveform))
