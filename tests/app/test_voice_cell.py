"""The cell: uploads as both versions of ipywidgets give them, recordings as bytes, sentences, settings."""

from __future__ import annotations

import io
import json
from datetime import datetime
from types import SimpleNamespace

import ipywidgets
import pytest
import soundfile
from little_runs import voice

from sercourse.app import cell as voice_cell_module
from sercourse.app.cell import NOT_SAVED, uploaded, voice_cell


def wav(hz: float) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, voice(hz), 16_000, format="WAV")
    return buffer.getvalue()


@pytest.fixture
def parts(networks) -> SimpleNamespace:
    """The cell's parts by what they are."""
    box = voice_cell(networks)
    player, answer, change = box.children[-3:]
    recorder, upload, noise, snr, cut, more = box.children[1:7]
    return SimpleNamespace(
        box=box, answer=answer, change=change, recorder=recorder, upload=upload, noise=noise, snr=snr, cut=cut,
        more=more, player=player,
    )  # fmt: skip


def test_a_recording_is_answered_and_noise_changes_what_is_heard(parts):
    parts.recorder.wav = wav(190)
    assert parts.answer.value.count("sc-card'") == 5
    assert "These are teaching models" in parts.answer.value
    parts.snr.value = 0.0
    assert "noise at" not in parts.answer.value
    assert parts.snr.disabled
    parts.noise.value = "pink"
    assert not parts.snr.disabled
    assert "in pink noise at 0 dB" in parts.answer.value
    parts.more.click()
    assert parts.change.value.count("scope='row'") == 5
    parts.cut.value = False
    assert "hear 0.00 to 1.40 s" in parts.answer.value
    assert parts.change.value == "", "it was about another question"


def test_an_upload_is_answered_as_the_recording(parts):
    parts.recorder.wav = wav(190)
    recorded = parts.answer.value
    parts.recorder.wav = wav(240)
    assert parts.answer.value != recorded
    parts.upload.value = (
        {"name": "a.wav", "content": memoryview(wav(190)), "type": "", "size": 1, "last_modified": datetime.now()},
    )
    assert parts.answer.value == recorded


def test_no_state_holds_the_sound_that_is_played(parts, monkeypatch):
    messages, sent = [], []
    monkeypatch.setattr(parts.player, "send", messages.append)
    monkeypatch.setattr(parts.recorder, "send_state", lambda key: sent.append(parts.recorder.wav))
    parts.recorder.set_state({"wav": memoryview(wav(190))})
    assert "<audio" in messages[-1]["html"]
    assert sent[-1] == b"", "the browser's copy is emptied, too"
    first = {"name": "a.wav", "content": memoryview(wav(240)), "type": "", "size": 1, "last_modified": 1}
    parts.upload.set_state({"value": [first]})
    assert parts.answer.value.count("sc-card'") == 5
    assert parts.upload.value == ()
    state = ipywidgets.Widget.get_manager_state()["state"]
    states = [state[part.model_id]["state"] for part in (parts.recorder, parts.upload, parts.player, parts.answer)]
    assert not states[0].get("wav")
    assert not states[1].get("value")
    assert "data:audio" not in json.dumps(states, default=str)
    assert NOT_SAVED in parts.answer.value
    parts.recorder.wav = b"no sound at all"
    assert messages[-1] == {"html": ""}


def test_a_full_disk_is_one_sentence(parts, full_disk):
    with full_disk(1000):
        parts.recorder.wav = wav(190)
    assert "your recording: the disk is full; free space." in parts.answer.value


def test_uploads_of_both_versions_of_ipywidgets():
    seven = {"a.wav": {"metadata": {"name": "a.wav"}, "content": b"12"}}
    eight = ({"name": "a.wav", "content": memoryview(b"12")},)
    assert uploaded(seven) == uploaded(eight) == [("a.wav", b"12")]


def test_mistakes_are_sentences_and_forget_what_was_there(parts):
    parts.more.click()
    assert "There is no recording yet" in parts.change.value
    parts.recorder.wav = wav(190)
    parts.recorder.wav = b"no sound at all"
    assert "your recording: not a sound file" in parts.answer.value
    assert parts.change.value == ""
    parts.noise.value = "white"
    assert "your recording: not a sound file" in parts.answer.value, "there is nothing to put into noise"


def test_without_anywidget_uploading_is_left(networks, monkeypatch):
    monkeypatch.setattr(voice_cell_module, "anywidget", None)
    box = voice_cell(networks)
    assert "uploading works without it" in box.children[1].value
    assert isinstance(box.children[2], ipywidgets.FileUpload)
    assert repr(box) == box.no_kernel
