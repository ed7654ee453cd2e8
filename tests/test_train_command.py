"""``sercourse train`` and ``sercourse predict`` from the outside."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from sercourse.training.runs import read_run

pytestmark = pytest.mark.usefixtures("own_folders")

TINY = [
    part
    for change in (
        "epochs=6", "width=16", "bank_channels=4", "bank_widths=3", "encoder_gru=4", "decoder_gru=4", "hidden=16,8",
        "functionals=egemaps", "learning_rate=0.01", "dropout=0.1", "precision=fp32", "threads=1", "crop_frames=40",
        "hop_frames=20",
    )
    for part in ("--set", change)
]  # fmt: skip


@pytest.fixture
def trained(sercourse, my_csv, tmp_path) -> tuple[dict, str]:
    """A tiny run on five speakers, its figures and what was printed."""
    asked = ("train", "emotion_autoencoder", "--corpus", my_csv, "--protocol", "group-2", *TINY, "--workers", 1)
    code, out, err = sercourse(*asked, "--json", tmp_path / "t.json")
    assert (code, err) == (0, "")
    return json.loads((tmp_path / "t.json").read_text()), out


def test_train_writes_figures_and_a_run_folder(trained, tmp_path, my_csv):
    summary, out = trained
    promised = "corpus chapter protocol profile seed wa ua wa_sd ua_sd folds seconds run"
    assert set(promised.split()) <= set(summary)
    assert summary["corpus"] == my_csv
    assert [set(fold) >= {"fold", "wa", "ua", "n_test"} for fold in summary["folds"]] == [True, True]
    assert sum(fold["n_test"] for fold in summary["folds"]) == 40
    assert summary["ua"] > 80, "two pitches are easily told apart"
    assert "Plan: group-2" in out
    assert f"UA {summary['ua']:.1f}" in out
    folder = tmp_path / "runs" / summary["run"]
    run = read_run(folder)
    assert run.about["config"]["settings"]["loop"]["epochs"] == 6
    for fold in ("0-00-0", "0-01-0"):
        curves = pd.read_csv(folder / "folds" / fold / "curves.csv")
        assert list(curves["epoch"]) == [1, 2, 3, 4, 5, 6]
        assert {"train_reconstruction", "train_emotion", "validation_ua", "seconds"} <= set(curves)
        assert list((folder / "folds" / fold / "tensorboard").glob("events*"))
        assert not (folder / "folds" / fold / "state.safetensors").exists()


def test_resume_of_a_finished_run_trains_nothing_and_gives_the_same(trained, sercourse, my_csv, tmp_path):
    summary, _ = trained
    before = (tmp_path / "runs" / summary["run"] / "predictions.csv").read_bytes()
    asked = ("train", "emotion_autoencoder", "--corpus", my_csv, "--protocol", "group-2", *TINY, "--workers", 1)
    code, out, _ = sercourse(*asked, "--resume")
    assert code == 0
    assert "0 of 2 networks to train, 0 epochs" in out
    assert (tmp_path / "runs" / summary["run"] / "predictions.csv").read_bytes() == before


def test_predict_names_the_emotion_of_a_file(trained, sercourse, my_csv, tmp_path):
    folder = tmp_path / "runs" / trained[0]["run"]
    files = [tmp_path / "00.wav", tmp_path / "01.wav"]  # anger (280 Hz) and sadness (140 Hz)
    code, out, err = sercourse("predict", *files, "--run", folder, "--json", tmp_path / "p.json")
    assert (code, err) == (0, "")
    predicted = json.loads((tmp_path / "p.json").read_text())["files"]
    assert [row["predicted"] for row in predicted] == ["anger", "sadness"]
    for row in predicted:
        assert row["p_anger"] + row["p_sadness"] == pytest.approx(1, abs=1e-5)
    assert "anger" in out
    alone = tmp_path / "q.json"
    assert sercourse("predict", files[1], "--run", folder, "--json", alone)[0] == 0
    assert json.loads(alone.read_text())["files"][0]["p_anger"] == pytest.approx(predicted[1]["p_anger"], abs=1e-4)


def test_predict_wants_readable_files_and_a_run_with_networks(trained, sercourse, my_csv, tmp_path):
    folder = tmp_path / "runs" / trained[0]["run"]
    code, _, err = sercourse("predict", tmp_path / "gone.wav", "--run", folder)
    assert code == 2
    assert "gone.wav" in err
    assert sercourse("baseline", "--corpus", my_csv, "--features", "egemaps", "--workers", 1)[0] == 0
    baseline = next(path for path in Path(tmp_path / "runs").iterdir() if path.name.startswith("baseline"))
    code, _, err = sercourse("predict", tmp_path / "00.wav", "--run", baseline)
    assert code == 2
    assert "holds no trained network" in err
    weights = folder / "folds" / "0-00-0" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    code, _, err = sercourse("predict", tmp_path / "00.wav", "--run", folder)
    assert code == 2
    assert "damaged" in err


def test_compare_sets_a_network_beside_a_machine(trained, sercourse, my_csv, tmp_path):
    asked = ("baseline", "--corpus", my_csv, "--features", "egemaps", "--protocol", "group-2", "--workers", 1)
    assert sercourse(*asked)[0] == 0
    runs = sorted((tmp_path / "runs").iterdir())
    code, out, _ = sercourse("compare", *runs)
    assert code == 0
    assert "points of WA" in out.replace("\n", " ") or "the same WA" in out.replace("\n", " ")


@pytest.mark.long
def test_two_machines_under_torchrun_train_one_network(my_csv, tmp_path):
    """Two groups of processes stand for two machines that share a folder; the first one writes."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    script = Path(sys.executable).with_name("sercourse")
    asked = ("train", "emotion_autoencoder", "--corpus", my_csv, "--protocol", "holdout-20", *TINY, "--resume")
    machines = [
        subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1", "--node-rank",
             str(rank), "--master-addr", "localhost", "--master-port", str(port), script, *asked],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    said = [machine.communicate(timeout=300)[0] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    assert ["Plan:" in out for out in said] == [True, False]
    (folder,) = (path.parent for path in (tmp_path / "runs").glob("*/summary.json"))
    curves = pd.read_csv(folder / "folds" / "0-00-0" / "curves.csv")
    assert list(curves["epoch"]) == [1, 2, 3, 4, 5, 6]
    assert curves["train_emotion"].iloc[-1] < curves["train_emotion"].iloc[0]
    assert read_run(folder).summary["n_test"] > 0
