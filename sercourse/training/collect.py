"""Finished folds to a run: predictions joined by utterance id, figures, the run's files.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sercourse.errors import UserError
from sercourse.evaluation.metrics import ua, wa
from sercourse.evaluation.transcripts import error_rates
from sercourse.features.extract import Features
from sercourse.losses.ctc import collapsed
from sercourse.models.multitask import MAIN
from sercourse.training.alphabet import plain
from sercourse.training.baseline import predict_all
from sercourse.training.checkpoints import load_checkpoint
from sercourse.training.fit import RESULT, FoldJob
from sercourse.training.protocols import Protocol
from sercourse.training.runs import Run, write_run
from sercourse.training.summary import summarise
from sercourse.training.training_config import TrainingConfig

Listed = Sequence[tuple[int, str, FoldJob]]
"""Repeat, fold's name and job of every network of a run."""


def fold_predictions(listed: Listed, results: Sequence[Mapping[str, Tensor]]) -> pd.DataFrame:
    """Predictions of finished folds; members of a fold are averaged. Probabilities are kept of the main task.

    Args:
        listed: the networks.
        results: what each of them said, in the same order.
    """
    parts = []
    folds: dict[tuple[int, str], list[tuple[FoldJob, Mapping[str, Tensor]]]] = {}
    for (repeat, name, job), tensors in zip(listed, results, strict=True):
        folds.setdefault((repeat, name), []).append((job, tensors))
    for (repeat, name), members in folds.items():
        job = members[0][0]
        frame = pd.DataFrame({"utterance_id": list(job.test), "repeat": repeat, "fold": name})
        for task, classes in job.classes.items():
            if f"test.{task}" not in members[0][1]:
                continue
            if members[0][1][f"test.{task}"].dtype == torch.int16:  # a path: what the first member has written
                paths = members[0][1][f"test.{task}"]
                frame[f"predicted_{task}"] = [collapsed(path, classes) for path in paths]
                continue
            probabilities = np.mean([tensors[f"test.{task}"].numpy() for _, tensors in members], axis=0)  # (N, C)
            frame["predicted" if task == MAIN else f"predicted_{task}"] = np.array(classes)[probabilities.argmax(1)]
            if task == MAIN:
                frame = frame.join(pd.DataFrame(probabilities, columns=[f"p_{name}" for name in classes]))
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def _result(job: FoldJob) -> tuple[dict[str, Tensor], dict]:
    """A finished network's predictions.

    Raises:
        UserError: the file is damaged, or belongs to other utterances.
    """
    tensors, about = load_checkpoint(job.folder / RESULT)
    if about.get("job") != job.digest:
        raise UserError(f"{job.folder}: belongs to other utterances or settings; leave --resume out to begin anew.")
    return tensors, about


def _written(predictions: pd.DataFrame, task: str, listed: Listed, table: pd.DataFrame) -> dict:
    """Error rates of a task that writes: over all tested texts, over those said in training, and over the others."""
    taught = {(repeat, name): {plain(text) for text in table.loc[list(job.train), task].dropna()}
              for repeat, name, job in listed}  # fmt: skip
    said = [plain(text) if isinstance(text, str) else "" for text in predictions[task]]
    heard = predictions[f"predicted_{task}"].fillna("")
    rows = zip(predictions["repeat"], predictions["fold"], said, strict=True)
    known = np.array([text in taught[repeat, name] for repeat, name, text in rows])

    def rates(kept: np.ndarray) -> dict:
        return error_rates([t for t, keep in zip(said, kept) if keep], list(heard[kept]))

    return rates(np.ones(len(said), dtype=bool)) | {"seen_texts": rates(known), "unseen_texts": rates(~known)}


def _other_task(predictions: pd.DataFrame, task: str, listed: Listed) -> dict[str, float | int | None]:
    """WA and UA of a task beside the main one, over tested utterances whose class was shown in their fold's training.

    A speaker who is left out for the test, say, was in no training: there is nothing to be right about, and no figure.
    """
    taught = {(repeat, name): job.classes[task] for repeat, name, job in listed}
    rows = zip(predictions["repeat"], predictions["fold"], predictions[task], strict=True)
    judged = predictions[[isinstance(label, str) and label in taught[repeat, name] for repeat, name, label in rows]]
    if judged.empty:
        return {"wa": None, "ua": None, "n_test": 0}
    figures = {metric.__name__: metric(judged[task], judged[f"predicted_{task}"]) for metric in (wa, ua)}
    return figures | {"n_test": int(judged["utterance_id"].nunique())}


def collect(
    config: TrainingConfig,
    table: pd.DataFrame,
    protocols: Sequence[Protocol],
    listed: Listed,
    features: Mapping[str, Features],
    seconds: float,
) -> Run:
    """Predictions of all folds to figures and the run's files.

    Args:
        config: what was asked.
        table: the utterance table.
        protocols: one per repeat.
        listed: the networks, all of them done.
        features: by set.
        seconds: of this call, waiting included.
    """
    results, about = zip(*(_result(job) for *_, job in listed), strict=True)
    tasks = config.recipe.labels(config.settings)
    writing = list(dict.fromkeys(task for *_, job in listed for task in job.classes if task not in tasks))
    truth = table[list(dict.fromkeys((*tasks, *writing, "speaker", "gender")))]
    predictions = fold_predictions(listed, results).join(truth, on="utterance_id")
    spectrum = next(iter(features.values()))
    majority = predict_all(
        pd.DataFrame(0.0, index=pd.Index(list(spectrum), dtype="string"), columns=["none"]),
        table,
        protocols,
        "majority",
    )
    curves = [row for one in about for row in one["curves"]]
    skipped = {i: why for maps in features.values() for i, why in maps.skipped.items()}
    summary = {
        "corpus": config.corpus,
        "chapter": config.chapter,
        "features": "+".join(config.recipe.features(config.settings)),
        "classifier": config.chapter,
        "protocol": config.protocol,
        "unit": config.unit,
        "protocol_line": protocols[0].describe(),
        "profile": config.profile,
        "settings": config.settings.to_json(),
        "seed": config.seed,
        **summarise(predictions, seed=config.seed),
        "majority": {metric.__name__: metric(majority["emotion"], majority["predicted"]) for metric in (wa, ua)},
        "human": None,
        "tasks": {task: _other_task(predictions, task, listed) for task in tasks if task != MAIN}
        | {task: _written(predictions, task, listed, table) for task in writing},
        "notices": [
            *protocols[0].notices, *config.recipe.notices(table, config.settings),
            *([protocols[0].warning] if protocols[0].leaky else []),
            *([f"{len(skipped)} utterances were skipped because their audio cannot be used."] if skipped else []),
        ],
        "skipped": skipped,
        "data_hash": listed[0][2].data,
        "networks": len(listed),
        "parameters": about[0]["parameters"],
        "shared_layer": about[0].get("shared_layer"),
        "epochs_chosen": [one["epoch"] for one in about],
        "seconds_per_epoch": float(np.median([row["seconds"] for row in curves])),
        "training_seconds": float(sum(row["seconds"] for row in curves)),
        "peak_mb": max((one["peak_mb"] for one in about if one["peak_mb"] is not None), default=None),
        "seconds": seconds,
        "run": config.name,
    }  # fmt: skip
    asked = asdict(config) | {"settings": config.settings.to_json()}
    return write_run(
        config.folder,
        config=asked,
        protocol={"repeats": [protocol.to_json() for protocol in protocols]},
        predictions=predictions,
        summary=summary,
    )
