"""Table to features: order, reuse, repair, skipping, and the same values for any number of workers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile

from sercourse import errors
from sercourse.corpora.table import make_table
from sercourse.errors import UserError
from sercourse.features import extract as module
from sercourse.features.extract import extract, feature_extractor
from sercourse.features.store import FeatureStore


@pytest.fixture
def store(tmp_path) -> FeatureStore:
    return FeatureStore(tmp_path / "store")


@pytest.fixture
def table(tmp_path) -> pd.DataFrame:
    """Forty utterances of different lengths; one file holds two of them."""
    rng = np.random.default_rng(0)
    rows = []
    for k in range(38):
        path = tmp_path / f"{k:02d}.wav"
        soundfile.write(path, 0.1 * rng.standard_normal(4000 + 200 * k), 16_000)
        rows.append({"utterance_id": f"t/{k:02d}", "path": str(path)})
    path = tmp_path / "long.wav"
    soundfile.write(path, 0.1 * rng.standard_normal(32_000), 16_000)
    rows += [{"utterance_id": f"t/long{k}", "path": str(path), "start": float(k), "end": k + 1.0} for k in range(2)]
    return make_table(rows, "t")


def test_order_ids_and_spans(table, store):
    features = extract(table, "waveform", store=store, workers=1, progress=False)
    assert list(features) == list(table.index)
    assert len(features) == 40
    assert features["t/37"].shape == (4000 + 200 * 37,)
    assert features["t/long1"].shape == (16_000,)
    assert not np.array_equal(features["t/long0"], features["t/long1"])


def test_workers_do_not_change_values(table, store, tmp_path):
    one = extract(table, "mfcc", store=store, workers=1, progress=False)
    two = extract(table, "mfcc", store=FeatureStore(tmp_path / "other"), workers=2, progress=False)
    for utterance_id in table.index:
        np.testing.assert_allclose(one[utterance_id], two[utterance_id], rtol=1e-5, atol=1e-4)


def test_second_time_nothing_is_computed(table, store, monkeypatch):
    first = extract(table, "mfcc", store=store, workers=1, progress=False)
    monkeypatch.setattr(module, "read_audio", lambda *_: pytest.fail("audio was read again"))
    second = extract(table, "mfcc", store=store, workers=1, progress=False)
    assert first.paths == second.paths


def test_damaged_entry_is_computed_again_and_reported(table, store):
    first = extract(table, "mfcc", store=store, workers=1, progress=False)
    good = first["t/05"]
    path = first.paths["t/05"]
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.warns(UserWarning, match="1 damaged entries"):
        second = extract(table, "mfcc", store=store, workers=1, progress=False)
    np.testing.assert_array_equal(second["t/05"], good)


def test_frame_of_functionals(table, store):
    features = extract(table.iloc[:3], "egemaps", store=store, workers=1, progress=False)
    assert features.frame.shape == (3, 88)
    assert list(features.frame.index) == list(table.index[:3])
    assert list(features.frame.columns) == features.columns
    with pytest.raises(UserError, match="one vector per utterance"):
        _ = extract(table.iloc[:3], "mfcc", store=store, workers=1, progress=False).frame


def test_too_short_for_a_feature_set_is_named_and_others_are_kept(table, store, monkeypatch):
    """openSMILE refuses one waveform of a batch: the others are computed one by one."""
    extractor = feature_extractor("mfcc")

    class Picky:
        name, version, config, columns = "picky", 1, {}, None

        def __call__(self, waveforms):
            if any(len(w) == 4000 for w in waveforms):
                raise module.AudioError("too short for picky; leave the utterance out.")
            return extractor(waveforms)

    monkeypatch.setitem(module.FEATURES, "picky", Picky)
    with pytest.raises(UserError, match=r"t/00: too short for picky"):
        extract(table, "picky", store=store, workers=1, progress=False)
    assert len(list(store.root.rglob("*.npy"))) == 39
    monkeypatch.setattr(errors, "SKIPPED_SHARE", 0.1)
    with pytest.warns(UserWarning, match="1 of 40 utterances skipped"):
        features = extract(table, "picky", store=store, workers=1, progress=False)
    assert set(features.skipped) == {"t/00"}
    assert "t/00" not in features


def test_unknown_feature_set():
    with pytest.raises(UserError, match=r"--features is11: no such feature set; choose one of .*is10"):
        feature_extractor("is11")


def test_entry_that_left_the_store_is_one_sentence(table, store):
    features = extract(table, "waveform", store=store, workers=1, progress=False)
    features.paths["t/00"].unlink()
    with pytest.raises(UserError, match="left the store or are damaged"):
        _ = features["t/00"]
