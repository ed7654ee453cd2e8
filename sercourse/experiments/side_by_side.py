"""Networks side by side on the same folds, over seeds: what tables that compare settings are made of.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.table import Table

from sercourse.evaluation.comparison import compare
from sercourse.experiments.cells import Bench, mean_and_spread, predicted_by
from sercourse.training.runs import Run

SVM = "strongest SVM"


def side_by_side(
    bench: Bench, chapter: str, protocol: str, rows: Mapping[str, Sequence[str]], references: Sequence[str],
    *, metric: str = "ua", kept: Sequence[str] = (), more: Callable[[Run], dict] = lambda run: {},
) -> dict:  # fmt: skip
    """Train what each row changes and compare it with the references before it, and with the strongest SVM.

    Args:
        bench: how to measure; ``repeats`` seeds.
        chapter: of the networks.
        protocol: the same for all.
        rows: name to the changes of settings.
        references: rows that later rows are compared with.
        metric: "wa" or "ua", of the comparisons.
        more: further figures of every run folder, which its cell keeps.
        kept: names of figures of the cells that the rows list, one per seed.

    Returns:
        ``rows``: per row ``wa, ua`` (means over seeds, percent), ``wa_sd_seeds, ua_sd_seeds``, ``runs``, what ``kept``
        names, and ``above``: reference to effect, interval and p-value; ``None`` where a row is neither stored nor
        asked for. ``machines``: ``wa, ua`` of openSMILE with an SVM.
    """
    bench.check_rows(list(rows))
    cells = {row: cells_of(bench, chapter, row, protocol, changes, more, kept) for row, changes in rows.items()}
    strongest, machines = bench.strongest(protocol)
    told = {row: found and predicted_by(strongest, found) for row, found in cells.items()}
    figures: dict[str, dict | None] = {}
    for row, found in cells.items():
        figures[row] = None
        if found is not None:
            others = {SVM: strongest.predictions}
            others |= {name: told[name] for name in references if name in figures and name != row}
            above = {
                name: compare(other, told[row], names=(name, row), metric=metric).to_dict()
                for name, other in others.items()
                if other is not None
            }
            figures[row] = _means(found, kept) | {"above": above}
    judged = {name: {one: run.summary[one] for one in ("wa", "ua")} for name, run in machines.items()}
    return {"rows": figures, "machines": judged}


def show(bench: Bench, title: str, found: Mapping, references: Sequence[str], metric: str = "ua") -> None:
    """The result of :func:`side_by_side` as a table, where there is somewhere to show it."""
    if bench.console is None:
        return
    names = [f"above {name} ({metric.upper()})" for name in references]
    table = Table(title, "WA", "UA", *names, box=None, pad_edge=False)
    for name, row in found["rows"].items():
        if row is not None:
            above = (interval(row["above"].get(reference)) for reference in references)
            table.add_row(name, over_seeds(row, "wa"), over_seeds(row, "ua"), *above)
    for name, row in found["machines"].items():
        table.add_row(f"{name.upper()}+SVM", f"{row['wa']:.1f}", f"{row['ua']:.1f}", *[""] * len(names))
    bench.console.print(table)


def over_seeds(row: Mapping, metric: str) -> str:
    """A figure with its spread over seeds, where there are several."""
    spread = row[f"{metric}_sd_seeds"]
    return f"{row[metric]:.1f}" if spread is None else f"{row[metric]:.1f} ± {spread:.1f}"


def interval(effect: Mapping | None) -> str:
    """An effect with its interval; nothing where there is none."""
    # z: no minus before a zero
    return "" if effect is None else f"{effect['effect']:+z.1f} [{effect['low']:+z.1f}, {effect['high']:+z.1f}]"


def cells_of(
    bench: Bench, chapter: str, row: str, protocol: str, changes: Sequence[str],
    more: Callable[[Run], dict] = lambda run: {}, needs: Sequence[str] = (),
) -> list[dict] | None:  # fmt: skip
    """A row's cell per seed, as :meth:`~sercourse.experiments.cells.Bench.cell` gives it; ``None`` where one of them is
    neither stored nor asked for."""
    cells = [one.cell(row, one.config(chapter, protocol, changes), more, needs=needs) for one in bench.per_seed()]
    return None if any(cell is None for cell in cells) else cells


def _means(cells: Sequence[dict], kept: Sequence[str]) -> dict:
    figures: dict = {name: [cell[name] for cell in cells] for name in kept}
    for metric in ("wa", "ua"):
        figures[metric], figures[f"{metric}_sd_seeds"] = mean_and_spread([cell[metric] for cell in cells])
    return figures | {"runs": [cell["run"] for cell in cells]}
