"""Is the synthetic corpus neither trivial nor hopeless? ``python data_scripts/check_synthetic.py [FOLDER]``.

Under leave-one-speaker-out: the linear machine on IS10 must land between 60 and 90 % UA; no single one of its 1582
features, nor duration or loudness alone, may get above 45 %, raw or normalised per speaker; and the sentences with
neutral wording must say nothing about the emotion. The figures go to the screen as JSON; the exit code is 1 where one
of them is out of bounds.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # started as a file: let the imports below find the repository
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import pandas as pd
from rich.progress import track
from scipy.stats.contingency import association
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sercourse.corpora import locate, synthetic
from sercourse.errors import UserError
from sercourse.evaluation.metrics import ua
from sercourse.features.extract import extract
from sercourse.signal.audio import read_audio
from sercourse.training.classifiers import cross_validate, normalise_per_speaker
from sercourse.training.protocols import make_protocol

SVM_BOUNDS = (60.0, 90.0)
"""UA in percent of the linear machine on IS10."""

SINGLE_LIMIT = 45.0
"""UA in percent that no single feature may exceed."""


def measure(table: pd.DataFrame, *, progress: bool = False) -> dict:
    """All figures of one synthetic corpus.

    Args:
        table: as :func:`sercourse.corpora.synthetic.load` gives it.
        progress: show progress bars.

    Returns:
        UA in percent: ``svm_ua``, ``svm_ua_speaker_norm``, ``duration_ua``, ``loudness_ua``, ``sentence_ua`` (neutral
        wording), ``best_single`` and ``best_single_speaker_norm`` (each ``{"feature", "ua"}``). Cramér's V with the
        emotion: ``sentence_v`` (neutral wording), ``wording_v`` (emotional wording), ``wording_v_all`` (all
        utterances, neutral wording counted as one kind).
    """
    is10 = extract(table, "is10", progress=progress).frame.loc[table.index]
    plain = [_duration_and_loudness(path) for path in table["path"]]
    features = is10.assign(**pd.DataFrame(plain, index=table.index, columns=["duration", "loudness"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the leak of per-speaker normalisation is meant here
        normed = normalise_per_speaker(features, table["speaker"])
    singles = single_feature_ua(features, table, progress=progress)
    singles_normed = single_feature_ua(normed, table, progress=progress)
    wording = table[table["wording"] == "emotional"]
    return {
        "svm_ua": svm_ua(is10, table),
        "svm_ua_speaker_norm": svm_ua(normed[is10.columns], table),
        "best_single": _best(singles),
        "best_single_speaker_norm": _best(singles_normed),
        "duration_ua": max(singles["duration"], singles_normed["duration"]),
        "loudness_ua": max(singles["loudness"], singles_normed["loudness"]),
        **sentence_figures(table),
        "wording_v": cramers_v(wording["wording_emotion"], wording["emotion"]) if len(wording) else None,
        "wording_v_all": cramers_v(table["wording_emotion"].fillna("neutral wording"), table["emotion"]),
    }


def out_of_bounds(figures: dict) -> list[str]:
    """The names of the figures of :func:`measure` that are not as they must be."""
    low, high = SVM_BOUNDS
    checks = {
        "svm_ua": low <= figures["svm_ua"] <= high,
        "best_single": figures["best_single"]["ua"] <= SINGLE_LIMIT,
        "best_single_speaker_norm": figures["best_single_speaker_norm"]["ua"] <= SINGLE_LIMIT,
        "duration_ua": figures["duration_ua"] <= SINGLE_LIMIT,
        "loudness_ua": figures["loudness_ua"] <= SINGLE_LIMIT,
        "sentence_v": figures["sentence_v"] < 1e-6,
    }
    return [name for name, passed in checks.items() if not passed]


def svm_ua(features: pd.DataFrame, table: pd.DataFrame) -> float:
    """UA in percent of the linear machine under leave-one-speaker-out."""
    predicted = cross_validate(features, table["emotion"], make_protocol("loso", table), probabilities=False)
    return round(ua(predicted["emotion"], predicted["predicted"]), 1)


def single_feature_ua(features: pd.DataFrame, table: pd.DataFrame, *, progress: bool = False) -> pd.Series:
    """UA in percent under leave-one-speaker-out of each feature alone: the better of Gaussian naive Bayes and a
    decision tree of depth 3."""
    columns = features.to_numpy(dtype=float)  # (utterances, D)
    emotions, speakers = table["emotion"].to_numpy(dtype=str), table["speaker"].to_numpy(dtype=str)
    predicted = np.empty((2, *columns.shape), dtype=emotions.dtype)  # naive Bayes, tree
    for speaker in track(np.unique(speakers), description="one feature at a time", disable=not progress):
        test = speakers == speaker
        scaler = StandardScaler().fit(columns[~test])
        x_train, x_test = scaler.transform(columns[~test]), scaler.transform(columns[test])
        bayes = GaussianNB().fit(x_train, emotions[~test])
        means, variances = bayes.theta_[:, None], bayes.var_[:, None]  # (C, 1, D)
        likelihood = -0.5 * (np.log(variances) + (x_test - means) ** 2 / variances)  # (C, T, D), of each feature alone
        predicted[0, test] = bayes.classes_[likelihood.argmax(axis=0)]
        for d in range(columns.shape[1]):
            tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(x_train[:, [d]], emotions[~test])
            predicted[1, test, d] = tree.predict(x_test[:, [d]])
    recalls = [(predicted[:, emotions == emotion] == emotion).mean(axis=1) for emotion in np.unique(emotions)]
    return pd.Series(100 * np.mean(recalls, axis=0).max(axis=0), index=features.columns).round(1)


def sentence_figures(table: pd.DataFrame) -> dict[str, float]:
    """What the sentence alone says about the emotion where the wording is neutral: Cramér's V, and the UA of
    predicting the emotion that the other speakers expressed most often with this sentence."""
    plain = table[table["wording"] == "neutral"]
    predicted = []
    for row in plain.itertuples():
        others = plain[(plain["speaker"] != row.speaker) & (plain["text"] == row.text)]
        predicted.append((others if len(others) else plain)["emotion"].mode()[0])
    return {
        "sentence_v": round(cramers_v(plain["text"], plain["emotion"]), 6),
        "sentence_ua": round(ua(plain["emotion"], np.array(predicted, dtype=str)), 1),
    }


def cramers_v(first: pd.Series, second: pd.Series) -> float:
    """Cramér's V of two columns of labels: 0 independent, 1 one follows from the other."""
    return round(float(association(pd.crosstab(first, second).to_numpy(), method="cramer")), 4)


def _best(singles: pd.Series) -> dict:
    return {"feature": str(singles.idxmax()), "ua": float(singles.max())}


def _duration_and_loudness(path: str) -> tuple[float, float]:
    samples = read_audio(path)
    return len(samples) / 16_000, 10 * np.log10(np.mean(samples**2))  # seconds, dB below full scale


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code: 0 within bounds, 1 not, 2 not measured (one sentence says why)."""
    parser = argparse.ArgumentParser(prog="check_synthetic.py", description="Measure the synthetic corpus.")
    parser.add_argument("folder", nargs="?", type=Path, help="its folder (default: where sercourse looks for it)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args(arguments)
    try:
        figures = measure(synthetic.load(options.folder or locate("synthetic")), progress=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    figures["out_of_bounds"] = out_of_bounds(figures)
    text = json.dumps(figures, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", "utf-8")
    return 1 if figures["out_of_bounds"] else 0


if __name__ == "__main__":
    sys.exit(main())
