"""The default corpus: what is said by whom, and how."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import parselmouth
import pytest

from sercourse.corpora import card, synthetic
from sercourse.corpora.synthetic import build, espeak, plan, room, rules, sentences, voice
from sercourse.corpora.synthetic.voices import SPEAKERS
from sercourse.errors import CorpusError


def table_of(utterances: int, seed: int = 0) -> pd.DataFrame:
    return pd.DataFrame(build._rows(utterances, seed))


# What is said by whom


@pytest.mark.parametrize(("utterances", "seed"), [(70, 0), (210, 1), (700, 0), (1400, 5)])
def test_design_is_balanced(utterances, seed):
    table = table_of(utterances, seed)
    assert len(table) == utterances == table["utterance_id"].nunique()
    assert (table.groupby(["speaker", "emotion"]).size() == utterances / 70).all()
    neutral = table[table["wording"] == "neutral"]
    per_sentence = neutral.groupby(["speaker", "text"])["emotion"].value_counts().unstack()
    assert per_sentence.nunique(axis=1).eq(1).all()  # each sentence in all seven emotions equally often
    assert per_sentence.notna().all(axis=None)
    assert neutral["wording_emotion"].isna().all()


def test_default_corpus_is_what_its_card_says():
    table, about = table_of(synthetic.UTTERANCES), card("synthetic")
    assert len(table) == about.utterances == 700
    assert table["emotion"].value_counts().to_dict() == dict(about.emotions)
    assert sorted(table["language"].unique()) == sorted(about.languages) == ["de", "en", "it", "pl", "zh"]
    genders = table.groupby("speaker")["gender"].first().value_counts()
    assert (genders["female"], genders["male"]) == (about.female, about.male) == (5, 5)


def test_emotional_wording_agrees_as_stated():
    wording = table_of(700)[lambda table: table["wording"] == "emotional"]
    assert len(wording) == 210 == round(700 * plan.EMOTIONAL_SHARE)
    counts = pd.crosstab(wording["emotion"], wording["wording_emotion"])
    assert (np.diag(counts) == 18).all()  # 0.6 of 30
    assert (counts.to_numpy()[~np.eye(7, dtype=bool)] == 2).all()
    told = [
        text in sentences.EMOTIONAL[language][emotion]
        for text, language, emotion in zip(wording["text"], wording["language"], wording["wording_emotion"])
    ]
    assert all(told)


def test_sessions_pair_a_woman_and_a_man_of_two_languages():
    sessions = table_of(70).groupby("session")
    assert len(sessions) == 5
    assert (sessions["speaker"].nunique() == 2).all()
    assert (sessions["gender"].nunique() == 2).all()
    assert (sessions["language"].nunique() == 2).all()


def test_sentences_are_whole_and_unlike():
    for language in {one.language for one in SPEAKERS}:
        told = [text for texts in sentences.EMOTIONAL[language].values() for text in texts]
        texts = [*sentences.NEUTRAL[language], *told]
        assert len(texts) == len(set(texts)) == 8 + 7 * 3
        assert all(text.endswith("。" if language == "zh" else ".") for text in texts)
        assert set(sentences.EMOTIONAL[language]) == set(plan.EMOTIONS)


@pytest.mark.parametrize("utterances", [0, 69, 100, -70])
def test_unbalanced_number_is_refused(tmp_path, utterances):
    with pytest.raises(CorpusError, match=r"multiple of 70, such as 70\."):
        synthetic.make(tmp_path / "s", utterances=utterances)
    assert not list(tmp_path.iterdir())


# How it is said


def test_rules_point_where_the_literature_says():
    rule = rules.RULES
    assert rule["fear"].pitch > rule["happiness"].pitch > 0 > rule["boredom"].pitch > rule["sadness"].pitch
    assert rule["happiness"].pitch_range > rule["anger"].pitch_range > 0 > rule["sadness"].pitch_range
    assert rule["anger"].loudness > rule["happiness"].loudness > 0 > rule["sadness"].loudness
    assert rule["neutral"] == rules.Prosody()


def test_style_scatters_around_its_rule():
    style, rng = rules.Style(np.random.default_rng(0)), np.random.default_rng(1)
    pitch = np.array([style.express("anger", rng).pitch for _ in range(2000)])
    assert np.median(pitch) == pytest.approx(rules.RULES["anger"].pitch * 1.15, abs=0.6)
    assert np.percentile(pitch, 75) - np.percentile(pitch, 25) == pytest.approx(1.35 * rules.SPREAD.pitch, rel=0.25)
    assert min(style.express("neutral", rng).pauses for _ in range(200)) == 0.0
    assert rules.Style(np.random.default_rng(2)).express("anger", np.random.default_rng(1)) != style.express(
        "anger", np.random.default_rng(1)
    )


def test_tilt_fullness_and_dynamics_do_what_their_units_say():
    seconds = np.arange(16_000) / 16_000
    for hertz, tilt, fullness, gain in ((2000, 3.0, 0.0, 3.0), (500, 3.0, 0.0, -3.0), (100, 0.0, 5.0, 5.0)):
        tone = np.sin(2 * np.pi * hertz * seconds)
        shaped = voice.shaped(tone, tilt, fullness)[4000:12000]
        assert 20 * np.log10(shaped.std() / tone.std()) == pytest.approx(gain, abs=0.1)
    steps = np.repeat([1.0, 0.316], 8000) * np.sin(2 * np.pi * 500 * seconds)
    contrasted = steps * voice._contrast(steps, 0.3)
    ratio = contrasted[2000:6000].std() / contrasted[10000:14000].std()
    assert 20 * np.log10(ratio) == pytest.approx(13, abs=0.5)  # 10 dB became 13, less the floor that keeps pauses


def test_engine_pitch_and_rate_move_the_right_way():
    engine = espeak.Engine("de+f4", seed=0)
    try:
        text = sentences.NEUTRAL["de"][0]
        slow, fast = (engine.speak(text, rate=rate, pitch=50, pitch_range=50) for rate in (120, 240))
        assert len(slow) > 1.7 * len(fast)
        for step in (-6.0, 6.0):  # semitones
            tones = [
                _pitch(engine.speak(text, rate=170, pitch=50 + voice._PITCH_STEPS * st, pitch_range=0), 22_050)
                for st in (0.0, step)
            ]
            assert 12 * np.log2(tones[1] / tones[0]) == pytest.approx(step, abs=1.0)
        assert engine.sample_rate == 22_050
        assert np.abs(slow).max() < 0.9
    finally:
        engine.close()


def _pitch(samples: np.ndarray, rate: int) -> float:
    hertz = parselmouth.Sound(samples.astype(float), rate).to_pitch(pitch_floor=60).selected_array["frequency"]
    return float(np.median(hertz[hertz > 0]))


@pytest.mark.parametrize("name", ["xx", "de+nobody", "nn+f1"])
def test_unknown_voice_raises(name):
    with pytest.raises(CorpusError, match="has no voice"):
        espeak.Engine(name, seed=0)


def test_data_in_a_deep_folder_is_found(monkeypatch, tmp_path):
    """espeak-ng itself fails where the path of its data is longer than about 150 characters."""
    import espeakng_loader

    deep = tmp_path / ("d" * 90) / ("e" * 90) / "espeak-ng-data"
    deep.parent.mkdir(parents=True)
    deep.symlink_to(espeakng_loader.get_data_path())
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(deep))
    engine = espeak.Engine("it+f4", seed=0)
    link = engine._link
    assert len(engine.speak("Buongiorno.", rate=170, pitch=50, pitch_range=50)) > 5000
    engine.close()
    assert link is not None
    assert not link.exists()


def test_missing_engine_and_missing_data_are_named(monkeypatch, tmp_path):
    import espeakng_loader

    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(CorpusError, match="espeak-ng cannot start from this folder"):
        espeak.Engine("de", seed=0)
    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(tmp_path / "none.so"))
    with pytest.raises(CorpusError, match="cannot be loaded"):
        espeak.espeak_version()


def test_a_link_is_replaced_by_a_copy_where_links_are_forbidden(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    data = tmp_path / ("d" * 130) / "data"
    (data / "lang").mkdir(parents=True)
    monkeypatch.setattr(Path, "symlink_to", lambda *_, **__: (_ for _ in ()).throw(OSError("not allowed")))
    link = espeak._short_link(data)
    assert (link / "lang").is_dir()
    assert not link.is_symlink()


def test_room_reverberates_and_keeps_its_noise_floor():
    own, rng = room.Room(np.random.default_rng(3)), np.random.default_rng(0)
    click = np.zeros(8000)
    click[0] = 0.5
    recorded = own.record(click, rng) / 32767
    onset = int(np.abs(recorded).argmax())
    assert 0.10 <= onset / 16_000 <= 0.25
    noise = np.sqrt(np.mean(recorded[: onset - 10] ** 2))
    assert 20 * np.log10(noise) == pytest.approx(own.noise_level + own.gain, abs=1.5)
    tail = recorded[onset + 100 : onset + 1000]
    assert tail.std() > 1.5 * noise
    loud = own.record(np.full(8000, 30.0), rng)
    assert np.abs(loud.astype(int)).max() <= 32767 * 0.99 + 1  # turned down, not clipped
