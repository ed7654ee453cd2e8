"""Features of a trained network, frozen: what probes and maps look at.

Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from sercourse.layers.masking import frame_mask, masked_mean
from sercourse.models.multitask import MultiTaskModel
from sercourse.training.batches import BucketBatches, EvaluationSet, Examples, loader


@torch.inference_mode()
def frozen(
    network: MultiTaskModel, examples: Examples, ids: Sequence[str], names: Sequence[str], *, batch_size: int = 64
) -> dict[str, np.ndarray]:
    """Outputs of a network for utterances, in evaluation mode and without labels.

    Args:
        network: on any device; where its frames are, the batch goes.
        examples: where items come from.
        ids: utterances.
        names: of outputs: ``(B, D)``, or ``(B, T, D)``, which are averaged over valid frames (the batch's ``length``).
        batch_size: items that go through together.

    Returns:
        Name to ``(N, D)``, in the order of ``ids``, averaged over an utterance's items.
    """
    network.eval()
    device = next(network.parameters()).device
    items = EvaluationSet(examples, ids, labelled=False)
    sums: dict[str, torch.Tensor] = {}
    counts = torch.zeros(len(ids), 1)
    for batch in loader(items, BucketBatches(items.lengths, batch_size, None), examples.padded):
        batch = {name: value.to(device) for name, value in batch.items()}
        outputs = network(batch)
        position = batch["utterance"].cpu()
        counts.index_add_(0, position, torch.ones(len(position), 1))
        for name in names:
            values = outputs[name]
            if values.ndim == 3:
                values = masked_mean(values, frame_mask(batch["length"], values.shape[1]))
            values = values.float().cpu()
            sums.setdefault(name, torch.zeros(len(ids), values.shape[1])).index_add_(0, position, values)
    return {name: (total / counts).numpy() for name, total in sums.items()}
