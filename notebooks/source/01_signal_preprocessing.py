# %% [markdown] tags=["title"]
# # 01 Signal preprocessing
#
# {{badges}}
#
# From a waveform to a number one can trust: you build every step between a microphone and a classifier by hand, check
# it against the library, and then learn why three people with the same features report three different accuracies.
#
# **You will learn**
#
# - what a voice is made of, and which parts of it carry emotion;
# - pre-emphasis, frames, windows, endpoints, spectrogram, mel bands and MFCC, each in a few lines;
# - to add noise at an exact signal-to-noise ratio, and how a noise figure can be fooled;
# - what the 1582 numbers of the feature set IS10 are;
# - which of three protocols tells the truth, and how large the lie of the other two is.
#
# **You need** Python and a little NumPy, no knowledge of speech; headphones;
# [chapter 00](00_start_here.ipynb) if the words *utterance*, *WA* and *UA* are new to you.
#
# **Time** 60 minutes of reading and exercises · 2 minutes of computing on 2 CPU cores · no GPU

# %% [markdown]
# ## Set-up
#
# The second cell is the one to change: another corpus, another profile, another seed.

# %% tags=["setup"]
import importlib.util
import subprocess

if importlib.util.find_spec("sercourse") is None:
    subprocess.run(["pip", "install", "-q", "git+https://github.com/{{repository}}"], check=True)

# %% tags=["setup", "parameters"]
CORPUS = "synthetic"  # or "emodb", "ravdess", "csv:mine.csv": any name that `sercourse corpora` lists
PROFILE = "quick"  # or "course", "paper": sections 9 and 10 then use the whole corpus instead of a part of it
SEED = 0  # every random choice below starts from it

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import Markdown
from scipy.fft import dct
from scipy.signal import freqz, get_window, lfilter

from sercourse import corpora
from sercourse.explain import plots
from sercourse.explain.exercise import check
from sercourse.explain.players import player, player_table
from sercourse.signal.audio import SAMPLE_RATE, read_audio
from sercourse.signal.framing import frame_count, frames, pre_emphasis
from sercourse.signal.snr import snr_in, snr_out
from sercourse.training.crops import utterance_seconds

plots.course_style()

# %% [markdown]
# ## The way from sound to decision
#
# | step | what comes out | section |
# |---|---|---|
# | a voice speaks | air pressure, 16 000 numbers per second | 1 |
# | pre-emphasis | the same, with the high frequencies lifted | 2 |
# | frames and windows | pieces of 25 ms, one every 10 ms | 3 |
# | endpoint detection | which of them hold speech | 4 |
# | spectrum, mel bands, MFCC | a short vector per frame | 5 |
# | pitch and energy | two more numbers per frame | 6 |
# | functionals | one long vector per utterance, whatever its length | 8 |
# | classifier | the name of an emotion | 9 |
# | protocol | how much of that you may believe | 10 |
#
# Section 7 is about **noise**, because the world has some.

# %% [markdown]
# ## 1 Source and filter
#
# A voice is made in two places.
#
# - The **source**: the vocal folds open and close some 80 to 300 times per second and let puffs of air through. Their
#   rate is the fundamental frequency F0; we hear it as **pitch**.
# - The **filter**: throat, mouth and lips form a tube with resonances, the **formants**. Moving tongue and jaw moves
#   the formants; we hear them as **vowels**.
#
# The two hardly influence each other: you can sing "ah" on any note, and speak any vowel on one note. This
# *source-filter model* (Fant 1960) is enough to build a voice from nothing.
#
# The source first: one pulse per period, softer towards high frequencies, as those of the vocal folds are.


# %%
SOFT = [1.0, -0.95]  # each pulse decays: high frequencies become weak


def glottal_source(pitch_hz, seconds=0.8, fall=0.15):
    """Pulses at ``pitch_hz``; the pitch falls a little, or it would sound like a machine."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    cycles = np.cumsum(pitch_hz * (1 + fall * (0.5 - time / seconds))) / SAMPLE_RATE
    pulses = np.diff(np.floor(cycles), prepend=0.0)  # 1 where a new period begins, else 0
    return lfilter([1.0], SOFT, pulses)


# %% [markdown]
# Then the filter: one resonance per formant. A resonance at frequency $f$ with bandwidth $b$ is a filter with two poles
# at radius $r = e^{-\pi b / f_s}$ and angle $\pm 2 \pi f / f_s$. Three of them in a row make a vowel.
# (Skip the formula: it only says where the bump is and how wide.)

# %%
# Formants of men in Hz, after Peterson and Barney (1952), and plausible bandwidths
VOWELS = {"ah": (730, 1090, 2440), "ee": (270, 2290, 3010), "oo": (300, 870, 2240)}
BANDWIDTHS = (60, 90, 150)


def resonator(frequency, bandwidth):
    """Numerator and denominator of a two-pole filter with gain 1 at 0 Hz."""
    radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE)
    denominator = [1.0, -2 * radius * np.cos(2 * np.pi * frequency / SAMPLE_RATE), radius**2]
    return [sum(denominator)], denominator


def vocal_tract(source, vowel):
    """Send a source through the formants of a vowel."""
    for frequency, bandwidth in zip(VOWELS[vowel], BANDWIDTHS):
        source = lfilter(*resonator(frequency, bandwidth), source)
    return source


# %%
rows = {}
for name, pitch in (("120 Hz", 120), ("220 Hz", 220)):
    source = glottal_source(pitch)
    rows[name] = [source, *(vocal_tract(source, vowel) for vowel in VOWELS)]
player_table(rows, ["source alone", *VOWELS], corner="pitch", normalise=True, width="160px")

# %% [markdown]
# Listen along a row: the pitch stays, the vowel changes. Listen down a column: the vowel stays, the pitch changes.
#
# The spectrum shows why. The source is a comb of **harmonics**, multiples of F0. The filter is a smooth curve
# with a bump per formant. The voice is the comb under the curve.
#
# A **decibel** (dB) compares: +20 dB is 10 times the amplitude (100 times the power), +6 dB twice the amplitude. An
# **octave** is a doubling of frequency, a **semitone** a twelfth of an octave.
#
# In the picture on the right the blue curve is the filter *and* the slope of the source; the grey comb hangs under it.


# %%
def spectrum_db(x):
    """Level of a piece from the middle, in dB."""
    piece = x[4000:6048] * np.blackman(2048)
    return 20 * np.log10(np.abs(np.fft.rfft(piece, 8192)) + 1e-6)


def gain_db(*filters):
    """Level that filters in a row let through, in dB."""
    responses = [freqz(*each, worN=hertz, fs=SAMPLE_RATE)[1] for each in filters]
    return 20 * np.log10(np.abs(np.prod(responses, axis=0)))


hertz = np.fft.rfftfreq(8192, 1 / SAMPLE_RATE)
source = glottal_source(160, fall=0)  # 160 divides 16 000: every period has the same 100 samples
tracts = {v: [resonator(f, b) for f, b in zip(VOWELS[v], BANDWIDTHS)] for v in VOWELS}
ee = spectrum_db(vocal_tract(source, "ee"))
envelope = gain_db(([1.0], SOFT), *tracts["ee"])

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3), layout="constrained")
left.plot(hertz / 1000, spectrum_db(source), color="#999999", linewidth=1)
left.set(title="source", ylabel="level (dB)", ylim=(-40, 50))
for vowel, colour in zip(VOWELS, ("#D55E00", "#0072B2", "#009E73")):
    middle.plot(hertz / 1000, gain_db(*tracts[vowel]), color=colour, label=vowel)
middle.set(title="filter", ylabel="gain (dB)")
middle.legend(frameon=False, loc="lower left")
right.plot(hertz / 1000, ee, color="#999999", linewidth=1)
right.plot(hertz / 1000, envelope + ee.max() - envelope[: len(ee) // 4].max(), color="#0072B2")
right.set(title='"ee": source under filter', ylabel="level (dB)", ylim=(-60, 60))
for ax in (left, middle, right):
    ax.set(xlim=(0, 4), xlabel="frequency (kHz)")
plt.show()

# %% [markdown]
# **What emotion does to it** (Scherer 2003, Juslin and Laukka 2003):
#
# - to the source: pitch and its range, loudness, how regular the periods are (*jitter*, *shimmer*), how breathy or
#   pressed the voice is;
# - to the filter: a smile shortens the tube and moves the formants up, tension changes how sharply they stand out;
# - to the timing: rate of speech and pauses.
#
# Text and speaker change the same quantities. That is the difficulty of the whole field in one sentence.

# %% [markdown]
# ## A real file
#
# From here on we use a corpus. It is a table with one row per utterance.

# %%
table = corpora.load(CORPUS)
table = table[table["emotion"].notna()]


def sound(row):
    """The waveform of one row of the table: float32, 16 kHz, shape (T,)."""
    return read_audio(row["path"], row["start"], row["end"])


angry_men = table[(table["emotion"] == "anger") & (table["gender"] == "male")]
if "wording" in table:  # the synthetic corpus: sentences that do not tell the emotion by their words
    angry_men = angry_men[angry_men["wording"] != "emotional"]
sample = angry_men.loc[utterance_seconds(angry_men).idxmin()]  # a short one
x = sound(sample)  # (T,)

# %%
print(f"{sample.name}, {sample['emotion']}: “{sample['text']}”")
print(f"{len(x)} samples, {len(x) / SAMPLE_RATE:.2f} s, values from {x.min():.2f} to {x.max():.2f}")
plots.waveform(x, title="A waveform: air pressure over time")
plt.show()
player(x, label=sample["emotion"])

# %% [markdown]
# `read_audio` takes a file of any rate, channel count and number format and gives 16 000 samples per second, one
# channel, between −1 and 1. Everything in this course starts there.
#
# > **Resampling is a decision.** 16 000 samples per second can hold frequencies up to 8 000 Hz and nothing above
# > (*Nyquist*). That keeps nearly all of a voice, but a telephone (8 000 samples per second) ends at 4 000 Hz. A
# > network trained on one and used on the other fails quietly. Two corpora that differ in bandwidth can be told apart
# > by the bandwidth alone, and so can their labels.

# %% [markdown]
# ## 2 Pre-emphasis
#
# A voice loses about 6 dB per octave towards high frequencies, because the puffs of the vocal folds are soft.
# **Pre-emphasis** gives them back, so that the quiet fricatives (hissing sounds: s, f, sh) and the high formants count
# as much as the loud vowels:
#
# $$ y[t] = x[t] - 0.97\, x[t-1] $$
#
# Where the signal changes little from sample to sample (low frequencies) the difference is small; where it changes a
# lot (high frequencies) it is large. Build it, check it:

# %%
y = np.append(x[0], x[1:] - 0.97 * x[:-1])
assert np.allclose(y, pre_emphasis(x, 0.97), atol=1e-6)
player_table({"": [x, y]}, ["as recorded", "after pre-emphasis"], normalise=True)

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3), layout="constrained")
hertz, response = freqz([1, -0.97], worN=512, fs=SAMPLE_RATE)
left.plot(hertz / 1000, 20 * np.log10(np.abs(response)))
left.set(title="the filter", xlabel="frequency (kHz)", ylabel="gain (dB)", ylim=(-32, 8))


def long_term_spectrum(x):
    """Mean level over the whole utterance, in dB."""
    pieces = np.lib.stride_tricks.sliding_window_view(x, 512)[::256] * np.hamming(512)
    return 10 * np.log10(np.mean(np.abs(np.fft.rfft(pieces)) ** 2, axis=0))


axis = np.fft.rfftfreq(512, 1 / SAMPLE_RATE) / 1000
right.plot(axis, long_term_spectrum(x), color="#999999", label="as recorded")
right.plot(axis, long_term_spectrum(y), color="#D55E00", label="after pre-emphasis")
right.set(title="one utterance, mean over time", xlabel="frequency (kHz)", ylabel="level (dB)")
right.legend(frameon=False)
plt.show()

# %% [markdown]
# **What we saw.** The spectrum is flatter: low frequencies lose up to 30 dB, high ones gain up to 6. It *sounds* thin
# and sharp, which is fine: the next listener is a machine.
#
# > **Loudness and tilt carry emotion.** An angry voice is loud and rich in high frequencies, a sad one soft and dull.
# > Pre-emphasis is one fixed filter for all, so those differences survive it. Normalising every file to the same
# > loudness, or to a flat spectrum of its own, would wipe them out.

# %% [markdown]
# ## 3 Frames and windows
#
# Speech changes all the time, and a spectrum needs a stretch that does not. The compromise:
#
# - cut the signal into **frames** of 10 to 30 ms, short enough that mouth and folds hardly move;
# - let them **overlap**: a new frame begins every 10 ms (the **hop**), so that nothing falls between two frames;
# - multiply each frame by a **window** that fades in and out.

# %% tags=["nbval-check-output"]
LENGTH, HOP = 400, 160  # samples: 25 ms and 10 ms
cut = np.lib.stride_tricks.sliding_window_view(x, LENGTH)[::HOP]  # (frames, 400)
windowed = cut * get_window("hamming", LENGTH)
assert np.allclose(windowed, frames(x, frame_seconds=0.025, hop_seconds=0.010), atol=1e-6)
print("1 + (T − 400) // 160 frames:", len(cut) == 1 + (len(x) - LENGTH) // HOP == frame_count(len(x)))

# %%
loudest = int(np.argmax(np.sum(cut**2, axis=1)))
start = max(loudest - 2, 0) * HOP
piece = x[start : start + 1040]
milliseconds = np.arange(len(piece)) / 16
fig, ax = plt.subplots(figsize=(11, 3))
ax.plot(milliseconds, piece, color="#0072B2", linewidth=0.8)
for number, colour in enumerate(("#D55E00", "#009E73", "#CC79A7", "#E69F00")):
    window = np.hamming(LENGTH) * np.abs(piece).max()
    ax.plot(np.arange(LENGTH) / 16 + 10 * number, window, color=colour, label=f"frame {number + 1}")
ax.set(xlabel="time (ms)", ylabel="amplitude", title="Four frames of 25 ms, one every 10 ms", xlim=(0, 65))
ax.legend(frameon=False, ncols=4, loc="lower right")
plt.show()

# %% [markdown]
# **Why the window?** The Fourier transform behaves as if the frame were repeated for ever. Cut out with scissors, the
# end does not meet the beginning, and the jump spreads energy over all frequencies: **leakage**.
#
# The experiment: a loud tone, and 400 Hz above it a soft one, 100 times weaker (−40 dB).

# %%
time = np.arange(LENGTH) / SAMPLE_RATE
two_tones = np.sin(2 * np.pi * 1020 * time) + 0.01 * np.sin(2 * np.pi * 1420 * time)
axis = np.fft.rfftfreq(8192, 1 / SAMPLE_RATE) / 1000
fig, ax = plt.subplots(figsize=(8, 3.2))
for name, window, colour in (
    ("scissors (rectangle)", np.ones(LENGTH), "#999999"),
    ("Hamming", np.hamming(LENGTH), "#D55E00"),
):
    spectrum = np.abs(np.fft.rfft(two_tones * window / window.sum(), 8192))
    ax.plot(axis, 20 * np.log10(spectrum / spectrum.max() + 1e-9), color=colour, label=name)
ax.axvline(1.42, color="black", linestyle=":", linewidth=1)
ax.annotate("the soft tone", (1.42, -38), xytext=(1.6, -22), arrowprops={"arrowstyle": "->"})
ax.set(xlim=(0.4, 2.4), ylim=(-80, 5), xlabel="frequency (kHz)", ylabel="level (dB)", title="Leakage")
ax.legend(frameon=False, loc="upper right")
plt.show()

# %% [markdown]
# **What we saw.** With scissors the soft tone drowns in the leakage of the loud one. The Hamming window has a wider
# peak (two tones 50 Hz apart may melt into one) and in exchange keeps quiet 200 Hz away. Two of the five papers of
# this course, ASP-MTL (chapter 03) and APFL (chapter 05), name it, and it is what we use.
#
# **How long should a frame be?** Move the slider.

# %%
from sercourse.explain.widgets import window_explorer

windows = window_explorer(x)
windows.widget()

# %%
windows.still(5, 25, 100)

# %% [markdown]
# **What we saw.**
#
# - *5 ms*: sharp in time; every vertical stripe is one puff of the vocal folds. Harmonics are smeared.
# - *100 ms*: sharp in frequency; every horizontal line is one harmonic. Short sounds are smeared.
# - *25 ms*: the usual middle. You cannot have both: resolution in time × resolution in frequency is a constant.
#
# > **Frames are not milliseconds.** This chapter cuts 25 ms every 10 ms, the APFL paper 40 ms every 10 ms, wav2vec 2.0
# > 25 ms every 20 ms. "128 frames" are 1.3 seconds here and 2.6 there. Always write down length, hop *and* rate.

# %% [markdown]
# ## 4 Where speech begins and ends
#
# A recording begins before the speaker does. The ASP-MTL paper removes what is not speech with two numbers per frame,
# a method from 1975 (Rabiner and Sambur):
#
# - **short-term energy**: the mean square of the frame, in dB. Vowels are loud.
# - **zero-crossing rate**: how often neighbouring samples change their sign. A hissing "s" is hardly louder than the
#   room. But a hiss crosses zero far more often than a vowel, and here also more often than the room (about 50 %: white
#   noise changes sign every other sample). The detector looks for frames above the room in both.
#
# We put half a second before and after the utterance, and a quiet room over everything.

# %%
from sercourse.signal.endpoint import find_speech, zero_crossing_rate

rng = np.random.default_rng(SEED)
recording = np.pad(x, 8000)
recording = recording + 0.02 * x.std() * rng.standard_normal(len(recording))

cut = np.lib.stride_tricks.sliding_window_view(recording, LENGTH)[::HOP]  # (frames, 400)
energy = 10 * np.log10(np.mean(cut**2, axis=1))  # (frames,) dB
crossings = np.mean((cut[:, 1:] < 0) != (cut[:, :-1] < 0), axis=1)  # (frames,) share of samples
assert np.allclose(crossings, zero_crossing_rate(recording))

# %%
speech = find_speech(recording)
fig, axes = plt.subplots(3, 1, figsize=(11, 5.4), sharex=True, layout="constrained")
plots.waveform(recording, axes[0])
seconds = np.arange(len(cut)) * 0.010 + 0.0125
axes[1].plot(seconds, energy, color="#D55E00")
axes[1].set(ylabel="energy (dB)")
axes[2].plot(seconds, 100 * crossings, color="#009E73")
axes[2].set(ylabel="crossings (%)", xlabel="time (s)")
for ax in axes:
    for start, end in speech:
        ax.axvspan(start, end, color="#56B4E9", alpha=0.2)
axes[0].set(xlabel="", title="What the detector takes for speech is shaded")
plt.show()

# %% [markdown]
# **What we saw.** Energy alone finds the vowels. The rule has two thresholds: above the high one a frame is speech for
# certain; from there speech is followed outwards until the energy falls below the low one. Then the border moves on
# over frames with more zero crossings than the room, which catches a hiss at the edge of a word. An utterance without
# a hiss at its ends gets its borders from energy alone. Pauses under 0.3 s stay in.
#
# > **Silence is not empty.** Sad and bored speakers pause more; cutting the pauses out cuts out emotion. We trim the
# > two ends and keep what lies between.
# >
# > **Energy detectors fail in noise.** Put `0.5` for `0.02` above: some tens of milliseconds are lost at each end. With
# > `1`, a room as strong as the voice, nothing at all is found.

# %% [markdown]
# ## 5 Spectrogram, mel bands, MFCC
#
# **Spectrogram.** The Fourier transform of every frame, side by side: time to the right, frequency upwards, level as
# colour. Levels are in dB, because ears hear ratios, not differences.
#
# (For features the frames are *centred*: frame $t$ has its middle at $t$ times the hop, and the ends are padded with
# zeros. So every utterance of the same length gives the same number of frames, whatever the window.)

# %%
padded = np.pad(x, LENGTH // 2)
cut = np.lib.stride_tricks.sliding_window_view(padded, LENGTH)[::HOP] * get_window("hamming", LENGTH)
power = np.abs(np.fft.rfft(cut, 512)) ** 2  # (frames, 257)
spectrogram = 10 * np.log10(np.maximum(power, 1e-10))  # dB, never below −100

plots.spectrogram(np.maximum(spectrogram, spectrogram.max() - 65), hop_seconds=0.010, top_hz=8000)
plt.show()

# %% [markdown]
# **Mel scale.** Ears tell 200 from 300 Hz at once, and can hardly tell 7200 from 7300 Hz. The mel scale (Stevens,
# Volkmann and Newman 1937) bends the frequency axis accordingly: nearly straight below 1000 Hz, logarithmic above.
#
# $$ m = 1127 \ln\left(1 + \frac{f}{700}\right) $$

# %%
from sercourse.features.spectral import hz_to_mel, mel_to_hz

hertz = np.linspace(0, 8000, 400)
mel = 1127 * np.log(1 + hertz / 700)
assert np.allclose(mel, hz_to_mel(hertz))
printed = 1127 * np.log10(1 + hertz / 700)

fig, ax = plt.subplots(figsize=(8, 3))
ax.plot(hertz / 1000, mel, color="#0072B2", label="1127 ln(1 + f / 700)")
ax.plot(hertz / 1000, printed, color="#D55E00", linestyle="--", label="1127 lg(1 + f / 700), a misprint")
ax.plot(1, 1000, "o", color="black")
ax.annotate("1000 Hz = 1000 mel", (1, 1000), xytext=(2.2, 1180), arrowprops={"arrowstyle": "->"})
ax.set(xlabel="frequency (kHz)", ylabel="pitch as heard (mel)")
ax.legend(frameon=False, loc="lower right")
plt.show()

# %% [markdown]
# > **A misprint worth knowing.** Equation 20 of the ASP-MTL paper reads $1127 \lg(1 + f/700)$, the logarithm to base
# > 10. With 1127 the *natural* logarithm is meant: it puts 1000 Hz at 1000 mel, which is how the scale is anchored;
# > base 10 would put it at 434 mel. (With base 10 the factor is 2595.) The shape of the curve is the same, so the
# > mel *bands* would not even change; a pitch given "in mel" would be off by a factor of 2.3.

# %% [markdown]
# **Mel bands.** Lay triangles side by side, evenly spaced in mel, and add up the power under each. 257 frequencies
# become 64 bands, and the picture hardly loses anything that an ear would miss.

# %%
from sercourse.features.registry import FEATURES

corners = mel_to_hz(np.linspace(0, hz_to_mel(8000), 64 + 2))  # Hz; band m runs from corner m to corner m + 2
hertz = np.fft.rfftfreq(512, 1 / SAMPLE_RATE)[:, None]  # (257, 1)
rising = (hertz - corners[:-2]) / (corners[1:-1] - corners[:-2])  # (257, 64)
falling = (corners[2:] - hertz) / (corners[2:] - corners[1:-1])
triangles = np.maximum(0, np.minimum(rising, falling))
log_mel = 10 * np.log10(np.maximum(power @ triangles, 1e-10))  # (frames, 64)

assert np.allclose(log_mel, FEATURES["logmel"]()([x])[0], atol=0.01)  # dB

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3), layout="constrained")
left.plot(hertz[:, 0] / 1000, triangles[:, ::6])
left.set(title="every sixth of 64 triangles", xlabel="frequency (kHz)", ylabel="weight")
shown = np.maximum(log_mel, log_mel.max() - 65)
plots.spectrogram(shown, right, hop_seconds=0.010, title="log-mel spectrogram")
plt.show()

# %% [markdown]
# How many bands? Move the slider.

# %%
from sercourse.explain.widgets import mel_explorer

bands = mel_explorer(x)
bands.widget()

# %%
bands.still(8, 40, 128)

# %% [markdown]
# **What we saw.** Eight bands show where the energy is. Forty show formants, and harmonics at the bottom. With 128 the
# lowest triangles are narrower than the 31 Hz between two points of the 512-point transform: the lowest one holds no
# point at all and stays *empty*, its neighbours hang on a single one. From about
# 115 bands on the transform would have to be longer.

# %% [markdown]
# **MFCC.** Neighbouring bands rise and fall together, so 64 numbers say much less than 64 things. A cosine transform
# of each frame's log-mel spectrum untangles them (Davis and Mermelstein 1980):
#
# - coefficient 0 is proportional to the mean of all bands: the loudness of the frame;
# - coefficient 1 is low bands against high bands: the tilt;
# - the next ones are finer and finer ripples along frequency. The first 13 hold the *shape* (the filter, the vowel);
#   the fast ripples of the harmonics (the source, the pitch) are cut off.
#
# The library appends **deltas**: how fast each coefficient changes over time, and how fast that change changes.

# %%
band, order = np.arange(64)[:, None], np.arange(13)
cosines = np.sqrt(2 / 64) * np.cos(np.pi / 64 * (band + 0.5) * order)  # (64, 13)
cosines[:, 0] /= np.sqrt(2)
mfcc = log_mel @ cosines  # (frames, 13)

assert np.allclose(mfcc, dct(log_mel, norm="ortho")[:, :13])
assert np.allclose(mfcc, FEATURES["mfcc"]()([x])[0][:, :13], atol=0.05)  # the other 26 are deltas

# %%
fig, axes = plt.subplots(1, 3, figsize=(11, 3.2), width_ratios=(1.3, 1, 1), layout="constrained")
axes[0].plot(cosines[:, 1:4] + [0, -0.5, -1])
axes[0].set(title="ripples 1, 2 and 3", xlabel="mel band", yticks=[])
for ax, values, name in ((axes[1], log_mel, "64 mel bands"), (axes[2], mfcc, "13 MFCC")):
    image = ax.imshow(np.abs(np.corrcoef(values.T)), vmin=0, vmax=1, cmap="Greys", aspect="equal")
    ax.set(title=f"|correlation| of {name}")
    ax.grid(visible=False)
fig.colorbar(image, ax=axes[2])
plt.show()

# %% [markdown]
# **What we saw.** The bands are tied to each other over wide parts of the spectrum, the MFCC much less. That
# suited the models of 1980, which could not cope with correlated numbers. Networks can, which is why most of them are
# fed log-mel spectrograms and learn their own transform.

# %% [markdown]
# ## 6 Pitch and energy by emotion
#
# Enough of one utterance. Now three numbers of each: the median **pitch**, its **range** (10th to 90th percentile, in
# semitones) and the **level** of the loud parts.

# %%
from sercourse.features.prosody import pitch_track, short_term_energy


def three_numbers(row):
    """Pitch (Hz), its range (semitones) and the level (dB) of one utterance."""
    waveform = sound(row)
    pitch = pitch_track(waveform)
    voiced = pitch[pitch > 0]
    low, middle, high = np.percentile(voiced, (10, 50, 90)) if len(voiced) else (np.nan,) * 3
    level = 10 * np.log10(np.percentile(short_term_energy(waveform), 90))  # pauses do not count
    return middle, 12 * np.log2(high / low), level


some = table.groupby(["speaker", "emotion"]).head(3)
numbers = pd.DataFrame([three_numbers(row) for _, row in some.iterrows()], index=some.index)
numbers.columns = ["pitch (Hz)", "range (semitones)", "level (dB)"]
prosody = some[["emotion", "gender", "speaker"]].join(numbers).dropna()

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
order = sorted(prosody["emotion"].unique())
for ax, column in zip(axes, ("pitch (Hz)", "level (dB)")):
    sns.boxplot(prosody, x="emotion", y=column, hue="gender", order=order, ax=ax, showfliers=False)
    ax.tick_params(axis="x", rotation=35)
    ax.set(xlabel="")
    ax.legend(frameon=False, fontsize=10)
plt.show()

# %% [markdown]
# **What we saw.** The largest difference in pitch is between women and men. Emotion is the smaller one on top. The ear
# corrects for the speaker; let us do the same, and measure pitch in **semitones against the speaker's own mean**, and
# level in dB against it.

# %%
reference = prosody.groupby("speaker")[["pitch (Hz)", "level (dB)"]].transform("mean")
prosody["pitch (semitones)"] = 12 * np.log2(prosody["pitch (Hz)"] / reference["pitch (Hz)"])
prosody["level (dB)"] -= reference["level (dB)"]

fig, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
for ax, column in zip(axes, ("pitch (semitones)", "range (semitones)", "level (dB)")):
    look = {"hue": "emotion", "palette": plots.EMOTION_COLOURS, "showfliers": False, "legend": False}
    sns.boxplot(prosody, y="emotion", x=column, order=order, ax=ax, **look)
    ax.set(ylabel="")
    ax.label_outer()
plt.show()

# %% [markdown]
# **What we saw** (in the rules of this corpus, not in people). Now the emotions come apart. Anger and happiness are
# high, wide and loud; fear is high but not as loud; sadness and boredom are low and narrow; sadness is soft. And pairs
# remain that these three numbers cannot separate.
#
# > **Of whom is this true?** On the synthetic corpus you see the rules it was made from, which were taken from the
# > literature: that the boxes agree with the textbooks proves nothing but that the code works. Real corpora are
# > messier. Set `CORPUS = "emodb"`: pitch behaves as the textbooks say, but anger is *softer* than boredom. All 535
# > files have their peak at full scale: each was scaled on its own, and how loudly people spoke is lost.
# >
# > **"Against the speaker's mean" needs the speaker.** To compute that mean we used *all* utterances of the speaker,
# > also those of which we might want to predict the emotion. As a picture that is fine. As a preprocessing step of a
# > classifier it is a leak: section 10.

# %% [markdown]
# ## 7 Noise
#
# How much noise is much? The **signal-to-noise ratio** compares powers (mean squares), in dB:
#
# $$ \mathrm{SNR} = 10 \log_{10} \frac{\text{power of the speech}}{\text{power of the noise}} $$
#
# | SNR | power of the noise | roughly |
# |---|---|---|
# | 20 dB | 1/100 of the speech | a quiet office |
# | 10 dB | 1/10 | a street |
# | 0 dB | equal | a loud party |
# | −5 dB | 3 times the speech | a workshop |
#
# To reach a wished SNR, scale the noise and leave the speech alone. (You will do it by hand in exercise 3.) *Babble* is
# many people talking at once: it has the spectrum, the rhythm and the emotions of speech, and is usually the hardest.

# %%
from sercourse.signal.noise import babble, mix, white

others = table[table["speaker"] != sample["speaker"]].groupby("speaker").head(3)
voices = {speaker: [sound(row) for _, row in group.iterrows()] for speaker, group in others.groupby("speaker")}
rng = np.random.default_rng(SEED)
noises = {
    "white": white(len(x), rng),
    "babble": babble(len(x), voices, rng, exclude=[sample["speaker"]]),
}
levels = (20, 10, 0, -5)
rows = {name: [mix(x, noise, snr).noisy for snr in levels] for name, noise in noises.items()}
player_table(rows, [f"{snr} dB" for snr in levels], corner="noise", width="160px")

# %% [markdown]
# > **Over what?** An utterance with long pauses has a lower mean power than its words. Measured over the *whole* file,
# > it gets less noise for the same SNR than one without pauses; measured over *active speech*, all get the same. `mix`
# > measures over active speech unless told `over="whole"`. Papers rarely say which. The difference is half a decibel
# > on the tightly cut files of EMO-DB and several where recordings run on before and after the speech.
# >
# > **Whose voices?** Babble made from the speakers of the test set lets a network recognise them by their babble.
# > `babble` therefore asks for the speakers to `exclude`.

# %%
from sercourse.explain.widgets import snr_explorer

snrs = snr_explorer(x, noises["babble"])
snrs.widget()

# %%
snrs.still(20, 5, -10)

# %% [markdown]
# **What we saw.** Babble fills the pauses first; at −10 dB other people's harmonics lie over ours, and one can no
# longer tell whose pitch it is. White noise would first cover the weak high frequencies and leave the strong low
# harmonics to the last.

# %% [markdown]
# ### Is the noise gone? SNR out
#
# The ASP-MTL paper judges noise removal by an SNR as well (equation 23): clean speech $s$ against everything that the
# estimate $\hat s$ gets wrong, over the whole signal.
#
# $$ \mathrm{SNR}_\text{out} = 10 \log_{10} \frac{\sum_k s^2(k)}{\sum_k \left(\hat s(k) - s(k)\right)^2} $$
#
# Four "methods" at −5 dB. Two of them are jokes.

# %%
from scipy.ndimage import uniform_filter
from scipy.signal import istft, stft

mixed = mix(x, noises["white"], -5, over="whole", peak=None)
_, _, Z = stft(mixed.noisy, SAMPLE_RATE, nperseg=512)
power = np.abs(Z) ** 2
floor = np.median(power) / np.log(2)  # mean power of the noise, if most of the picture is noise
gain = np.clip(1 - 1.5 * floor / uniform_filter(power, 3), 0.05, 1)  # keep what rises above the floor
subtracted = istft(gain * Z, SAMPLE_RATE, nperseg=512)[1][: len(x)].astype(np.float32)
estimates = {
    "leave it as it is": mixed.noisy,
    "turn the volume to a half": 0.5 * mixed.noisy,
    "erase everything": np.zeros_like(x),
    "subtract the noise floor": subtracted,
}
figures = {name: snr_out(mixed.clean, estimate) for name, estimate in estimates.items()}

fig, ax = plt.subplots(figsize=(8, 2.6))
ax.barh(list(figures), list(figures.values()), color=["#999999", "#D55E00", "#D55E00", "#009E73"])
ax.axvline(snr_in(mixed.clean, mixed.noisy), color="black", linestyle=":")
for place, value in enumerate(figures.values()):
    ax.text(max(value, 0) + 0.15, place, f"{value:.1f}", va="center")
ax.invert_yaxis()
ax.set(xlabel="SNR out (dB); dotted: SNR in", xlim=(-6, 9))
plt.show()
player_table({"": [mixed.noisy, subtracted]}, ["noisy, −5 dB", "noise floor subtracted"], normalise=True)

# %% [markdown]
# **What we saw.** Erasing everything, speech included, gives exactly 0 dB: five decibels "better" than the noisy input.
# Turning the volume down is worth nearly as much. A real method gets further, and sounds of bubbles: *musical noise*,
# single points of the spectrogram that passed for speech.
#
# > **A gain in SNR is not a gain.** This figure rewards an estimate that is too quiet: erasing everything gains below
# > 0 dB, half the volume already below 4.8 dB, and a small step down at any SNR. When you read such a table, look for
# > the row *silence*, and ask whether the emotion is still recognised afterwards.

# %% [markdown]
# ## 8 From frames to one vector: IS10
#
# Utterances differ in length, and a classifier wants vectors of one length. The classic answer: take each curve over
# time (a **low-level descriptor**, LLD) and describe it by statistics (**functionals**): its mean, spread, slope,
# quartiles, the place of its maximum and so on.
#
# IS10 is the feature set of the Interspeech 2010 Paralinguistic Challenge (Schuller et al. 2010), computed by openSMILE
# (Eyben et al. 2010). The first paper of this course uses it: "38 kinds of LLDs" and "21 statistical functions".

# %%
names = pd.Series(FEATURES["is10"]().columns)  # such as "mfcc_sma_de[3]_stddev"
PATTERN = r"^(?P<family>.+?)_sma(?:_de)?(?:\[(?P<number>\d+)\])?_(?P<functional>[^_]+)$"
parts = names.str.extract(PATTERN).fillna({"number": "0"})
MEANING = {
    "pcm_loudness": "loudness",
    "mfcc": "MFCC 0 to 14: the shape of the spectrum",
    "logMelFreqBand": "log energy in mel bands",
    "lspFreq": "line spectral frequencies: where the formants are",
    "F0finEnv": "envelope of the pitch",
    "voicingFinalUnclipped": "how surely the frame is voiced",
    "F0final": "pitch",
    "jitterLocal": "jitter: how the period changes from one to the next",
    "jitterDDP": "jitter of the jitter",
    "shimmerLocal": "shimmer: how the amplitude changes from one to the next",
}
families = parts.groupby("family", sort=False)
overview = families.agg(
    curves=("number", "nunique"), functionals=("functional", "nunique"), features=("number", "size")
)
overview.index = overview.index.map(MEANING).rename("low-level descriptor")
left_aligned = [{"selector": "th.row_heading, th.index_name", "props": "text-align: left"}]
overview.style.set_table_styles(left_aligned)

# %% tags=["nbval-check-output"]
single = names[parts["family"].isna()].str.removeprefix("F0final__Turn_").tolist()
print(overview["curves"].sum(), "curves")
print(overview["features"].sum(), "features +", single, "=", len(names))

# %% [markdown]
# **What we saw.** 38 curves × 2 (each with its *delta*, its change over time) × 21 functionals would be 1596. The four
# curves that exist in voiced frames only lack 2 functionals, 1580. Two single numbers come on top, the number of pitch
# onsets and the duration: 1582.
#
# > **Duration is in there.** IS10 knows how long the utterance is. Where one emotion was recorded with longer
# > sentences, a classifier can use that and never listen.

# %% [markdown]
# ## 9 The first classifier
#
# One vector per utterance, a scaler, a **support vector machine** (SVM) with a linear **kernel**: a kernel says how
# alike two vectors are, and with the linear one the border between two emotions is flat. Its setting `C` says how hard
# the SVM tries to get every training utterance right; small is cautious. It is the baseline that every network of this
# course has to beat.
#
# The test is **leave one speaker out**: test on one speaker, train on the others, ten times; each round is a **fold**.
# (In the synthetic corpus on eight of the other nine: the ninth shared the test speaker's recording session.) The
# classifier never heard the speaker it is tested on. In the quick profile we take up to five utterances per speaker and
# emotion.

# %% tags=["nbval-check-output"]
from sercourse.features.extract import extract
from sercourse.training.protocols import make_protocol

part = table.groupby(["speaker", "emotion"]).head(5) if PROFILE == "quick" else table
labels = part["emotion"]
features = extract(part, "is10", progress=False).frame  # (utterances, 1582)
loso = make_protocol("loso", part, seed=SEED)
print(loso.describe())

# %% [markdown]
# *Validation* speakers are kept aside for choosing settings; nothing is chosen here, so the SVM learns from them, too.
# *Purged* is what shares something with the test: on the synthetic corpus two speakers shared each recording session,
# and the partner's room is the test speaker's room.
#
# One fold by hand. The order matters: the scaler is fitted on what the classifier may learn from, never on the test
# speaker. Then all folds by the library, and a check that the two agree.

# %%
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sercourse.training.classifiers import cross_validate

fold = loso.folds[0]
seen, unseen = list(fold.development), list(fold.test)
scaler = StandardScaler().fit(features.loc[seen])
svm = SVC(kernel="linear", C=0.01, class_weight="balanced")
svm.fit(scaler.transform(features.loc[seen]), labels.loc[seen])
by_hand = svm.predict(scaler.transform(features.loc[unseen]))

predictions = cross_validate(features, labels, loso)
by_library = predictions.set_index("utterance_id").loc[unseen, "predicted"]
assert (by_hand == by_library).all()

# %%
from sercourse.evaluation.metrics import confusion, per_class, ua, wa

truth, predicted = predictions["emotion"], predictions["predicted"]
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), width_ratios=(1.25, 1), layout="constrained")
title = f"WA {wa(truth, predicted):.0f} %, UA {ua(truth, predicted):.0f} %"
plots.confusion(confusion(truth, predicted), left, title=title)
recall = per_class(truth, predicted)["recall"]
right.barh(recall.index, recall, color=[plots.EMOTION_COLOURS[e] for e in recall.index])
right.axvline(100 / len(recall), color="black", linestyle=":")
right.invert_yaxis()
right.set(xlabel="recall (%); dotted: chance", xlim=(0, 100), title="how much of each was found")
plt.show()

# %% [markdown]
# **How to read it.** A row is what was meant, a column what the machine said.
#
# - **WA** (weighted accuracy) is the share of all utterances on the diagonal. A frequent emotion weighs more.
# - **UA** (unweighted accuracy) is the mean of the recalls, the bars on the right. The **recall** of an emotion: of all
#   utterances meant so, the share that was found. Each emotion weighs the same, so nobody can score by always naming
#   the most frequent one.
# - Look at *which* emotions are confused. On real corpora pairs of similar arousal (anger and happiness, sadness and
#   boredom) are the usual suspects: loudness and pitch say how excited a voice is, hardly whether it is pleased.
#   Whether they are here is a fact about the rules of this corpus. Look again with `emodb`.
#
# How good could it be at all? People are the measure. EMO-DB published what twenty listeners named for each recording:

# %%
from sercourse.corpora.emodb import perception_test
from sercourse.evaluation.human import human_ceiling

if CORPUS == "emodb":
    ceiling = human_ceiling(perception_test(corpora.locate("emodb")), labels)
    shown = f"Listeners on these recordings: WA {ceiling.wa:.1f} %, UA {ceiling.ua:.1f} %. {ceiling.caveat}"
else:
    shown = (
        "On the 535 published recordings of EMO-DB 93.5 % of the listeners' answers were right, on all 816"
        " that were played to them 85.2 %: the published ones were *chosen* for being recognised."
        f" Nobody judged the corpus *{CORPUS}* like that; with `emodb` you see both figures side by side."
    )
Markdown(shown)

# %% [markdown]
# ### Does it know when it does not know?
#
# An SVM names an emotion; other classifiers also say how sure they are. **Calibration** asks whether to believe them:
# of all utterances with 80 % confidence, 80 % should be right. We train a logistic regression on the same folds, and
# use the inner validation speakers for the only knob there is, the *temperature* that divides all scores.

# %%
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sercourse.evaluation.calibration import ece, fit_temperature, reliability


def scores(model, ids):
    """One score per utterance and emotion; the larger, the likelier."""
    return model.decision_function(features.loc[list(ids)])


raw, mended = [], []
for fold in loso.folds:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    model.fit(features.loc[list(fold.train)], labels.loc[list(fold.train)])
    validation = scores(model, fold.validation), labels.loc[list(fold.validation)]
    temperature = fit_temperature(*validation, model.classes_)
    raw.append(softmax(scores(model, fold.test), axis=1))
    mended.append(softmax(scores(model, fold.test) / temperature, axis=1))
tested = labels.loc[[i for fold in loso.folds for i in fold.test]]

fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for ax, name, parts in zip(axes, ("as trained", "with temperature"), (raw, mended)):
    judged = (np.concatenate(parts), tested, model.classes_)  # the first: (utterances, emotions)
    bins = reliability(*judged, bins=6, adaptive=True)  # six bins with equally many utterances
    error = ece(*judged, bins=6, adaptive=True)
    plots.reliability(bins, ax, title=f"{name}: off by {error:.0f} points")
plt.show()

# %% [markdown]
# **What we saw.** As trained, the model promises more than it keeps: the points lie below the line. With 1582 features
# it explains its training speakers perfectly and takes that for certainty. Divided by a temperature that was found on
# *other* speakers, the same decisions come with more honest doubt. (Each point is a sixth of the utterances: some of
# the scatter is chance.) `cross_validate` does the same with the SVM: its columns `p_anger`, `p_boredom`, … are such
# probabilities.

# %% [markdown]
# ## 10 The protocol lesson
#
# Many papers cut utterances into short **crops**, to have more to train on. So do we: one second, a new one every half
# second. From here to the plot **everything is the same three times**: the crops, their IS10 features, the SVM. What
# changes is what is shuffled, and with it what training and test share. (Leave-one-speaker-out also trains on slightly
# less.)
#
# | protocol | what is shuffled | what a tested crop has in common with training |
# |---|---|---|
# | random crops | crops | half of the same second, the same utterance, the same speaker |
# | random utterances | utterances, with all their crops | the same speaker, the same sentences |
# | leave one speaker out | nothing: a speaker is in or out | sentences and language, but no voice, session or room |
#
# All three stand in published work, each with "cross-validation" written over it.
#
# The intervals in the plot come from a **bootstrap**: draw the speakers again and again, with repetition, and look
# how far the figure moves.

# %%
from sercourse.experiments.signal_preprocessing import protocol_lesson

fewer = part.groupby(["speaker", "emotion"]).head(3) if PROFILE == "quick" else part
lesson = protocol_lesson(fewer, feature="is10", seed=SEED)

# %%
fig, ax = plt.subplots(figsize=(9, 2.8))
ends = list(zip(lesson["ua_low"], lesson["ua_high"]))
plots.bars_with_intervals(list(lesson.index), lesson["ua"], ends, ax, xlabel="UA (%), with 95 % intervals")
ax.axvline(100 / labels.nunique(), color="black", linestyle=":", label="chance")
ax.set(title=f"One set of features, three protocols; {lesson['n_test'].iloc[0]} crops")
ax.legend(frameon=False, loc="lower right")
plt.show()

# %%
random_crops, random_utterances, new_speakers = lesson["ua"]
Markdown(
    f"**The gap.** Shuffling utterances instead of leaving speakers out is worth"
    f" **{random_utterances - new_speakers:.0f} points**, shuffling crops"
    f" **{random_crops - new_speakers:.0f} points**. That is almost entirely the size of the leak"
    " (leave-one-speaker-out also trains on slightly less)."
)

# %% [markdown]
# **Why does shuffling flatter?** Ten voices, seven emotions: a classifier that has heard *this* speaker angry need not
# know what anger is. It recognises the voice, the microphone and the room. With shuffled crops it has even heard the
# neighbouring half second of the *same* anger. None of that is there when somebody new calls. (Sentences are shared in
# all three protocols; a corpus with free speech would lose those too.)
#
# The number to report is the lowest of the three, because it answers the question that a user asks: *how well does it
# work on me?*

# %% [markdown]
# ### Two more checks
#
# - **Each speaker normalised by their own statistics.** A popular step, and a quiet leak: a system that hears the first
#   sentence of a stranger has no statistics of theirs, let alone a sample with equal numbers of every emotion.
# - **Shuffled labels.** Give every utterance the label of another one. Nothing can be learned, so an honest pipeline
#   falls to chance; one that stays above it has a leak. The cheapest test there is.

# %% tags=["nbval-check-output"]
import warnings

from sercourse.training.classifiers import normalise_per_speaker, shuffled

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    normalised = normalise_per_speaker(features, part["speaker"])
    print(f"The library warns: {caught[0].message}")

checks = {
    "leave one speaker out": predictions,
    "… each speaker normalised": cross_validate(normalised, labels, loso, probabilities=False),
    "… labels shuffled": cross_validate(features, shuffled(labels, SEED), loso, probabilities=False),
}

# %%
from sercourse.evaluation.bootstrap import bootstrap_interval

intervals = []
for each in checks.values():
    speakers = each["utterance_id"].map(part["speaker"])
    intervals.append(bootstrap_interval(each["emotion"], each["predicted"], speakers, seed=SEED))

fig, ax = plt.subplots(figsize=(9, 2.8))
values = [interval.value for interval in intervals]
ends = [(interval.low, interval.high) for interval in intervals]
plots.bars_with_intervals(list(checks), values, ends, ax, xlabel="UA (%), with 95 % intervals")
ax.axvline(100 / labels.nunique(), color="black", linestyle=":", label="chance")
ax.set(title="One protocol, three pipelines; whole utterances")
ax.legend(frameon=False, loc="lower right")
plt.show()

# %% [markdown]
# **What we saw.** Normalising by speaker adds points that a new caller will never see. How many depends on how much the
# speakers differ otherwise: in the synthetic corpus in language, room and microphone as well. (On EMO-DB, all 535
# utterances: UA 76.4 becomes 84.3; README, table of baselines.) Shuffled labels land near chance, so this pipeline is
# clean. The first bar is not the figure of the last plot: here whole utterances are judged, there crops of one second.
#
# > **How large is a difference that counts?** The black lines are 95 % intervals over *speakers*: with other speakers
# > the figure could have been anywhere in there. With ten speakers they are wide, and a method that is "two points
# > better" on EMO-DB has shown nothing yet. `sercourse compare` says how large an effect is, how sure, and what could
# > have been found at all (with the test for cross-validation by Nadeau and Bengio 2003).

# %% [markdown]
# ## Exercises
#
# Replace the line that raises `NotImplementedError`, run the cell, then the check below it. Solutions are in
# `notebooks/solutions/`.

# %% [markdown] tags=["exercise"]
# ### 1. Undo pre-emphasis
#
# Somebody gives you $y[t] = x[t] - 0.97\,x[t-1]$ (with $y[0] = x[0]$), and you want $x$ back, to listen to it.
#
# *Hint:* solve the equation for $x[t]$. It needs the value before, so it is a loop over time, or one call of
# `scipy.signal.lfilter` with the roles of numerator and denominator exchanged.


# %% tags=["exercise"]
def de_emphasis(y, coefficient=0.97):
    """The waveform ``x``, shape (T,), whose pre-emphasis is ``y``."""
    ### BEGIN SOLUTION
    return lfilter([1.0], [1.0, -coefficient], y)
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_1():
    original = np.random.default_rng(1).standard_normal(2000)
    restored = de_emphasis(pre_emphasis(original, 0.97))
    assert restored is not None, "the function returns nothing; end it with `return …`"
    assert np.shape(restored) == (2000,), "the result must be as long as y"
    assert np.isclose(restored[0], original[0]), "x[0] is y[0]"
    assert np.allclose(restored, original), "each step needs the x restored just before"
    again = de_emphasis(pre_emphasis(original, 0.5), 0.5)
    assert np.allclose(again, original), "use the argument `coefficient`, not always 0.97"


# %% [markdown] tags=["exercise"]
# ### 2. How many frames?
#
# The APFL paper cuts six seconds into frames of 40 ms, one every 10 ms, and speaks of at most 600 frames. How many are
# there when no frame may reach beyond the end?
#
# *Hint:* the first frame needs 40 ms; each further one needs 10 ms more. What does not fill a hop is left over.


# %% tags=["exercise"]
def count_frames(n_samples, frame_samples, hop_samples):
    """Number of whole frames in ``n_samples``."""
    ### BEGIN SOLUTION
    if n_samples < frame_samples:
        return 0
    return 1 + (n_samples - frame_samples) // hop_samples
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_2():
    assert count_frames(400, 400, 160) == 1, "400 samples hold exactly one frame of 400"
    assert count_frames(399, 400, 160) == 0, "399 samples hold no frame of 400"
    assert count_frames(719, 400, 160) == 2, "a hop that is not filled gives no frame"
    assert count_frames(720, 400, 160) == 3, "400 + 2 · 160 = 720 samples hold three frames"
    assert count_frames(0, 640, 160) == 0, "less than a frame holds none, and never a negative number"
    same = all(count_frames(n, 640, 160) == frame_count(n, 0.040, 0.010) for n in range(0, 5000, 7))
    assert same, "compare with 1 + (n - frame) // hop"
    print("six seconds:", count_frames(96_000, 640, 160), "frames, and three of zeros make the paper's 600")


# %% [markdown] tags=["exercise"]
# ### 3. Mix at an exact SNR
#
# Scale the noise (never the speech) so that the power of the speech over the power of the noise is exactly the SNR
# asked for, over the whole signal; return the sum.
#
# *Hint:* power is the mean square. From $\mathrm{SNR} = 10 \log_{10}(P_s / (g^2 P_n))$ solve for the gain $g$.


# %% tags=["exercise"]
def add_noise(speech, noise, snr_db):
    """Speech plus scaled noise, shape (T,), at ``snr_db`` dB over the whole signal."""
    ### BEGIN SOLUTION
    speech_power, noise_power = np.mean(speech**2), np.mean(noise**2)
    gain = np.sqrt(speech_power / noise_power / 10 ** (snr_db / 10))
    return speech + gain * noise
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_3():
    rng = np.random.default_rng(2)
    clean, noise = rng.standard_normal((2, 16_000)) * [[0.1], [3.0]]
    noisy = add_noise(clean.copy(), noise.copy(), 0)
    assert noisy is not None, "the function returns nothing; end it with `return …`"
    assert not np.allclose(noisy, clean + noise), "scale the noise before you add it"
    for wished in (20, 0, -10):
        found = snr_in(clean, add_noise(clean.copy(), noise.copy(), wished))
        hint = "is the gain a square root, and 10 · log10 a matter of powers?"
        assert np.isclose(found, wished), f"asked for {wished} dB, got {found:.1f} dB; {hint}"
    assert np.allclose(add_noise(clean.copy(), noise.copy(), 300), clean), "the speech itself must stay as it is"


# %% [markdown] tags=["exercise"]
# ### 4. Find the leaks
#
# A colleague is proud of this function: it keeps every recording whole, on one side. Their accuracy on new customers
# is far below what they measured. There are **two** leaks. Write `honest_split` with the same arguments.


# %% tags=["exercise"]
def careful_split(features, table, seed=0):
    """Scaled features for training and test: a fifth of the recordings is held out."""
    scaled = (features - features.mean()) / features.std()
    recordings = table["recording"].unique()
    held_out = np.random.default_rng(seed).choice(recordings, size=len(recordings) // 5, replace=False)
    test = table["recording"].isin(held_out)
    return scaled[~test], scaled[test]


# %% [markdown] tags=["exercise"]
# *Hint:* who is in both parts? And whose mean and standard deviation were used to scale?


# %% tags=["exercise"]
def honest_split(features, table, seed=0):
    """Scaled features for training and test: a fifth of the … is held out."""
    ### BEGIN SOLUTION
    speakers = table["speaker"].unique()
    held_out = np.random.default_rng(seed).choice(speakers, size=len(speakers) // 5, replace=False)
    test = table["speaker"].isin(held_out)
    train = features[~test]
    return (train - train.mean()) / train.std(), (features[test] - train.mean()) / train.std()
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_4():
    people = pd.DataFrame({"speaker": np.repeat([f"s{k}" for k in range(10)], 8)})
    people["recording"] = [f"r{k // 2}" for k in range(80)]
    voices = np.random.default_rng(3).normal(np.repeat(np.arange(10), 8) * 20 + 100, 5)
    raw = pd.DataFrame({"pitch": voices, "level": voices / 3 - 60}, index=people.index)
    train, test = honest_split(raw, people, seed=1)
    assert sorted([*train.index, *test.index]) == list(range(80)), "each row to one side"
    shared = set(people.loc[train.index, "speaker"]) & set(people.loc[test.index, "speaker"])
    assert not shared, f"{len(shared)} of 10 speakers are on both sides"
    assert len(test) == 16, "hold out a fifth: 2 of 10 speakers"
    assert np.allclose(train.mean(), 0), "the scaler saw the test side"
    assert np.allclose(train.std(), 1), "divide by the training side's standard deviation"
    back = (raw.loc[test.index] - raw.loc[train.index].mean()) / raw.loc[train.index].std()
    assert np.allclose(test, back), "scale the test side with the mean and spread of the training side"
    again = honest_split(raw, people, seed=1)[1]
    assert again.index.equals(test.index), "the same seed must give the same split"
    splits = {tuple(honest_split(raw, people, seed=s)[1].index) for s in range(5)}
    assert len(splits) > 1, "use the seed: another seed, another split"


# %% [markdown] tags=["exercise"]
# ### 5. UA from a confusion matrix
#
# A paper prints a confusion matrix in counts and only the WA. Compute the UA yourself, in percent. Rows are what was
# true. An emotion that does not occur (speaker 08 of EMO-DB has no disgust) does not count.
#
# *Hint:* the recall of an emotion is its diagonal count over the sum of its row.


# %% tags=["exercise"]
def ua_from_confusion(counts):
    """Unweighted accuracy in percent; ``counts`` has shape (C, C), true emotions in rows."""
    ### BEGIN SOLUTION
    occurring = counts.sum(axis=1)
    recall = np.diag(counts)[occurring > 0] / occurring[occurring > 0]
    return 100 * recall.mean()
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_5():
    lazy = np.array([[90, 0, 0], [5, 0, 0], [5, 0, 0]])
    result = ua_from_confusion(lazy)
    assert result is not None, "the function returns nothing; end it with `return …`"
    assert result > 1, "give percent (0 to 100), not a share (0 to 1)"
    assert not np.isclose(result, 90), "that is the WA: the share on the whole diagonal"
    assert np.isclose(result, 100 / 3), "recalls of 100, 0 and 0 % have a mean of 33.3"
    assert np.isclose(ua_from_confusion(np.array([[8, 2], [1, 1]])), 65), "80 and 50 % make 65"
    absent = np.array([[8, 1, 1], [1, 1, 0], [0, 0, 0]])
    assert np.isclose(ua_from_confusion(absent), 65), "leave out an emotion whose row sums to 0"


# %% [markdown]
# ## Quiz
#
# Choose before you open an answer.

# %% [markdown]
# **1.** You want to see every single pulse of the vocal folds of a man who speaks at 100 Hz. Which window?
#
# - (a) 5 ms
# - (b) 25 ms
# - (c) 100 ms
#
# <details><summary>Answer</summary>
#
# **(a).** His pulses are 10 ms apart; only a window shorter than that sees one at a time. (b) holds two or three pulses
# and melts them; in exchange it begins to show harmonics. (c) holds ten pulses: no pulses at all, but harmonics 100 Hz
# apart as sharp lines.
#
# </details>

# %% [markdown]
# **2.** A log-mel spectrogram becomes 13 MFCC. What is thrown away above all?
#
# - (a) the loudness
# - (b) the harmonics, and with them most of the pitch
# - (c) the formants
#
# <details><summary>Answer</summary>
#
# **(b).** Harmonics are fast ripples along frequency, and those are the coefficients above 13. (a) is kept: it is
# coefficient 0. (c) is kept: formants are the slow shape, which is what the first coefficients describe. That is why
# feature sets for emotion carry pitch as a number of its own beside the MFCC.
#
# </details>

# %% [markdown]
# **3.** At 0 dB SNR over the whole signal …
#
# - (a) there is no noise
# - (b) speech and noise have equal power
# - (c) speech cannot be understood
#
# <details><summary>Answer</summary>
#
# **(b).** 10 log 1 = 0. (a) would be infinite SNR. (c) is wrong for most people and noises: listeners follow speech at
# 0 dB well, and in steady noise even below.
#
# </details>

# %% [markdown]
# **4.** A method gets SNR out = 0 dB from SNR in = −10 dB. It has …
#
# - (a) removed nine tenths of the noise
# - (b) perhaps just erased everything
# - (c) made the emotion easier to recognise
#
# <details><summary>Answer</summary>
#
# **(b).** Silence has an error equal to the speech itself, which is 0 dB exactly. (a) may also be true, the figure
# cannot tell. (c) does not follow: listen, or classify.
#
# </details>

# %% [markdown]
# **5.** A corpus is 60 % neutral, the rest is shared by three emotions. A system reports WA 60 %. Its UA is 25 %. What
# does it do?
#
# - (a) it recognises every emotion equally badly
# - (b) it always says neutral
# - (c) UA was computed wrongly
#
# <details><summary>Answer</summary>
#
# **(b).** Recalls of 100, 0, 0 and 0 % have a mean of 25 %, and 60 % of the answers are right. (a) would mean a recall
# of 60 % for each, so UA 60 %. (c): both figures are right, they answer different questions; therefore report both.
#
# </details>

# %% [markdown]
# **6.** A paper: "10-fold cross-validation on EMO-DB, 95 %". Yours: leave one speaker out, 77 %. Who is better?
#
# - (a) the paper
# - (b) you
# - (c) nobody can say
#
# <details><summary>Answer</summary>
#
# **(c).** The two numbers answer different questions. Shuffled utterances alone are worth about ten points on EMO-DB
# (the same features and SVM: 77 against 87), how the epoch was chosen some more, and shuffled crops far more. (a)
# compares an easy exam with a hard one. (b) is possible, but has to be shown: run both under one protocol.
#
# </details>

# %% [markdown]
# ## Summary
#
# - A voice is a **source** (pitch, loudness, voice quality) through a **filter** (vowels, tension, smile). Emotion
#   changes both, and so do the speaker and the words.
# - Waveform → pre-emphasis → **frames of 25 ms every 10 ms** under a Hamming window → spectrum → **mel bands** →
#   **MFCC**; beside them pitch, zero-crossing rate and energy. You have built each of them.
# - **SNR** is a ratio of powers, over the whole signal or over active speech: say which. An SNR-out rewards an
#   estimate that is too quiet; below 0 dB even erasing the speech "improves" it.
# - **IS10**: 38 curves and their deltas, described by 21 (19) functionals, plus 2: 1582 numbers per utterance. With a
#   linear SVM it is the baseline to beat.
# - **UA beside WA**, an interval over speakers, and the protocol in the same sentence as the number.
# - The three usual leaks: shuffled crops or utterances, a scaler that saw the test, statistics of the test speaker.
#
# Next: chapter 02 replaces the functionals by a network that learns its own, and has to beat this chapter's SVM.

# %% [markdown]
# ## References
#
# Papers of this course whose preprocessing is built here:
#
# - C. Zhang, L. Xue: Autoencoder with emotion embedding for speech emotion recognition. IEEE Access 9, 2021 (IS10,
#   log magnitude spectrogram)
# - Y. Liu, K. Zhang: Design of efficient speech emotion recognition based on multi task learning (here: ASP-MTL). IEEE
#   Access 11, 2023. [doi:10.1109/ACCESS.2023.3237268](https://doi.org/10.1109/ACCESS.2023.3237268) (sections IV B to D:
#   pre-emphasis, framing, endpoint detection, mel scale, SNR out)
# - G. Wen, S. Ye, H. Li, P. Wen, Y. Zhang: Multimodal and multitask learning with additive angular penalty focus loss
#   for speech emotion recognition (here: APFL), 2023 (section 5.2.1: 40 ms Hamming windows every 10 ms).
#
# Signal processing:
#
# - G. Fant: Acoustic theory of speech production. Mouton, 1960.
# - G. E. Peterson, H. L. Barney: Control methods used in a study of the vowels. Journal of the Acoustical Society of
#   America 24, 1952, 175–184. [doi:10.1121/1.1906875](https://doi.org/10.1121/1.1906875)
# - L. R. Rabiner, M. R. Sambur: An algorithm for determining the endpoints of isolated utterances. Bell System
#   Technical Journal 54(2), 1975, 297–315.
#   [doi:10.1002/j.1538-7305.1975.tb02840.x](https://doi.org/10.1002/j.1538-7305.1975.tb02840.x)
# - L. R. Rabiner, R. W. Schafer: Theory and applications of digital speech processing. Pearson, 2011.
# - S. S. Stevens, J. Volkmann, E. B. Newman: A scale for the measurement of the psychological magnitude pitch. Journal
#   of the Acoustical Society of America 8, 1937, 185–190. [doi:10.1121/1.1915893](https://doi.org/10.1121/1.1915893)
# - S. B. Davis, P. Mermelstein: Comparison of parametric representations for monosyllabic word recognition in
#   continuously spoken sentences. IEEE Transactions on Acoustics, Speech, and Signal Processing 28(4), 1980, 357–366.
#   [doi:10.1109/TASSP.1980.1163420](https://doi.org/10.1109/TASSP.1980.1163420)
#
# Emotion, features, evaluation:
#
# - F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier, B. Weiss: A database of German emotional speech.
#   Interspeech 2005, 1517–1520. [doi:10.21437/Interspeech.2005-446](https://doi.org/10.21437/Interspeech.2005-446)
# - P. N. Juslin, P. Laukka: Communication of emotions in vocal expression and music performance. Psychological Bulletin
#   129(5), 2003, 770–814. [doi:10.1037/0033-2909.129.5.770](https://doi.org/10.1037/0033-2909.129.5.770)
# - K. R. Scherer: Vocal communication of emotion: a review of research paradigms. Speech Communication 40, 2003,
#   227–256. [doi:10.1016/S0167-6393(02)00084-5](https://doi.org/10.1016/S0167-6393(02)00084-5)
# - F. Eyben, M. Wöllmer, B. Schuller: openSMILE: the Munich versatile and fast open-source audio feature extractor. ACM
#   Multimedia 2010, 1459–1462. [doi:10.1145/1873951.1874246](https://doi.org/10.1145/1873951.1874246)
# - B. Schuller et al.: The INTERSPEECH 2010 paralinguistic challenge. Interspeech 2010, 2794–2797.
#   [doi:10.21437/Interspeech.2010-739](https://doi.org/10.21437/Interspeech.2010-739)
# - C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger: On calibration of modern neural networks. ICML 2017, 1321–1330.
#   [arXiv:1706.04599](https://arxiv.org/abs/1706.04599)
# - C. Nadeau, Y. Bengio: Inference for the generalization error. Machine Learning 52, 2003, 239–281.
#   [doi:10.1023/A:1024068626366](https://doi.org/10.1023/A:1024068626366)
