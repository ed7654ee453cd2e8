"""Archives that are damaged or mean harm, corpora that must not be passed on, and what cannot be done."""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import tarfile
from collections.abc import Callable
from dataclasses import replace

import nbformat
import pytest
from workshop_archive import below, members, rewritten

from sercourse import corpora
from sercourse.commands import workshop as commands
from sercourse.errors import UserError
from sercourse.training import workshop
from sercourse.training.workshop_pack import MANIFEST, check_licence, pack
from sercourse.training.workshop_unpack import unpack_here


def swap(content: dict[str, bytes]) -> None:
    name = next(name for name in content if name.startswith("cache/features/"))
    content[name] = content[name][:-1] + bytes([content[name][-1] ^ 1])


def climb(content: dict[str, bytes]) -> None:
    content["cache/../../evil"] = b"evil"


def add(content: dict[str, bytes]) -> None:
    content["runs/more/run.json"] = b"{}"


def age(content: dict[str, bytes]) -> None:
    content[MANIFEST] = json.dumps(json.loads(content[MANIFEST]) | {"format": 99, "sercourse": "9.9"}).encode()


def says(**changes: object) -> Callable[[dict[str, bytes]], None]:
    """A manifest with other entries; ``size``: of its first file."""

    def change(content: dict[str, bytes]) -> None:
        manifest = json.loads(content[MANIFEST])
        if "size" in changes:
            next(iter(manifest["files"].values()))["bytes"] = changes["size"]
        content[MANIFEST] = json.dumps(manifest | changes).encode()

    return change


def deepen(content: dict[str, bytes]) -> None:
    content[MANIFEST] = b"[" * 200_000


def drop(content: dict[str, bytes]) -> None:
    del content[MANIFEST]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (swap, r"is damaged \(cache/features/.*checksum\); copy it again"),
        (climb, "would land outside its folder"),
        (add, "does not hold what its list of contents says"),
        (age, "packed by sercourse 9.9, which is newer; update yours"),
        (drop, "is no archive of `sercourse prefetch`"),
        (deepen, "is no archive of `sercourse prefetch`"),
        *[(says(corpora=names), "is no archive") for names in ([1], "abc", [["a"]], ["[/bold]"], ["\ud800"], ["\x1b"])],
        *[(says(runs=names), "is no archive") for names in ([1], ["../x"], {"a": 1})],
        *[(says(size=size), "is no archive") for size in (-1, float("inf"), float("nan"), "1", 10**400)],
    ],
)
def test_a_bad_archive_leaves_nothing_behind(packed, laptop, change, said):
    archive = rewritten(packed["archive"], laptop / "bad.tar", change)
    with pytest.raises(UserError, match=said):
        unpack_here(archive, progress=False)
    assert below(laptop / "cache") == {}
    assert not (laptop / "runs").exists()
    assert not list(laptop.rglob("evil"))


def test_a_link_is_refused(packed, laptop):
    archive = rewritten(packed["archive"], laptop / "bad.tar", lambda content: None)
    with tarfile.open(archive, "a") as tar:
        entry = tarfile.TarInfo("cache/synthetic/passwords")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    with pytest.raises(UserError, match="holds a link, cache/synthetic/passwords"):
        unpack_here(archive, progress=False)
    assert below(laptop / "cache") == {}


def test_half_an_archive_and_none(packed, laptop):
    half = laptop / "half.tar.gz"
    half.write_bytes(packed["archive"].read_bytes()[: packed["archive"].stat().st_size // 2])
    (laptop / "page.tar.gz").write_text("<html>log in</html>")
    for path, said in (
        (half, "is damaged"),
        (laptop / "page.tar.gz", "is no archive"),
        (laptop / "no", "there is no such file"),
    ):
        with pytest.raises(UserError, match=said):
            unpack_here(path, progress=False)
    assert below(laptop / "cache") == {}


@pytest.mark.parametrize("damage", ["at its begin", "at its end", "cut"])
def test_a_damaged_xz_archive_is_one_sentence(packed, laptop, damage):
    with tarfile.open(packed["archive"]) as tar:
        tar.extractall(laptop / "all", filter="data")
    with tarfile.open(laptop / "whole.tar", "w") as tar:
        for name in (MANIFEST, "cache", "runs"):
            tar.add(laptop / "all" / name, name)
    whole = lzma.compress((laptop / "whole.tar").read_bytes(), preset=0)
    cut = {"at its begin": 2000, "at its end": len(whole) - 3000, "cut": len(whole)}[damage]
    spoilt = whole[:cut] + bytes(500) + whole[cut + 500 :]
    (laptop / "bad.tar.xz").write_bytes(spoilt if damage != "cut" else whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"damaged.*copy it again"):
        unpack_here(laptop / "bad.tar.xz", progress=False)
    assert below(laptop / "cache") == {}


def test_only_folders_of_its_corpora_are_taken_from_an_archive(packed, laptop):
    """An archive that lists a file elsewhere in the cache does not replace what lies there."""

    def foreign(content: dict[str, bytes]) -> None:
        manifest = json.loads(content[MANIFEST])
        said = {"bytes": 4, "sha256": hashlib.sha256(b"evil").hexdigest()}
        manifest["files"] |= {"cache/noisy/index": said, "data/emodb/evil.txt": said}
        content |= {"cache/noisy/index": b"evil", "data/emodb/evil.txt": b"evil"}
        content[MANIFEST] = json.dumps(manifest).encode()

    (laptop / "cache" / "noisy").mkdir(parents=True)
    (laptop / "cache" / "noisy" / "index").write_text("mine")
    unpack_here(rewritten(packed["archive"], laptop / "bad.tar", foreign), progress=False)
    assert (laptop / "cache" / "noisy" / "index").read_text() == "mine"
    assert below(laptop / "data") == {}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("iemocap", "must not be passed on"),
        ("casia", "must not be passed on"),
        ("urdu", "not said"),
        ("csv:mine.csv", "by their own name"),
        ("emodb+none+white@0", "by their own name"),
    ],
)
def test_what_must_not_be_passed_on_goes_into_no_archive(name, said, tmp_path):
    with pytest.raises(UserError, match=f"--corpus {re.escape(name)}: .*{said}"):
        pack(tmp_path / "a.tar", ["synthetic", name], progress=False)
    with pytest.raises(UserError):
        commands.prefetch(to=tmp_path / "a.tar", corpus=[name])
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_done_is_said_before_the_work(own_folders, monkeypatch):
    monkeypatch.setattr(corpora, "load", lambda name: pytest.fail("work was begun"))
    (own_folders / "file").touch()
    for options, said in (
        ({"to": own_folders / "a.zip"}, "name it FILE.tar.gz or FILE.tar"),
        ({"to": own_folders / "file" / "a.tar"}, "cannot be written"),
        ({"notebooks": own_folders / "data"}, "holds no notebook named NN_name"),
        ({"corpus": ["savee"]}, "must not be passed on"),
    ):
        with pytest.raises(UserError, match=said):
            commands.prefetch(**options)


def test_corpora_that_may_be_passed_on():
    for name in ("synthetic", "matrix", "tongues", "emodb", "ravdess", "nemo", "cremad", "tess"):
        check_licence(name)


def test_of_a_corpus_that_must_stay_unchanged_no_features_are_packed(packed, laptop, monkeypatch):
    """TESS may be handed on unchanged only; a small synthetic corpus stands in for it."""
    unpack_here(packed["archive"], progress=False)
    kept_whole = replace(corpora.card("synthetic"), redistribute="may be passed on unchanged")
    monkeypatch.setattr(corpora, "card", lambda name: kept_whole)
    pack(laptop / "second.tar", ["synthetic"], progress=False)
    content = members(laptop / "second.tar")
    assert not any(name.startswith("cache/features/") for name in content)
    assert sum(name.endswith(".wav") for name in content) == 70


def test_real_corpora_need_a_place(packed, laptop, monkeypatch):
    def real(content: dict[str, bytes]) -> None:
        manifest = json.loads(content[MANIFEST])
        manifest["files"]["data/emodb/x"] = {"bytes": 1, "sha256": ""}
        content[MANIFEST] = json.dumps(manifest).encode()

    monkeypatch.delenv("SERCOURSE_DATA")
    with pytest.raises(UserError, match="set SERCOURSE_DATA"):
        unpack_here(rewritten(packed["archive"], laptop / "real.tar", real), progress=False)


def test_a_notebook_that_fails_and_a_folder_without_any(own_folders):
    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(broken, own_folders / "01_broken.ipynb")
    with pytest.raises(UserError, match=r"01_broken.ipynb: a cell fails \(ZeroDivisionError: division by zero\)"):
        workshop.run_notebooks(own_folders, progress=False)
    with pytest.raises(UserError, match="holds no notebook named NN_name"):
        workshop.run_notebooks(own_folders / "data", progress=False)


@pytest.mark.parametrize(
    ("cell", "said"),
    [("import os\nos._exit(0)", "a cell ended its kernel"), ("while True: pass", "a cell took longer than 2 s")],
)
def test_a_cell_that_ends_its_kernel_or_never_ends(own_folders, monkeypatch, cell, said):
    monkeypatch.setattr(workshop, "CELL_SECONDS", 2)
    real = workshop.client
    monkeypatch.setattr(workshop, "client", lambda notebook, folder: real(notebook, folder, 2))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    nbformat.write(notebook, own_folders / "01_ends.ipynb")
    with pytest.raises(UserError, match=rf"01_ends\.ipynb: {said}"):
        workshop.run_notebooks(own_folders, progress=False)
