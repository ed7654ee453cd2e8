"""MTAP in training: images, texts and audio from a table to a run folder and back."""

import pickle

import numpy as np
import pandas as pd
import pytest

from sercourse.errors import UserError
from sercourse.features.extract import extract
from sercourse.models.mtap_config import MtapConfig
from sercourse.training import modalities
from sercourse.training.devices import make_fabric
from sercourse.training.loop import judge
from sercourse.training.networks import TrainingConfig, load_or_train, train
from sercourse.training.predict import Network, predict_files
from sercourse.training.recipes import mtap
from sercourse.training.recipes.mtap import RECIPE
from sercourse.training.settings import LoopConfig

LOOP = ("threads=1", "accelerator=cpu", "epochs=2", "batch_size=8", "precision=fp32", "seconds=0.64", "step=2",
        "bins=40")  # fmt: skip
SAID = {"anger": "stop it now", "neutral": "the cloth lies on the fridge", "sadness": ""}


@pytest.fixture(scope="module", autouse=True)
def read_quickly():
    """A sentence encoder that gives each text numbers of its own, so that no extra and no seconds are needed."""
    environment = pytest.MonkeyPatch()

    def read(encoder: str, text: str) -> np.ndarray:
        assert text.strip()
        return np.random.default_rng(len(text)).normal(size=6).astype(np.float32)

    environment.setattr(modalities, "read", read)
    environment.setattr(modalities, "find_spec", lambda name: True)
    for module in (modalities, mtap):
        environment.setattr(module, "text_fingerprint", lambda name: "" if name == "none" else f"of-{name}")
    yield
    environment.undo()


@pytest.fixture(scope="module")
def talking(little_corpus):
    return little_corpus.assign(text=little_corpus["emotion"].map(SAID).astype("string"), language="de")


def config(*changes: str) -> TrainingConfig:
    return TrainingConfig("mtap", "little", "kfold-2", "quick", (*LOOP, *changes))


@pytest.fixture(scope="module")
def run(talking, tmp_path_factory):
    environment = pytest.MonkeyPatch()
    environment.setenv("SERCOURSE_RUNS", str(tmp_path_factory.mktemp("runs")))
    yield train(config("text=minilm", "audio=mini", "gender=B"), table=talking, progress=False)
    environment.undo()


def test_a_run_judges_emotion_and_gender_and_says_what_is_missing(run, talking):
    assert run.summary["tasks"]["gender"]["n_test"] == 24
    assert sorted(run.predictions["utterance_id"]) == sorted(talking.index)
    told = " ".join(run.summary["notices"])
    assert "8 of 24 utterances have no text" in told
    assert "an English encoder; the corpus, or a part of it, is in de" in told
    assert run.summary["settings"]["model"]["fingerprint"] == f"of-minilm-{modalities.audio_fingerprint('mini')}"


def test_an_equal_run_gives_equal_predictions(run, talking, monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_RUNS", str(tmp_path))
    again = train(config("text=minilm", "audio=mini", "gender=B"), table=talking, progress=False)
    pd.testing.assert_frame_equal(again.predictions, run.predictions)


def test_a_run_with_another_text_is_another_run(run, talking, monkeypatch):
    first = run.predictions.sort_values("utterance_id").reset_index(drop=True)
    changed = talking.assign(text=talking["text"].where(talking["emotion"] != "anger", "something else was said"))
    other = load_or_train(config("text=minilm", "audio=mini", "gender=B"), table=changed, progress=False)
    assert not other.predictions.sort_values("utterance_id").reset_index(drop=True).equals(first)
    load_or_train(config("text=minilm", "audio=mini", "gender=B"), table=talking, progress=False)


def test_files_are_judged_without_a_text(run, talking):
    """As the same utterances would be whose text is missing, and not as they are with it."""
    some = talking[talking["emotion"] == "anger"].iloc[:3]
    told = predict_files(list(some["path"]), run.folder).filter(like="p_").to_numpy()
    means = {}
    for kind, texts in (("with", some["text"]), ("without", pd.Series(pd.NA, some.index, dtype="string"))):
        table = some.assign(text=texts)
        total = 0.0
        for fold in range(2):
            network = Network.load(run.folder, fold)
            names = RECIPE.features(network.settings)
            features = {name: extract(table, name, workers=1, progress=False) for name in names}
            features |= RECIPE.derived(features, table, network.settings)
            examples = RECIPE.examples(features, table, network.model.classes, network.settings)
            fabric = make_fabric(LoopConfig())
            judged = judge(fabric, fabric.setup(network.model), examples, list(table.index), 8, labelled=False)
            total = total + judged.probabilities["emotion"] / 2
        means[kind] = total
    np.testing.assert_allclose(told, means["without"], atol=1e-4)
    assert not np.allclose(told, means["with"], atol=1e-3)


def test_images_shorter_than_the_papers_are_told():
    def told(corpus: str, *changes: str) -> list[str]:
        table = pd.DataFrame({"text": pd.NA, "language": "en"}, index=[f"{corpus}/a", f"{corpus}/b"])
        return RECIPE.notices(table, RECIPE.settings("course", changes))

    assert told("emodb") == []
    assert told("savee") == ["Images show 4 s; the paper's show 5 s of savee: --set seconds=5."]
    assert told("savee", "seconds=5") == told("iemocap", "image=none", "audio=mini") == []


def test_another_encoder_under_the_same_name_is_refused(run, talking, monkeypatch):
    monkeypatch.setattr(mtap, "audio_fingerprint", lambda name: "another")
    with pytest.raises(UserError, match="audio=mini: is not the encoder that this network was trained with"):
        predict_files([talking["path"].iloc[0]], run.folder)


def test_another_sentence_encoder_under_the_same_name_is_refused_where_there_is_a_text(talking, monkeypatch):
    settings = RECIPE.settings("quick", (*LOOP, "text=minilm"))
    features = {name: extract(talking, name, workers=1, progress=False) for name in RECIPE.features(settings)}
    assert len(RECIPE.derived(features, talking, settings)["text"]) == 16
    asked = []
    monkeypatch.setattr(mtap, "text_fingerprint", lambda name: asked.append(name) or "another")
    with pytest.raises(UserError, match="text=minilm: is not the encoder that this network was trained with; train"):
        RECIPE.derived(features, talking, settings)
    for nothing in (pd.NA, " "):
        silent = talking.assign(text=pd.Series(nothing, index=talking.index, dtype="string"))
        with pytest.warns(UserWarning, match="No utterance has a text; to the network theirs is the mean"):
            assert RECIPE.derived(features, silent, settings) == {"text": {}}
    assert asked == ["minilm"], "without a text nobody asks for the encoder, which need not be installed"


def test_a_network_that_reads_alone_refuses_recordings_whose_words_nobody_knows(talking):
    """Else it would say the same of every one of them."""
    settings = RECIPE.settings("quick", (*LOOP, "image=none", "text=minilm"))
    features = {name: extract(talking, name, workers=1, progress=False) for name in RECIPE.features(settings)}
    silent = talking.assign(text=pd.Series(pd.NA, index=talking.index, dtype="string"))
    with pytest.raises(UserError, match="reads texts alone, and these utterances have none"):
        RECIPE.derived(features, silent, settings)


def test_what_goes_to_other_processes_can_be_pickled(talking):
    settings = RECIPE.settings("quick", (*LOOP, "text=minilm", "audio=mini"))
    features = {name: extract(talking, name, workers=1, progress=False) for name in RECIPE.features(settings)}
    derived = RECIPE.derived(features, talking, settings)
    again = pickle.loads(pickle.dumps(derived))
    np.testing.assert_array_equal(again["audio"][talking.index[0]], derived["audio"][talking.index[0]])


def test_each_modality_alone_can_be_trained(talking, monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_RUNS", str(tmp_path))
    for changes in (("image=none", "text=minilm"), ("image=none", "audio=mini"), ()):
        run = train(config("epochs=1", *changes), table=talking, progress=False)
        assert run.summary["n_test"] == 24


def test_a_modality_that_nobody_has_is_refused(talking, monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_RUNS", str(tmp_path))
    silent = talking.assign(text=pd.Series("  ", index=talking.index, dtype="string"))
    with pytest.raises(UserError, match="text: no utterance of a fold's training side has any; take --set text=none"):
        train(config("text=minilm"), table=silent, progress=False)


def test_training_changes_the_image_and_evaluation_does_not(talking):
    settings = RECIPE.settings("quick", (*LOOP, "masks=2", "mask_share=0.3", "speed=0.2"))
    features = {"spec400": extract(talking, "spec400", workers=1, progress=False)}
    examples = RECIPE.examples(features, talking, {"emotion": list(SAID)}, settings)
    first = talking.index[-1]
    (one,), (other,) = examples.evaluation_items(first), examples.evaluation_items(first)
    np.testing.assert_array_equal(one["image"], other["image"])
    assert one["bands"].all()
    drawn = [examples.training_item(first, np.random.default_rng(seed)) for seed in (1, 2, 1)]
    assert not np.array_equal(drawn[0]["image"], drawn[1]["image"])
    np.testing.assert_array_equal(drawn[0]["image"], drawn[2]["image"])
    assert drawn[0]["bands"].sum() < 40


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (("margin=28",), "--set margin=28"),
        (("seconds=0.1",), "--set an image of 5 frames"),
        (("text=nowhere",), "text=nowhere: no such folder"),
        (("audio=nowhere",), "audio=nowhere: no such folder"),
        (("text=",), "--set text=: names no encoder; write text=none"),
        (("audio=",), "--set audio=: names no encoder; write audio=none"),
        (("audio=.",), r"audio=\.: holds no encoder, for there is no config\.json"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(changes, sentence):
    with pytest.raises(UserError, match=sentence):
        RECIPE.settings("quick", (*LOOP, *changes))


def test_vggish_that_is_not_at_hand_is_replaced_said_and_written_down(monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_CACHE", str(tmp_path))
    with pytest.warns(UserWarning, match="audio=vggish: no published weights in .*mini"):
        settings = RECIPE.settings("quick", ("audio=vggish",))
    assert settings.model.audio == "mini"


def test_imagenet_weights_that_are_not_at_hand_are_replaced_said_and_written_down(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    mtap.imagenet_at_hand.cache_clear()
    with pytest.warns(UserWarning, match="weights of densenet169 are not at hand and cannot be had from"):
        settings = RECIPE.settings("paper", ("text=none",))
    assert settings.model == MtapConfig(image="densenet169", imagenet=False)


def test_one_emotion_only_is_one_sentence(talking, monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_RUNS", str(tmp_path))
    with pytest.raises(UserError, match="they show 1 emotion"):
        train(config(), table=talking[talking["emotion"] == "anger"], progress=False)
