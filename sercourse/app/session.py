"""What a visitor is told and asked, the same in the page and in a notebook's cell: these hold the widgets alone.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sercourse.app import render
from sercourse.app.answers import Networks
from sercourse.app.changes import changes
from sercourse.app.hearing import Heard, listen
from sercourse.errors import UserError

NOISE_LABEL = "Added noise"
SNR_LABEL = "SNR (dB)"
CUT_LABEL = "The networks hear what lies between the end points"
CHANGES_LABEL = "What would change the answer?"
"""Of the settings, and of the button that asks for :func:`changes_html`."""

SNR_DB = 10.0
"""Where the slider stands at first."""

NO_RECORDING = "There is no recording yet; record or upload one first."


def answer_html(
    networks: Networks,
    recorded: np.ndarray,
    *,
    noise: str,
    snr_db: float,
    cut: bool,
    kept: str = "",
    play: Callable[[np.ndarray], object] | None = None,
) -> str:
    """The answer to a recording, or the sentence that says why there is none.

    Args:
        networks: who answers.
        recorded: 16 kHz, ``(T,)``.
        noise: as :func:`~sercourse.app.hearing.listen` takes it, likewise ``snr_db`` and ``cut``.
        snr_db: in dB.
        cut: leave only the speech.
        kept: a sentence on where the recording was kept; "": it was not.
        play: is given what the networks heard, ``(T',)``; ``None``: a player is part of the answer.
    """

    def answered(heard: Heard) -> str:
        answers = networks.answers(heard.waveform)
        if play is not None:
            play(heard.waveform)
        return render.answered(networks, heard, answers, kept, players=play is None)

    return _of_heard(answered, recorded, noise, snr_db, cut)


def changes_html(
    networks: Networks,
    recorded: np.ndarray | None,
    *,
    noise: str,
    snr_db: float,
    cut: bool,
    progress: Callable[[float, str], object] | None = None,
) -> str:
    """What would change the answer, or the sentence that says why nobody knows.

    Args: as :func:`answer_html`; ``recorded`` is ``None`` where there is no recording, and ``progress`` is as
        :func:`~sercourse.app.changes.changes` takes it.
    """
    if recorded is None:
        return render.sentence(NO_RECORDING)

    def changed(heard: Heard) -> str:
        return render.changed(networks, changes(networks, heard.waveform, progress=progress))

    return _of_heard(changed, recorded, noise, snr_db, cut)


def _of_heard(told: Callable[[Heard], str], recorded: np.ndarray, noise: str, snr_db: float, cut: bool) -> str:
    try:
        return told(listen(recorded, noise=noise, snr_db=snr_db, cut=cut))
    except UserError as error:
        return render.sentence(str(error))
