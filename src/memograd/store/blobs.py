"""Blobs in files of their own, named by the digest of their content, so that equal ones are stored once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from blake3 import blake3

from memograd.digest.threads import N_THREADS, PARALLEL_BYTES
from memograd.store.damage import DamageFound
from memograd.store.folder import Folder
from memograd.store.place import Place, fan_out
from memograd.store.protocol import Blob
from memograd.store.record import INLINE_BYTES, Part, Reference
from memograd.store.seal import checksum

SUFFIX = ".blob"

MAPPED_BYTES = 1 << 20
"""From this size on a blob is mapped, not copied. Measured: at 256 KiB both take as long, at 8 MiB copying twice."""

_CHANGED = "its content has changed since it was written"


@final
class Blobs:
    """The blobs of a store's directory.

    Parameters
    ----------
    folder : Folder
    distrusted : bool
        Whether others may write to the directory. Then what is read must have its digest, which nobody can forge;
        otherwise its checksum, which finds damage. And then large blobs are not mapped into memory: a file that
        changes, or is cut, after it was found to be right would change the value, or end the process.
    """

    __slots__ = ("_distrusted", "_folder")

    def __init__(self, folder: Folder, *, distrusted: bool) -> None:
        self._folder = folder
        self._distrusted = distrusted

    def write(self, reference: Reference, blob: Blob, *, durable: bool) -> None:
        """Write a blob, in the place of what is there."""
        place = _place(reference.digest)
        with self._folder.beside(place.directory, (blob,), durable=durable) as beside:
            self._folder.publish(beside, place, durable=durable)

    def read(self, reference: Reference) -> Blob | None:
        """Return a blob, or None when its file is not there.

        Raises
        ------
        DamageFound
            When the file is not what was written.
        """
        place = _place(reference.digest)
        mapped = not self._distrusted and reference.size_bytes >= MAPPED_BYTES
        found = self._folder.view(place, reference.size_bytes, mapped=mapped)
        if found is None:
            return None
        data = found.data
        whole = digest(data) == reference.digest if self._distrusted else checksum(data) == reference.checksum
        if not whole:
            raise DamageFound(*place, _CHANGED, found.inode)
        return data

    def check(self, name: str) -> bytes | None:
        """Read the blob of a digest, and return its checksum; None when it is not there any more.

        Raises
        ------
        DamageFound
            When the file is not what was written.
        """
        place = _place(name)
        found = self._folder.view(place, self._folder.size_bytes(place) or 0, mapped=False)
        if found is not None and digest(found.data) != name:
            raise DamageFound(*place, _CHANGED, found.inode)
        return found and checksum(found.data)

    def digests(self) -> Iterator[str]:
        """Yield the digest of every blob, in order."""
        return self._folder.digests(SUFFIX)

    def is_there(self, reference: Reference) -> bool:
        """Whether there is a file of that length; its content is not read."""
        return self._folder.size_bytes(_place(reference.digest)) == reference.size_bytes

    def remove(self, name: str) -> bool:
        """Remove the blob of a digest; return whether it was there."""
        return self._folder.remove(_place(name))


def part(blob: Blob) -> Part:
    """Return how a blob is stored: itself, to lie in the record, or a reference.

    Examples
    --------
    >>> part(b"small")
    b'small'
    >>> part(bytes(INLINE_BYTES)).size_bytes
    4096
    """
    return blob if len(blob) < INLINE_BYTES else Reference(digest(blob), len(blob), checksum(blob))


def digest(blob: Blob) -> str:
    """Return the digest of some bytes.

    Several threads for a large one, of a pool of its own: see `digest.threads`.
    """
    n_threads = N_THREADS if len(blob) >= PARALLEL_BYTES else 1
    return blake3(blob, max_threads=n_threads).hexdigest()


def _place(name: str) -> Place:
    return fan_out(name, SUFFIX)
