"""A run knows its utterances: another part of a corpus is another run."""

from __future__ import annotations

import pytest

from sercourse.errors import UserError
from sercourse.training.networks import TrainingConfig, load_or_train, train

pytestmark = pytest.mark.usefixtures("own_folders")


def test_other_utterances_are_not_taken_for_the_same_run(little_corpus, tiny):
    config = TrainingConfig(corpus="little", protocol="holdout-20", changes=(*tiny, "epochs=1"))
    options = {"workers": 1, "progress": False}
    whole = load_or_train(config, table=little_corpus, **options)
    again = load_or_train(config, table=little_corpus, **options)
    assert again.summary == whole.summary, "read, not trained: even its seconds are the same"
    part = little_corpus.iloc[: len(little_corpus) * 3 // 4]
    with pytest.raises(UserError, match="other utterances or settings"):
        train(config, table=part, resume=True, **options)
    fewer = load_or_train(config, table=part, **options)
    assert set(fewer.predictions["utterance_id"]) <= set(part.index)
    assert fewer.summary["data_hash"] != whole.summary["data_hash"]


def test_functionals_need_one_vector(little_corpus, tiny):
    config = TrainingConfig(corpus="little", protocol="holdout-20", changes=(*tiny, "functionals=mfcc"))
    with pytest.raises(UserError, match="functionals=mfcc"):
        train(config, table=little_corpus, workers=1, progress=False)
