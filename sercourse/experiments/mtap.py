"""Chapter 05: losses with and without margin and focus, modalities, the gender in three ways (tables 1 to 7).

The paper judges on EMO-DB, SAVEE and IEMOCAP with DenseNet169 from ImageNet, five runs per fold; here every artifact
runs on any corpus (``--repeats 5`` for five runs), in the profiles quick and course with a small DenseNet on coarser
images. Tables 4 to 7 stand on IEMOCAP alone; where it is not at hand, name another corpus. On IEMOCAP a whole session
is tested; the paper halves it into validation and test.

Source: Wen et al. 2023, section 5.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.experiments.cells import Bench, printed_figures, stored_artifact
from sercourse.experiments.mtap_part import IEMOCAP, as_in_the_paper, notes
from sercourse.experiments.side_by_side import show, side_by_side
from sercourse.training.images import SECONDS
from sercourse.training.modalities import MINI, MINILM
from sercourse.training.settings import Settings

CHAPTER = "mtap"
printed = partial(printed_figures, CHAPTER)
stored = partial(stored_artifact, CHAPTER)

STRANGERS: dict[str, str] = {"ravdess": "group-6", "iemocap": "session", IEMOCAP: "session", "matrix": "group-5"}
"""Corpus to its speaker-independent protocol; others leave one speaker out."""

ACQUAINTED: dict[str, str] = {"savee": "kfold-5", "ravdess": "kfold-5"}
"""Corpus to its speaker-dependent protocol; others have ten folds over utterances."""

TABLES: dict[str, str] = {"table1": "strangers", "table2": "acquainted", "table3": "strangers"}
"""Of the losses, and who is tested."""

TITLES: dict[str, str] = {"emodb": "EMO-DB", "savee": "SAVEE", IEMOCAP: "IEMOCAP (improvised)"}
"""Corpora for which the paper prints gamma and margin."""

LOSSES: tuple[str, ...] = ("softmax", "focal", "normalised", "arcface", "apfl")
"""Normalised softmax is no row of the paper's: it tells what normalisation does from what the margin does."""

REFERENCES: tuple[str, ...] = ("softmax", "normalised", "arcface")
"""Each loss is compared with those of these that stand before it."""

BEFORE: tuple[str, ...] = ("as it is", "without augmentation", "last epoch")
"""Steps that later ones are compared with; the profile course has some augmentation of its own."""

BRANCHES: dict[str, tuple[str, ...]] = {
    "image": (),
    "text": ("image=none", "imagenet=false", "text"),
    "audio": ("image=none", "imagenet=false", "audio"),
    "image and text": ("text",),
    "image and audio": ("audio",),
    "all three": ("text", "audio"),
}
"""Which modalities; the second and the third are no rows of the paper's."""

ENCODERS: dict[str, dict[str, str]] = {
    "quick": {"text": MINILM, "audio": MINI},
    "course": {"text": MINILM, "audio": MINI},
    "paper": {"text": "google-bert/bert-base-uncased", "audio": "vggish"},
}
"""Of each profile."""

WHOLE: dict[str, tuple[str, ...]] = {
    "image, softmax": ("loss=softmax",),
    "all three, softmax": ("loss=softmax", "text", "audio"),
    "image, APFL": ("loss=apfl", "margin=0.3", "gamma=0.5"),
    "all three, APFL": ("loss=apfl", "margin=0.3", "gamma=0.1", "text", "audio"),
    "all three, APFL, gender": ("loss=apfl", "margin=0.3", "gamma=0.1", "text", "audio", "gender=B"),
}
"""Table 6 with the profile's own image network and DenseNet169's gammas; the last row is the method of the title, which
the paper never prints."""

BACKBONES: dict[str, str] = {"ResNet50": "resnet50", "DenseNet169": "densenet169"}
"""The networks of table 6, as the paper and as the settings write them."""

GAMMAS, MARGINS, SCALES = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0), (0.0, 0.2, 0.3, 0.5, 0.8), (1.0, 5.0, 10.0, 30.0)
"""Of the sweep, one at a time, around gamma .1, m .5, s 10."""

BEST = "gamma 0.1"
"""The sweep's row with the paper's setting for EMO-DB, which all others are compared with."""


def protocol_of(corpus: str, tested: str = "strangers") -> str:
    """The protocol of a corpus.

    Args:
        corpus: its name, in noise or not.
        tested: "strangers" (speaker-independent) or "acquainted" (speaker-dependent).
    """
    name = corpora.base_name(corpus)
    return STRANGERS.get(name, "loso") if tested == "strangers" else ACQUAINTED.get(name, "kfold-10")


def losses(bench: Bench, name: str) -> dict:
    """Tables 1 to 3: the spectrogram alone under five losses, each compared with those before it (:data:`REFERENCES`).

    Args:
        bench: how to measure.
        name: "table1" (strangers), "table2" (speaker-dependent) or "table3" (IEMOCAP's sessions).
    """
    table = printed()["losses"][name]
    bench = replace(bench, corpus=bench.corpus or next(iter(table)))
    paper, borrowed = best_of(name, bench.corpus)
    rows = {loss: loss_changes(loss, paper) for loss in LOSSES}
    found = _measured(bench, name, protocol_of(bench.corpus, TABLES[name]), rows, REFERENCES, "wa", further=borrowed)
    return found | {"printed": table.get(bench.corpus)}


def best_of(name: str, corpus: str) -> tuple[Mapping[str, Mapping[str, float]], list[str]]:
    """What the paper prints for a corpus, and what must be said where it has nothing for it.

    Args:
        name: "table1", "table2" or "table3".
        corpus: its name, in noise or not.

    Returns:
        Loss to figures with its best ``gamma`` and ``margin``, of the table's first corpus where the paper has none of
        its own; and then a note that says so.
    """
    table = printed()["losses"][name]
    own = corpora.base_name(corpus)
    if own in table:
        return table[own], []
    first = next(iter(table))
    return table[first], [borrowed_from(first)]


def borrowed_from(corpus: str) -> str:
    """The note of a result whose gamma and margin are another corpus's."""
    return f"Gamma and margin are those that the paper found for {TITLES[corpus]}."


def loss_changes(loss: str, paper: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    """A loss with the gamma and the margin that the paper found best for it."""
    chosen = paper.get(loss, {})
    return (f"loss={loss}", *(f"{name}={chosen[name]:g}" for name in ("gamma", "margin") if name in chosen))


def modalities(bench: Bench) -> dict:
    """Table 4: what each modality brings, under softmax as in the paper."""
    rows = {row: ("loss=softmax", *changes) for row, changes in BRANCHES.items()}
    return _on_all(bench, "table4", rows, ("image",)) | {"printed": printed()["modalities"]}


def gender(bench: Bench) -> dict:
    """Table 5: the gender recognised from one, two or three modalities, under softmax, with the paper's lambdas."""
    paper = printed()["gender"]["densenet169"]
    base = ("loss=softmax", "text", "audio")
    rows = {"no gender": base}
    rows |= {f"MTL-{way}": (*base, f"gender={way}", f"gender_weight={paper[way]['weight']:g}") for way in "ABC"}
    return _on_all(bench, "table5", rows, ("no gender",)) | {"printed": printed()["gender"]}


def whole(bench: Bench, name: str) -> dict:
    """Tables 6 and 7: softmax and APFL with one and with three modalities, and with the gender.

    Table 7 quotes peers beside them. Table 6 has the same rows for the paper's image networks. They take hours without
    a GPU, so in the profiles quick and course (there from random weights) only those are trained that ``--rows`` names.

    Args:
        bench: how to measure.
        name: "table6" or "table7".
    """
    rows = WHOLE | backbone_rows(_own(bench).model.image) if name == "table6" else WHOLE
    if bench.profile != "paper" and not bench.rows:
        bench = replace(bench, rows=tuple(WHOLE))
    found = _on_all(bench, name, rows, ("image, softmax", "all three, softmax"))
    return found | {"printed": printed()["whole"]} | ({"quoted": printed()["peers"]} if name == "table7" else {})


def backbone_rows(own: str) -> dict[str, tuple[str, ...]]:
    """Rows of table 6 for the networks that are not a profile's own, each with the gamma that is printed for it."""
    return {
        f"{title}: {row}": (
            *WHOLE[row], f"image={network}", *([f"gamma={paper['gamma']:g}"] if "gamma" in paper else []),
        )
        for title, network in BACKBONES.items()
        if network != own
        for row, paper in printed()["whole"][network].items()
    }  # fmt: skip


def sweep(bench: Bench) -> dict:
    """APFL over gamma, margin and scale, one at a time: how much depends on numbers that were chosen by the result.

    Every row is compared with :data:`BEST`.
    """
    bench = replace(bench, corpus=bench.corpus or "emodb")
    rows = {f"gamma {value:g}": (f"gamma={value:g}",) for value in GAMMAS}
    rows |= {f"margin {value:g}": (f"margin={value:g}",) for value in MARGINS}
    rows |= {f"scale {value:g}": (f"scale={value:g}",) for value in SCALES}
    rows = {BEST: rows[BEST]} | rows  # in front, for a row is compared with those before it
    return _measured(bench, "sweep", protocol_of(bench.corpus), rows, (BEST,), "ua") | {"printed": printed()["sweep"]}


def steps(bench: Bench, tested: str = "strangers") -> dict:
    """What each step of training brings to APFL on the spectrogram, and all of them together.

    Args:
        bench: how to measure.
        tested: "strangers" or "acquainted".
    """
    bench = replace(bench, corpus=bench.corpus or "emodb")
    name, like = ("steps", "table1") if tested == "strangers" else ("steps_acquainted", "table2")
    paper, borrowed = best_of(like, bench.corpus)
    base = loss_changes("apfl", paper)
    rows = {row: (*base, *changes) for row, changes in step_rows(_own(bench).loop.epochs).items()}
    found = _measured(bench, name, protocol_of(bench.corpus, tested), rows, BEFORE, "wa", further=borrowed)
    return found | {"printed": printed()["losses"][like].get(bench.corpus)}


def step_rows(epochs: int) -> dict[str, tuple[str, ...]]:
    """The steps: each changes what its name says ("weights averaged" rests on the row above it).

    Args:
        epochs: of the profile.
    """
    masks, warped = ("masks=2",), ("speed=0.1", "pitch=0.1")
    longer, averaged, several = (f"epochs={2 * epochs}",), ("select=last", f"average={min(5, epochs)}"), ("members=3",)
    return {
        "as it is": (),
        "without augmentation": ("masks=0", "speed=0", "pitch=0"),
        "SpecAugment alone": (*masks, "speed=0", "pitch=0"),
        "speed and pitch alone": ("masks=0", *warped),
        "twice as long": longer,
        "last epoch": ("select=last",),
        "weights averaged": averaged,
        "three networks averaged": several,
        "all of them": (*masks, *warped, *longer, *averaged, *several),
    }


def _own(bench: Bench) -> Settings:
    """What the profile has of itself."""
    return bench.config(CHAPTER, "loso").settings


def image_length(bench: Bench) -> tuple[str, ...]:
    """The length of the images of a corpus, or of the longest of several, in noise or not, where it is not that of
    EMO-DB; quick has short ones for all."""
    names = [corpora.base_name(part) for part in corpora.parts(bench.corpus)]
    known = [SECONDS[name] for name in names if name in SECONDS]
    return (f"seconds={max(known):g}",) if known and bench.profile != "quick" else ()


def with_encoders(bench: Bench, changes: Sequence[str]) -> tuple[str, ...]:
    """Changes in which text and audio are given the profile's encoders."""
    encoders = ENCODERS.get(bench.profile, {})
    return tuple(f"{one}={encoders[one]}" if one in encoders else one for one in changes)


def _on_all(bench: Bench, name: str, rows: Mapping[str, Sequence[str]], references: Sequence[str]) -> dict:
    """Tables that want texts: of the paper's corpus, or of another one that has them.

    Raises:
        UserError: the corpus has no transcripts.
    """
    bench = replace(bench, corpus=bench.corpus or IEMOCAP)
    if corpora.load(bench.corpus)["text"].isna().all():
        raise UserError(f"{bench.corpus}: has no transcripts for the text branch; take emodb or synthetic.")
    rows = {row: with_encoders(bench, changes) for row, changes in rows.items()}
    found = _measured(bench, name, protocol_of(bench.corpus), rows, references, "ua", printed_on_iemocap=True)
    unmeasured = [] if name == "table6" else ["Rows of ResNet50 are printed, not measured."]
    return found | {"notes": found["notes"] + unmeasured}


def _measured(
    bench: Bench, name: str, protocol: str, rows: Mapping[str, Sequence[str]], references: Sequence[str], metric: str,
    *, printed_on_iemocap: bool = False, further: Sequence[str] = (),
) -> dict:  # fmt: skip
    """Rows side by side, shown and told, and what must be known of them."""
    rows = {row: (*changes, *image_length(bench)) for row, changes in rows.items()}
    bench = as_in_the_paper(bench)
    found = side_by_side(bench, CHAPTER, protocol, rows, references, metric=metric)
    show(bench, f"{bench.corpus}, {protocol}", found, references, metric)
    told = [*notes(bench, protocol, printed=printed_on_iemocap), *further]
    missing = "; ".join(row for row, cell in found["rows"].items() if cell is None)
    for sentence in (*told, *([f"Not measured: {missing}."] if missing else [])):
        bench.say(sentence)
    return bench.about(f"{CHAPTER}/{name}", protocol) | found | {"notes": told}
