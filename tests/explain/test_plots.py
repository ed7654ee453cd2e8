"""Pictures: what is drawn are the values that were given, in their units."""

from __future__ import annotations

import io

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import PIL.Image
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.colors import to_rgb

from sercourse.corpora.table import EMOTIONS
from sercourse.explain import plots
from sercourse.signal.audio import SAMPLE_RATE


@pytest.fixture(autouse=True)
def figures():
    with plt.rc_context():
        yield
        plt.close("all")


def test_every_emotion_has_a_colour_of_its_own():
    assert tuple(plots.EMOTION_COLOURS) == EMOTIONS
    colours = np.array([to_rgb(colour) for colour in plots.EMOTION_COLOURS.values()])
    distances = np.linalg.norm(colours[:, None] - colours[None], axis=-1) + 10 * np.eye(len(colours))
    assert distances.min() > 0.2


def test_course_style_is_readable_and_small():
    plots.course_style()
    assert plt.rcParams["font.size"] >= 12
    assert plt.rcParams["figure.dpi"] == plt.rcParams["savefig.dpi"] == 80


def test_waveform_is_drawn_in_seconds():
    samples = np.linspace(-1, 1, 2 * SAMPLE_RATE)
    ax = plots.waveform(samples, title="a title")
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_ydata(), samples)
    assert line.get_xdata()[SAMPLE_RATE] == 1
    assert ax.get_xlim() == (0, 2)
    assert (ax.get_xlabel(), ax.get_title()) == ("time (s)", "a title")


def test_spectrogram_has_time_and_frequency_where_they_belong():
    values = np.zeros((100, 5))  # (T, F)
    values[:, 4] = 1  # the highest band
    ax = plots.spectrogram(values, hop_seconds=0.01, top_hz=8000)
    (image,) = ax.images
    assert image.get_extent() == pytest.approx((0, 1, 0, 8))
    assert image.get_array()[4].min() == 1
    assert ax.get_ylabel() == "frequency (kHz)"
    assert plots.spectrogram(values, plt.figure().gca(), hop_seconds=0.01).get_ylabel() == "band"


def test_confusion_shows_percent_of_each_true_class():
    names = ["anger", "fear"]
    counts = pd.DataFrame([[3, 1], [0, 0]], index=names, columns=names)
    ax = plots.confusion(counts)
    np.testing.assert_allclose(ax.images[0].get_array(), [[75, 25], [0, 0]])
    assert sorted(text.get_text() for text in ax.texts) == ["25\n(1)", "75\n(3)"]
    assert [label.get_text() for label in ax.get_yticklabels()] == names
    assert ax.get_ylabel() == "true"


def test_reliability_leaves_empty_bins_out():
    table = pd.DataFrame({"confidence": [20.0, 50.0, 90.0], "accuracy": [30.0, 0.0, 60.0], "count": [5, 0, 7]})
    ax = plots.reliability(table)
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), [[20, 30], [90, 60]])


def test_bars_with_intervals_has_the_first_name_on_top():
    ax = plots.bars_with_intervals(["svm", "majority"], [70.0, 14.0], [(60, 75), (14, 14)], xlabel="UA (%)")
    assert [bar.get_width() for bar in ax.patches] == [70, 14]
    heights = [bar.get_y() for bar in ax.patches]
    assert heights[0] > heights[1]
    ends = ax.collections[0].get_segments()[0][:, 0]
    np.testing.assert_allclose(ends, [60, 75])
    assert [text.get_text() for text in ax.texts] == ["70.0", "14.0"]


def test_png_is_small_and_looks_the_same():
    figure = plt.figure(figsize=(4, 2), dpi=80)
    plots.waveform(np.sin(np.arange(SAMPLE_RATE) / 50), figure.gca())
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=80)
    packed = plots.png(figure)
    assert len(packed) < len(drawn.getvalue())
    before, after = (np.asarray(PIL.Image.open(file).convert("RGB"), float) for file in (drawn, io.BytesIO(packed)))
    assert before.shape == after.shape == (160, 320, 3)
    assert np.abs(before - after).mean() < 2  # of 255


def test_a_notebook_shows_figures_as_small_pictures(monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr(plots, "get_ipython", lambda: shell)
    plots.course_style()
    figure = plt.figure(figsize=(4, 2), dpi=80)
    figure.suptitle("Told")
    shown, told = shell.display_formatter.formatters["image/png"](figure)
    assert told == {"alt": "Told."}
    assert PIL.Image.open(io.BytesIO(shown)).mode == "P"  # with a palette
