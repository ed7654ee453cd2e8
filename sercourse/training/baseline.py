"""``sercourse baseline``: corpus, features, protocol, classifier; figures and a run folder.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import pandas as pd

from sercourse import corpora
from sercourse.corpora import emodb
from sercourse.corpora.corpus_names import file_name
from sercourse.errors import CorpusError, UserError
from sercourse.evaluation.human import human_ceiling
from sercourse.evaluation.metrics import ua, wa
from sercourse.features.extract import extract
from sercourse.paths import runs_dir
from sercourse.training.classifiers import (
    CLASSIFIERS,
    LEARN_FROM,
    SPEAKER_NORM_WARNING,
    cross_validate,
    normalise_per_speaker,
)
from sercourse.training.crops import crop_table
from sercourse.training.protocols import Protocol, make_protocol
from sercourse.training.runs import Run, data_hash, write_run
from sercourse.training.summary import summarise

SHUFFLINGS = 5
"""Default repeats of a shuffled protocol (kfold, holdout): one shuffling alone moves by points."""


@dataclass(frozen=True)
class BaselineConfig:
    """What is asked of a baseline run."""

    corpus: str = "synthetic"
    """Name of a corpus, several with commas, or csv:FILE."""
    features: str = "is10"
    """Name of a feature set with one vector per utterance."""
    protocol: str = "loso"
    """loso, session, language, group-K, kfold-K or holdout-PERCENT."""
    classifier: str = "linear"
    """linear, rbf or majority."""
    speaker_norm: bool = False
    """z-scores within each speaker, the test speaker included (a leak; warns)."""
    unit: str = "utterance"
    """utterance, or crop (a leak; the protocol lesson)."""
    repeats: int | None = None
    """Shufflings; None: five for kfold and holdout, one for fixed folds."""
    seed: int = 0
    """Seed of the first shuffling; the others count on."""
    learn_from: str = "development"
    """development: train and validation, for nothing is chosen; train: without validation, as a network that chooses
    its epoch there."""

    def __post_init__(self) -> None:
        if self.learn_from not in LEARN_FROM:
            raise UserError(f"--learn-from {self.learn_from}: choose one of {', '.join(LEARN_FROM)}.")
        if self.classifier not in CLASSIFIERS:
            raise UserError(
                f"--classifier {self.classifier}: no such classifier; choose one of {', '.join(CLASSIFIERS)}."
            )
        if self.repeats is not None and self.repeats < 1:
            raise UserError(f"--repeats {self.repeats}: must be 1 or more.")

    @property
    def name(self) -> str:
        """Name of the run folder: readable, and different for every configuration."""
        parts = [
            "baseline", file_name(self.corpus), self.features, self.classifier,
            self.protocol, *(["crops"] if self.unit == "crop" else []), *(["speakernorm"] if self.speaker_norm else []),
            *([] if self.learn_from == "development" else [self.learn_from]),
            f"x{self.rounds}", f"seed{self.seed}",
        ]  # fmt: skip
        return "-".join(parts)

    @property
    def rounds(self) -> int:
        """How many times the protocol is drawn."""
        shuffles = self.protocol.startswith(("kfold", "holdout"))
        return self.repeats or (SHUFFLINGS if shuffles else 1)


def run_baseline(
    config: BaselineConfig, *, table: pd.DataFrame | None = None, workers: int | None = None, progress: bool = True
) -> Run:
    """Run a baseline and write its run folder.

    Args:
        config: what is asked.
        table: the utterance table; ``None``: the corpus of ``config`` is loaded.
        workers: processes for features; ``None``: one per core.
        progress: show progress bars.

    Returns:
        The run; ``run.summary`` holds the figures (percent).

    Raises:
        UserError: unknown corpus, features, protocol or classifier, unusable audio, a full disk.
    """
    begun = time.perf_counter()
    table = corpora.load(config.corpus) if table is None else table
    table = table[table["emotion"].notna()]
    if config.unit == "crop":
        table = crop_table(table)
    protocols = [
        make_protocol(config.protocol, table, seed=config.seed + k, unit=config.unit) for k in range(config.rounds)
    ]  # before the features, so that an impossible protocol is said at once
    if progress:
        print(plan(protocols, len(table)))
    human = _human(config, table)
    features = extract(table, config.features, workers=workers, progress=progress)
    frame = features.frame
    if config.speaker_norm:
        frame = normalise_per_speaker(frame, table["speaker"])
    sides = {"learn_from": config.learn_from}
    predictions = predict_all(frame, table, protocols, config.classifier, **sides, progress=progress)
    majority = predict_all(frame, table, protocols, "majority", **sides)
    audio = {i: path.stem for i, path in features.paths.items()}
    summary = {
        **_asked(config, protocols[0]),
        **summarise(predictions, seed=config.seed),
        "majority": {metric.__name__: metric(majority["emotion"], majority["predicted"]) for metric in (wa, ua)},
        "human": human,
        "notices": _notices(config, protocols[0], len(features.skipped)),
        "skipped": features.skipped,
        "data_hash": data_hash(table, audio),
        "seconds": time.perf_counter() - begun,
        "run": config.name,
    }
    return write_run(
        runs_dir() / config.name,
        config=asdict(config),
        protocol={"repeats": [protocol.to_json() for protocol in protocols]},
        predictions=predictions,
        summary=summary,
    )


def plan(protocols: list[Protocol], utterances: int) -> str:
    """What a run will cost, in one line: folds, shufflings, and seconds on two cores by rules of thumb.

    The rules: an openSMILE set takes about 20 ms per utterance the first time; a fold of a linear machine on IS10, with
    its second fit for calibration, takes about 0.3 ms per utterance.
    """
    fits = len({(fold.test, fold.development) for protocol in protocols for fold in protocol.folds})
    seconds = 0.02 * utterances, 0.0003 * utterances * fits
    shufflings = f" x {len(protocols)} shufflings" if len(protocols) > 1 else ""
    return (
        f"Plan: {protocols[0].describe()}{shufflings}; features about {seconds[0]:.0f} s unless stored,"
        f" {fits} fits about {seconds[1]:.0f} s."
    )


def predict_all(
    features: pd.DataFrame,
    table: pd.DataFrame,
    protocols: list[Protocol],
    classifier: str,
    *,
    probabilities: bool = True,
    progress: bool = False,
    learn_from: str = "development",
) -> pd.DataFrame:
    """Predictions of every repeat, joined by utterance id with the labels that gaps are measured over.

    Arguments as :func:`~sercourse.training.classifiers.cross_validate`, with one protocol per repeat. Folds that
    several of them share are fitted once (see ``tested`` there).
    """
    options = {"probabilities": probabilities, "progress": progress, "tested": {}, "learn_from": learn_from}
    parts = [
        cross_validate(features, table["emotion"], protocol, classifier, **options).assign(repeat=k)
        for k, protocol in enumerate(protocols)
    ]
    return pd.concat(parts, ignore_index=True).join(table[["speaker", "gender"]], on="utterance_id")


def _asked(config: BaselineConfig, protocol: Protocol) -> dict:
    return {
        "corpus": config.corpus,
        "chapter": "signal_preprocessing",
        "features": config.features,
        "classifier": config.classifier,
        "speaker_norm": config.speaker_norm,
        "learn_from": config.learn_from,
        "protocol": config.protocol,
        "unit": config.unit,
        "protocol_line": protocol.describe(),
        "profile": "paper",  # a support vector machine has one size
        "seed": config.seed,
    }


def _notices(config: BaselineConfig, protocol: Protocol, skipped: int) -> list[str]:
    notices = [*protocol.notices]
    if protocol.leaky:
        notices.append(protocol.warning)
    if config.speaker_norm:
        notices.append(SPEAKER_NORM_WARNING)
    if skipped:
        notices.append(f"{skipped} utterances were skipped because their audio cannot be used.")
    return notices


def _human(config: BaselineConfig, table: pd.DataFrame) -> dict | None:
    """What listeners reached on the same utterances, where the corpus publishes it (EMO-DB)."""
    if config.corpus != "emodb" or config.unit != "utterance":
        return None
    try:
        ceiling = human_ceiling(emodb.perception_test(corpora.locate("emodb")), table["emotion"])
    except CorpusError:  # some copies come without the perception test
        return None
    kept = ("wa", "ua", "n", "wa_all", "ua_all", "n_all", "caveat")
    return {name: getattr(ceiling, name) for name in kept}
