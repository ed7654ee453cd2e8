"""Training steps of MTLSER, the plain way of the released code and ours, side by side in one run.

Run: ``python -m benchmarks.mtlser [--utterances N] [--threads N] [--rounds N] [--compile] [--json FILE]`` (minutes).

The same network both times: wav2vec2-base in size, random weights, frozen convolutions, three heads, the same losses,
dropout and SpecAugment; layers are never dropped, so that every step does the same work. The plain way takes random
batches of 2, padded to the longest, in fp32, and steps after 4 of them. Ours is reached by switching on one thing after
another. Lengths are spread over EMO-DB where ``SERCOURSE_DATA`` has it, else over the default corpus; the sound is
noise, which changes no time. Each way is measured in a process of its own.

The share of the chip's peak: multiply-adds that the utterances ask for, in a second, over those of the best large
product of two square matrices in the same precision and process. What learns is computed three times (forward, and
twice backward), frozen convolutions once, stored ones not at all; padding, recomputation and the heads (under 0.1 %)
do not count.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from transformers import AutoModel, PretrainedConfig

from benchmarks.mtlser_ways import (
    BATCH,
    BUCKETS,
    CACHED,
    CHECKPOINTING,
    CLASSES,
    COMPILED,
    KERNELS,
    OURS,
    PADDED,
    PLAIN,
    SIZES,
    Way,
    build,
    made_up,
)
from sercourse import corpora
from sercourse.errors import CorpusError
from sercourse.layers.waveform_convolution import WaveformConvolutions
from sercourse.losses.balancing import FixedWeights
from sercourse.models.mtlser_config import MtlserConfig
from sercourse.models.multitask import Batch
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.training.batches import BucketBatches, collate, loader
from sercourse.training.convolved import convolved
from sercourse.training.cost import encoder_multiply_adds, latency
from sercourse.training.crops import utterance_seconds
from sercourse.training.devices import make_fabric, peak_memory_mb, prepare_process, share_of_cores
from sercourse.training.loop import train_one_epoch
from sercourse.training.runs import write_json
from sercourse.training.settings import LoopConfig

UTTERANCES = 24
TOLERANCE = 1e-4
"""Largest relative deviation between the losses of both networks that counts as equal."""


def run(
    utterances: int = UTTERANCES, *, threads: int | None = None, rounds: int = 1, compiled: bool = False,
    sizes: PretrainedConfig = SIZES, lengths: Sequence[int] | None = None, isolated: bool = True,
) -> dict:  # fmt: skip
    """All ways, as one dictionary fit for JSON.

    Args:
        utterances: so many per measurement, of lengths spread over a corpus.
        threads: of the processor; ``None``: all cores, or ``OMP_NUM_THREADS``.
        rounds: every way is measured so often, in turns; its fastest round counts.
        compiled: measure torch.compile, too.
        sizes: of the network.
        lengths: samples of every utterance instead of a corpus's.
        isolated: each measurement in a process of its own, without which memory tells nothing.
    """
    corpus, lengths = ("given", list(lengths)) if lengths is not None else corpus_lengths(utterances)
    threads = threads or share_of_cores(1)
    ways = [PLAIN, BUCKETS, BATCH, KERNELS, OURS, *([COMPILED] if compiled else []), CHECKPOINTING, CACHED]
    found: dict[str, list[dict]] = {way.name: [] for way in ways}
    for way in track(ways * rounds, "training steps", transient=True):
        found[way.name].append(_call(isolated, _measure, way, sizes, lengths, threads))
    rows = [asdict(way) | min(found[way.name], key=lambda row: row["seconds"]) for way in ways]
    speed = {row["name"]: row["utterances_per_second"] for row in rows}
    for row in rows:
        row["ratio"] = row["utterances_per_second"] / speed[PLAIN.name]
        row["gain"] = row["utterances_per_second"] / speed[row["after"]]
    return {
        "corpus": corpus, "utterances": len(lengths), "audio_seconds": sum(lengths) / SAMPLE_RATE, "threads": threads,
        "rounds": rounds, "ways": rows, "ratio": speed[OURS.name] / speed[PLAIN.name],
        "ratio_stored": speed[CACHED.name] / speed[PLAIN.name],
        "agreement": _call(isolated, _compare, sizes, int(np.median(lengths)), threads),
    }  # fmt: skip


def corpus_lengths(utterances: int) -> tuple[str, list[int]]:
    """Samples of utterances that are spread evenly over a corpus's lengths, in random order."""
    try:
        name, table = "emodb", corpora.load("emodb")
    except CorpusError:
        name, table = "synthetic", corpora.load("synthetic")
    seconds = utterance_seconds(table).to_numpy()
    spread = np.quantile(seconds, (np.arange(utterances) + 0.5) / utterances)
    return name, np.random.default_rng(0).permutation((spread * SAMPLE_RATE).astype(int)).tolist()


def _call(isolated: bool, function: Callable[..., dict], *arguments: object) -> dict:
    if not isolated:
        return function(*arguments)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def _measure(way: Way, sizes: PretrainedConfig, lengths: list[int], threads: int) -> dict:
    prepare_process(threads)
    fabric = make_fabric(LoopConfig(precision=way.precision))
    network, items = build(way, sizes), made_up(lengths)
    if way.cached:
        frames = [convolved(network.encoder, item["audio"]) for item in items]
        items = [item | {"audio": x, "length": len(x)} for item, x in zip(items, frames)]
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-5)
    model, optimiser = fabric.setup(network, optimiser)
    sorted_by = lengths if way.buckets else [0] * len(lengths)  # equal ones stay in random order
    plan = list(BucketBatches(sorted_by, way.batch, np.random.default_rng(0)))

    def steps(batches: list[list[int]]) -> None:
        prepared = fabric.setup_dataloaders(loader(items, batches, PADDED), use_distributed_sampler=False)
        balancer = FixedWeights(MtlserConfig().weights)
        train_one_epoch(fabric, model, balancer, optimiser, prepared, accumulate=way.accumulate)

    steps(plan if way.compiled else [min(plan, key=lambda batch: max(lengths[i] for i in batch))])  # warms up
    begun = time.perf_counter()
    steps(plan)
    seconds = time.perf_counter() - begun
    on_gpu = fabric.device.type == "cuda"
    peak = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else peak_memory_mb()
    work = sum(_asked_for(sizes, samples, cached=way.cached) for samples in lengths) / seconds
    chip = _best_product(fabric.device, way.precision)
    computed = sum(len(batch) * max(lengths[i] for i in batch) for batch in plan)
    return {
        "seconds": seconds, "utterances_per_second": len(lengths) / seconds, "padding": 1 - sum(lengths) / computed,
        "peak_mb": peak, "multiply_adds_per_second": work, "chip_multiply_adds_per_second": chip,
        "share_of_peak": work / chip, "device": torch.cuda.get_device_name() if on_gpu else "cpu",
    }  # fmt: skip


def _asked_for(sizes: PretrainedConfig, samples: int, *, cached: bool) -> int:
    """Multiply-adds of a training step for one utterance, by the rule at the top."""
    parts = encoder_multiply_adds(sizes, samples)
    frozen = parts.pop("convolutions")
    return (0 if cached else frozen) + 3 * sum(parts.values())


def _best_product(device: torch.device, precision: str) -> float:
    """Multiply-adds a second of the fastest of some products of two large square matrices."""
    side = 8192 if device.type == "cuda" else 2048
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return side**3 / min(latency(lambda: a @ b, repeats=1, warm_up=0).median for _ in range(6))


@torch.inference_mode()
def _compare(sizes: PretrainedConfig, samples: int, threads: int) -> dict:
    """Losses of both networks on two utterances of one length, and their convolutions alone.

    Between padding, the losses are meant to differ: the plain network takes it for speech.
    """
    prepare_process(threads)
    batch = collate(made_up([samples] * 2), PADDED)
    losses = []
    for way in (PLAIN, KERNELS):
        model = build(way, sizes).eval()
        losses.append({task: float(loss) for task, loss in model.losses(model(batch), batch).items()})
    deviation = max(abs(losses[1][task] / losses[0][task] - 1) for task in CLASSES)
    convolutions = {norm: _convolutions(sizes, norm, batch) for norm in ("group", "layer")}
    return {
        "plain": losses[0], "ours": losses[1], "deviation": deviation, "equal": deviation <= TOLERANCE,
        "convolutions": convolutions,
    }  # fmt: skip


def _convolutions(sizes: PretrainedConfig, norm: str, batch: Batch) -> dict:
    """Seconds of the published convolutions and ours for one utterance in fp32, in turns; the fastest count."""
    only = type(sizes)(**{**sizes.to_dict(), "feat_extract_norm": norm, "num_hidden_layers": 1})
    published = AutoModel.from_config(only).eval().feature_extractor
    mine = WaveformConvolutions(published)
    audio, length = batch["audio"][:1], batch["length"][:1]
    turns = [
        [latency(call, repeats=1, warm_up=0).median for call in (lambda: published(audio), lambda: mine(audio, length))]
        for _ in range(10)
    ]
    theirs, ours = np.min(turns, axis=0).tolist()
    return {"published_seconds": theirs, "ours_seconds": ours, "ratio": theirs / ours}


def table(result: dict) -> Table:
    """The ways of :func:`run` as a table."""
    title = (
        f"MTLSER, training steps: {result['utterances']} utterances as long as {result['corpus']}'s,"
        f" {result['threads']} threads"
    )
    columns = ("", "switched on in", "utterances/s", "of the plain way", "gain", "peak MB", "padding", "of chip's peak")
    shown = Table(*columns, title=title)
    for row in result["ways"]:
        peak = "?" if row["peak_mb"] is None else f"{row['peak_mb']:.0f}"
        shown.add_row(
            row["name"], "" if row["name"] == row["after"] else row["after"], f"{row['utterances_per_second']:.2f}",
            f"{row['ratio']:.2f}x", f"{row['gain']:.2f}x", peak, f"{row['padding']:.0%}",
            f"{row['share_of_peak']:.0%} ({row['precision']})",
        )  # fmt: skip
    return shown


def agreement(result: dict) -> str:
    """The two figures of :func:`run`, and whether both networks agree, in sentences."""
    same = result["agreement"]
    alone = "; ".join(
        f"behind {norm} norm {part['ours_seconds']:.3f} s, the published ones {part['published_seconds']:.3f} s"
        f" ({part['ratio']:.2f}x)"
        for norm, part in same["convolutions"].items()
    )
    return (
        f"Ours is {result['ratio']:.2f} times as fast as the plain way, with stored convolutions"
        f" {result['ratio_stored']:.2f} times.\n"
        f"The convolutions alone, one utterance in fp32: {alone}.\n"
        f"Losses of both networks on the same batch differ by {same['deviation']:.1e} at most (relative),"
        f" {TOLERANCE:.0e} is allowed."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print and, with ``--json``, write; 1 where both networks' losses differ on the same batch."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mtlser", description=__doc__.splitlines()[0])
    parser.add_argument("--utterances", type=int, default=UTTERANCES, help="per measurement (%(default)s)")
    parser.add_argument("--threads", type=int, help="of the processor (all cores, or OMP_NUM_THREADS)")
    parser.add_argument("--rounds", type=int, default=1, help="the fastest counts (%(default)s)")
    parser.add_argument("--compile", action="store_true", help="measure torch.compile, too")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    result = run(options.utterances, threads=options.threads, rounds=options.rounds, compiled=options.compile)
    console = Console()
    console.print(table(result))
    console.print(agreement(result), highlight=False)
    if options.json:
        write_json(options.json, result)
    return 0 if result["agreement"]["equal"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
