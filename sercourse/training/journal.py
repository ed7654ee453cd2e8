"""The journal of one network: a row per epoch in ``curves.csv``, the same in TensorBoard.

    tensorboard --logdir runs

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from torch.utils.tensorboard import SummaryWriter

from sercourse.errors import UserError

CURVES = "curves.csv"


class Journal:
    """Writes curves as they grow.

    Args:
        folder: of the network.
        epoch: epochs done already; what TensorBoard holds of later ones (written before a kill) is hidden.
    """

    def __init__(self, folder: Path, epoch: int) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{folder}: cannot be made ({error.strerror}); remove what is in the way.") from None
        self.folder = folder
        self.writer = SummaryWriter(str(folder / "tensorboard"), purge_step=epoch + 1)

    def write(self, curves: list[dict]) -> None:
        """Write all rows to the table (whole or not at all) and the last one to TensorBoard.

        Raises:
            UserError: the table cannot be written, for instance on a full disk.
        """
        temporary = self.folder / f".{CURVES}.{os.getpid()}"
        try:
            with temporary.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(curves[-1]))
                writer.writeheader()
                writer.writerows(curves)
            temporary.replace(self.folder / CURVES)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise UserError(
                f"{self.folder / CURVES}: cannot be written ({error.strerror}); make room, then go on with --resume."
            ) from None
        for name, value in curves[-1].items():
            if name != "epoch":
                side, _, figure = name.partition("_")
                self.writer.add_scalar(f"{side}/{figure or side}", value, curves[-1]["epoch"])
        self.writer.flush()

    def close(self) -> None:
        """Close TensorBoard's file."""
        self.writer.close()


def epochs_done(folder: Path) -> int:
    """Epochs that a network's table shows; 0 where there is none yet."""
    try:
        with (folder / CURVES).open(encoding="utf-8") as file:
            return max(sum(1 for _ in file) - 1, 0)
    except OSError:
        return 0


def read_curves(folder: Path) -> list[dict[str, float]]:
    """The table of a trained network: a row per epoch; figures that had no meaning are left out.

    Raises:
        UserError: there is no such table.
    """
    try:
        with (folder / CURVES).open(encoding="utf-8") as file:
            rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
    except OSError as error:
        raise UserError(
            f"{folder}: holds no {CURVES} ({error.strerror}); name the folder of a trained network."
        ) from None
    return [{name: value for name, value in row.items() if not math.isnan(value)} for row in rows]
