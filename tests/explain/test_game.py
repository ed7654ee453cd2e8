"""The listening game: score, verdicts, end."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from sercourse.corpora.table import make_table
from sercourse.explain.game import GuessingGame
from sercourse.signal.audio import SAMPLE_RATE


@pytest.fixture
def table(tmp_path):
    rows = []
    for number, emotion in enumerate(["anger", "anger", "fear", None]):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, 0.1 * np.random.default_rng(number).standard_normal(SAMPLE_RATE // 2), SAMPLE_RATE)
        rows.append({"utterance_id": f"c/{number}", "path": str(path), "emotion": emotion})
    return make_table(rows, "test")


def test_a_game_from_beginning_to_end(table):
    game = GuessingGame(table, seed=1)
    sound, row, verdict = game.children
    assert [button.description for button in row.children] == ["anger", "fear"]
    assert "data:audio/mpeg" in sound.value
    first = sound.value
    while not row.children[0].disabled:
        row.children[0].click()
    assert (game.heard, game.right) == (3, 2)  # two of the three utterances with a label are anger
    assert sound.value != first
    assert "2 of 3 right (67 %); guessing blindly gives 50 %" in verdict.value
    assert "all" in sound.value
    game.guess("fear")  # after the end nothing changes
    assert (game.heard, game.right) == (3, 2)


def test_a_verdict_tells_what_was_meant(table):
    game = GuessingGame(table.query("emotion == 'fear'"))
    game.guess("anger")
    assert "You said anger; it was meant as fear." in game.children[2].value


def test_without_a_kernel_a_sentence_stands_in(table):
    assert repr(GuessingGame(table)) == GuessingGame.no_kernel
