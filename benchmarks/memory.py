"""Does memory stay flat while features stream through the store?

500, 5,000 and 50,000 utterances of distinct content (half a second each, spans of one long file of noise) are
extracted, each size in a fresh process with an empty store, and the peak memory of the whole process tree is read.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
from rich.table import Table

from benchmarks.watch import Watch, tree

SIZES = (500, 5_000, 50_000)
SECONDS = 0.5
FEATURE = "mfcc"


@dataclass(frozen=True)
class Peak:
    """One measurement.

    Attributes:
        utterances: how many.
        peak_mb: highest sum over the process and its workers; pages that several processes share are divided among
            them, where the system tells (Linux).
        seconds: in all.
        stored: arrays that the store held at the end.
    """

    utterances: int
    peak_mb: float
    seconds: float
    stored: int


def measure(sizes: tuple[int, ...] = SIZES, workers: int = 2) -> list[Peak]:
    """Peak memory for each size, each in a fresh process."""
    with tempfile.TemporaryDirectory(prefix="sercourse-memory-") as folder:
        audio = Path(folder) / "noise.wav"
        _write_noise(audio, max(sizes))
        return [_measure_one(audio, size, workers, Path(folder) / f"store-{size}") for size in sizes]


def _write_noise(path: Path, utterances: int) -> None:
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", 16_000, 1, subtype="PCM_16") as file:
        for _ in range(0, utterances, 500):
            file.write(0.1 * rng.standard_normal(int(500 * SECONDS * 16_000)).astype(np.float32))


def _measure_one(audio: Path, utterances: int, workers: int, store: Path) -> Peak:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    begun = time.perf_counter()
    process = context.Process(target=_extract, args=(audio, utterances, workers, store, queue))
    process.start()
    with Watch(tree(process.pid)) as watch:
        process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"extracting {utterances} utterances failed with exit code {process.exitcode}")
    (peaks,) = watch.peaks
    return Peak(utterances, (peaks.pss or peaks.rss) / 1e6, time.perf_counter() - begun, queue.get())


def _extract(audio: Path, utterances: int, workers: int, store: Path, queue: multiprocessing.Queue) -> None:
    import pandas as pd
    from joblib.externals.loky import get_reusable_executor

    from sercourse.corpora.table import make_table
    from sercourse.features.extract import extract
    from sercourse.features.store import FeatureStore

    start = np.arange(utterances) * SECONDS
    rows = pd.DataFrame(
        {
            "utterance_id": [f"noise/{i:06d}" for i in range(utterances)],
            "path": str(audio),
            "start": start,
            "end": start + SECONDS,
        }
    )
    features = extract(make_table(rows, "noise"), FEATURE, store=FeatureStore(store), workers=workers, progress=False)
    get_reusable_executor().shutdown()  # idle workers would keep this process alive for minutes
    queue.put(sum(1 for _ in store.rglob("*.npy")) if len(features) == utterances else -1)


def table(peaks: list[Peak]) -> Table:
    """The measurements as a table, each peak beside the smallest size's."""
    shown = Table("utterances", "peak memory", "of the first", "seconds", "stored", title="Streaming through the store")
    for peak in peaks:
        ratio = peak.peak_mb / peaks[0].peak_mb
        shown.add_row(
            f"{peak.utterances:,}", f"{peak.peak_mb:.0f} MB", f"{ratio:.2f}x", f"{peak.seconds:.0f}", f"{peak.stored:,}"
        )
    return shown


def as_json(peaks: list[Peak]) -> list[dict]:
    """The measurements as plain dictionaries."""
    return [asdict(peak) for peak in peaks]
