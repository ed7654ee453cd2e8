"""What a frozen network makes of each utterance: computed when it is first asked for, kept in the feature store.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sercourse.features.store import DamagedEntry, FeatureStore
from sercourse.progress import progress_bar


@dataclass(frozen=True)
class Address:
    """What tells the output of one frozen network from another's in the store."""

    name: str
    weights: str
    """Of the network: a fingerprint or digest."""
    made_from: str = ""
    """What it was given: the feature set, as the store spells it; nothing for texts."""
    version: int = 1
    columns: None = None

    @property
    def config(self) -> dict:
        """As the store wants it."""
        return {"weights": self.weights, "made_from": self.made_from}


class Stored(Mapping[str, np.ndarray]):
    """Utterance id to array.

    Args:
        keys: utterance id to what tells its content (audio or text) from others', hexadecimal.
        address: of the network.
        compute: utterance id to array; asked only for what is not stored yet. It goes to other processes, so no lambda.
        store: where arrays are kept.
    """

    def __init__(
        self, keys: Mapping[str, str], address: Address, compute: Callable[[str], np.ndarray], store: FeatureStore
    ) -> None:
        self.keys_of, self.address, self.compute, self.store = keys, address, compute, store

    def __getitem__(self, utterance_id: str) -> np.ndarray:
        entry = self.store.path(self.keys_of[utterance_id], self.address)
        try:
            array = self.store.read(entry)
        except DamagedEntry:
            warnings.warn(f"{self.address.name}: a damaged entry of the feature store is computed again.", stacklevel=2)
            array = None
        if array is None:
            array = self.compute(utterance_id)
            self.store.write(entry, array)
        return array

    def __contains__(self, utterance_id: object) -> bool:
        return utterance_id in self.keys_of

    def fill(self, *, progress: bool = False) -> None:
        """Compute what is not stored yet, one utterance after the other.

        Args:
            progress: show a progress bar.
        """
        missing = [i for i, key in self.keys_of.items() if not self.store.path(key, self.address).exists()]
        with progress_bar(progress and bool(missing)) as bar:
            for utterance_id in bar.track(missing, description=self.address.name):
                self[utterance_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys_of)

    def __len__(self) -> int:
        return len(self.keys_of)
