"""openSMILE's sets: sizes, names, too short audio, full-scale samples, other processes, and the reference on EMO-DB."""

from __future__ import annotations

import pickle

import numpy as np
import opensmile
import pytest
from joblib import Parallel, delayed

from sercourse.errors import AudioError
from sercourse.features.opensmile_sets import SETS, OpenSmileSet, opensmile_set
from sercourse.signal.audio import read_audio

RATE = 16_000
SIZES = {"is09": 384, "is10": 1582, "egemaps": 88, "compare": 6373}


@pytest.fixture(scope="module")
def second() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.05, RATE).astype(np.float32)


@pytest.mark.parametrize(("name", "size"), SIZES.items())
def test_sizes_and_names(name, size, second):
    extractor = opensmile_set(name)
    (features,) = extractor([second])
    assert features.shape == (size,)
    assert features.dtype == np.float32
    assert len(set(extractor.columns)) == size
    assert np.isfinite(features).all()


def test_is10_is_the_set_of_1582_in_the_paper(second):
    assert SETS["is10"] == ("is09-13/IS10_paraling_compat", 1582)
    extractor = opensmile_set("is10")
    assert extractor.columns[0] == "pcm_loudness_sma_maxPos"
    assert sum("mfcc" in name for name in extractor.columns) == 15 * 2 * 21, "15 MFCC, their deltas, 21 functionals"
    assert extractor.columns == opensmile_set("is10").columns


@pytest.mark.parametrize("name", SETS)
def test_values_are_the_librarys_own(name, second):
    theirs = opensmile.Smile(opensmile.FeatureSet(SETS[name][0])).process_signal(second, RATE)
    extractor = opensmile_set(name)
    np.testing.assert_array_equal(extractor([second])[0], theirs.to_numpy(dtype=np.float32)[0])
    assert extractor.columns == list(theirs.columns)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.filterwarnings("error")
def test_too_short_is_a_sentence_not_nan(name, second):
    with pytest.raises(AudioError, match=rf"^0\.020 s of audio are too short for the feature set {name}; .*\.$"):
        opensmile_set(name)([second[:320]])
    assert np.isfinite(opensmile_set(name)([second[:1600]])[0]).all(), "0.1 s, the shortest that is read, is enough"


def test_nan_is_refused(second):
    with pytest.raises(AudioError, match="not numbers"):
        opensmile_set("egemaps")([np.where(np.arange(RATE) == 7, np.nan, second).astype(np.float32)])


def test_full_scale_does_not_wrap_around():
    """A 16-bit cast turns 1.0 into -1.0; a clipped tone must look like one just below full scale."""
    tone = np.clip(1.5 * np.sin(2 * np.pi * 150 * np.arange(RATE) / RATE), -1, 1).astype(np.float32)
    clipped, below = opensmile_set("egemaps")([tone, np.minimum(tone, 32767 / 32768)])
    np.testing.assert_array_equal(clipped, below)
    wrapped = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02)(tone, RATE).reshape(-1)
    assert not np.allclose(clipped, wrapped, rtol=0.1), "the library alone still wraps; else the guard may go"


def test_an_unexpected_number_of_features_is_said(second):
    with pytest.raises(RuntimeError, match="has 88 features here, not 62"):
        _ = OpenSmileSet("gemaps", "egemaps/v02/eGeMAPSv02", 62).columns


def test_extractor_travels_to_another_process(second):
    extractor = opensmile_set("is09")
    here = extractor([second])[0]  # the Smile object exists by now and must stay behind
    assert pickle.loads(pickle.dumps(extractor)) == extractor
    (there,) = Parallel(n_jobs=2)([delayed(extractor)([second])])
    np.testing.assert_array_equal(there[0], here)


def test_order_and_company_do_not_matter(second):
    extractor = opensmile_set("is10")
    other = second[::-1].copy()
    forth, back = extractor([second, other]), extractor([other, second])
    np.testing.assert_array_equal(forth[0], back[1])
    np.testing.assert_array_equal(forth[1], back[0])


@pytest.mark.realdata
@pytest.mark.long
def test_is10_gives_the_reference_on_emodb(emodb):
    """EMO-DB, IS10, linear SVC, leave one speaker out: WA 77.2 UA 76.5 (measured before, independently)."""
    from sklearn.metrics import recall_score
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    paths = sorted((emodb / "wav").glob("*.wav"))
    extractor = opensmile_set("is10")
    chunks = [paths[first : first + 30] for first in range(0, len(paths), 30)]
    computed = Parallel(n_jobs=2)(delayed(_features)(extractor, chunk) for chunk in chunks)
    features = np.concatenate(computed)
    emotions, speakers = [p.stem[5] for p in paths], [p.stem[:2] for p in paths]
    model = make_pipeline(StandardScaler(), SVC(kernel="linear", C=0.01, class_weight="balanced"))
    predicted = cross_val_predict(model, features, emotions, groups=speakers, cv=LeaveOneGroupOut())
    assert 100 * np.mean(predicted == np.array(emotions)) == pytest.approx(77.2, abs=0.7)
    assert 100 * recall_score(emotions, predicted, average="macro") == pytest.approx(76.5, abs=0.7)


def _features(extractor: OpenSmileSet, paths: list) -> np.ndarray:
    return np.stack(extractor([read_audio(path) for path in paths]))
