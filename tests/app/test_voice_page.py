"""The page behind its address: everybody's own answer, one sentence for what cannot be used, nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from little_runs import voice

from benchmarks.jupyterlab import free_port
from sercourse.app import page as voice_page
from sercourse.app import render
from sercourse.app.answers import Networks
from sercourse.app.hearing import listen, take
from sercourse.app.page import voice_app
from sercourse.app.uploads import OWNER, UPLOADS, remove_left
from sercourse.commands.voice import check_free
from sercourse.errors import UserError


@pytest.fixture(scope="module")
def served(networks: Networks, tmp_path_factory) -> Iterator[tuple[str, Path, Path]]:
    """Address of a running page, its folder of uploads, and where recordings are kept."""
    environment = pytest.MonkeyPatch()
    kept = tmp_path_factory.mktemp("page") / "kept"
    environment.setenv(UPLOADS, str(tmp_path_factory.mktemp("uploads")))
    environment.setattr(voice_page, "SWEEP", (1, 2))
    page = voice_app(networks, keep=kept)
    uploads = Path(os.environ[UPLOADS])
    page.launch(server_port=free_port(), prevent_thread_lock=True, inbrowser=False)
    yield page.local_url, uploads, kept
    page.close(verbose=False)
    environment.undo()


@pytest.fixture
def client(served) -> Callable[[], Client]:
    """A visitor of the page."""
    return lambda: Client(served[0], verbose=False)


def recorded(folder: Path, hz: float, seconds: float = 0.8) -> Path:
    file = folder / f"{hz:g}.wav"
    soundfile.write(file, voice(hz, seconds), 16_000)
    return file


def ask(visitor: Client, file: Path, *, keep: bool = False, noise: str = "none", snr: float = 10) -> str:
    """Send a recording, get the answer."""
    mistake, _ = visitor.predict(handle_file(file), keep, api_name="/take")
    answer, _ = visitor.predict(noise, snr, True, api_name="/answer")
    return mistake or answer


def test_the_answer_is_what_the_networks_say(networks, client, tmp_path):
    file = recorded(tmp_path, 230)
    heard = listen(take(file), noise="white", snr_db=5)
    expected = render.answered(networks, heard, networks.answers(heard.waveform))
    assert ask(client(), file, noise="white", snr=5) == expected


def test_visitors_at_the_same_time_get_their_own_answers(client, tmp_path):
    files = [recorded(tmp_path, 130 + 30 * k, 0.6 + 0.1 * k) for k in range(4)]
    visitors = [client() for _ in files]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(ask, visitors, files))
    assert len(set(together)) == 4
    alone = client()
    assert [ask(alone, file) for file in files] == together


def test_what_cannot_be_used_is_one_sentence_and_clears_the_recording(client, tmp_path):
    visitor = client()
    ask(visitor, recorded(tmp_path, 150))
    wrong = tmp_path / "letter.wav"
    wrong.write_text("Dear all, " * 100)
    said = ask(visitor, wrong)
    assert "letter.wav: not a sound file that can be read here; send wav, flac, mp3 or ogg." in said
    assert "<img" not in said
    assert "There is no recording yet" in visitor.predict("none", 10, True, api_name="/changes")


def test_noise_without_speech_is_one_sentence(client, tmp_path):
    file = tmp_path / "hiss.wav"
    soundfile.write(file, 0.1 * np.random.default_rng(0).normal(size=32_000), 16_000)
    visitor = client()
    assert "No speech was found" in ask(visitor, file)
    assert "No speech was found" in visitor.predict("none", 10, True, api_name="/changes")


def test_what_would_change_the_answer(client, tmp_path):
    visitor = client()
    ask(visitor, recorded(tmp_path, 190))
    changed = visitor.predict("none", 10, True, api_name="/changes")
    assert changed.count("scope='row'") == 5
    assert "These are teaching models" in changed


def test_no_recording_is_kept_unless_asked(served, client, tmp_path):
    _, uploads, kept = served
    file = recorded(tmp_path, 170)
    assert "The recording is not kept." in ask(client(), file)
    assert not kept.exists()
    answer = ask(client(), file, keep=True)
    (found,) = kept.glob("*.wav")
    assert f"As you asked, the recording is kept: {found}" in answer
    np.testing.assert_allclose(take(found), take(file), atol=1e-4)
    assert found.stat().st_mode & 0o077 == 0, "it is its speaker's alone"
    assert emptied(uploads), "uploads are swept"


def emptied(folder: Path) -> bool:
    """Whether no file is left after a while."""
    until = time.monotonic() + 20
    while (left := [each for each in folder.rglob("*") if each.is_file()]) and time.monotonic() < until:
        time.sleep(0.3)
    return not left


def test_a_half_sent_upload_is_swept(served):
    address, uploads, _ = served
    host, port = re.findall(r"//(.+):(\d+)", address)[0]
    part = 'Content-Disposition: form-data; name="files"; filename="half.wav"\r\nContent-Type: audio/wav'
    head = "\r\n".join(("POST /gradio_api/upload HTTP/1.1", f"Host: {host}", "Content-Length: 200000",
                        "Content-Type: multipart/form-data; boundary=x"))  # fmt: skip
    with socket.create_connection((host, int(port))) as visitor:
        visitor.sendall(f"{head}\r\n\r\n--x\r\n{part}\r\n\r\n".encode() + b"voice" * 8000)
        until = time.monotonic() + 20
        while not list(uploads.glob("tmp*")) and time.monotonic() < until:
            time.sleep(0.05)
        assert list(uploads.glob("tmp*")), "half of it lies there"
    assert emptied(uploads)


def test_a_folder_that_cannot_be_written_is_one_sentence(networks, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"the recording cannot be kept .*untick the box"):
        voice_page._kept(voice(200), tmp_path / "file")


def test_on_a_full_disk_no_half_of_a_recording_is_kept(tmp_path, full_disk):
    with full_disk(20_000), pytest.raises(UserError, match=r"cannot be kept \(File too large\); untick the box"):
        voice_page._kept(voice(200), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_it_stays_on_this_machine_and_tells_nobody(served, networks, monkeypatch, tmp_path):
    assert served[0].startswith("http://127.0.0.1:")
    (tmp_path / "theirs.wav").write_text("of another program")
    monkeypatch.setenv(UPLOADS, str(tmp_path))
    page = voice_app(networks)
    assert page.analytics_enabled is False
    assert page.share is False
    folder = Path(os.environ[UPLOADS])
    assert folder.parent.parent == tmp_path, "a private one in the folder that was chosen, where others may have files"
    assert folder.parent.stat().st_mode & 0o077 == 0, "uploads are nobody else's business"
    voice_app(networks)
    assert os.environ[UPLOADS] == str(folder), "one for each process"


def test_folders_of_killed_processes_are_removed_and_no_others(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    here = os.uname().nodename
    for name, owner in (("dead", f"{here} {dead.pid}"), ("living", f"{here} {os.getpid()}"),
                        ("elsewhere", f"not-{here} {dead.pid}"), ("unknown", "")):  # fmt: skip
        (tmp_path / f"sercourse-app-{name}").mkdir()
        (tmp_path / f"sercourse-app-{name}" / OWNER).write_text(owner)
    (tmp_path / "sercourse-app-none").mkdir()
    remove_left(tmp_path)
    assert {path.name[14:] for path in tmp_path.iterdir()} == {"living", "elsewhere", "unknown", "none"}


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminals to close")
@pytest.mark.parametrize("name", ["SIGHUP", pytest.param("SIGTERM", marks=pytest.mark.long)])
def test_a_closed_terminal_leaves_no_uploads(name, voices, tmp_path):
    run = str(next(iter(voices.values())).folder)
    command = [sys.executable, "-m", "sercourse.cli", "app", "--run", run, "--port", str(free_port()), "--no-open"]
    environment = os.environ | {UPLOADS: str(tmp_path)}
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    late = threading.Timer(120, started.kill)
    late.start()
    try:
        assert any("Your own voice: http" in line for line in started.stdout), "it is served"
        (uploads,) = tmp_path.glob("sercourse-app-*/uploads")
        (uploads / "voice.wav").write_text("somebody's")
        started.send_signal(getattr(signal, name))
        assert started.stdout.read() == "Stopped.\n"
        assert started.wait() == 0
    finally:
        late.cancel()
        started.kill()
    assert list(tmp_path.glob("sercourse-app-*")) == []


def test_a_taken_port_and_an_unknown_host_are_one_sentence(sercourse):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, said = sercourse("app", "--port", port, "--no-open")
        assert code == 2
        assert said == f"--host 127.0.0.1 --port {port}: cannot be served there (Address already in use);" \
                       " choose another --port.\n"  # fmt: skip
    with pytest.raises(UserError, match="no such host"):
        check_free("no.such.host.invalid", 7860)


def test_without_gradio_the_command_names_what_to_install():
    code = "import sys; sys.modules['gradio'] = None; from sercourse.cli import main; sys.argv[1:] = ['app']; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "The page needs Gradio; install it with: pip install 'sercourse[app]'\n"


def test_a_run_that_is_none_is_one_sentence(sercourse, tmp_path):
    code, _, said = sercourse("app", "--run", tmp_path / "none", "--port", free_port(), "--no-open")
    assert code == 2
    assert "no such folder" in said
    assert said.count("\n") == 1
