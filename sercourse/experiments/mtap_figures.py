"""Chapter 05's figures 4 and 5: t-SNE of what the heads judge, by distance and by angle.

The paper shows figure 4 in Euclidean and in angular space, figure 5 in the first alone. A loss of cosines sees angles
only, so its map by distance also shows lengths that mean nothing to it.

The paper does not name figure 5's loss settings; here all its rows have those of table 6's three modalities.

Source: Wen et al. 2023, figures 4 and 5.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sercourse.experiments.cells import Bench, save_figure
from sercourse.experiments.mtap import (
    BRANCHES,
    CHAPTER,
    WHOLE,
    best_of,
    borrowed_from,
    image_length,
    loss_changes,
    protocol_of,
    with_encoders,
)
from sercourse.experiments.mtap_part import IEMOCAP, as_in_the_paper, is_iemocap, notes, utterances
from sercourse.explain.layers import outputs_of
from sercourse.explain.maps import METRICS, emotion_map, silhouette, tsne
from sercourse.training.networks import load_or_train
from sercourse.training.predict import Network
from sercourse.training.protocols import Protocol

LOSSES = ("softmax", "focal", "arcface", "apfl")
FUSED = tuple(change for change in WHOLE["all three, APFL"] if "=" in change)
"""The loss of three modalities in table 6, with its gamma and margin."""

SHOWN = ("image", "image and text", "image and audio", "all three")


def maps(bench: Bench, name: str) -> dict:
    """Maps of the first fold's test utterances, as a picture and as silhouettes by true emotion.

    Args:
        bench: how to measure; ``bench.figure`` is where the picture goes.
        name: "figure4" (four losses on the spectrogram) or "figure5" (APFL on one, two, three modalities, with the
            gamma and the margin of table 6's three modalities, for the paper does not name this figure's).

    Returns:
        ``silhouette``: per row and metric; ``ua``: of the fold, per row; ``notes``: what must be known of them.
    """
    bench = replace(bench, corpus=bench.corpus or IEMOCAP, repeats=1)
    protocol = protocol_of(bench.corpus)
    if name == "figure4":
        paper, borrowed = best_of("table3" if is_iemocap(bench.corpus) else "table1", bench.corpus)
        rows = {loss: loss_changes(loss, paper) for loss in LOSSES}
    else:
        borrowed = [] if is_iemocap(bench.corpus) else [borrowed_from(IEMOCAP)]
        rows = {row: (*FUSED, *with_encoders(bench, BRANCHES[row])) for row in SHOWN}
    vectors, shown, scores, accuracy = {}, {}, {}, {}
    bench, table = as_in_the_paper(bench), utterances(bench.corpus)
    for row, changes in rows.items():
        config = bench.config(CHAPTER, protocol, (*changes, *image_length(bench)), fold=0)
        run = load_or_train(config, table=table, jobs=bench.jobs, progress=bench.console is not None)
        tested = table.loc[list(Protocol.from_json(run.protocol["repeats"][0]).folds[0].test)]
        vectors[row], tested = outputs_of(Network.load(run.folder), "fused", tested)
        shown[row] = tested
        scores[row] = {metric: silhouette(vectors[row], tested["emotion"], metric=metric) for metric in METRICS}
        accuracy[row] = run.summary["ua"]
        bench.say(f"{row}: silhouette " + ", ".join(f"{value:.2f} ({metric})" for metric, value in scores[row].items()))
    if bench.figure is not None:
        save_figure(picture(vectors, shown, bench.seed), bench.figure)
    told = [*notes(bench, protocol, printed=False), *borrowed]
    for sentence in told:
        bench.say(sentence)
    found = {"utterances": len(tested), "silhouette": scores, "ua": accuracy, "notes": told}
    return bench.about(f"{CHAPTER}/{name}", protocol) | found


def picture(vectors: dict[str, np.ndarray], tables: dict[str, pd.DataFrame], seed: int) -> Figure:
    """A row of maps by distance and one by angle."""
    size = 2.4 * len(vectors) + 1.5, 5.2
    figure, axes = plt.subplots(len(METRICS), len(vectors), figsize=size, layout="constrained", dpi=80)
    for metric, line in zip(METRICS, axes, strict=True):
        for number, (ax, (row, points)) in enumerate(zip(line, vectors.items(), strict=True), start=1):
            plane = tsne(points, seed=seed, metric=metric)
            emotion_map(plane, tables[row], ax, title=f"{row}, {metric}", legend=number == len(vectors))
    return figure
