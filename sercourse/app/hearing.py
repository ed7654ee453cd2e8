"""A recording as it comes in: checked, its end points found, perhaps put into noise.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from sercourse.errors import AudioError, SilentAudio
from sercourse.signal.audio import SAMPLE_RATE, read_audio
from sercourse.signal.endpoint import find_speech
from sercourse.signal.framing import samples
from sercourse.signal.noise import NOISES, mix

MIN_SECONDS, MAX_SECONDS = 0.5, 20.0
"""Of a recording: a word, and what every network hears in one piece."""

MAX_BYTES = 10 * 2**20
"""Of an upload."""

READABLE = "wav, flac, mp3 or ogg"
"""What to send; other formats that libsndfile reads are taken as well."""

QUIET = "none"
"""As a noise: none is added."""

NOISE_NAMES: tuple[str, ...] = (QUIET, *NOISES)

SNR_RANGE = (-10.0, 30.0)
"""In dB, of the noise slider."""

MARGIN_SECONDS = 0.2
"""What is left of the room before and after the speech; synthetic speech has as much."""

NOISE_SEED = 0


@dataclass(frozen=True, eq=False)
class Heard:
    """A recording and what of it goes to the networks.

    Attributes:
        recorded: 16 kHz, ``(T,)``, as it came.
        spans: stretches of speech in it, ``(start, end)`` in seconds.
        start: second of the recording at which begins what the networks hear.
        end: second at which it ends.
        noise: that was added, one of :data:`NOISE_NAMES`.
        snr_db: at which; ``None`` without noise.
        waveform: what the networks hear, 16 kHz, ``(T',)``.
    """

    recorded: np.ndarray
    spans: tuple[tuple[float, float], ...]
    start: float
    end: float
    noise: str
    snr_db: float | None
    waveform: np.ndarray


def take(file: str | Path) -> np.ndarray:
    """Read a recording or an upload.

    Args:
        file: its sentence, if it cannot be used, gives its name and not its folder.

    Returns:
        16 kHz mono, float32, ``(T,)``.

    Raises:
        AudioError: too large, not a sound file, too short, too long, or silent.
    """
    file = Path(file)
    try:
        size = file.stat().st_size
    except OSError:
        raise AudioError(f"{file.name}: is no longer there; record or send it again.") from None
    if size > MAX_BYTES:
        raise AudioError(f"{file.name}: {size / 2**20:.1f} MB, more than {MAX_BYTES / 2**20:g} MB; send a shorter one.")
    try:
        seconds = soundfile.info(file).duration
    except (soundfile.LibsndfileError, RuntimeError):
        raise AudioError(f"{file.name}: not a sound file that can be read here; send {READABLE}.") from None
    if seconds > MAX_SECONDS:
        raise AudioError(
            f"{file.name}: {seconds:.1f} s, longer than {MAX_SECONDS:g} s; send one or two sentences of it."
        )
    if seconds < MIN_SECONDS:
        raise AudioError(f"{file.name}: {seconds:.2f} s, shorter than {MIN_SECONDS:g} s; say a word or a sentence.")
    try:
        return read_audio(file)
    except SilentAudio:
        raise SilentAudio(f"{file.name}: silent throughout; look whether the microphone is on.") from None
    except AudioError as error:
        raise AudioError(str(error).replace(str(file), file.name)) from None


def listen(recorded: np.ndarray, *, noise: str = QUIET, snr_db: float = 10.0, cut: bool = True) -> Heard:
    """Find the speech in a recording, add noise, and cut off what lies before and after the speech.

    Args:
        recorded: 16 kHz, ``(T,)``.
        noise: one of :data:`NOISE_NAMES`; always the same noise for the same length.
        snr_db: power of speech over power of noise, where someone speaks; brought into :data:`SNR_RANGE`.
        cut: leave only :data:`MARGIN_SECONDS` around the speech; False: the networks hear the whole recording.

    Raises:
        AudioError: no speech is found, or no such noise.
    """
    if noise not in NOISE_NAMES:
        raise AudioError(f"noise '{noise}': choose one of {', '.join(NOISE_NAMES)}.")
    spans = tuple(find_speech(recorded))
    if not spans:
        raise AudioError("No speech was found, only silence or steady noise; speak louder or nearer to the microphone.")
    level = None if noise == QUIET else float(np.clip(snr_db, *SNR_RANGE))
    waveform = recorded
    if level is not None:
        waveform = mix(recorded, NOISES[noise](len(recorded), np.random.default_rng(NOISE_SEED)), level).noisy
    length = len(recorded) / SAMPLE_RATE
    start, end = max(spans[0][0] - MARGIN_SECONDS, 0.0), min(spans[-1][1] + MARGIN_SECONDS, length)
    if not cut:
        start, end = 0.0, length
    heard = np.ascontiguousarray(waveform[samples(start) : samples(end)])
    return Heard(recorded, spans, start, end, noise, level, heard)
