"""openSMILE's feature sets: one vector of functionals per utterance.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sercourse.errors import AudioError
from sercourse.features.base import PerUtterance
from sercourse.signal.audio import SAMPLE_RATE

if TYPE_CHECKING:
    import opensmile

LOUDEST = 32767 / 32768
"""The largest sample that fits 16 bits. openSMILE's wrapper casts to 16 bits without a check: a sample of 1.0 (a
clipped or resampled file, a mix with noise) would come out as -1.0, a click."""


@dataclass(frozen=True)
class OpenSmileSet(PerUtterance):
    """Functionals of one openSMILE set, shape ``(D,)`` per utterance.

    Attributes:
        name: our name: ``is09``, ``is10``, ``egemaps`` or ``compare``.
        feature_set: openSMILE's configuration, e.g. ``"is09-13/IS10_paraling_compat"``.
        size: number of features D, checked against the library.
    """

    name: str
    feature_set: str
    size: int

    @property
    def columns(self) -> list[str]:
        """openSMILE's names of the features.

        Raises:
            RuntimeError: the installed openSMILE has another number of features in this set.
        """
        names = list(_smile(self.feature_set).feature_names)
        if len(names) != self.size:
            raise RuntimeError(f"openSMILE's {self.feature_set} has {len(names)} features here, not {self.size}.")
        return names

    def compute(self, waveform: np.ndarray) -> np.ndarray:
        """Shape ``(D,)``.

        Raises:
            AudioError: too short for this set's windows and smoothing (at 0.1 s all sets work).
        """
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Segment too short")  # said below, by an error
            values = _smile(self.feature_set)(np.clip(waveform, -1.0, LOUDEST), SAMPLE_RATE)  # (1, D, 1)
        features = values.reshape(-1).astype(np.float32)
        if not np.isfinite(features).all():
            raise AudioError(
                f"{len(waveform) / SAMPLE_RATE:.3f} s of audio are too short for the feature set {self.name};"
                " leave the utterance out."
            )
        return features


SETS = {
    "is09": ("is09-13/IS09_emotion", 384),  # Interspeech 2009 Emotion Challenge
    "is10": ("is09-13/IS10_paraling_compat", 1582),  # Interspeech 2010 Paralinguistic Challenge
    "egemaps": ("egemaps/v02/eGeMAPSv02", 88),  # Geneva minimalistic set, extended
    "compare": ("compare/ComParE_2016", 6373),  # Interspeech 2016 Computational Paralinguistics Challenge
}
"""Our name to openSMILE's and the number of features."""


def opensmile_set(name: str) -> OpenSmileSet:
    """The extractor of one of :data:`SETS`."""
    feature_set, size = SETS[name]
    return OpenSmileSet(name, feature_set, size)


@lru_cache(maxsize=len(SETS))
def _smile(feature_set: str) -> opensmile.Smile:
    """One Smile object per set and process, made when first needed: it holds state and cannot be pickled."""
    import opensmile  # takes seconds to import, and may be absent where features come from the store

    return opensmile.Smile(feature_set=opensmile.FeatureSet(feature_set), feature_level="func")
