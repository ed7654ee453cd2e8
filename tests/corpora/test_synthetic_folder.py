"""The default corpus on disk: same seed same bytes, and a folder that is whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sercourse.corpora import synthetic
from sercourse.corpora.synthetic import build, espeak, process, speaker, stored
from sercourse.errors import CorpusError

ROOT = Path(__file__).resolve().parents[2]
MAKE = [sys.executable, str(ROOT / "data_scripts" / "make_synthetic.py")]


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """140 utterances, made by two processes at a time."""
    folder = tmp_path_factory.mktemp("synthetic") / "small"
    synthetic.make(folder, utterances=140, workers=2, progress=False)
    return folder


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_small_corpus_on_disk(small):
    table = synthetic.load(small, utterances=140, seed=0)
    assert len(table) == 140
    assert table.index[0] == "synthetic/f01_000_" + table["emotion"].iloc[0]
    assert table["text"].notna().all()
    assert set(table["wording"]) == {"neutral", "emotional"}
    assert (table["wording_emotion"].isna() == (table["wording"] == "neutral")).all()
    infos = [soundfile.info(path) for path in table["path"]]
    assert {(info.samplerate, info.channels, info.subtype) for info in infos} == {(16_000, 1, "PCM_16")}
    seconds = np.array([info.duration for info in infos])
    assert seconds.min() > 1.0
    assert seconds.max() < 10.0
    manifest = json.loads((small / "manifest.json").read_text("utf-8"))
    assert manifest["seconds"] == pytest.approx(seconds.sum(), abs=0.01)
    assert manifest["espeak_ng"] == espeak.espeak_version()
    assert len(manifest["files"]) == 140


def test_emotions_sound_different(small):
    table = synthetic.load(small)
    level = {path: 10 * np.log10(np.mean(soundfile.read(path)[0] ** 2)) for path in table["path"]}
    table = table.assign(level=table["path"].map(level), size=[Path(path).stat().st_size for path in table["path"]])
    table["level"] -= table.groupby("speaker")["level"].transform("mean")
    means = table.groupby("emotion")[["level", "size"]].mean()
    assert means.loc["anger", "level"] > means.loc["neutral", "level"] + 2 > means.loc["sadness", "level"] + 4
    assert means.loc["boredom", "size"] > 1.2 * means.loc["neutral", "size"] > 1.2 * means.loc["fear", "size"]


def test_bytes_do_not_depend_on_workers(small, tmp_path):
    """Every speaker speaks in a fresh process, so neither what else is spoken nor when can matter."""
    synthetic.make(tmp_path / "one", utterances=140, workers=1, progress=False)
    two_workers, one_worker = hashes(small), hashes(tmp_path / "one")
    assert len(two_workers) == 142
    assert one_worker == two_workers


def test_second_make_does_nothing(small, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in small.rglob("*")}
    monkeypatch.setattr(build, "_write", lambda *_: pytest.fail("made again"))
    synthetic.make(small, utterances=140, progress=False)
    assert {path: path.stat().st_mtime_ns for path in small.rglob("*")} == before


def _fake_write(folder: Path, utterances: int, seed: int, *_) -> None:
    folder.mkdir()
    manifest = {"corpus": "synthetic", "recipe": stored.RECIPE, "seed": seed, "utterances": utterances, "files": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def test_make_replaces_an_older_corpus_and_leavings_but_nothing_else(monkeypatch, tmp_path):
    monkeypatch.setattr(build, "_write", _fake_write)
    folder, partial = tmp_path / "s", tmp_path / ".s.partial"
    folder.mkdir()
    partial.mkdir()
    (partial / "left by a killed process").touch()
    synthetic.make(folder)
    assert synthetic.is_intact(folder, utterances=700, seed=0)
    assert not partial.exists()
    synthetic.make(folder, seed=4)
    assert synthetic.is_intact(folder, seed=4)
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(CorpusError, match="no synthetic corpus"):
        synthetic.make(folder)
    (folder / "manifest.json").unlink()
    (folder / "thesis.tex").touch()
    with pytest.raises(CorpusError, match="no synthetic corpus"):
        synthetic.make(folder)
    assert (folder / "thesis.tex").exists()


@pytest.mark.parametrize("damage", ["missing wav", "short wav", "recipe", "manifest", "no manifest", "table"])
def test_load_refuses_what_is_not_whole(small, tmp_path, damage):
    folder = tmp_path / "copy"
    (folder / "wav").mkdir(parents=True)
    for path in small.rglob("*"):
        if path.is_file():
            (folder / path.relative_to(small)).write_bytes(path.read_bytes())
    some = next((folder / "wav").glob("m03_*.wav"))
    manifest = folder / "manifest.json"
    if damage == "missing wav":
        some.unlink()
    elif damage == "short wav":
        some.write_bytes(some.read_bytes()[:-100])
    elif damage == "recipe":
        manifest.write_text(manifest.read_text("utf-8").replace(f'"recipe": {stored.RECIPE}', '"recipe": 0'), "utf-8")
    elif damage == "manifest":
        manifest.write_text(manifest.read_text("utf-8")[:500], "utf-8")
    elif damage == "no manifest":
        manifest.unlink()
    else:
        (folder / "utterances.csv").unlink()
    assert synthetic.is_intact(folder) == (damage == "table")
    with pytest.raises(CorpusError, match=r"made again at its next use|make one there"):
        synthetic.load(folder)


def test_load_refuses_other_parameters(small):
    with pytest.raises(CorpusError, match="seed = 0, not 1"):
        synthetic.load(small, seed=1)
    with pytest.raises(CorpusError, match="utterances = 140, not 700"):
        synthetic.load(small, utterances=700)


@pytest.mark.parametrize(("arguments", "sentence"), [({"seed": -1}, "negative"), ({"workers": 0}, "1 or more")])
def test_unusable_parameters(tmp_path, arguments, sentence):
    with pytest.raises(CorpusError, match=sentence):
        synthetic.make(tmp_path / "s", **arguments)


def test_unwritable_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CorpusError, match=r"cannot be written there .*200 MB"):
        synthetic.make(tmp_path / "file" / "s")


def test_full_disk_leaves_nothing(monkeypatch, tmp_path):
    def full(folder, *_):
        folder.mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build, "_write", full)
    with pytest.raises(CorpusError, match="No space left on device"):
        synthetic.make(tmp_path / "s")
    assert [path.name for path in tmp_path.iterdir()] == [".s.lock"]


# Processes


@pytest.fixture
def interrupts():
    """A speaker's process ignores interrupts; this one heeds them again afterwards."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize("seed", [0, 1])
def test_one_speaker_in_this_process(tmp_path, capsys, small, seed, interrupts):
    """The work of a process, done here: a record of each file; other bytes for another seed."""
    assert speaker.main(["m01", "140", str(seed), str(tmp_path)]) == 0
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(records) == 14
    for record in records:
        content = (tmp_path / record["name"]).read_bytes()
        assert (record["bytes"], record["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert record["seconds"] == soundfile.info(tmp_path / record["name"]).duration
    names = {path.name for path in (small / "wav").glob("m01_*")}
    common = names & {record["name"] for record in records}
    same = [name for name in common if (tmp_path / name).read_bytes() == (small / "wav" / name).read_bytes()]
    if seed == 0:
        assert common == names
    else:
        assert not same


def test_speaker_that_cannot_write_says_so(tmp_path, capsys, interrupts):
    assert speaker.main(["m01", "70", "0", str(tmp_path / "absent")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_failing_process_is_one_sentence(monkeypatch, tmp_path):
    with pytest.raises(CorpusError, match=r"speaker f01 could not be made: .*No such file"):
        process.speak_all(70, 0, tmp_path / "absent", 1, lambda record: None)
    monkeypatch.setattr(process, "_PROGRAM", "import sys; sys.exit(3)")
    with pytest.raises(CorpusError, match="ended with code 3"):
        process.speak_all(70, 0, tmp_path, 2, lambda record: None)


def test_interrupt_leaves_nothing(tmp_path):
    folder = tmp_path / "s"
    started = subprocess.Popen(
        [*MAKE, "--to", str(folder), "--utterances", "7000", "--workers", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    audio = tmp_path / ".s.partial" / "wav"
    deadline = time.monotonic() + 60
    while not (audio.is_dir() and any(audio.iterdir())):
        assert started.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(started.pid, signal.SIGINT)
    _, complaint = started.communicate(timeout=60)
    assert started.returncode == 130
    assert complaint.strip() == "Stopped; nothing was left behind."
    assert [path.name for path in tmp_path.iterdir()] == [".s.lock"]
    with pytest.raises(ProcessLookupError):
        os.killpg(started.pid, 0)  # no speaker's process outlives it


def test_two_processes_make_it_once(tmp_path):
    folder = tmp_path / "s"
    both = [
        subprocess.Popen([*MAKE, "--to", str(folder), "--utterances", "70", "--workers", "1"], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [one.wait(timeout=120) for one in both] == [0, 0]
    for one in both:
        one.stdout.close()
    assert synthetic.is_intact(folder, utterances=70, seed=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".s.lock", "s"]
