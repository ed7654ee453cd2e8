"""What trained networks answer to one recording: emotion, whatever else they were taught, and where they look.

Nothing is remembered from one recording to the next: a waveform goes in, a frozen answer comes out.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sercourse.corpora.cards import card, card_names
from sercourse.corpora.corpus_names import base_name, parts
from sercourse.errors import UserError
from sercourse.explain.attention_time import TimeLine, attends, attention_of_network
from sercourse.losses.ctc import collapsed
from sercourse.models.multitask import MAIN
from sercourse.progress import progress_bar
from sercourse.signal.prosody_change import ONE_AT_A_TIME
from sercourse.training.calibrated import Calibration, calibration
from sercourse.training.first_runs import first_runs
from sercourse.training.predict import Network, weights_of
from sercourse.training.runs import Run, read_run

SAME_VOICES: tuple[str, ...] = ("kfold", "holdout")
"""Protocols whose test side has the voices of the training side."""


@dataclass(frozen=True)
class Answer:
    """What one network says about one recording.

    Attributes:
        name: the chapter; where several runs of it answer, with the run's folder.
        chapter: its name.
        tasks: of each task with classes, "emotion" among them, calibrated probabilities by class, 0 to 1.
        text: the transcript; ``None`` where the network writes none.
        attention: over time; ``None`` where the network has none.
        about: sentences on what it learnt and how good it is.
    """

    name: str
    chapter: str
    tasks: Mapping[str, Mapping[str, float]]
    text: str | None
    attention: TimeLine | None
    about: tuple[str, ...]

    @property
    def emotion(self) -> str:
        """The likeliest."""
        return max(self.tasks[MAIN], key=self.tasks[MAIN].get)


@dataclass(frozen=True, eq=False)
class Listener:
    """One trained network that answers.

    Attributes:
        name: see :class:`Answer`.
        network: the first of the run.
        calibration: of this network.
        about: see :class:`Answer`.
        synthetic: whether it learnt from synthetic speech alone.
    """

    name: str
    network: Network
    calibration: Calibration
    about: tuple[str, ...]
    synthetic: bool

    def answer(self, waveform: np.ndarray, features: dict[str, dict[str, np.ndarray]]) -> Answer:
        """Answer to ``waveform (T,)``; ``features`` are shared by the listeners of one recording, and filled."""
        network = self.network
        judged = network.judged([waveform], features)
        tasks = {
            task: dict(zip(network.model.classes[task], self.calibration.applied(task, one)[0].tolist(), strict=True))
            for task, one in judged.probabilities.items()
        }
        written = [collapsed(path[0], network.model.classes[task]) for task, path in judged.written.items()]
        attention = attention_of_network(network, waveform)[None] if attends(network) else None
        text = " ".join(" ".join(written).split()) if written else None
        return Answer(self.name, network.chapter.name, tasks, text, attention, self.about)

    def emotions(self, waveforms: Sequence[np.ndarray], features: dict[str, dict[str, np.ndarray]]) -> np.ndarray:
        """Calibrated probabilities ``(N, C)`` of the emotions; arguments as in :meth:`answer`."""
        return self.calibration.applied(MAIN, self.network.probabilities(waveforms, features))

    @property
    def classes(self) -> list[str]:
        """Its emotions."""
        return self.network.model.classes[MAIN]


@dataclass(frozen=True, eq=False)
class Networks:
    """The networks that answer.

    Attributes:
        listeners: one per run.
    """

    listeners: tuple[Listener, ...]

    @classmethod
    def load(cls, runs: Sequence[Run | str | Path] = (), *, progress: bool = False) -> Networks:
        """Read networks and calibrate them.

        Args:
            runs: finished runs or their folders; none: the first runs of all chapters, trained now where absent.
            progress: show plans and bars.

        Raises:
            UserError: no such run, or one without a network.
        """
        known = [run if isinstance(run, Run) else read_run(run) for run in runs]
        known = known or list(first_runs(progress=progress).values())
        chapters = [run.summary.get("chapter") for run in known]
        listeners = []
        with progress_bar(progress) as bar:
            for run in bar.track(known, description="calibrating"):
                chapter = run.summary.get("chapter")
                name = chapter if chapters.count(chapter) == 1 else f"{chapter} ({run.folder.name})"
                listeners.append(listener(run, name or run.folder.name))
        return cls(tuple(listeners))

    def answers(self, waveform: np.ndarray) -> tuple[Answer, ...]:
        """What every network says to ``waveform (T,)``, 16 kHz mono.

        Raises:
            AudioError: less than 0.1 s, or not finite.
        """
        features: dict[str, dict[str, np.ndarray]] = {}
        with ONE_AT_A_TIME:
            return tuple(one.answer(waveform, features) for one in self.listeners)

    def emotions(self, waveforms: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """Calibrated probabilities ``(N, C)`` of the emotions, per network."""
        features: dict[str, dict[str, np.ndarray]] = {}
        with ONE_AT_A_TIME:
            return tuple(one.emotions(waveforms, features) for one in self.listeners)

    @property
    def synthetic(self) -> bool:
        """Whether all networks learnt from synthetic speech alone."""
        return all(one.synthetic for one in self.listeners)


def listener(run: Run, name: str) -> Listener:
    """The first network of a run, calibrated.

    Args:
        run: a finished one.
        name: see :class:`Answer`.

    Raises:
        UserError: it holds no network.
    """
    weights = weights_of(run.folder)
    if not weights.is_file():
        raise UserError(f"{run.folder}: holds no trained network; name a folder that `sercourse train` wrote.")
    network = Network.read(weights)
    found = calibration(run, network, weights)
    synthetic = all(_synthetic(part) for part in parts(run.about["config"]["corpus"]))
    return Listener(name, network, found, _about(run, network, found), synthetic)


def _about(run: Run, network: Network, found: Calibration) -> tuple[str, ...]:
    """What a network learnt from, how good it was on its own test side, how it was calibrated."""
    config, summary = run.about["config"], run.summary
    learnt = len(run.protocol["repeats"][0]["folds"][0]["train"])
    names = ", ".join(f"“{part}” ({_kind(part)})" for part in parts(config["corpus"]))
    voices = "the same voices as in training" if config["protocol"].startswith(SAME_VOICES) else "other voices"
    sentences = [
        f"Learnt from {learnt} utterances of {names}, profile {config.get('profile', '?')}.",
        f"On its own test side ({config['protocol']}, {voices}): UA {summary['ua']:.1f} %.",
    ]
    if summary.get("networks", 1) > 1:
        sentences.append(f"The first of the run's {summary['networks']} networks answers; UA is of all.")
    if found.reason:
        sentences.append(f"Probabilities are not calibrated: {found.reason}.")
    elif MAIN in found.temperatures:
        error = ""
        if found.ece_after is not None:
            error = (
                f"; calibration error on {found.test} test utterances {found.ece_before:.1f} % before,"
                f" {found.ece_after:.1f} % after"
            )
        fitted = f"{found.temperatures[MAIN]:.2f}, fitted on {found.validation} validation utterances"
        sentences.append(f"Temperature {fitted}{error}.")
    read = [column for column in network.chapter.reads if column in getattr(network.model, "sizes", ())]
    if read:
        sentences.append(f"It was taught with the {' and '.join(read)}; here it is given none.")
    return tuple(sentences)


def _synthetic(part: str) -> bool:
    name = base_name(part)
    return name in card_names() and card(name).style == "synthetic"


def _kind(part: str) -> str:
    name = base_name(part)
    if name not in card_names():
        return "a corpus without a card"
    return "synthetic speech, no recordings of people" if _synthetic(part) else f"speech of people, {card(name).style}"
