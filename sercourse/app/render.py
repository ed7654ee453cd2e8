"""Answers as HTML, the same in the page and in a notebook's cell: text, small bars, pictures and a player inside.

Nothing in it points anywhere: pictures and sound are data in the text, so that no file is left behind.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files

from matplotlib.figure import Figure

from sercourse.app.answers import Answer, Networks
from sercourse.app.changes import RATES, SEMITONES, Changes, in_words
from sercourse.app.hearing import Heard
from sercourse.app.pictures import draw_changes, draw_heard
from sercourse.explain.attention_picture import draw_attention
from sercourse.explain.players import player
from sercourse.explain.plots import EMOTION_COLOURS, image_html, png
from sercourse.models.mtlser_config import SPEAKER
from sercourse.models.multitask import MAIN

SHOWN = 3
"""Classes that are named of a task beside the emotion."""

STYLE = (files("sercourse.app") / "answers.css").read_text("utf-8")
"""Of everything here; it stands in a ``<style>`` element once."""


def notice(networks: Networks) -> str:
    """What must be said each time."""
    learnt = (
        "They learnt from synthetic speech, made by a machine after rules, and from no recordings of people."
        if networks.synthetic
        else "What each of them learnt from stands under its answer."
    )
    return (
        "<p class='sc-notice'><strong>These are teaching models.</strong> "
        f"{learnt} They show how the methods work; what they say about a voice is no finding about a person.</p>"
    )


def sentence(text: str) -> str:
    """A user's mistake, in the place of an answer."""
    return f"<p class='sc-mistake' role='alert'>{html.escape(text)}</p>"


def answered(
    networks: Networks, heard: Heard, answers: Sequence[Answer], kept: str = "", *, players: bool = True
) -> str:
    """The whole answer to a recording.

    Args:
        networks: who answered.
        heard: what they heard.
        answers: what they said.
        kept: a sentence on where the recording was kept; "": it was not.
        players: whether the sound is inside.
    """
    cards = "".join(_card(answer) for answer in answers)
    looks = [
        _picture(draw_attention(answer.attention, heard.waveform), f"Attention over time of {answer.name}")
        for answer in answers
        if answer.attention is not None
    ]
    blind = [answer.name for answer in answers if answer.attention is None]
    none = f"<p>Without attention over time: {html.escape(', '.join(blind))}.</p>" if blind else ""
    return (
        f"<div class='sc-answers'>{notice(networks)}<h3>What was heard</h3>{_heard(heard, players)}"
        f"<h3>Emotion</h3><p>{html.escape(together(answers))}</p><div class='sc-cards'>{cards}</div>"
        f"<h3>Where they look</h3>{''.join(looks)}{none}"
        f"<p class='sc-small'>{html.escape(kept or 'The recording is not kept.')}</p></div>"
    )


def changed(networks: Networks, found: Changes) -> str:
    """What would change the answer: a table in words, and the curves."""
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(pitch.name)}</th>"
        f"<td>{html.escape(in_words(pitch, [f'{value:+g}' for value in SEMITONES]))}</td>"
        f"<td>{html.escape(in_words(rate, [f'×{value:g}' for value in RATES]))}</td></tr>"
        for pitch, rate in zip(found.pitch, found.rate, strict=True)
    )
    head = "<tr><th scope='col'>network</th><th scope='col'>pitch (semitones)</th><th scope='col'>rate</th></tr>"
    about = (
        "The answer to the recording, then where it would be another one. All of a curve is resynthesised speech; the"
        " hollow marks are the recording itself: where they lie off the curve at 0 and ×1, resynthesis alone has"
        " changed the answer."
    )
    return (
        f"<div class='sc-answers'>{notice(networks)}<p>{about}</p>"
        f"<div class='sc-wide'><table class='sc-words'><thead>{head}</thead><tbody>{rows}</tbody></table></div>"
        f"{_picture(draw_changes(found), 'Probabilities of the emotions over pitch and rate')}</div>"
    )


def together(answers: Sequence[Answer]) -> str:
    """How far the networks agree: ``fear 3 of 5, anger 2 of 5.``"""
    counts = Counter(answer.emotion for answer in answers).most_common()
    return ", ".join(f"{emotion} {count} of {len(answers)}" for emotion, count in counts) + "."


def _heard(heard: Heard, players: bool) -> str:
    spans = ", ".join(f"{start:.2f} to {end:.2f} s" for start, end in heard.spans)
    noise = "" if heard.snr_db is None else f", in {heard.noise} noise at {heard.snr_db:g} dB"
    told = f"Speech from {spans}. The networks hear {heard.start:.2f} to {heard.end:.2f} s{noise}"
    drawn = _picture(draw_heard(heard), "Waveform of the recording, speech shaded")
    sound = f": {player(heard.waveform).data}" if players else "."
    return f"{drawn}<p>{told}{sound}</p>"


def _card(answer: Answer) -> str:
    """One network's answer."""
    emotions = answer.tasks[MAIN]
    rows = "".join(_bar(name, share, name == answer.emotion) for name, share in emotions.items())
    further = [_further(task, shares) for task, shares in answer.tasks.items() if task != MAIN]
    if answer.text is not None:
        further.append(f"<p><strong>transcript</strong> {html.escape(answer.text) or '(nothing)'}</p>")
    about = html.escape(" ".join(answer.about))
    return (
        f"<section class='sc-card' data-network='{html.escape(answer.name, quote=True)}'>"
        f"<h4>{html.escape(answer.name)}: {html.escape(answer.emotion)}</h4>"
        f"<table class='sc-bars'><tbody>{rows}</tbody></table>{''.join(further)}"
        f"<p class='sc-small'>{about}</p></section>"
    )


def _bar(name: str, share: float, first: bool) -> str:
    colour = EMOTION_COLOURS.get(name, "#888888")
    mark = " class='sc-first'" if first else ""
    return (
        f"<tr{mark}><th scope='row'>{html.escape(name)}</th>"
        f"<td><i style='width:{100 * share:.1f}%;background:{colour}'></i></td><td>{100 * share:.0f} %</td></tr>"
    )


def _further(task: str, shares: Mapping[str, float]) -> str:
    best = sorted(shares.items(), key=lambda item: -item[1])[:SHOWN]
    named = ", ".join(f"{name.rpartition('/')[2]} {100 * share:.0f} %" for name, share in best)
    if task != SPEAKER:
        return f"<p><strong>{html.escape(task)}</strong> {html.escape(named)}</p>"
    told = f"of the {len(shares)} voices it learnt, most like {named}; it knows no other"
    return f"<p><strong>speaker</strong> {html.escape(told)}</p>"


def _picture(figure: Figure, label: str) -> str:
    return f"<div class='sc-picture'>{image_html(png(figure), label)}</div>"
