"""The synthetic corpus on disk: its manifest, and reading it back.

Layout: ``manifest.json``, ``utterances.csv``, ``wav/f01_000_anger.wav`` …

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from sercourse.corpora.table import make_table
from sercourse.errors import CorpusError

RECIPE = 2
"""Version of the recipe. Whoever changes what the corpus sounds or reads like counts it up, and old folders are made
again."""

MANIFEST = "manifest.json"
TABLE = "utterances.csv"
AUDIO = "wav"

_REMAKE = "delete the folder, and it is made again at its next use"


def load(folder: Path, *, utterances: int | None = None, seed: int | None = None) -> pd.DataFrame:
    """Read a synthetic corpus that :func:`~sercourse.corpora.synthetic.make` made.

    Args:
        folder: where it lies.
        utterances: how many it must have; ``None``: any number.
        seed: the seed it must be made with; ``None``: any.

    Returns:
        The utterance table with two more columns: ``wording`` (``"neutral"`` or ``"emotional"``) and
        ``wording_emotion`` (the emotion that emotional wording suggests; missing for neutral wording).

    Raises:
        CorpusError: nothing there, made by another version, with other parameters, or incomplete; the sentence says
            that it must be made again.
    """
    folder = Path(folder)
    read_manifest(folder, utterances=utterances, seed=seed)
    try:
        table = pd.read_csv(folder / TABLE, dtype="string", keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise CorpusError(f"{folder / TABLE}: cannot be read ({error}); {_REMAKE}.") from None
    table["path"] = [str((folder / path).resolve()) for path in table["path"]]
    return make_table(table, "synthetic")


def read_manifest(folder: Path, *, utterances: int | None = None, seed: int | None = None) -> dict:
    """Read the manifest and check that every file it names is there in its length.

    Args:
        folder: where the corpus lies.
        utterances: as in :func:`load`.
        seed: as in :func:`load`.

    Returns:
        ``corpus, recipe, seed, utterances, espeak_ng, sample_rate, seconds, sha256`` (of all audio) and ``files`` (name
        to bytes).

    Raises:
        CorpusError: as in :func:`load`.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        recipe, files = manifest["recipe"], manifest["files"]
        found = {"utterances": manifest["utterances"], "seed": manifest["seed"]}
    except FileNotFoundError:
        raise CorpusError(
            f"{folder}: there is no {MANIFEST}, so this is no synthetic corpus; make one there."
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise CorpusError(f"{folder / MANIFEST}: cannot be read; {_REMAKE}.") from None
    if recipe != RECIPE:
        raise CorpusError(f"{folder}: made by recipe {recipe}, and this version has recipe {RECIPE}; {_REMAKE}.")
    for name, asked in (("utterances", utterances), ("seed", seed)):
        if asked is not None and found[name] != asked:
            raise CorpusError(f"{folder}: made with {name} = {found[name]}, not {asked}; make it again with {asked}.")
    for name, size in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise CorpusError(f"{path}: this file is missing or not whole; {_REMAKE}.")
    return manifest


def is_intact(folder: Path, *, utterances: int | None = None, seed: int | None = None) -> bool:
    """Whether :func:`load` would take the folder."""
    try:
        read_manifest(Path(folder), utterances=utterances, seed=seed)
    except CorpusError:
        return False
    return True
