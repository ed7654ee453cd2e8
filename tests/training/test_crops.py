"""Crops, and the lesson that shuffled crops teach."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from sercourse.corpora.table import make_table, validate
from sercourse.errors import AudioError, ProtocolError
from sercourse.training.audit import audit
from sercourse.training.crops import crop_table, utterance_seconds
from sercourse.training.protocols import make_protocol


def spoken(seconds: list[float]) -> pd.DataFrame:
    rows = [
        {"utterance_id": f"toy/{k:03d}", "path": "none.wav", "start": 2.0, "end": 2.0 + length}
        | {"emotion": ("anger", "sadness", "neutral", "fear")[k % 4], "speaker": f"toy/{k % 5}"}
        for k, length in enumerate(seconds)
    ]
    return make_table(rows, "toy")


def test_crops_tile_the_utterance():
    table = spoken([1.5, 0.4, 2.2])
    crops = validate(crop_table(table))
    assert list(crops.index) == ["toy/000#0", "toy/000#1", "toy/001#0", "toy/002#0", "toy/002#1", "toy/002#2"]
    assert list(crops["start"]) == [2.0, 2.5, 2.0, 2.0, 2.5, 3.0]
    np.testing.assert_allclose(crops["end"] - crops["start"], [1.0, 1.0, 0.4, 1.0, 1.0, 1.0])
    assert list(crops["recording"]) == [i.partition("#")[0] for i in crops.index]
    assert list(crops["emotion"]) == list(table.loc[crops["recording"], "emotion"])
    assert "#" not in "".join(table.index), "the utterances' own table is untouched"


def test_crops_of_given_durations_and_hop():
    crops = crop_table(spoken([9.0]), seconds=2.0, hop=1.0, durations=pd.Series({"toy/000": 4.0}))
    assert list(crops["start"]) == [2.0, 3.0, 4.0]


def test_durations_come_from_the_files(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(24_000), 16_000)
    rows = [{"utterance_id": "a", "path": str(tmp_path / "a.wav")}, {"utterance_id": "b", "path": "b.wav", "end": 3.0}]
    table = make_table(rows, "t")
    assert utterance_seconds(table).to_dict() == {"a": 1.5, "b": 3.0}
    assert len(crop_table(table)) == 2 + 5
    with pytest.raises(AudioError):
        utterance_seconds(table.assign(path="absent.wav", end=np.nan))


def test_bad_crops():
    table = spoken([1.0, 1.0])
    with pytest.raises(ProtocolError, match="must be above 0"):
        crop_table(table, hop=0)
    with pytest.raises(ProtocolError, match="duration of 'toy/001' is missing"):
        crop_table(table, durations=pd.Series({"toy/000": 1.0}))
    with pytest.raises(ProtocolError, match="needs a table of crops"):
        make_protocol("kfold-2", table, unit="crop")
    with pytest.raises(ProtocolError, match="no unit 'frame'"):
        make_protocol("kfold-2", table, unit="frame")


@pytest.fixture(scope="module")
def crops() -> pd.DataFrame:
    return crop_table(spoken([3.0] * 60))


def test_shuffled_crops_are_leaky_and_say_so(crops):
    leaky = make_protocol("kfold-5", crops, unit="crop")
    assert leaky.leaky
    assert "inflated by this leak" in leaky.warning
    assert leaky.describe().endswith("LEAKY")
    assert "crops tested" in leaky.describe()
    assert (audit(leaky, crops)["recording"] > 90).all()


def test_the_same_crops_split_by_utterance_or_speaker_are_not(crops):
    for name, unit in (("kfold-5", "utterance"), ("loso", "crop")):
        protocol = make_protocol(name, crops, unit=unit)
        assert not protocol.leaky
        assert (audit(protocol, crops)["recording"] == 0).all()


def test_random_labels_give_chance_except_through_the_leak(crops):
    """Crops of an utterance resemble each other and the label means nothing: only the leak can beat 25 %."""
    rng = np.random.default_rng(0)
    voices = pd.DataFrame(rng.normal(size=(60, 8)), index=sorted(set(crops["recording"])))
    features = voices.loc[crops["recording"]].to_numpy() + 0.1 * rng.normal(size=(len(crops), 8))
    features = pd.DataFrame(features, index=crops.index)

    def ua(name: str, unit: str) -> float:
        predicted = pd.Series("", index=crops.index)
        for fold in make_protocol(name, crops, unit=unit).folds:
            learnt = list(fold.development)
            model = KNeighborsClassifier(1).fit(features.loc[learnt], crops.loc[learnt, "emotion"])
            predicted[list(fold.test)] = model.predict(features.loc[list(fold.test)])
        return 100 * balanced_accuracy_score(crops["emotion"], predicted)

    assert ua("kfold-5", "crop") > 95
    # 60 utterances of 4 classes: chance is 25 with a standard error of 5.6 points
    assert 8 < ua("kfold-5", "utterance") < 42
    assert 8 < ua("loso", "crop") < 42
