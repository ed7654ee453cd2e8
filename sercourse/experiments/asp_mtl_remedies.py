"""Chapter 03: what was tried so that both models tell the emotion in noise better than a network with one task.

Each remedy changes the network that tells the emotion, once with a single task on the noisy speech itself, once as
model 2 on what model 1 leaves; model 1 stays as it is. So a remedy that helps both alike shows in the figures, and one
that helps the two tasks shows in the distance.

Source: Liu and Zhang, IEEE Access 2023, experiment 5, table 9; the remedies are ours.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from dataclasses import replace

from sercourse.corpora.noisy import in_conditions
from sercourse.evaluation.comparison import compare
from sercourse.experiments.asp_mtl import CHAPTER, IN_NOISE
from sercourse.experiments.asp_mtl_ablation import (
    BOTH,
    NOISES,
    PROTOCOLS,
    VARIANTS,
    chain,
    effects,
    show_rows,
)
from sercourse.experiments.cells import Bench, predicted_by

SINGLE = "single task"
AS_IT_IS = "as it is"
REMEDIES: dict[str, tuple[str, ...]] = {
    AS_IT_IS: (),
    "smaller batches": ("batch_size=16", "epochs=15"),
    "mean and spread of the frames": ("input_statistics=true",),
    "a quarter of the correlation": ("correlation_weight=5",),
    "three networks averaged": ("members=3",),
}
"""What changes in the network that tells the emotion. A single task has no correlation to weigh: its row of that remedy
is the one as it is."""


def row_name(remedy: str, system: str) -> str:
    """A row: "smaller batches: both models"."""
    return f"{remedy}: {system}"


def remedies(bench: Bench) -> dict:
    """Single task and both models under every remedy, on speech as recorded and in four noises at 0 dB.

    Returns:
        ``rows``: row to protocol to :func:`~sercourse.experiments.asp_mtl_ablation.figures_of`; of both models also
        ``against_single`` under the same remedy, and ``against_single_in_noise`` without the speech as recorded; of
        every remedy ``against_as_it_is``.
    """
    bench = replace(bench, corpus=in_conditions(bench.corpus or "synthetic", IN_NOISE), repeats=1)
    names = [row_name(remedy, system) for remedy in REMEDIES for system in (SINGLE, BOTH)]
    bench.check_rows(names)
    protocols, rows = bench.protocols(PROTOCOLS[:1], PROTOCOLS[1:]), {name: {} for name in names}
    for protocol in protocols:
        strongest, _ = bench.strongest(protocol)
        judged = {}
        for remedy, changes in REMEDIES.items():
            single, both = row_name(remedy, SINGLE), row_name(remedy, BOTH)
            own = (*changes, *VARIANTS[SINGLE])  # what a single task has not, no remedy gives it
            cells = {
                single: bench.cell(single, bench.config(CHAPTER, protocol, own)),
                both: chain(bench, protocol, BOTH, more=changes, name=both),
            }
            judged |= {name: cell and predicted_by(strongest, [cell]) for name, cell in cells.items()}
            for system, name in ((SINGLE, single), (BOTH, both)):
                rows[name][protocol] = None if judged[name] is None else _figures(remedy, system, judged)
    show_rows(bench, rows, protocols, beside="against_single")
    asked = {"corpus": bench.corpus, "profile": bench.profile, "seed": bench.seed}
    return {"artifact": f"{CHAPTER}/remedies", **asked, "protocols": list(protocols), "rows": rows}


def _figures(remedy: str, system: str, judged: dict) -> dict:
    """Figures of a row that was measured, and its distances to those beside it."""
    own, before = judged[row_name(remedy, system)], judged[row_name(AS_IT_IS, system)]
    figures = effects(system, {SINGLE: judged[row_name(remedy, SINGLE)], system: own})
    if "against_single_within" in figures:
        figures["against_single_in_noise"] = figures.pop("against_single_within")[NOISES]
    if remedy != AS_IT_IS and before is not None:
        figures["against_as_it_is"] = compare(before, own, names=(AS_IT_IS, remedy), metric="ua").to_dict()
    return figures
