"""Our features beside the plain librosa loop, in one run on the same waveforms: values first, then seconds.

Run: ``python -m benchmarks.features [--json FILE]`` (about a minute). EMO-DB when ``SERCOURSE_DATA`` has it, else the
default corpus. Reading files is not part of the times.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import librosa
import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from threadpoolctl import threadpool_limits

from sercourse import corpora
from sercourse.errors import CorpusError
from sercourse.features.base import map_threads
from sercourse.features.prosody import pitch_track, short_term_energy, zero_crossing_rate
from sercourse.features.spectral import LogMel, Mfcc
from sercourse.signal.audio import SAMPLE_RATE, read_audio
from sercourse.training.runs import write_json

REPEATS = 3
"""Each side runs this often, in turns; its fastest run counts, which is the one least disturbed by other processes."""

PITCH_UTTERANCES = 30
"""pyin takes a tenth of the audio's duration and more, so pitch is compared on a spread of utterances."""

GOALS = {"frames": 5.0, "pitch": 20.0}
"""How many times faster than librosa."""

TOLERANCES = {"log-mel (dB)": 0.01, "mfcc": 0.01, "energy (relative)": 1e-5, "zero-crossing rate": 1e-7}
"""Largest deviation from librosa that counts as equal."""

PITCH_HZ, PITCH_SHARE = 5.0, 0.95
"""Pitch agrees if this share of the frames that both call voiced lies within so many Hz."""

WINDOW, HOP, N_FFT, N_MELS, N_MFCC = 400, 160, 512, 64, 13
PYIN = {"fmin": 65.0, "fmax": 600.0, "sr": SAMPLE_RATE, "hop_length": HOP}
PYIN_FRAME = 512
"""32 ms, as long as our 60 ms Hanning window is in effect; the default of 2048 samples averages over 128 ms."""

Frames = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # log-mel, mfcc with deltas, energy, zero crossings


def ours(waveforms: Sequence[np.ndarray]) -> list[Frames]:
    """Log-mel, MFCC with deltas, energy and zero-crossing rate of all utterances."""
    log_mel, mfcc = LogMel(n_mels=N_MELS), Mfcc(n_mels=N_MELS, n_mfcc=N_MFCC)

    def compute(waveform: np.ndarray) -> Frames:
        mel = log_mel.compute(waveform)
        return mel, mfcc.from_log_mel(mel), short_term_energy(waveform), zero_crossing_rate(waveform)

    return map_threads(compute, waveforms)


def plain_librosa(waveforms: Sequence[np.ndarray]) -> list[Frames]:
    """The same, as one writes it with librosa; the log-mel spectrogram is computed once, as ours is.

    Its matrix products get one thread: they are so small that librosa is faster with one than with two, and many times
    faster on a machine that others use too.
    """
    with threadpool_limits(1):
        return [_librosa_frames(waveform) for waveform in waveforms]


def separate_calls(waveforms: Sequence[np.ndarray]) -> None:
    """The loop of most tutorials: each librosa function gets the waveform, so the spectrogram is computed twice.

    Timed beside :func:`plain_librosa`; its MFCC are cut off 80 dB below the peak and so are not equal to ours.
    """
    with threadpool_limits(1):
        for waveform in waveforms:
            librosa.feature.mfcc(
                y=waveform, sr=SAMPLE_RATE, n_mfcc=N_MFCC, n_fft=N_FFT, win_length=WINDOW, hop_length=HOP,
                window="hamming", n_mels=N_MELS, htk=True, norm=None,
            )  # fmt: skip
            _librosa_frames(waveform)


def _librosa_frames(waveform: np.ndarray) -> Frames:
    mel = librosa.feature.melspectrogram(
        y=waveform, sr=SAMPLE_RATE, n_fft=N_FFT, win_length=WINDOW, hop_length=HOP, window="hamming",
        n_mels=N_MELS, htk=True, norm=None,
    )  # fmt: skip
    level = librosa.power_to_db(mel, top_db=None)
    mfcc = librosa.feature.mfcc(S=level, n_mfcc=N_MFCC)
    slopes = [librosa.feature.delta(mfcc, order=order, mode="nearest") for order in (1, 2)]
    energy = librosa.feature.rms(y=waveform, frame_length=WINDOW, hop_length=HOP)[0] ** 2
    crossings = librosa.feature.zero_crossing_rate(waveform, frame_length=WINDOW, hop_length=HOP)[0]
    return level.T, np.concatenate([mfcc, *slopes]).T, energy, crossings


def compare_frames(waveforms: Sequence[np.ndarray]) -> dict:
    """Deviations and seconds of :func:`ours` and :func:`plain_librosa`."""
    mine, theirs = ours(waveforms), plain_librosa(waveforms)  # also warms both up
    deviations = dict.fromkeys(TOLERANCES, 0.0)
    for (mel, mfcc, energy, crossings), (their_mel, their_mfcc, their_energy, their_crossings) in zip(mine, theirs):
        found = (
            np.abs(mel - their_mel).max(),
            np.abs(mfcc - their_mfcc).max(),
            np.abs(energy - their_energy).max() / their_energy.max(),
            np.abs(crossings - their_crossings).max(),
        )
        for name, value in zip(TOLERANCES, found):
            deviations[name] = max(deviations[name], float(value))
    seconds = _fastest(lambda: ours(waveforms), lambda: plain_librosa(waveforms), lambda: separate_calls(waveforms))
    return {
        "utterances": len(waveforms),
        "audio_seconds": _audio_seconds(waveforms),
        "ours_seconds": seconds[0],
        "librosa_seconds": seconds[1],
        "separate_calls_seconds": seconds[2],
        "ratio": seconds[1] / seconds[0],
        "ratio_separate_calls": seconds[2] / seconds[0],
        "goal": GOALS["frames"],
        "deviations": deviations,
        "equal": all(deviations[name] <= TOLERANCES[name] for name in TOLERANCES),
    }


def compare_pitch(waveforms: Sequence[np.ndarray]) -> dict:
    """Agreement and seconds of our pitch and ``librosa.pyin``, and both against a voice of known pitch."""
    voice, truth = known_voice()
    librosa.pyin(voice[:SAMPLE_RATE], frame_length=PYIN_FRAME, **PYIN)  # compiled on the first call
    start = time.perf_counter()
    theirs = [
        librosa.pyin(waveform, frame_length=PYIN_FRAME, **PYIN)[0]
        for waveform in track(waveforms, "librosa.pyin", transient=True)
    ]
    librosa_seconds = time.perf_counter() - start
    (our_seconds,) = _fastest(lambda: [pitch_track(waveform) for waveform in waveforms])
    mine = [pitch_track(waveform) for waveform in waveforms]
    gaps = np.concatenate([_gaps(a, b) for a, b in zip(mine, theirs)])
    share = float(np.mean(gaps <= PITCH_HZ))
    known = {
        "ours": pitch_track(voice),
        f"pyin, {PYIN_FRAME} samples": librosa.pyin(voice, frame_length=PYIN_FRAME, **PYIN)[0],
        "pyin, 2048 samples (default)": librosa.pyin(voice, frame_length=2048, **PYIN)[0],
    }
    return {
        "utterances": len(waveforms),
        "audio_seconds": _audio_seconds(waveforms),
        "ours_seconds": our_seconds,
        "librosa_seconds": librosa_seconds,
        "ratio": librosa_seconds / our_seconds,
        "goal": GOALS["pitch"],
        "frames_both_voiced": len(gaps),
        "share_within_5_hz": share,
        "median_gap_hz": float(np.median(gaps)),
        "known_voice_within_5_hz": {name: float(np.mean(_gaps(f, truth) <= PITCH_HZ)) for name, f in known.items()},
        "equal": share >= PITCH_SHARE,
    }


def known_voice(seconds: float = 4.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A voice-like sound whose pitch glides between 115 and 350 Hz as lively speech does.

    Returns:
        Waveform ``(T,)`` and its true pitch in Hz at the centres of the frames ``(1 + T // 160,)``.
    """
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 200 * 2 ** (0.8 * np.sin(2 * np.pi * 1.2 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    loudness = 0.06 + 0.04 * np.sin(2 * np.pi * 3 * t)
    voice = sum(loudness / k * np.exp(-(((k * pitch - 700) / 900) ** 2)) * np.sin(k * phase) for k in range(1, 20))
    voice = voice + 0.002 * np.random.default_rng(seed).normal(size=len(t))
    centres = np.minimum(np.arange(1 + len(t) // HOP) * HOP, len(t) - 1)
    return voice.astype(np.float32), pitch[centres]


def run() -> dict:
    """Both comparisons, as one dictionary fit for JSON."""
    name, waveforms = _waveforms()
    spread = np.linspace(0, len(waveforms) - 1, PITCH_UTTERANCES).astype(int)
    return {
        "corpus": name,
        "librosa": librosa.__version__,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "frames": compare_frames(waveforms),
        "pitch": compare_pitch([waveforms[i] for i in spread]),
    }


def table(result: dict) -> Table:
    """The times of :func:`run` as a table."""
    title = f"{result['corpus']}, {result['threads']} threads, librosa {result['librosa']}"
    grid = Table("", "utterances", "librosa", "ours", "ratio", "goal", title=title)
    for label, part in (
        ("log-mel, MFCC with deltas, energy, ZCR", result["frames"]),
        (f"pitch (pyin, {PYIN_FRAME} samples)", result["pitch"]),
    ):
        grid.add_row(
            label,
            str(part["utterances"]),
            f"{part['librosa_seconds']:.2f} s",
            f"{part['ours_seconds']:.2f} s",
            f"{part['ratio']:.1f}",
            f"{part['goal']:.0f}",
        )
    return grid


def agreement(result: dict) -> str:
    """How near the values of :func:`run` are, in sentences."""
    frames, pitch = result["frames"], result["pitch"]
    apart = ", ".join(f"{name} {value:.1e}" for name, value in frames["deviations"].items())
    known = ", ".join(f"{name} {share:.1%}" for name, share in pitch["known_voice_within_5_hz"].items())
    return (
        f"The loop that computes the spectrogram once for log-mel and once for MFCC takes"
        f" {frames['separate_calls_seconds']:.2f} s, {frames['ratio_separate_calls']:.1f} times ours.\n"
        f"Largest deviations from librosa: {apart}.\n"
        f"Pitch within {PITCH_HZ:.0f} Hz of pyin on {pitch['share_within_5_hz']:.1%} of"
        f" {pitch['frames_both_voiced']} frames that both call voiced ({pitch['utterances']} utterances,"
        f" median gap {pitch['median_gap_hz']:.1f} Hz).\n"
        f"A voice of known gliding pitch, frames within {PITCH_HZ:.0f} Hz: {known}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print and, with ``--json``, write; 1 where the values differ from librosa's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    result = run()
    console = Console()
    console.print(table(result))
    console.print(agreement(result), highlight=False)
    if options.json:
        write_json(options.json, result)
    return 0 if result["frames"]["equal"] and result["pitch"]["equal"] else 1


def _waveforms() -> tuple[str, list[np.ndarray]]:
    try:
        name, utterances = "emodb", corpora.load("emodb")
    except CorpusError:
        name, utterances = "synthetic", corpora.load("synthetic")
    rows = zip(utterances["path"], utterances["start"], utterances["end"])
    return name, [read_audio(*row) for row in track(list(rows), f"reading {name}", transient=True)]


def _fastest(*functions: Callable[[], object]) -> list[float]:
    """Seconds of the fastest of some runs, the functions taking turns."""
    seconds = [[] for _ in functions]
    for _ in range(REPEATS):
        for function, record in zip(functions, seconds):
            start = time.perf_counter()
            function()
            record.append(time.perf_counter() - start)
    return [min(record) for record in seconds]


def _gaps(pitch: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Hz between two tracks where both are voiced (unvoiced: 0 with us, NaN with librosa)."""
    return np.abs(pitch - other)[(pitch > 0) & (other > 0)]


def _audio_seconds(waveforms: Sequence[np.ndarray]) -> float:
    return sum(map(len, waveforms)) / SAMPLE_RATE


if __name__ == "__main__":
    raise SystemExit(main())
