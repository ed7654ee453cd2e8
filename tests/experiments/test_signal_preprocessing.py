"""Chapter 01's experiments, the registry and the report, on a tiny corpus."""

from __future__ import annotations

import io
import re
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
from rich.console import Console

from sercourse import corpora
from sercourse.corpora.table import make_table
from sercourse.errors import UserError
from sercourse.experiments import registry, report, signal_preprocessing
from sercourse.experiments.cells import Bench
from sercourse.training.baseline import BaselineConfig, run_baseline
from sercourse.training.recipes.emotion_autoencoder import RECIPE


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> pd.DataFrame:
    """Five speakers, two emotions, twelve utterances of 2.1 s each: a buzz whose pitch belongs to the utterance."""
    folder = tmp_path_factory.mktemp("buzz")
    rng = np.random.default_rng(0)
    t = np.arange(33_600) / 16_000
    rows = []
    for speaker in range(5):
        for number in range(12):
            emotion = ("anger", "sadness")[number % 2]
            hz = rng.uniform(90, 300) + (20 if emotion == "anger" else 0)
            buzz = 0.2 * np.sign(np.sin(2 * np.pi * hz * t)) + 0.02 * rng.normal(size=len(t))
            path = folder / f"{speaker}-{number:02d}.wav"
            soundfile.write(path, buzz, 16_000)
            rows.append(
                {"utterance_id": f"buzz/{path.stem}", "path": str(path), "emotion": emotion,
                 "speaker": f"buzz/{speaker}", "gender": ("female", "male")[number // 2 % 2],
                 "language": "de" if speaker < 3 else "en"}
            )  # fmt: skip
    return make_table(rows, "buzz")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch, corpus):
    monkeypatch.setenv("SERCOURSE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SERCOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SERCOURSE_DATA", str(tmp_path))
    monkeypatch.setattr(corpora, "load", lambda name: corpus)


@pytest.fixture(scope="module")
def lesson(corpus) -> pd.DataFrame:
    return signal_preprocessing.protocol_lesson(corpus, "is10")


def test_leak_inflates(lesson):
    """Crops are recognised when their siblings stand in train, and not when the speaker is unseen."""
    assert list(lesson.index) == list(signal_preprocessing.LESSON)
    assert lesson["ua"].iloc[0] > lesson["ua"].iloc[2] + 10
    assert (lesson["ua_low"] <= lesson["ua"]).all()
    assert list(lesson["n_folds"]) == [10, 10, 5]


def test_protocols_experiment_gives_plain_figures(lesson):
    console = Console(file=io.StringIO(), width=120)
    result = registry.run("signal_preprocessing/protocols", Bench(corpus="buzz", console=console))
    assert [row["protocol"] for row in result["rows"]] == list(lesson.index)
    assert result["corpus"] == "buzz"
    shown = console.file.getvalue()
    assert f"{result['rows'][2]['ua']:.1f}" in shown


def test_baselines_say_what_is_absent():
    console = Console(file=io.StringIO(), width=120)
    result = registry.run("signal_preprocessing/baselines", Bench(console=console))
    assert result["rows"] == []
    assert result["absent"] == ["emodb", "ravdess"]
    assert "emodb is not at hand" in console.file.getvalue()


def test_baselines_put_the_reference_beside_the_figure(monkeypatch, corpus):
    state = corpora.CorpusState("buzz", None, 60, 60, None)
    monkeypatch.setattr(corpora, "inspect", lambda name: state)
    reference = signal_preprocessing.Reference(BaselineConfig("buzz", "egemaps"), 12.3, None)
    monkeypatch.setattr(signal_preprocessing, "REFERENCES", (reference,))
    console = Console(file=io.StringIO(), width=120)
    (row,) = signal_preprocessing.baselines(console=console)["rows"]
    assert row["reference"] == {"wa": 12.3, "ua": None, "tolerance": 0.7}
    assert "12.3 / –" in console.file.getvalue()


def test_a_corpus_without_reference_is_refused():
    with pytest.raises(
        UserError, match="--corpus nonsense: there is no reference for it; choose one of emodb, ravdess"
    ):
        registry.run("signal_preprocessing/baselines", Bench(corpus="nonsense"))


def test_unknown_artifact_suggests_the_nearest():
    with pytest.raises(UserError, match="Did you mean signal_preprocessing/protocols"):
        registry.run("signal_preprocessing/protocol", Bench())


def test_report_is_one_file_with_the_measured_figures(tmp_path, corpus, lesson):
    run = run_baseline(BaselineConfig("buzz", "egemaps"), table=corpus, progress=False)
    page = tmp_path / "build" / "report.html"
    report.write_report(page, run, lesson, [run])
    text = page.read_text("utf-8")
    assert f"<td class='n'>{run.summary['ua']:.1f}</td>" in text
    assert "EGEMAPS + SVM" in text
    assert text.count("data:image/png;base64,") == 2
    assert not re.search(r"(?:src|href)='(?!data:)", text), "everything is inside the file"
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        report.write_report(tmp_path / "file" / "report.html", run, lesson)


def test_demo_goes_from_nothing_to_a_report(tmp_path, monkeypatch):
    from sercourse.cli import main

    tiny = (
        "epochs=1", "width=16", "bank_channels=4", "encoder_gru=4", "decoder_gru=4", "precision=fp32", "threads=1"
    )  # fmt: skip
    monkeypatch.setattr(RECIPE, "profiles", {"quick": RECIPE.profiles["quick"].changed(tiny)})
    monkeypatch.setattr(report, "NETWORK_PROTOCOL", "kfold-2")  # five speakers are too few to hold groups of them apart
    page = tmp_path / "report.html"
    monkeypatch.setattr(sys, "argv", ["sercourse", "demo", "--html", str(page)])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    text = page.read_text("utf-8")
    assert "leave one speaker out" in text
    assert "emotion_autoencoder, quick" in text
