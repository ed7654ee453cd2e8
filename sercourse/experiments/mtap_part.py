"""Chapter 05 on a part of a corpus, and the part that the paper takes of IEMOCAP.

Source: Wen et al. 2023, section 5.1.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from sercourse import corpora
from sercourse.corpora.iemocap import without_excitement
from sercourse.experiments.cells import KEPT, Bench, spelled
from sercourse.training.baseline import BaselineConfig, run_baseline
from sercourse.training.networks import TrainingConfig, load_or_train
from sercourse.training.runs import Run

IEMOCAP = "iemocap-improvised"
"""The corpus of tables 3 to 7. The loader counts excitement as happiness, as other papers do (2943 utterances); this
chapter's artifacts leave excitement out, as its paper does (2280)."""


@dataclass(frozen=True)
class Part(Bench):
    """A bench on some utterances of its corpus; its runs and cells have names of their own.

    Attributes:
        table: the utterances.
        kind: what stands behind the corpus in those names.
    """

    table: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False)
    kind: str = "part"

    @property
    def named(self) -> str:
        """Corpus and part, as they stand in names."""
        return f"{self.corpus}~{self.kind}"

    def config(self, chapter: str, protocol: str, changes: Sequence[str] = (), **fields: str | int) -> TrainingConfig:
        """See :meth:`Bench.config`."""
        return replace(super().config(chapter, protocol, changes, **fields), corpus=self.named)

    def cell(
        self, row: str, config: TrainingConfig, more: Callable[[Run], dict] = lambda run: {},
        *, needs: Sequence[str] = (),
    ) -> dict | None:  # fmt: skip
        """See :meth:`Bench.cell`; a stored cell of another number of utterances is not taken."""

        def measure() -> dict:
            run = load_or_train(config, table=self.table, jobs=self.jobs, progress=self.console is not None)
            return {name: run.summary[name] for name in KEPT} | spelled(run.predictions) | more(run)

        def valid(cell: dict) -> bool:
            same = config.settings.agrees(cell["settings"]) and cell["n_test"] == len(self.table)
            return same and all(name in cell for name in needs)

        return self.kept(f"{row}, {config.protocol}", row, config.chapter, config.name, measure, valid=valid)

    def machine(self, protocol: str, features: str = "is10", unit: str = "utterance") -> Run:
        """See :meth:`Bench.machine`."""
        config = BaselineConfig(self.named, features, protocol, unit=unit, repeats=self.repeats, seed=self.seed)
        return run_baseline(config, table=self.table, progress=self.console is not None)


def is_iemocap(corpus: str) -> bool:
    """Whether a name means the paper's IEMOCAP, in noise or not."""
    return corpora.base_name(corpus) == IEMOCAP


def utterances(corpus: str) -> pd.DataFrame:
    """A corpus as the paper has it: of :data:`IEMOCAP`, happiness without excitement."""
    table = corpora.load(corpus)
    return without_excitement(table) if is_iemocap(corpus) else table


def as_in_the_paper(bench: Bench) -> Bench:
    """The bench on :func:`utterances` of its corpus."""
    if not is_iemocap(bench.corpus):
        return bench
    return Part(**vars(bench), table=utterances(bench.corpus), kind="happy")


def notes(bench: Bench, protocol: str, *, printed: bool) -> list[str]:
    """What a reader must know before a row stands beside a printed one.

    Args:
        bench: of the measured rows.
        protocol: of the measured rows.
        printed: whether figures of :data:`IEMOCAP` stand beside them.
    """
    if not is_iemocap(bench.corpus):
        return [f"Printed are figures on IEMOCAP, measured are rows on {bench.corpus}."] if printed else []
    found = [f"{IEMOCAP}: {len(utterances(bench.corpus))} utterances, excitement left out as in the paper (2280)."]
    if protocol == "session":
        found.append(
            "A whole session is tested and another one validates; the paper halves the session left out, for"
            " validation and test."
        )
    return found
