"""Temperatures: from validation alone, kept, and told when they cannot be had."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from scipy.special import softmax

from sercourse import corpora
from sercourse.evaluation.calibration import fit_temperature
from sercourse.paths import cache_dir
from sercourse.signal.audio import read_audio
from sercourse.training import calibrated
from sercourse.training.calibrated import calibration, posteriors, temperature_scaled
from sercourse.training.predict import Network, weights_of


def calibrate(run, **changes):
    weights = weights_of(run.folder)
    return calibration(dataclasses.replace(run, **changes), Network.read(weights), weights)


def test_a_temperature_divides_logits():
    logits = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(temperature_scaled(softmax(logits, 1), 2.5), softmax(logits / 2.5, 1))
    np.testing.assert_allclose(temperature_scaled(softmax(logits, 1), 1), softmax(logits, 1))
    certain = temperature_scaled(np.array([[1.0, 0.0, 0.0]]), 3.0)
    assert np.isfinite(certain).all()


def test_it_is_fitted_on_the_inner_validation_and_never_on_test(voices):
    run = voices["asp_mtl"]
    fold = run.protocol["repeats"][0]["folds"][0]
    table = corpora.load(run.about["config"]["corpus"]).loc[sorted(fold["validation"])]
    judged, table = posteriors(Network.load(run.folder), table)
    found = calibrate(run)
    assert found.validation == len(fold["validation"]) > 0
    assert found.test == len(fold["test"])
    for task, names in {"emotion": ["anger", "neutral", "sadness"], "gender": ["female", "male"]}.items():
        truth = table[task].tolist()
        if [names[k] for k in judged[task].argmax(1)] == truth:
            assert task not in found.temperatures, "without an error every lower temperature is likelier"
            continue
        assert found.temperatures[task] == pytest.approx(fit_temperature(np.log(judged[task]), truth, names), rel=1e-3)
    assert found.temperatures, "else the test shows nothing"


def test_posteriors_are_what_the_page_would_say(voices):
    run = voices["msfl"]
    network = Network.load(run.folder)
    table = corpora.load(run.about["config"]["corpus"]).iloc[:2]
    judged, _ = posteriors(network, table)
    np.testing.assert_allclose(judged["emotion"], network.probabilities([read_audio(p) for p in table["path"]]),
                               atol=1e-5)  # fmt: skip


def test_it_is_kept_and_not_taken_for_another_networks(voices, monkeypatch):
    run = voices["msfl"]
    found = calibrate(run)
    kept = list((cache_dir() / "calibration").glob("*.json"))
    assert any(json.loads(file.read_text())["temperatures"] == dict(found.temperatures) for file in kept)
    monkeypatch.setattr(calibrated, "_fitted", lambda *_, **__: pytest.fail("computed again"))
    assert calibrate(run) == found
    with pytest.raises(pytest.fail.Exception):
        calibrate(run, summary=run.summary | {"data_hash": "another"})


def test_without_corpus_or_clean_validation_nothing_is_calibrated_and_that_is_said(voices):
    run = voices["msfl"]
    gone = run.about | {"config": run.about["config"] | {"corpus": "csv:gone.csv"}}
    found = calibrate(run, about=gone, summary=run.summary | {"data_hash": "gone"})
    assert found.temperatures == {}
    assert "its corpus is not here" in found.reason
    weights = weights_of(run.folder)
    network = Network.read(weights)
    taught = dataclasses.replace(network, settings=network.settings.changed(("learn_from=development", "select=last")))
    assert calibration(run, taught, weights).reason == "it learnt from its validation side, too"
