"""From utterances to batches: seeded draws, length buckets, padding.

Everything random follows from (seed, epoch, number of the draw), not from what happened before, so a run that was
interrupted goes on with the very batches it would have had, with any number of workers and devices.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from sercourse.losses.masked import MISSING
from sercourse.models.multitask import Batch
from sercourse.training.seeds import Purpose, worker_seed

Item = dict[str, np.ndarray | int]
"""One utterance or crop: arrays, lengths and labels by name."""

BUCKET = 8
"""So many batches are drawn together and sorted by length, so that little is padded."""


class Examples(ABC):
    """The utterances of a run as a chapter sees them.

    Attributes:
        padded: names of the arrays with a time axis, their first, which are padded; none where all have one size.
        labels: names of what a test item must not hold.
    """

    padded: tuple[str, ...]
    labels: tuple[str, ...]

    @abstractmethod
    def length(self, utterance_id: str) -> int:
        """Frames of a training item, for the buckets."""

    @abstractmethod
    def training_item(self, utterance_id: str, rng: np.random.Generator) -> Item:
        """One training item, augmented by the generator's choice."""

    @abstractmethod
    def evaluation_items(self, utterance_id: str) -> list[Item]:
        """The items whose probabilities are averaged for one utterance; no chance in it."""


class TrainingSet(Dataset):
    """The draws of one epoch.

    Args:
        examples: where items come from.
        ids: utterances of the training side.
        draws: how often each is drawn.
        seed: of the run's network.
        epoch: from 0.
    """

    def __init__(self, examples: Examples, ids: Sequence[str], draws: int, seed: int, epoch: int) -> None:
        self.examples, self.ids, self.seed, self.epoch = examples, list(ids) * draws, seed, epoch

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, number: int) -> Item:
        rng = np.random.default_rng([Purpose.DRAWS, self.seed, self.epoch, number])
        return self.examples.training_item(self.ids[number], rng)


class EvaluationSet(Dataset):
    """All crops of some utterances; ``utterance`` in each item is the position of its id.

    Args:
        examples: where items come from.
        ids: utterances to judge.
        labelled: False leaves the labels out: a test side is judged without them, so nothing can leak.
    """

    def __init__(self, examples: Examples, ids: Sequence[str], *, labelled: bool) -> None:
        dropped = () if labelled else examples.labels
        self.items = [
            {name: value for name, value in item.items() if name not in dropped} | {"utterance": position}
            for position, utterance_id in enumerate(ids)
            for item in examples.evaluation_items(utterance_id)
        ]
        self.lengths = [len(item[examples.padded[0]]) if examples.padded else 1 for item in self.items]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, number: int) -> Item:
        return self.items[number]


class BucketBatches(Sampler[list[int]]):
    """Batches of similar length in random order, cut into equal parts for several devices.

    Args:
        lengths: frames of every item.
        batch_size: over all devices together.
        rng: draws the order; ``None``: longest first, for evaluation.
        draw_weights: chance of every item, for balanced sampling with replacement; ``None``: each item once.
        rank: this device, from 0.
        world: devices.
    """

    def __init__(
        self, lengths: Sequence[int], batch_size: int, rng: np.random.Generator | None, *,
        draw_weights: np.ndarray | None = None, rank: int = 0, world: int = 1,
    ) -> None:  # fmt: skip
        lengths = np.asarray(lengths)
        if rng is None:
            order = np.argsort(-lengths, kind="stable")
        elif draw_weights is None:
            order = rng.permutation(len(lengths))
        else:
            order = rng.choice(len(lengths), size=len(lengths), p=draw_weights / draw_weights.sum())
        chunks = np.split(order, range(batch_size * BUCKET, len(order), batch_size * BUCKET))
        ordered = np.concatenate([chunk[np.argsort(-lengths[chunk], kind="stable")] for chunk in chunks])
        batches = np.split(ordered, range(batch_size, len(ordered), batch_size))
        if len(batches[-1]) < world and len(batches) > 1:  # a device without an item would leave the others waiting
            rest = batches.pop()
            if rng is None:  # all are to be judged
                batches[-1] = np.concatenate([batches[-1], rest])
        if rng is not None:
            rng.shuffle(batches)
        # Fewer items than devices: all devices take all of them, which changes no mean.
        self.batches = [(batch[rank::world] if len(batch) >= world else batch).tolist() for batch in batches]

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


def balanced_weights(labels: Sequence[str | None]) -> np.ndarray:
    """Chance of every utterance so that all classes are drawn equally often; unlabelled ones count as a class."""
    names, inverse, counts = np.unique([str(label) for label in labels], return_inverse=True, return_counts=True)
    return (1 / counts)[inverse] / len(names)


def collate(items: Sequence[Item], padded: tuple[str, ...]) -> Batch:
    """Items to a batch: arrays with a time axis are padded with 0 to the longest, all else is stacked."""
    batch: Batch = {}
    for name in items[0]:
        values = [torch.as_tensor(item[name]) for item in items]
        pad = name in padded
        batch[name] = torch.nn.utils.rnn.pad_sequence(values, batch_first=True) if pad else torch.stack(values)
    return batch


def loader(
    dataset: Dataset, batches: BucketBatches, padded: tuple[str, ...], *, workers: int = 0, seed: int = 0,
    epoch: int = 0,
) -> DataLoader:  # fmt: skip
    """Torch's loader over planned batches."""
    return DataLoader(
        dataset,
        batch_sampler=batches,
        collate_fn=partial(collate, padded=padded),
        num_workers=workers,
        worker_init_fn=partial(worker_seed, seed, epoch),
        multiprocessing_context="fork" if workers else None,
    )


def class_index(label: str | None, classes: Sequence[str]) -> int:
    """Position of a label among the classes, or -1 (missing)."""
    return classes.index(label) if isinstance(label, str) and label in classes else MISSING
