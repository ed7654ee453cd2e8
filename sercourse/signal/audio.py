"""File to waveform: any rate, channel count and subtype becomes 16 kHz mono float32.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import soundfile
import soxr

from sercourse.errors import AudioError, SilentAudio

SAMPLE_RATE = 16_000
"""Hz. Every waveform inside sercourse has this rate."""

MIN_SECONDS = 0.1
"""Shorter audio holds no syllable (and no full openSMILE window)."""

MAX_SECONDS = 3600.0
"""Longer audio is refused: it is a recording session, not an utterance."""

_LENGTH_UNKNOWN = 0x7FFF0000  # recorders that stream write a length near 2 or 4 GB because they do not know it yet

AUDIO_SUFFIXES: tuple[str, ...] = (".wav", ".flac")


def read_audio(path: str | Path, start: float = 0.0, end: float | None = None) -> np.ndarray:
    """Read one utterance as 16 kHz mono.

    Args:
        path: an audio file that libsndfile can read (wav, flac, …), of any rate and number of channels.
        start: seconds from the beginning of the file.
        end: seconds from the beginning of the file; ``None`` (or NaN): to the end of the file.

    Returns:
        Waveform, float32, shape ``(T,)``, full scale is ±1; channels are averaged.

    Raises:
        AudioError: the file is missing, empty, truncated, not audio, silent throughout, holds NaN or infinity, or
            the span is shorter than 0.1 s or longer than an hour.
    """
    path = Path(path)
    info = probe_audio(path)
    stop = info.duration if end is None or np.isnan(end) else min(float(end), info.duration)
    seconds = stop - start
    if seconds < MIN_SECONDS:
        raise AudioError(
            f"{path}: only {max(seconds, 0):.3f} s of audio, less than {MIN_SECONDS} s; leave the file out."
        )
    if seconds > MAX_SECONDS:
        raise AudioError(
            f"{path}: {seconds / 3600:.1f} hours of audio, more than one; cut it into utterances (start and end)."
        )
    first, last = round(start * info.samplerate), round(stop * info.samplerate)
    try:
        samples, _ = soundfile.read(path, start=first, stop=last, dtype="float32", always_2d=True)  # (T, channels)
    except (soundfile.LibsndfileError, RuntimeError, MemoryError) as error:
        raise AudioError(f"{path}: cannot be decoded ({_reason(error)}); fetch the file again.") from None
    return _to_mono_16k(samples, info.samplerate, path)


def probe_audio(path: str | Path) -> soundfile._SoundFileInfo:
    """Read a file's header: ``samplerate`` (Hz), ``channels``, ``frames``, ``duration`` (seconds), ``subtype``.

    Raises:
        AudioError: the file is missing, empty or not audio.
    """
    path = Path(path)
    if not is_file(path):
        raise AudioError(f"{path}: no such file; check the path.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path}: the file is empty; fetch it again.")
    try:
        info = soundfile.info(path)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise AudioError(f"{path}: not an audio file that can be read ({_reason(error)}).") from None
    if info.frames <= 0:
        raise AudioError(f"{path}: the file holds no samples; fetch it again.")
    promised, present = _data_bytes(info.extra_info)
    if present < promised < _LENGTH_UNKNOWN:
        raise AudioError(f"{path}: truncated: {present} of {promised} bytes of sound are there; fetch the file again.")
    return info


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that the system does not even take (far too long, say) is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _data_bytes(log: str) -> tuple[int, int]:
    """Bytes of sound that a wav header promises and that are there; libsndfile notes it in its log when they differ."""
    found = re.search(r"^data\s*:\s*(\d+) \(should be (\d+)\)", log, re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def check_waveform(samples: np.ndarray, path: str | Path) -> None:
    """Refuse a waveform that no feature can be computed from.

    Raises:
        AudioError: NaN or infinity, or silent throughout (all samples equal).
    """
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: holds samples that are not numbers (NaN or infinity); export the file again.")
    if samples.size == 0 or np.ptp(samples) == 0:
        raise SilentAudio(f"{path}: silent throughout (all samples equal); leave the file out.")


def _to_mono_16k(samples: np.ndarray, rate: int, path: Path) -> np.ndarray:
    mono = samples.mean(axis=1)  # (T,)
    check_waveform(mono, path)
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE)
    return np.ascontiguousarray(mono, dtype=np.float32)


def _reason(error: BaseException) -> str:
    return (str(error).splitlines() or ["no reason given"])[-1].strip().rstrip(".")
