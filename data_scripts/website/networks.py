"""For the model cards: how large networks are, counted by building them, and what was measured of them."""

from __future__ import annotations

import json
from dataclasses import replace

import torch
from transformers import Wav2Vec2Config

from benchmarks.networks import SHAPES
from data_scripts.website.markdown import NOT_RUN, table
from data_scripts.website.measured import conditions, rows_of, stored, strongest
from sercourse.corpora.cards import card
from sercourse.losses.ctc import ENGLISH
from sercourse.models.multitask import MAIN
from sercourse.paths import MINI_WEIGHTS
from sercourse.training.recipes import recipe
from sercourse.training.recipes.mtap import SPECTROGRAM
from sercourse.training.settings import PROFILES, Settings

CLASSES: dict[str, list[str]] = {
    MAIN: sorted(card("emodb").emotions),
    "gender": ["female", "male"],
    "noise": ["none", "white", "pink", "babble", "factory"],
    "language": ["de", "en", "pl"],
    "speaker": [str(number) for number in range(card("emodb").speakers)],
    "text": list(ENGLISH),
}
"""Classes that the counted networks tell apart: emotions and speakers of EMO-DB, the rest as in the chapters."""

MEASURED: dict[str, tuple[tuple[str, str], ...]] = {
    "emotion_autoencoder": (
        ("emotion_autoencoder/table4", "AE+EE,IN"),
        ("emotion_autoencoder/steps", "all that helps"),
        ("emotion_autoencoder/steps", "all that helps, read from the spectrum too"),
    ),
    "asp_mtl": (("asp_mtl/table9", "both models"), ("asp_mtl/table3", "model 2 alone")),
    "mtlser": (
        ("mtlser/words", "unseen speakers"),
        ("mtlser/tasks", "emotion and words"),
        ("mtlser/table4", "all three"),
    ),
    "mtap": (("mtap/table1", "apfl"), ("mtap/table1", "normalised"), ("mtap/table6", "all three, APFL")),
    "msfl": (("msfl/languages", "MSFL, GradNorm"), ("msfl/left_out", "MSFL, GradNorm")),
}
"""Per chapter the artifacts, and the rows of them, that its card shows."""


def parameters(chapter: str, settings: Settings) -> int:
    """Trainable and frozen parameters of a chapter's network, built without memory for its weights.

    Args:
        chapter: e.g. ``mtap``.
        settings: its sizes.
    """
    if chapter == "mtap":  # sizes do not depend on what the weights begin with
        settings = replace(settings, model=replace(settings.model, imagenet=False))
    with torch.device("meta"):
        network = recipe(chapter).empty_model(_about(chapter, settings), settings)
    return sum(one.numel() for one in network.parameters())


def sizes(chapter: str) -> str:
    """A row per profile: parameters, features, epochs, batch."""
    rows = []
    plan = recipe(chapter)
    for profile in PROFILES:
        settings = plan.profiles[profile]
        count, loop, takes = parameters(chapter, settings), settings.loop, ", ".join(plan.features(settings))
        size = f"{count / 1e6:.1f} million" if count >= 1e6 else f"{round(count, -2):,}".replace(",", " ")
        rows.append((profile, size, takes, loop.epochs, loop.batch_size))
    return table(("profile", "parameters", "input", "epochs", "batch"), rows)


def measured(chapter: str) -> str:
    """What the card's rows reached, each beside the strongest machine of the same folds."""
    rows = []
    for artifact, row in MEASURED[chapter]:
        link = f"[`{artifact}`](#artifact-{artifact.replace('/', '-')})"
        found = [(one, rows_of(one)) for one in stored(artifact)]
        there = [(one, figures) for one, figures in found if row in figures]
        rows += [
            (link, row, conditions(one), _figures(figures[row]), _machines(figures)) for one, figures in there
        ] or [(link, row, "", NOT_RUN, "")]
    return table(("table", "row", "corpus, protocol, profile", "measured", "strongest SVM, same folds"), rows)


def _figures(columns: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in columns.items() if not name.startswith("above"))


def _machines(figures: dict[str, dict[str, str]]) -> str:
    columns = dict.fromkeys(column for row in figures.values() for column in row if not column.startswith("above"))
    told = {column: strongest(figures, column) for column in columns}
    return "; ".join(f"{column} {value}" for column, value in told.items() if value) or "–"


def _about(chapter: str, settings: Settings) -> dict:
    """What the recipe's ``empty_model`` needs to know."""
    plan = recipe(chapter)
    classes = {task: CLASSES[task] for task in plan.labels(settings)}
    width = sum(SHAPES[name][-1] for name in plan.features(settings) if name in SHAPES)
    if chapter == "emotion_autoencoder":
        bins = SHAPES["logmag"][-1]
        return {"bins": bins, "functionals": width - bins, "emotions": CLASSES[MAIN]}
    if chapter == "mtlser":
        own = settings.model.backbone == "mini"
        config = json.loads((MINI_WEIGHTS / "config.json").read_text("utf-8")) if own else Wav2Vec2Config().to_dict()
        return {
            "classes": classes | {"text": CLASSES["text"]},
            "encoder": {"config": config, "normalise": False},
        }
    if chapter == "mtap":
        images = {"image": settings.data.bins} if SPECTROGRAM in plan.features(settings) else {}
        return {"sizes": images, "classes": classes}
    return {"inputs": width, "classes": classes}
