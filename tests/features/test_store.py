"""The feature store: addresses, atomic writes, damage, two processes at once, a full disk."""

from __future__ import annotations

import errno
import multiprocessing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from sercourse.errors import UserError
from sercourse.features.store import DamagedEntry, FeatureStore, audio_key, extractor_key


@dataclass
class Mean:
    """A tiny extractor: the mean of the waveform."""

    name: str = "mean"
    version: int = 1
    config: dict = field(default_factory=lambda: {"power": 1})
    columns: list[str] | None = None

    def __call__(self, waveforms):
        return [np.array([w.mean()], dtype=np.float32) for w in waveforms]


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "features")


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    path = tmp_path / "a.wav"
    path.write_bytes(b"some bytes")
    return path


def test_what_is_written_is_read_back(store, audio):
    path = store.path(audio_key(audio), Mean())
    array = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    assert store.read(path) is None
    store.write(path, array)
    np.testing.assert_array_equal(store.read(path), array)
    assert [p.suffix for p in path.parent.iterdir()] == [".npy"], "no temporary file is left"
    np.testing.assert_array_equal(np.load(path), array)  # an entry is an ordinary .npy file with a tail


def test_address_follows_content_span_configuration_and_version_not_the_name(store, audio, tmp_path):
    original = store.path(audio_key(audio), Mean())
    renamed = tmp_path / "renamed.wav"
    renamed.write_bytes(audio.read_bytes())
    assert store.path(audio_key(renamed), Mean()) == original
    others = [
        store.path(audio_key(audio, 0.5), Mean()),
        store.path(audio_key(audio, 0.0, 1.0), Mean()),
        store.path(audio_key(audio), Mean(version=2)),
        store.path(audio_key(audio), Mean(config={"power": 2})),
        store.path(audio_key(audio), Mean(name="other")),
    ]
    audio.write_bytes(b"other bytes!")
    others.append(store.path(audio_key(audio), Mean()))
    assert len({original, *others}) == 7


def test_configuration_order_does_not_change_the_address():
    assert extractor_key(Mean(config={"a": 1, "b": 2})) == extractor_key(Mean(config={"b": 2, "a": 1}))


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:40] + b"\x00" + b[41:], lambda b: b""])
def test_damaged_entry_is_found(store, audio, damage):
    path = store.path(audio_key(audio), Mean())
    store.write(path, np.arange(100, dtype=np.float32) + 1)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedEntry):
        store.read(path)


def test_full_disk_is_one_sentence_and_leaves_nothing(store, audio, monkeypatch):
    def full(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    path = store.path(audio_key(audio), Mean())
    with pytest.raises(UserError, match=r"disk is full.*kept"):
        store.write(path, np.zeros(3))
    assert list(path.parent.iterdir()) == []


def test_read_only_folder_is_one_sentence(audio, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="SERCOURSE_CACHE"):
        FeatureStore(tmp_path / "file").write(tmp_path / "file" / "x" / "y.npy", np.zeros(3))


def _write_many(root: Path, audio: Path, times: int) -> None:
    store = FeatureStore(root)
    for _ in range(times):
        store.write(store.path(audio_key(audio), Mean()), np.arange(50_000, dtype=np.float32))


def test_two_processes_fill_one_store(store, audio):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(store.root, audio, 60)) for _ in range(2)]
    for writer in writers:
        writer.start()
    path = store.path(audio_key(audio), Mean())
    while any(writer.is_alive() for writer in writers):
        array = store.read(path)  # raises DamagedEntry if a half-written entry were ever visible
        assert array is None or len(array) == 50_000
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert len(store.read(path)) == 50_000
