"""The ranking of features as bars to look into: what a feature is, and what speech sounds like that has little of it.

A name such as ``slopeV0-500_sma3nz_amean`` on the first place explains nothing yet. Here every bar says in words what
it measures, and three utterances with the least of it and three with the most can be heard.

Source: Ma and Wang 2022 (the ranking; the ear is ours).
Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ipywidgets
import numpy as np
import pandas as pd
from IPython.display import Image
from matplotlib.figure import Figure

from sercourse.errors import AudioError, UserError
from sercourse.explain.attribution import grouped, ranked
from sercourse.explain.players import player_table
from sercourse.explain.plots import png
from sercourse.explain.still_box import StillBox
from sercourse.explain.widgets import DPI
from sercourse.features.names import in_words, parts
from sercourse.signal.audio import read_audio

GROUPINGS: tuple[str, ...] = ("feature", "descriptor", "functional")
"""A bar is one feature, all statistics of one descriptor, or one statistic of all descriptors."""

EACH = 3
"""Utterances at either end of a feature; their players are all that a page holds at a time."""

COLOUR, CHOSEN = "#56B4E9", "#D55E00"
"""Of bars; colour-blind readers tell them apart, and the chosen one carries a mark."""

STYLE = """<style>
.sercourse-ranking {font-size: 15px; line-height: 1.35; position: relative; padding-top: 7.2em}
.sercourse-ranking ol {list-style: none; margin: 0; padding: 0}
.sercourse-ranking li {display: grid; grid-template-columns: 26em 1fr 3.5em; gap: .5em; padding: 1px 3px;
  align-items: center}
.sercourse-ranking li > span {text-align: right}
.sercourse-ranking li[aria-current] > span:first-child {font-weight: bold}
.sercourse-ranking li:hover {outline: 2px solid #777}
.sercourse-ranking .bar {position: relative; height: 1.05em}
.sercourse-ranking .bar i {display: block; height: 100%}
.sercourse-ranking .bar b {position: absolute; top: -4px; bottom: -4px; border-left: 3px solid currentColor}
.sercourse-ranking [role=tooltip] {position: absolute; top: 0; left: 0; right: 0; height: 6.4em; box-sizing: border-box;
  overflow: auto; padding: .3em .6em; border: 1px solid #777; text-align: left !important; visibility: hidden}
.sercourse-ranking li[aria-current] [role=tooltip], .sercourse-ranking li:hover [role=tooltip] {visibility: visible}
.sercourse-ranking ol:hover li:not(:hover) [role=tooltip] {visibility: hidden}
</style>"""
"""What is said of a bar (the chosen one, or the one under the mouse) has a place above them all and covers none."""


@dataclass(frozen=True)
class Bar:
    """One line of a ranking.

    Attributes:
        label: what it is in words, no two alike.
        share: of the attention, percent.
        even: its share if all features had the same, percent.
        features: openSMILE's names of what is in it, the one with most attention first.
        details: further lines about it.
    """

    label: str
    share: float
    even: float
    features: tuple[str, ...]
    details: tuple[str, ...]


def bars_of(scores: np.ndarray, columns: Sequence[str], by: str = "feature") -> list[Bar]:
    """All bars of a ranking, the longest first.

    Args:
        scores: ``(D,)``, of positive sum.
        columns: openSMILE's names, ``(D,)``.
        by: one of :data:`GROUPINGS`.

    Raises:
        UserError: scores and columns differ in number, or the scores are of no positive sum.
    """
    scores = np.asarray(scores, dtype=float)
    if scores.shape != (len(columns),):
        raise UserError(f"scores of shape {scores.shape} for {len(columns)} columns; give one score per column.")
    if not (np.isfinite(scores).all() and scores.sum() > 0):
        raise UserError("scores: they must be finite and have a sum above 0, or there are no shares of it.")
    shares, order = 100 * scores / scores.sum(), ranked(scores)
    totals = pd.Series(shares, index=list(columns)).iloc[order] if by == "feature" else grouped(shares, columns, by)
    members: dict[str, list[str]] = {key: [] for key in totals.index}
    for name in (columns[i] for i in order):
        members[_key(name, by)].append(name)
    words, sums = _apart({key: _in_words(key, by) for key in totals.index}), grouped(shares, columns)
    return [
        Bar(words[key], float(total), 100 * len(members[key]) / len(columns), tuple(members[key]),
            _details(key, members[key], sums, by))
        for key, total in totals.items()
    ]  # fmt: skip


def _key(name: str, by: str) -> str:
    """Of the bar that a feature is in, as :func:`grouped` calls it."""
    return name if by == "feature" else parts(name)[0 if by == "descriptor" else 1] or "(itself)"


def _in_words(key: str, by: str) -> str:
    if by != "functional":
        return in_words(key)
    return "the utterance as a whole" if key == "(itself)" else in_words(f"any__{key}").removeprefix("any: ")


def _apart(words: dict[str, str]) -> dict[str, str]:
    """Names to words; where several names are the same in words, their descriptors are added, or all of the names."""
    told = dict(words)
    for add in (lambda name: parts(name)[0], str):
        often = Counter(told.values())
        told |= {name: f"{words[name]} ({add(name)})" for name, text in told.items() if often[text] > 1}
    return told


def _details(key: str, members: Sequence[str], sums: pd.Series, by: str) -> tuple[str, ...]:
    if by != "feature":
        return f"openSMILE: {key}", f"features: {len(members)}, with most attention {members[0]}"
    descriptor = _key(key, "descriptor")
    return f"openSMILE: {key}", f"descriptor: {descriptor}, {sums[descriptor]:.1f} % with all its statistics"


def extremes(functionals: pd.DataFrame, feature: str, each: int = EACH) -> tuple[pd.Series, pd.Series]:
    """The utterances that have least and most of a feature.

    Args:
        functionals: indexed by utterance id.
        feature: one of its columns.
        each: utterances at either end; fewer where there are not twice as many.

    Returns:
        Utterance id to value, in standard deviations from the mean: the lowest first, and the highest first. A feature
        that is the same everywhere has zeros.
    """
    values = functionals[feature].astype(float).dropna()
    spread = values.std(ddof=0)
    scaled = (values - values.mean()) / spread if spread > 0 else 0 * values
    each = min(each, len(scaled) // 2)
    order = scaled.sort_values(kind="stable")
    return order.iloc[:each], order.iloc[::-1].iloc[:each]


def ranking_html(bars: Sequence[Bar], *, chosen: int = 0, even: bool = True) -> str:
    """Bars as a list in HTML; what is said of the chosen one is shown, or of the one under the mouse.

    Args:
        bars: the longest first.
        chosen: number of the one that is marked.
        even: mark the even share of each.
    """
    longest = max(max(bar.share, even * bar.even) for bar in bars)
    lines = "".join(_line(number, bar, longest, number == chosen, even) for number, bar in enumerate(bars))
    return (
        f"{STYLE}<div class='sercourse-ranking'><div>{_axis(even)}</div>"
        f"<ol aria-label='features by share of the attention'>{lines}</ol></div>"
    )


def _axis(even: bool) -> str:
    return "share of the attention (%)" + ("; upright line: the share if all features had the same" if even else "")


def _line(number: int, bar: Bar, longest: float, chosen: bool, even: bool) -> str:
    share, even_mark = f"share of the attention: {bar.share:.2f} %", ""
    if even:
        share += f"; even: {bar.even:.2f} %, so it has {bar.share / bar.even:.1f} times as much"
        even_mark = f"<b style='left:{100 * bar.even / longest:.2f}%'></b>"
    said = "<br>".join(html.escape(line) for line in (bar.label, *bar.details, share))
    current, mark, colour = ("aria-current='true'", "▸ ", CHOSEN) if chosen else ("", "", COLOUR)
    width = 100 * max(bar.share, 0) / longest
    return (
        f"<li {current}><span>{mark}{number + 1}. {html.escape(bar.label)}</span>"
        f"<span class='bar'><i style='width:{width:.2f}%;background:{colour}'></i>{even_mark}</span>"
        f"<span>{bar.share:.1f} %</span><span role='tooltip'>{said}</span></li>"
    )


def bars_figure(bars: Sequence[Bar], *, even: bool = True) -> Figure:
    """The same bars as a picture; a dashed line where each would be if all features had the same."""
    figure = Figure(figsize=(11.5, 0.34 * len(bars) + 0.9), dpi=DPI, layout="constrained")  # not pyplot's
    ax, places = figure.subplots(), np.arange(len(bars))
    ax.barh(places, [bar.share for bar in bars], color=COLOUR)
    if even:
        ax.vlines([bar.even for bar in bars], places - 0.5, places + 0.5, color="black", linewidth=2.5)
    ax.set_yticks(places, [f"{number + 1}. {bar.label}" for number, bar in enumerate(bars)], fontsize=12)
    ax.tick_params(axis="x", labelsize=12)
    figure.supxlabel(_axis(even), fontsize=13)
    ax.set_ylim(len(bars) - 0.4, -0.6)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


class RankingBox(StillBox):
    """Menus, players and bars.

    Args:
        bars: grouping to what is shown of it.
        functionals: indexed by utterance id.
        table: with their sounds.
        even: mark the even share of each bar.

    Attributes:
        by: menu of the groupings.
        menu: of the bars, in their order; its value is a bar's number.
        heard: the utterances at both ends.
        shown: the bars.
    """

    no_kernel = "Run the notebook to look into the ranking; a still picture stands below."

    def __init__(
        self, bars: Mapping[str, Sequence[Bar]], functionals: pd.DataFrame, table: pd.DataFrame, *, even: bool = True
    ) -> None:
        self._bars, self._functionals, self._table, self._even = bars, functionals, table, even
        wide = {"style": {"description_width": "5em"}}
        self.by = ipywidgets.ToggleButtons(options=list(bars), description="a bar is a", **wide)
        self.menu = ipywidgets.Dropdown(
            options=self._options(), description="listen to", layout={"width": "640px", "max_width": "98%"}, **wide
        )
        self.heard = ipywidgets.HTML()
        self.shown = ipywidgets.HTML(layout={"width": "900px", "max_width": "98%"})
        super().__init__([self.by, self.menu, self.heard, self.shown])
        self._choose()
        self.by.observe(self._regroup, names="value")
        self.menu.observe(self._choose, names="value")

    @property
    def bars(self) -> Sequence[Bar]:
        """Those that are shown."""
        return self._bars[self.by.value]

    def still(self) -> Image:
        """The bars as they are now, to be left under the box for readers without a kernel."""
        told = "; ".join(f"{bar.label}: {bar.share:.1f} %" for bar in self.bars[:5])
        alt = f"Bars: share of the attention by {self.by.value}, the first of {len(self.bars)}: {told}"
        return Image(png(bars_figure(self.bars, even=self._even)), format="png", alt=alt)

    def _options(self) -> list[tuple[str, int]]:
        return [(f"{number}. {bar.label}", number - 1) for number, bar in enumerate(self.bars, start=1)]

    def _regroup(self, _change: dict) -> None:
        self.menu.options = self._options()  # goes to number 0, which may be no change of its value
        self._choose()

    def _choose(self, _change: dict | None = None) -> None:
        bars, chosen = self.bars, self.menu.value
        self.shown.value = ranking_html(bars, chosen=chosen, even=self._even)
        self.heard.value = self._utterances(bars[chosen])

    def _utterances(self, bar: Bar) -> str:
        """Players of those that have least and most of a bar's feature."""
        feature = bar.features[0]
        low, high = extremes(self._functionals, feature)
        try:
            players = self._players("LOW", "least of it", low) + self._players("HIGH", "most of it", high)
        except AudioError as error:
            return f"<p role='alert'>{html.escape(str(error))}</p>"
        of = f", which has most attention of the {len(bar.features)} in this group" if len(bar.features) > 1 else ""
        return (
            f"<div style='font-size:15px'>Least and most of <b>{html.escape(in_words(feature))}</b>"
            f" ({html.escape(feature)}{of}), in standard deviations (SD) from the mean:"
            f"<div style='display:flex;flex-wrap:wrap;gap:0 2em'>{players}</div></div>"
        )

    def _players(self, corner: str, column: str, values: pd.Series) -> str:
        sounds = {}
        for number, (utterance, value) in enumerate(values.items(), start=1):
            row = self._table.loc[utterance]
            labels = ", ".join("unknown" if pd.isna(row[name]) else row[name] for name in ("emotion", "language"))
            name = f"{number}. {value:+.1f} SD".replace("-", "−") + f", {labels}"
            sounds[name] = [read_audio(row["path"], row["start"], row["end"])]
        return player_table(sounds, [column], corner=corner).data


def ranking_browser(
    scores: np.ndarray, columns: Sequence[str], functionals: pd.DataFrame, table: pd.DataFrame, *,
    even: bool = True, top: int = 20,
) -> RankingBox:  # fmt: skip
    """Look into a ranking of features: what each is, and utterances that have least and most of it, to be heard.

    With groups the utterances are those of the group's feature with most attention. :meth:`RankingBox.still` gives the
    bars as a picture.

    Args:
        scores: attention of each feature, ``(D,)``, of positive sum.
        columns: openSMILE's names, ``(D,)``.
        functionals: indexed by utterance id, with these columns; 2 rows or more.
        table: utterance table with a row for each of them.
        even: mark the share that each bar would have if all features had the same.
        top: bars at most, 1 or more.

    Raises:
        UserError: scores and columns differ in number, a column or an utterance is missing, or there are too few.
    """
    bars = {by: bars_of(scores, columns, by)[:top] for by in GROUPINGS}
    for what, missing in (
        ("functionals: no column", [name for name in columns if name not in functionals]),
        ("table: no utterance", functionals.index.difference(table.index).tolist()),
    ):
        if missing:
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            raise UserError(f"{what} {missing[0]}{more}; give scores, functionals and table of the same speech.")
    if top < 1 or len(functionals) < 2:
        raise UserError(f"top={top} of {len(functionals)} utterances: give 1 bar and 2 utterances, or more.")
    return RankingBox(bars, functionals, table, even=even)
