"""Whatever a user can get wrong: one sentence, exit code 2, and nothing computed is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sercourse.errors import AudioError
from sercourse.signal.audio import read_audio

pytestmark = pytest.mark.usefixtures("own_folders")


def speech(seconds: float = 1.0, rate: int = 16_000, channels: int = 1, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((int(seconds * rate), channels))
    return (0.1 * noise).astype(np.float32)


def write(path: Path, samples: np.ndarray, rate: int = 16_000, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **options)
    return path


def own_recordings(folder: Path, bad: dict[str, Path] | None = None, good: int = 4) -> str:
    """A CSV of good recordings and some bad ones; returns ``csv:FILE``."""
    rows = []
    for k in range(good):
        path = write(folder / f"good{k}.wav", speech(seed=k))
        rows.append({"path": path.name, "emotion": ["anger", "fear"][k % 2], "speaker": f"s{k // 2}"})
    rows += [{"path": p.name, "emotion": "anger", "speaker": "s0"} for p in (bad or {}).values()]
    pd.DataFrame(rows).to_csv(folder / "my.csv", index=False)
    return f"csv:{folder / 'my.csv'}"


def bad_file(kind: str, path: Path) -> Path:
    """A file that cannot be used, of one kind."""
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "not audio":
        path.write_bytes(b"<html>404</html>" * 20)
    elif kind == "truncated wav":
        write(path, speech())
        path.write_bytes(path.read_bytes()[:9000])
    elif kind == "truncated flac":
        flac = write(path.with_suffix(".flac"), speech())
        path.write_bytes(flac.read_bytes()[:9000])
        flac.unlink()
    elif kind == "silent":
        write(path, np.zeros(16_000))
    elif kind == "constant":
        write(path, np.full(16_000, 0.25))
    elif kind == "nan":
        samples = speech()
        samples[100] = np.nan
        write(path, samples, subtype="FLOAT")
    elif kind == "too short":
        write(path, speech(0.05))
    elif kind == "too long":
        write(path, speech(7200, rate=1000), rate=1000)
    elif kind == "no samples":
        write(path, np.zeros((0, 1)))
    return path


BAD = {
    "empty": "the file is empty",
    "not audio": "not an audio file",
    "truncated wav": "truncated",
    "truncated flac": "cannot be decoded",
    "silent": "silent throughout",
    "constant": "silent throughout",
    "nan": "not numbers",
    "too short": r"only 0\.050 s",
    "too long": r"2\.0 hours",
    "no samples": "no samples",
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_audio_is_one_sentence_that_names_the_file(kind, tmp_path):
    path = bad_file(kind, tmp_path / "bad.wav")
    with pytest.raises(AudioError, match=BAD[kind]) as caught:
        read_audio(path)
    sentence = str(caught.value)
    assert sentence.startswith(str(path))
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize("kind", ["empty", "truncated flac", "silent", "nan"])
def test_command_ends_with_the_sentence_and_keeps_what_it_computed(kind, tmp_path, sercourse):
    corpus = own_recordings(tmp_path, {kind: bad_file(kind, tmp_path / "bad.wav")})
    code, _, err = sercourse("features", corpus, "--features", "mfcc", "--workers", "1")
    assert code == 2
    assert "bad.wav" in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert len(list((tmp_path / "cache" / "features").rglob("*.npy"))) == 4, "the good ones are kept"


def test_one_bad_file_among_many_is_skipped_and_counted(tmp_path, sercourse):
    corpus = own_recordings(tmp_path, {"x": bad_file("silent", tmp_path / "bad.wav")}, good=120)
    code, out, err = sercourse("features", corpus, "--features", "mfcc", "--workers", "1")
    assert code == 0
    assert "120 utterances" in out
    assert "1 of 121 utterances skipped" in err
    assert "bad.wav" in err


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"),
    [(8_000, 1, "PCM_16"), (192_000, 1, "PCM_24"), (48_000, 6, "FLOAT"), (44_100, 2, "PCM_U8"), (16_000, 1, "ULAW")],
)
def test_unusual_but_good_audio_is_read(rate, channels, subtype, tmp_path):
    t = np.arange(int(1.5 * rate)) / rate
    tone = np.repeat(0.5 * np.sin(2 * np.pi * 440 * t)[:, None], channels, axis=1)
    waveform = read_audio(write(tmp_path / "a.wav", tone, rate, subtype=subtype))
    assert waveform.dtype == np.float32
    assert len(waveform) == pytest.approx(24_000, abs=2)
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    assert np.fft.rfftfreq(len(waveform), 1 / 16_000)[spectrum.argmax()] == pytest.approx(440, abs=1)
    assert np.abs(waveform[2000:-2000]).max() == pytest.approx(0.5, abs=0.03)


def test_span_is_read(tmp_path):
    ramp = np.linspace(-0.5, 0.5, 16_000, dtype=np.float32)
    path = write(tmp_path / "a.wav", ramp, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(path, 0.25, 0.5), ramp[4000:8000])
    np.testing.assert_allclose(read_audio(path, 0.25, 9.0), ramp[4000:])
    with pytest.raises(AudioError, match=r"only 0\.000 s"):
        read_audio(path, 2.0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["baseline", "--corpus", "emodb"], "emodb"),
        (["baseline", "--corpus", "emobd"], "emodb"),
        (["baseline", "--corpus", "csv:nowhere.csv"], "nowhere.csv"),
        (["baseline", "--corpus", "CSV", "--features", "is11"], "--features is11"),
        (["baseline", "--corpus", "CSV", "--protocol", "lozo"], "loso"),
        (["baseline", "--corpus", "CSV", "--protocol", "kfold-99"], "kfold-99"),
        (["baseline", "--corpus", "CSV", "--protocol", "session"], "session"),
        (["baseline", "--corpus", "CSV", "--classifier", "forest"], "--classifier forest"),
        (["baseline", "--corpus", "CSV", "--repeats", "0"], "--repeats"),
        (["baseline", "--corpus", "CSV", "--nonsense"], "--nonsense"),
        (["reproduce", "table/1"], "no such artifact"),
        (
            ["reproduce", "signal_preprocessing/protocols", "--profile", "paper"],
            "has no use for it",
        ),
        (["reproduce", "emotion_autoencoder/table4", "--rows", "AE+"], "--rows AE+"),
        (["train", "emotion_autoencode"], "emotion_autoencoder"),
        (["train", "emotion_autoencoder", "--profile", "fast"], "--profile fast"),
        (["train", "emotion_autoencoder", "--set", "epoch=3"], "epochs"),
        (["train", "emotion_autoencoder", "--set", "epochs=three"], "a whole number"),
        (["train", "emotion_autoencoder", "--set", "width=0"], "width=0"),
        (["train", "emotion_autoencoder", "--corpus", "CSV", "--set", "functionals=is11"], "is11"),
        (["train", "emotion_autoencoder", "--corpus", "CSV", "--set", "accelerator=cuda"], "accelerator=cuda"),
        (["train", "emotion_autoencoder", "--devices", "3"], "devices=3"),
        (["train", "asp_mtl", "--corpus", "CSV+hiss@0"], "no such noise 'hiss'"),
        (["train", "asp_mtl", "--corpus", "CSV+white@loud"], "needs an SNR in dB"),
        (["train", "asp_mtl", "--corpus", "CSV", "--set", "auxiliary=noise"], "noise: of the two or more classes"),
        (["train", "asp_mtl", "--corpus", "CSV", "--set", "mask=true"], "mask=true needs auxiliary=noise"),
        (["train", "asp_mtl", "--corpus", "CSV", "--set", "auxiliary=age"], "auxiliary=age"),
        (["predict", "nowhere.wav", "--run", "nowhere"], "is no run folder"),
        (["compare", "nowhere", "nowhere"], "not a finished run"),
        (["nonsense"], "nonsense"),
        (["doctor", "--corpus", "savee"], "savee"),
    ],
)
def test_wrong_option_is_named_and_exits_with_2(arguments, sentence, tmp_path, sercourse):
    corpus = own_recordings(tmp_path)
    code, _, err = sercourse(*[a.replace("CSV", corpus) for a in arguments])
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.drop(columns="path"), "path"),
        (lambda t: t.assign(emotion="rage"), "rage"),
        (lambda t: t.assign(utterance_id="same"), "same"),
        (lambda t: t.iloc[:0], "my.csv"),
        (lambda t: t.assign(path="gone.wav"), "gone.wav"),
        (lambda t: t.assign(path="long" * 1000 + ".wav"), "longlong"),
    ],
)
def test_bad_csv_is_one_sentence(change, sentence, tmp_path, sercourse):
    own_recordings(tmp_path)
    change(pd.read_csv(tmp_path / "my.csv")).to_csv(tmp_path / "my.csv", index=False)
    code, _, err = sercourse("baseline", "--corpus", f"csv:{tmp_path / 'my.csv'}")
    assert code == 2
    assert sentence in err
    assert "my.csv" in err
    assert "Traceback" not in err


def test_doctor_finds_bad_files_ahead_of_time(tmp_path, sercourse):
    bad = {kind: bad_file(kind, tmp_path / f"bad{k}.wav") for k, kind in enumerate(BAD)}
    code, out, _ = sercourse("doctor", "--corpus", own_recordings(tmp_path, bad))
    assert code == 2
    for path in bad.values():
        assert path.name in out.replace("\n", "")
    assert "good0.wav" not in out


def test_doctor_is_content_with_good_recordings(tmp_path, sercourse):
    code, out, _ = sercourse("doctor", "--corpus", own_recordings(tmp_path))
    assert code == 0
    assert "4 utterances" in out


@pytest.mark.parametrize("workers", ["1", "2"])
def test_interrupt_keeps_what_was_computed(workers, tmp_path):
    """Ctrl-C in the middle (it reaches the workers, too): exit code 130, one sentence, finished features are kept."""
    corpus = own_recordings(tmp_path, good=1500)
    arguments = [sys.executable, "-m", "sercourse.cli", "features", corpus, "--features", "is10", "--workers", workers]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, start_new_session=True)
    store = tmp_path / "cache" / "features"
    for _ in range(1200):
        if len(list(store.rglob("*.npy"))) >= 20:
            break
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "what was computed is kept" in err
    kept = len(list(store.rglob("*.npy")))
    assert 20 <= kept < 1500
    assert not list(store.rglob("*.tmp"))


@pytest.mark.parametrize("variable", ["SERCOURSE_DATA", "SERCOURSE_CACHE"])
def test_unknown_home_folder_is_named(variable, sercourse, monkeypatch):
    monkeypatch.setenv(variable, "~no-such-user-here/x")
    code, _, err = sercourse("doctor")
    assert code == 2
    assert err.startswith(f"{variable}=~no-such-user-here/x: there is no such home folder")


def test_broken_store_is_not_blamed_on_the_audio(tmp_path, sercourse, monkeypatch):
    corpus = own_recordings(tmp_path)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SERCOURSE_CACHE", str(tmp_path / "file"))
    code, _, err = sercourse("features", corpus, "--features", "mfcc", "--workers", "1")
    assert code == 2
    assert "SERCOURSE_CACHE" in err
    assert "good0.wav" not in err


@pytest.mark.parametrize("seed", ["-1", "4294967296"])
def test_impossible_seed_is_refused(seed, tmp_path, sercourse):
    code, _, err = sercourse("baseline", "--corpus", own_recordings(tmp_path), "--seed", seed)
    assert code == 2
    assert "--seed" in err


def test_speaker_whose_absence_leaves_one_emotion(tmp_path, sercourse):
    own_recordings(tmp_path)
    rows = pd.read_csv(tmp_path / "my.csv")
    rows["emotion"] = ["anger", "fear", "anger", "anger"]  # without the first speaker only anger is left
    rows.to_csv(tmp_path / "my.csv", index=False)
    code, _, err = sercourse("baseline", "--corpus", f"csv:{tmp_path / 'my.csv'}")
    assert code == 2
    assert "only one emotion is left to train on" in err
