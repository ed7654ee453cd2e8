"""Archives that mean harm, are damaged, or are none."""

from __future__ import annotations

import io
import random
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from sercourse.unpack import ArchiveError, Limits, commit_of, unpack, unpacked_size


def write_zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, body in members.items():
            file.writestr(name, body)
    return path


def write_tar(path: Path, entries: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for entry, body in entries:
            entry.size = len(body)
            file.addfile(entry, io.BytesIO(body))
    return path


def tar_entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_refused(archive: Path, into: Path, said: str, **options) -> None:
    with pytest.raises(ArchiveError, match=said):
        unpack(archive, into, **options)


MEMBERS = {"top/wav/a.wav": b"sound", "top/wav/b.wav": b"more", "top/readme.txt": b"text"}


def test_a_zip_and_a_tar_unpack_alike(tmp_path):
    (tmp_path / "x").mkdir()
    one = write_zip(tmp_path / "one", {"top/": b"", **MEMBERS})
    two = write_tar(
        tmp_path / "two",
        [(tar_entry("top", tarfile.DIRTYPE), b"")] + [(tar_entry(name), body) for name, body in MEMBERS.items()],
    )
    for archive in (one, two):
        into = tmp_path / f"{archive.name}.d"
        assert unpack(archive, into) == 3
        assert files_below(into) == MEMBERS


def test_only_what_is_wanted_and_no_litter(tmp_path):
    litter = {"__MACOSX/top/wav/._a.wav": b"x", "top/wav/._b.wav": b"x", "top/laryngo/a.wav": b"x"}
    archive = write_zip(tmp_path / "a.zip", MEMBERS | litter)
    assert unpack(archive, tmp_path / "d", keep=r"(^|/)wav/[^/]+\.wav$") == 2
    assert sorted(files_below(tmp_path / "d")) == ["top/wav/a.wav", "top/wav/b.wav"]


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/evil", "//evil", "..\\evil", "C:\\evil", "C:/evil", "a/..", "."]
)
@pytest.mark.parametrize("form", ["zip", "tar"])
def test_nothing_lands_outside(tmp_path, name, form):
    if form == "zip":
        archive = write_zip(tmp_path / "a", {"good": b"1", name: b"2"})
    else:
        archive = write_tar(tmp_path / "a", [(tar_entry("good"), b"1"), (tar_entry(name), b"2")])
    assert_refused(archive, tmp_path / "deep" / "d", "would land outside its folder")
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [(tarfile.SYMTYPE, "link"), (tarfile.LNKTYPE, "link"), (tarfile.CHRTYPE, "device"), (tarfile.FIFOTYPE, "device")],
)
def test_a_tar_with_more_than_files(tmp_path, kind, said):
    archive = write_tar(tmp_path / "a", [(tar_entry("x", kind, "/etc/passwd"), b"")])
    assert_refused(archive, tmp_path / "d", f"holds a {said}, x")


@pytest.mark.parametrize(("mode", "said"), [(stat.S_IFLNK | 0o777, "link"), (stat.S_IFCHR | 0o666, "device")])
def test_a_zip_with_more_than_files(tmp_path, mode, said):
    info = zipfile.ZipInfo("x")
    info.create_system, info.external_attr = 3, mode << 16
    with zipfile.ZipFile(tmp_path / "a", "w") as file:
        file.writestr(info, "/etc/passwd")
    assert_refused(tmp_path / "a", tmp_path / "d", f"holds a {said}, x")


def test_an_encrypted_zip(tmp_path):
    archive = write_zip(tmp_path / "a", {"x": b"secret"})
    raw = bytearray(archive.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # the flag in the directory
    archive.write_bytes(raw)
    assert_refused(archive, tmp_path / "d", "holds a password-protected file, x")


def test_a_bomb_is_refused_before_it_is_written(tmp_path):
    archive = write_zip(tmp_path / "a", {"x": bytes(30_000_000)}, zipfile.ZIP_DEFLATED)
    assert archive.stat().st_size < 40_000
    assert_refused(archive, tmp_path / "d", "far more than a corpus can be")
    assert files_below(tmp_path / "d") == {}


def test_a_bomb_in_a_tar(tmp_path):
    archive = write_tar(tmp_path / "a", [(tar_entry(str(n)), bytes(5_000_000)) for n in range(4)])
    assert_refused(archive, tmp_path / "d", "far more than a corpus can be")
    assert sum(len(body) for body in files_below(tmp_path / "d").values()) <= 200 * archive.stat().st_size


def test_too_many_bytes_and_too_many_files(tmp_path):
    archive = write_zip(tmp_path / "a", MEMBERS)
    assert_refused(archive, tmp_path / "d", "far more", limits=Limits(total=10))
    assert_refused(archive, tmp_path / "e", "more than 2 files", limits=Limits(files=2))
    assert unpack(archive, tmp_path / "f", limits=Limits(files=3, total=13)) == 3


def test_a_member_that_is_larger_than_it_says(tmp_path):
    archive = write_zip(tmp_path / "a", {"x": b"y" * 1000})
    raw = bytearray(archive.read_bytes())
    at = raw.index(b"PK\x01\x02") + 24  # uncompressed size in the directory
    raw[at : at + 4] = (10).to_bytes(4, "little")
    archive.write_bytes(raw)
    assert_refused(archive, tmp_path / "d", "is damaged")
    assert all(len(body) <= 10 for body in files_below(tmp_path / "d").values())


def test_the_same_file_twice(tmp_path):
    with zipfile.ZipFile(tmp_path / "a", "w") as file:
        file.writestr("x", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("x", "2")
    assert_refused(tmp_path / "a", tmp_path / "d", "holds x twice")


def test_damaged_archives(tmp_path):
    good = write_zip(tmp_path / "good", {"x": bytes(range(250)) * 40}).read_bytes()
    flipped = bytearray(good)
    flipped[5000] ^= 1
    (tmp_path / "flipped").write_bytes(flipped)
    assert_refused(tmp_path / "flipped", tmp_path / "d1", "is damaged .*CRC")
    (tmp_path / "cut").write_bytes(good[:-30])
    assert_refused(tmp_path / "cut", tmp_path / "d2", "is cut off, or no zip or tar archive")
    tar = write_tar(tmp_path / "tar", [(tar_entry("x"), random.Random(0).randbytes(100_000))]).read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(tar[: len(tar) // 2])
    assert_refused(tmp_path / "cut.tar.gz", tmp_path / "d3", "is damaged")
    (tmp_path / "flipped.tar.gz").write_bytes(tar[:-8] + b"\0\0\0\0" + tar[-4:])  # gzip's own checksum
    assert_refused(tmp_path / "flipped.tar.gz", tmp_path / "d4", "is damaged")


@pytest.mark.parametrize("form", ["gz", "bz2", "xz"])
def test_damage_in_the_middle_of_any_compression(tmp_path, form):
    with tarfile.open(tmp_path / "a", f"w:{form}") as file:
        for number in range(40):
            entry = tar_entry(f"{number}")
            entry.size = 50_000
            file.addfile(entry, io.BytesIO(random.Random(number).randbytes(50_000)))
    raw = bytearray((tmp_path / "a").read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 300] = bytes(300)
    (tmp_path / "a").write_bytes(raw)
    assert_refused(tmp_path / "a", tmp_path / "d", "is damaged")


def test_a_name_that_is_too_long(tmp_path):
    assert_refused(write_zip(tmp_path / "a", {"x" * 300: b"1"}), tmp_path / "d", "a file whose name is too long")


def test_what_is_no_archive(tmp_path):
    (tmp_path / "page.zip").write_bytes(b"\n <!DOCTYPE html><p>Log in</p>")
    assert_refused(tmp_path / "page.zip", tmp_path / "d", "is a web page")
    (tmp_path / "text.zip").write_bytes(b"hello")
    assert_refused(tmp_path / "text.zip", tmp_path / "d", "is cut off, or no zip or tar archive")


def test_size_and_commit(tmp_path):
    archive = write_zip(tmp_path / "a", MEMBERS)
    assert unpacked_size(archive) == 13
    assert commit_of(archive) == ""
    with zipfile.ZipFile(archive, "a") as file:
        file.comment = b"0123456789abcdef0123456789abcdef01234567"
    assert commit_of(archive) == "0123456789abcdef0123456789abcdef01234567"
    tar = write_tar(tmp_path / "b", [(tar_entry("x"), b"1")])
    assert (unpacked_size(tar), commit_of(tar)) == (3 * tar.stat().st_size, "")
