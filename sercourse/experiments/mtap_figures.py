"""Chapter 05's figures 4 and 5: t-SNE of what the heads judge, by distance and by angle.

The paper shows figure 4 in Euclidean and in angular space, figure 5 in the first alone. A loss of cosines sees angles
only, so its map by distance also shows lengths that mean nothing to it.

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
    image_length,
    loss_changes,
    printed,
    protocol_of,
    with_encoders,
)
from sercourse.experiments.mtap_part import IEMOCAP, as_in_the_paper, utterances
from sercourse.explain.layers import outputs_of
from sercourse.explain.maps import METRICS, emotion_map, silhouette, tsne
from sercourse.training.networks import load_or_train
from sercourse.training.predict import Network
from sercourse.training.protocols import Protocol

LOSSES = ("softmax", "focal", "arcface", "apfl")
SHOWN = ("image", "image and text", "image and audio", "all three")


def maps(bench: Bench, name: str) -> dict:
    """Maps of the first fold's test utterances, as a picture and as silhouettes by true emotion.

    Args:
        bench: how to measure; ``bench.figure`` is where the picture goes.
        name: "figure4" (four losses on the spectrogram) or "figure5" (APFL on one, two, three modalities).

    Returns:
        ``silhouette``: per row and metric; ``ua``: of the fold, per row.
    """
    bench = replace(bench, corpus=bench.corpus or IEMOCAP, repeats=1)
    protocol = protocol_of(bench.corpus)
    paper = printed()["losses"]["table3" if bench.corpus == IEMOCAP else "table1"]
    paper = paper.get(bench.corpus) or next(iter(paper.values()))
    if name == "figure4":
        rows = {loss: loss_changes(loss, paper) for loss in LOSSES}
    else:
        rows = {row: with_encoders(bench, BRANCHES[row]) for row in SHOWN}
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
    found = {"utterances": len(tested), "silhouette": scores, "ua": accuracy}
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
