"""Features of a trained network, frozen: what probes and maps look at.

Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from sercourse.evaluation.transcripts import error_rates
from sercourse.layers.masking import frame_mask, masked_mean
from sercourse.losses.ctc import best_path, collapsed, ctc
from sercourse.models.multitask import MultiTaskModel
from sercourse.training.alphabet import plain, spelt
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


def letters_in(
    frames: Mapping[str, np.ndarray], texts: Mapping[str, str], symbols: Sequence[str],
    learnt: Sequence[str], asked: Sequence[str], *, steps: int = 40, seed: int = 0,
) -> float:  # fmt: skip
    """How well letters can be read off frames, one by one: a linear layer on standardised frames, learnt with CTC.

    Args:
        frames: utterance id to ``(T, D)``, of a frozen layer.
        texts: utterance id to what was said.
        symbols: of the alphabet, the blank first.
        learnt: utterances that the layer learns from.
        asked: others, that it is judged on.
        steps: of Adam, over all that is learnt from at once.
        seed: of the layer's first weights.

    Returns:
        Character error rate in percent.

    Notebook: 04_mtlser.ipynb
    """
    known = torch.cat([torch.as_tensor(frames[i]) for i in learnt])
    mean, spread = known.mean(0), known.std(0) + 1e-6

    def padded(ids: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        each = [(torch.as_tensor(frames[i]) - mean) / spread for i in ids]
        return pad_sequence(each, batch_first=True), torch.tensor([len(one) for one in each])  # (B, T, D), (B,)

    spellings = [torch.as_tensor(spelt(texts[i], symbols)) for i in learnt]
    said, letters = pad_sequence(spellings, batch_first=True), torch.tensor([len(one) for one in spellings])
    heard, lengths = padded(learnt)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reader = nn.Linear(heard.shape[2], len(symbols))
    optimiser = torch.optim.Adam(reader.parameters(), lr=0.1)
    for _ in range(steps):
        optimiser.zero_grad()
        ctc(reader(heard), lengths, said, letters).backward()
        optimiser.step()
    heard, lengths = padded(asked)
    with torch.no_grad():
        paths = best_path(reader(heard), frame_mask(lengths, heard.shape[1])).numpy()
    return error_rates([plain(texts[i]) for i in asked], [collapsed(path, symbols) for path in paths])["cer"]
