"""A corpus in noise, by name: ``emodb+none+white@0+babble@-5``.

Every utterance of the corpus before the first ``+`` is there once under each condition: ``none`` (as it was recorded)
or a noise at an SNR in dB. The copies share ``recording``, so no protocol lets two of them stand on both sides of a
split. They are made at first use, in the cache folder, and are the same whenever they are made again.

Conditions: white, pink, brown, factory; babble (synthetic voices that nobody else has), chatter (babble of other voices
that say other sentences, for tests); recorded (everyday sounds from the folder ``noise`` of SERCOURSE_DATA), unseen
(other files of that folder, for tests on noise that training did not hear); ``all@0`` stands for white, pink, babble
and factory at 0 dB. ``white@-10..10`` draws an SNR between the two for
every utterance. ``telephone``, without an SNR, is no noise but one channel for all
(:mod:`sercourse.signal.channel`). Several corpora, separated by commas, each need their own conditions.

Source: Liu and Zhang, IEEE Access 2023, section IV A.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from filelock import FileLock
from joblib import Parallel, delayed
from scipy.signal import resample_poly

from sercourse.corpora.corpus_names import parts
from sercourse.errors import AudioError, CorpusError, did_you_mean, report_skipped
from sercourse.paths import cache_dir, data_dir
from sercourse.progress import progress_bar
from sercourse.signal import channel
from sercourse.signal.audio import SAMPLE_RATE, read_audio
from sercourse.signal.noise import NOISES, babble, list_noises, mix, recorded

VERSION = 2
"""Goes up whenever the same name would give other audio."""

PRINTED: tuple[str, ...] = ("white", "pink", "babble", "factory")
"""The four noises of the paper; ``all`` stands for them."""

VOICES: dict[str, tuple[int, tuple[tuple[str, int, int], ...]]] = {
    "babble": (1, (("high", 5, 6), ("low", 6, 5))),
    "chatter": (2, (("high", 10, 11), ("low", 11, 10))),
}
"""Noises of voices: seed of the synthetic utterances, and how they are played, by ``resample_poly``'s up and down: 20 %
faster and 17 % slower, or 10 % faster and 9 % slower. So they belong to no speaker of any corpus, and not to each
other's."""

KINDS: tuple[str, ...] = (*NOISES, *VOICES, "recorded", "unseen")

WITHOUT_SNR: tuple[str, ...] = ("none", "telephone")
"""Conditions that are no noise at a level: as recorded, and :func:`sercourse.signal.channel.telephone`."""

SNR_RANGE = (-40.0, 60.0)
"""dB; beyond, one of the two signals is gone from 16 bits."""

_NAME = re.compile(r"(?P<base>.+?)(?P<conditions>(\+[a-z]+(@[+-]?[^+@]*)?)+)")
_CONDITION = re.compile(r"\+([a-z]+)(?:(@)([+-]?[^+@]*))?")


@dataclass(frozen=True)
class Condition:
    """A noise at a level; or, without a level, one of :data:`WITHOUT_SNR`."""

    kind: str
    low_db: float = np.inf
    high_db: float = np.inf
    """The SNR is drawn between these two; equal for an SNR that is given."""

    @property
    def label(self) -> str:
        """As in the corpus's name: ``white@-5`` or ``white@-10..10``."""
        if self.kind in WITHOUT_SNR:
            return self.kind
        return f"{self.kind}@{self.low_db:g}" + (f"..{self.high_db:g}" if self.high_db > self.low_db else "")


def parse(name: str) -> tuple[str, tuple[Condition, ...]] | None:
    """Corpus and conditions of a name; ``None`` for a name without conditions.

    Raises:
        CorpusError: an unknown noise, an SNR that is no number or out of range, a condition named twice.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    conditions: list[Condition] = []
    for kind, at, level in _CONDITION.findall(found["conditions"]):
        text = f"{kind}{at}{level}"
        if kind in WITHOUT_SNR:
            if at:
                raise CorpusError(f"{name}: '{kind}' takes no SNR; write {kind}, or name a noise: white{at}{level}.")
            conditions.append(Condition(kind))
            continue
        if kind not in (*KINDS, "all"):
            known = (*WITHOUT_SNR, *KINDS, "all")
            listed, hint = ", ".join(known), did_you_mean(kind, known)
            raise CorpusError(f"{name}: no such noise '{kind}'; choose among {listed}.{hint}")
        levels = _levels(name, text, level)
        conditions += [Condition(each, *levels) for each in (PRINTED if kind == "all" else (kind,))]
    if len(set(conditions)) != len(conditions):
        raise CorpusError(f"{name}: names a condition twice; name each once.")
    return found["base"], tuple(conditions)


def _levels(name: str, text: str, level: str) -> tuple[float, float]:
    """Lowest and highest SNR of ``-5`` or ``-10..10``, dB."""
    low, dots, high = level.partition("..")
    try:
        levels = float(low), float(high if dots else low)
    except ValueError:
        raise CorpusError(f"{name}: '{text}' needs an SNR in dB behind the @, such as white@-5.") from None
    if not SNR_RANGE[0] <= levels[0] <= levels[1] <= SNR_RANGE[1]:
        bounds = f"from {SNR_RANGE[0]:g} to {SNR_RANGE[1]:g}"
        raise CorpusError(f"{name}: an SNR of {level} dB; choose one {bounds}, the lower one first.")
    return levels


def in_noise(
    table: pd.DataFrame, conditions: tuple[Condition, ...], *, seed: int = 0, workers: int = -1, progress: bool = True
) -> pd.DataFrame:
    """Utterances under each condition.

    Args:
        table: the utterance table.
        conditions: see :func:`parse`.
        seed: of the noises.
        workers: threads; -1: one per core.
        progress: show a progress bar.

    Returns:
        A table of ``len(conditions)`` rows per utterance, ids ``<utterance_id>~<condition>``; ``noise`` is the kind.
        Further columns: ``snr_db``, ``clean`` (id of the utterance in ``table``), ``gain`` (what the clean speech in
        the mixture was multiplied with; 1 for the telephone, behind which no multiple of it is left).

    Raises:
        UserError: a file is not there, more than a few utterances cannot be mixed (silent ones, say), no recorded
            noises, a full disk.
    """
    parts, skipped = [], {}
    for condition in conditions:
        part = table.assign(clean=table.index.astype("string"), snr_db=np.inf, gain=1.0)
        if condition.kind != "none":
            paths, levels = _mixtures(table, condition, seed, workers, progress)
            skipped |= {i: why for i, why in zip(table.index, levels.pop("unusable"), strict=True) if why}
            part = part.assign(path=paths, start=0.0, end=np.nan, noise=condition.kind, **levels)
        part.index = pd.Index(part.index + "~" + condition.label, name="utterance_id", dtype="string")
        parts.append(part.astype({"path": "string", "noise": "string"}))
    report_skipped("noise", skipped, len(table))
    noisy = pd.concat(parts).sort_index()
    return noisy[~noisy["clean"].isin(skipped)].astype({"gain": float, "snr_db": float})


def _mixtures(
    table: pd.DataFrame, condition: Condition, seed: int, workers: int, progress: bool
) -> tuple[list[str], dict[str, list]]:
    """Files of all utterances under one condition, made where they are not there; their ``gain``, ``snr_db`` and, where
    an utterance cannot be used, the sentence that says why."""
    rows = list(zip(table.index.astype(str), table["path"], table["start"], table["end"], strict=True))
    stamps = [(i, *_stamp(path), start, end) for i, path, start, end in rows]
    told = json.dumps([VERSION, seed, condition.label, stamps, _sources(condition.kind)])
    folder = cache_dir() / "noisy" / condition.label / hashlib.sha256(told.encode()).hexdigest()[:16]
    paths = [str(folder / f"{number:05d}.flac") for number in range(len(rows))]
    index = folder / "levels.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            levels = json.loads(index.read_text("utf-8")) if index.exists() else None
            if levels is None or not all(_made(*one) for one in zip(paths, levels["unusable"], strict=True)):
                jobs = (delayed(_mixture)(*row, path, condition, seed) for row, path in zip(rows, paths, strict=True))
                done = Parallel(n_jobs=workers, prefer="threads", return_as="generator")(jobs)
                with progress_bar(progress) as bar:
                    mixed = list(bar.track(done, total=len(rows), description=condition.label))
                levels = dict(zip(("gain", "snr_db", "unusable"), map(list, zip(*mixed, strict=True)), strict=True))
                partial = index.with_suffix(".partial")
                partial.write_text(json.dumps(levels), encoding="utf-8")
                partial.replace(index)
            return paths, levels
    except (OSError, soundfile.LibsndfileError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise CorpusError(f"{folder}: cannot be written ({why}); free space or set SERCOURSE_CACHE.") from None


def _made(path: str, unusable: str | None) -> bool:
    """Whether nothing is left to do for an utterance."""
    return bool(unusable) or Path(path).exists()


def _stamp(path: str) -> tuple[int, int]:
    """Size and time of change of a file.

    Raises:
        CorpusError: it is not there.
    """
    try:
        status = Path(path).stat()
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}); check the path.") from None
    return status.st_size, status.st_mtime_ns


def _sources(kind: str) -> list[tuple[str, int, int]] | list[int]:
    """What a recorded noise is drawn from, or the version of a channel; nothing for a noise that is made."""
    if kind == "telephone":
        return [channel.VERSION]
    return [(file.name, *_stamp(str(file))) for file in recordings(kind)] if kind in ("recorded", "unseen") else []


def _mixture(
    utterance_id: str, path: str, start: float, end: float, target: str, condition: Condition, seed: int
) -> tuple[float | None, float | None, str | None]:
    """Write one utterance in noise; the gain that kept it from clipping, its SNR in dB, and why it cannot be used."""
    rng = np.random.default_rng([seed, zlib.crc32(utterance_id.encode()), zlib.crc32(condition.label.encode())])
    try:
        speech = read_audio(path, start=start, end=None if np.isnan(end) else end)
        if condition.kind == "telephone":
            noisy, gain, snr_db = channel.telephone(speech, rng), 1.0, channel.SNR_DB
        else:
            snr_db = rng.uniform(condition.low_db, condition.high_db)
            mixed = mix(speech, make_noise(condition.kind, len(speech), rng), snr_db, over="whole")
            noisy, gain = mixed.noisy, mixed.gain
    except AudioError as error:
        return None, None, f"{path}: cannot be mixed with noise: {str(error).removeprefix(f'{path}: ')}"
    soundfile.write(target, noisy, SAMPLE_RATE, subtype="PCM_16")
    return gain, snr_db, None


def make_noise(kind: str, n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """A noise by the name of its kind, float32 ``(T,)``, at a root mean square of 1.

    Raises:
        CorpusError: recorded noises are asked for and there are none.
    """
    if kind in NOISES:
        return NOISES[kind](n_samples, rng)
    if kind in VOICES:
        return babble(n_samples, _voices(kind), rng, exclude=())
    files = recordings(kind)
    return recorded(n_samples, files[rng.integers(len(files))], rng)


def recordings(kind: str) -> list[Path]:
    """Everyday sounds for ``recorded`` or ``unseen``: a digest of a file's name says which, so that another file in the
    folder moves none of the others.

    Raises:
        CorpusError: no folder, or no file for this kind in it.
    """
    data = data_dir()
    folder = Path(data or "") / "noise"
    if data is None or not folder.is_dir():
        raise CorpusError(
            f"{kind}: no folder 'noise' under SERCOURSE_DATA; put recordings named CLASS-NUMBER.flac there, or take"
            f" {', '.join(PRINTED)}."
        )
    files = [file for file in list_noises(folder) if zlib.crc32(file.stem.encode()) % 2 == (kind == "unseen")]
    if not files:
        raise CorpusError(f"{kind}: none of the recordings in {folder} is for this; put more of them there.")
    return files


def in_conditions(corpus: str, conditions: str) -> str:
    """The name of a corpus, or of several with commas, under conditions such as ``+none+white@0``.

    Raises:
        CorpusError: it names conditions itself.
    """
    names = parts(corpus)
    for part in names:
        if parse(part) is not None:
            raise CorpusError(f"{part}: names conditions; name the corpus alone, for {conditions} is added here.")
    return ",".join(part + conditions for part in names)


@lru_cache(maxsize=len(VOICES))
def _voices(kind: str) -> dict[str, list[np.ndarray]]:
    """Speaker to waveforms, as :data:`VOICES` has it."""
    from sercourse.corpora import synthetic  # here, for it starts espeak-ng

    seed, played = VOICES[kind]
    folder = cache_dir() / f"{kind}_voices"
    synthetic.make(folder, utterances=70, seed=seed, progress=False)
    voices: dict[str, list[np.ndarray]] = {}
    for _, row in synthetic.load(folder, utterances=70, seed=seed).iterrows():
        wave = read_audio(row["path"])
        for name, up, down in played:
            voices.setdefault(f"{row['speaker']}-{name}", []).append(resample_poly(wave, up, down).astype(np.float32))
    return voices
