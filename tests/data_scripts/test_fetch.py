"""Whole fetches against a local server: what arrives, what is refused, and what is left behind."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from data_scripts.download import CHUNK
from data_scripts.sources import SOURCES, Download
from sercourse.corpora import load

ROOT = Path(__file__).resolve().parents[2]


# --- what works


def test_emodb_arrives_checked_and_ready_for_the_library(emodb, run, tmp_path, site, recordings, left_beside):
    target = tmp_path / "data" / "emodb"
    code, out, err = run(emodb, target)
    assert (code, err) == (0, "")
    assert "Licence:  CC BY 4.0" in out
    assert "the checksum is the published one; the licence stated with it is 'cc-by-4.0'" in out
    assert f"SERCOURSE_DATA={target.parent} sercourse corpora emodb" in out
    assert sorted(path.name for path in target.iterdir()) == ["db.emotion.csv", "wav"]
    assert len(list((target / "wav").iterdir())) == 5, "the ambiguous one stays on the disk"
    assert left_beside(target) == ["emodb"]
    with pytest.warns(UserWarning, match="4 of 535"):
        assert list(load("emodb", root=target.parent).index) == [f"emodb/{stem}" for stem in sorted(recordings.EMODB)]
    asked = len(site.asked)
    code, out, _ = run(emodb, target)
    assert code == 0
    assert "Already there: 4 recordings" in out
    assert len(site.asked) == asked


def test_an_archive_without_a_folder_of_its_own(site, run, tmp_path, recordings):
    tree = tmp_path / "tree"
    for actor in ("01", "24"):
        recordings.write(tree / f"Actor_{actor}" / f"03-01-05-01-01-01-{actor}.wav")
    record = site.add_record("speech.zip", recordings.zipped(tree))
    source = replace(SOURCES["ravdess"], downloads=(Download("speech.zip", record=record),), utterances=2)
    assert run(source, tmp_path / "ravdess")[0] == 0
    assert sorted(path.name for path in (tmp_path / "ravdess").iterdir()) == ["Actor_01", "Actor_24"]


def test_a_repository_is_judged_by_its_commit_and_its_content(nemo, run, tmp_path, left_beside):
    code, out, _ = run(nemo(), tmp_path / "nemo")
    assert code == 0
    assert "no checksum to compare with" in out
    assert sorted(path.name for path in (tmp_path / "nemo").iterdir()) == ["data.tsv", "samples"]
    assert run(nemo(comment=""), tmp_path / "other")[0] == 0
    code, _, err = run(nemo(comment=nemo.commit[::-1]), tmp_path / "wrong")
    assert code == 2
    assert f"was made from commit {nemo.commit[::-1]} instead of {nemo.commit}" in err
    assert left_beside(tmp_path / "wrong") == []


def test_a_plain_file_is_put_beside_the_archive(cremad, run, tmp_path):
    source, _ = cremad
    assert run(source, tmp_path / "cremad")[0] == 0
    assert sorted(path.name for path in (tmp_path / "cremad").iterdir()) == ["AudioWAV", "VideoDemographics.csv"]


def test_lfs_pointers_are_no_recordings(cremad, site, run, tmp_path, recordings, left_beside):
    source, tree = cremad
    for path in (tree / "AudioWAV").iterdir():
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:80295870\nsize 55566\n")
    site.pages["/crema.zip?path=AudioWAV"].body = recordings.zipped(tree, "mirror-AudioWAV/")
    code, _, err = run(source, tmp_path / "cremad")
    assert code == 2
    assert "Git LFS pointer" in err
    assert left_beside(tmp_path / "cremad") == []


# --- interruptions


def test_a_broken_network_leaves_nothing_half_made_and_the_next_run_goes_on(emodb, site, run, tmp_path, left_beside):
    target = tmp_path / "emodb"
    page = site.pages["/api/records/1/files/emodb_2.0.zip/content"]
    page.cuts, page.ranges = [4 * CHUNK] * 4, False
    code, _, err = run(emodb, target)
    assert code == 2
    assert "stops sending before the end" in err
    assert f"open {emodb.page} in a browser, put the archive into {target} and run this again" in err
    assert left_beside(target) == ["emodb.fetch"]
    assert sorted(path.name for path in (tmp_path / "emodb.fetch").glob("*.part")) == ["emodb_2.0.zip.part"]
    page.ranges = True
    assert run(emodb, target)[0] == 0
    assert site.asked[-1] == ("/api/records/1/files/emodb_2.0.zip/content", f"bytes={4 * CHUNK}-")
    assert left_beside(target) == ["emodb"]


def test_a_download_that_is_complete_is_not_repeated_when_a_later_one_fails(cremad, site, run, tmp_path):
    source, _ = cremad
    site.pages["/VideoDemographics.csv"].statuses = [404]
    code, _, err = run(source, tmp_path / "cremad")
    assert code == 2
    assert "VideoDemographics.csv does not exist" in err
    assert run(source, tmp_path / "cremad")[0] == 0
    assert [path for path, _ in site.asked].count("/crema.zip?path=AudioWAV") == 1


def test_ctrl_c_keeps_what_has_arrived(emodb, site, tmp_path):
    page = site.pages["/api/records/1/files/emodb_2.0.zip/content"]
    page.stalls, site.quiet_seconds = [3 * CHUNK], 20.0
    program = (
        "import sys; from dataclasses import replace; from data_scripts.fetch import main, SOURCES;"
        "s = SOURCES['emodb']; d = (replace(s.downloads[0], record=sys.argv[1]),);"
        "sys.exit(main(['emodb', '--to', sys.argv[2]], sources={'emodb': replace(s, downloads=d)}))"
    )
    arguments = [sys.executable, "-c", program, emodb.downloads[0].record, str(tmp_path / "emodb")]
    process = subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    part = tmp_path / "emodb.fetch" / "emodb_2.0.zip.part"
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == "Stopped; what has arrived is kept, and the same command goes on from there.\n"
    assert part.stat().st_size == 3 * CHUNK
    assert not (tmp_path / "emodb").exists()


def test_two_runs_at_once(emodb, run, tmp_path):
    (tmp_path / "emodb.fetch").mkdir()
    with FileLock(tmp_path / "emodb.fetch" / "lock"):
        code, _, err = run(emodb, tmp_path / "emodb")
    assert code == 2
    assert "another run is fetching this corpus" in err


# --- servers and records that lie


def test_a_wrong_checksum(site, emodb_archive, run, tmp_path, left_beside):
    record = site.add_record("emodb_2.0.zip", emodb_archive, checksum="md5:" + "0" * 32)
    source = replace(SOURCES["emodb"], downloads=(Download("emodb_2.0.zip", record=record),))
    code, _, err = run(source, tmp_path / "emodb")
    assert code == 2
    assert "has the md5 checksum" in err
    assert "but its record says 0000" in err
    assert left_beside(tmp_path / "emodb") == [], "the wrong file is not taken for a beginning of the right one"


def test_a_wrong_size(site, emodb_archive, run, tmp_path):
    record = site.add_record("emodb_2.0.zip", emodb_archive, size=len(emodb_archive) - 1, ranges=False)
    source = replace(SOURCES["emodb"], downloads=(Download("emodb_2.0.zip", record=record),))
    assert "were promised" in run(source, tmp_path / "emodb")[2]


def test_a_record_that_is_gone(emodb, site, run, tmp_path, left_beside):
    del site.pages["/api/records/1"]
    code, _, err = run(emodb, tmp_path / "emodb")
    assert code == 2
    assert "does not exist" in err
    assert f"open {emodb.page}" in err
    assert left_beside(tmp_path / "emodb") == []


@pytest.mark.parametrize("name", ["../../evil.txt", "/tmp/evil.txt"])
def test_an_evil_archive(site, run, tmp_path, name, left_beside):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("wav/03a01Fa.wav", b"x")
        file.writestr(name, b"evil")
    record = site.add_record("emodb_2.0.zip", buffer.getvalue())
    source = replace(SOURCES["emodb"], downloads=(Download("emodb_2.0.zip", record=record),))
    code, _, err = run(source, tmp_path / "deep" / "emodb")
    assert code == 2
    assert "would land outside its folder" in err
    assert not list(tmp_path.rglob("evil.txt"))
    assert left_beside(tmp_path / "deep" / "emodb") == []


# --- disks


def test_a_disk_that_is_too_small_is_noticed_before(site, emodb_archive, run, tmp_path):
    record = site.add_record("emodb_2.0.zip", emodb_archive, size=10**15)
    source = replace(SOURCES["emodb"], downloads=(Download("emodb_2.0.zip", record=record),))
    code, _, err = run(source, tmp_path / "emodb")
    assert code == 2
    assert "the disk is full or too small (1000000.0 GB are needed)" in err
    assert [path for path, _ in site.asked] == ["/api/records/1"]


def test_a_disk_that_fills_up(emodb, run, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("sercourse.unpack.shutil.copyfileobj", full)
        code, _, err = run(emodb, tmp_path / "emodb")
    assert code == 2
    assert "the disk is full or too small (No space left on device); make room" in err
    assert sorted(path.name for path in (tmp_path / "emodb.fetch").iterdir()) == ["emodb_2.0.zip", "lock"]
    assert run(emodb, tmp_path / "emodb")[0] == 0


def test_a_target_that_cannot_be_written(emodb, run, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run(emodb, tmp_path / "file" / "emodb")
    assert code == 2
    assert "the folder cannot be written" in err


# --- by hand


def test_an_archive_put_there_by_hand_is_used_without_a_network(emodb, emodb_archive, site, run, tmp_path, left_beside):
    target = tmp_path / "emodb"
    target.mkdir()
    (target / "download.zip").write_bytes(emodb_archive)
    (target / ".DS_Store").write_text("")
    site.pages.clear()
    code, out, _ = run(emodb, target)
    assert code == 0
    assert "No record to compare with" in out
    assert sorted(path.name for path in target.iterdir()) == [".DS_Store", "db.emotion.csv", "download.zip", "wav"]
    assert left_beside(target) == ["emodb"]
    assert "Already there" in run(emodb, target)[1]


def test_by_hand_with_a_network_the_checksum_counts(emodb, emodb_archive, run, tmp_path):
    target = tmp_path / "emodb"
    target.mkdir()
    (target / "emodb_2.0.zip").write_bytes(emodb_archive[:-100])
    code, _, err = run(emodb, target)
    assert code == 2
    assert "bytes, but its record says" in err
    assert [path.name for path in target.iterdir()] == ["emodb_2.0.zip"], "what the user put there is not deleted"
    (target / "emodb_2.0.zip").write_bytes(emodb_archive)
    assert "the checksum is the published one" in run(emodb, target)[1]


def test_by_hand_without_a_network_the_checksum_on_the_card_counts(site, run, tmp_path):
    source = SOURCES["ravdess"]
    source = replace(source, downloads=(replace(source.downloads[0], record=site.address + "/nowhere"),))
    target = tmp_path / "ravdess"
    target.mkdir()
    (target / source.downloads[0].filename).write_bytes(b"PK")
    code, out, err = run(source, target)
    assert code == 2
    assert "the card has the checksum" in out
    assert "has 2 bytes, but its record says 208468073" in err


def test_by_hand_several_archives(emodb, run, tmp_path):
    target = tmp_path / "emodb"
    target.mkdir()
    for name in ("a.zip", "b.tar.gz"):
        (target / name).write_bytes(b"x")
    assert "holds several archives (a.zip, b.tar.gz)" in run(emodb, target)[2]
