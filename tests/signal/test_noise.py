"""Noises have the spectrum that their name says, babble has no known voice in it, and a mix has the SNR asked for."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import welch

from sercourse.errors import AudioError, UserError
from sercourse.signal import noise as noises
from sercourse.signal.noise import NOISES, babble, fit_length, list_noises, mix, noise_class, recorded
from sercourse.signal.snr import snr_in

RATE = 16_000


@pytest.mark.parametrize(("name", "slope"), [("white", 0.0), ("pink", -10.0), ("brown", -20.0)])
def test_slope_in_db_per_decade(name, slope):
    noise = NOISES[name](60 * RATE, np.random.default_rng(0))
    hertz, power = welch(noise.astype(np.float64), RATE, nperseg=16_384, detrend=False)
    band = (hertz > 50) & (hertz < 5000)
    bins = np.digitize(np.log10(hertz[band]), np.linspace(np.log10(50), np.log10(5000), 21))
    x = [np.log10(hertz[band][bins == b]).mean() for b in range(1, 21)]
    y = [10 * np.log10(power[band][bins == b].mean()) for b in range(1, 21)]
    fit = np.polyfit(x, y, 1)
    assert fit[0] == pytest.approx(slope, abs=0.3)
    assert np.abs(np.polyval(fit, x) - y).max() < 0.7, "a straight line over two decades"


@pytest.mark.parametrize("name", NOISES)
def test_a_seed_gives_the_same_noise_and_another_seed_another(name):
    one, same, other = (NOISES[name](RATE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.9
    assert one.shape == (RATE,)
    assert one.dtype == np.float32
    assert np.sqrt(np.mean(one**2)) == pytest.approx(1.0, abs=1e-4)


def test_factory_hums_hisses_and_clanks():
    noise = NOISES["factory"](10 * RATE, np.random.default_rng(0)).astype(np.float64)
    hertz, power = welch(noise, RATE, nperseg=16_000)
    assert power[hertz == 50][0] > 100 * power[hertz == 75][0], "mains hum stands out"
    treble = np.abs(noise - np.convolve(noise, np.ones(16) / 16, "same"))
    assert np.percentile(treble, 99.9) > 4 * np.sqrt(np.mean(treble**2)) * 0.9, "clanks are peaks"
    assert power[(hertz > 2000) & (hertz < 5000)].mean() > 3 * power[hertz > 7500].mean()


@pytest.fixture
def voices():
    """Eight speakers, each a tone of its own, so that one can see who speaks."""
    t = np.arange(RATE) / RATE
    return {f"s{k}": [np.sin(2 * np.pi * (500 + 100 * k) * t).astype(np.float32)] for k in range(8)}


def speakers_in(waveform: np.ndarray) -> set[str]:
    power = np.abs(np.fft.rfft(waveform)) ** 2
    hertz = np.fft.rfftfreq(len(waveform), 1 / RATE)
    levels = {f"s{k}": power[np.abs(hertz - 500 - 100 * k) < 20].sum() for k in range(8)}
    return {name for name, level in levels.items() if level > 0.05 * max(levels.values())}


def test_babble_is_spoken_by_six_and_by_nobody_of_train_or_test(voices):
    for seed in range(5):
        heard = speakers_in(babble(2 * RATE, voices, np.random.default_rng(seed), exclude={"s1", "s4"}))
        assert heard == {"s0", "s2", "s3", "s5", "s6", "s7"}


def test_babble_voices_are_equally_loud(voices):
    voices["s0"] = [0.001 * voices["s0"][0]]
    assert speakers_in(babble(2 * RATE, voices, np.random.default_rng(0), exclude=(), n_voices=8)) == set(voices)


def test_babble_refuses_too_few_voices(voices):
    rng = np.random.default_rng(0)
    with pytest.raises(UserError, match="babble of 5 voices: single words could be understood"):
        babble(RATE, voices, rng, exclude=(), n_voices=5)
    with pytest.raises(UserError, match="there are 5; take them from another corpus"):
        babble(RATE, voices, rng, exclude={"s1", "s4", "s7"})
    with pytest.raises(UserError, match="there are 7"):
        babble(RATE, {**voices, "s7": []}, rng, exclude=(), n_voices=8)


def test_babble_is_seeded(voices):
    one, same = (babble(RATE, voices, np.random.default_rng(7), exclude=()) for _ in range(2))
    np.testing.assert_array_equal(one, same)


def test_fit_length_cuts_and_loops():
    noise = np.arange(5)
    for n in (3, 5, 12):
        fitted = fit_length(noise, n, np.random.default_rng(0))
        assert len(fitted) == n
        assert set(np.diff(fitted)) <= {1, -4}, "goes on, and from the end to the beginning"
    starts = {int(fit_length(noise, 3, np.random.default_rng(seed))[0]) for seed in range(40)}
    assert starts == {0, 1, 2, 3, 4}


@pytest.fixture
def folder(tmp_path):
    for name in ("rain-001", "rain-002", "yawn-001", "breathing-001"):
        soundfile.write(tmp_path / f"{name}.flac", NOISES["pink"](RATE, np.random.default_rng(0)) * 0.1, RATE)
    (tmp_path / "README.md").write_text("not audio")
    return tmp_path


def test_recorded_noises_leave_voices_out(folder):
    assert [file.stem for file in list_noises(folder)] == ["rain-001", "rain-002"]
    assert len(list_noises(folder, exclude=())) == 4
    assert noise_class(folder / "door-bell-003.flac") == "door-bell"
    assert noise_class(folder / "rain.wav") == "rain"
    for seconds in (0.5, 2.5):
        noise = recorded(round(seconds * RATE), list_noises(folder)[0], np.random.default_rng(0))
        assert len(noise) == seconds * RATE
        assert np.mean(noise**2) == pytest.approx(1.0, abs=1e-4)


def test_folder_without_noises_is_named(folder, tmp_path):
    with pytest.raises(UserError, match="no such folder of noises"):
        list_noises(tmp_path / "nothing")
    with pytest.raises(UserError, match="holds no wav or flac file"):
        list_noises(folder, exclude=("rain", "yawn", "breathing"))


@settings(max_examples=30, deadline=None)
@given(
    snr_db=st.floats(-20, 40),
    name=st.sampled_from(list(NOISES)),
    over=st.sampled_from(["active", "whole"]),
    level=st.floats(1e-3, 10),
    seed=st.integers(0, 9),
)
def test_snr_is_exact(sentence, snr_db, name, over, level, seed):
    noise = level * NOISES[name](len(sentence.waveform), np.random.default_rng(seed))
    mixed = mix(sentence.waveform, noise, snr_db, over=over)
    part = mixed.measured
    assert mixed.snr_db == pytest.approx(snr_db, abs=1e-3)
    assert snr_in(mixed.clean[part], mixed.noisy[part]) == pytest.approx(snr_db, abs=1e-3)
    assert part.all() == (over == "whole")
    assert np.abs(mixed.noisy).max() <= 0.99 + 1e-6


def test_pauses_do_not_change_the_snr_over_active_speech(sentence):
    padded = np.concatenate([sentence.waveform, sentence.waveform[:8000], sentence.waveform[:8000]])
    noise = NOISES["white"](len(padded), np.random.default_rng(0))
    short = mix(sentence.waveform, noise[: len(sentence.waveform)], 0.0)
    long = mix(padded, noise, 0.0)
    assert np.std(long.noise / long.gain) == pytest.approx(np.std(short.noise / short.gain), rel=0.02)
    whole = mix(padded, noise, 0.0, over="whole")
    assert np.std(whole.noise / whole.gain) < 0.8 * np.std(long.noise / long.gain)


def test_peak_protection_scales_all_parts_alike_and_says_so(sentence):
    noise = NOISES["white"](len(sentence.waveform), np.random.default_rng(0))
    protected, raw = mix(sentence.waveform, noise, -20), mix(sentence.waveform, noise, -20, peak=None)
    assert raw.gain == 1.0
    assert np.abs(raw.noisy).max() > 1
    assert protected.gain < 1
    assert np.abs(protected.noisy).max() == pytest.approx(0.99, abs=1e-5)
    for part in ("clean", "noise", "noisy"):
        np.testing.assert_allclose(getattr(protected, part), protected.gain * getattr(raw, part), atol=1e-5)
    gentle = mix(0.1 * sentence.waveform, noise, 30)
    assert gentle.gain == 1.0
    np.testing.assert_allclose(gentle.clean + gentle.noise, gentle.noisy, atol=1e-7)


def test_what_cannot_be_mixed_is_refused_in_a_sentence(sentence):
    speech, ones = sentence.waveform, np.ones(len(sentence.waveform), dtype=np.float32)
    for arguments, message in (
        ((speech, ones[:-1], 0), "bring the noise to length"),
        ((speech, 0 * ones, 0), "silent where the SNR"),
        ((0 * speech, ones, 0), "no speech found"),
    ):
        with pytest.raises(AudioError, match=message):
            mix(*arguments)
    with pytest.raises(AudioError, match="silent"):
        mix(0 * speech, ones, 0, over="whole")
    with pytest.raises(UserError, match="choose 'active'"):
        mix(speech, ones, 0, over="everything")


@pytest.mark.parametrize("snr_db", [float("nan"), np.float32("nan"), float("inf"), -float("inf"), "loud", None])
def test_an_snr_that_is_no_finite_number_is_refused_in_a_sentence(sentence, snr_db):
    noise = NOISES["white"](len(sentence.waveform), np.random.default_rng(0))
    with pytest.raises(UserError, match=f"snr_db={snr_db}: an SNR is a finite number of dB; give one such as -5 or 10"):
        mix(sentence.waveform, noise, snr_db)


@pytest.mark.parametrize("snr_db", [5, np.int64(5), np.float32(5)])
def test_any_kind_of_number_will_do(sentence, snr_db):
    noise = NOISES["white"](len(sentence.waveform), np.random.default_rng(0))
    assert mix(sentence.waveform, noise, snr_db).snr_db == pytest.approx(5, abs=1e-3)


def test_silent_noise_has_no_level_to_raise():
    np.testing.assert_array_equal(noises._unit(np.zeros(10)), np.zeros(10))


@pytest.mark.realdata
def test_real_noises_exclude_voices(real_corpora):
    if not (real_corpora / "noise").is_dir():
        pytest.skip("no folder of noises in SERCOURSE_DATA")
    files = list_noises(real_corpora / "noise")
    assert len(files) == 9 * 12
    assert {"yawn", "breathing"}.isdisjoint(map(noise_class, files))
