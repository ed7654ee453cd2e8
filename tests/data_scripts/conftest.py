"""A web site on this machine that stalls, lies and breaks off, and tiny corpora in the official layouts."""

from __future__ import annotations

import io
import json
import threading
import time
import wave
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from data_scripts import fetch
from data_scripts.download import Patience
from data_scripts.sources import SOURCES, Download

_COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Page:
    """One address of the site and how it behaves."""

    body: bytes
    kind: str = "application/octet-stream"
    ranges: bool = True
    """Answer Range requests with the part asked for; else with the whole."""
    range_lie: int | None = None
    """Claim that the part begins here, whatever was asked for."""
    length_lie: int = 0
    """Bytes announced beyond those that are sent."""
    no_length: bool = False
    statuses: list[int] = field(default_factory=list)
    """Statuses of the first answers; then 200."""
    cuts: list[int] = field(default_factory=list)
    """The first answers break off after so many bytes."""
    stalls: list[int] = field(default_factory=list)
    """The first answers fall silent after so many bytes."""
    error_kind: str = "application/json"


class Site:
    """A server on a free port of 127.0.0.1; ``asked`` lists (path, Range header)."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.quiet_seconds = 1.0
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, self.headers.get("Range")))
                site.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, path: str, body: bytes, **behaviour: object) -> str:
        """Publish ``body``; returns its address."""
        self.pages[path] = Page(body, **behaviour)
        return self.address + path

    def add_record(self, filename: str, body: bytes, **entry: object) -> str:
        """Publish a file as Zenodo does; returns the address of the record's metadata."""
        page = {key: entry.pop(key) for key in list(entry) if key in Page.__dataclass_fields__}
        url = self.add(f"/api/records/1/files/{filename}/content", body, **page)
        facts = {"key": filename, "size": len(body), "checksum": "md5:" + md5(body).hexdigest(), "links": {"self": url}}
        record = {"id": 1, "metadata": {"license": {"id": "cc-by-4.0"}}, "files": [facts | entry]}
        return self.add("/api/records/1", json.dumps(record).encode(), kind="application/json")

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        page = self.pages.get(request.path)
        status = 404 if page is None else page.statuses.pop(0) if page.statuses else 200
        if status != 200:
            request.send_response(status)
            request.send_header("Content-Type", page.error_kind if page else "text/html")
            if status in (301, 302):
                request.send_header("Location", f"{self.address}/moved{request.path}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        body, asked = page.body, request.headers.get("Range")
        if asked and page.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                request.send_response(416)
                request.send_header("Content-Length", "0")
                request.end_headers()
                return
            claimed = start if page.range_lie is None else page.range_lie
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {claimed}-{len(body) - 1}/{len(body)}")
            body = body[start:]
        else:
            request.send_response(200)
        request.send_header("Content-Type", page.kind)
        if not page.no_length:
            request.send_header("Content-Length", str(len(body) + page.length_lie))
        request.end_headers()
        if page.stalls:
            request.wfile.write(body[: page.stalls.pop(0)])
            request.wfile.flush()
            time.sleep(self.quiet_seconds)
            return
        request.wfile.write(body[: page.cuts.pop(0)] if page.cuts else body)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A fresh site; nothing goes through a proxy."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Site()
    yield server
    server.close()


@pytest.fixture
def patience() -> Patience:
    """Half a second for a stall, three new attempts without delay."""
    return Patience(connect=2.0, read=0.5, waits=(0.0, 0.01, 0.01))


class Recordings:
    """Writes tiny recordings; no two have the same length."""

    EMODB = ("03a01Fa", "03a01Nc", "08a02Wa", "16b10Td")
    """Utterances of EMO-DB in small."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)
        self._count = 0

    def write(self, path: Path, seconds: float | None = None) -> None:
        """A mono 8 kHz wav of noise; without ``seconds`` between 3 and 4.5 s."""
        self._count += 1
        seconds = 3.0 + 0.05 * (self._count % 30) if seconds is None else seconds
        samples = self._random.integers(-9000, 9000, round(seconds * 8000), dtype=np.int16)
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(samples.tobytes())

    @staticmethod
    def zipped(folder: Path, prefix: str = "", comment: str = "") -> bytes:
        """A folder as the bytes of a zip file, with the comment that git puts into archives of a commit."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    file.write(path, prefix + str(path.relative_to(folder)))
            file.comment = comment.encode()
        return buffer.getvalue()


@pytest.fixture
def recordings() -> Recordings:
    return Recordings()


@pytest.fixture
def emodb_archive(tmp_path, recordings) -> bytes:
    """Release 2.0 in small: four utterances, an ambiguous one, laryngograms, tables."""
    tree = tmp_path / "tree"
    for stem in [*recordings.EMODB, "03a01Ab"]:
        recordings.write(tree / "wav" / f"{stem}.wav")
        recordings.write(tree / "laryngo" / f"{stem}.wav")
    lines = [f"wav/{stem}.wav,x,0.9,0.8" for stem in recordings.EMODB]
    (tree / "db.emotion.csv").write_text("\n".join(["file,emotion,emotion.confidence,emotion.naturalness", *lines]))
    return recordings.zipped(tree, "emodb_2.0/")


@pytest.fixture
def emodb(site, emodb_archive):
    """EMO-DB's source with its record on the local site."""
    record = site.add_record("emodb_2.0.zip", emodb_archive)
    return replace(SOURCES["emodb"], downloads=(replace(SOURCES["emodb"].downloads[0], record=record),), utterances=4)


@pytest.fixture
def nemo(site, tmp_path, recordings):
    """nEMO's repository archive with three utterances."""
    tree = tmp_path / "published"
    names = ["EB0_anger_1", "EB0_fear_2", "KS0_surprised_3"]
    for name in names:
        recordings.write(tree / "samples" / f"{name}.wav")
    rows = [f"{n}.wav\t{n.split('_')[1]}\tTak.\ttak\t{n[:3]}\tfemale\t27" for n in names]
    table = "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage"
    (tree / "data.tsv").write_text("\n".join([table, *rows]))

    def publish(comment: str = _COMMIT):
        url = site.add("/archive/nemo.zip", recordings.zipped(tree, f"nEMO-{_COMMIT}/", comment))
        return replace(SOURCES["nemo"], downloads=(Download("nemo.zip", url=url, commit=_COMMIT),), utterances=3)

    publish.tree, publish.commit = tree, _COMMIT
    return publish


@pytest.fixture
def cremad(site, tmp_path, recordings):
    """CREMA-D's two downloads: an archive and a table beside it."""
    tree = tmp_path / "published"
    for name in ("1001_DFA_ANG_XX", "1002_IEO_HAP_LO"):
        recordings.write(tree / "AudioWAV" / f"{name}.wav")
    recordings.write(tree / "AudioWAV" / "1076_MTI_SAD_XX.wav", seconds=0)  # broken at the source, and known to be
    archive, table = SOURCES["cremad"].downloads
    table_body = b"ActorID,Age,Sex\n1001,51,Male\n1002,21,Female\n"
    archive_body = recordings.zipped(tree, "mirror-AudioWAV/", archive.commit)
    downloads = (
        replace(archive, url=site.add("/crema.zip?path=AudioWAV", archive_body)),
        replace(table, url=site.add("/VideoDemographics.csv", table_body, kind="text/plain; charset=utf-8")),
    )
    return replace(SOURCES["cremad"], downloads=downloads, utterances=3), tree


@pytest.fixture
def run(patience, capsys):
    """Run the command on one source; gives back the exit code, what was printed, and the sentence."""

    def run(source, target: Path) -> tuple[int, str, str]:
        code = fetch.main([source.name, "--to", str(target)], sources={source.name: source}, patience=patience)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        assert printed.err.count("\n") == (code != 0), "one sentence on one line"
        return code, printed.out, printed.err

    return run


@pytest.fixture
def left_beside() -> Callable[[Path], list[str]]:
    """Names of the target and of what a fetch left beside it."""
    return lambda target: sorted(p.name for p in target.parent.iterdir() if p.name.startswith(target.name))
