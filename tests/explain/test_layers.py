"""Layers of real little runs: the right utterances, the network's own outputs, the run's own predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile

from sercourse.corpora.table import make_table
from sercourse.errors import UserError
from sercourse.explain.layers import LAYERS, RAW, SHOWN, layers_of, outputs_of, vectors_of
from sercourse.explain.maps import silhouette
from sercourse.features.extract import extract
from sercourse.training.networks import TrainingConfig, train
from sercourse.training.predict import Network
from sercourse.training.protocols import Protocol
from sercourse.training.settings import CHAPTERS, PEERS

SMALL = {
    "emotion_autoencoder": ("width=16", "bank_channels=4", "bank_widths=3", "encoder_gru=4", "decoder_gru=4",
                            "hidden=16,8", "functionals=is09", "crop_frames=32", "hop_frames=16"),
    "asp_mtl": ("hidden=6", "head=6", "step=4"),
    "mtlser": ("backbone=mini",),
    "mtap": ("text=none", "audio=none", "seconds=0.64", "step=2", "bins=40"),
    "msfl": ("hidden=6", "attention=4", "functionals=is09", "language_weight=0"),
}  # fmt: skip
LOOP = ("threads=1", "accelerator=cpu", "precision=fp32", "epochs=1", "batch_size=8")

pytestmark = pytest.mark.usefixtures("threads_put_back")


@pytest.fixture(scope="module", autouse=True)
def folders(tmp_path_factory):
    environment = pytest.MonkeyPatch()
    for name in ("CACHE", "RUNS"):
        environment.setenv(f"SERCOURSE_{name}", str(tmp_path_factory.mktemp(name.lower())))
    yield
    environment.undo()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> pd.DataFrame:
    """18 tones in three emotions by three speakers."""
    folder, rng = tmp_path_factory.mktemp("tones"), np.random.default_rng(0)
    rows = []
    for number in range(18):
        emotion, hz = (("anger", 280), ("neutral", 200), ("sadness", 140))[number % 3]
        t = np.arange(6_400 + 300 * number) / 16_000
        path = folder / f"{number:02d}.wav"
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * t) ** 3 + 0.02 * rng.normal(size=len(t)), 16_000)
        rows.append({"utterance_id": f"tones/{number:02d}", "path": str(path), "emotion": emotion, "language": "de",
                     "speaker": f"tones/{number // 6}", "gender": ("female", "male")[number // 3 % 2]})  # fmt: skip
    return make_table(rows, "tones")


def little_run(chapter: str, corpus: pd.DataFrame):
    config = TrainingConfig(chapter, "tones", "kfold-2", changes=(*LOOP, *SMALL[chapter]))
    return train(config, table=corpus, workers=1, progress=False)


@pytest.fixture(scope="module")
def run(corpus):
    return little_run("msfl", corpus)


@pytest.mark.parametrize("chapter", SMALL)
def test_every_layer_of_a_chapter_has_a_vector_per_tested_utterance(corpus, chapter):
    run = little_run(chapter, corpus)
    assert layers_of(run.folder) == [*LAYERS[chapter], *RAW]
    tested = sorted(Protocol.from_json(run.protocol["repeats"][0]).folds[1].test)
    for layer in LAYERS[chapter]:
        vectors, table = vectors_of(run.folder, layer, fold=1, table=corpus)
        assert list(vectors.index) == list(table.index) == tested
        assert np.isfinite(vectors.to_numpy()).all()
        assert list(table) == list(SHOWN)


def test_every_chapter_has_its_layers():
    assert set(LAYERS) == {*CHAPTERS, *PEERS}


def test_vectors_are_those_of_the_folds_own_network(run, corpus):
    vectors, table = vectors_of(run, "embedding", fold=1, table=corpus)
    own, _ = outputs_of(Network.load(run.folder, 1), "embedding", corpus.loc[table.index])
    other, _ = outputs_of(Network.load(run.folder, 0), "embedding", corpus.loc[table.index])
    np.testing.assert_array_equal(vectors, own)
    assert not np.allclose(vectors, other)


def test_logits_point_at_the_prediction(run, corpus):
    vectors, table = vectors_of(run, "emotion", table=corpus)
    classes = np.array(Network.load(run.folder).model.classes["emotion"])
    assert list(classes[vectors.to_numpy().argmax(1)]) == list(table["predicted"])


def test_predictions_are_joined_by_id_and_judged(run, corpus):
    _, table = vectors_of(run, "is10", table=corpus)
    rows = run.predictions.set_index("utterance_id").loc[table.index]
    assert list(table["predicted"]) == list(rows["predicted"])
    assert ((table["judged"] == "right") == (rows["predicted"] == rows["emotion"]).to_numpy()).all()
    np.testing.assert_allclose(table["confidence"], rows.filter(like="p_").max(axis=1))


def test_what_was_not_tested_in_this_fold_has_no_prediction(run, corpus):
    vectors, table = vectors_of(run, "embedding", side="all", table=corpus)
    assert len(vectors) == 18
    assert set(table["side"]) == {"train", "validation", "test"}
    assert (table["predicted"].notna() == (table["side"] == "test")).all()
    assert (table["judged"].notna() == (table["side"] == "test")).all()


def test_raw_features_are_the_extracted_ones(run, corpus):
    vectors, table = vectors_of(run, "egemaps", table=corpus)
    pd.testing.assert_frame_equal(vectors, extract(corpus.loc[table.index], "egemaps", progress=False).frame)
    assert silhouette(vectors.to_numpy(), table["emotion"]) > 0, "three pitches"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"layer": "embeddng"}, "no such layer; choose one of embedding.*Did you mean embedding"),
        ({"fold": 2}, "has 2 folds, 0 to 1"),
        ({"side": "train"}, "choose one of test, all"),
    ],
)
def test_what_a_run_does_not_have_is_one_sentence(run, corpus, options, sentence):
    with pytest.raises(UserError, match=sentence):
        vectors_of(run, **{"layer": "embedding", "table": corpus} | options)


def test_a_corpus_that_has_lost_utterances_is_said(run, corpus):
    tested = run.predictions[run.predictions["fold"] == "fold 1"]["utterance_id"].iloc[0]
    with pytest.raises(UserError, match="is not in tones any more"):
        vectors_of(run, "embedding", table=corpus.drop(index=tested))
