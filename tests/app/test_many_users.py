"""Twenty people at once for a minute: everybody gets the answer that they would have got alone."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from little_runs import voice

from benchmarks.jupyterlab import free_port
from sercourse.app import render
from sercourse.app.hearing import listen, take
from sercourse.app.page import voice_app
from sercourse.app.uploads import UPLOADS

USERS, SECONDS = 20, 60


@pytest.mark.long
def test_twenty_users_for_a_minute_do_not_mix(networks, tmp_path, monkeypatch):
    monkeypatch.setenv(UPLOADS, str(tmp_path / "uploads"))
    files = []
    for user in range(USERS):
        files.append(tmp_path / f"{user}.wav")
        soundfile.write(files[-1], voice(110 + 13 * user, 0.5 + 0.03 * user, seed=user), 16_000)
    expected = []
    for file in files:
        heard = listen(take(file))
        expected.append(render.answered(networks, heard, networks.answers(heard.waveform)))
    assert len(set(expected)) == USERS
    page = voice_app(networks)
    page.launch(server_port=free_port(), prevent_thread_lock=True, inbrowser=False)
    try:
        visitors = [Client(page.local_url, verbose=False) for _ in files]
        until = time.monotonic() + SECONDS

        def visit(user: int) -> list[tuple[bool, float]]:
            """Whether each answer was the right one, and its seconds."""
            found = []
            while time.monotonic() < until:
                begun = time.monotonic()
                mistake, _ = visitors[user].predict(handle_file(files[user]), False, api_name="/take")
                answer, _ = visitors[user].predict("none", 10, True, api_name="/answer")
                found.append((not mistake and answer == expected[user], time.monotonic() - begun))
            return found

        with ThreadPoolExecutor(USERS) as pool:
            visits = list(pool.map(visit, range(USERS)))
    finally:
        page.close(verbose=False)
    seconds = [each for one in visits for _, each in one]
    print(
        f"{len(seconds)} answers to {USERS} users in {SECONDS} s; waiting: median {np.median(seconds):.1f} s,"
        f" 95 % {np.percentile(seconds, 95):.1f} s"
    )
    assert all(visits), "nobody was left without an answer"
    assert all(right for one in visits for right, _ in one)
