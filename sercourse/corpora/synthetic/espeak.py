"""The speech synthesiser espeak-ng, called through ctypes from the wheel ``espeakng-loader``.

espeak-ng keeps hidden state: what it says depends on what it said before. One :class:`Engine` per fresh process and
one voice per engine make its output a function of the calls alone.

Source: the header ``speak_lib.h`` of espeak-ng 1.52.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from sercourse.errors import CorpusError

_SYNCHRONOUS = 2  # audio comes through the callback, and espeak_Synth returns when all of it is there
_DO_NOT_EXIT = 0x8000  # report a failed start by its return value instead of ending the process
_BUFFER_MS = 200  # longer buffers are known to click
_POSITION_CHARACTER = 1
_UTF8 = 1
_RATE, _VOLUME, _PITCH, _RANGE, _WORD_GAP = 1, 2, 3, 4, 7  # espeak_PARAMETER
_UNCLIPPED_VOLUME = 50  # at the default of 100 the louder voices reach full scale
_RATE_LIMITS = (80, 450)  # words per minute
_LONGEST_DATA_PATH = 120  # characters; espeak-ng keeps the path in a buffer of 160 and adds file names to it

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Engine:
    """espeak-ng, started with one voice; at most one per process.

    Args:
        voice: language and variant as espeak-ng writes them, such as ``"de+f3"``.
        seed: start of espeak-ng's own random numbers (flutter, breath), 0 or more.

    Raises:
        CorpusError: espeak-ng cannot be loaded, or has no such voice.
    """

    sample_rate: int
    """Hz, of what :meth:`speak` returns."""

    def __init__(self, voice: str, *, seed: int):
        self._library, data = _open_library()
        self._chunks: list[np.ndarray] = []
        self._link = _short_link(data)
        self.sample_rate = self._library.espeak_Initialize(
            _SYNCHRONOUS, _BUFFER_MS, os.fsencode(self._link or data), _DO_NOT_EXIT
        )
        try:
            if self.sample_rate <= 0 or not (data / "phontab").is_file():  # the rate may be that of an earlier start
                raise CorpusError(f"{data}: espeak-ng cannot start from this folder; reinstall espeakng-loader.")
            self._callback = _CALLBACK(self._receive)  # kept: ctypes would free it
            self._library.espeak_SetSynthCallback(self._callback)
            self._set_voice(voice, data)
        except CorpusError:
            self.close()
            raise
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(seed))

    def speak(self, text: str, *, rate: float, pitch: float, pitch_range: float, word_gap: float = 0.0) -> np.ndarray:
        """Say one sentence.

        Args:
            text: the sentence, punctuation included (it shapes the melody).
            rate: words per minute, cut to 80 … 450.
            pitch: espeak-ng's scale 0 … 99; 50 is the voice's own pitch, 0 and 99 about an octave below and above.
            pitch_range: espeak-ng's scale 0 … 99; 50 is the voice's own range, 0 is monotone.
            word_gap: extra pause between words, seconds.

        Returns:
            Waveform, float32 in ±1, shape ``(T,)`` at :attr:`sample_rate`.

        Raises:
            CorpusError: espeak-ng refused, or returned no sound.
        """
        for parameter, value, (low, high) in (
            (_RATE, rate, _RATE_LIMITS),
            (_VOLUME, _UNCLIPPED_VOLUME, (0, 200)),
            (_PITCH, pitch, (0, 99)),
            (_RANGE, pitch_range, (0, 99)),
            (_WORD_GAP, 100 * word_gap, (0, 99)),  # in units of 10 ms
        ):
            self._library.espeak_SetParameter(parameter, round(min(max(value, low), high)), 0)
        self._chunks.clear()
        encoded = text.encode()
        code = self._library.espeak_Synth(encoded, len(encoded) + 1, 0, _POSITION_CHARACTER, 0, _UTF8, None, None)
        if code != 0 or not self._chunks:
            raise CorpusError(f"espeak-ng could not say {text!r} (code {code}); reinstall espeakng-loader.")
        return np.concatenate(self._chunks).astype(np.float32) / 32768  # (T,)

    def close(self) -> None:
        """Stop espeak-ng and remove the temporary link to its data, if one was needed."""
        self._library.espeak_Terminate()
        if self._link is not None:
            shutil.rmtree(self._link.parent, ignore_errors=True)

    def _receive(self, samples, count: int, events) -> int:
        if samples and count:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0  # go on

    def _set_voice(self, voice: str, data: Path) -> None:
        # An unknown language gives an error code and keeps the OLD voice; an unknown variant does not even give a code.
        _, _, variant = voice.partition("+")
        code = self._library.espeak_SetVoiceByName(voice.encode())
        if code != 0 or (variant and not (data / "voices" / "!v" / variant).is_file()):
            raise CorpusError(f"espeak-ng has no voice {voice!r}; choose a language and variant that it lists.")


def espeak_version() -> str:
    """espeak-ng's version, such as ``"1.52.0"``.

    Raises:
        CorpusError: espeak-ng cannot be loaded.
    """
    library, _ = _open_library()
    library.espeak_Info.restype = ctypes.c_char_p
    return library.espeak_Info(None).decode()


def _open_library() -> tuple[ctypes.CDLL, Path]:
    try:
        import espeakng_loader

        return ctypes.CDLL(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
    except (ImportError, OSError, RuntimeError) as error:
        raise CorpusError(
            f"espeak-ng, which speaks the synthetic corpus, cannot be loaded ({error}); reinstall espeakng-loader."
        ) from None


def _short_link(data: Path) -> Path | None:
    """A short temporary path to espeak-ng's data where its own is too long (deep project folders)."""
    if len(os.fsencode(data)) <= _LONGEST_DATA_PATH:
        return None
    link = Path(tempfile.mkdtemp(prefix="espeak")) / data.name
    try:
        link.symlink_to(data, target_is_directory=True)
    except OSError:  # Windows without the right to make links
        shutil.copytree(data, link)
    return link
