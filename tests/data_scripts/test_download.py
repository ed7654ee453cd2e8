"""Downloading from a server that is slow, broken, or not telling the truth."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from data_scripts.download import CHUNK, DownloadError, Patience, download, need_room
from data_scripts.zenodo import RecordFile, look_up, verify
from sercourse.unpack import ArchiveError

BODY = bytes(range(256)) * 2000  # 512 000 bytes, no two neighbouring kilobytes alike in position


def test_a_file_arrives_and_no_partial_stays(site, patience, tmp_path):
    target = tmp_path / "a.zip"
    assert download(site.add("/a", BODY), target, size=len(BODY), patience=patience) == target
    assert target.read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_redirect_is_followed(site, patience, tmp_path):
    url = site.add("/a", b"", statuses=[302])
    site.add("/moved/a", BODY)
    assert download(url, tmp_path / "a", patience=patience).read_bytes() == BODY


def test_a_broken_transfer_goes_on_where_it_stopped(site, patience, tmp_path):
    url = site.add("/a", BODY, cuts=[6 * CHUNK, 9 * CHUNK + 5])
    assert download(url, tmp_path / "a", size=len(BODY), patience=patience).read_bytes() == BODY
    assert [asked for _, asked in site.asked] == [None, f"bytes={6 * CHUNK}-", f"bytes={15 * CHUNK}-"]


def test_progress_renews_patience(site, tmp_path):
    """Ten interruptions with two attempts allowed: each brings something, so none is the last."""
    url = site.add("/a", BODY, cuts=[2 * CHUNK] * 10)
    patience = Patience(2.0, 0.5, waits=(0.0,))
    assert download(url, tmp_path / "a", size=len(BODY), patience=patience).read_bytes() == BODY
    assert len(site.asked) == 11


def test_an_earlier_run_is_continued(site, patience, tmp_path):
    (tmp_path / "a.part").write_bytes(BODY[:300_000])
    assert download(site.add("/a", BODY), tmp_path / "a", size=len(BODY), patience=patience).read_bytes() == BODY
    assert site.asked == [("/a", "bytes=300000-")]


def test_a_complete_partial_is_not_fetched_again(site, patience, tmp_path):
    (tmp_path / "a.part").write_bytes(BODY)
    assert download(site.add("/a", BODY), tmp_path / "a", size=len(BODY), patience=patience).read_bytes() == BODY
    assert site.asked == []


def test_without_ranges_it_starts_afresh(site, patience, tmp_path):
    (tmp_path / "a.part").write_bytes(b"x" * 300_000)
    url = site.add("/a", BODY, ranges=False)
    assert download(url, tmp_path / "a", size=len(BODY), patience=patience).read_bytes() == BODY


def test_a_partial_longer_than_the_file_starts_afresh(site, patience, tmp_path):
    (tmp_path / "a.part").write_bytes(b"x" * (len(BODY) + 5))
    assert download(site.add("/a", BODY), tmp_path / "a", size=len(BODY), patience=patience).read_bytes() == BODY
    assert site.asked == [("/a", None)]


def test_a_range_beyond_the_end_starts_afresh(site, patience, tmp_path):
    """Without a known size, a partial file that is already whole makes the server answer 416."""
    (tmp_path / "a.part").write_bytes(BODY)
    assert download(site.add("/a", BODY), tmp_path / "a", patience=patience).read_bytes() == BODY
    assert [asked for _, asked in site.asked] == [f"bytes={len(BODY)}-", None]


def test_a_lie_about_the_range_starts_afresh(site, patience, tmp_path):
    (tmp_path / "a.part").write_bytes(BODY[:1000])
    url = site.add("/a", BODY, range_lie=7)
    assert download(url, tmp_path / "a", size=len(BODY), patience=patience).read_bytes() == BODY
    assert [asked for _, asked in site.asked] == ["bytes=1000-", None]


def test_a_stall_is_a_reason_to_ask_again(site, patience, tmp_path):
    url = site.add("/a", BODY, stalls=[10 * CHUNK])
    assert download(url, tmp_path / "a", size=len(BODY), patience=patience).read_bytes() == BODY
    assert site.asked[1][1] == f"bytes={10 * CHUNK}-"


def test_a_server_that_only_stalls_is_given_up_and_the_part_kept(site, patience, tmp_path):
    url = site.add("/a", BODY, stalls=[CHUNK, 0, 0, 0, 0])
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:\d+ cannot be reached or breaks off"):
        download(url, tmp_path / "a", size=len(BODY), patience=patience)
    assert (tmp_path / "a.part").read_bytes() == BODY[:CHUNK]
    assert not (tmp_path / "a").exists()


def test_a_server_that_is_down_for_a_moment(site, patience, tmp_path):
    url = site.add("/a", BODY, statuses=[503, 500, 429])
    assert download(url, tmp_path / "a", size=len(BODY), patience=patience).read_bytes() == BODY


def test_a_server_that_stays_down(site, patience, tmp_path):
    url = site.add("/a", BODY, statuses=[500] * 9, error_kind="text/html")
    with pytest.raises(DownloadError, match=r"answers with status 500$"):
        download(url, tmp_path / "a", patience=patience)
    assert len(site.asked) == 1 + len(patience.waits)


@pytest.mark.parametrize(("status", "said"), [(404, "does not exist"), (410, "does not exist"), (403, "refuses")])
def test_a_final_refusal_is_asked_once(site, patience, tmp_path, status, said):
    url = site.add("/a", BODY, statuses=[status] * 3)
    with pytest.raises(DownloadError, match=said):
        download(url, tmp_path / "a", patience=patience)
    assert len(site.asked) == 1


def test_no_network(patience, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(DownloadError, match=rf"127\.0\.0\.1:{port} cannot be reached .*is there a network"):
        download(f"http://127.0.0.1:{port}/a", tmp_path / "a", patience=patience)


def test_a_web_page_instead_of_the_file_is_not_written(site, patience, tmp_path):
    (tmp_path / "a.part").write_bytes(BODY[:1000])
    url = site.add("/a", b"<html>Welcome to the hotel</html>", kind="text/html; charset=utf-8", ranges=False)
    with pytest.raises(DownloadError, match="a web page instead of the file"):
        download(url, tmp_path / "a", size=len(BODY), patience=patience)
    assert (tmp_path / "a.part").read_bytes() == BODY[:1000]


def test_announcing_more_than_is_sent(site, patience, tmp_path):
    """The missing bytes never come; in the end the sentence says so, and nothing passes as complete."""
    url = site.add("/a", BODY, length_lie=50, ranges=False)
    with pytest.raises(DownloadError, match="stops sending before the end"):
        download(url, tmp_path / "a", patience=patience)
    assert not (tmp_path / "a").exists()


def test_ending_early_without_announcing_a_length(site, patience, tmp_path):
    url = site.add("/a", BODY[:-9], no_length=True, ranges=False)
    with pytest.raises(DownloadError, match=f"stopped at {len(BODY) - 9} of {len(BODY)} bytes"):
        download(url, tmp_path / "a", size=len(BODY), patience=patience)


def test_sending_more_than_the_record_says(site, patience, tmp_path):
    url = site.add("/a", BODY + b"more", ranges=False)
    with pytest.raises(DownloadError, match=f"sent {len(BODY) + 4} bytes where {len(BODY)} were promised"):
        download(url, tmp_path / "a", size=len(BODY), patience=patience)
    assert not list(tmp_path.iterdir())


def test_an_address_that_is_none(patience, tmp_path):
    with pytest.raises(DownloadError, match="cannot be fetched"):
        download("nowhere/a", tmp_path / "a", patience=patience)


def test_no_room(tmp_path):
    need_room(tmp_path, 1)
    with pytest.raises(OSError, match="1000000\\.0 GB are needed"):
        need_room(tmp_path, 10**15)


# --- the record


def test_the_record_names_address_size_and_checksum(site, patience, tmp_path):
    record = site.add_record("a.zip", BODY)
    entry = look_up(record, "a.zip", tmp_path, patience=patience)
    assert entry.url == site.address + "/api/records/1/files/a.zip/content"
    assert (entry.size, entry.licence) == (len(BODY), "cc-by-4.0")
    path = download(entry.url, tmp_path / "a.zip", size=entry.size, patience=patience)
    verify(path, entry)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_record_without_the_file(site, patience, tmp_path):
    record = site.add_record("b.zip", BODY)
    with pytest.raises(DownloadError, match=r"has no file a\.zip, only b\.zip"):
        look_up(record, "a.zip", tmp_path, patience=patience)


@pytest.mark.parametrize("answer", [b"not json", b"{}", b"[]", b'{"files": [{"key": "a.zip"}]}', b"\xff\xfe"])
def test_an_answer_that_is_no_record(site, patience, tmp_path, answer):
    with pytest.raises(DownloadError, match="did not answer with a record's metadata"):
        look_up(site.add("/api/records/1", answer), "a.zip", tmp_path, patience=patience)


def test_a_record_without_a_licence(site, patience, tmp_path):
    body = b'{"metadata": {}, "files": [{"key": "a", "size": 1, "checksum": "md5:0", "links": {"self": "http://x"}}]}'
    assert look_up(site.add("/r", body), "a", tmp_path, patience=patience) == RecordFile("http://x", 1, "md5:0", "")


@pytest.mark.parametrize(
    ("size", "checksum", "said"),
    [
        (5, "md5:5d41402abc4b2a76b9719d911017c592", None),
        (5, "md5:5D41402ABC4B2A76B9719D911017C592", None),
        (6, "md5:5d41402abc4b2a76b9719d911017c592", "has 5 bytes, but its record says 6"),
        (5, "md5:00000000000000000000000000000000", "has the md5 checksum 5d41402a"),
        (5, "crc99:1", "checksum of unknown kind"),
    ],
)
def test_verify(tmp_path: Path, size, checksum, said):
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    if said is None:
        verify(path, RecordFile("", size, checksum, ""))
        return
    with pytest.raises(ArchiveError, match=said):
        verify(path, RecordFile("", size, checksum, ""))
