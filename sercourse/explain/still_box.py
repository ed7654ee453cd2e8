"""Widgets that leave a sentence where no kernel runs: on a web site, in a saved notebook, on paper.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from typing import ClassVar

import ipywidgets


class StillBox(ipywidgets.VBox):
    """Widgets above each other; as text, what a reader without a kernel should know.

    Attributes:
        no_kernel: that sentence; each box has its own.
    """

    no_kernel: ClassVar[str]

    def __repr__(self) -> str:
        return self.no_kernel
