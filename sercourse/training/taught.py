"""What a fold's training side teaches: in which languages, and which classes of every task.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import pandas as pd

from sercourse.errors import UserError
from sercourse.models.multitask import Classes
from sercourse.training.training_config import TrainingConfig


def taught(config: TrainingConfig, table: pd.DataFrame, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Those of some utterances that are in the languages asked for."""
    languages = config.settings.loop.languages
    if not languages:
        return ids
    wanted = table.loc[list(ids), "language"].isin(languages)
    return tuple(i for i, kept in zip(ids, wanted, strict=True) if kept)


def taught_classes(config: TrainingConfig, table: pd.DataFrame, train: tuple[str, ...]) -> Classes:
    """Names of the classes: every emotion of the run; of another task, those that the training side shows.

    Raises:
        UserError: the training side is empty, or shows fewer than two classes of a task.
    """
    asked, there = config.settings.loop.languages, sorted(table["language"].dropna().unique())
    if asked and (not train or set(asked) - set(there)):
        raise UserError(
            f"--set languages={','.join(asked)}: a fold has nothing to learn from in one of these languages; the corpus"
            f" has {', '.join(there) or 'none'}."
        )
    main, *others = config.recipe.labels(config.settings)
    shown = table.loc[list(train)]
    classes = {main: sorted(table[main].dropna().unique())}
    for task in others:
        classes[task] = sorted(shown[task].dropna().unique())
        if len(classes[task]) < 2:
            only = f"only '{classes[task][0]}'" if classes[task] else "none"
            raise UserError(
                f"{task}: of the two or more classes that this task needs, the training side of a fold shows {only};"
                f" correct the column '{task}' or choose another corpus or protocol."
            )
    return classes | config.recipe.alphabets(shown, config.settings)
