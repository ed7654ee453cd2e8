"""What every layer of an encoder knows, frozen: means over an utterance's frames, one vector per layer.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch

from sercourse.layers.masking import masked_mean
from sercourse.models.speech_encoder import SpeechEncoder
from sercourse.progress import progress_bar


def pooled_layers(
    encoder: SpeechEncoder, waveforms: Mapping[str, np.ndarray], *, progress: bool = False
) -> list[pd.DataFrame]:
    """Mean over frames of the projected convolutions and of every layer.

    Args:
        encoder: is put into evaluation mode.
        waveforms: utterance id to 16 kHz mono, ``(N,)``.
        progress: show a progress bar.

    Returns:
        Per layer a table with a row of ``H`` values per utterance.
    """
    encoder.eval()
    rows: list[np.ndarray] = []
    with progress_bar(progress) as bar:
        for utterance_id in bar.track(list(waveforms), description="layers"):
            rows.append(layer_means(encoder, waveforms[utterance_id]))
    index = pd.Index(list(waveforms), dtype="string", name="utterance_id")
    return [pd.DataFrame(layer, index=index) for layer in np.stack(rows, 1)]


@torch.inference_mode()
def layer_means(encoder: SpeechEncoder, waveform: np.ndarray) -> np.ndarray:
    """Mean over frames of the projected convolutions and of every layer, for one waveform.

    Args:
        encoder: in evaluation mode.
        waveform: 16 kHz mono, ``(N,)``.

    Returns:
        ``(L, H)``.
    """
    audio = torch.from_numpy(np.asarray(waveform))[None]
    states, mask = encoder(audio, torch.tensor([audio.shape[1]]))
    return torch.cat([masked_mean(state, mask) for state in states]).numpy()
