"""Fetch a corpus: ``python data_scripts/fetch.py NAME [--to FOLDER]``; without a name, list them all.

What happens, in this order: the licence is shown; the archive is downloaded (or found in the folder, put there by
hand); its checksum is compared with the one that the publisher states; it is unpacked beside the target; the content
is counted and measured; only then does the folder get its name. An interrupted run leaves the target untouched and
the next one goes on.
"""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

if not __package__:  # started as a file: let the imports below find the repository
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from filelock import FileLock, Timeout

from data_scripts.by_form import FORMS, instructions
from data_scripts.check_content import check_content
from data_scripts.download import PATIENCE, DownloadError, Patience, download, need_room
from data_scripts.sources import SOURCES, Download, Source
from data_scripts.zenodo import RecordFile, look_up, verify
from sercourse.corpora import card
from sercourse.errors import AudioError, CorpusError, UserError
from sercourse.unpack import ArchiveError, commit_of, unpack, unpacked_size

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")


def main(
    arguments: Sequence[str] | None = None,
    *,
    sources: Mapping[str, Source] = SOURCES,
    patience: Patience = PATIENCE,
) -> int:
    """The command; returns the exit code: 0 done, 2 not done (one sentence says why), 130 interrupted."""
    parser = argparse.ArgumentParser(prog="fetch.py", description="Fetch a corpus, or say how to get it.")
    parser.add_argument("name", nargs="?", help="the corpus; leave out to list them all")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="the corpus folder (default: SERCOURSE_DATA/NAME)")
    options = parser.parse_args(arguments)
    try:
        if options.name is None:
            print(listing(sources))
            return 0
        if options.name in FORMS:
            form = FORMS[options.name]
            print(instructions(form, str(options.to or Path(os.environ.get("SERCOURSE_DATA", "DATA"), form.name))))
            raise UserError(f"{form.name}: nothing was fetched, because {form.who} must grant it; ask as shown above.")
        if options.name not in sources:
            raise UserError(f"'{options.name}' is not a corpus; choose one of {', '.join([*sources, *FORMS])}.")
        fetch(sources[options.name], target_folder(options.name, options.to), patience=patience)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; what has arrived is kept, and the same command goes on from there.", file=sys.stderr)
        return 130
    return 0


def listing(sources: Mapping[str, Source] = SOURCES) -> str:
    """All corpora: how to get them, how large, on which terms."""
    lines = ["Fetched by this script:"]
    for source in sources.values():
        about = card(source.name)
        lines += [f"  {source.name:8} {about.title}; {source.size}", f"  {'':8} licence: {about.licence}"]
    lines.append("To be granted by somebody (the name prints whom to ask):")
    lines += [f"  {form.name:8} {form.full_title}; ask {form.who}" for form in FORMS.values()]
    return "\n".join(lines)


def target_folder(name: str, to: Path | None) -> Path:
    """The folder that the corpus shall have.

    Raises:
        UserError: neither ``to`` nor SERCOURSE_DATA is given.
    """
    if to is not None:
        return to.expanduser().absolute()
    root = os.environ.get("SERCOURSE_DATA")
    if not root:
        raise UserError(f"Where to? Set SERCOURSE_DATA to your folder of corpora, or say --to FOLDER/{name}.")
    return Path(root).expanduser().absolute() / name


def fetch(source: Source, target: Path, *, patience: Patience = PATIENCE) -> None:
    """Bring a corpus into ``target`` and print what was done.

    Args:
        source: the corpus.
        target: its folder: absent, empty, holding an archive that was put there by hand, or already complete.
        patience: time-outs and repetitions.

    Raises:
        UserError: one sentence on why it did not work and how to do it by hand; ``target`` is then as it was.
    """
    about = card(source.name)
    print(f"{about.title}\nLicence:  {about.licence}, {about.licence_url}; cite {about.citation}")
    print(f"Download: {source.size}, {source.page}\n{source.note}".rstrip())
    if target.exists() and not (target.is_dir() and all(_is_archive(path) for path in _visible(target))):
        try:
            print(f"Already there: {check_content(source, target)}, in {target}.")
        except UserError as error:
            raise UserError(
                f"{str(error).rstrip('.')}; move {target} away, or name another folder with --to."
            ) from None
        return
    by_hand = f"open {source.page} in a browser, put the archive into {target} and run this again."
    try:
        with _workplace(target) as work:
            for item in source.downloads:
                _obtain(source, item, target, work, patience)
            folder = _corpus_folder(source, work)
            summary = check_content(source, folder)
            _install(folder, target)
    except (DownloadError, ArchiveError) as reason:
        raise UserError(f"{source.name}: {reason}; {by_hand}") from None
    except CorpusError as reason:
        raise UserError(f"{str(reason).rstrip('.')}; {by_hand}") from None
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        trouble = "the disk is full or too small" if full else "the folder cannot be written"
        raise UserError(f"{target}: {trouble} ({error.strerror}); make room or name another one with --to.") from None
    print(f"Ready: {summary}, in {target}.\nUse it: SERCOURSE_DATA={target.parent} sercourse corpora {source.name}")


@contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """A folder beside the target, on the same disk, for one run at a time.

    It outlives an interruption and a broken network, so that the next run goes on; it is removed after success, and
    when what arrived turns out to be the wrong thing.
    """
    work = target.with_name(target.name + ".fetch")
    work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(work / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(f"{target}: another run is fetching this corpus; wait until it is done.") from None
    finished = False
    try:
        shutil.rmtree(work / "unpacked", ignore_errors=True)
        (work / "unpacked").mkdir()
        yield work
        finished = True
    except (ArchiveError, CorpusError, AudioError):
        finished = True
        raise
    finally:
        lock.release()
        arrived = any(path.is_file() and path.stat().st_size for path in work.iterdir())  # the lock is empty
        shutil.rmtree(work / "unpacked" if arrived and not finished else work, ignore_errors=True)


def _obtain(source: Source, item: Download, target: Path, work: Path, patience: Patience) -> None:
    """Download one item, or take the archive that lies in the target; verify and unpack it."""
    path = None if item.place else _archive_in(target)
    entry = None
    if item.record:
        try:
            entry = look_up(item.record, item.filename, work, patience=patience)
        except DownloadError as error:
            if path is None:
                raise
            entry = _on_card(source, item)
            print(f"No record to compare with ({error}); {'the card has the checksum' if entry else 'no checksum'}.")
    if path is None:
        path = _download(item, entry, work, patience)
    if entry and path.name == item.filename:
        verify(path, entry)
        print(f"{path.name}: the checksum is the published one; the licence stated with it is '{entry.licence}'.")
    else:
        print(f"{path.name}: no checksum to compare with; its content will be checked.")
    if item.place:
        return
    if item.commit and commit_of(path) not in ("", item.commit):
        raise ArchiveError(f"{path} was made from commit {commit_of(path)} instead of {item.commit}")
    need_room(work, unpacked_size(path))
    unpack(path, work / "unpacked", keep=item.keep)


def _on_card(source: Source, item: Download) -> RecordFile | None:
    """What the corpus's card knows of a file, for a machine without network."""
    about = card(source.name)
    for file in about.files:
        if file.name == item.filename and file.size and file.md5:
            return RecordFile("", file.size, f"md5:{file.md5}", about.licence)
    return None


def _download(item: Download, entry: RecordFile | None, work: Path, patience: Patience) -> Path:
    path = work / item.filename
    if path.exists():  # complete, from a run that was interrupted later
        return path
    if entry:
        here = path.with_name(path.name + ".part")
        need_room(work, entry.size - (here.stat().st_size if here.exists() else 0))
        return download(entry.url, path, size=entry.size, patience=patience)
    return download(item.url, path, patience=patience)


def _corpus_folder(source: Source, work: Path) -> Path:
    """The folder inside the unpacked archive that is the corpus, with the plain files put into it."""
    parents = {path.parent for path in (work / "unpacked").rglob(source.holds) if path.is_dir()}
    if len(parents) != 1:
        raise CorpusError(
            f"{source.name}: the archive has {len(parents)} places with a folder '{source.holds}' instead of one."
        )
    folder = parents.pop()
    for item in source.downloads:
        if item.place:
            shutil.copyfile(work / item.filename, folder / item.place)
    return folder


def _install(folder: Path, target: Path) -> None:
    """Give the finished folder its name; archives that were put there by hand stay."""
    if not target.exists():
        folder.rename(target)
        return
    for path in folder.iterdir():
        path.rename(target / path.name)


def _archive_in(target: Path) -> Path | None:
    """The archive that somebody put into the target."""
    found = sorted(path for path in _visible(target) if _is_archive(path)) if target.is_dir() else []
    if len(found) > 1:
        raise UserError(
            f"{target}: holds several archives ({', '.join(path.name for path in found)}); leave one of them."
        )
    return found[0] if found else None


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]  # .DS_Store and the like


def _is_archive(path: Path) -> bool:
    return path.is_file() and path.name.lower().endswith(ARCHIVES)


if __name__ == "__main__":
    sys.exit(main())
