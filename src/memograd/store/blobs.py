"""Blobs in files of their own, named by the digest of their content, so that equal ones are stored once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from blake3 import blake3

from memograd.digest.content import N_THREADS, PARALLEL_BYTES
from memograd.store.damage import DamageFound
from memograd.store.folder import Folder, Place, fan_out
from memograd.store.protocol import Blob
from memograd.store.record import INLINE_BYTES, Part, Reference

SUFFIX = ".blob"

MAPPED_BYTES = 1 << 20
"""From this size on a blob is mapped, not copied. Measured: at 256 KiB both take as long, at 8 MiB copying twice."""


@final
class Blobs:
    """The blobs of a store's directory.

    Parameters
    ----------
    folder : Folder
    mapped : bool
        Whether large blobs are mapped into memory. Where others may write to the directory they must not be: a file
        that changes, or is cut, after its digest was found to fit would change the value, or end the process.
    """

    __slots__ = ("_folder", "_mapped")

    def __init__(self, folder: Folder, *, mapped: bool) -> None:
        self._folder = folder
        self._mapped = mapped

    def write(self, reference: Reference, blob: Blob, *, durable: bool) -> None:
        """Write a blob, in the place of what is there."""
        place = _place(reference)
        with self._folder.beside(place.directory, (blob,), durable=durable) as beside:
            self._folder.publish(beside, place, durable=durable)

    def read(self, reference: Reference) -> Blob | None:
        """Return a blob, or None when its file is not there.

        Raises
        ------
        DamageFound
            When the file is not what was written.
        """
        place = _place(reference)
        mapped = self._mapped and reference.size_bytes >= MAPPED_BYTES
        found = self._folder.view(place, reference.size_bytes, mapped=mapped)
        if found is None:
            return None
        if digest(found.data) != reference.digest:
            raise DamageFound(*place, "its content has changed since it was written", found.inode)
        return found.data

    def check(self, name: str) -> None:
        """Read the blob of a digest.

        Raises
        ------
        DamageFound
            When the file is not what was written.
        """
        size_bytes = self._folder.size_bytes(fan_out(name, SUFFIX))
        self.read(Reference(name, size_bytes or 0))

    def digests(self) -> Iterator[str]:
        """Yield the digest of every blob, in order."""
        return self._folder.digests(SUFFIX)

    def is_there(self, reference: Reference) -> bool:
        """Whether there is a file of that length; its content is not read."""
        return self._folder.size_bytes(_place(reference)) == reference.size_bytes

    def remove(self, name: str) -> bool:
        """Remove the blob of a digest; return whether it was there."""
        return self._folder.remove(fan_out(name, SUFFIX))


def part(blob: Blob) -> Part:
    """Return how a blob is stored: itself, to lie in the record, or a reference.

    Examples
    --------
    >>> part(b"small")
    b'small'
    >>> part(bytes(INLINE_BYTES)).size_bytes
    4096
    """
    return blob if len(blob) < INLINE_BYTES else Reference(digest(blob), len(blob))


def digest(blob: Blob) -> str:
    """Return the digest of some bytes.

    Several threads for a large one, of a pool of its own: see `digest.content`.
    """
    n_threads = N_THREADS if len(blob) >= PARALLEL_BYTES else 1
    return blake3(blob, max_threads=n_threads).hexdigest()


def _place(reference: Reference) -> Place:
    return fan_out(reference.digest, SUFFIX)
