# %% [markdown] tags=["title"]
# # 03 ASP-MTL: what tasks share, and what each keeps for itself
#
# {{badges}}
#
# Speech carries more than one message: an emotion, a voice, a room, a fan. A network for emotion should use what helps
# and leave the rest. Here it is *trained* to: two tasks share features, each has private ones, and an adversary sees to
# it that they do not mix. You build the parts by hand, watch an adversary win and lose, clean noisy speech and listen.
# The paper: Liu and Zhang, IEEE Access 2023.
#
# **You will learn**
#
# - what hard sharing is, and what shared and private features add;
# - gradient reversal in a few lines, and why a minus sign in the loss is not the same;
# - how to find out whether something is *really* gone: a fresh probe;
# - to hold two feature spaces apart, and to see it in a matrix;
# - what noise does to emotion recognition, what a network can remove, and how that is measured in dB.
#
# **You need** Python, a little PyTorch; [chapter 02](02_emotion_autoencoder.ipynb) for losses, masks and the training
# loop; headphones.
#
# **Time** 80 minutes of reading and exercises · 4 minutes of computing on 2 CPU cores · no GPU

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
PROFILE = "quick"  # or "course" (minutes per network), "paper" (a GPU): then the whole corpus instead of a part of it
SEED = 0  # every random choice below starts from it

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import HTML, Markdown, display
from torch import nn
from torch.nn.functional import cross_entropy

from sercourse import corpora
from sercourse.corpora.noisy import in_noise, parse
from sercourse.explain import plots
from sercourse.explain.exercise import check
from sercourse.explain.players import player_table
from sercourse.signal.audio import read_audio

plots.course_style()
_ = torch.manual_seed(SEED)

# %% [markdown]
# ## 1 What noise does
#
# A recording from a quiet room flatters every classifier. Here is one sentence in four noises at **0 dB**: as much
# noise as speech. (SNR, the signal-to-noise ratio, is the power of the speech over the power of the noise, in decibels:
# 10 dB is ten times the power, 0 dB is equal power.)
#
# A corpus in noise has a name of its own: `emodb+none+white@0` is EMO-DB twice, as recorded and in white noise at 0 dB;
# `white@-12..12` draws an SNR between the two for every utterance; `all` stands for the paper's four noises.

# %%
table = corpora.load(CORPUS)
table = table[table["emotion"].notna()]
part = table.groupby(["speaker", "emotion"]).head(2) if PROFILE == "quick" else table
sample = part[part["emotion"] == "anger"].index[0]
heard = in_noise(part.loc[[sample]], parse("x+none+all@0")[1], workers=1, progress=False)
sounds = {kind: [read_audio(path)] for kind, path in zip(heard["noise"], heard["path"])}
player_table(sounds, ["0 dB, and as recorded (none)"], normalise=True)

# %% [markdown]
# The **babble** is of twenty synthetic voices, played faster and slower than those of the default corpus, so nobody's own
# voice is in it. Babble made of the test speakers would give them away. (Where the emotion is told, training and test draw
# from the same twenty voices, in other orders, so babble is a noise that a network may come to know, like the other three.
# Where noise is removed from real speech, section 6, the test's babble is of other voices.)
#
# What does it cost? A linear SVM on IS10 (chapter 01), trained on clean speech, tested on clean and on noisy speech; and
# the same SVM trained on both. Speakers are kept apart: `group-5` makes five groups of them, and each is tested by a
# machine that has not heard it (here only the first is). Copies of one recording always stay on the same side.

# %%
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sercourse.evaluation.metrics import ua
from sercourse.features.extract import extract
from sercourse.training.protocols import make_protocol

conditions = parse("x+none+all@0")[1]  # as recorded, and each of the four noises at 0 dB
noisy = in_noise(part, conditions, workers=1, progress=False)
functionals = extract(noisy, "is10", workers=1, progress=False)
fold = make_protocol("group-5", noisy, seed=SEED).folds[0]


kinds_of_noise = ["none", *sorted(set(noisy["noise"]) - {"none"})]


def rows(side, kinds):
    """Utterances of one side of the fold under some conditions."""
    chosen = noisy.loc[list(side)]
    return chosen[chosen["noise"].isin(kinds)].index


results = {}
for trained_on, kinds in (("clean only", ["none"]), ("clean and noisy", kinds_of_noise)):
    learnt = rows(fold.development, kinds)
    machine = make_pipeline(StandardScaler(), SVC(kernel="linear", C=0.01))
    machine.fit(np.stack([functionals[i] for i in learnt]), noisy.loc[learnt, "emotion"])
    results[trained_on] = {
        kind: ua(noisy.loc[tested, "emotion"], machine.predict(np.stack([functionals[i] for i in tested])))
        for kind in kinds_of_noise
        for tested in [rows(fold.test, [kind])]
    }
ax = pd.DataFrame(results).plot.bar(figsize=(8, 3), color=["#E69F00", "#0072B2"], rot=0)
ax.axhline(100 / part["emotion"].nunique(), color="black", linestyle=":")
ax.set(ylabel="UA (%)", xlabel="noise in the test, 0 dB; dotted: guessing")
ax.legend(title="trained on", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# **What we saw.** Trained on clean speech, the machine is lost in noise: it is near guessing. Trained on both it does far
# better there, and seems to pay for it on clean speech (these are 28 utterances per condition: one is 3.6 points, so do
# not lean on it). Noise has to be met in training, or removed, or made not to matter. This chapter does all three.

# %% [markdown]
# ## 2 From hard sharing to shared and private features
#
# Two tasks on the same speech: the emotion (**main task**) and the noise, or the gender (**auxiliary task**).
#
# | way | who reads the speech | trouble |
# |---|---|---|
# | two networks | one each | nothing is learnt from the other task |
# | **hard sharing** | one for both, a head for each | what one task needs may get in the other's way |
# | **shared-private** | one for both *and* one for each task | who keeps them apart? |
#
# ASP-MTL (adversarial shared-private multi-task learning) is the third way:
#
# ```
#            ┌─ shared stack ─────────────┬─ reversal ── discriminator   (guard 1: adversary)
#            │                            │
#  frames ───┼─ private stack, emotion ───┴─ [shared; private] ── emotion head
#            │
#            └─ private stack, auxiliary ─── auxiliary head: noise or gender
#
#  guard 2: orthogonality between the shared stack and each private one
#  model 1 only: [shared; private, auxiliary] ── mask head (section 5)
# ```
#
# Look closely: the auxiliary head never reads the shared stack (equation 16). The auxiliary task shapes it only from
# outside, through the two guards. "Shared" means here: what is left when the auxiliary task's business is taken out. (In
# model 1 the mask head pulls the other way, for a mask has to know the noise.)
#
# What goes in is a row of numbers per frame: 64 mel bands, MFCC with their slopes, pitch, zero crossings and energy
# (chapter 01). There is one every 10 ms. The quick profile keeps every fourth of them, course every second, paper all.
# Each stack gives a row of features for every frame; their mean over the frames stands for the utterance.
# [shared; private] means one vector behind the other. Two **guards** keep the stacks apart: the **adversary** keeps the
# auxiliary task's business out of the shared features, **orthogonality** keeps what is shared out of the private ones.
# (Numbers of equations are the paper's.)
#
# Each stack is a stack of **LSTMs**. An LSTM walks along the frames and keeps a memory. Behind each, **layer
# normalisation** puts the features *of one frame* to mean 0 and spread 1; then a trainable weight per layer fuses the
# layers (equations 3 to 10). By hand:


# %%
class HandmadeStack(nn.Module):
    def __init__(self, inputs, hidden, layers):
        super().__init__()
        sizes = [inputs] + [hidden] * (layers - 1)
        self.lstms = nn.ModuleList(nn.LSTM(size, hidden, batch_first=True) for size in sizes)
        self.fusion = nn.Parameter(torch.full((layers,), 1 / layers))

    def forward(self, x):  # (B, T, F)
        states = []
        for lstm in self.lstms:
            x, _ = lstm(x)  # (B, T, D)
            mean, variance = x.mean(-1, keepdim=True), x.var(-1, correction=0, keepdim=True)
            x = (x - mean) / torch.sqrt(variance + 1e-5)  # equations 3 to 5
            states.append(x)
        return sum(weight * state for weight, state in zip(self.fusion, states))  # equation 9


from sercourse.layers.shared_private import StackedLSTM

ours, theirs = HandmadeStack(6, 4, 3), StackedLSTM(6, 4, 3, dropout=0.0)
theirs.lstms.load_state_dict(ours.lstms.state_dict())
x = torch.randn(2, 9, 6)
assert torch.allclose(ours(x), theirs(x, None), atol=1e-6), "the library's stack is another one"
print("our stack equals the library's, whose norm has a gain and an offset per feature to learn on top (equation 6)")

# %% [markdown]
# > **Trap: the end of an utterance.** In a batch, short utterances are padded. These LSTMs walk forwards only, so
# > padding behind the end cannot reach the frames before it; a mask keeps it out of means. A backwards LSTM would begin
# > in the padding.

# %% [markdown]
# ## 3 An adversary in a few lines
#
# How does one *remove* the gender from features? Add a **discriminator** that tries to tell it, and let the encoder work
# against it. Between the two stands a layer that does nothing forwards and turns the gradient backwards:


# %%
class Reversal(torch.autograd.Function):
    @staticmethod
    def forward(context, features, strength):
        context.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(context, gradient):
        return -context.strength * gradient, None


features, discriminator = torch.randn(5, 3, requires_grad=True), nn.Linear(3, 2)
label = torch.tensor([0, 1, 1, 0, 1])
cross_entropy(discriminator(Reversal.apply(features, 0.5)), label).backward()
turned = features.grad.clone()
features.grad = None
cross_entropy(discriminator(features), label).backward()
assert torch.allclose(turned, -0.5 * features.grad)

from sercourse.layers.reversal import reverse

features.grad = None
cross_entropy(discriminator(reverse(features, 0.5)), label).backward()
assert torch.allclose(turned, features.grad), "the library's layer is another one"
print("the features get the gradient turned round, the discriminator its own; the library's layer does the same")

# %% [markdown]
# The discriminator *learns* to tell the gender. The encoder gets the opposite gradient and learns to make telling
# impossible. The **strength** rises from 0 in the course of training: at first the discriminator knows nothing, and
# running from it would lead nowhere. This **ramp** is $\frac{2}{1 + e^{-10 p}} - 1$, where $p$ goes from 0 to 1; a tenth
# of the way it is .46, half way .99.
#
# **Now the mistake that everybody makes once:** leave the layer out and *subtract* the discriminator's loss. With the
# encoder's features `h` and the discriminator `D`:
#
# ```python
# loss = cross_entropy(head(h), emotion) + cross_entropy(D(reverse(h)), gender)  # reversal
# loss = cross_entropy(head(h), emotion) - cross_entropy(D(h), gender)           # minus sign
# ```
#
# | | the discriminator learns to be | the encoder learns that the discriminator is |
# |---|---|---|
# | reversal | right | wrong |
# | minus sign | **wrong** | wrong |
#
# A toy shows what comes of it: ten numbers that hold an emotion and a gender, an encoder that leaves four, and after the
# training a **fresh probe**, a new classifier that sees the finished features for the first time. (In this toy the
# discriminator learns twenty times as fast as the encoder. Section 7 says why.)

# %%
from sercourse.explain.adversary import adversary_explorer, fight, still

toy = {
    "no adversary": fight("reversal", 0.0),
    "minus sign": fight("minus sign", 1.0),
    "reversal": fight("reversal", 1.0),
}
shares = pd.DataFrame(
    {
        name: {"emotion": end.emotion, "gender, own discriminator": end.discriminator, "gender, fresh probe": end.probe}
        for name, end in toy.items()
    }
).T
ax = shares.plot.bar(figsize=(8, 3), color=["#009E73", "#999999", "#D55E00"], rot=0)
for bars in ax.containers:
    ax.bar_label(bars, fmt="%.2f", fontsize=9)
ax.axhline(0.5, color="black", linestyle=":")
ax.set(ylabel="share told right", ylim=(0, 1.1))
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# **What we saw.**
#
# - *Minus sign:* the discriminator is almost always *wrong* (.09). That looks like a triumph, but somebody who is always
#   wrong knows: turn the answer round. The fresh probe finds the gender nearly every time, and the emotion has suffered.
#   The discriminator now *wants* to be wrong, and the encoder helps it by spelling the gender out.
# - *Reversal:* the discriminator guesses, the fresh probe guesses too, the emotion is as good as without.
# - Without an adversary the probe (.76) finds less than the discriminator that grew up with the features (.85). A probe is
#   a *lower* bound: what it finds is there, what it misses may be there all the same.
#
# Choose the weight and the way yourself:

# %%
adversary_explorer()

# %%
still("reversal", 1.0)

# %%
still("minus sign", 1.0)

# %% [markdown]
# > **Trap: "the discriminator is at chance, so it is gone".** It may only have been outrun. Whoever claims that features
# > do not hold something has to show fresh probes, linear *and* not linear, beside guessing; and even these only say what
# > *they* could not find.

# %% [markdown]
# > **What is there to tell?** The paper's discriminator tells which *task* an utterance came from (equation 11). That
# > makes sense where the tasks have different speech: reviews of books and of films, say. If both tasks draw the same
# > recordings, telling is impossible, and the adversary has nothing to do. `discriminate=task` is that discriminator;
# > `discriminate=label` tells the auxiliary label instead, and is what we use on one corpus.

# %% [markdown]
# ## 4 Orthogonality, seen
#
# The second guard. Take the course of every shared channel over time, and of every private one, and compare all pairs:
# the cosine is 1 or −1 for parallel courses, 0 for unrelated ones. Equation 13 is the sum of their squares (without
# lengths brought to 1); ours is the mean, so that neither batch, nor time, nor width, nor scale changes it.

# %%
from sercourse.losses.constraints import orthogonality


def cosines(shared, private):
    """All pairs of channels of one utterance: (T, D) and (T, D') to (D, D')."""
    return nn.functional.normalize(shared, dim=0).T @ nn.functional.normalize(private, dim=0)


torch.manual_seed(SEED)
time_course = torch.randn(60, 3)
shared = time_course @ torch.randn(3, 8) + 0.3 * torch.randn(60, 8)
private = (time_course @ torch.randn(3, 8) + 0.3 * torch.randn(60, 8)).requires_grad_()
before = cosines(shared, private).detach()
assert torch.isclose(before.square().mean(), orthogonality(shared[None], private[None], None))
optimiser = torch.optim.Adam([private], lr=0.05)
for _ in range(150):
    optimiser.zero_grad()
    orthogonality(shared[None], private[None], None).backward()
    optimiser.step()

fig, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
for ax, matrix, name in zip(axes, (before, cosines(shared, private).detach()), ("before", "after 150 steps")):
    image = ax.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
    ax.set(xlabel="private channel", ylabel="shared channel")
    ax.set_title(f"{name}: mean square {matrix.square().mean():.3f}", fontsize=11)
    ax.grid(visible=False)
fig.colorbar(image, ax=axes, label="cosine")
plt.show()

# %% [markdown]
# Both sides were mixed from the same three courses; then only the private side was moved. A network moves both.

# %% [markdown]
# ## 5 Model 1: emotion and noise
#
# Now all parts together: `sercourse.models.asp_mtl`. Model 1 learns emotion and noise on a corpus in noise. Beside its
# two tasks it learns a **soft mask**: for every mel band of every frame a number from 0 (noise) to 1 (speech). The paper
# drops *frames* that the auxiliary task takes for noise. Where the noise never stops, that would drop everything; a mask
# can keep a band and drop its neighbour.
#
# How is a mask learnt? We mixed the noise in ourselves, so we know the clean spectrum. What is wanted in each band of each
# frame is the share of the power that is speech (the gain of a *Wiener filter*). To listen, the gains of the 64 mel bands
# are spread over the frequencies of the noisy spectrum and multiplied with it; the phases stay noisy.
#
# The loss has a weight for each part (equation 19; the last two terms are ours, and section 7 explains the very last):
#
# $$ L = \alpha L_\text{emotion} + \beta L_\text{noise} + \gamma L_\text{adversary} + \mu L_\text{orthogonality} +
# L_\text{mask} + 20\, L_\text{correlation} $$
#
# Move the weights of a *tiny* network of this kind: real model and losses, toy utterances of four frames, the gender of
# section 3 as auxiliary task, no mask. Each choice is trained anew, in about two seconds.

# %%
from sercourse.explain.weights import still as weights_still
from sercourse.explain.weights import weights_explorer

weights_explorer()

# %%
weights_still(gamma=0.0, mu=0.0)

# %%
weights_still(gamma=1.0, mu=1.0)

# %% [markdown]
# Upper picture: no guards; the shared features hold the gender, and shared and private channels overlap. Lower
# picture: both guards: the probe is near guessing (.59). (The overlap is the mean of |cosine|. With four frames even
# unrelated courses have about .4.) What if the adversary weighs three or ten times as much? Try it above. At such
# strengths two machines may disagree: one ends with the probe at guessing, the other with the gender in the open, for
# a difference in the last digit of a sum grows in a fight between two networks. So one run is no proof that something
# is hidden.

# %%
from sercourse.training.networks import TrainingConfig, load_or_train

name = f"{CORPUS}+none+all@-12..12"
corpus = in_noise(part, parse(name)[1], workers=1, progress=False)
config = TrainingConfig("asp_mtl", name, "group-5", PROFILE, ("auxiliary=noise", "mask=true"), seed=SEED, fold=0)
model1 = load_or_train(config, table=corpus, workers=1, progress=False)
curves = pd.read_csv(next((model1.folder / "folds").glob("*/curves.csv")))

fig, axes = plt.subplots(1, 4, figsize=(13, 3), layout="constrained")
panels = {
    "UA on validation (%)": {"validation_ua": "emotion", "validation_ua_noise": "noise"},
    "guard 1: loss of the discriminator": {"train_adversary": "training"},
    "guard 2: orthogonality": {"train_orthogonality": "training"},
    "speech over the mask's error (dB)": {"train_mask": "training", "validation_mask": "validation"},
}
curves[["train_mask", "validation_mask"]] = 10 * (3 - curves[["train_mask", "validation_mask"]])  # bels below 3 to dB
for ax, (title, columns) in zip(axes, panels.items()):
    curves.set_index("epoch")[list(columns)].rename(columns=columns).plot(ax=ax, title=title)
    ax.title.set_fontsize(11)
    ax.legend(frameon=False, fontsize=9)
axes[0].set(ylim=(0, 105))
axes[0].axhline(100 / part["emotion"].nunique(), color="black", linestyle=":")
axes[1].axhline(np.log(5), color="black", linestyle=":")
axes[2].set(ylim=(0, None))
plt.show()

# %% [markdown]
# The noise (none or one of four) is told with few errors after some epochs. That is easy: the four are very different, and
# they are the four it was trained on. The emotion takes longer; eight epochs on a part of the corpus only show that it
# moves (dotted: guessing). A discriminator that guesses has a loss of log 5, for there are five classes: at the dotted
# line or above it is beaten. That proves nothing, see section 3. The orthogonality, summed over the two private stacks,
# does not fall: with a weight of 1 this guard is too weak to hold against the others. On the right, 0 dB would be a mask
# that erases everything, 30 dB one without any error.
#
# Look and listen: what the mask does, and what the paper's way leaves (silenced frames):

# %%
from sercourse.explain.denoising import DenoisingExplorer
from sercourse.training.predict import load_network

network = load_network(model1.folder, 0)
tested = sorted(set(model1.predictions["utterance_id"].str.partition("~")[0]))
waveforms = {i: read_audio(part.loc[i, "path"]) for i in tested[:: max(1, len(tested) // 6)][:6]}  # all test speakers
explorer = DenoisingExplorer(network, waveforms, step=config.settings.data.step, seed=SEED)
explorer.widget()

# %%
display(HTML(explorer.players(tested[0], "white", 0)))
explorer.still(tested[0], "white", 0)

# %% [markdown]
# ## 6 How much noise is gone?
#
# Measured as in equation 23: the energy of the clean speech over the energy of *everything that the result gets wrong*.
# Speech that was removed counts as wrong, too. Silence has 0 dB; the noisy signal itself has the SNR that went in.
#
# Beside the network stand the methods the paper compares with, and what people use today:
#
# | method | what it does |
# |---|---|
# | spectral subtraction | takes the quietest tenth of the frames for noise, and half of its power away from every frame |
# | over-subtraction | the same noise, taken away twice; what is left is never below half of it. The paper prints two numbers for its spectral subtraction, 2 and .5; this is the other way to read them |
# | wavelet + LMS | small wavelet coefficients to 0; then a short filter that adapts to its own error |
# | VAD + NMF | finds the pauses (voice activity detection), takes the spectrogram apart into 24 spectra and their courses (non-negative matrix factorisation), and drops what is as active in the pauses |
# | noisereduce | today's practice: a gate in every frequency band |
# | frames silenced | the paper: a frame whose noise posterior is above .5 becomes 0 |
# | soft mask | ours |
#
# Six utterances, of speakers that the network has not heard (bold: the highest):

# %%
from sercourse.corpora.noisy import make_noise
from sercourse.signal.denoise import METHODS
from sercourse.signal.noise import mix
from sercourse.signal.snr import snr_out
from sercourse.training.cleaning import clean

table_rows = []
for noise in ("white", "babble"):
    for snr in (-5, 5):
        rng = np.random.default_rng(SEED + 1)
        mixtures = [mix(w, make_noise(noise, len(w), rng), snr, over="whole") for w in waveforms.values()]
        cleaned = clean([m.noisy for m in mixtures], network, step=config.settings.data.step)
        estimates = {name: [method(m.noisy) for m in mixtures] for name, method in METHODS.items()}
        estimates["frames silenced (paper)"] = [c.silenced for c in cleaned]
        estimates["soft mask"] = [c.masked for c in cleaned]
        for method, found in estimates.items():
            value = np.mean([snr_out(m.clean, estimate) for m, estimate in zip(mixtures, found)])
            table_rows.append({"method": method, "condition": f"{noise}, {snr:+d} dB in", "SNR out (dB)": value})
snrs = pd.DataFrame(table_rows).pivot(index="method", columns="condition", values="SNR out (dB)")
snrs = snrs.loc[list(estimates), [f"{noise}, {snr:+d} dB in" for noise in ("white", "babble") for snr in (-5, 5)]]
(snrs.round(1) + 0.0).style.format("{:.1f}").highlight_max(axis=0, props="font-weight: bold")

# %% [markdown]
# **What we saw.** Dropping frames ends near 0 dB: with noise that never stops every frame is noisy, and what is left is
# silence, which scores 0 and is worth nothing. At −5 dB noise that is itself speech (babble) is harder than hiss for
# every method that leaves anything; at +5 dB it is for most (for wavelet + LMS the two are level). The mask of a
# network of eight epochs helps at +5 dB; in babble at −5 dB it is worse than silence. (Bold is not always good: where it
# stands at 0.0 in the next table, the best one could do was to say nothing.)
#
# On real speech (EMO-DB, five groups of speakers, every network judged on speakers it did not hear), from stored
# results where they are (`sercourse reproduce asp_mtl/table5 --corpus emodb --profile course`, … `table8`). To save
# time the course profile judges some 20 utterances per group, evenly spaced; the caption says how many there are in
# all:

# %%
from sercourse.experiments.asp_mtl import SNRS, printed, stored
from sercourse.experiments.side_by_side import interval


def not_stored(what="The measured table"):
    """What stands in the place of figures that this copy of the course does not have."""
    return Markdown(f"*{what} is not stored with this copy of the course yet.*")


measured = {name: stored(f"{name}_emodb") for name in ("table5", "table6", "table7", "table8", "unseen")}
lines = {}
for result in measured.values():
    if result is not None:
        for method, values in result["rows"].items():
            for snr, value in zip(SNRS, values):
                lines.setdefault(method, {})[(result["noise"], f"{snr:+d}")] = round(value, 1) + 0.0
if lines:
    frame = pd.DataFrame(lines).T
    shown = frame.style.format("{:.1f}").highlight_max(axis=0, props="font-weight: bold")
    cut = next(result for result in measured.values() if result is not None)
    judged = f"{cut['judged']} of {cut['judged_of']} utterances"
    shown = shown.set_caption(f"SNR out in dB on EMO-DB, {judged}; columns: noise and SNR in")
else:
    shown = not_stored()
shown

# %% [markdown]
# How far is the soft mask above the best of the paper's classical methods (spectral subtraction in either reading, wavelet +
# LMS), and above the best of all that stand here? And how sure is that? The brackets are 95 % intervals over speakers; the
# letter says which method was the best:

# %%
captions = {
    "gain_over_classical": "soft mask above the best classical method, dB; s: spectral subtraction, o: over-subtraction,"
    " w: wavelet + LMS",
    "gain_over_best": "soft mask above the best of all methods, dB; V: VAD + NMF, n: noisereduce",
}
for name, caption in captions.items():
    gains = {
        result["noise"]: {
            f"{snr:+d} dB in": f"{gain['mean']:+.1f} [{gain['low']:+.1f}, {gain['high']:+.1f}] {gain['against'][0]}"
            for snr, gain in zip(SNRS, result[name])
        }
        for result in measured.values()
        if result is not None
    }
    display(pd.DataFrame(gains).T.style.set_caption(caption) if gains else not_stored())

# %% [markdown]
# Our soft mask beats the paper's classical methods in all 16 cells of its four noises, however spectral subtraction is
# read, by 1.2 dB (pink and babble at +10) to 9.8 dB (factory at −10), and no interval reaches 0. It also beats the best of *all*
# methods here in all 16, by 1.2 to 4.4 dB. (The babble of these tests is of voices and sentences that no training held.)
# The paper's own way, dropping frames, does not: at +5 and +10 dB it is far below the others. So the claim holds for a
# mask, not for what is printed.
#
# Look at the columns `unseen`, everyday sounds of which training heard none: there the mask is level with
# over-subtraction, VAD + NMF (which learns from each recording itself) is ahead of it, noisereduce is best at −10 and −5, and
# in strong noise everything is below silence. Frames are no longer all dropped, for the network does not take these sounds
# for noise. A network removes what it has met. (`sercourse reproduce asp_mtl/unseen --corpus emodb --profile course` also
# trains a model 1 that heard *other* everyday sounds, which is not measured yet.)
#
# (Spectral subtraction read as half of the noise takes at most 3 dB away, so at −10 dB it stays far below 0.)

# %% [markdown]
# ## 7 Model 2: emotion and gender
#
# Men and women differ in pitch, and pitch carries emotion. Should a network know the gender, or forget it? Model 2 has
# the gender as its auxiliary task. The shared features should not hold it, the private ones should.
#
# On a small corpus a network is trained in few steps, and an adversary that learns no faster than what it chases may be
# *outrun*, the trap of section 3. Two remedies to try:
#
# - the discriminator (or *critic*) learns ten times as fast as the rest (`critic_rate=10`);
# - what a *linear* reader lives on is taken away directly. If men and women have the same mean feature vector, whoever
#   goes by means (as the probe of exercise 3) is left with guessing. More than means is not promised: a border may
#   still part the two where their features spread differently. The share of a feature's variance that lies *between*
#   the classes is its **correlation ratio** η²: 0 if the means are equal, 1 if nothing but the class matters. It is one
#   more loss (`correlation_weight=20`), and it needs no opponent. By hand:


# %%
def correlation_ratio(features, labels):
    """Features (N, D), labels (N,): the mean over features of between-class over total variance."""
    x = features - features.mean(0)
    between = sum((labels == k).sum() * x[labels == k].mean(0) ** 2 for k in labels.unique())
    return (between / (x**2).sum(0)).mean()


from sercourse.losses.constraints import correlation_ratio as library

torch.manual_seed(SEED)
genders = torch.arange(40) % 2
blind = torch.randn(40, 5)
telling = blind + 3 * genders[:, None]
for name, x in {"blind": blind, "telling": telling}.items():
    assert torch.isclose(correlation_ratio(x, genders), library(x, genders))
    print(f"features that are {name}: {correlation_ratio(x, genders):.2f}")

# %% [markdown]
# Now three networks: without guards, with the two guards of sections 3 and 4 (the discriminator tells the label), and
# with the remedies on top. Fresh probes tell what is left of the gender:

# %%
from sercourse.evaluation.probes import probe
from sercourse.training.frozen import frozen
from sercourse.training.recipes import recipe

clean_part = part if PROFILE != "quick" else table.groupby(["speaker", "emotion"]).head(6)
plain = ("critic_rate=1", "correlation_weight=0")
guards = {
    "no guards": (*plain, "adversary_weight=0", "orthogonality_weight=0"),
    "guards, no remedies": plain,
    "guards and remedies": (),
}
found = {}
for name, changes in guards.items():
    config = TrainingConfig("asp_mtl", CORPUS, "group-5", PROFILE, changes, seed=SEED, fold=0)
    model2 = load_or_train(config, table=clean_part, workers=1, progress=False)
    network = load_network(model2.folder, 0)
    sets = config.recipe.features(config.settings)
    maps = {name: extract(clean_part, name, workers=1, progress=False) for name in sets}
    examples = recipe("asp_mtl").examples(maps, clean_part, network.classes, config.settings)
    fold = make_protocol("group-5", clean_part, seed=SEED).folds[0]
    spaces = {"shared": "shared", "private": "auxiliary_states"}
    sides = [
        (
            frozen(network, examples, ids, list(spaces.values())),
            clean_part.loc[list(ids), "gender"].to_numpy(dtype=object),
        )
        for ids in (fold.train, fold.test)
    ]
    (train, train_gender), (test, test_gender) = sides
    found[name] = {"emotion": model2.summary["ua"]}
    for space, output in spaces.items():
        for kind in ("linear", "mlp"):
            told = probe(train[output], train_gender, test[output], test_gender, kind=kind)
            found[name][f"gender, {space}, {kind}"] = told.ua
pd.DataFrame(found).T.style.format("{:.1f}").set_caption("UA (%) of the emotion, and of the gender as probes read it")

# %% [markdown]
# **What we saw** (in the run that is kept with this page; guessing gives 50 for the gender, 14 for the emotion):
#
# - With the guards alone the probes read the gender from the shared features at least as well as without any. The
#   adversary beat its own discriminator and hid nothing.
# - With the remedies the *linear* probe is near guessing, while the private features hold the gender as before. The mlp
#   found little even without guards: it has too few utterances to learn from, which is not the same as absence.
# - The emotion's figure falls from line to line.
#
# Do not trust any of these differences: the test side is 84 utterances of one woman and one man, so one utterance is more
# than a point, and "gender" is which of two people speaks.
#
# Seconds of training on few synthetic speakers show mechanics, no more. The same over five groups of speakers of EMO-DB,
# where it is stored (`sercourse reproduce asp_mtl/probes_gender --corpus emodb --profile course`):

# %%
probed = stored("probes_gender_emodb")
if probed is None:
    shown = not_stored()
else:
    lines = {}
    for row, cell in filter(all, probed["rows"].items()):
        lines[row] = {"emotion": f"{cell['ua']:.1f}"}
        for space, by in cell["readings"].items():
            for kind, told in by.items():
                read = f"{told['ua']:.1f} [{told['low']:.0f}, {told['high']:.0f}]"
                lines[row][f"gender, {space}, {kind}"] = read
        idle = cell["readings"]["shared"]["linear"]["nothing_to_read"]
        lines[row]["drawn gender, shared, linear"] = f"{idle['mean']:.0f}, at most {idle['highest']:.0f}"
    caption = f"UA (%) [95 % interval over speakers], EMO-DB, {probed['protocol']}, profile {probed['profile']}"
    shown = pd.DataFrame(lines).T.style.set_caption(caption)
shown

# %% [markdown]
# How to read it. *Both constraints* is the adversary, which is told the gender and learns as fast as the rest, with
# orthogonality; three lines leave one or both out. *Told the task, as printed* has the paper's discriminator (section 3).
# The last three have the remedies, one and both. All test sides are judged together, for in two of the five folds both
# speakers have the same gender. Probes were trained twice, on speakers that the network had learnt from and on speakers
# that it had not, and the better one is shown, which favours the probe. What does a probe read where there is *nothing*?
# For the last column the ten speakers got random genders, twenty times, and a probe read those: the mean is near 50, but
# single deals are read at up to 70, for there are ten speakers and not 535.
#
# %% [markdown]
# **What we saw** (535 utterances of ten speakers, one seed, all folds judged as one):
#
# - An adversary that learns no faster than the rest leaves MORE of the gender in the shared features (linear probe 95.8;
#   94.0 without orthogonality) than no guard at all (79.6). The paper's own, which tells the task, changes little (82.4).
# - A faster adversary helps partly, 95.8 to 85.8, but not below no adversary at all, and the emotion is at its lowest
#   (48.1). So being outrun is not the whole reason. What puts *more* gender in? Perhaps the encoder keeps flipping the side
#   on which the gender lies, and a fresh probe simply reads the last side; that is a guess, and nobody tested it here.
#   Taking the class means away is a remedy: 60.9 by correlation alone, 64.1 with both.
# - Is the gender gone? We had asked for at most 5 points above guessing, and neither line shows that. But neither can be
#   told from nothing: genders that mean nothing are read at up to 70 there. Ten speakers cannot say more. The mlp is a weak
#   witness: it reads only 55.8 where nothing guards.
# - The private features hold the gender in every line (91 and more), as they should.
# - The emotion: 51.1 with both remedies, 51.3 without any guard, and 54.8, the highest, with orthogonality alone. One seed
#   does not tell such differences: the same network trained twice, on two computers, ended .9 points apart (section 8).
#
# One warning comes with the lines of the remedies: the settings were chosen by probes on speakers who are test speakers
# of other folds, so they may be a little too good.
#
# Does model 2 help, and whom? Clean speech of EMO-DB, model 2 beside a network with the emotion alone: the UA among
# women and among men, and of every emotion the share that is found
# (`sercourse reproduce asp_mtl/table3 --corpus emodb --profile course`):

# %%
gendered = stored("table3_emodb")
if gendered is None:
    shown = not_stored()
else:
    protocol = gendered["protocols"][0]
    lines = {
        part: {
            "single task": f"{one['value_a']:.1f}",
            "model 2": f"{one['value_b']:.1f}",
            "model 2 above it [95 %]": f"{interval(one)}, {one['over']}",
        }
        for parts in gendered["within"][protocol].values()
        for part, one in parts.items()
    }
    caption = f"UA by gender, then recall by emotion (%), {gendered['corpus']}, {protocol}"
    shown = pd.DataFrame(lines).T.style.set_caption(caption)
shown

# %% [markdown]
# **What we saw.** Women gain a point and men lose two (48.1 to 49.2, and 54.4 to 52.1), so the gap between them is
# smaller. Fear is found more often (34.8 to 43.5), happiness less often (49.3 to 43.7). These are hints and no
# findings: every interval includes 0, and behind each gender there are five speakers.

# %% [markdown]
# ## 8 Both models in a chain
#
# The paper's idea: model 1 removes the noise, model 2 tells the emotion from what is left. `AspMtlPipeline` trains the
# chain under a protocol. In every fold the corpus is cleaned by *that fold's* model 1, which has not heard the test
# side. (Cleaning everything once, with a model trained on everything, would let test speech into training by the back
# door.)
#
# ```python
# from sercourse.training.asp_mtl_pipeline import AspMtlPipeline
#
# chain = AspMtlPipeline.train("emodb+none+all@0", "group-5", profile="course", jobs=2)
# chain.predict(["my.wav"])
# ```
#
# What each model brings (the paper's table 9, whose values our copy of the paper lacks), on EMO-DB as recorded and
# under four noises at 0 dB, with SVMs on the same folds
# (`sercourse reproduce asp_mtl/table9 --corpus emodb --profile course --protocol group-5`; it trains the rows that are
# empty here, which takes hours; `--rows "both models"` and the like train one). The networks have the remedies of section 7 and
# the sizes of section 10, not the paper's. "Without model 2" can mean two things: model 1's own emotion head, which hears
# the noisy speech (*model 1 alone*), or a network with the emotion alone on speech that model 1 has cleaned (*model 1,
# then a single task*). F1 is the harmonic mean of recall and precision, averaged over the emotions:

# %%
ablation = stored("table9_emodb")
if ablation is None:
    shown = not_stored()
else:
    protocol = ablation["protocols"][0]
    lines = {}
    for row, cells in ablation["rows"].items():
        there = cells.get(protocol)
        lines[row] = {m.upper(): f"{there[m]:.1f}" if there else "not measured" for m in ("wa", "ua", "f1")}
    caption = f"percent, {protocol}, profile {ablation['profile']}"
    display(pd.DataFrame(lines).T.style.set_caption(caption))
    shown = Markdown(
        "Beside the network with a single task:\n\n"
        + "\n".join(
            f"- *{row}:* {cells[protocol][beside]['sentence']}"
            for row, cells in ablation["rows"].items()
            for beside in ("against_single", "against_cleaned")
            if beside in (cells.get(protocol) or {})
        )
    )
shown

# %% [markdown]
# All of this is over noisy *and* clean speech. What happens in the noise alone? The same predictions, condition by
# condition, and the four noises together:

# %%
if ablation is None:
    shown = not_stored()
else:
    lines = {}
    for row, cells in ablation["rows"].items():
        for condition, one in ((cells.get(protocol) or {}).get("against_single_within") or {}).items():
            lines.setdefault("single task, UA", {})[condition] = f"{one['value_a']:.1f}"
            lines.setdefault(f"{row}, above it", {})[condition] = interval(one)
    caption = f"UA (%) of the single task, and points above it [95 % over speakers], {protocol}"
    shown = pd.DataFrame(lines).T.style.set_caption(caption)
shown

# %% [markdown]
# **What we saw.**
#
# - Telling the noise *beside* the emotion costs two and a half points here, most of it in factory (−5.7 [−10.0, −2.0]) and
#   pink noise (−4.6 [−9.1, −1.3]); telling the gender does not help. Both models in a chain are above either alone, as the
#   paper says.
# - Interval and t-test do not agree everywhere. The interval asks about other *speakers*, the t-test about other *training
#   sides*, and with five folds it finds only large differences. Only where both agree we would call something shown, and
#   here that is nowhere the case between networks.
# - The paper also says that the noise matters more than the gender. Then removing model 1 should hurt more. Here it is
#   the other way round: 50.1 without model 1, 48.6 with model 1 alone. But *model 1 alone* never hears cleaned speech.
#   The row that would part the two, a single task behind model 1, is not measured yet, so nobody can say how much of
#   the gain of both models is the cleaning and how much the gender.
# - In noise at 0 dB both models are 2.2 points above the single task, and the interval, −0.3 to +4.5, includes 0. Of
#   the single noises only babble is clear of it (+3.1 [+0.9, +5.5]), and among so many intervals one may be so by
#   chance.
# - Two cuts: one seed, and groups of speakers alone (group-5). The paper's 80 %/20 % (`holdout-20`) is not measured.
#
# And all of it is far below a linear machine on ComParE features that knows nothing of tasks, adversaries or masks: 535
# recordings are few for LSTMs. (The machines also learn from the validation speakers, a third more speech; the networks
# need those to choose their epoch. In chapter 02 that was worth half a point to two and a half, not sixteen.) Any claim that a
# network is good must stand beside such a machine.
#
# All four noises were in training, in other drawings. What of noises that nobody has heard? Brown noise, whose power
# falls off twice as fast as that of pink noise, and two sets of everyday sounds (*recorded*, *unseen*), again at 0 dB,
# on the same folds (`sercourse reproduce asp_mtl/unseen_emotion --corpus emodb --profile course --protocol group-5`; here,
# too, the empty rows would be trained). In the first column
# stands what the same networks reach in the noises that they know (the single task was trained anew for this, on another
# computer: 51.2, where the table above has 50.3):

# %%
unheard = stored("unseen_emotion_emodb")
if unheard is None:
    shown = not_stored()
else:
    lines = {}
    for row, (found,) in ((row, cells.values()) for row, cells in unheard["rows"].items()):
        if found:
            heard = [value for condition, value in found.get("heard", {}).items() if condition != "none"]
            lines[row] = {"known noises": f"{np.mean(heard):.1f}" if heard else ""}
            lines[row] |= {condition: f"{value:.1f}" for condition, value in found["ua_by_condition"].items()}
            lines[row] |= {"all of these": f"{found['ua']:.1f}"}
            lines[row] |= {"above the single task": interval(found.get("against_single"))}
    shown = pd.DataFrame(lines).T.style.set_caption(f"UA (%) on EMO-DB in noise at 0 dB, {unheard['protocols'][0]}")
shown

# %% [markdown]
# **What we saw** (guessing has 14; one seed). The single task falls from 51.2 to 32.2, and brown noise, which can be
# computed as white and pink can, is no easier to it than everyday sounds. The machine on ComParE falls from 65.9 to
# 58.5, and in brown noise not at all. So "noise at 0 dB" is not one condition: what a network learnt of four noises did
# not carry over to a fifth, and a figure in noise is worth little without the question which noises training held. The
# rows of the two models are not measured yet: whether model 1, which was taught to know noises, loses less here is
# open.
#
# ## 9 Beside other remedies and other networks
#
# The paper compares its system with remedies against noise (tables 1 and 2), against the difference of genders (3 and
# 4), and with other multi-task networks (figures 6 and 7), on corpora that are licensed. Here the ones that could be
# rebuilt, on EMO-DB: `sercourse reproduce asp_mtl/table1`, `asp_mtl/table3`, `asp_mtl/figure6`, each with
# `--corpus emodb --profile course --protocol group-5`. Each line is compared with our ASP-MTL, the last line, on the same speakers. Beside
# it stands what the paper prints of the method with the same bracketed reference number, on its own corpus. Methods that
# could not be rebuilt are *quoted only*.
#
# | method | reads | what it does, and what ours leaves out |
# |---|---|---|
# | histogram equalisation [9] | means and spreads of pitch and MFCC | bends the values of each noise until they are spread as in clean training speech; an SVM reads them. *Not equalised*: the same without bending |
# | VAD + NMF [10] | IS10 | drops noise before the features are taken (section 6); there, spectra of speech are learnt beforehand |
# | sparse representation [11] | IS10 | writes a test utterance as a sum of few training utterances; all features count alike |
# | CORAL [14] | IS10 | gives women and men the same mean and covariance; without the network around it |
# | NMF subspace [15] | IS10 | 60 parts that both genders share; its graph and discrepancy terms are left out |
# | shared hidden layers | IS10 | **hard sharing**: one network, a head for each task |
# | adversarial autoencoder | IS10 | a code that must look like a drawn one, with a head for each task; in a compact form |


# %%
def compared(name):
    """A stored comparison as a table."""
    result = stored(f"{name}_emodb")
    if result is None:
        return not_stored(name)
    protocol, ours = result["protocols"][0], list(result["rows"])[-1]
    where = f"printed accuracy, {result['printed_corpus'].upper()}"
    claims = {source: {where: f"{wa:.1f}, F1 {f1:.3f}"} for source, (wa, f1) in result["printed"].items()}
    lines = {}
    for row, cells in result["rows"].items():
        if cells[protocol]:
            lines[row] = {metric.upper(): f"{cells[protocol][metric]:.1f}" for metric in ("wa", "ua", "f1")}
            lines[row]["ours above it, UA [95 %]"] = interval(cells[protocol].get("ours_above"))
            lines[row] |= claims.get("ASP-MTL" if row == ours else row.rpartition(" ")[2], {})
    quoted = printed()["quoted"].items()
    lines |= {f"{method} {source}, quoted only": claims[source] for source, method in quoted if source in claims}
    caption = f"{result['corpus']}, {protocol}, profile {result['profile']}"
    return pd.DataFrame(lines).T.fillna("").style.set_caption(caption)


display(compared("table1"))

# %% [markdown]
# That was the noise. Now the gender, on clean speech:

# %%
display(compared("table3"))

# %% [markdown]
# And other networks with two tasks, in noise again:

# %%
display(compared("figure6"))

# %% [markdown]
# **What we saw** (EMO-DB, one seed). In noise, equalising histograms is worth some six points to its features and stands
# level with our two models; sparse representation is below them. On clean speech no remedy for the gender is
# far from the SVM on IS10, whose features they read. A linear machine on ComParE features is above everything, our
# networks and the rebuilt rivals alike (it learns from the validation speakers, too, see section 8); networks that read
# openSMILE vectors are above those that read frames. Two of those are hard sharing, so nothing here shows that sharing
# everything does harm; hard sharing on the same frames was not measured. What the paper prints, its own
# system eight to ten points above the best rival, is not what we find. (Printed figures are accuracies on other
# corpora: they say who was ahead of whom *there*. The paper prints its whole system in the table of genders, too, where
# our last line is model 2 alone. Of figures 6 and 7 no values are printed in our copy.)
#
# The same cuts as in section 8: one seed, and groups of speakers alone; the paper's 80 %/20 % is not measured. And one
# caution: the strengths of the remedies of section 7 were chosen by probes on speakers who are test speakers of other
# folds, and our networks use them everywhere.
#
# A table says who is *told* what under its `notes`: histogram equalisation is told the noise of each test utterance, CORAL
# and the NMF subspace the speaker's gender; the networks are told neither. Shared hidden layers and the adversarial
# autoencoder read IS10 (one vector per utterance), ASP-MTL reads frames, so a gap between them is not one of their
# multi-task structure alone.

# %% [markdown]
# ## 10 What the paper claims, and what was measured
#
# First, what is not the same. The paper's own sizes were not run:
#
# | | printed | here (course) |
# |---|---|---|
# | corpora | AVEC, AFEW, IEMOCAP | EMO-DB |
# | test speakers | not said (80 %/20 %) | never heard in training |
# | LSTM, dropout | 32, .5 | 64, .3 |
# | frames | every one | every second |
# | learning rate, batch, epochs | .001, 256, not said | .002 falling to 0, 64, 30 |
# | discriminator | tells the task | tells noise or gender, learns ten times as fast, has a hidden layer |
# | correlation ratio | – | 20 times |
# | noise removal | frames dropped | soft mask |
#
# The paper reports, on IEMOCAP with noise added, the SNR after noise removal. Beside it our soft mask:

# %%
claimed = {
    (table["noise"], method): dict(zip([f"{snr:+d} dB in" for snr in SNRS], values))
    for table in printed()["snr"].values()
    for method, values in table["rows"].items()
}
for result in measured.values():
    if result is not None and result["noise"] in {noise for noise, _ in claimed}:
        claimed[result["noise"], "our soft mask, EMO-DB"] = dict(
            zip([f"{snr:+d} dB in" for snr in SNRS], result["rows"]["ASP-MTL, soft mask"])
        )
claimed = dict(sorted(claimed.items(), key=lambda line: line[0][0]))
pd.DataFrame(claimed).T.style.format("{:.1f}").set_caption("SNR out (dB): as printed, and ours")

# %% [markdown]
# - Its claim, *above both classical methods everywhere*, holds for our soft mask in all 16 cells (section 6; twelve of
#   them are printed, our copy lacks the table for pink noise). It does not hold for dropped frames. In these
#   twelve the printed figures of its network are all above ours, on other speech: 13.8 against 12.4 in white noise at
#   +5 dB, 4.4 against −1.1 in babble at −10 dB.
# - At −10 dB in, every method of the paper ends *above* +2 dB. Spectral subtraction with the printed settings ends at −6.7 to
#   −9.7 dB here, in either reading. What the paper did otherwise it does not say.
# - It says that noisy parts are *removed*, and measures an SNR, which needs a waveform of the same length. How the one
#   becomes the other is not said; a soft mask is our answer.
# - 89 % and 90 % accuracy on AVEC and AFEW rest on one 80/20 split. Whether a speaker of the test was also heard in
#   training, the paper does not say. And AVEC 2016 has no emotion classes. Both corpora are licensed. In their place we
#   measure on EMO-DB, with noise added. RAVDESS is meant to stand for AFEW (`--corpus ravdess`); it is not measured
#   yet.

# %% [markdown]
# ## Exercises
#
# Replace the line that raises `NotImplementedError`, run the cell, then the check below it. Solutions are in
# `notebooks/solutions/`.

# %% [markdown] tags=["exercise"]
# ### 1. The SNR after noise removal
#
# Write equation 23, $10 \log_{10} \frac{\sum s^2}{\sum (\hat s - s)^2}$: ten times the base-10 logarithm of the energy of
# the clean speech $s$ over the energy of the difference between the estimate $\hat s$ and the clean speech.
#
# *Hint:* `np.sum(x**2)` is an energy. Silence must come out at 0 dB.


# %% tags=["exercise"]
def my_snr_out(clean, estimate):
    """dB; both arrays have shape (T,)."""
    ### BEGIN SOLUTION
    return 10 * np.log10(np.sum(clean**2) / np.sum((estimate - clean) ** 2))
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_1():
    from sercourse.signal.snr import snr_out

    rng = np.random.default_rng(0)
    speech, noise = rng.normal(size=1000), rng.normal(size=1000)
    value = my_snr_out(speech, speech + noise)
    assert value is not None, "the function returns nothing; end it with `return …`"
    assert np.isclose(my_snr_out(speech, np.zeros(1000)), 0), "silence gets all of the speech wrong: 0 dB"
    assert np.isclose(my_snr_out(speech, speech + 0.1 * noise) - value, 20), "a tenth of the noise is 20 dB better"
    assert np.isclose(my_snr_out(speech, 0.5 * speech), 6.02, atol=0.01), "speech that is too soft counts as wrong"
    assert np.isclose(value, snr_out(speech, speech + noise)), "compare with the library"


# %% [markdown] tags=["exercise"]
# ### 2. Subtract the noise's spectrum
#
# Spectral subtraction in its plainest form: you get the magnitudes of a noisy spectrogram and of the noise alone (one
# value per frequency). Return the magnitudes of the speech: *squares* are subtracted, what falls below zero is zero. Of
# the noise's square only the share `beta` is taken; section 6 takes half.
#
# *Hint:* `np.maximum(values, 0)`. The noise must be subtracted from every frame; `[:, None]` makes a column of it.


# %% tags=["exercise"]
def subtract(noisy, noise, beta=1.0):
    """Magnitudes (F, T) and the noise's magnitudes (F,) to magnitudes (F, T)."""
    ### BEGIN SOLUTION
    return np.sqrt(np.maximum(noisy**2 - beta * noise[:, None] ** 2, 0))
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_2():
    noisy = np.array([[5.0, 3.0, 13.0], [1.0, 2.0, 0.5]])
    left = subtract(noisy, np.array([3.0, 1.0]))
    assert left is not None, "the function returns nothing; end it with `return …`"
    assert left.shape == noisy.shape, f"shape (2, 3) expected, not {left.shape}"
    assert np.isclose(left[0, 0], 4), "5² − 3² = 4²: subtract squares, then take the root"
    assert np.isclose(left[0, 1], 0), "equal to the noise: nothing is left"
    assert np.isfinite(left).all(), "below zero there is no root; put 0 there first"
    assert np.isclose(left[1], [0, 3**0.5, 0]).all(), "each frequency has its own noise"
    alone = np.full((1, 4), 2.0)
    half = subtract(alone, np.array([2.0]), beta=0.5)
    assert np.isclose(half, 2**0.5).all(), "beta=0.5 leaves half of the noise's square"
    lost = 20 * np.log10(alone[0, 0] / half[0, 0])
    print(f"noise alone, half of its power taken away: {lost:.1f} dB less, and never more")


# %% [markdown] tags=["exercise"]
# ### 3. A fresh probe by hand
#
# Write a probe that decides whether a binary label can be read from features (a linear one: its border is flat): the
# nearest class mean. Compute the mean feature vector of each class on the training side; call a test vector by the mean
# that is nearer in Euclidean distance; return the share that is right.
#
# *Hint:* `train[labels == 0].mean(0)`; the distance is `np.linalg.norm(test - mean, axis=1)`.


# %% tags=["exercise"]
def nearest_mean_probe(train, train_labels, test, test_labels):
    """Features (N, D) and (M, D), labels 0 or 1, to a share from 0 to 1."""
    ### BEGIN SOLUTION
    distances = [np.linalg.norm(test - train[train_labels == k].mean(0), axis=1) for k in (0, 1)]
    return np.mean((distances[1] < distances[0]) == (test_labels == 1))
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_3():
    rng = np.random.default_rng(0)
    labels, others = rng.integers(2, size=400), rng.integers(2, size=400)
    blind = rng.normal(size=(400, 5)), rng.normal(size=(400, 5))
    gap = np.array([3, -1, 0.5, -2, 0])  # up in some features, down in others
    telling = blind[0] + np.outer(labels, gap), blind[1] + np.outer(others, gap)
    share = nearest_mean_probe(telling[0], labels, telling[1], others)
    assert share is not None, "the function returns nothing; end it with `return …`"
    assert 0 <= share <= 1, "a share from 0 to 1 is asked for, not percent"
    assert share > 0.95, "features that hold the label must give it away"
    from sklearn.neighbors import NearestCentroid

    weak = blind[0] + 0.2 * np.outer(labels, gap), blind[1] + 0.2 * np.outer(others, gap)
    expected = NearestCentroid().fit(weak[0], labels).score(weak[1], others)
    found = nearest_mean_probe(weak[0], labels, weak[1], others)
    assert np.isclose(found, expected), f"the nearer mean is right in {expected:.3f} of all cases, not {found:.3f}"
    assert abs(nearest_mean_probe(*[blind[0], labels], *[blind[1], others]) - 0.5) < 0.08, "noise must not"
    corners = np.array([[0.0, 0.0], [3.0, 3.0]])  # (0, 4) is 4 from the one, 3.2 from the other; summed steps: 4 and 4
    point = np.array([[0.0, 4.0], [0.0, 2.0]])
    told = nearest_mean_probe(corners, np.array([0, 1]), point, np.array([1, 0]))
    assert told == 1, "the distance is Euclidean: root of the summed squares"
    swapped = nearest_mean_probe(telling[0], 1 - labels, telling[1], others)
    assert swapped < 0.05, "the means belong to the training labels: with those swapped it is always wrong"


# %% [markdown] tags=["exercise"]
# ### 4. A reversal without a new layer
#
# PyTorch can turn a gradient round without any `autograd.Function`. Write a function whose *value* is `h` and whose
# *gradient* is $-s$ times the one that comes in.
#
# *Hint:* `h.detach()` has the value of `h` and no gradient. Two terms are enough: one with a gradient of $-s$, and one
# without any that puts the value right.


# %% tags=["exercise"]
def my_reverse(h, s):
    """Features (B, D) to the same features; backwards the gradient times -s."""
    ### BEGIN SOLUTION
    return (1 + s) * h.detach() - s * h
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_4():
    from sercourse.layers.reversal import reverse

    torch.manual_seed(0)
    h, judge, label = torch.randn(6, 3, requires_grad=True), nn.Linear(3, 2), torch.tensor([0, 1, 1, 0, 1, 0])
    assert my_reverse(h, 0.5) is not None, "the function returns nothing; end it with `return …`"
    assert torch.allclose(my_reverse(h, 0.5), h), "forwards nothing may change"
    gradients = []
    for turned in (my_reverse(h, 0.5), reverse(h, 0.5)):
        h.grad = None
        judge.zero_grad()
        cross_entropy(judge(turned), label).backward()
        assert h.grad is not None, "no gradient reaches the features"
        gradients.append((h.grad.clone(), judge.weight.grad.clone()))
    (ours, ours_judge), (library, library_judge) = gradients
    assert torch.allclose(ours, library, atol=1e-6), "the features' gradient is not -s times the one that came in"
    assert torch.allclose(ours_judge, library_judge, atol=1e-6), "the discriminator keeps its own gradient"


# %% [markdown]
# ## Quiz
#
# Choose before you open an answer.

# %% [markdown]
# **1.** A discriminator tells men from women in 8 % of all cases. What follows?
#
# - (a) the features hold no gender
# - (b) the features hold it, and the discriminator says the opposite
# - (c) the discriminator needs more layers
#
# <details><summary>Answer</summary>
#
# **(b).** With as many men as women guessing gives 50 %. Somebody who is wrong in 92 % of all cases knows the answer.
# (a) would show as 50 %, by a *fresh* probe. (c): it is not too weak, it was trained in the wrong direction.
#
# </details>

# %% [markdown]
# **2.** Two tasks draw the same recordings. What does a discriminator learn that tells which task drew one?
#
# - (a) the emotion
# - (b) the noise
# - (c) nothing: it cannot be better than chance
#
# <details><summary>Answer</summary>
#
# **(c).** Both draws come from the same recordings, so nothing in the features can tell them apart. If both draw equally
# often, the adversary's loss cannot get below the logarithm of 2 on new speech, and its gradient is noise. (a) and (b)
# would need speech that differs between the tasks.
#
# </details>

# %% [markdown]
# **3.** In factory noise at −10 dB a mask is 10 dB better than the classical methods. It was trained on four noises, factory
# among them. What do you expect in a kitchen?
#
# - (a) about the same: noise is noise
# - (b) little: it knows the sounds that it was trained on
# - (c) more, for a kitchen is quieter than a factory
#
# <details><summary>Answer</summary>
#
# **(b).** In everyday sounds that training had not held, the mask was level with over-subtraction (section 6), and the
# emotion's network fell by nineteen points (section 8). (a) is what a table of known noises suggests. (c): all was mixed
# at the same SNR, so the place's own loudness plays no part.
#
# </details>

# %% [markdown]
# **4.** Model 1 is trained on a whole corpus, cleans it, and model 2 is judged on it in five folds. What is wrong?
#
# - (a) nothing, model 2 has its folds
# - (b) model 1 has heard the test side of every fold
# - (c) five folds are too few
#
# <details><summary>Answer</summary>
#
# **(b).** Whatever has learnt from test recordings must not shape what is judged on them. Model 1 belongs *into* the
# fold. (a) looks at half of the chain. (c) is about precision, not about honesty.
#
# </details>

# %% [markdown]
# ## Summary
#
# - **Hard sharing** may let one task disturb the other (we did not show it). **Shared-private** features need guards: an
#   adversary and orthogonality.
# - **Gradient reversal** turns the gradient of the encoder only. A minus sign in the loss spoils the discriminator, makes
#   the gender *easier* to find and costs emotion.
# - An adversary may beat its own discriminator and hide nothing. On EMO-DB a faster one helped partly; taking class means
#   away directly (**correlation ratio**) did more.
# - Whether something is gone is decided by a **fresh probe**, not by the adversary that was beaten.
# - A **discriminator** needs something to tell: tasks with different speech, or a label.
# - **SNR out** counts removed speech as an error. Dropping frames does not clean steady noise; a soft mask does.
# - Whatever cleans the data belongs into the fold.
#
# Next: chapter 04 lets one pretrained network hear emotion, words and speaker at once.

# %% [markdown]
# ## References
#
# - Y. Liu, K. Zhang: Design of efficient speech emotion recognition based on multi task learning. IEEE Access, 2023. The
#   paper of this chapter. [doi:10.1109/ACCESS.2023.3237268](https://doi.org/10.1109/ACCESS.2023.3237268)
# - P. Liu, X. Qiu, X. Huang: Adversarial multi-task learning for text classification. ACL 2017.
#   [arXiv:1704.05742](https://arxiv.org/abs/1704.05742)
# - Y. Ganin, V. Lempitsky: Unsupervised domain adaptation by backpropagation. ICML 2015.
#   [arXiv:1409.7495](https://arxiv.org/abs/1409.7495)
# - K. Bousmalis et al.: Domain separation networks. NIPS 2016. [arXiv:1608.06019](https://arxiv.org/abs/1608.06019)
