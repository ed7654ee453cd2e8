"""Layers of real little runs: the right utterances, the network's own outputs, the run's own predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from little_runs import SMALL, little_run

from sercourse.errors import UserError
from sercourse.explain.layers import RAW, SHOWN, layers_of, meanings, outputs_of, vectors_of
from sercourse.explain.maps import silhouette
from sercourse.features.extract import extract
from sercourse.training.predict import Network
from sercourse.training.protocols import Protocol
from sercourse.training.settings import CHAPTERS

pytestmark = pytest.mark.usefixtures("threads_put_back", "own_runs")


OWN: dict[str, list[str]] = {
    "emotion_autoencoder": ["embedding", "latent_mean", "fused", "logits"],
    "asp_mtl": ["embedding", "main", "auxiliary_states", "emotion"],
    "mtlser": ["pooled", "layer_0", "layer_1", "layer_2", "layer_3", "layer_4", "layer_5", "emotion"],
    "mtap": ["fused", "emotion"],
    "msfl": ["embedding", "attention", "emotion"],
}
"""Chapter to the layers of its little run."""


@pytest.fixture(scope="module")
def run(own_runs, corpus):
    return little_run("msfl", corpus)


@pytest.mark.parametrize("chapter", SMALL)
def test_every_layer_of_a_chapter_has_a_vector_per_tested_utterance(corpus, chapter):
    run = little_run(chapter, corpus)
    own = OWN[chapter]
    assert layers_of(run.folder) == [*own, *RAW]
    assert all(meanings(run.folder).values())
    tested = sorted(Protocol.from_json(run.protocol["repeats"][0]).folds[1].test)
    for layer in own:
        vectors, table = vectors_of(run.folder, layer, fold=1, table=corpus)
        assert list(vectors.index) == list(table.index) == tested
        assert np.isfinite(vectors.to_numpy()).all()
        assert list(table) == list(SHOWN)


def test_every_chapter_has_its_layers():
    assert {*OWN} == {*CHAPTERS}, "those of the peers: tests/models/test_peers.py"


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
