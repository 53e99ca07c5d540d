"""`memograd memo export` and `import`: entries into a file, and out of one that somebody else may have made.

Owns which entries may travel: those whose values are read without running anything. The file's format is the store's.
"""

from __future__ import annotations

import argparse
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from rich.filesize import decimal

from memograd.cli.memo.action import Action, Answer, Job
from memograd.cli.memo.words import counted, safe
from memograd.cli.textfile import file_error
from memograd.errors import StoreError
from memograd.memo.values import PLAIN
from memograd.store.archive import Archive, write_archive
from memograd.store.atomic import atomic_file
from memograd.store.disk import DiskStore
from memograd.store.protocol import Entry, Record

_WITHOUT_CODE = (None, PLAIN)
"""Codecs of values that can be read without running anything; None is bytes that somebody put into the store."""


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a zip archive of entries; nothing in it can run")


def _export(job: Job) -> Answer:
    store, path = job.store(), job.arguments.file
    left_out: list[str] = []
    with _new_file(path) as file:
        n_entries = write_archive(file, _without_code(store, left_out))
    if left_out:
        job.terminal.note(f"{counted(len(left_out))} left out, because reading a pickle runs code")
    size_bytes = os.path.getsize(path)
    line = f"{counted(n_entries)} in {safe(path)}, {decimal(size_bytes)}"
    return {"file": path, "n_entries": n_entries, "size_bytes": size_bytes, "left_out": left_out}, [line]


def _without_code(store: DiskStore, left_out: list[str]) -> Iterator[Entry]:
    """The entries that may travel; the keys of the others are appended."""
    for record in store.scan():
        if not _is_without_code(record):
            left_out.append(record.key)
        elif (entry := store.check(record.key)) is not None:
            yield entry


def _import(job: Job) -> Answer:
    path = job.arguments.file
    with _archive(path) as archive:
        for _ in _checked(archive):  # all of it, before any of it is stored
            pass
        with DiskStore(job.directory, report=job.damage.append) as store:
            # What is there stays: a key names its content, so a file can add to a store and never change it.
            n_new = sum(store.check(entry.key) is None and store.put(entry) for entry in _checked(archive))
        n_present = archive.n_entries - n_new
    line = f"{counted(n_new)} imported, {n_present} were there"
    return {"file": path, "n_imported": n_new, "n_present": n_present}, [line]


def _is_without_code(known: Entry | Record) -> bool:
    return known.metadata.get("codec") in _WITHOUT_CODE


def _checked(archive: Archive) -> Iterator[Entry]:
    for entry in archive.entries():
        if not _is_without_code(entry):
            codec = entry.metadata["codec"]
            raise ValueError(f"{entry.key[:12]}: its value is of codec {codec!r}, and reading it may run code")
        yield entry


@contextmanager
def _new_file(path: str) -> Iterator[BinaryIO]:
    """A new file, which gets its name only when it is complete."""
    try:
        with atomic_file(path) as file:
            yield file
    except StoreError:  # of the store, and not of the file
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        advice = "name a file in a folder that can be written to"
        raise file_error(path, f"cannot be written ({reason}); {advice}") from error


@contextmanager
def _archive(path: str) -> Iterator[Archive]:
    """An archive that somebody else may have made."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ValueError("it is no file")
        with open(path, "rb") as file:
            yield Archive(file)
    except StoreError:  # of the store, and not of the file
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise file_error(path, f"is not imported: {reason}") from error


ACTIONS = {
    "export": Action("write all entries into one file", _add_file, _export),
    "import": Action("add the entries of a file that was exported", _add_file, _import),
}
