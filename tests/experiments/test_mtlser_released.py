"""What chapter 04 says of the released code, each point on data of no size (facts of the paper's section 2)."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from scipy.stats import binomtest
from transformers import Wav2Vec2Config, Wav2Vec2Model

from sercourse.corpora.table import make_table
from sercourse.evaluation.metrics import ua, wa
from sercourse.experiments.mtlser import printed
from sercourse.layers.masking import frame_mask, masked_mean
from sercourse.losses.ctc import ctc
from sercourse.models.mtlser import Mtlser
from sercourse.models.speech_encoder import SpeechEncoder
from sercourse.training.audit import audit
from sercourse.training.protocols import make_protocol
from sercourse.training.recipes import recipe


@pytest.fixture(scope="module")
def turns():
    """Five sessions of two speakers, four dialogues each, named as IEMOCAP names them."""
    rows = []
    for session, dialogue, turn in product(range(1, 6), range(4), range(12)):
        name = f"Ses0{session}F_impro0{dialogue}_{'FM'[turn % 2]}{turn:03d}"
        speaker, emotion = f"toy/Ses0{session}{'FM'[turn % 2]}", ("anger", "neutral", "sadness")[turn % 3]
        about = {"session": f"toy/{session}", "dialogue": f"toy/{session}-{dialogue}"}
        rows.append(
            {"utterance_id": f"toy/{name}", "path": f"{name}.wav", "emotion": emotion, "speaker": speaker} | about
        )
    return make_table(rows, "toy")


def test_the_headline_is_a_share_of_the_one_test_file():
    assert round(100 * 452 / 547, 2) == printed()["folds"]["wa"][0]
    low, high = binomtest(452, 547).proportion_ci(0.95, method="wilson")
    assert (round(100 * low, 1), round(100 * high, 1)) == (79.2, 85.6)


def test_characters_of_the_session_name_half_of_the_speakers_wrongly(turns):
    names = turns.index.str.removeprefix("toy/")
    cut = [f"toy/Ses{name[3:6]}" for name in names]
    assert (turns["speaker"] == cut).mean() == 0.5
    turn = [f"toy/{name[:5]}{name.split('_')[-1][0]}" for name in names]
    assert turns["speaker"].tolist() == turn


def test_a_random_tenth_shares_all_dialogues_and_whole_sessions_share_none(turns):
    shared = {name: audit(make_protocol(name, turns, seed=0), turns) for name in ("holdout-10", "session")}
    assert shared["holdout-10"]["dialogue"].tolist() == [100.0]
    assert shared["session"]["dialogue"].tolist() == [0.0] * 5


def test_no_speaker_of_a_speaker_independent_test_has_a_class(turns):
    for fold in make_protocol("group-5", turns, seed=0).folds:
        train, test = (set(turns.loc[list(side), "speaker"]) for side in (fold.train, fold.test))
        assert not train & test


def test_wa_does_not_tell_ua():
    truth = ["anger"] * 8 + ["fear"] * 2
    always, mixed = ["anger"] * 10, ["anger"] * 6 + ["fear"] * 4
    assert wa(truth, always) == wa(truth, mixed) == 80
    assert (ua(truth, always), ua(truth, mixed)) == (50, 87.5)


def test_a_mean_over_padding_is_not_the_mean_over_speech():
    frames = torch.zeros(1, 250, 1)
    frames[:, :50] = 1
    assert torch.mean(frames, dim=1).item() == pytest.approx(0.2)
    assert masked_mean(frames, frame_mask(torch.tensor([50]), 250)).item() == 1


def test_ctc_that_is_told_the_padded_length_explains_the_padding():
    torch.manual_seed(0)
    logits, said, letters = torch.randn(1, 60, 5), torch.tensor([[1, 2, 3]]), torch.tensor([3])
    speech, padded = (ctc(logits, torch.tensor([frames]), said, letters) for frames in (20, 60))
    assert padded > 2 * speech
    assert torch.equal(speech, ctc(logits[:, :20], torch.tensor([20]), said, letters))


def test_heads_read_a_mean_that_does_not_grow_with_the_utterance_as_a_sum_does():
    torch.manual_seed(0)
    sizes = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, conv_dim=(8,) * 7,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    encoder = SpeechEncoder(Wav2Vec2Model(sizes), normalise=False)
    network = Mtlser(encoder, {"emotion": ["a", "b"]}).eval()
    batch = {"audio": torch.randn(1, 8_000), "length": torch.tensor([8_000])}
    with torch.no_grad():
        (*_, last), _ = encoder(batch["audio"], batch["length"])
        torch.testing.assert_close(network(batch)["pooled"], last.mean(1))


def test_the_papers_profile_has_what_the_paper_says_and_not_what_the_script_sets():
    paper = recipe("mtlser").profiles["paper"]
    assert (paper.model.alpha, paper.model.beta, paper.loop.learning_rate) == (0.1, 0.8, 1e-5)


def test_the_best_weight_of_the_speaker_alone_is_not_the_best_beside_the_words():
    weights = printed()["weights"]
    assert (weights["best_beta_alone"], weights["best"]["beta"]) == (0.5, 0.8)
    assert weights["best_alpha_alone"] == weights["best"]["alpha"]
