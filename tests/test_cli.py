"""The commands from the outside: what they print, what they write with --json, how they leave."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from data_scripts import badges, readme
from sercourse import corpora, doctor

pytestmark = pytest.mark.usefixtures("own_folders")


def test_version_and_help(sercourse):
    assert sercourse("--version")[1].startswith("sercourse 0.")
    code, out, _ = sercourse("--help")
    assert code == 0
    for command in ["doctor", "corpora", "features", "baseline", "train", "predict", "compare", "explore", "reproduce",
                    "demo"]:  # fmt: skip
        assert command in out


def test_corpora_lists_what_is_here_and_how_to_get_the_rest(sercourse, tmp_path):
    code, out, _ = sercourse("corpora", "--json", tmp_path / "x.json")
    assert code == 0
    listed = json.loads((tmp_path / "x.json").read_text())["corpora"]
    assert [c["name"] for c in listed] == corpora.names()
    assert all(c["found"] == 0 for c in listed)
    for name in corpora.names():
        assert name in out
    assert "data_scripts/fetch.py" in out


def test_corpora_tells_about_an_absent_corpus_before_it_fails(sercourse):
    code, out, err = sercourse("corpora", "savee")
    assert code == 2
    assert "licence" in out
    assert "there is no folder" in err


def test_damaged_corpus_is_marked(sercourse, tmp_path):
    (tmp_path / "data" / "emodb").mkdir()
    code, out, _ = sercourse("corpora")
    assert code == 0
    assert "problem" in out
    assert "emodb" in out


def test_features_then_baseline_then_compare(sercourse, my_csv, tmp_path):
    code, out, _ = sercourse("features", my_csv, "--features", "egemaps", "--json", tmp_path / "f.json", "--workers", 1)
    assert code == 0
    assert "40 utterances" in out
    assert json.loads((tmp_path / "f.json").read_text())["skipped"] == {}

    asked = ("baseline", "--corpus", my_csv, "--features", "egemaps", "--workers", 1)
    code, out, err = sercourse(*asked, "--json", tmp_path / "b.json")
    assert (code, err) == (0, "")
    summary = json.loads((tmp_path / "b.json").read_text())
    assert summary["corpus"] == my_csv
    assert f"UA {summary['ua']:.1f}" in out
    assert summary["ua"] > 90
    assert [fold["n_test"] for fold in summary["folds"]] == [8] * 5

    code, _, err = sercourse(*asked, "--speaker-norm")
    assert code == 0
    assert err.startswith("Warning: per-speaker normalisation")

    (first, second) = sorted(Path(tmp_path / "runs").iterdir())
    code, out, _ = sercourse("compare", first, second, "--json", tmp_path / "c.json")
    assert code == 0
    compared = json.loads((tmp_path / "c.json").read_text())
    assert any("per-speaker normalisation" in notice for notice in compared["notices"]), "a leak is said"
    assert "Note:" in out
    assert compared["ua"]["sentence"].split(";")[0] in out.replace("\n", " ")
    assert "sadness" in out


def test_explore_prints_layers_and_writes_a_page(sercourse, my_csv, tmp_path):
    asked = ("--corpus", my_csv, "--features", "egemaps", "--protocol", "group-2", "--workers", 1)
    assert sercourse("baseline", *asked)[0] == 0
    (run,) = (tmp_path / "runs").iterdir()
    code, out, err = sercourse("explore", run, "--json", tmp_path / "e.json")
    assert (code, err) == (0, "")
    found = json.loads((tmp_path / "e.json").read_text())
    assert found["layer"] == "egemaps", "what the baseline was fitted on"
    assert list(found["layers"]) == ["egemaps", "is10"]
    assert found["silhouettes"]["emotion"] > 0
    assert f"trustworthiness {found['trustworthiness']:.2f}" in out
    assert "add --html FILE" in out
    page = tmp_path / "new" / "page.html"
    code, out, err = sercourse("explore", run, "--html", page, "--method", "pca", "--fold", 1)
    assert (code, err) == (0, "")
    assert "it needs no network" in out
    assert "no card" in out, "why there is no sound"
    assert "egemaps" in page.read_text()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("--method", "tsme"), "Did you mean tsne?"),
        (("--colour", "age"), "--colour age: choose one of emotion"),
        (("--layer", "embedding"), "no such layer; choose one of egemaps, is10"),
        (("--fold", "9"), "has 2 folds, 0 to 1"),
        (("--side", "left"), "choose one of test, all"),
        (("--html", "FILE/page.html"), "--html"),
    ],
)
def test_explore_says_what_is_wrong_in_one_sentence(sercourse, my_csv, tmp_path, monkeypatch, wrong, sentence):
    asked = ("--corpus", my_csv, "--features", "egemaps", "--protocol", "group-2", "--workers", 1)
    assert sercourse("baseline", *asked)[0] == 0
    (run,) = (tmp_path / "runs").iterdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("in the way")
    code, _, err = sercourse("explore", run, *wrong)
    assert code == 2
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


def test_explore_wants_a_finished_run(sercourse, tmp_path):
    code, _, err = sercourse("explore", tmp_path / "nowhere")
    assert code == 2
    assert "not a finished run" in err


def test_reproduce_lists_its_artifacts(sercourse):
    code, out, _ = sercourse("reproduce")
    assert code == 0
    assert "signal_preprocessing/baselines" in out
    assert "signal_preprocessing/protocols" in out


def test_doctor_looks_at_machine_and_corpora(sercourse, tmp_path):
    code, out, _ = sercourse("doctor", "--json", tmp_path / "d.json")
    report = json.loads((tmp_path / "d.json").read_text())
    assert code == 0
    assert report["healthy"]
    assert {"versions", "processor", "GPU", "cache", "SERCOURSE_DATA", "emodb"} <= {
        finding["topic"] for finding in report["findings"]
    }
    assert "numpy" in out


def test_doctor_looks_for_encoders(monkeypatch, tmp_path):
    found = doctor.check_weights()
    assert found.ok
    assert "mini (ships with sercourse)" in found.text
    monkeypatch.setattr(doctor, "MINI_WEIGHTS", tmp_path)
    assert not doctor.check_weights().ok


def test_doctor_looks_for_encoders_of_texts_sounds_and_images(monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert "no VGGish" in doctor.check_modalities().text
    assert "no ImageNet weights" in doctor.check_modalities().text
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "vggish-10086976.pth").touch()
    assert "; VGGish; " in doctor.check_modalities().text
    monkeypatch.setattr("sercourse.training.modalities.find_spec", lambda name: None)
    assert "install sercourse[text]" in doctor.check_modalities().text


def test_doctor_names_a_wrong_data_folder_and_an_unwritable_cache(sercourse, tmp_path, monkeypatch):
    monkeypatch.setenv("SERCOURSE_DATA", str(tmp_path / "nowhere"))
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SERCOURSE_CACHE", str(tmp_path / "file" / "cache"))
    code, out, _ = sercourse("doctor")
    assert code == 2
    assert "no such folder" in out.replace("\n", " ")
    assert "cannot be written" in out.replace("\n", " ")


@pytest.mark.realdata
def test_doctor_decodes_a_real_corpus(sercourse, emodb, monkeypatch):
    monkeypatch.setenv("SERCOURSE_DATA", str(emodb.parent))
    code, out, _ = sercourse("doctor", "--corpus", "emodb")
    assert code == 0
    assert "535 utterances" in out


def test_json_that_cannot_be_written_is_one_sentence(sercourse, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, _, err = sercourse("corpora", "--json", tmp_path / "file" / "x.json")
    assert code == 2
    assert "--json" in err


def test_badges_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["badges", "no address"])
    assert badges.main() == 2
    assert "owner/name" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["badges", badges.current_address()])
    assert badges.main() == 0
    assert "already" in capsys.readouterr().out


def test_readme_command_says_when_the_readme_is_stale(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["readme", "--check"])
    assert readme.main() == 0
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    monkeypatch.setattr(readme, "PAGES", {"README.md": ()})
    stale = "".join(f"<!-- {name} -->\nold\n<!-- /{name} -->\n" for name in readme.blocks())
    (tmp_path / "README.md").write_text(stale)
    assert readme.main() == 1
    assert "run: python data_scripts/readme.py" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["readme"])
    assert readme.main() == 0
    assert "| emodb |" in (tmp_path / "README.md").read_text()
    assert (tmp_path / "docs" / "images" / "protocols.png").stat().st_size > 5000
