"""Making the synthetic corpus: speakers in processes of their own, then the table, then the manifest.

Everything is written to a folder beside the target, which gets the target's name at the end: an interrupted make
leaves nothing half-made.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path

from filelock import FileLock
from joblib import cpu_count

from sercourse.corpora.synthetic.espeak import espeak_version
from sercourse.corpora.synthetic.plan import make_plan
from sercourse.corpora.synthetic.process import speak_all
from sercourse.corpora.synthetic.speaker import stem
from sercourse.corpora.synthetic.stored import AUDIO, MANIFEST, RECIPE, TABLE, is_intact
from sercourse.corpora.synthetic.voice import SAMPLE_RATE
from sercourse.errors import CorpusError
from sercourse.progress import progress_bar

UTTERANCES = 700
"""Size of the default corpus."""


def make(
    folder: Path, *, utterances: int = UTTERANCES, seed: int = 0, workers: int | None = None, progress: bool = True
) -> None:
    """Make the synthetic corpus; do nothing where it is already there.

    The same ``utterances`` and ``seed`` give the same bytes, whatever the number of workers. Another process that
    makes it at the same time is waited for.

    Args:
        folder: where it goes. An older synthetic corpus there is replaced, anything else is left alone.
        utterances: a multiple of 70 (10 speakers, 7 emotions).
        seed: 0 or more; another seed gives other speakers' habits, rooms and utterances.
        workers: processes at one time; ``None``: one for each processor.
        progress: show a progress bar.

    Raises:
        CorpusError: parameters that cannot be used, a folder with other contents, a full disk, or espeak-ng cannot
            be started.
    """
    if seed < 0:
        raise CorpusError(f"synthetic: seed {seed} is negative; choose 0 or more.")
    if workers is not None and workers < 1:
        raise CorpusError(f"synthetic: {workers} workers cannot make anything; choose 1 or more.")
    make_plan(utterances, seed)  # complains about a number that cannot be balanced, before anything is touched
    folder = Path(folder).expanduser().resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if is_intact(folder, utterances=utterances, seed=seed):
                return
            _refuse_foreign(folder)
            partial = folder.with_name(f".{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
            try:
                _write(partial, utterances, seed, workers or cpu_count(), progress)
                shutil.rmtree(folder, ignore_errors=True)
                partial.rename(folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CorpusError(
            f"{folder}: the synthetic corpus cannot be written there ({reason}); choose a folder on a disk with 200 MB"
            " free, for instance by SERCOURSE_CACHE."
        ) from None


def _write(folder: Path, utterances: int, seed: int, workers: int, progress: bool) -> None:
    (folder / AUDIO).mkdir(parents=True)
    with progress_bar(progress) as bar:
        task = bar.add_task("making the synthetic corpus", total=utterances)
        files = speak_all(utterances, seed, folder / AUDIO, workers, lambda _: bar.advance(task))
    rows = _rows(utterances, seed)
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    manifest = {
        "corpus": "synthetic",
        "recipe": RECIPE,
        "seed": seed,
        "utterances": utterances,
        "espeak_ng": espeak_version(),
        "sample_rate": SAMPLE_RATE,
        "seconds": round(sum(file["seconds"] for file in files), 2),
        "sha256": hashlib.sha256("".join(f"{file['name']} {file['sha256']}\n" for file in files).encode()).hexdigest(),
        "files": {f"{AUDIO}/{file['name']}": file["bytes"] for file in files},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), "utf-8")


def _rows(utterances: int, seed: int) -> list[dict]:
    """The utterance table, one row for each line of every speaker's script."""
    return [
        {
            "utterance_id": f"synthetic/{stem(speaker, utterance)}",
            "path": f"{AUDIO}/{stem(speaker, utterance)}.wav",
            "emotion": utterance.emotion,
            "speaker": f"synthetic/{speaker.code}",
            "gender": speaker.gender,
            "language": speaker.language,
            "text": utterance.text,
            "session": f"synthetic/{speaker.session}",
            "noise": "none",
            "wording": utterance.wording,
            "wording_emotion": utterance.wording_emotion,
        }
        for speaker, script in make_plan(utterances, seed).items()
        for utterance in script
    ]


def _refuse_foreign(folder: Path) -> None:
    """Only an empty folder or an older synthetic corpus may be replaced."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        ours = json.loads((folder / MANIFEST).read_text("utf-8"))["corpus"] == "synthetic"
    except (OSError, ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise CorpusError(f"{folder}: holds something that is no synthetic corpus; name another folder or empty it.")
