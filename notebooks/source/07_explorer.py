# %% [markdown] tags=["title"]
# # 07 The explorer: maps to walk through and hear
#
# {{badges}}
#
# A network turns each utterance into a few hundred numbers. A map draws every utterance as one point, near to those with
# similar numbers, and a click plays it. You build the three common projections' core by hand, measure how far a map can
# be believed, walk through networks of the earlier chapters, and let your own voice be judged.
#
# **You will learn**
#
# - what PCA, t-SNE and UMAP keep of many dimensions, and what they throw away;
# - perplexity, trustworthiness and silhouette, each by hand;
# - how to read a map: what an island means, and what its size and place do not;
# - to compare two networks on the same utterances, point by point and by ear;
# - to find what a network gets wrong, and to put a map on one page for others.
#
# **You need** Python and NumPy; [chapter 02](02_emotion_autoencoder.ipynb) for the network that is looked at first.
# Headphones: most of what is to be learnt here is heard.
#
# **Time** 50 minutes of reading and exercises · 2 minutes of computing on one CPU core · no GPU

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
PROFILE = "quick"  # or "course" (minutes per network): then the whole corpus instead of a part of it
SEED = 0  # every random choice below starts from it

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from sklearn.manifold import TSNE, trustworthiness

from sercourse import corpora
from sercourse.explain import plots
from sercourse.explain.exercise import check
from sercourse.explain.maps import emotion_map, silhouette
from sercourse.explain.players import player_table
from sercourse.explain.projections import project
from sercourse.signal.audio import read_audio
from sercourse.training.networks import TrainingConfig, load_or_train

plots.course_style()

# %% [markdown]
# ## 1 What is drawn
#
# Two autoencoders from chapter 02, equal but for the emotion embedding, trained on the same utterances. (If you have
# run that chapter, they are loaded; else they are trained now, half a minute.) A **layer** is a place in the network
# where every utterance has a vector. The first one offered is the *latent*, attended over time.

# %%
from sercourse.explain.map_source import MapSource

table = corpora.load(CORPUS)
table = table[table["emotion"].notna()]
part = table.groupby(["speaker", "emotion"]).head(5) if PROFILE == "quick" else table
SMALL = ("epochs=8", "hop_frames=128", "width=32", "precision=fp32") if PROFILE == "quick" else ()
SMALL += ("record_test=true",)
with_it, without = (
    load_or_train(
        TrainingConfig("emotion_autoencoder", CORPUS, "holdout-20", PROFILE, SMALL + switch, seed=SEED),
        table=part,
        workers=1,
        progress=False,
    )
    for switch in ((), ("embedding=false",))
)
source = MapSource(with_it, table=part, seed=SEED)
test = source.table
latent = source.vectors("embedding")  # (utterances, numbers)
print(f"{latent.shape[0]} test utterances, {latent.shape[1]} numbers each")
pd.DataFrame(source.layers.items(), columns=["layer", "what it is"])

# %% [markdown]
# The last two layers are no layers: they are openSMILE's functionals, on which nothing was learnt. They are the map to
# beat.
#
# ## 2 PCA: a shadow
#
# Hold an object of many dimensions into the light and look at its shadow on the wall; turn it until the shadow is as
# large as it can be. That is **principal component analysis**. Standardise the columns, take the singular value
# decomposition, keep the two directions with the greatest variance.


# %%
def pca_by_hand(vectors):
    """(N, D) to (N, 2) and the share of the variance that is kept."""
    standard = (vectors - vectors.mean(0)) / np.where(vectors.std(0) > 0, vectors.std(0), 1)
    u, s, _ = np.linalg.svd(standard, full_matrices=False)
    return u[:, :2] * s[:2], (s[:2] ** 2).sum() / (s**2).sum()


shadow, kept = pca_by_hand(latent)
library = project(latent, "pca")
assert np.allclose(abs(shadow), abs(library.points), atol=1e-6)  # an axis may be turned round
assert np.isclose(kept, library.parameters["variance"], atol=1e-3)
print(f"equal to the library's; {100 * kept:.0f} % of the variance is in the picture")

# %% [markdown]
# A shadow can make two things meet that are far apart, and never the reverse: **what is far apart in a PCA map is far
# apart in truth.** What lies together in it may be anything.
#
# ## 3 t-SNE: neighbours, and nothing else
#
# **t-SNE** asks each point $i$ for its neighbours. A Gaussian around $i$ gives every other point $j$ a share
# $p_{j|i} \propto \exp(-d_{ij}^2 / 2\sigma_i^2)$. How wide is the Gaussian? So wide that the shares are spread over as
# many neighbours as you say: the **perplexity**, $2^{H}$ with the entropy $H$ of the shares in bits. The width is
# different for each point, narrow in a crowd and wide in the void.


# %%
def shares(squared, sigma):
    """Squared distances to all others (N - 1,) to their shares, which sum to 1."""
    unscaled = np.exp(-(squared - squared.min()) / (2 * sigma**2))  # the smallest distance taken off: no underflow
    return unscaled / unscaled.sum()


def perplexity_of(p):
    p = p[p > 0]
    return 2 ** -(p * np.log2(p)).sum()


def width_for(squared, wanted):
    """Bisection: the sigma whose shares have the perplexity wanted."""
    low, high = 1e-3, 1e3
    for _ in range(100):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if perplexity_of(shares(squared, middle)) < wanted else (low, middle)
    return middle


standard = (latent - latent.mean(0)) / np.where(latent.std(0) > 0, latent.std(0), 1)
distances = ((standard[:, None] - standard[None]) ** 2).sum(-1)  # (N, N), squared
WANTED = 15
p = np.zeros_like(distances)
for i, row in enumerate(distances):
    others = np.arange(len(row)) != i
    p[i, others] = shares(row[others], width_for(row[others], WANTED))
assert np.allclose([perplexity_of(row) for row in p], WANTED, atol=1e-3)

fig, axes = plt.subplots(1, 3, figsize=(11, 2.4), layout="constrained", sharey=True)
for ax, wanted in zip(axes, (2, 15, 40)):
    squared = np.delete(distances[0], 0)
    ax.bar(range(len(squared)), np.sort(shares(squared, width_for(squared, wanted)))[::-1], color="#0072B2")
    ax.set(title=f"perplexity {wanted}", xlabel="other utterances, nearest first")
axes[0].set_ylabel("share of neighbourhood")
plt.show()

# %% [markdown]
# On the plane the same is done with a curve of heavier tails, $q_{ij} \propto (1 + \lVert y_i - y_j \rVert^2)^{-1}$, and the
# points are moved until $q$ resembles $p$: the sum $\sum p_{ij} \log (p_{ij} / q_{ij})$ is made small. It is dear to
# tear true neighbours apart ($p$ large, $q$ small) and cheap to bring strangers together ($p$ small, whatever $q$).
# So **neighbours are kept; all else is free**. The heavy tail lets islands drift apart as far as they like.
#
# Let scikit-learn move the points, and compute its cost by hand.

# %%
exact = TSNE(perplexity=WANTED, init="pca", random_state=SEED, method="exact")
points = exact.fit_transform(standard)
joint = (p + p.T) / p.sum() / 2
spread = 1 / (1 + ((points[:, None] - points[None]) ** 2).sum(-1))
np.fill_diagonal(spread, 0)
q = spread / spread.sum()
seen = joint > 0
cost = (joint[seen] * np.log(joint[seen] / q[seen])).sum()
assert np.isclose(cost, exact.kl_divergence_, rtol=0.02), (cost, exact.kl_divergence_)
print(f"cost {cost:.3f} nats by hand, {exact.kl_divergence_:.3f} by scikit-learn")

# %% [markdown]
# **UMAP** has the same idea with another cost, nearest neighbours in the place of all, and a graph in the place of
# Gaussians; *neighbours* is its perplexity. It is faster on a hundred thousand points and draws tighter islands.
# Neither is right. Both begin with a guess (here PCA) and end where the way down ends.
#
# ## 4 How far can the map be believed?
#
# **Trustworthiness** asks each point for its $k$ neighbours *on the map*. Those who are no neighbours in truth are
# intruders; an intruder counts by how far down the true list it stands, and the sum is scaled to 1 for none.


# %%
def trust_by_hand(vectors, points, k):
    """1: all neighbours on the map are neighbours in truth."""
    n = len(vectors)
    ranks, near = [], []
    for rows in (vectors, points):
        d = ((rows[:, None] - rows[None]) ** 2).sum(-1)
        np.fill_diagonal(d, np.inf)  # nobody is a neighbour of himself
        order = d.argsort(1)
        ranks.append(order.argsort(1) + 1)  # 1: the nearest
        near.append(order[:, :k])
    true_rank_of_neighbours = np.take_along_axis(ranks[0], near[1], axis=1)  # (N, k)
    intruders = np.clip(true_rank_of_neighbours - k, 0, None).sum()
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * intruders


assert np.isclose(trust_by_hand(standard, points, 10), trustworthiness(standard, points, n_neighbors=10))
fig, axes = plt.subplots(1, 4, figsize=(12, 2.9), layout="constrained")
maps = {
    "PCA": project(latent, "pca"),
    "t-SNE, perplexity 2": project(latent, "tsne", perplexity=2, seed=SEED),
    "t-SNE, perplexity 20": project(latent, "tsne", perplexity=20, seed=SEED),
}
for ax, (name, one) in zip(axes, maps.items()):
    emotion_map(one.points, test, ax, title=name, legend=False)
    ax.set_xlabel(f"trustworthiness {one.trustworthiness:.2f}")
noise = np.random.default_rng(SEED).standard_normal(latent.shape)
nothing = project(noise, "tsne", perplexity=2, seed=SEED)
emotion_map(nothing.points, test, axes[3], title="pure noise, perplexity 2")
axes[3].set_xlabel(f"trustworthiness {nothing.trustworthiness:.2f}")
plt.show()

# %% [markdown]
# **What we saw.** The same latent gives three pictures. And the last one is no data at all: random numbers, with the
# true emotions as colours. A small perplexity draws small clumps *in anything*. So: **an island is evidence only if it
# stays when perplexity and seed change, and if a number says so that was taken before the projection.**
#
# That number is the **silhouette**, computed in the layer itself: how much nearer is an utterance to its own
# class than to the next one, 1 apart, 0 mixed.

# %%
apart = {
    "latent": {by: silhouette(latent, test[by]) for by in ("emotion", "speaker", "gender", "language")},
    "IS10": {by: silhouette(source.vectors("is10"), test[by]) for by in ("emotion", "speaker", "gender", "language")},
    "noise": {by: silhouette(noise, test[by]) for by in ("emotion", "speaker", "gender", "language")},
}
pd.DataFrame(apart).T.plot.bar(
    rot=0, figsize=(8, 2.6), ylabel="silhouette", color=["#D55E00", "#0072B2", "#009E73", "#E69F00"]
)
plt.axhline(0, color="black", linewidth=0.8)
plt.show()

# %% [markdown]
# **What we saw.** A silhouette below 0 is common: an utterance's own class is spread so widely that another one is
# nearer on average. By this measure the latent separates emotions no better than random numbers do, and yet the network
# gets most of the utterances right: it leans on IS10 (chapter 02, section 6). No map of the latent can show that.
#
# ## 5 The explorer
#
# Now walk. **Move the mouse** over a point: its emotion. **Click** it: you hear it, see its spectrogram and read what
# the network said. **Drag** around some: the selection is counted by class and can be heard. Scroll to zoom (the button
# with the arrows lets you move the map), double-click to let go. The field *utterance* does by keyboard what a click
# does. Change the layer, the method, the perplexity: the points wander.
#
# Left the autoencoder *with* the emotion embedding, right the one without; the same test utterances, so what is chosen
# on one map lights up on the other.

# %%
from sercourse.explain.linked_maps import linked_maps

maps = linked_maps({"with embedding": with_it, "without": without}, table=part, seed=SEED)
maps

# %%
maps.still()
plt.show()

# %% [markdown]
# **What to try.**
#
# 1. Colour by *speaker*, then by *gender*. Which of them makes islands, and in which layer?
# 2. Choose `is10` as layer on the right. Nothing was learnt there. Is the map worse?
# 3. Colour by *right or wrong* and draw the lasso around a nest of wrong ones. Listen to six of them. Would you have
#    known?
# 4. Set the perplexity to 2, then to its largest value. Which islands stay?
# 5. Choose the layer `logits` on both. Why is it the prettiest map, and why does it prove nothing new? (It is what the
#    classifier says, a number per emotion: the confusion matrix, drawn.)
#
# What a lasso does can be done in a line, too: `maps.choose(*wrong)`, in a cell of your own, chooses all utterances that
# the left network gets wrong. Here is what it takes for what, most often first.

# %%
wrong = test.index[test["judged"] == "wrong"].tolist()
print(f"{len(wrong)} of {len(test)} are wrong")
confused = test.loc[wrong].groupby(["emotion", "predicted"]).size().sort_values(ascending=False).head(3)
heard = {}
for (emotion, predicted), count in confused.items():
    rows = test[(test["emotion"] == emotion) & (test["predicted"] == predicted)].head(2)
    sounds = [read_audio(path) for path in rows["path"]]
    heard[f"{emotion}, taken for {predicted} ({count} times)"] = [*sounds, None][:2]
player_table(heard, ["one", "another"]) if heard else Markdown("None is wrong.")

# %% [markdown]
# ## 6 Before and after the margin
#
# Chapter 05 gave the loss an angular margin. Does it change the space that the utterances live in? Twice the same small
# network on spectrograms, with softmax and with APFL. Angles are what APFL is about, so the maps are drawn *by angle*,
# and so is the silhouette: of the utterances that were learnt, and of those that were tested.

# %%
QUICK = ("text=none", "audio=none", "precision=fp32", *(("epochs=6", "select=last") if PROFILE == "quick" else ()))
fig, axes = plt.subplots(1, 4, figsize=(12.5, 2.9), layout="constrained")
scores, by_loss = {}, {}
for number, loss in enumerate(("softmax", "apfl")):
    config = TrainingConfig("mtap", CORPUS, "holdout-20", PROFILE, (f"loss={loss}", *QUICK), seed=SEED)
    by_loss[loss] = load_or_train(config, table=part, workers=1, progress=False)
    everything = MapSource(by_loss[loss], table=part, side="all", seed=SEED)
    scores[loss] = {"UA of the test (%)": by_loss[loss].summary["ua"]}
    for place, side in enumerate(("train", "test")):
        rows = (everything.table["side"] == side).to_numpy()
        fused, known = everything.vectors("fused")[rows], everything.table[rows]
        drawn = project(fused, "tsne", seed=SEED, metric="cosine")
        ax = axes[2 * number + place]
        emotion_map(drawn.points, known, ax, title=f"{loss}, {side}", legend=number + place == 2)
        scores[loss][f"silhouette, {side}"] = silhouette(fused, known["emotion"], metric="cosine")
        ax.set_xlabel(f"silhouette {scores[loss][f'silhouette, {side}']:.2f}")
plt.show()
pd.DataFrame(scores).T.round(2)

# %% [markdown]
# **What we saw.** Both losses pull the emotions apart where they have *learnt* them; on test utterances neither does at
# this size. Had we shown the first and the third map only, this section would look like a success, twice. What APFL
# gains on real speech is measured in chapter 05, with intervals.
#
# ## 7 Where does noise push a point?
#
# The network of chapter 03 has two encoders: one for the emotion and one for the noise. The same utterances, clean and
# in five kinds of noise. Left what the emotion's encoder makes of them, right the noise's.

# %%
from sercourse.corpora.noisy import in_noise, parse

name = f"{CORPUS}+none+all@-12..12"
few = table.groupby(["speaker", "emotion"]).head(2) if PROFILE == "quick" else table
corpus = in_noise(few, parse(name)[1], workers=1, progress=False)
config = TrainingConfig("asp_mtl", name, "group-5", PROFILE, ("auxiliary=noise", "mask=true"), seed=SEED, fold=0)
against_noise = load_or_train(config, table=corpus, workers=1, progress=False)
encoders = linked_maps(
    {"the emotion's encoder": against_noise, "the noise's encoder": against_noise},
    layers={"the emotion's encoder": "main", "the noise's encoder": "auxiliary_states"},
    colour="noise",
    table=corpus,
    seed=SEED,
)
encoders

# %%
noisy = MapSource(against_noise, table=corpus, seed=SEED)
pd.DataFrame(
    {
        layer: {by: silhouette(noisy.vectors(layer), noisy.table[by]) for by in ("emotion", "noise")}
        for layer in ("main", "embedding", "auxiliary_states", "egemaps")
    }
).T.round(2)

# %% [markdown]
# `embedding` is the *shared* encoder, which the adversary wants to know nothing of the noise; `egemaps` the bare
# functionals. Colour the right map by noise, and pick one utterance: its six versions are near to each other on a map
# that knows the sentence, and far apart on one that knows the noise.
#
# ## 8 A map for others
#
# A talk, a web site, a pupil at home: they have no notebook. One command writes a page that holds points, sounds and
# spectrograms, and works from a disk without a network (`sercourse explore RUN --html map.html`). Recordings go in only
# where the licence of their corpus lets them.

# %%
from sercourse.explain.explore import explore

page = explore(with_it, table=part, seed=SEED).write(with_it.folder.parent / "map.html")
print(f"{page.name}, beside your runs: {page.stat().st_size / 1e6:.1f} MB")

# %% [markdown]
# ## 9 Your own voice
#
# Record yourself, and the networks of all five chapters answer. **They are teaching models, trained for a minute on
# synthetic voices**: what they say about you is about as good as guessing, and shows it. What you can learn: how the
# answer moves with noise, pitch and rate, and how sure a network is of nonsense.
#
# Set `VOICE = True` and run the cell; the first time the five are trained, which takes some minutes. Nothing is kept,
# and nothing leaves the machine that runs this notebook. Without a microphone (Binder and Colab may refuse one) upload a
# file. On your own machine, `sercourse app` in a terminal opens the same as a page, with noise, pitch and rate to turn.

# %%
VOICE = False

if VOICE:
    from sercourse.app.cell import voice_cell

    display(voice_cell())

# %% [markdown]
# ## Exercises
#
# Replace the line that raises `NotImplementedError`, run the cell, then the check below it. Solutions are in
# `notebooks/solutions/`.

# %% [markdown] tags=["exercise"]
# ### 1. Who is nearest?
#
# A map is two numbers; neighbours are found in the layer. For every utterance, find the nearest *other* one, and say how
# often it has the same label.
#
# *Hint:* squared distances `(N, N)` as in section 3; `np.fill_diagonal(d, np.inf)`, so that nobody finds himself; then
# `argmin(1)`.


# %% tags=["exercise"]
def nearest_agrees(vectors, labels):
    """Share (0 to 1) of the rows of ``vectors`` (N, D) whose nearest other row has the same of ``labels`` (N,)."""
    ### BEGIN SOLUTION
    labels = np.asarray(labels)
    d = ((vectors[:, None] - vectors[None]) ** 2).sum(-1)
    np.fill_diagonal(d, np.inf)
    return float((labels[d.argmin(1)] == labels).mean())
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_1():
    from sklearn.neighbors import NearestNeighbors

    rows = np.array([[0.0, 0], [1, 0], [10, 0], [12, 0]])
    value = nearest_agrees(rows, ["a", "a", "b", "b"])
    assert value is not None, "the function returns nothing; end it with `return …`"
    assert value == 1, "two pairs, each of one label: everybody's nearest agrees"
    assert nearest_agrees(rows, ["a", "b", "a", "b"]) == 0, "each one's nearest has the other label"
    assert nearest_agrees(rows, ["a", "a", "a", "b"]) == 0.5, "a share of 0 to 1, not a count"
    random = np.random.default_rng(3).standard_normal((60, 5))
    labels = np.random.default_rng(4).choice(["x", "y", "z"], 60)
    nearest = NearestNeighbors(n_neighbors=2).fit(random).kneighbors(return_distance=False)[:, 0]
    assert np.isclose(nearest_agrees(random, labels), (labels[nearest] == labels).mean()), "the nearest other row"


# %% [markdown] tags=["exercise"]
# ### 2. Torn apart
#
# Trustworthiness punishes intruders. Its mirror, **continuity**, punishes the opposite: true neighbours who were torn
# apart on the map. Write it.
#
# *Hint:* there is one line to write. What does `trustworthiness(a, b)` say if the map is the truth and the truth the
# map?


# %% tags=["exercise"]
def continuity(vectors, points, k):
    """1: all ``k`` true neighbours in ``vectors`` (N, D) are neighbours on the map ``points`` (N, 2)."""
    ### BEGIN SOLUTION
    return trustworthiness(points, vectors, n_neighbors=k)
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_2():
    line = np.sort(np.random.default_rng(0).uniform(size=30))[:, None] * [1.0, 0.0]
    torn = line.copy()
    torn[15:] += [0.0, 5.0]  # the second half is moved away: neighbours at the tear lose each other
    value = continuity(line, torn, 3)
    assert value is not None, "the function returns nothing; end it with `return …`"
    assert continuity(line, line, 3) == 1, "nothing is torn: 1"
    assert value < 1, "neighbours were torn apart"
    ring = np.stack([np.cos(np.arange(30) / 30 * 2 * np.pi), np.sin(np.arange(30) / 30 * 2 * np.pi)], axis=1)
    folded = np.stack([np.abs(ring[:, 1]), 0 * ring[:, 1]], axis=1) + ring * 1e-3  # far sides meet, few are torn
    assert continuity(ring, folded, 3) > trustworthiness(ring, folded, n_neighbors=3), (
        "a fold brings strangers together: intruders cost trustworthiness, hardly continuity"
    )


# %% [markdown] tags=["exercise"]
# ### 3. The same map twice?
#
# Another seed, another map: turned, mirrored, islands elsewhere. What should stay are the neighbours. Write the mean
# share of the $k$ neighbours that a point has on both maps.
#
# *Hint:* `argsort` of the distances gives the order; column 0 is the point itself, so take `[:, 1 : k + 1]`.
# `np.intersect1d` counts what two rows share.


# %% tags=["exercise"]
def shared_neighbours(first, second, k):
    """Mean share (0 to 1) of the ``k`` nearest points that two maps ``(N, 2)`` have in common, point by point."""
    ### BEGIN SOLUTION
    near = []
    for points in (first, second):
        d = ((points[:, None] - points[None]) ** 2).sum(-1)
        near.append(d.argsort(1)[:, 1 : k + 1])
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(*near)]))
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_3():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((200, 2))
    turned = points @ np.array([[0.0, -1.0], [1.0, 0.0]]) * 3 + 7
    value = shared_neighbours(points, turned, 10)
    assert value is not None, "the function returns nothing; end it with `return …`"
    assert value == 1, "turned, stretched and moved: the neighbours are the same"
    chance = shared_neighbours(points, rng.standard_normal((200, 2)), 10)
    assert 0.02 < chance < 0.09, "two unrelated maps of 200 points share 10 / 199 = .05 by chance"
    swapped = points.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    assert 0.9 < shared_neighbours(points, swapped, 10) < 1, "two points changed places: a little less than 1"


# %% [markdown] tags=["exercise"]
# ### 4. The closest strangers
#
# Which two utterances of *different* emotion are closest in a layer? They are worth hearing. Return their two rows.
#
# *Hint:* set the distance of all pairs with the same emotion to infinity; `np.unravel_index(d.argmin(), d.shape)`.


# %% tags=["exercise"]
def closest_strangers(vectors, emotions):
    """Rows (i, j), i < j, of the nearest pair of ``vectors`` (N, D) with different ``emotions`` (N,)."""
    ### BEGIN SOLUTION
    emotions = np.asarray(emotions)
    d = ((vectors[:, None] - vectors[None]) ** 2).sum(-1)
    d[emotions[:, None] == emotions[None]] = np.inf
    i, j = np.unravel_index(d.argmin(), d.shape)
    return int(min(i, j)), int(max(i, j))
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_4():
    rows = np.array([[0.0], [0.1], [5.0], [5.5], [20.0]])
    value = closest_strangers(rows, ["a", "a", "b", "a", "b"])
    assert value is not None, "the function returns nothing; end it with `return …`"
    assert tuple(value) == (2, 3), "rows 0 and 1 are closer, but of one emotion; 2 and 3 are the closest strangers"
    assert tuple(closest_strangers(rows[::-1], ["b", "a", "b", "a", "a"])) == (1, 2), "the smaller row first"
    assert tuple(closest_strangers(rows, ["a", "b", "b", "b", "b"])) == (0, 1), "different emotions, nearest"


# %% [markdown]
# ## Quiz
#
# Choose before you open an answer.

# %% [markdown]
# **1.** On a t-SNE map two islands lie far apart. What do you know?
#
# - (a) their utterances are very different
# - (b) hardly any utterance has a neighbour on the other island
# - (c) a classifier will tell them apart on new speakers
#
# <details><summary>Answer</summary>
#
# **(b).** Neighbours are what t-SNE keeps. How far islands drift apart is left to chance and to the start (a). And (c)
# is a question about speakers who are not on the map.
#
# </details>

# %% [markdown]
# **2.** A paper shows the map of its last layer, with seven clean islands, on the utterances it was trained on. This shows
#
# - (a) that the network has fitted its training labels
# - (b) that the features are discriminative
# - (c) that t-SNE had a good seed
#
# <details><summary>Answer</summary>
#
# **(a).** The last layer is trained to be separable there; with enough parameters it is so for random labels. Ask for the test
# utterances of unseen speakers, and for a number.
#
# </details>

# %% [markdown]
# **3.** Your map has a trustworthiness of .97 and a silhouette by emotion of .02, by speaker of .4. Then
#
# - (a) the map is good and the layer knows emotion
# - (b) the map is faithful: to a layer that knows the speaker
# - (c) the map is wrong
#
# <details><summary>Answer</summary>
#
# **(b).** Trustworthiness is about the projection, the silhouette about the layer. A faithful map may show that there
# is nothing to see.
#
# </details>

# %% [markdown]
# **4.** You try perplexity 5, 10, 30 and 50 and show the map on which your method looks best. What is wrong?
#
# - (a) nothing, it is a hyper-parameter
# - (b) you chose it on what you show
# - (c) 30 is the right value
#
# <details><summary>Answer</summary>
#
# **(b).** It is a figure tuned on the test fold. Say the perplexity before, or show all four; and print a number from
# the layer itself beside it.
#
# </details>

# %% [markdown]
# ## Summary
#
# - **PCA** is a shadow: what is far apart in it is far apart. **t-SNE** and **UMAP** keep neighbours; sizes of islands
#   and distances between them say little.
# - **Perplexity** is how many neighbours count. Small ones draw clumps in noise.
# - **Trustworthiness** judges the projection, the **silhouette** the layer. Both are numbers; print them.
# - A map of *training* utterances shows what was fitted; a map of states that have *seen the label* shows the label
#   ([chapter 02](02_emotion_autoencoder.ipynb), section 9).
# - The best use of a map is to **find utterances to listen to**.
#
# This was the last chapter. What you have now: five methods, their losses and protocols, and the habit to ask for the
# interval. Take a corpus of your own (`csv:`), and begin with `sercourse baseline`.

# %% [markdown]
# ## References
#
# - L. van der Maaten, G. Hinton: Visualizing data using t-SNE. Journal of Machine Learning Research 9, 2008.
# - L. McInnes, J. Healy, J. Melville: UMAP: uniform manifold approximation and projection for dimension reduction.
#   [arXiv:1802.03426](https://arxiv.org/abs/1802.03426)
# - J. Venna, S. Kaski: Neighborhood preservation in nonlinear projection methods: an experimental study. ICANN 2001
#   (trustworthiness and continuity). [doi:10.1007/3-540-44668-0_68](https://doi.org/10.1007/3-540-44668-0_68)
# - P. Rousseeuw: Silhouettes: a graphical aid to the interpretation and validation of cluster analysis. Journal of
#   Computational and Applied Mathematics 20, 1987. [doi:10.1016/0377-0427(87)90125-7](https://doi.org/10.1016/0377-0427(87)90125-7)
# - M. Wattenberg, F. Viégas, I. Johnson: How to use t-SNE effectively. Distill, 2016.
#   [doi:10.23915/distill.00002](https://doi.org/10.23915/distill.00002)
# - F. Lekschas: Jupyter Scatter: interactive exploration of large-scale datasets. Journal of Open Source Software 9(101), 2024.
#   [doi:10.21105/joss.07059](https://doi.org/10.21105/joss.07059)
