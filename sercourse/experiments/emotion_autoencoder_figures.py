"""Chapter 02's figures 6 and 7: t-SNE of the decoder's states, and of the latent beside them.

The paper calls its figures maps of the emotion embedding. An embedding depends on the label alone, so each layer would
have as many points as emotions; the clouds can only be states of the decoder GIVEN the true label. That they fall apart
by emotion shows that the decoder was told, not that anything was recognised. To see it, the same utterances are decoded
with shuffled labels here: the states then group by the label that was TOLD. The latent is told nothing; its map is
evidence.

Source: Zhang and Xue, figures 6 and 7.
Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.experiments.cells import Bench, save_figure
from sercourse.experiments.emotion_autoencoder import CHAPTER
from sercourse.explain.maps import layer_maps, silhouette
from sercourse.features.extract import Features, extract
from sercourse.models.emotion_autoencoder import EmotionAutoencoder
from sercourse.training.networks import load_or_train
from sercourse.training.predict import load_network
from sercourse.training.protocols import Protocol
from sercourse.training.recipes.emotion_autoencoder import SPECTROGRAM

PROTOCOLS = {"figure6": "kfold-10", "figure7": "loso"}
PAPER_CORPUS = "iemocap"
NOTE = "The states were told the label, so that they fall apart by it shows nothing; the latent was not."
"""What a reader of the maps must know."""

FEWEST = 4
"""Utterances of which a map can be drawn."""


def decoder_states(bench: Bench, name: str) -> dict:
    """Maps of the test utterances of the first fold, as a picture and as silhouette scores.

    Args:
        bench: how to measure; its corpus replaces the paper's IEMOCAP.
        name: "figure6" (10 folds) or "figure7" (one speaker left out).

    Returns:
        ``silhouette``: of the latent by true emotion; per embedding layer of the states given the true emotion (by that
        emotion), and given shuffled ones (by the shuffled, and by the true ones).

    Raises:
        UserError: the corpus is not at hand, or the picture cannot be written.
    """
    bench = replace(bench, corpus=bench.corpus or PAPER_CORPUS, repeats=1)
    config = bench.config(CHAPTER, PROTOCOLS[name], fold=0)
    run = load_or_train(config, jobs=bench.jobs, progress=bench.console is not None)
    fold = Protocol.from_json(run.protocol["repeats"][0]).folds[0]
    model = load_network(run.folder, 0)
    table = corpora.load(config.corpus).loc[list(fold.test)]
    spectrograms = extract(table, SPECTROGRAM, progress=False)
    table = table.loc[list(spectrograms)]
    if len(table) < FEWEST:
        raise UserError(f"{CHAPTER}/{name}: fold '{fold.name}' tests {len(table)} utterances; a map needs {FEWEST}.")
    told = np.array([model.classes["emotion"].index(emotion) for emotion in table["emotion"]])
    shuffled = np.random.default_rng(bench.seed).permutation(told)
    latent = latents(model, spectrograms, table)
    given_true, given_shuffled = (states(model, spectrograms, table, labels) for labels in (told, shuffled))
    true = table["emotion"].to_numpy(dtype=str)
    wrong = np.array(model.classes["emotion"])[shuffled]
    scores = {
        "latent, by true emotion": _score(latent, true),
        "states told the truth, by true emotion": [_score(layer, true) for layer in given_true],
        "states told shuffled labels, by the label told": [_score(layer, wrong) for layer in given_shuffled],
        "states told shuffled labels, by true emotion": [_score(layer, true) for layer in given_shuffled],
    }
    if bench.figure is not None:
        told_wrongly = given_shuffled, table.assign(emotion=wrong)
        title = f"above: told the true emotion; below: told shuffled ones (colour: the one told)\n{NOTE}"
        picture = layer_maps(given_true, table, latent=latent, control=told_wrongly, seed=bench.seed, title=title)
        save_figure(picture, bench.figure)
    if bench.console is not None:
        bench.say(NOTE)
        for title, score in scores.items():
            shown = " ".join("–" if value is None else f"{value:.2f}" for value in np.atleast_1d(score))
            bench.console.print(f"silhouette of {title}: {shown}", soft_wrap=True)
    asked = {"corpus": config.corpus, "protocol": config.protocol, "profile": config.profile, "seed": bench.seed}
    return {
        "artifact": f"{CHAPTER}/{name}", **asked, "fold": fold.name, "utterances": len(table), "silhouette": scores,
        "note": NOTE, "run": run.folder.name,
    }  # fmt: skip


def _score(vectors: np.ndarray, labels: Sequence[str]) -> float | None:
    """The silhouette; ``None`` where the labels do not allow one."""
    score = silhouette(vectors, labels)
    return None if np.isnan(score) else score


@torch.inference_mode()
def latents(model: EmotionAutoencoder, spectrograms: Features, table: pd.DataFrame) -> np.ndarray:
    """The attended latent of whole utterances, ``(N, C)``; no label is involved."""
    rows = []
    for utterance_id in table.index:
        spectrogram = torch.from_numpy(spectrograms[utterance_id])[None]
        frames = torch.tensor([spectrogram.shape[1]])
        latent, mask, _ = model.encoder(model.scale_spectrogram(spectrogram), frames)
        rows.append(model.attention(latent.transpose(1, 2), mask)[0][0])
    return torch.stack(rows).numpy()


def states(
    model: EmotionAutoencoder, spectrograms: Features, table: pd.DataFrame, told: np.ndarray
) -> list[np.ndarray]:
    """The decoder's states at its five embedding layers, averaged over time.

    Args:
        model: a trained network.
        spectrograms: of the utterances.
        table: the utterances.
        told: the class index that the decoder is told for each of them.

    Returns:
        Five arrays ``(N, C)``.
    """
    layers: list[list[Tensor]] = [[] for _ in range(5)]
    for utterance_id, label in zip(table.index, told, strict=True):
        _, found = model.restore(torch.from_numpy(spectrograms[utterance_id]), int(label))
        for layer, state in zip(layers, found, strict=True):
            layer.append(state.mean(-1))  # (C,)
    return [torch.stack(layer).numpy() for layer in layers]
