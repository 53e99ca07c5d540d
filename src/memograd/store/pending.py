"""Entries that the index does not know yet: a file to which a put only adds a line.

A visit to the index takes 0.7 ms, a line here 5 µs. So a put leaves a line, and the next visit takes all of them over.
Read and written only while the index is locked. The file is made anew when its lines were taken over; its first line is
a name that no other has, so whoever remembers where it ended knows whether anything happened since.
"""

from __future__ import annotations

import json
import os
import re
import stat
from typing import Any, NamedTuple, final

from memograd.store.damage import DamageFound
from memograd.store.folder import Folder
from memograd.store.place import Place
from memograd.store.protocol import check_key
from memograd.store.rows import Row, RowsDamaged, RowsTorn
from memograd.store.seal import checksum

FILE = Place("", "index.pending")

MANY_BYTES = 512 << 10
"""From this size on the lines are taken over, some 2,000 of them in 50 ms: a put pays 25 µs for it on average."""

_MOST_BYTES = 64 << 20
_NAME_BYTES = 16
_CHECK_BYTES = 8

# The beginning of a line, but not all of it.
_is_torn = re.compile(rb"[0-9a-f]{0,16}|[0-9a-f]{16}\[(\".*)?(?<!}\])", re.DOTALL)
_APPENDING = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Mark(NamedTuple):
    """A place in the file, and which file it was."""

    name: bytes
    size_bytes: int


@final
class Pending:
    """The lines in a store's directory."""

    __slots__ = ("_folder", "_path")

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._path = f"{folder.root}/{FILE}"

    def add(self, row: Row, *, durable: bool) -> tuple[Mark, Mark] | None:
        """Add a line, and return where the file ended before and after; None when there is no file that is as usual.

        Then the index must be made anew: entries may be there that neither knows.
        """
        line = _line(row)
        try:
            fd = os.open(self._path, _APPENDING)
        except OSError:
            return None
        try:
            status = os.fstat(fd)
            name = os.pread(fd, _NAME_BYTES, 0)
            if not _is_usual(status) or len(name) != _NAME_BYTES:
                return None
            written = os.write(fd, line)
            if written != len(line):  # the disk is full
                os.ftruncate(fd, status.st_size)
                return None
            if durable:
                os.fsync(fd)
            return Mark(name, status.st_size), Mark(name, status.st_size + len(line))
        except OSError:
            return None
        finally:
            os.close(fd)

    def rows(self) -> list[Row]:
        """Return what the lines say.

        Raises
        ------
        RowsTorn
            When one has no end: the system may write but a part of it, where a page ends, for one that is killed.
        RowsDamaged
            When one is not as it was written, or the file is missing or no file of its own.
        """
        try:
            found = self._folder.read(FILE, _MOST_BYTES)
        except DamageFound as error:
            raise RowsDamaged(f"{FILE}: {error}") from error
        name, *lines = found.data.split(b"\n") if found else [b""]
        if len(name) != _NAME_BYTES:
            raise RowsDamaged(f"{FILE} is not there, or is none")
        return [_row(line) for line in lines]

    def renew(self) -> None:
        """Begin a file without lines."""
        if self._folder.status(FILE) is not None and self._folder.size_bytes(FILE) is None:
            self._folder.set_aside(FILE)  # a directory, say, that no file can replace
        with self._folder.beside("", (os.urandom(_NAME_BYTES // 2).hex().encode(),), 0o666, durable=False) as beside:
            self._folder.publish(beside, FILE, durable=False)

    def mark(self) -> Mark | None:
        """Return where the file ends; None when there is none."""
        try:
            found = self._folder.read(FILE, _MOST_BYTES)
        except DamageFound:
            return None
        return found and Mark(found.data[:_NAME_BYTES], len(found.data))


def _is_usual(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def _line(row: Row) -> bytes:
    """A row as a line; it begins with the end of the line before, which may be torn."""
    text = json.dumps([row.key, row.group, row.cost_seconds, row.record_bytes, row.sizes]).encode()
    return b"\n" + _check_of(text) + text


def _row(line: bytes) -> Row:
    check, text = line[: 2 * _CHECK_BYTES], line[2 * _CHECK_BYTES :]
    if check != _check_of(text):
        if _is_torn.fullmatch(line):
            raise RowsTorn(f"{FILE} has a line without an end")
        raise RowsDamaged(f"{FILE} has changed since it was written")
    try:
        key, group, cost_seconds, record_bytes, sizes = json.loads(text)
        return Row(
            _key(key),
            str(group),
            float(cost_seconds),
            int(record_bytes),
            {_key(digest): int(size_bytes) for digest, size_bytes in sizes.items()},
        )
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise RowsDamaged(f"{FILE} makes no sense ({error})") from error


def _key(key: Any) -> str:
    check_key(key)
    return str(key)


def _check_of(text: bytes) -> bytes:
    return checksum(text)[:_CHECK_BYTES].hex().encode()
