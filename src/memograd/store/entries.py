"""The entries' own files, from which all else can be made again: a record for each, and the large blobs.

What is damaged is set aside and reported here, and from then on is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import final

from memograd.errors import StoreError
from memograd.store.blobs import Blobs
from memograd.store.contents import Contents
from memograd.store.damage import Damage, DamageFound, Report
from memograd.store.folder import Folder
from memograd.store.place import Place, fan_out
from memograd.store.protocol import Blob, Entry, Record
from memograd.store.record import MAX_RECORD_BYTES, Header, Part, Reference, decode
from memograd.store.rows import Row
from memograd.store.seal import Seal

SUFFIX = ".entry"

_LOOKS = 10
"""Between a record and its blobs another process may evict the entry, and a third may put it again."""

_INCOMPLETE = "one of its blobs is not there"


@final
class Entries:
    """The entries in a store's directory.

    Attributes
    ----------
    blobs : Blobs
    n_damaged : int
        How much damage was reported so far.
    """

    __slots__ = ("_folder", "_report", "_seal", "blobs", "n_damaged")

    def __init__(self, folder: Folder, seal: Seal, report: Report) -> None:
        self._folder = folder
        self._seal = seal
        self._report = report
        self.blobs = Blobs(folder, distrusted=seal.keyed)
        self.n_damaged = 0

    def read(self, key: str) -> Entry | None:
        """Return an entry, every byte of it checked; None when it is not there, or not whole."""
        for _ in range(_LOOKS):
            header = self.header(key)
            if header is None:
                return None
            if header.is_whole:
                return header.entry(header.parts)  # type: ignore[arg-type]  # no reference is among them
            try:
                blobs = self._blobs_of(header.parts)
            except DamageFound as damage:
                self.notice(damage)
                return None
            if blobs is not None:
                return header.entry(blobs)
        # The record stays: it is whole, and good again as soon as somebody puts the same blob.
        self._say(_place(key), _INCOMPLETE, None)
        return None

    def header(self, key: str) -> Header | None:
        """Return what the file of an entry says; None when it is not there, or not as it was written."""
        # First as a hit has it; whatever is not as usual is looked at again, with care.
        data = self._folder.glance(key[:2], key + SUFFIX)
        if data is None:
            return None
        try:
            return decode(data, key, self._seal)
        except ValueError:
            return self._header_with_care(key)

    def record(self, key: str) -> Record | None:
        """Return what is known of an entry; None when it is not there, or not as it was written."""
        header = self.header(key)
        try:
            return header and header.record
        except StoreError as error:
            self.notice(DamageFound(*_place(key), str(error)))
            return None

    def write_blobs(self, parts: Iterable[Part], blobs: Iterable[Blob], *, durable: bool) -> None:
        """Write the blobs that lie in files of their own, unless they are there whole: all of each is read."""
        for part, blob in zip(parts, blobs, strict=True):
            if isinstance(part, Reference) and not self._is_whole(part):
                self.blobs.write(part, blob, durable=durable)

    def write_missing_blobs(self, parts: Iterable[Part], blobs: Iterable[Blob], *, durable: bool) -> None:
        """Write those blobs again that were removed after they were written: nothing is read."""
        for part, blob in zip(parts, blobs, strict=True):
            if isinstance(part, Reference) and not self.blobs.is_there(part):
                self.blobs.write(part, blob, durable=durable)

    @contextmanager
    def beside(self, key: str, data: bytes, *, durable: bool) -> Iterator[Callable[[], None]]:
        """Write the file of an entry beside its place; what it yields puts it there."""
        place = _place(key)
        with self._folder.beside(place.directory, (data,), durable=durable) as name:
            yield partial(self._folder.publish, name, place, durable=durable)

    def is_there(self, key: str) -> bool:
        """Whether something lies in the place of an entry; it is not looked at."""
        return self._folder.status(_place(key)) is not None

    def remove(self, keys: Iterable[str], digests: Iterable[str]) -> int:
        """Remove the files of entries, and then blobs that no other uses; return how many entries were there."""
        n_there = sum(self._folder.remove(_place(key)) for key in keys)
        for digest in digests:
            self.blobs.remove(digest)
        return n_there

    def keys(self) -> Iterator[str]:
        """Yield the key of every file of an entry, in order."""
        return self._folder.digests(SUFFIX)

    def rows(self) -> Iterator[Row]:
        """Yield what the index says of every entry that is whole; one that lacks a blob is reported and set aside."""
        for key in self.keys():
            header = self.header(key)
            if header is None:
                continue
            if all(map(self.blobs.is_there, header.references)):
                yield row(header)
            else:
                self._say(_place(key), _INCOMPLETE, self._folder.set_aside(_place(key)))

    def check(self) -> None:
        """Read every blob, by its digest and by the checksum that records have of it; what is damaged is set aside."""
        checksums = {}
        for digest in self.blobs.digests():
            try:
                checksums[digest] = self.blobs.check(digest)
            except DamageFound as damage:
                self.notice(damage)
        for key in self.keys():
            header = self.header(key)
            for part in header.references if header else ():
                if checksums.get(part.digest, part.checksum) not in (None, part.checksum):
                    self.notice(DamageFound(*_place(key), f"it has a wrong checksum of blob {part.digest[:12]}"))
                    break

    def remove_unused(self, used: Container[str]) -> int:
        """Remove the blobs that are not used; return how many."""
        return sum(self.blobs.remove(digest) for digest in self.blobs.digests() if digest not in used)

    def notice(self, damage: DamageFound) -> None:
        """Set damage aside and report it."""
        place = Place(damage.directory, damage.name)
        self._say(place, str(damage), self._folder.set_aside(place, damage.inode))

    def _say(self, place: Place, reason: str, set_aside: str | None) -> None:
        self.n_damaged += 1
        self._report(Damage(self._folder.root, str(place), reason, set_aside))

    def _header_with_care(self, key: str) -> Header | None:
        place = _place(key)
        try:
            found = self._folder.read(place, MAX_RECORD_BYTES)
            return found and self._decoded(found, key)
        except DamageFound as damage:
            self.notice(damage)
            return None

    def _decoded(self, found: Contents, key: str) -> Header:
        try:
            return decode(found.data, key, self._seal)
        except ValueError as error:
            raise DamageFound(*_place(key), str(error), found.inode) from error

    def _blobs_of(self, parts: tuple[Part, ...]) -> tuple[Blob, ...] | None:
        """All blobs, or None when one is not there."""
        blobs: list[Blob] = []
        for part in parts:
            blob = self.blobs.read(part) if isinstance(part, Reference) else part
            if blob is None:
                return None
            blobs.append(blob)
        return tuple(blobs)

    def _is_whole(self, reference: Reference) -> bool:
        try:
            return self.blobs.read(reference) is not None
        except DamageFound as damage:
            self.notice(damage)
            return False


def row(header: Header) -> Row:
    """Return what the index says of an entry."""
    return Row(header.key, header.group, float(header.cost_seconds), header.record_bytes, sizes(header.parts))


def sizes(parts: Iterable[Part]) -> dict[str, int]:
    """Return the digest and the length of each blob that lies in a file of its own."""
    return {part.digest: part.size_bytes for part in parts if isinstance(part, Reference)}


def _place(key: str) -> Place:
    return fan_out(key, SUFFIX)
