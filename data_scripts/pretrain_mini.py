"""Pretrain the small wav2vec2 that ships with sercourse: ``python data_scripts/pretrain_mini.py --to FOLDER``.

It makes a crowd of synthetic voices (about five hours), measures their mel spectra, pitch, energy and openSMILE
functionals, and trains on them without any label; nothing is downloaded. A killed run goes on after its last whole
epoch. ``--set key=value`` changes a size or a weight: ``frames_weight=0 functionals_weight=0`` is wav2vec 2.0 alone.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

if not __package__:  # started as a file: let the imports below find the repository
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import pandas as pd
import torch
from torch.optim.lr_scheduler import LambdaLR

from sercourse.corpora.synthetic.crowd import VERSION, make_crowd
from sercourse.errors import UserError
from sercourse.features.extract import extract
from sercourse.losses.balancing import FixedWeights
from sercourse.models.wav2vec_pretraining import PretrainingConfig, Wav2vecPretraining
from sercourse.paths import cache_dir
from sercourse.progress import progress_bar
from sercourse.signal.noise import NOISES, mix
from sercourse.training.batches import BucketBatches, EvaluationSet, Examples, Item, TrainingSet, loader
from sercourse.training.devices import make_fabric, prepare_process
from sercourse.training.journal import Journal
from sercourse.training.loop import train_one_epoch
from sercourse.training.recipes.base import FeatureMaps, frame_statistics
from sercourse.training.recipes.vectors import joined_functionals, vector_statistics
from sercourse.training.seeds import Purpose, seed_everything
from sercourse.training.settings import LoopConfig, Settings
from sercourse.training.state import Learners, load_state, save_state

FUNCTIONALS: tuple[str, ...] = ("is10", "egemaps")
STATE = "state.safetensors"
FINE_TUNING_MASKS = 0.05
"""Share of frames that masks begin with where the weights are trained further (as in the published checkpoints)."""
RATE = "rises for a tenth of the steps, then falls to 0 in a straight line"
"""What the learning rate does; the loop's `schedule` has no part in it."""
HEEDED = (
    "epochs",
    "batch_size",
    "learning_rate",
    "betas",
    "weight_decay",
    "clip",
    "precision",
    "threads",
    "accelerator",
)
"""Settings of the loop that pretraining knows."""
HOP = 320
"""Samples from frame to frame of wav2vec2."""
EXTREME = 4.0
"""Targets are cut to so many standard deviations."""


@dataclass(frozen=True)
class CrowdConfig:
    """What is spoken, and how it is disturbed."""

    voices: int = 300
    """Speakers; the last tenth is for validation."""
    utterances: int = 16
    """Of each."""
    seconds: float = 4.0
    """Longest stretch that is heard; the functionals stay those of the whole utterance."""
    noisy: float = 0.5
    """Share of the draws that get noise; what is to be told of them stays that of the clean recording."""
    quietest_noise: float = 30.0
    """Highest SNR, dB; the lowest is 0."""


_LOOP = LoopConfig(
    epochs=8, batch_size=12, learning_rate=1e-3, betas=(0.9, 0.98), weight_decay=0.01, clip=1.0, select="last",
    precision="bf16",
)  # fmt: skip

PROFILES: dict[str, Settings] = {
    "quick": Settings(
        replace(_LOOP, epochs=1, batch_size=4, precision="fp32"),
        CrowdConfig(voices=10, utterances=2),
        PretrainingConfig(hidden=32, layers=2, heads=2, channels=(16,) * 7, codes=8, negatives=5),
    ),
    "paper": Settings(_LOOP, CrowdConfig(), PretrainingConfig()),
}


@dataclass
class Crowd(Examples):
    """Utterances with their targets.

    Args:
        features: waveform, logmel, prosody and the functionals.
        config: how they are cut and disturbed.
        frame_scale, vector_scale: mean and standard deviation of the targets.
    """

    features: FeatureMaps
    config: CrowdConfig
    frame_scale: tuple[np.ndarray, np.ndarray]
    vector_scale: tuple[np.ndarray, np.ndarray]
    padded: tuple[str, ...] = ("waveforms", "frames")
    labels: tuple[str, ...] = ()
    _kept: dict[str, Item] = field(default_factory=dict)

    def length(self, utterance_id: str) -> int:
        return min(len(self._whole(utterance_id)["waveforms"]), self._longest)

    def training_item(self, utterance_id: str, rng: np.random.Generator) -> Item:
        whole = self._whole(utterance_id)
        room = max(len(whole["waveforms"]) - self._longest, 0) // HOP
        item = self._stretch(whole, int(rng.integers(room + 1)))
        if rng.random() < self.config.noisy:
            speech = item["waveforms"]
            noise = NOISES[str(rng.choice(list(NOISES)))](len(speech), rng)
            item["waveforms"] = mix(speech, noise, rng.uniform(0, self.config.quietest_noise), over="whole").noisy
        return item

    def evaluation_items(self, utterance_id: str) -> list[Item]:
        return [self._stretch(self._whole(utterance_id), 0)]

    @property
    def _longest(self) -> int:
        return int(self.config.seconds * 16_000)

    def _stretch(self, item: Item, first: int) -> Item:
        """From the frame ``first`` of wav2vec2 on."""
        waveforms = item["waveforms"][first * HOP :][: self._longest]
        frames = item["frames"][first:][: self._longest // HOP]
        return item | {"waveforms": waveforms, "frames": frames, "length": len(waveforms)}

    def _whole(self, utterance_id: str) -> Item:
        if utterance_id not in self._kept:
            waveform = np.asarray(self.features["waveform"][utterance_id])
            vector = joined_functionals(self.features, utterance_id, FUNCTIONALS)
            self._kept[utterance_id] = {
                "waveforms": waveform,
                "frames": _scaled(frame_targets(self.features, utterance_id), self.frame_scale),
                "functionals": _scaled(vector, self.vector_scale),
            }
        return self._kept[utterance_id]


def frame_targets(features: FeatureMaps, utterance_id: str) -> np.ndarray:
    """Mel bands, log pitch (0: unvoiced), voicing, zero-crossing rate, energy in dB; one row per frame of wav2vec2.

    Its frame ``t`` is centred on sample ``320 t + 200``, the nearest frame of ours on ``320 t + 160``.
    """
    pitch, crossings, energy = np.asarray(features["prosody"][utterance_id]).T
    voiced = pitch > 0
    tracks = [np.log(np.where(voiced, pitch, 1.0)), voiced, crossings, 10 * np.log10(np.maximum(energy, 1e-10))]
    frames = np.concatenate([np.asarray(features["logmel"][utterance_id]), np.stack(tracks, axis=1)], axis=1)
    return frames[1::2].astype(np.float32)


def _scaled(values: np.ndarray, scale: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    mean, spread = scale
    return np.clip((values - mean) / np.maximum(spread, 1e-6), -EXTREME, EXTREME).astype(np.float32)


def material(config: CrowdConfig, seed: int) -> tuple[pd.DataFrame, FeatureMaps]:
    """The crowd's table, and its features."""
    folder = cache_dir() / f"crowd-v{VERSION}-{config.voices}x{config.utterances}-seed{seed}"
    table = make_crowd(folder, voices=config.voices, utterances=config.utterances, seed=seed)
    return table, {name: extract(table, name) for name in ("waveform", "logmel", "prosody", *FUNCTIONALS)}


def pretrain(settings: Settings, folder: Path, seed: int = 0) -> Wav2vecPretraining:
    """Train, or go on after the last whole epoch; leaves curves, a state and the weights in ``folder``."""
    loop, data = settings.loop, settings.data
    prepare_process(loop.threads or torch.get_num_threads())
    table, features = material(data, seed)
    speakers = sorted(table["speaker"].unique())
    held_out = table["speaker"].isin(speakers[-max(len(speakers) // 10, 1) :])
    train, validation = list(table.index[~held_out]), list(table.index[held_out])
    mean, spread = (part.numpy() for part in vector_statistics(features, train, FUNCTIONALS))
    scale = frame_statistics(frame_targets(features, i) for i in train)
    examples = Crowd(features, data, scale, (mean, spread))
    fabric = make_fabric(loop)
    seed_everything(Purpose.WEIGHTS, seed)
    network = Wav2vecPretraining(len(scale[0]), len(mean), settings.model)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=loop.learning_rate, betas=loop.betas, weight_decay=loop.weight_decay
    )
    model, optimiser = fabric.setup(network, optimiser)
    steps = loop.epochs * -(-len(train) // loop.batch_size)
    # As RATE says.
    schedule = LambdaLR(optimiser.optimizer, lambda step: min(10 * step / steps, (1 - step / steps) / 0.9))
    learners = Learners(network, optimiser, FixedWeights(settings.model.weights).to(fabric.device), schedule)
    job = f"{settings.digest}-{seed}"
    progress = load_state(folder / STATE, learners, job)
    journal = Journal(folder, progress.epoch)
    lengths = [examples.length(i) for i in train]
    while progress.epoch < loop.epochs:
        begun, epoch = time.perf_counter(), progress.epoch
        seed_everything(Purpose.DROPOUT, seed, epoch)
        network.begin_epoch(epoch / loop.epochs)
        plan = BucketBatches(lengths, loop.batch_size, np.random.default_rng([Purpose.BATCHES, seed, epoch]))
        batches = loader(TrainingSet(examples, train, 1, seed, epoch), plan, examples.padded)
        with progress_bar() as bar:
            task = bar.add_task(f"epoch {epoch + 1} of {loop.epochs}", total=len(plan))
            losses = train_one_epoch(
                fabric, model, learners.balancer, optimiser, fabric.setup_dataloaders(batches),
                schedule=schedule, clip=loop.clip, on_batch=lambda task=task, bar=bar: bar.advance(task),
            )  # fmt: skip
        row = {"epoch": epoch + 1} | {f"train_{name}": loss for name, loss in losses.items()}
        row |= {f"validation_{name}": loss for name, loss in validate(fabric, model, examples, validation).items()}
        progress.curves.append(row | {"seconds": time.perf_counter() - begun})
        progress.epoch += 1
        journal.write(progress.curves)
        save_state(folder / STATE, learners, progress, job)
        print(" ".join(f"{name}={value:.4g}" for name, value in progress.curves[-1].items()), flush=True)
    journal.close()
    return network


@torch.no_grad()
def validate(fabric, model, examples: Crowd, ids: Sequence[str]) -> dict[str, float]:
    """Mean losses on speakers that are not trained on, and the codebook's perplexity; the masks are always the same."""
    model.eval()
    seed_everything(Purpose.DRAWS, 0)
    items = EvaluationSet(examples, ids, labelled=True)
    plan = BucketBatches([examples.length(i) for i in ids], 12, None)
    sums: dict[str, float] = {}
    for batch in fabric.setup_dataloaders(loader(items, plan, examples.padded)):
        outputs = model(batch)
        figures = model.losses(outputs, batch) | {"perplexity": outputs["perplexity"]}
        for name, value in figures.items():
            sums[name] = sums.get(name, 0.0) + float(value) * len(batch["length"])
    return {name: value / len(ids) for name, value in sums.items()}


def write_weights(network: Wav2vecPretraining, folder: Path, settings: Settings, seed: int) -> None:
    """The wav2vec2 with its quantiser, in half precision, as Hugging Face reads it; and what it was made with."""
    network.network.config.mask_time_prob = FINE_TUNING_MASKS
    network.network.half().save_pretrained(folder)
    about = {"do_normalize": False, "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1,
             "padding_side": "right", "padding_value": 0.0, "return_attention_mask": True,
             "sampling_rate": 16_000}  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    made = {"crowd": VERSION, "seed": seed, "rate": RATE, "settings": settings.to_json()}
    (folder / "pretraining.json").write_text(json.dumps(made, indent=1) + "\n", "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code: 0 done, 2 not done (one sentence says why), 130 interrupted."""
    parser = argparse.ArgumentParser(prog="pretrain_mini.py", description="Pretrain the small wav2vec2.")
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="where curves, state and weights go")
    parser.add_argument("--profile", choices=list(PROFILES), default="paper", help="quick: a try in a minute")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of voices, weights and draws")
    parser.add_argument("--fresh", action="store_true", help="begin anew, whatever lies there")
    options = parser.parse_args(arguments)
    try:
        settings = PROFILES[options.profile].changed(options.set)
        for name, value in asdict(settings.loop).items():
            if name not in HEEDED and value != getattr(PROFILES[options.profile].loop, name):
                raise UserError(f"--set {name}={value}: pretraining has no use for it; it knows {', '.join(HEEDED)}.")
        if options.fresh:
            shutil.rmtree(options.to, ignore_errors=True)
        network = pretrain(settings, options.to, options.seed)
        write_weights(network, options.to, settings, options.seed)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; the same command goes on after the last whole epoch.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
