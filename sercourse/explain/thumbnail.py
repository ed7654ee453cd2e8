"""A small spectrogram of an utterance, for pages and panels that show many.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import PIL.Image

from sercourse.explain.widgets import DYNAMIC_DB
from sercourse.features.spectral import LogMel

PICTURE_SIZE, GREYS = (160, 48), 16
"""Of a spectrogram, pixels (longer utterances are squeezed) and steps of level."""


def picture(waveform: np.ndarray) -> bytes:
    """A small log-mel spectrogram, PNG; from the loudest point down to black.

    Args:
        waveform: 16 kHz, shape ``(T,)``.
    """
    levels = LogMel().compute(waveform)  # (T, 64)
    shares = np.clip((levels - levels.max()) / DYNAMIC_DB + 1, 0, 1)
    grey = PIL.Image.fromarray(np.uint8(np.round(shares.T[::-1] * (GREYS - 1))))
    narrow = grey.resize(PICTURE_SIZE, PIL.Image.Resampling.BILINEAR)
    narrow.putpalette((mpl.colormaps["magma"](np.linspace(0, 1, GREYS))[:, :3] * 255).astype(np.uint8).tobytes())
    packed = io.BytesIO()
    narrow.save(packed, format="png", optimize=True)
    return packed.getvalue()
