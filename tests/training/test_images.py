"""Spectrograms as images: size, cutting, padding, and what training changes."""

import numpy as np
import pytest

from sercourse.training.images import BINS, SECONDS, ImageConfig, framed, hide, image, warped


def test_the_papers_sizes():
    assert [ImageConfig(seconds=seconds).frames for seconds in (6.0, 5.0, 4.0)] == [600, 500, 400]
    assert ImageConfig().bins == 400


def test_hundredths_of_a_second_are_whole_frames():
    """4.1 * 100 is 409.99 in floating point."""
    lengths = {hundredths: ImageConfig(seconds=hundredths / 100).frames for hundredths in range(32, 1000)}
    assert lengths == {hundredths: hundredths for hundredths in lengths}
    assert [ImageConfig(seconds=s, step=2).frames for s in (0.64, 2.0, 3.0, *SECONDS.values())] == [
        32, 100, 150, 250, 300, 300,
    ]  # fmt: skip


def test_frames_are_left_out_and_neighbouring_bins_averaged():
    spectrogram = np.arange(6 * BINS, dtype=np.float32).reshape(6, BINS)
    seen = image(spectrogram, ImageConfig(step=2, bins=200))
    assert seen.shape == (3, 200)
    np.testing.assert_array_equal(seen[1], spectrogram[2].reshape(200, 2).mean(1))


def test_of_a_long_utterance_head_and_tail_are_cut_and_a_short_one_is_padded():
    config = ImageConfig(seconds=0.4, bins=50)
    seen, there = framed(np.arange(61, dtype=np.float32)[:, None].repeat(50, 1), config)
    assert seen[:, 0].tolist() == list(range(10, 50))
    assert there.all()
    seen, there = framed(np.ones((33, 50), dtype=np.float32), config)
    assert seen.shape == (40, 50)
    assert there.sum() == 33 == seen[:, 0].sum()
    assert not there[33:].any()


def test_masks_hide_as_much_as_they_may():
    config, sums = ImageConfig(masks=2, mask_share=0.25), []
    for seed in range(50):
        kept = np.ones(100, dtype=np.float32)
        hide(kept, config, np.random.default_rng(seed))
        sums.append(100 - kept.sum())
    assert max(sums) <= 50
    assert 10 < np.mean(sums) < 40


class Extreme(np.random.Generator):
    """Always draws the upper end."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def uniform(self, low, high):
        return high


def test_faster_speech_is_shorter_and_higher():
    tone = np.full((100, 400), -60.0, dtype=np.float32)
    tone[:, 100] = 0.0
    tone[50:, 100] = -20.0
    fast = warped(tone, ImageConfig(speed=0.25), Extreme())
    assert fast.shape == (80, 400)
    assert fast.dtype == np.float32
    assert fast[10].argmax() == 125
    assert fast[38, 125] == 0.0
    assert fast[42, 125] == -20.0
    higher = warped(tone, ImageConfig(pitch=0.25), Extreme())
    assert higher.shape == (100, 400)
    assert higher[10].argmax() == 125
    np.testing.assert_array_equal(warped(tone, ImageConfig(), Extreme()), tone)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seconds": 0.2}, "20 frames and 400 bins: the networks need 32 of both"),
        ({"bins": 25}, "400 frames and 25 bins"),
        ({"bins": 150}, "must be a divisor of 400"),
        ({"step": 0}, "step=0: must be 1 or more"),
        ({"speed": 1.0}, r"speed=1\.0: must be at least 0 and below 1"),
        ({"masks": -1}, "masks=-1: must be 0 or more"),
    ],
)
def test_images_that_cannot_be_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        ImageConfig(**changes)
