# %% [markdown] tags=["title"]
# # 00 Start here
#
# {{badges}}
#
# This course teaches machines to tell from a voice how something was said, and teaches you when to believe the
# machine. You begin with your own ears.
#
# **You will learn**
#
# - what "emotion in speech" is, and what a classifier can never hear;
# - to listen: seven emotions, three speakers, each always with the same words;
# - which questions to settle before you record or judge a human voice;
# - how the course is built, and that your set-up works.
#
# **You need** headphones or a loudspeaker, and a first acquaintance with Python.
#
# **Time** 15 minutes of reading · under a minute of computing on 2 CPU cores · no GPU

# %% [markdown]
# ## Set-up
#
# Choose *Run → Run All Cells* now: players and buttons wake up when their cells have been run.
#
# The first cell installs the library where it is missing (on Colab: a few minutes, once). The second one names the
# corpus; every chapter has such a cell. `synthetic` is made on the spot and needs no download.

# %% tags=["setup"]
import importlib.util
import subprocess

if importlib.util.find_spec("sercourse") is None:
    subprocess.run(["pip", "install", "-q", "git+https://github.com/{{repository}}"], check=True)

# %% tags=["setup", "parameters"]
CORPUS = "synthetic"  # or "emodb", "ravdess", "csv:mine.csv": any name that `sercourse corpora` lists
PROFILE = "quick"  # or "course", "paper": how long to compute; this chapter takes a minute in each
SEED = 0  # every random choice below starts from it

# %% tags=["setup"]
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML, Markdown, display

from sercourse import corpora, doctor
from sercourse.corpora.table import make_table
from sercourse.explain import plots
from sercourse.explain.exercise import check
from sercourse.explain.game import GuessingGame
from sercourse.explain.players import player, player_table
from sercourse.signal.audio import read_audio

plots.course_style()
table = corpora.load(CORPUS)
print(f"{len(table)} utterances, {table['speaker'].nunique()} speakers, {table['emotion'].nunique()} emotions")

# %% [markdown]
# ## Listen first
#
# Each column is one speaker who says **the same words** in every row. So what changes from row to row is not *what* is
# said but *how*: pitch, pace, loudness, the colour of the voice.
#
# Begin with `neutral`; then play `anger` and `sadness`. Then go along a row: does the next speaker show it in the same
# way?


# %%
def same_words(table, speaker):
    """One utterance per emotion of one speaker, all with the sentence that is there in most emotions."""
    spoken = table[table["speaker"] == speaker].dropna(subset=["emotion", "text"])
    sentence = spoken.groupby("text")["emotion"].nunique().idxmax()
    return spoken[spoken["text"] == sentence].drop_duplicates("emotion").set_index("emotion")


def sound(row):
    """The waveform of one row of the table, 16 kHz."""
    return read_audio(row["path"], row["start"], row["end"])


speakers = table.groupby(["language", "gender"])["speaker"].first().head(3)
takes = {speaker: same_words(table, speaker) for speaker in speakers}
headings = [f"{speaker.split('/')[1]} ({gender}, {language})" for (language, gender), speaker in speakers.items()]
rows = {
    emotion: [sound(take.loc[emotion]) if emotion in take.index else None for take in takes.values()]
    for emotion in sorted(table["emotion"].dropna().unique())
}
display(player_table(rows, headings, corner="emotion"))
display(Markdown("\n".join(f"- **{name}**: “{take['text'].iloc[0]}”" for name, take in zip(headings, takes.values()))))

# %% [markdown]
# **What we heard.** These voices are made by a computer from a handful of published rules: anger gets a higher and
# wider pitch and more power, sadness a low, narrow, soft and slow voice, fear a high and trembling one (Murray and
# Arnott 1993; Scherer 2003). Speakers differ in how strongly they follow the rules, as people do. Some pairs are easy
# to mix up, happiness and anger above all: both are lively. Remember which ones *you* confused; a classifier will
# confuse some of them too.

# %% [markdown]
# ## Felt, expressed, heard
#
# Between a feeling and a label lie three steps, and something may change at each:
#
# | step | whose | can we record it? |
# |---|---|---|
# | **felt** | the speaker's own state | no: only the speaker can report it, and not always well |
# | **expressed** | what the voice shows, shaped by body, habit, politeness, acting | yes: this is the recording |
# | **heard** | what a listener takes it for | yes: this is most labels |
#
# A label is never the feeling. It is what an actor was **asked to show** (EMO-DB, RAVDESS), or what a few listeners
# **agreed to hear** (IEMOCAP). A network that is trained on such labels learns to predict *how listeners would name
# the display*. That can be useful. It is not mind reading: a calm voice may hide despair, and a raised one may only
# fight the noise of a street.
#
# Three more choices are baked into every corpus:
#
# - **Categories or dimensions.** Seven drawers are handy, but nobody feels in drawers. The alternative places each
#   utterance on scales such as *valence* (unpleasant to pleasant) and *arousal* (calm to excited).
# - **Acted or spontaneous.** Actors give full, clean displays. Everyday speech is mostly near neutral, mixed, and
#   interrupted; results on acted speech overstate what will work there (Schuller et al. 2010).
# - **What was thrown away.** Listeners judged 816 sentences for EMO-DB (Burkhardt et al. 2005). The 535 that are
#   published are those which at least 80 % of them named right: the clear cases. On a corpus of clear cases every
#   method looks good.

# %%
places = {  # valence, arousal: a sketch after Russell (1980), not a measurement
    "anger": (-0.70, 0.62),
    "fear": (-0.50, 0.85),
    "disgust": (-0.75, 0.30),
    "sadness": (-0.75, -0.45),
    "boredom": (-0.55, -0.75),
    "neutral": (0.00, 0.00),
    "calm": (0.55, -0.65),
    "happiness": (0.78, 0.45),
    "surprise": (0.25, 0.85),
}
ax = plt.figure(figsize=(6, 4.2)).gca()
ax.axhline(0, color="grey", linewidth=0.8)
ax.axvline(0, color="grey", linewidth=0.8)
for emotion, (valence, arousal) in places.items():
    ax.plot(valence, arousal, "o", markersize=9, color=plots.EMOTION_COLOURS[emotion])
    ax.annotate(emotion, (valence, arousal), xytext=(8, 5), textcoords="offset points")
ax.set(xlabel="valence (no unit): unpleasant → pleasant", ylabel="arousal (no unit): calm → excited")
ax.set(xlim=(-1.1, 1.3), ylim=(-1.1, 1.1), xticks=[], yticks=[], title="Nine categories in two dimensions")
ax.grid(visible=False)

# %% [markdown]
# **What we saw.** Anger and fear lie close together, so two dimensions hardly tell them apart although they call for
# opposite reactions. Arousal is easier to hear than valence: it moves loudness and pitch, while valence hides in finer
# things. So emotions of similar *height* in this picture are easily mixed up, happiness with anger, sadness with boredom.
# This course works with categories because the five papers that it rebuilds do.

# %% [markdown]
# ## Now you are the classifier
#
# Play the utterance, press what you hear, repeat ten times. The wording is neutral throughout, and some sentences are
# in a language that you may not speak. Keep your score: in the next chapter a machine gets the same task.

# %%
wording = table["wording"] if "wording" in table else pd.Series("neutral", index=table.index)
playable = table[(wording == "neutral") & table["emotion"].notna()]
game = GuessingGame(playable, seed=SEED)
game

# %%
# The same game on paper, for readers without a running notebook.
puzzle = playable.sample(4, random_state=SEED)
still = "<br>".join(player(sound(row), label=f"{number}.").data for number, (_, row) in enumerate(puzzle.iterrows(), 1))
answers = ", ".join(f"{number}. {emotion}" for number, emotion in enumerate(puzzle["emotion"], 1))
HTML(f"{still}<details><summary>Which emotions were meant?</summary>{answers}</details>")

# %% [markdown]
# **What to expect.** People are not perfect judges either. Twenty listeners of the Danish DES corpus named 67 % of
# five acted emotions as they were meant (Engberg et al. 1997). And across cultures, vocal emotions are recognised
# better than by chance but less well than within one's own culture, the less the further the cultures lie apart
# (37 studies, Laukka and Elfenbein 2021). A listener's score *on the same recordings* is what a "98 % accurate" system should be
# compared with.

# %% [markdown]
# ## What a synthetic corpus can teach, and what it cannot
#
# | it can teach | it cannot teach |
# |---|---|
# | every step from waveform to table of results, offline, in seconds | anything about human emotion |
# | what a leak between train and test does to a score | how a method will score on real people |
# | to find a fault: here we know the rules that made the data | the richness of real voices, rooms and moods |
#
# Its rules are written down in `sercourse/corpora/synthetic/rules.py`. A classifier that does well on it has
# rediscovered those rules: **a number from this corpus is a number about the code, never about people.** For claims,
# bring a real corpus (below).

# %% [markdown]
# ## One table for every corpus
#
# Whatever the corpus, it is loaded as one table with **one row per utterance**. Everything later in the course starts
# from it: features, folds, networks, the explorer.

# %%
columns = ["emotion", "speaker", "gender", "language", "session", "text"]
table.sample(5, random_state=SEED)[columns]

# %% [markdown]
# Labels may be missing (`<NA>`). That is the normal case in multi-task learning: one corpus knows the words, another
# the gender, a third neither. A task that needs a missing label skips the row, and no row is thrown away. Only an id
# and a path are required:

# %%
mine = make_table(
    [
        {"utterance_id": "mine/001", "path": "001.wav", "emotion": "happiness", "speaker": "mine/anna"},
        {"utterance_id": "mine/002", "path": "002.wav", "language": "en", "text": "Nobody has labelled me yet."},
    ],
    source="my recordings",
)
mine[columns]

# %% [markdown]
# A value outside the vocabulary is refused in one sentence that names the row. Try `"emotion": "joy"` above.

# %% [markdown]
# ## Before you record or judge a human voice
#
# - **Consent.** A voice is personal data: it identifies a person and may give away health, origin and age. Ask before
#   you record, say what for and for how long, and make it easy to withdraw. A licence that lets you *use* a corpus does
#   not let you *pass it on*: `sercourse corpora NAME` shows what you may do.
# - **Culture and language.** How much is shown, and how, is learned. A system trained on ten German actors has learned
#   how ten German actors play.
# - **Gaps between people.** Systems work better for some groups than for others. A large comparison of speech encoders
#   found gaps between women and men that came less from the encoder than from how the emotions were spread over the
#   genders in the training data (Lin et al. 2024). Accent, age and illness change voices as well. So this course
#   reports results per gender and per speaker, never one average alone.
# - **Harm.** Being called "angry" by a machine has consequences in a job interview, at a border, on the phone. Ask who
#   bears the error, and whether that person could object.
#
# ### What the law says, by the example of the European Union
#
# > The AI Act, Regulation (EU) 2024/1689, calls an *emotion recognition system* one that identifies or infers people's
# > emotions or intentions from their biometric data (Article 3(39)); what is computed from a voice can be such data. It
# > treats these systems in three ways:
# >
# > - **Prohibited:** to place on the market, put into service or use AI systems that infer emotions of a person in the
# >   areas of **workplace and education institutions**, except for medical or safety reasons (Article 5(1)(f), since
# >   2 February 2025).
# > - **High-risk elsewhere,** as a rule: Annex III, point 1(c), with duties on risk management, data quality,
# >   documentation and human oversight. An amendment adopted in 2026 puts off the date from which these duties apply,
# >   from August 2026 to December 2027: look up the text in force.
# > - **Duty to inform:** whoever uses such a system must tell the people exposed to it, and data protection law applies
# >   besides (Article 50(3); it has narrow exceptions for law enforcement).
# >
# > The Act also gives its reason: expression varies across cultures, situations and even within one person, so such
# > systems have limited reliability, specificity and generality (recital 44). This is a summary for learners, not legal
# > advice; research and other countries have rules of their own.
#
# **In this course:** play, act and analyse published corpora and recordings that people made *for* this purpose. Do not
# point a model at classmates, colleagues or callers to learn how they feel.

# %% [markdown]
# ## Is your set-up ready?
#
# ✓ is as it should be, – is neither good nor bad, ✗ comes with the way out. In a terminal, `sercourse doctor` says the
# same and looks into your corpora as well.

# %%
MARKS = {True: "✓", None: "–", False: "✗"}
findings = [*doctor.check_machine(), doctor.check_data_dir()]
lines = [f"| {MARKS[f.ok]} | {f.topic} | {f.text.replace(str(Path.home()), '~')} |" for f in findings]
Markdown("\n".join(["| | what | found |", "|:-:|:--|:--|", *lines]))

# %% [markdown]
# ## The map of the course
#
# {{chapters}}
#
# Chapter 01 makes features and a first classifier, and shows how a score can lie. Chapters 02 to 06 rebuild one paper
# each, and report their number beside ours under the same protocol. Chapter 07 looks at what was learned.

# %% [markdown]
# ## How a chapter is built
#
# - **On top**: what you will learn, what you need, how long it takes.
# - **Build it, check it, use it**: the idea in the fewest honest lines of code; a check that it equals the library's
#   version; then work with the library. Each function of the library names the chapter that explains it.
# - **A widget** has a still picture under it, for readers without a running notebook.
# - **Exercises** have a stub to fill in and a check that answers `solved` or `not yet` with a hint. Solutions are kept
#   apart, in `notebooks/solutions/`.
# - **A quiz** whose answers explain, a summary, references.
#
# Three **profiles** run the same code with other numbers: `quick` (a minute on 2 CPU cores; all outputs that you see in
# the notebooks), `course` (a laptop, minutes per fold), `paper` (the paper's own sizes; a GPU).
#
# **Bring a real corpus.** Nothing else changes in a chapter than the line `CORPUS = …`:
#
# 1. `sercourse corpora` lists the corpora the course knows; `sercourse corpora emodb` tells licence, citation, traps
#    and how to get it.
# 2. Put it below one folder and set `SERCOURSE_DATA` to that folder, before you start JupyterLab.
# 3. `sercourse doctor` says whether it is complete and which files cannot be read.
#
# Your own recordings need a CSV file with the columns `path`, `emotion` and `speaker`: `CORPUS = "csv:mine.csv"`.

# %% [markdown]
# ## Exercises
#
# Replace the line that raises `NotImplementedError`, run the cell, then run the check below it. Nothing breaks
# while an exercise is open: *Run All* always reaches the end.

# %% [markdown] tags=["exercise"]
# ### 1. What does blind guessing get?
#
# Somebody presses the buttons of the game at random, each as often as the others. Which percentage is right in the long
# run? The game said it; now compute it from a table.
#
# *Hint:* how many different emotions are there in `table["emotion"]`? pandas has a method that counts them and
# leaves missing labels out.


# %% tags=["exercise"]
def chance_level(table):
    """Percent of labelled utterances that blind guessing gets right in the long run."""
    ### BEGIN SOLUTION
    return 100 / table["emotion"].nunique()
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
@check
def exercise_1():
    four = pd.DataFrame({"emotion": ["anger", "anger", "fear", "neutral", "sadness", None]})
    assert chance_level(four) is not None, "the function returns nothing; end it with `return …`"
    assert chance_level(four) > 1, "give percent (0 to 100), not a share (0 to 1)"
    assert chance_level(four) == 25, "four emotions to choose from should give 25; a missing label is no emotion"
    assert abs(chance_level(four.query("emotion != 'neutral'")) - 100 / 3) < 1e-9, "three emotions should give 33.3"


# %% [markdown] tags=["exercise"]
# ### 2. A lazier listener
#
# Somebody else always answers with the most frequent emotion, without listening. Which percentage of the labelled
# utterances is right then? Compute it for the 535 labels of the real EMO-DB, whose counts are given.
#
# *Hint:* `Series.value_counts()` counts each emotion, the most frequent first, and leaves missing labels out.


# %% tags=["exercise"]
def majority_level(table):
    """Percent of labelled utterances that have the most frequent emotion."""
    ### BEGIN SOLUTION
    counts = table["emotion"].value_counts()
    return 100 * counts.iloc[0] / counts.sum()
    ### END SOLUTION


# %% tags=["check", "nbval-check-output"]
EMODB = {"anger": 127, "boredom": 81, "disgust": 46, "fear": 69, "happiness": 71, "neutral": 79, "sadness": 62}


@check
def exercise_2():
    emodb = pd.DataFrame({"emotion": [emotion for emotion, count in EMODB.items() for _ in range(count)] + [None] * 65})
    result = majority_level(emodb)
    assert result is not None, "the function returns nothing; end it with `return …`"
    assert abs(result - 100 * 127 / 600) > 1e-9, "unlabelled rows do not count: divide by the labelled ones"
    assert result > 1, "give percent (0 to 100), not a share (0 to 1)"
    assert abs(result - 100 * 127 / 535) < 1e-9, "127 of the 535 labelled utterances are anger: 23.7 %"
    other = pd.DataFrame({"emotion": ["fear", "anger", "sadness", "sadness"]})
    assert majority_level(other) == 50, "find the most frequent emotion, do not take it to be anger"
    print("EMO-DB without listening: 23.7 %; blind guessing: 14.3 %")


# %% [markdown]
# So an accuracy of 24 % on EMO-DB needs no ears at all. That is why the course always gives a second number beside the
# share of right answers (WA, *weighted accuracy*): the mean over the emotions of the share that was found of each (UA,
# *unweighted accuracy*). The lazy listener gets 14.3 % UA.

# %% [markdown]
# ## Quiz
#
# Think first, then open the answer.

# %% [markdown]
# **1.** A network was trained on EMO-DB and says "sadness" for a voice message. What has it found out?
#
# <details><summary>Answer</summary>
#
# That the recording resembles those in which actors were asked to *play* sadness and listeners agreed. Whether the
# caller feels sad, is tired, has a cold or speaks another dialect was in no label, and so is not in the network.
#
# </details>

# %% [markdown]
# **2.** Two corpora have the same seven labels. One is acted, one was cut from talk shows. On which do you expect the
# higher accuracy, and is its system the better one?
#
# <details><summary>Answer</summary>
#
# On the acted one: full displays, clean rooms, and often only the clear cases were kept. The system is not better; its
# exam is easier. Accuracies from different corpora do not compare.
#
# </details>

# %% [markdown]
# **3.** A school in the European Union wants a system that infers from pupils' voices whether they are bored. May it?
#
# <details><summary>Answer</summary>
#
# No. Article 5(1)(f) of the AI Act prohibits inferring a person's emotions in education institutions except for medical
# or safety reasons, and watching over attention is neither. The article makes no exception for consent.
#
# </details>

# %% [markdown]
# **4.** On the synthetic corpus method A beats method B by ten points. What do you know about A and B on human voices?
#
# <details><summary>Answer</summary>
#
# Nothing yet. You know that the code runs and that A finds the rules of this corpus more easily. The comparison has to
# be repeated on real corpora, with folds that keep speakers apart; chapter 01 shows why.
#
# </details>

# %% [markdown]
# ## Summary
#
# - A classifier hears a **display** and predicts how listeners would **name** it. It does not read feelings.
# - Labels depend on who was asked, on acting, on culture, and on which recordings were kept.
# - In the EU, inferring emotions at work and in education is prohibited (medical and safety reasons apart), and
#   elsewhere it is regulated. Consent and fairness are part of the task, not decoration.
# - The synthetic corpus teaches the craft; only real corpora support claims.
# - Every corpus is one table with one row per utterance, and labels may be missing.
#
# Next: [01 Signal preprocessing](01_signal_preprocessing.ipynb), from waveform to a first classifier that can be
# trusted.

# %% [markdown]
# ## References
#
# - F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier, B. Weiss: A database of German emotional speech.
#   Interspeech 2005, 1517–1520. [doi:10.21437/Interspeech.2005-446](https://doi.org/10.21437/Interspeech.2005-446)
# - C. Busso et al.: IEMOCAP: interactive emotional dyadic motion capture database. Language Resources and Evaluation
#   42, 2008, 335–359. [doi:10.1007/s10579-008-9076-6](https://doi.org/10.1007/s10579-008-9076-6)
# - I. S. Engberg, A. V. Hansen, O. Andersen, P. Dalsgaard: Design, recording and verification of a Danish emotional
#   speech database. Eurospeech 1997, 1695–1698.
# - P. Laukka, H. A. Elfenbein: Cross-cultural emotion recognition and in-group advantage in vocal expression: a
#   meta-analysis. Emotion Review 13(1), 2021, 3–11. [doi:10.1177/1754073919897295](https://doi.org/10.1177/1754073919897295)
# - Y.-C. Lin, H. Wu, H.-C. Chou, C.-C. Lee, H. Lee: Emo-bias: a large scale evaluation of social bias on speech emotion
#   recognition. Interspeech 2024. [arXiv:2406.05065](https://arxiv.org/abs/2406.05065)
# - I. R. Murray, J. L. Arnott: Toward the simulation of emotion in synthetic speech. Journal of the Acoustical Society
#   of America 93, 1993, 1097–1108. [doi:10.1121/1.405558](https://doi.org/10.1121/1.405558)
# - J. A. Russell: A circumplex model of affect. Journal of Personality and Social Psychology 39(6), 1980, 1161–1178.
#   [doi:10.1037/h0077714](https://doi.org/10.1037/h0077714)
# - K. R. Scherer: Vocal communication of emotion: a review of research paradigms. Speech Communication 40, 2003,
#   227–256. [doi:10.1016/S0167-6393(02)00084-5](https://doi.org/10.1016/S0167-6393(02)00084-5)
# - B. Schuller et al.: Cross-corpus acoustic emotion recognition: variances and strategies. IEEE Transactions on
#   Affective Computing 1(2), 2010, 119–131. [doi:10.1109/T-AFFC.2010.8](https://doi.org/10.1109/T-AFFC.2010.8)
# - Regulation (EU) 2024/1689 (Artificial Intelligence Act), Articles 3(39), 5(1)(f), 50(3), Annex III, recital 44:
#   [eur-lex.europa.eu/eli/reg/2024/1689](https://eur-lex.europa.eu/eli/reg/2024/1689/oj)
