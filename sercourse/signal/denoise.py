"""Noise removal without a network: spectral subtraction, wavelet threshold with LMS, NMF, and today's practice.

All take a noisy waveform alone, 16 kHz float32 ``(T,)``, and give an estimate of the speech in it, of the same length
and on the same scale, so that :func:`~sercourse.signal.snr.snr_out` can judge it. They are the classical methods that
Liu and Zhang compare with, as far as the paper describes them; what it leaves open is said at each.

Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numba
import numpy as np
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from sercourse.errors import AudioError
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.signal.endpoint import speech_mask

N_FFT, WINDOW, HOP = 512, 400, 160
"""Transform, Hamming window of 25 ms, hop of 10 ms: the frames of the log-mel features."""

QUIET_SHARE = 0.1
"""Share of the frames that are taken for noise alone: those with the least energy."""

WAVELET, LEVELS = "db8", 5
LMS_TAPS = 16


def spectrum(waveform: np.ndarray) -> np.ndarray:
    """Short-time spectrum, complex ``(257, T_frames)``; frame ``t`` is centred on sample ``160 t``.

    Raises:
        AudioError: not one channel, shorter than a window, silent, or not finite. All methods here say so.
    """
    import librosa  # here: it takes a second

    _check(waveform)
    return librosa.stft(waveform, n_fft=N_FFT, hop_length=HOP, win_length=WINDOW, window="hamming", pad_mode="constant")


def _check(waveform: np.ndarray) -> None:
    if waveform.ndim != 1 or len(waveform) < WINDOW:
        raise AudioError(f"a waveform of shape {waveform.shape}; one channel of {WINDOW} samples or more is needed.")
    if not np.isfinite(waveform).all():
        raise AudioError("the recording holds samples that are not numbers (NaN or infinity); export the file again.")
    if not np.any(waveform):
        raise AudioError("the recording is silent throughout; there is no noise in it that could be removed.")


def waveform_of(transform: np.ndarray, n_samples: int) -> np.ndarray:
    """The waveform ``(n_samples,)`` of a short-time spectrum, the inverse of :func:`spectrum`."""
    import librosa

    return librosa.istft(transform, hop_length=HOP, win_length=WINDOW, window="hamming", length=n_samples)


def spectral_subtraction(noisy: np.ndarray, *, alpha: float = 2.0, beta: float = 0.5) -> np.ndarray:
    """Subtract the noise's spectrum: ``|S| ** alpha = |Y| ** alpha - beta * |N| ** alpha``, not below 0.

    The paper prints alpha (power) and beta (noise correction) only; :func:`over_subtraction` is the other usual way to
    read the two. The noise spectrum is the mean over the quietest tenth of the frames, and the phase is the noisy one.

    Source: Liu and Zhang, section IV E, after their reference [27].
    """
    transform, powers, noise = _with_noise(noisy, alpha)
    kept = np.maximum(powers - beta * noise, 0.0)
    return waveform_of(_gain(kept, powers, alpha) * transform, len(noisy))


def over_subtraction(noisy: np.ndarray, *, alpha: float = 2.0, beta: float = 0.5) -> np.ndarray:
    """Subtract more noise than there is, down to a floor: ``|S|² = max(|Y|² - alpha |N|², beta |N|²)``.

    The other reading of the paper's alpha and beta: over-subtraction factor and spectral floor, as Berouti et al. call
    them, who take a floor far lower than .5. Nothing is made louder than it was.

    Source: Liu and Zhang, section IV E; Berouti et al. 1979.
    """
    transform, powers, noise = _with_noise(noisy, 2.0)
    kept = np.minimum(np.maximum(powers - alpha * noise, beta * noise), powers)
    return waveform_of(_gain(kept, powers, 2.0) * transform, len(noisy))


def _with_noise(noisy: np.ndarray, power: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectrum ``(F, T)``, its magnitudes to a power, and the noise's ``(F, 1)``: the mean over the quietest frames."""
    transform = spectrum(noisy)
    powers = np.abs(transform) ** power
    energy = powers.sum(0)
    quiet = energy <= np.quantile(energy, QUIET_SHARE)
    return transform, powers, powers[:, quiet].mean(1, keepdims=True)


def _gain(kept: np.ndarray, powers: np.ndarray, power: float) -> np.ndarray:
    """What the magnitudes are multiplied with so that of ``powers`` so much is ``kept``; 0 where there is nothing."""
    return np.divide(kept, powers, out=np.zeros_like(powers), where=powers > 0) ** (1 / power)


def wavelet_lms(noisy: np.ndarray) -> np.ndarray:
    """Soft threshold on all wavelet coefficients, then an adaptive filter with a variable step.

    Daubechies-8 wavelet, five levels, the universal threshold ``sigma sqrt(2 ln T)`` with sigma from the finest
    coefficients. The filter (normalised LMS, 16 taps) predicts the noisy signal from the thresholded one; its step
    grows with the error and stays below .005, for with longer steps it follows the noise. Wavelet, levels, taps and
    step are ours, the paper names none.

    Source: Liu and Zhang, section IV E, after their reference [26].
    """
    import pywt

    _check(noisy)
    coefficients = pywt.wavedec(noisy.astype(np.float64), WAVELET, level=LEVELS, mode="periodization")
    sigma = np.median(np.abs(coefficients[-1])) / 0.6745
    limit = sigma * np.sqrt(2 * np.log(len(noisy)))
    if limit == 0:  # more than half of the finest coefficients are 0: no noise to be measured
        return noisy.copy()
    soft = [pywt.threshold(part, limit, mode="soft") for part in coefficients]
    thresholded = pywt.waverec(soft, WAVELET, mode="periodization")[: len(noisy)]
    return _adaptive(thresholded, noisy.astype(np.float64), LMS_TAPS).astype(np.float32)


@numba.njit(cache=True)
def _adaptive(x: np.ndarray, wanted: np.ndarray, taps: int) -> np.ndarray:
    """Normalised LMS with a step of ``0.005 (1 - exp(-e ** 2 / p))``, p the power of what is wanted."""
    weights = np.zeros(taps)
    weights[0] = 1.0
    power = np.mean(wanted**2) + 1e-12
    out = np.zeros(len(x))
    past = np.zeros(taps)
    for n in range(len(x)):
        past[1:] = past[:-1].copy()
        past[0] = x[n]
        out[n] = np.dot(weights, past)
        error = wanted[n] - out[n]
        step = 0.005 * (1.0 - np.exp(-(error**2) / power))
        weights += step * error * past / (np.dot(past, past) + power)
    return out


def nmf(noisy: np.ndarray, *, components: int = 24) -> np.ndarray:
    """Find where someone speaks, factorise the spectrogram, drop the parts that are as active in the pauses.

    A part belongs to the noise by the share of its mean activity in the pauses; the speech is what a Wiener gain of
    the parts leaves. Without any pause, the quietest tenth of the frames serves as one.

    Source: Pandharipande et al. 2018 (the paper's reference [10]): voice activity detection with non-negative matrix
    factorisation. There, noisy frames are dropped and the parts of speech are learnt beforehand; here all is learnt
    from the utterance itself.
    """
    transform = spectrum(noisy)
    magnitudes = np.abs(transform)  # (F, T)
    spoken = np.pad(speech_mask(noisy), (0, HOP))[::HOP][: magnitudes.shape[1]]
    energy = (magnitudes**2).sum(0)
    pause = ~spoken if (~spoken).any() and spoken.any() else energy <= np.quantile(energy, QUIET_SHARE)
    if pause.all():  # every frame has the same energy: nothing tells speech from noise
        return noisy.copy()
    model = NMF(min(components, *magnitudes.shape), init="nndsvda", max_iter=200, tol=1e-3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 rounds are enough to tell noise from speech
        spectra = model.fit_transform(magnitudes)  # (F, K)
    activity = model.components_  # (K, T)
    in_pause, in_speech = activity[:, pause].mean(1), activity[:, ~pause].mean(1)
    noise_share = np.clip(in_pause / np.maximum(in_speech, 1e-12), 0.0, 1.0)  # 1: as active in the pauses
    speech = (spectra * (1 - noise_share)) @ activity
    noise = (spectra * noise_share) @ activity
    gain = speech**2 / np.maximum(speech**2 + noise**2, 1e-20)
    return waveform_of(gain * transform, len(noisy))


def spectral_gating(noisy: np.ndarray) -> np.ndarray:
    """What people use today: the library noisereduce with its defaults (a gate in every band, moving with time).

    Source: Sainburg et al. 2020, noisereduce.
    """
    import noisereduce

    _check(noisy)
    return noisereduce.reduce_noise(y=noisy, sr=SAMPLE_RATE).astype(np.float32)


METHODS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "spectral subtraction": spectral_subtraction,
    "over-subtraction": over_subtraction,
    "wavelet + LMS": wavelet_lms,
    "VAD + NMF": nmf,
    "noisereduce": spectral_gating,
}
"""Every method by the name that tables give it."""
