"""The browser of a ranking: its bars are the scores, and what can be heard is really lowest and highest."""

from __future__ import annotations

import html
import io
import re

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import soundfile

from sercourse.corpora.table import make_table
from sercourse.errors import UserError
from sercourse.explain.attribution import grouped, ranked
from sercourse.explain.ranking import (
    EACH,
    GROUPINGS,
    bars_figure,
    bars_of,
    extremes,
    ranking_browser,
    ranking_html,
)
from sercourse.features.names import in_words
from sercourse.features.opensmile_sets import SETS, opensmile_set
from sercourse.signal.audio import SAMPLE_RATE

COLUMNS = [
    "F0semitoneFrom27.5Hz_sma3nz_amean", "F0semitoneFrom27.5Hz_sma3nz_stddevNorm", "loudness_sma3_amean",
    "loudness_sma3_stddevNorm", "mfcc1_sma3_amean", "VoicedSegmentsPerSec",
]  # fmt: skip
SCORES = np.array([0.1, 0.3, 0.05, 0.2, 0.25, 0.1])
EMOTIONS = ("anger", "sadness", None)


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> pd.DataFrame:
    """Ten recordings of half a second, some without labels."""
    folder, rng = tmp_path_factory.mktemp("speech"), np.random.default_rng(0)
    rows = []
    for number in range(10):
        path = folder / f"u{number}.wav"
        soundfile.write(path, 0.1 * rng.standard_normal(SAMPLE_RATE // 2), SAMPLE_RATE)
        rows.append({"utterance_id": path.stem, "path": str(path), "emotion": EMOTIONS[number % 3], "language": "de"})
    return make_table(rows, "test")


@pytest.fixture(scope="module")
def functionals(speech) -> pd.DataFrame:
    values = np.random.default_rng(1).normal(5, 2, size=(len(speech), len(COLUMNS))).astype(np.float32)
    return pd.DataFrame(values, index=speech.index, columns=COLUMNS)


@pytest.fixture
def browser(speech, functionals):
    return ranking_browser(SCORES, COLUMNS, functionals, speech)


def spoken(box) -> list[str]:
    """Labels of the players."""
    return [html.unescape(label) for label in re.findall(r"<audio [^>]*aria-label='([^']*)'", box.heard.value)]


def test_bars_of_features_are_their_scores_in_order():
    bars = bars_of(SCORES, COLUMNS)
    assert [bar.features for bar in bars] == [(COLUMNS[i],) for i in ranked(SCORES)]
    np.testing.assert_allclose([bar.share for bar in bars], 100 * np.sort(SCORES)[::-1])
    assert all(bar.even == pytest.approx(100 / 6) for bar in bars)
    assert bars[0].label == "pitch, in semitones: spread over mean"
    np.testing.assert_allclose([bar.share for bar in bars_of(7 * SCORES, COLUMNS)], [bar.share for bar in bars])


@pytest.mark.parametrize("by", ["descriptor", "functional"])
def test_bars_of_groups_keep_the_whole(by):
    bars = bars_of(SCORES, COLUMNS, by)
    np.testing.assert_allclose([bar.share for bar in bars], grouped(100 * SCORES, COLUMNS, by))
    assert sum(bar.share for bar in bars) == pytest.approx(100)
    assert [bar.even for bar in bars] == pytest.approx([100 * len(bar.features) / 6 for bar in bars])
    assert sorted(name for bar in bars for name in bar.features) == sorted(COLUMNS)
    first = {bar.label: bar.features[0] for bar in bars}
    if by == "descriptor":
        assert first["pitch, in semitones"] == COLUMNS[1]
    else:
        assert first["mean"] == COLUMNS[4]
        assert first["the utterance as a whole"] == COLUMNS[5]


@pytest.mark.parametrize("by", GROUPINGS)
@pytest.mark.parametrize("name", SETS)
def test_no_two_bars_have_one_label(name, by):
    columns = opensmile_set(name).columns
    labels = [bar.label for bar in bars_of(np.ones(len(columns)), columns, by)]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("feature", COLUMNS)
def test_the_ends_are_the_lowest_and_the_highest(functionals, feature):
    low, high = extremes(functionals, feature)
    by_value = functionals[feature].sort_values().index
    assert low.index.tolist() == by_value[:EACH].tolist()
    assert high.index.tolist() == by_value[::-1][:EACH].tolist()
    values = functionals[feature].astype(float)
    np.testing.assert_allclose(high.iloc[0], (values.max() - values.mean()) / values.std(ddof=0))
    assert (low < 0).all()


def test_ends_do_not_overlap_and_do_without_missing_values(functionals):
    few = functionals.iloc[:3].copy()
    low, high = extremes(few, COLUMNS[0])
    assert len(low) == len(high) == 1
    assert low.index[0] != high.index[0]
    holes = functionals.copy()
    holes.loc[low.index, COLUMNS[0]] = np.nan
    assert low.index[0] not in [*extremes(holes, COLUMNS[0], 5)[0].index, *extremes(holes, COLUMNS[0], 5)[1].index]
    assert not extremes(0 * functionals, COLUMNS[0])[0].any(), "the same everywhere: no deviation, and no division by 0"


def test_what_is_said_of_a_bar_is_there_and_escaped():
    evil = "<script>alert('x')</script>_sma_amean"
    bars = bars_of(np.array([3.0, 1.0]), [evil, COLUMNS[0]])
    shown = ranking_html(bars)
    assert "<script" not in shown
    assert html.escape(evil) in shown
    said = re.findall(r"<span role='tooltip'>(.*?)</span>", shown)
    assert said[1].split("<br>") == [
        in_words(COLUMNS[0]), f"openSMILE: {COLUMNS[0]}",
        "descriptor: F0semitoneFrom27.5Hz, 25.0 % with all its statistics",
        "share of the attention: 25.00 %; even: 50.00 %, so it has 0.5 times as much",
    ]  # fmt: skip
    assert shown.count("aria-current") - shown.count("[aria-current]") == 1, "one is chosen"


def test_without_even_nothing_is_said_of_it():
    bars = bars_of(SCORES, COLUMNS)
    assert "<b style" in ranking_html(bars)
    plain = ranking_html(bars, even=False)
    assert "<b style" not in plain
    assert "even" not in plain.partition("</style>")[2]
    assert "if all features" not in bars_figure(bars, even=False).get_supxlabel()


def test_a_chosen_feature_is_marked_and_heard(browser, functionals, speech):
    before = browser.shown.value, browser.heard.value
    browser.menu.value = 3
    assert (browser.shown.value, browser.heard.value) != before
    feature = browser.bars[3].features[0]
    assert html.escape(feature) in browser.heard.value
    low, high = extremes(functionals, feature)
    expected = [
        f"{place % EACH + 1}. {value:+.1f} SD, {'unknown' if pd.isna(emotion) else emotion}, de"
        for place, (emotion, value) in enumerate(
            (speech.loc[i, "emotion"], value) for end in (low, high) for i, value in end.items()
        )
    ]
    assert [label.rpartition(", ")[0].replace("−", "-") for label in spoken(browser)] == expected
    assert [label.rpartition(", ")[2] for label in spoken(browser)] == 3 * ["least of it"] + 3 * ["most of it"]
    assert f"▸ 4. {browser.bars[3].label}" in browser.shown.value


def test_another_grouping_begins_with_its_first_bar(browser):
    browser.menu.value = 4
    for by in ("descriptor", "functional", "feature"):
        browser.by.value = by
        assert browser.menu.value == 0
        assert [label for label, _ in browser.menu.options] == [
            f"{number}. {bar.label}" for number, bar in enumerate(bars_of(SCORES, COLUMNS, by), start=1)
        ]
        assert f"▸ 1. {browser.bars[0].label}" in browser.shown.value
        assert html.escape(browser.bars[0].features[0]) in browser.heard.value
    assert "of the" not in re.sub(r"<[^>]*>", "", browser.heard.value).partition("SD")[0], "a feature is no group"


def test_there_are_few_players_and_few_bars(speech, functionals):
    box = ranking_browser(SCORES, COLUMNS, functionals, speech, top=2)
    assert len(box.menu.options) == 2
    assert box.shown.value.count("<li ") == 2
    assert len(spoken(box)) == 2 * EACH
    assert len(box.heard.value) + len(box.shown.value) < 100_000


def test_an_utterance_without_its_sound_is_named(speech, functionals):
    gone = speech.assign(path="<b>nowhere.wav").astype({"path": "string"})
    heard = ranking_browser(SCORES, COLUMNS, functionals, gone).heard.value
    assert "&lt;b&gt;nowhere.wav: no such file" in heard
    assert "<audio" not in heard


def test_a_still_shows_the_bars_as_they_are_now(browser):
    one = browser.still()
    picture = np.asarray(PIL.Image.open(io.BytesIO(one.data)).convert("L"))
    assert (picture < 128).mean() > 0.005
    assert len(one.data) < 60_000
    assert "pitch, in semitones: spread over mean: 30.0 %" in one.alt
    browser.by.value = "functional"
    assert browser.still().data != one.data
    assert repr(browser) == browser.no_kernel


@pytest.mark.parametrize(
    ("scores", "change", "sentence"),
    [
        (SCORES[:5], {}, "scores of shape (5,) for 6 columns; give one score per column."),
        (0 * SCORES, {}, "scores: they must be finite and have a sum above 0, or there are no shares of it."),
        (SCORES, {"table": ["u0", "u1"]}, "table: no utterance u2 (and 7 more)"),
        (SCORES, {"columns": COLUMNS[1:]}, f"functionals: no column {COLUMNS[0]}; give"),
        (SCORES, {"rows": ["u3"]}, "top=20 of 1 utterances: give 1 bar and 2 utterances, or more."),
        (SCORES, {"top": 0}, "top=0 of 10 utterances"),
    ],
)
def test_what_cannot_be_browsed_is_refused_in_a_sentence(speech, functionals, scores, change, sentence):
    table = speech.loc[change.get("table", speech.index)]
    given = functionals.loc[change.get("rows", functionals.index), change.get("columns", COLUMNS)]
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}"):
        ranking_browser(scores, COLUMNS, given, table, top=change.get("top", 20))
