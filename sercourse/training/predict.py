"""``sercourse predict``: a trained run and some files to emotions with probabilities.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sercourse import corpora
from sercourse.errors import SilentAudio, UserError
from sercourse.features.extract import extract, feature_extractor
from sercourse.losses.ctc import collapsed
from sercourse.models.mtlser_config import SPEAKER, TEXT
from sercourse.models.multitask import MAIN, MultiTaskModel
from sercourse.progress import progress_bar
from sercourse.signal.audio import probe_audio, read_audio
from sercourse.training.backbones import memory_for
from sercourse.training.batches import Examples
from sercourse.training.checkpoints import load_checkpoint
from sercourse.training.crops import crop_table
from sercourse.training.devices import make_fabric
from sercourse.training.fit import FOLDS, WEIGHTS
from sercourse.training.loop import Evaluation, judge
from sercourse.training.recipes import Recipe, recipe
from sercourse.training.runs import read_run
from sercourse.training.settings import LoopConfig, Settings

AT_A_TIME = 16
"""Recordings that are judged together; the convolutions of chapter 04 need much memory for each."""


@dataclass(frozen=True)
class Network:
    """One trained network with what it takes to run it on recordings.

    Attributes:
        model: in evaluation mode, on the CPU.
        chapter: its recipe.
        settings: it was trained with.
    """

    model: MultiTaskModel
    chapter: Recipe
    settings: Settings

    @classmethod
    def load(cls, run: str | Path, fold: int = 0, *, repeat: int = 0, member: int = 0) -> Network:
        """See :func:`load_network`."""
        return cls.read(weights_of(run, fold, repeat, member))

    @classmethod
    def read(cls, path: Path) -> Network:
        """From a file of weights.

        Raises:
            UserError: the file is absent, damaged or holds another network.
        """
        tensors, about = load_checkpoint(path)
        try:
            chapter = recipe(about["chapter"])
            settings = next(iter(chapter.profiles.values())).from_json(about["settings"])
            with memory_for(f"{path}: a network too large for this machine's memory; close other programs."):
                model = chapter.empty_model(about["shape"], settings)
                model.load_state_dict(tensors)
        except (KeyError, RuntimeError, TypeError):
            raise UserError(f"{path}: holds no network that this version can read; train again.") from None
        return cls(model.eval(), chapter, settings)

    def probabilities(
        self, waveforms: Sequence[np.ndarray], features: dict[str, dict[str, np.ndarray]] | None = None
    ) -> np.ndarray:
        """Of the main task's classes, ``(N, C)``, 0 to 1.

        Args:
            waveforms: 16 kHz mono float32, ``(T,)`` each.
            features: those of these waveforms that were computed before; filled with the others.
        """
        return self.judged(waveforms, features).probabilities[MAIN]

    def judged(
        self, waveforms: Sequence[np.ndarray], features: dict[str, dict[str, np.ndarray]] | None = None
    ) -> Evaluation:
        """What all tasks say; arguments as in :meth:`probabilities`."""
        return self.judged_examples(*self.examples(waveforms, features))

    def judged_examples(self, examples: Examples, ids: Sequence[str]) -> Evaluation:
        """What all tasks say, with the precision that it was trained with; labels are not looked at.

        Args:
            examples: as :meth:`examples` or :meth:`examples_of` makes them.
            ids: of these examples, in the order of the answer.
        """
        fabric = make_fabric(LoopConfig(precision=self.settings.loop.precision))
        with memory_for("Too little memory to judge these recordings; close other programs or give fewer at a time."):
            return judge(fabric, fabric.setup(self.model), examples, list(ids), AT_A_TIME, labelled=False)

    def examples(
        self, waveforms: Sequence[np.ndarray], features: dict[str, dict[str, np.ndarray]] | None = None
    ) -> tuple[Examples, list[str]]:
        """Waveforms as the network takes them, and their ids; arguments as in :meth:`probabilities`."""
        names = [str(number) for number in range(len(waveforms))]
        features = {} if features is None else features
        for name in self.chapter.features(self.settings):
            if name not in features:
                features[name] = dict(zip(names, feature_extractor(name)(waveforms), strict=True))
        columns = [*self.model.classes, *self.chapter.reads]
        nothing_known = pd.DataFrame(dict.fromkeys(columns), index=pd.Index(names, dtype="string"))
        further = self.chapter.derived(features, nothing_known, self.settings)
        return self.chapter.examples(features | further, nothing_known, self.model.classes, self.settings), names

    def examples_of(
        self, table: pd.DataFrame, *, read: bool = True, progress: bool = False
    ) -> tuple[Examples, pd.DataFrame]:
        """Utterances of a table as the whole network takes them, and the rows of those with all features, in order.

        Args:
            table: the utterances.
            read: give it the columns that its chapter reads beside the audio, such as the transcript; False: they are
                unknown, as those of a recording are.
            progress: show bars where features have yet to be computed.
        """
        features = {name: extract(table, name, progress=progress) for name in self.chapter.features(self.settings)}
        table = table[[all(i in maps for maps in features.values()) for i in table.index]]
        unread = {} if read else {name: pd.Series(None, table.index, "string") for name in self.chapter.reads}
        given = table.assign(**unread)
        derived = self.chapter.derived(features, given, self.settings, progress=progress)
        examples = self.chapter.examples(features | derived, given, self.model.classes, self.settings)
        return getattr(examples, "unabridged", examples), table


def weights_of(run: str | Path, fold: int = 0, repeat: int = 0, member: int = 0) -> Path:
    """The file of one network's weights; the rest of what was written about the network lies beside it.

    Args:
        run: the run folder.
        fold: number of the fold, from 0, in the protocol's order.
        repeat: which drawing of the protocol, from 0.
        member: which network of the fold, from 0.
    """
    return Path(run) / FOLDS / f"{repeat}-{fold:02d}-{member}" / WEIGHTS


def utterances_of(config: Mapping) -> pd.DataFrame:
    """The utterances (or crops) that a run was about, loaded again.

    Args:
        config: of the run.

    Raises:
        CorpusError: its corpus is not here.
    """
    table = corpora.load(config["corpus"])
    return crop_table(table) if config.get("unit") == "crop" else table


def load_network(run: str | Path, fold: int = 0, *, repeat: int = 0, member: int = 0) -> MultiTaskModel:
    """One trained network of a run, in evaluation mode, on the CPU.

    Args: as :func:`weights_of`.

    Raises:
        UserError: no such run or fold, or damaged weights.
    """
    return Network.load(run, fold, repeat=repeat, member=member).model


def predict_files(files: Sequence[str | Path], run: str | Path, *, progress: bool = False) -> pd.DataFrame:
    """Emotions of recordings, by the mean probability over all networks of a run.

    Args:
        files: wav or flac, of any rate, number of channels and length.
        run: the folder of a finished training run.
        progress: show a progress bar over networks.

    Returns:
        A row per file: ``path, predicted`` and ``p_<emotion>`` (0 to 1); of networks that hear them also ``text`` (of
        the run's first network), ``speaker`` and ``speaker_probability``.

    Raises:
        UserError: an unreadable file, no such run, a run without weights (a baseline has none), damaged weights.
    """
    run = Path(run)
    weights = sorted((run / FOLDS).glob(f"*/{WEIGHTS}"))
    if not weights:
        reason = "holds no trained network" if run.is_dir() else "is no run folder"
        raise UserError(f"{run}: {reason}; name a folder that `sercourse train` wrote.")
    summary = read_run(run).summary
    if len(weights) != summary["networks"]:
        lost = f"{len(weights)} of {summary['networks']} networks are left"
        raise UserError(f"{run}: {lost}; run its `train` again with --resume.")
    if recipe(summary["chapter"]).chunk_seconds:
        return hear_files(files, weights, progress=progress)
    waveforms = [read_audio(path) for path in files]  # before anything is computed: a wrong path is said at once
    features: dict[str, dict[str, np.ndarray]] = {}
    total = 0.0
    with progress_bar(progress) as bar:
        for path in bar.track(weights, description="networks"):
            network = Network.read(path)
            total = total + network.probabilities(waveforms, features) / len(weights)  # (N, C)
    return named(files, total, network.model.classes[MAIN])


def hear_files(files: Sequence[str | Path], weights: Sequence[Path], *, progress: bool = False) -> pd.DataFrame:
    """:func:`predict_files` for networks that hear a recording piece by piece: memory does not grow with its length.

    Pieces are of equal length, at most the chapter's ``chunk_seconds``; a word that lies across a border is lost or
    heard twice. Each piece counts the same, and pieces of digital silence do not count.
    """
    durations = [probe_audio(path).duration for path in files]  # a wrong path is said at once
    totals: list[dict[str, pd.Series]] = [{} for _ in files]
    texts = [""] * len(files)
    with progress_bar(progress) as bar:
        for number, path in enumerate(bar.track(weights, description="networks")):
            network = Network.read(path)
            for position, (file, seconds) in enumerate(zip(files, durations, strict=True)):
                heard, text = _heard(network, file, seconds)
                for task, probabilities in heard.items():
                    earlier = totals[position].get(task, 0.0)
                    totals[position][task] = probabilities.add(earlier, fill_value=0.0)
                texts[position] = texts[position] if number else text
    emotions = network.model.classes[MAIN]
    told = named(files, np.stack([total[MAIN][emotions] for total in totals]) / len(weights), emotions)
    if TEXT in network.model.classes:
        told["text"] = texts
    if SPEAKER in network.model.classes:
        told["speaker"] = [total[SPEAKER].idxmax() for total in totals]
        told["speaker_probability"] = [float(total[SPEAKER].max()) / len(weights) for total in totals]
    return told


def _heard(network: Network, file: str | Path, seconds: float) -> tuple[dict[str, pd.Series], str]:
    """Mean probabilities of every task by class over a recording's pieces, and its text."""
    pieces = max(int(np.ceil(seconds / network.chapter.chunk_seconds)), 1)
    borders = np.linspace(0.0, seconds, pieces + 1)
    sums: dict[str, np.ndarray] = {}
    words, counted = [], 0
    for start, end in itertools.pairwise(borders):
        try:
            waveform = read_audio(file, start, end)
        except SilentAudio:
            continue
        judged = network.judged([waveform])
        counted += 1
        for task, probabilities in judged.probabilities.items():
            sums[task] = sums.get(task, 0.0) + probabilities[0]
        words += [collapsed(path[0], network.model.classes[task]) for task, path in judged.written.items()]
    if not counted:
        raise SilentAudio(f"{file}: silent throughout (all samples equal); leave the file out.")
    means = {task: pd.Series(total / counted, network.model.classes[task]) for task, total in sums.items()}
    return means, " ".join(" ".join(words).split())


def named(files: Sequence[str | Path], probabilities: np.ndarray, emotions: Sequence[str]) -> pd.DataFrame:
    """Probabilities ``(N, C)`` as the table of :func:`predict_files`."""
    frame = pd.DataFrame(probabilities, columns=[f"p_{emotion}" for emotion in emotions])
    frame.insert(0, "path", [str(path) for path in files])
    frame.insert(1, "predicted", np.array(emotions)[probabilities.argmax(1)])
    return frame
