"""What comes in: limits as one sentence, end points, noise at the SNR that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from little_runs import voice

from sercourse.app.hearing import MARGIN_SECONDS, MAX_BYTES, MAX_SECONDS, listen, take
from sercourse.errors import AudioError
from sercourse.signal.snr import power_db

VOICE = voice(180, 1.0)


@pytest.mark.parametrize(("ending", "rate", "channels"), [("wav", 48_000, 2), ("flac", 16_000, 1), ("mp3", 44_100, 1),
                                                          ("ogg", 48_000, 1)])  # fmt: skip
def test_sound_files_become_16_khz_mono(tmp_path, ending, rate, channels):
    samples = np.interp(np.arange(2 * rate) / rate, np.arange(len(VOICE)) / 16_000, VOICE)
    soundfile.write(tmp_path / f"a.{ending}", np.stack([samples] * channels, 1), rate)
    taken = take(tmp_path / f"a.{ending}")
    assert taken.dtype == np.float32
    assert len(taken) == pytest.approx(32_000, abs=1_200), "mp3 pads its ends"
    np.testing.assert_allclose(np.abs(taken).max(), np.abs(VOICE).max(), rtol=0.15)


def written(folder, kind: str):
    """A file that cannot be used."""
    file = folder / f"{kind}.wav"
    rng = np.random.default_rng(0)
    if kind == "text":
        file.write_text("no sound " * 999)
    elif kind == "large":
        with file.open("wb") as sparse:
            sparse.truncate(MAX_BYTES + 1)
    elif kind == "long":
        soundfile.write(file, rng.normal(size=round(16_000 * (MAX_SECONDS + 0.1))), 16_000)
    elif kind == "short":
        soundfile.write(file, VOICE[:4_800], 16_000)
    elif kind == "silent":
        soundfile.write(file, np.zeros(16_000), 16_000)
    return file


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("text", "not a sound file that can be read here; send wav, flac, mp3 or ogg"),
        ("large", "10.0 MB, more than 10 MB"),
        ("long", "20.1 s, longer than 20 s"),
        ("short", "0.30 s, shorter than 0.5 s"),
        ("silent", "silent throughout"),
        ("absent", "is no longer there"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_without_a_folder(tmp_path, kind, sentence):
    with pytest.raises(AudioError, match=sentence) as said:
        take(written(tmp_path, kind))
    assert str(said.value).startswith(f"{kind}.wav: ")
    assert str(tmp_path) not in str(said.value)
    assert "\n" not in str(said.value)


def test_end_points_cut_the_room_off_but_for_a_margin():
    heard = listen(VOICE)
    assert heard.spans[0][0] == pytest.approx(0.3, abs=0.06)
    assert heard.spans[-1][1] == pytest.approx(1.3, abs=0.06)
    assert heard.start == pytest.approx(heard.spans[0][0] - MARGIN_SECONDS)
    assert len(heard.waveform) == pytest.approx(16_000 * (heard.end - heard.start), abs=2)
    whole = listen(VOICE, cut=False)
    np.testing.assert_array_equal(whole.waveform, VOICE)


def test_noise_has_the_snr_that_was_asked_for_and_is_the_same_again():
    heard = listen(VOICE, noise="pink", snr_db=5)
    quiet = listen(VOICE)
    assert (heard.start, heard.end) == (quiet.start, quiet.end), "end points are those of the recording"
    start, end = (round(16_000 * (t - heard.start)) for t in (heard.spans[0][0], heard.spans[-1][1]))
    speech, noise = quiet.waveform[start:end], (heard.waveform - quiet.waveform)[start:end]
    assert power_db((speech**2).mean() / (noise**2).mean()) == pytest.approx(5, abs=0.6)
    np.testing.assert_array_equal(heard.waveform, listen(VOICE, noise="pink", snr_db=5).waveform)
    assert listen(VOICE, noise="white", snr_db=-99).snr_db == -10, "the slider's end"


def test_steady_noise_is_no_speech():
    with pytest.raises(AudioError, match="No speech was found"):
        listen(np.random.default_rng(0).normal(size=32_000).astype(np.float32) * 0.1)
    with pytest.raises(AudioError, match="choose one of none, white"):
        listen(VOICE, noise="rain")
