"""Corpora whose recordings were changed: what model 1, or a classical method, leaves of them, as files.

Files are made at first use, in the cache folder. Model 2 and the machines learn from them.

Source: Liu and Zhang, IEEE Access 2023, section III: "the non-noise signal is input into model 2"; there, by dropping
frames, which of steady noise leaves nothing (``removal="frames"``).
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from filelock import FileLock

from sercourse.errors import AudioError, UserError, all_but_refused, report_skipped
from sercourse.features.store import audio_key
from sercourse.models.asp_mtl import AspMtl
from sercourse.paths import cache_dir
from sercourse.progress import progress_bar
from sercourse.signal.audio import SAMPLE_RATE, read_audio
from sercourse.training.cleaning import BATCH, clean

VERSION = 1
"""Goes up whenever the same change would leave other audio."""


def cleaned_table(
    table: pd.DataFrame, network: AspMtl, *, step: int, removal: str = "mask", progress: bool = True
) -> pd.DataFrame:
    """Utterances as model 1 leaves them.

    Another network, or the same one trained longer, makes files of its own.

    Args:
        table: the utterance table.
        network: a model 1, with a soft mask where that is to be used.
        step: see :func:`~sercourse.training.cleaning.clean`.
        removal: "mask" or "frames".
        progress: show a progress bar.

    Returns:
        The table with other paths; ids and labels are the same.

    Raises:
        UserError: the network has no soft mask, or a full disk.
    """
    if removal == "mask" and network.mask_head is None:
        raise UserError("this network has no soft mask; train model 1 with --set auxiliary=noise --set mask=true.")

    def left(waveforms: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [one.left(removal) for one in clean(waveforms, network, step=step)]

    return changed_table(table, f"model1-{weights_digest(network, step, removal)}", left, progress=progress)


def changed_table(
    table: pd.DataFrame, name: str, change: Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]], *,
    progress: bool = True,
) -> pd.DataFrame:  # fmt: skip
    """Utterances after a change of their waveforms.

    Args:
        table: the utterance table.
        name: of the change, for its folder in the cache; whatever alters the result belongs into it.
        change: some waveforms, 16 kHz mono ``(T,)`` each, to as many others.
        progress: show a progress bar.

    Returns:
        The table with other paths; ids and labels are the same. Utterances that cannot be read, or cannot be changed
        (silent ones, say), are left out with a warning, as features are.

    Raises:
        UserError: more than a few utterances have to be left out; a full disk.
    """
    folder = cache_dir() / "changed" / f"{name}-{VERSION}"
    rows = list(zip(table["path"], table["start"], table["end"], strict=True))
    targets = [folder / f"{audio_key(*row)}.flac" for row in rows]
    skipped: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            listed = zip(table.index, rows, targets, strict=True)
            missing = [one for one in listed if not one[-1].exists()]
            with progress_bar(progress) as bar:
                task = bar.add_task("cleaning", total=len(missing))
                for first in range(0, len(missing), BATCH):
                    part = missing[first : first + BATCH]
                    for target, waveform in _changed(part, change, skipped):
                        partial = target.with_suffix(".partial")
                        soundfile.write(partial, waveform, SAMPLE_RATE, subtype="PCM_16", format="FLAC")
                        partial.replace(target)
                    bar.advance(task, len(part))
    except (OSError, soundfile.LibsndfileError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{folder}: cannot be written ({why}); free space or set SERCOURSE_CACHE.") from None
    report_skipped("noise removal", skipped, len(table))
    paths = pd.Series([str(target) for target in targets], index=table.index, dtype="string")
    return table.assign(path=paths, start=0.0, end=float("nan")).drop(list(skipped))


def _changed(
    part: Sequence[tuple[str, tuple, Path]], change: Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]],
    skipped: dict[str, str],
) -> Iterator[tuple[Path, np.ndarray]]:  # fmt: skip
    """Where each changed waveform of a batch belongs; what cannot be read or changed goes to ``skipped``, with why."""

    def refused(one: tuple[str, tuple, Path, np.ndarray], error: AudioError) -> None:
        skipped[one[0]] = f"{one[1][0]}: {error}"

    read = []
    for utterance_id, row, target in part:
        try:
            read.append((utterance_id, row, target, read_audio(*row)))
        except AudioError as error:
            skipped[utterance_id] = str(error)
    changed = all_but_refused(read, lambda some: change([waveform for *_, waveform in some]), refused)
    yield from ((target, waveform) for (_, _, target, _), waveform in changed)


def weights_digest(network: AspMtl, step: int, removal: str = "mask") -> str:
    """16 hexadecimal digits over a network's weights: networks with the same digest leave the same audio."""
    digest = hashlib.sha256(f"{VERSION} {step}{' frames' if removal == 'frames' else ''}".encode())
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
