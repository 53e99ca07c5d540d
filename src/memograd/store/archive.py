"""The file in which entries travel from one store to another: written from entries, and read with suspicion.

It is a zip archive, nothing in it compressed, that unzip and Python's zipfile read:

    memograd-export-1          an empty file whose name tells the version
    entries/KEY.entry          what a store writes of an entry: sealed, with its small blobs
    blobs/DIGEST.blob          a large blob, named by the digest of its content

Owns the format and its checks. What the values are, and whether reading one may run code, is not known here.
"""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, final

from memograd.store.blobs import digest, part
from memograd.store.metadata import json_text
from memograd.store.protocol import Blob, Entry
from memograd.store.record import MAX_RECORD_BYTES, Reference, decode, encode
from memograd.store.seal import Seal

VERSION = "memograd-export-1"

_MEMBER = re.compile(r"entries/(?P<key>[0-9a-f]{64})\.entry|blobs/(?P<digest>[0-9a-f]{64})\.blob")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same entries make the same file
_UNREADABLE = (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError)
"""What zipfile raises, beside ValueError and OSError, for what is no archive."""


def write_archive(file: BinaryIO, entries: Iterable[Entry]) -> int:
    """Write an archive of entries.

    Parameters
    ----------
    file : binary file
        Open for writing.
    entries : iterable of Entry

    Returns
    -------
    int
        How many entries there were.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> write_archive(file, [Entry("00" * 32, (b"value",))])
    1
    >>> [entry.blobs for entry in Archive(file).entries()]
    [(b'value',)]
    """
    n_entries = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_member(VERSION), b"")
        for entry in entries:
            _write_entry(archive, entry)
            n_entries += 1
    return n_entries


@final
class Archive:
    """An archive that somebody else may have made.

    Nothing is taken from it but its members, none of which can be more than the file holds.

    Parameters
    ----------
    file : binary file
        Open for reading, and seekable.

    Attributes
    ----------
    n_entries : int

    Raises
    ------
    ValueError
        When it is no archive, or holds anything that `write_archive` does not write: other names, links, duplicates,
        compressed or encrypted members, lengths beyond that of the file.
    OSError
        When the file cannot be read.
    """

    __slots__ = ("_archive", "_members", "n_entries")

    def __init__(self, file: BinaryIO) -> None:
        size_bytes = file.seek(0, os.SEEK_END)
        with _told():
            self._archive = zipfile.ZipFile(file)
            self._members = _members(self._archive.infolist(), size_bytes)
        self.n_entries = sum(name.startswith("entries/") for name in self._members)

    def entries(self) -> Iterator[Entry]:
        """Yield every entry, each byte of it checked.

        Raises
        ------
        ValueError
            For the first that is not as it was written, and in the end for a blob that none of them uses.
        """
        used = {VERSION}
        for name in self._members:
            found = _MEMBER.fullmatch(name)
            if found and found["key"]:
                yield self._entry(name, found["key"], used)
        if unused := self._members.keys() - used:
            raise ValueError(f"no entry uses {min(unused)}")

    def _entry(self, name: str, key: str, used: set[str]) -> Entry:
        try:
            header = decode(self._read(name), key, Seal(None))
            entry = header.entry(tuple(self._blob(known) for known in header.parts))
            json_text(entry.metadata)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        used |= {name, *map(_blob_name, header.references)}
        return entry

    def _blob(self, known: Blob | Reference) -> Blob:
        if not isinstance(known, Reference):
            return known
        name = _blob_name(known)
        if name not in self._members or self._members[name].file_size != known.size_bytes:
            raise ValueError("one of its blobs is not there, or not as long as it was")
        data = self._read(name)
        if digest(data) != known.digest:
            raise ValueError("one of its blobs has changed since it was written")
        return data

    def _read(self, name: str) -> bytes:
        with _told():
            return self._archive.read(self._members[name])


@contextmanager
def _told() -> Iterator[None]:
    """Turn what zipfile raises for what is no archive into a ValueError."""
    try:
        yield
    except _UNREADABLE as error:
        raise ValueError(str(error) or "it is no archive") from error


def _write_entry(archive: zipfile.ZipFile, entry: Entry) -> None:
    parts = tuple(map(part, entry.blobs))
    archive.writestr(_member(f"entries/{entry.key}.entry"), encode(entry, parts, Seal(None)))
    for found, blob in zip(parts, entry.blobs, strict=True):
        if isinstance(found, Reference) and (name := _blob_name(found)) not in archive.NameToInfo:
            archive.writestr(_member(name), blob)


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _LONG_AGO)
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


def _blob_name(reference: Reference) -> str:
    return f"blobs/{reference.digest}.blob"


def _members(infos: Iterable[zipfile.ZipInfo], size_bytes: int) -> Mapping[str, zipfile.ZipInfo]:
    """The members by name; a ValueError for what `write_archive` does not write."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.orig_filename
        if name in members:
            raise ValueError(f"{name!r} is in it twice")
        if name != VERSION and not _MEMBER.fullmatch(name):
            raise ValueError(f"it holds {name!r}, which `memograd memo export` does not write")
        _check_member(name, info)
        members[name] = info
    if VERSION not in members:
        raise ValueError(f"it holds no {VERSION}, so `memograd memo export` of this version did not write it")
    declared = sum(info.file_size for info in members.values())
    if declared > size_bytes:
        raise ValueError(f"its members claim {declared} bytes, and it has {size_bytes}")
    return members


def _check_member(name: str, info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ValueError(f"{name!r} is a link, or no file")
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.file_size != info.compress_size:
        raise ValueError(f"{name!r} is compressed or encrypted")
    # What stands there could be the rows of other members, which would then be missing without a word.
    if info.comment or (info.extra and info.header_offset + info.file_size < zipfile.ZIP64_LIMIT):
        raise ValueError(f"{name!r} has a comment, or fields that are not known")
    if name.startswith("entries/") and info.file_size > MAX_RECORD_BYTES:
        raise ValueError(f"{name!r} has {info.file_size} bytes, which no record has")
