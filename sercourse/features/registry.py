"""Every feature by name.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from sercourse.features.base import Extractor, PerUtterance
from sercourse.features.opensmile_sets import SETS, opensmile_set
from sercourse.features.prosody import Prosody
from sercourse.features.spectral import LogMagnitude, LogMagnitudeStatistics, LogMel, Mfcc, Spectrogram400
from sercourse.features.vggish import VggishLogMel


@dataclass(frozen=True)
class Waveform(PerUtterance):
    """The 16 kHz waveform itself, shape ``(T,)``, so that networks on raw audio read from the store too."""

    name: ClassVar[str] = "waveform"
    columns: ClassVar[None] = None

    def compute(self, waveform: np.ndarray) -> np.ndarray:
        """The waveform as it came."""
        return waveform


FEATURES: dict[str, Callable[[], Extractor]] = {
    **{name: partial(opensmile_set, name) for name in SETS},
    "logmag": LogMagnitude,
    "logmag_stats": LogMagnitudeStatistics,
    "spec400": Spectrogram400,
    "logmel": LogMel,
    "vggish_logmel": VggishLogMel,
    "mfcc": Mfcc,
    "prosody": Prosody,
    "waveform": Waveform,
}
"""Name to a function that makes the extractor."""
