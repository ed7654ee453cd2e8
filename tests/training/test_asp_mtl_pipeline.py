"""Model 1 and model 2 in a chain: what is cleaned by which network, and predictions from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from sercourse import corpora
from sercourse.corpora.noisy import Condition, in_noise
from sercourse.errors import UserError
from sercourse.features.spectral import LogMel
from sercourse.models.asp_mtl import AspMtl
from sercourse.models.asp_mtl_config import AspMtlConfig
from sercourse.signal.audio import read_audio
from sercourse.training.asp_mtl_pipeline import AspMtlPipeline
from sercourse.training.cleaned_corpus import cleaned_table
from sercourse.training.cleaning import _applied, band_gains, clean

LITTLE = ("hidden=6", "head=6", "step=4", "threads=1", "accelerator=cpu", "epochs=2", "batch_size=16")
CLASSES = {"emotion": ["anger", "neutral"], "noise": ["none", "white"], "gender": ["female", "male"]}


def network(**options) -> AspMtl:
    torch.manual_seed(0)
    return AspMtl(106, CLASSES, AspMtlConfig(**{"hidden": 6, "head": 6, "auxiliary": "noise", **options}))


def wired(mask_bias: float, noise_bias: float) -> AspMtl:
    """A model 1 whose mask and posterior are the same everywhere."""
    model = network(mask=True)
    for layer, bias in ((model.mask_head, mask_bias), (model.auxiliary_head, 0.0)):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.constant_(layer.bias, bias)
    with torch.no_grad():
        model.auxiliary_head.bias[1] = noise_bias
    return model


@pytest.fixture(scope="module")
def waveforms() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(0.1 * rng.normal(size=length)).astype(np.float32) for length in (4001, 16_000, 8320)]


@pytest.mark.parametrize("step", [1, 3])
def test_a_mask_that_is_open_leaves_the_recording_alone(waveforms, step):
    for wave, cleaned in zip(waveforms, clean(waveforms, wired(50.0, -5.0), step=step), strict=True):
        np.testing.assert_allclose(cleaned.masked, wave, atol=1e-5)
        np.testing.assert_array_equal(cleaned.silenced, wave)
        np.testing.assert_array_equal(cleaned.dropped, wave)
        assert cleaned.posterior.shape == (1 + len(wave) // 160,)
        assert cleaned.gains.shape == (1 + len(wave) // 160, 64)


def test_a_mask_that_is_shut_leaves_nothing_and_noise_frames_are_silenced(waveforms):
    for cleaned in clean(waveforms, wired(-50.0, 5.0)):
        assert np.abs(cleaned.masked).max() < 1e-15
        assert not cleaned.silenced.any()
        assert cleaned.dropped.any(), "nothing would be left: it stays whole"
        assert cleaned.posterior == pytest.approx(torch.tensor(5.0).sigmoid().item(), abs=1e-5)


def test_frames_that_are_taken_for_noise_are_cut_out():
    wave = np.arange(1, 16_001, dtype=np.float32)
    noise = (np.arange(101) < 40).astype(np.float32)
    cut = _applied(wave, noise, None).dropped
    assert len(cut) == pytest.approx(16_000 * 0.6, abs=160)
    assert (cut[0], cut[-1]) == (pytest.approx(6400, abs=160), 16_000)


def test_a_recording_is_cleaned_alone_as_among_others(waveforms):
    model = network(mask=True)
    together = clean(waveforms, model)
    for wave, one in zip(waveforms, together, strict=True):
        np.testing.assert_allclose(clean([wave], model)[0].masked, one.masked, atol=1e-5)


def test_gains_of_bands_reach_the_bins_that_the_bands_cover():
    gains = np.ones((2, 64))
    assert band_gains(gains) == pytest.approx(1.0)
    gains[:, 40] = 0.0
    low = band_gains(gains)[:, 0]
    tone = np.sin(2 * np.pi * np.arange(16_000) / 16_000 * 31.25 * int(low.argmin())).astype(np.float32)
    assert LogMel().compute(tone)[50].argmax() == 40, "the bin that is turned down most is the centre of band 40"


def test_a_network_without_noise_or_mask_is_one_sentence(waveforms, little_corpus):
    with pytest.raises(UserError, match="train it with --set auxiliary=noise"):
        clean(waveforms, network(auxiliary="gender"))
    assert clean(waveforms, network())[0].masked is None
    with pytest.raises(UserError, match="train model 1 with --set auxiliary=noise --set mask=true"):
        cleaned_table(little_corpus, network(), step=1)


def test_what_is_left_belongs_to_the_weights(little_corpus):
    model = network(mask=True)
    left = cleaned_table(little_corpus, model, step=2, progress=False)
    changed = ["path", "start", "end"]
    pd.testing.assert_frame_equal(left.drop(columns=changed), little_corpus.drop(columns=changed))
    (expected,) = clean([read_audio(little_corpus["path"].iloc[3])], model, step=2)
    np.testing.assert_allclose(read_audio(left["path"].iloc[3]), expected.masked, atol=2e-4)
    stamps = [Path(path).stat().st_mtime_ns for path in left["path"]]
    again = cleaned_table(little_corpus, model, step=2, progress=False)
    assert stamps == [Path(path).stat().st_mtime_ns for path in again["path"]]
    with torch.no_grad():
        model.mask_head.bias += 0.1
    assert not set(cleaned_table(little_corpus, model, step=2, progress=False)["path"]) & set(left["path"])


def test_the_chain_is_trained_and_predicts_from_a_file(little_corpus, monkeypatch, threads_put_back):
    table = in_noise(little_corpus, (Condition("none"), Condition("white", 0.0, 0.0)), workers=1, progress=False)
    numbers = table["clean"].str[-2:].astype(int)
    table["gender"] = np.where(numbers // 3 % 2, "female", "male")  # both on every side, however folds are drawn
    monkeypatch.setattr(corpora, "load", lambda name: table)
    chain = AspMtlPipeline.train(
        "little+none+white@0", "kfold-2", noise_settings=(*LITTLE, "auxiliary=noise", "mask=true"),
        gender_settings=LITTLE, progress=False, workers=1,
    )  # fmt: skip
    assert sorted(chain.predictions["utterance_id"]) == sorted(table.index)
    folds = chain.model1.protocol["repeats"][0]["folds"]
    for number, (fold, run) in enumerate(zip(folds, chain.model2, strict=True)):
        assert set(run.predictions["utterance_id"]) == set(fold["test"]), f"fold {number} only"
    files = list(table["path"][:2])
    told = chain.predict(files)
    assert told["path"].tolist() == files
    with pytest.raises(UserError, match="no files: name at least one recording"):
        chain.predict([])
    assert told.filter(like="p_").sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
    assert told["noise"].between(0, 1).all()
    again = AspMtlPipeline.load(chain.model1.folder, [run.folder for run in chain.model2])
    assert again.predict(files).equals(told)
    with pytest.raises(UserError, match="has 2 folds, and 1 runs of model 2 were named"):
        AspMtlPipeline.load(chain.model1.folder, [chain.model2[0].folder])
    with pytest.raises(UserError, match="is no model 2 for fold 0"):
        AspMtlPipeline.load(chain.model1.folder, [run.folder for run in reversed(chain.model2)])
    with pytest.raises(UserError, match="is no model 1 with a soft mask"):
        AspMtlPipeline.load(chain.model2[0].folder, [])
    # Frames dropped instead: the same model 1, another model 2.
    dropped = AspMtlPipeline.train(
        "little+none+white@0", "kfold-2", noise_settings=(*LITTLE, "auxiliary=noise", "mask=true"),
        gender_settings=LITTLE, removal="frames", progress=False, workers=1,
    )  # fmt: skip
    assert dropped.model1.folder == chain.model1.folder
    assert not {run.folder for run in dropped.model2} & {run.folder for run in chain.model2}
    assert dropped.removal == "frames"
    behind = [run.folder for run in dropped.model2]
    assert AspMtlPipeline.load(dropped.model1.folder, behind, removal="frames").removal == "frames"
    with pytest.raises(UserError, match="was trained with removal='frames'; load it with that"):
        AspMtlPipeline.load(dropped.model1.folder, behind)
    with pytest.raises(ValueError, match="removal=wiener: choose one of mask, frames"):
        AspMtlPipeline.load(dropped.model1.folder, behind, removal="wiener")
    with pytest.raises(ValueError, match="removal=wiener: choose one of mask, frames"):
        AspMtlPipeline.train("little", removal="wiener")
    # Another model 1 leaves other audio, and with it goes another model 2.
    faster = (*LITTLE, "auxiliary=noise", "mask=true", "learning_rate=0.02")
    other = AspMtlPipeline.train(
        "little+none+white@0", "kfold-2", noise_settings=faster,
        gender_settings=LITTLE, progress=False, workers=1,
    )  # fmt: skip
    assert not {run.folder for run in other.model2} & {run.folder for run in chain.model2}
    with pytest.raises(UserError, match=r"was trained on what another model 1 leaves.*name the model 1 it belongs to"):
        AspMtlPipeline.load(chain.model1.folder, [run.folder for run in other.model2])


def test_what_cannot_be_cleaned_is_left_out_with_a_warning(little_corpus, tmp_path):
    silent, broken = tmp_path / "silent.wav", tmp_path / "broken.wav"
    soundfile.write(silent, np.zeros(8000), 16_000)
    broken.write_bytes(b"RIFF")
    more = pd.concat([little_corpus] * 10)  # 2 of 240 are few enough
    more.index = pd.Index([f"c/{k:03d}" for k in range(len(more))], name="utterance_id", dtype="string")
    more.loc["c/000", "path"], more.loc["c/001", "path"] = str(silent), str(broken)
    with pytest.warns(UserWarning, match=f"noise removal: 2 of {len(more)} utterances skipped"):
        left = cleaned_table(more, network(mask=True), step=2, progress=False)
    assert left.index.tolist() == more.index[2:].tolist()
    with pytest.raises(UserError, match="silent"):
        cleaned_table(more[:1], network(mask=True), step=2, progress=False)


@pytest.mark.parametrize(
    ("settings", "removal", "said"),
    [
        (("auxiliary=noise",), "mask", "mask=false: model 1 would have no soft mask"),
        (("auxiliary=gender",), "frames", "auxiliary=gender: model 1 tells the noise"),
    ],
)
def test_a_model_1_that_removes_nothing_is_refused_before_it_is_trained(settings, removal, said, monkeypatch):
    monkeypatch.setattr(corpora, "load", lambda name: pytest.fail("the corpus was loaded"))
    with pytest.raises(UserError, match=said):
        AspMtlPipeline.train("little+none+white@0", "kfold-2", noise_settings=settings, removal=removal)
