"""MTLSER in training: waveforms with texts and speakers, from a table to a run folder and back."""

import json
import pickle
import shutil
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from transformers import AutoConfig, AutoModel

from sercourse.errors import UserError
from sercourse.features.extract import extract
from sercourse.losses.ctc import ENGLISH
from sercourse.models.speech_encoder import SpeechEncoder
from sercourse.training import backbones
from sercourse.training.backbones import MINI, load_backbone
from sercourse.training.batches import EvaluationSet
from sercourse.training.collect import _written
from sercourse.training.convolved import Convolved, convolved, encoded
from sercourse.training.frozen import frozen
from sercourse.training.networks import TrainingConfig, load_or_train, train
from sercourse.training.predict import Network, predict_files
from sercourse.training.recipes.mtlser import RECIPE

LOOP = ("threads=1", "accelerator=cpu", "epochs=2", "batch_size=8", "schedule=constant")


def save_small(folder, kind: str = "wav2vec2", seed: int = 0, **changes) -> str:
    """A checkpoint of a network with two layers, in a folder."""
    torch.manual_seed(seed)
    sizes = AutoConfig.for_model(
        kind, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, conv_dim=(16,) * 7,
        feat_extract_norm="layer", do_stable_layer_norm=True, num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4, **changes,
    )  # fmt: skip
    AutoModel.from_config(sizes).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> str:
    return save_small(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def talking(little_corpus):
    """The tones of the little corpus, with something to read."""
    words = {"anger": "a cab", "neutral": "bad", "sadness": "a bee"}
    return little_corpus.assign(text=little_corpus["emotion"].map(words).astype("string"), language="en")


@pytest.fixture(scope="module")
def run(talking, small, tmp_path_factory):
    environment = pytest.MonkeyPatch()
    environment.setenv("SERCOURSE_RUNS", str(tmp_path_factory.mktemp("runs")))
    config = TrainingConfig("mtlser", "little", "kfold-2", "quick", (f"backbone={small}", *LOOP))
    yield train(config, table=talking, progress=False)
    environment.undo()


def test_a_run_judges_emotion_speaker_and_text(run, talking):
    assert set(run.summary["tasks"]) == {"speaker", "text"}
    text = run.summary["tasks"]["text"]
    assert text["n_test"] == len(talking)
    assert text["seen_texts"]["n_test"] == len(talking), "three texts, all of them said in training"
    assert text["unseen_texts"] == {"wer": None, "cer": None, "n_test": 0}
    assert text["wer"] >= 0
    assert 0 < run.summary["tasks"]["speaker"]["n_test"] <= len(talking), "speakers whom a fold's training holds"
    assert {"text", "predicted_text", "predicted_speaker"} <= set(run.predictions)
    assert run.predictions["text"].notna().all()


def test_a_finished_run_is_found_and_hears_what_it_heard(run, talking, small, monkeypatch):
    config = TrainingConfig("mtlser", "little", "kfold-2", "quick", (f"backbone={small}", *LOOP))
    assert load_or_train(config, table=talking, progress=False).summary == run.summary
    fold = run.protocol["repeats"][0]["folds"][0]
    listener = Network.load(run.folder)
    waveforms = [soundfile.read(talking.loc[i, "path"], dtype="float32")[0] for i in fold["test"]]
    told = listener.probabilities(waveforms)
    emotions = listener.model.classes["emotion"]
    judged = run.predictions.set_index("utterance_id").loc[list(fold["test"]), [f"p_{e}" for e in emotions]]
    np.testing.assert_allclose(told, judged, atol=1e-5)


def test_predictions_need_nothing_but_the_run(run, talking, small, tmp_path, sercourse):
    hidden = tmp_path / "elsewhere"
    shutil.move(small, hidden)
    try:
        told = predict_files(talking["path"].head(2), run.folder)
    finally:
        shutil.move(hidden, small)
    assert set(told) >= {"predicted", "text", "speaker", "speaker_probability"}
    assert told.filter(like="p_").sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-4)
    code, out, _ = sercourse("predict", talking["path"].iloc[0], "--run", run.folder)
    assert code == 0
    assert "speaker: little/" in out


def test_a_long_recording_is_heard_in_pieces(run, talking, tmp_path, monkeypatch):
    monkeypatch.setattr(type(RECIPE), "chunk_seconds", 1.0)
    one, _ = soundfile.read(talking["path"].iloc[20], dtype="float32")
    second = np.tile(one, 3)[:16_000]
    soundfile.write(tmp_path / "long.wav", np.concatenate([second, second, np.zeros(16_000), second]), 16_000)
    soundfile.write(tmp_path / "short.wav", second, 16_000)
    long, short = (predict_files([tmp_path / name], run.folder).iloc[0] for name in ("long.wav", "short.wav"))
    assert long["predicted"] == short["predicted"]
    assert long["speaker_probability"] == pytest.approx(short["speaker_probability"], abs=1e-3)
    assert long["text"].split() == 3 * short["text"].split(), "a silent piece says nothing"
    soundfile.write(tmp_path / "silent.wav", np.zeros(40_000), 16_000)
    with pytest.raises(UserError, match="silent throughout"):
        predict_files([tmp_path / "silent.wav"], run.folder)


def test_no_piece_is_longer_than_a_chunk_and_nothing_is_left_out(run, tmp_path, monkeypatch):
    monkeypatch.setattr(type(RECIPE), "chunk_seconds", 1.0)
    speech = 0.1 * np.random.default_rng(0).normal(size=70_000)  # 4.4 s
    soundfile.write(tmp_path / "some.wav", speech, 16_000)
    pieces, judged = [], Network.judged
    monkeypatch.setattr(Network, "judged", lambda self, given: pieces.extend(given) or judged(self, given))
    predict_files([tmp_path / "some.wav"], run.folder)
    assert {len(piece) for piece in pieces} == {14_000}, "five of equal length"
    np.testing.assert_allclose(np.concatenate(pieces[:5]), speech, atol=1e-3)


LISTENS = """
import sys
from sercourse.training.devices import peak_memory_mb
from sercourse.training.predict import predict_files
for recording in sys.argv[2:]:
    predict_files([recording], sys.argv[1])
    print(peak_memory_mb())
"""


@pytest.mark.long
def test_an_hour_takes_no_more_memory_than_a_minute(run, tmp_path):
    minute = (0.1 * np.random.default_rng(0).normal(size=60 * 16_000)).astype(np.float32)
    for name, minutes in (("minute", 1), ("hour", 60)):
        with soundfile.SoundFile(tmp_path / f"{name}.wav", "w", 16_000, 1) as file:
            for _ in range(minutes):
                file.write(minute)
    files = [tmp_path / "minute.wav", tmp_path / "hour.wav"]
    told = subprocess.run([sys.executable, "-c", LISTENS, run.folder, *files], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    short, long = map(float, told.stdout.split())
    assert long - short < 60, "MB; the hour as float32 alone is 230"


def test_items_hold_stored_convolutions_and_unknown_labels_are_missing(talking, small):
    settings = RECIPE.settings("quick", (f"backbone={small}",))
    waveforms = extract(talking, "waveform", workers=1, progress=False)
    classes = {"emotion": ["anger", "neutral"], "speaker": ["little/0"], "text": list(ENGLISH)}
    features = {"waveform": waveforms}
    examples = RECIPE.examples(features | RECIPE.derived(features, talking, settings), talking, classes, settings)
    item = examples.training_item("little/05", np.random.default_rng(0))  # sadness, speaker 1
    assert (item["emotion"], item["speaker"]) == (-1, -1)
    assert item["audio"].shape == (item["length"], 16)
    assert item["text_length"] == len("a bee")
    assert set(EvaluationSet(examples, ["little/05"], labelled=False)[0]) == {"audio", "length", "utterance"}
    fresh = Convolved(waveforms, settings.model)
    again = convolved(load_backbone(small).eval(), waveforms["little/05"])
    np.testing.assert_array_equal(fresh["little/05"], again)
    settings = settings.changed(("cached=false",))
    assert not RECIPE.derived(features, talking, settings)
    whole = RECIPE.examples(features, talking, classes, settings)
    assert whole.training_item("little/05", np.random.default_rng(0))["audio"].ndim == 1
    assert len(fresh) == len(list(fresh)) == len(talking)
    assert pickle.loads(pickle.dumps(fresh)).per_second == fresh.per_second, "it goes to other processes"


def test_a_stretch_of_a_very_long_utterance_brings_no_text(talking, small):
    settings = RECIPE.settings("quick", (f"backbone={small}", "cached=false", "max_seconds=0.1"))
    waveforms = extract(talking, "waveform", workers=1, progress=False)
    classes = {"emotion": ["anger", "neutral"], "text": list(ENGLISH)}
    features = {"waveform": waveforms}
    examples = RECIPE.examples(features | RECIPE.derived(features, talking, settings), talking, classes, settings)
    item = examples.training_item("little/05", np.random.default_rng(0))
    assert (item["length"], item["text_length"], len(item["audio"])) == (1_600, 0, 1_600)
    assert examples.evaluation_items("little/05")[0]["text_length"] == 5


def test_without_transcripts_the_task_is_off_with_a_notice(little_corpus, small, monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_RUNS", str(tmp_path))
    config = TrainingConfig("mtlser", "little", "holdout-30", "quick", (f"backbone={small}", *LOOP, "epochs=1"))
    run = train(config, table=little_corpus, progress=False)
    assert set(run.summary["tasks"]) == {"speaker"}
    assert any("no transcripts" in notice for notice in run.summary["notices"])


def test_speakers_whom_training_does_not_hold_have_no_accuracy(talking, small, monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_RUNS", str(tmp_path))
    config = TrainingConfig("mtlser", "little", "loso", "quick", (f"backbone={small}", *LOOP, "epochs=1"), fold=0)
    run = train(config, table=talking, progress=False)
    assert run.summary["tasks"]["speaker"] == {"wa": None, "ua": None, "n_test": 0}


@pytest.mark.parametrize("pretrained", [True, False])
def test_the_shipped_encoder_loads_and_is_small(pretrained):
    encoder = load_backbone(MINI, pretrained=pretrained)
    parameters = sum(p.numel() for p in encoder.parameters())
    assert 1e6 < parameters < 5e6
    assert all(p.dtype == torch.float32 for p in encoder.parameters())
    states, mask = encoder(torch.randn(1, 8_000) * 0.05, torch.tensor([8_000]))
    assert mask is None
    assert len(states) == encoder.depth + 1
    assert torch.isfinite(states[-1]).all()


def test_an_encoder_that_is_not_at_hand_is_replaced_said_and_written_down(monkeypatch):
    backbones._on_the_hub.cache_clear()
    monkeypatch.setattr(backbones.constants, "HF_HUB_OFFLINE", True)
    with pytest.warns(UserWarning, match=r"facebook/wav2vec2-none: not at hand.*\(mini\) is used instead"):
        settings = RECIPE.settings("quick", ("backbone=facebook/wav2vec2-none",))
    assert settings.model.backbone == MINI, "so no figure of the small one stands under the large one's name"
    with pytest.warns(UserWarning, match="is used instead"):  # said again: never silently
        assert settings == RECIPE.settings("quick", ("backbone=facebook/wav2vec2-none",)) == RECIPE.settings("quick")
    for wrong in ("wav2vec9", "/nonexistent/folder", "./a/b", "a/b/c"):
        with pytest.raises(UserError, match="no such folder, and no id of the hub"):
            RECIPE.settings("quick", (f"backbone={wrong}",))


def test_error_rates_of_sentences_that_training_had_and_of_others():
    """Fold a was taught "one two" and "three"; of four tested texts two are among its own, one is the other fold's."""
    table = pd.DataFrame({"text": ["one two", "three", "one two", "four five", "three", None]}, index=list("abcdef"))
    job = SimpleNamespace(train=("a", "b"))
    told = pd.DataFrame(
        {"repeat": 0, "fold": "a", "text": ["One two!", "four five", "three", None],
         "predicted_text": ["one two", "four six", None, "seven"]}
    )  # fmt: skip
    found = _written(told, "text", [(0, "a", job)], table)
    assert found["seen_texts"] == {"wer": pytest.approx(100 / 3), "cer": pytest.approx(100 * 5 / 12), "n_test": 2}
    assert found["unseen_texts"]["wer"] == 50
    assert (found["unseen_texts"]["n_test"], found["n_test"]) == (1, 3), "who said nothing is not judged"
    assert found["wer"] == pytest.approx(40), "two of five words: three is missing, five is wrong"


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [("max_seconds=0.01", "must be 0.1 or more"), ("alpha=inf", "must be a number"), ("beta=inf", "must be a number")],
)
def test_a_setting_that_cannot_work_is_one_sentence(setting, sentence):
    with pytest.raises(UserError, match=sentence):
        RECIPE.settings("quick", (setting,))


def test_the_papers_profile_lets_the_whole_encoder_learn_as_the_paper_does():
    paper = RECIPE.profiles["paper"]
    assert (paper.model.freeze, paper.loop.epochs, paper.loop.batch_size) == ("none", 100, 8)


@pytest.mark.parametrize(
    ("status", "sentence"), [(404, "no such checkpoint"), (401, "asks for an account"), (403, "asks for an account")]
)
def test_what_the_hub_refuses_is_said(monkeypatch, status, sentence):
    monkeypatch.setattr(backbones, "_on_the_hub", lambda name: status)
    with pytest.raises(UserError, match=sentence):
        RECIPE.settings("quick", ("backbone=facebook/wav2vec2-none",))


def test_a_hub_that_is_busy_is_not_taken_for_one_without_the_checkpoint(monkeypatch):
    monkeypatch.setattr(backbones, "_on_the_hub", lambda name: 503)
    with pytest.warns(UserWarning, match=r"does not answer now \(503\).*is used instead"):
        assert RECIPE.settings("quick", ("backbone=facebook/wav2vec2-none",)).model.backbone == MINI


def test_other_weights_are_another_run(tmp_path):
    folder = save_small(tmp_path / "a")
    one = RECIPE.settings("quick", (f"backbone={folder}",))
    save_small(tmp_path / "a", seed=5)
    other = RECIPE.settings("quick", (f"backbone={folder}",))
    assert one.model.fingerprint != other.model.fingerprint
    assert one.digest != other.digest


def test_other_texts_are_another_run(run, talking, small):
    config = TrainingConfig("mtlser", "little", "kfold-2", "quick", (f"backbone={small}", *LOOP))
    backwards = talking.assign(text=talking["text"].str[::-1])
    with pytest.raises(UserError, match="--resume"):
        train(config, table=backwards, resume=True, progress=False)


def test_checkpoints_that_cannot_serve_are_refused(tmp_path):
    AutoConfig.for_model("bert").save_pretrained(tmp_path / "bert")
    with pytest.raises(UserError, match="is a bert; choose a plain wav2vec2, hubert, wavlm"):
        load_backbone(str(tmp_path / "bert"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no checkpoint in safetensors"):
        load_backbone(str(tmp_path / "empty"))
    folder = save_small(tmp_path / "pickled", "hubert")
    weights = tmp_path / "pickled" / "model.safetensors"
    whole = weights.read_bytes()
    weights.rename(tmp_path / "pickled" / "pytorch_model.bin")
    with pytest.raises(UserError, match="holds no checkpoint in safetensors"):
        load_backbone(folder)
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="holds no checkpoint in safetensors"):
        load_backbone(folder)
    adapted = save_small(tmp_path / "adapted", add_adapter=True, output_hidden_size=32)
    with pytest.raises(UserError, match="is a wav2vec2 with an adapter"):
        load_backbone(adapted)


def test_a_checkpoint_that_lacks_weights_is_refused(tmp_path):
    folder = save_small(tmp_path / "short")
    about = json.loads((tmp_path / "short" / "config.json").read_text("utf-8"))
    (tmp_path / "short" / "config.json").write_text(json.dumps(about | {"num_hidden_layers": 3}), "utf-8")
    with pytest.raises(UserError, match=r"lacks \d+ weights of its network, such as encoder\.layers\.2"):
        load_backbone(folder)


def test_crops_have_no_text(talking, small):
    crops = talking.rename(index=lambda i: f"{i}#0")
    settings = RECIPE.settings("quick", (f"backbone={small}",))
    assert RECIPE.alphabets(crops, settings) == {}
    assert "a part of their utterance's words" in RECIPE.notices(crops, settings)[0]
    assert RECIPE.alphabets(talking, settings)["text"] == list(ENGLISH)


@pytest.mark.parametrize("states", ["last", "weighted"])
def test_a_frozen_encoder_is_heard_once_and_the_answers_are_the_same(talking, tmp_path, monkeypatch, states):
    """A checkpoint without masks: what nobody trains must neither be drawn anew nor be missed in the file."""
    monkeypatch.setenv("SERCOURSE_RUNS", str(tmp_path / "runs"))
    folder = save_small(tmp_path / "still", mask_time_prob=0.0)
    asked = (f"backbone={folder}", "freeze=encoder", f"states={states}", "masked=0.0", *LOOP)
    told, calls = {}, []
    forward = SpeechEncoder.forward
    monkeypatch.setattr(SpeechEncoder, "forward", lambda self, *given: calls.append(0) or forward(self, *given))
    for changes in ("cached=true", "alpha=0.3", "cached=false"):
        config = TrainingConfig("mtlser", "little", "holdout-30", "quick", (*asked, changes))
        calls.clear()
        run = train(config, table=talking, progress=False)
        told[changes] = run.predictions.set_index("utterance_id").filter(like="p_").sort_index()
        assert len(calls) == {"cached=true": len(talking), "alpha=0.3": 0}.get(changes, len(calls))
        listener = Network.load(run.folder)
        examples, _ = listener.examples_of(talking)
        layers = frozen(listener.model, examples, list(talking.index), ("layer_0", "layer_2", "pooled"))
        assert layers["layer_0"].shape == (len(talking), 32), "maps show every layer all the same"
    np.testing.assert_allclose(told["cached=true"], told["cached=false"], atol=1e-5)


def test_a_frozen_encoder_hears_a_stretch_by_itself(talking, small):
    """A stored stretch would know what was said before it."""
    waveforms = extract(talking, "waveform", workers=1, progress=False)
    found = {}
    for seconds in (0.1, 20.0):
        settings = RECIPE.settings("quick", (f"backbone={small}", "freeze=encoder", f"max_seconds={seconds}"))
        found[seconds] = RECIPE.derived({"waveform": waveforms}, talking, settings)
    assert list(found[0.1]) == ["convolved"]
    assert list(found[20.0]) == ["convolved", "encoded"]
    assert found[20.0]["encoded"]["little/05"].shape[1:] == (1, 32)
    again = encoded(load_backbone(small).eval(), waveforms["little/05"])
    np.testing.assert_array_equal(found[20.0]["encoded"]["little/05"], again)
    assert pickle.loads(pickle.dumps(found[20.0]["encoded"])).per_second == 50, "it goes to other processes"


def test_random_weights_are_not_stored(talking, small):
    settings = RECIPE.settings("quick", (f"backbone={small}", "pretrained=false"))
    with pytest.raises(UserError, match="needs pretrained=true"):
        Convolved(extract(talking, "waveform", workers=1, progress=False), settings.model)


def test_too_little_memory_is_said_in_a_sentence(run, talking, small, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99999999999 bytes.")

    waveforms = extract(talking, "waveform", workers=1, progress=False)
    settings = RECIPE.settings("quick", (f"backbone={small}",))
    with monkeypatch.context() as short:
        short.setattr(backbones.AutoModel, "from_pretrained", full)
        with pytest.raises(UserError, match="too large for this machine's memory; take mini"):
            load_backbone(small)
    stored = Convolved(waveforms, settings.model)
    with monkeypatch.context() as short:
        short.setattr(SpeechEncoder, "convolve", full)
        with pytest.raises(UserError, match=r"little/05: 0 s are too long for backbone=.* memory; take a smaller"):
            stored.compute("little/05")
    monkeypatch.setattr(SpeechEncoder, "forward", full)
    with pytest.raises(UserError, match="Too little memory to judge these recordings; close other programs"):
        predict_files(talking["path"].head(1), run.folder)


def test_other_failures_of_torch_stay_what_they_are():
    with pytest.raises(RuntimeError, match="shapes"), backbones.memory_for("never said"):
        raise RuntimeError("shapes do not match")


def test_loading_leaves_warnings_alone(small):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_backbone(small)
