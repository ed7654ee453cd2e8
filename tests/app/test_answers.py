"""What five networks answer: all tasks, the same for everybody who asks at the same time, and what they learnt."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from little_runs import SMALL, voice

from sercourse.app import render
from sercourse.app.answers import Networks
from sercourse.app.hearing import listen
from sercourse.errors import UserError
from sercourse.explain.attention_time import attends
from sercourse.training.predict import Network
from sercourse.training.recipes import recipe

WAVE = listen(voice(210, 1.0)).waveform


@pytest.fixture(scope="module")
def answers(networks):
    return {answer.chapter: answer for answer in networks.answers(WAVE)}


def test_every_chapter_answers_with_probabilities(answers):
    assert set(answers) == set(SMALL)
    for answer in answers.values():
        for shares in answer.tasks.values():
            assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert set(answer.tasks["emotion"]) == {"anger", "neutral", "sadness"}
        assert answer.tasks["emotion"][answer.emotion] == max(answer.tasks["emotion"].values())


def test_each_task_is_answered_by_who_learnt_it(answers):
    assert set(answers["asp_mtl"].tasks["gender"]) == {"female", "male"}
    assert len(answers["mtlser"].tasks["speaker"]) == 5
    assert {name for name, answer in answers.items() if answer.text is not None} == {"mtlser"}
    looking = {name: answer.attention for name, answer in answers.items() if answer.attention is not None}
    assert set(looking) == {"emotion_autoencoder", "mtlser"}
    for line in looking.values():
        assert line.weights.sum() == pytest.approx(1, abs=1e-4)


def test_an_autoencoder_without_attention_has_none_to_show():
    made = recipe("emotion_autoencoder")
    shape = {"bins": 513, "functionals": 384, "emotions": ["anger", "neutral"]}
    for attention in (True, False):
        settings = made.settings("quick", (*SMALL[made.name], f"attention={attention}".lower()))
        assert attends(Network(made.empty_model(shape, settings), made, settings)) is attention


def test_probabilities_are_those_of_the_network_with_its_temperature(networks, answers):
    one = next(each for each in networks.listeners if each.name == "asp_mtl")
    raw = one.network.probabilities([WAVE])[0].astype(float)
    temperature = one.calibration.temperatures["emotion"]
    assert temperature != pytest.approx(1, abs=0.01), "else the test shows nothing"
    expected = raw ** (1 / temperature) / (raw ** (1 / temperature)).sum()
    np.testing.assert_allclose(list(answers["asp_mtl"].tasks["emotion"].values()), expected, rtol=1e-3)


def test_it_is_said_what_a_network_learnt(answers, voices):
    run = voices["mtap"]
    about = " ".join(answers["mtap"].about)
    learnt = len(run.protocol["repeats"][0]["folds"][0]["train"])
    assert f"Learnt from {learnt} utterances of" in about
    assert "profile quick" in about
    assert f"(holdout-20, the same voices as in training): UA {run.summary['ua']:.1f} %" in about
    assert "fitted on" in about
    assert "It was taught with" not in about, "this one was made without the text"


def test_users_at_the_same_time_get_their_own_answers(networks):
    waves = [listen(voice(120 + 15 * k, 0.6 + 0.05 * k)).waveform for k in range(6)]
    alone = [networks.answers(wave) for wave in waves]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(networks.answers, waves))
    for one, other in zip(alone, together, strict=True):
        for first, second in zip(one, other, strict=True):
            assert first.tasks == second.tasks
            assert first.text == second.text
    assert len({tuple(answer[0].tasks["emotion"].values()) for answer in alone}) == 6


def test_two_runs_of_a_chapter_have_names_of_their_own(voices):
    networks = Networks.load([voices["msfl"].folder, voices["msfl"].folder])
    assert [one.name for one in networks.listeners] == [f"msfl ({voices['msfl'].folder.name})"] * 2
    assert not networks.synthetic, "a corpus without a card is not taken for synthetic"
    assert "What each of them learnt from" in render.notice(networks)


def test_folders_without_a_network_are_one_sentence(voices, tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        Networks.load([tmp_path / "none"])
    copy = tmp_path / "copy"
    shutil.copytree(voices["msfl"].folder, copy, ignore=shutil.ignore_patterns("folds"))
    with pytest.raises(UserError, match="holds no trained network"):
        Networks.load([copy])


def test_the_page_says_all_of_it(networks, answers):
    heard = listen(voice(210, 1.0), noise="white", snr_db=12)
    page = render.answered(networks, heard, list(answers.values()))
    assert "These are teaching models" in page
    assert page.count("class='sc-card'") == 5
    assert page.count("<img") == 3, "the recording, and two that look over time"
    assert "in white noise at 12 dB" in page
    assert "of the 5 voices it learnt, most like" in page
    assert "The recording is not kept." in page
    assert "http" not in page.replace("data:", ""), "nothing points anywhere"
    assert "<script" not in render.sentence("<script>")
