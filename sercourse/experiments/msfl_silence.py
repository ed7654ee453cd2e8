"""Chapter 06: how well is a language found where nobody speaks?

Where each language comes from one corpus, language and corpus are the same variable. A linear machine hears nothing but
what lies before, between and after the speech of an utterance; what it still finds is the microphone, the room and the
level, and a network that learns the language as a second task may live on these. The same from the speech alone, and
both once more after every recording went through one channel (:mod:`sercourse.signal.channel`).

How much silence there is tells a corpus, too: a second before and after each sentence, or a tenth of one. It is heard
in the spread, which over few frames is smaller than over many. So everything is measured on all of it and on 50 ms.

Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
from rich.table import Table

from sercourse import corpora
from sercourse.corpora.noisy import in_conditions
from sercourse.errors import UserError
from sercourse.evaluation.metrics import ua, wa
from sercourse.experiments.cells import Bench
from sercourse.experiments.msfl import control
from sercourse.features.spectral import LogMel
from sercourse.progress import progress_bar
from sercourse.signal.audio import SAMPLE_RATE, read_audio
from sercourse.signal.endpoint import runs, speech_mask
from sercourse.signal.framing import frame_count, samples
from sercourse.training.baseline import predict_all
from sercourse.training.protocols import Protocol, make_protocol
from sercourse.training.summary import summarise

CORPUS = "emodb=four,ravdess=four,nemo=four"

PROTOCOL = "group-5"

MIN_SECONDS = 0.05
"""Of silence, and of speech, in one stretch: an utterance with less of either is left out."""

AMOUNTS, CHANNELS, PARTS = ("all", f"{1000 * MIN_SECONDS:g} ms"), ("as recorded", "telephone"), ("silence", "speech")
"""All of it, or the middle of the longest stretch."""

KEPT = ("wa", "ua", "wa_sd", "ua_sd", "wa_interval", "ua_interval", "n_test")

LOG_MEL = LogMel()


def silence(bench: Bench, *, name: str = "silence", protocol: str = PROTOCOL) -> dict:
    """The language from silence alone and from speech alone, as recorded and over the telephone; speakers apart.

    Speech is found in the recording and holds for its copy over the telephone too, sample by sample, so all rows stand
    on the same utterances and both channels on the same stretches. A recording with a loud floor of its own hides the
    ends of its words in it, and they count as silence: some of what is found is speech.

    Args:
        bench: how to measure; of it corpus (``None``: :data:`CORPUS`), seed and console are heeded.
        name: of the artifact.
        protocol: of all rows.

    Returns:
        ``rows``: for each of :data:`AMOUNTS`, :data:`CHANNELS` and :data:`PARTS` the figures :data:`KEPT` over
        languages, ``recall`` of each language (percent) and ``confusion``. ``majority``: WA and UA of naming the
        language that is the most frequent in training. ``utterances``: per language how many there are, how many of
        them were ``left_out``, and the median seconds of silence in the others, ``silence_seconds``.

    Raises:
        UserError: a corpus with conditions of noise, fewer than two languages, too few speakers.
    """
    corpus = bench.corpus or CORPUS
    table = corpora.load(corpus)
    if "clean" in table:
        raise UserError(f"{corpus}: silence is measured as it was recorded; name the corpora without conditions.")
    table = table[table["language"].notna()]
    _check_languages(corpus, table, "")
    copies = corpora.load(in_conditions(corpus, "+telephone"))
    told, seconds = _statistics(table, copies, bench.console is not None)
    heard = table.loc[seconds.index]
    _check_languages(corpus, heard, f" with {MIN_SECONDS:g} s of silence and of speech")
    judged = heard.assign(emotion=heard["language"])  # what machines and protocols call the emotion is the language
    folds = make_protocol(protocol, judged, seed=bench.seed)
    rows = [
        dict(zip(("amount", "channel", "part"), row, strict=True)) | _figures(features, judged, folds, bench.seed)
        for row, features in told.items()
    ]
    majority = predict_all(next(iter(told.values())), judged, [folds], "majority")
    found = {
        "artifact": f"msfl/{name}",
        "corpus": corpus,
        "features": "mean and standard deviation of log-mel",
        "classifier": "linear",
        "protocol": protocol,
        "protocol_line": folds.describe(),
        "seed": bench.seed,
        "min_seconds": MIN_SECONDS,
        "rows": rows,
        "majority": {metric.__name__: metric(majority["emotion"], majority["predicted"]) for metric in (wa, ua)},
        "utterances": _counted(table["language"], heard["language"], seconds),
    }
    _show(bench, found)
    return found


def silence_one_synthesiser(bench: Bench) -> dict:
    """The control: :func:`silence` where neither a voice nor a room tells the languages apart."""
    bench, protocol = control(bench)
    return silence(bench, name="silence_one_synthesiser", protocol=protocol)


def frames_within(mask: np.ndarray) -> np.ndarray:
    """Frames of log-mel of which every sample lies where a mask is true.

    A frame over a border would carry the edge of the other part, one over an end the zeros beyond it.

    Args:
        mask: shape ``(T,)``.

    Returns:
        Shape ``(1 + T // hop,)``, as log-mel has frames.
    """
    length, hop = samples(LOG_MEL.window_seconds), samples(LOG_MEL.hop_seconds)
    padded = np.pad(mask, length // 2)  # false beyond the ends
    return np.lib.stride_tricks.sliding_window_view(padded, length)[::hop].all(axis=1)


def longest_stretch(flags: np.ndarray) -> tuple[int, int]:
    """First frame and the frame after the last of the longest run of true ones; ``(0, 0)`` where there is none."""
    return max(runs(flags), key=lambda run: run[1] - run[0], default=(0, 0))


def _check_languages(corpus: str, table: pd.DataFrame, remaining: str) -> None:
    languages = sorted(table["language"].unique())
    if len(languages) < 2:
        named = f"one language only ({languages[0]})" if languages else "no language"
        raise UserError(f"{corpus}: has utterances{remaining} in {named}, and two are needed; add a corpus.")


def _statistics(
    table: pd.DataFrame, telephone: pd.DataFrame, progress: bool
) -> tuple[dict[tuple[str, str, str], pd.DataFrame], pd.Series]:
    """Mean and standard deviation of log-mel by amount, channel and part, ``(utterances, 2F)`` each; and the seconds of
    silence of the same utterances."""
    told: dict[tuple[str, str, str], dict[str, np.ndarray]] = {key: {} for key in product(AMOUNTS, CHANNELS, PARTS)}
    seconds: dict[str, float] = {}
    few = frame_count(samples(MIN_SECONDS), LOG_MEL.window_seconds, LOG_MEL.hop_seconds)
    copies = telephone[telephone["clean"].isin(table.index)]
    with progress_bar(progress) as bar:
        for _, copy in bar.track(copies.iterrows(), total=len(copies), description="silence"):
            row = table.loc[copy["clean"]]
            recorded = read_audio(row["path"], row["start"], row["end"])
            speech = speech_mask(recorded)
            within = {"silence": frames_within(~speech), "speech": frames_within(speech)}
            longest = {part: longest_stretch(flags) for part, flags in within.items()}
            if min(end - first for first, end in longest.values()) < few:
                continue
            seconds[copy["clean"]] = float((~speech).sum() / SAMPLE_RATE)
            for channel, waveform in zip(CHANNELS, (recorded, read_audio(copy["path"])), strict=True):
                levels = LOG_MEL.compute(waveform)  # (T_frames, F)
                for part in PARTS:
                    begin = (sum(longest[part]) - few) // 2
                    for amount, some in zip(AMOUNTS, (within[part], slice(begin, begin + few)), strict=True):
                        told[amount, channel, part][copy["clean"]] = _mean_and_sd(levels[some])
    columns = [f"{kind} {band}" for kind in ("mean", "sd") for band in LOG_MEL.columns]
    frames = {key: pd.DataFrame.from_dict(rows, orient="index", columns=columns) for key, rows in told.items()}
    return frames, pd.Series(seconds, dtype=float)


def _mean_and_sd(levels: np.ndarray) -> np.ndarray:
    """Over frames: ``(T_frames, F)`` to ``(2F,)``."""
    return np.concatenate([levels.mean(axis=0), levels.std(axis=0)])


def _figures(features: pd.DataFrame, judged: pd.DataFrame, folds: Protocol, seed: int) -> dict:
    """What the linear machine reaches."""
    summary = summarise(predict_all(features, judged, [folds], "linear", probabilities=False), seed=seed)
    confusion = {"languages": summary["confusion"]["emotions"], "counts": summary["confusion"]["counts"]}
    recall = {language: figures["recall"] for language, figures in summary["per_class"].items()}
    return {name: summary[name] for name in KEPT} | {"recall": recall, "confusion": confusion}


def _counted(there: pd.Series, heard: pd.Series, seconds: pd.Series) -> dict[str, dict[str, float | int | None]]:
    counted = {}
    for language, count in there.value_counts().sort_index().items():
        kept = seconds[(heard == language).to_numpy()]
        median = float(kept.median()) if len(kept) else None
        counted[language] = {"utterances": int(count), "left_out": int(count) - len(kept), "silence_seconds": median}
    return counted


def _show(bench: Bench, found: dict) -> None:
    if bench.console is None:
        return
    bench.say(f"{found['corpus']}: the language, by {found['features']}; {found['protocol_line']}")
    table = Table("of it", "channel", "from", "WA", "95 % of WA", "UA", "95 % of UA", box=None, pad_edge=False)
    for row in found["rows"]:
        told = [(f"{row[m]:.1f}", "{low:.1f} to {high:.1f}".format(**row[f"{m}_interval"])) for m in ("wa", "ua")]
        table.add_row(row["amount"], row["channel"], row["part"], *told[0], *told[1])
    table.add_row("", "", "majority", f"{found['majority']['wa']:.1f}", "", f"{found['majority']['ua']:.1f}", "")
    bench.console.print(table)
    counts = ", ".join(f"{name} {n['left_out']} of {n['utterances']}" for name, n in found["utterances"].items())
    bench.say(f"Left out for less than {MIN_SECONDS:g} s of silence or of speech in one stretch: {counts}.")
