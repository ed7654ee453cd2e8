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


@torch.inference_mode()
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
    rows: list[list[np.ndarray]] = [[] for _ in range(encoder.depth + 1)]
    with progress_bar(progress) as bar:
        for utterance_id in bar.track(list(waveforms), description="layers"):
            audio = torch.from_numpy(np.asarray(waveforms[utterance_id]))[None]
            states, mask = encoder(audio, torch.tensor([audio.shape[1]]))
            for layer, state in zip(rows, states, strict=True):
                layer.append(masked_mean(state, mask)[0].numpy())
    index = pd.Index(list(waveforms), dtype="string", name="utterance_id")
    return [pd.DataFrame(np.stack(layer), index=index) for layer in rows]
