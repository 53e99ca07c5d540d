"""The bytes of an entry's file: what is known of the entry, its small blobs, the digests of its large ones; sealed.

    magic, which tells the version | seal of all that follows
    key | seconds it took | time it was made | length of the group | length of the metadata | number of blobs
    length of each blob, complemented where it lies elsewhere | group | metadata
    for each blob its bytes, or its digest and its checksum

Numbers are little-endian, the group is UTF-8, metadata are JSON. The seal covers the key, so that a file under another
key's name is noticed; whatever a length says is believed only after the seal was found to fit, and checked even then.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, final

from memograd.errors import BadSetting
from memograd.store.metadata import Metadata, json_text, parsed
from memograd.store.protocol import Blob, Entry, Record, check_times
from memograd.store.seal import CHECKSUM_BYTES, Seal

MAGIC = b"memograd entry 1"
MAX_RECORD_BYTES = 64 << 20
"""A file that claims to be a longer record is not read."""

INLINE_BYTES = 4096
"""A blob below this size lies in the record.

Measured: a second file costs 10 µs when it is read and 0.6 ms when it is written, and takes a block of 4 KiB.
"""

_DIGEST_BYTES = 32
_REFERENCE_BYTES = _DIGEST_BYTES + CHECKSUM_BYTES
_HEAD = struct.Struct(f"<{_DIGEST_BYTES}sddIII")
_SIZE = struct.Struct("<q")


@final
@dataclass(frozen=True, slots=True)
class Reference:
    """A blob that lies in a file of its own, named by the digest of its content.

    Attributes
    ----------
    digest : str
        BLAKE3: no two contents have one.
    size_bytes : int
    checksum : bytes
        See `seal`.
    """

    digest: str
    size_bytes: int
    checksum: bytes


Part: TypeAlias = Blob | Reference


class Header(NamedTuple):
    """What the file of an entry says.

    Attributes
    ----------
    key, group, cost_seconds, created_seconds
        As in `Entry`.
    metadata : str
        As JSON.
    parts : tuple
        For each blob its bytes, or where they are.
    record_bytes : int
        The length of the file.
    is_whole : bool
        Whether all blobs lie in it.
    """

    # A named tuple: every hit makes one, and a frozen dataclass takes twice as long.
    key: str
    group: str
    cost_seconds: float
    created_seconds: float
    metadata: str
    parts: tuple[Part, ...]
    record_bytes: int
    is_whole: bool

    @property
    def references(self) -> tuple[Reference, ...]:
        """The blobs that lie in other files."""
        return tuple([part for part in self.parts if isinstance(part, Reference)])

    @property
    def record(self) -> Record:
        """What is known of the entry. Raises StoreError when the metadata are none."""
        return Record(
            self.key,
            group=self.group,
            metadata=parsed(self.metadata),
            cost_seconds=self.cost_seconds,
            created_seconds=self.created_seconds,
            size_bytes=sum([part.size_bytes if isinstance(part, Reference) else len(part) for part in self.parts]),
        )

    def entry(self, blobs: tuple[Blob, ...]) -> Entry:
        """Return the entry, given the bytes of all its blobs."""
        metadata = Metadata(self.metadata)
        return Entry.of_checked(self.key, blobs, self.group, metadata, self.cost_seconds, self.created_seconds)


def encode(entry: Entry, parts: tuple[Part, ...], seal: Seal) -> bytes:
    """Write the file of an entry.

    Raises
    ------
    BadSetting
        When the metadata are not what JSON can say, or too much for a record.
    """
    group, metadata = entry.group.encode(), json_text(entry.metadata).encode()
    head = _HEAD.pack(
        bytes.fromhex(entry.key), entry.cost_seconds, entry.created_seconds, len(group), len(metadata), len(parts)
    )
    sizes = [~part.size_bytes if isinstance(part, Reference) else len(part) for part in parts]
    held = [bytes.fromhex(part.digest) + part.checksum if isinstance(part, Reference) else part for part in parts]
    body = b"".join([head, *map(_SIZE.pack, sizes), group, metadata, *held])
    if len(MAGIC) + seal.size_bytes + len(body) > MAX_RECORD_BYTES:
        raise BadSetting(f"a record of {len(body)} bytes; put large things into blobs, not into metadata")
    return MAGIC + seal.of(body) + body


def decode(data: bytes, key: str, seal: Seal) -> Header:
    """Read the file of an entry.

    Raises
    ------
    ValueError
        When it is not what was written, or not for that key; the message says how.

    Examples
    --------
    >>> entry = Entry("00" * 32, (b"value",), group="f")
    >>> data = encode(entry, entry.blobs, Seal(None))
    >>> decode(data, entry.key, Seal(None)).parts
    (b'value',)
    >>> decode(data[:-1] + b"f", entry.key, Seal(None))
    Traceback (most recent call last):
    ValueError: its content has changed since it was written
    >>> decode(data, "11" * 32, Seal(None))
    Traceback (most recent call last):
    ValueError: it is the entry of another key
    """
    if not data.startswith(MAGIC):
        raise ValueError("it is no entry")
    start = len(MAGIC) + seal.size_bytes
    body = data[start:]
    if not seal.fits(data[len(MAGIC) : start], body):
        unwritten = "it was not written with the key of this store, or" if seal.keyed else ""
        raise ValueError(f"{unwritten} its content has changed since it was written".strip())
    try:
        header = _parse(body, len(data))
    except (ValueError, struct.error) as error:
        raise ValueError(f"it is sealed and makes no sense ({error})") from error
    if header.key != key:
        raise ValueError("it is the entry of another key")
    return header


def _parse(body: bytes, record_bytes: int) -> Header:
    # Every hit comes this way, so lengths are checked once, at the end: a slice beyond it is only shorter.
    key, cost_seconds, created_seconds, group_bytes, metadata_bytes, n_blobs = _HEAD.unpack_from(body)
    sizes_end = _HEAD.size + 8 * n_blobs
    group_end = sizes_end + group_bytes
    end = group_end + metadata_bytes
    group, metadata = body[sizes_end:group_end], body[group_end:end]
    parts: list[Part] = []
    is_whole = True
    for (size_bytes,) in _SIZE.iter_unpack(body[_HEAD.size : sizes_end]):
        start = end
        if size_bytes >= 0:
            end += size_bytes
            parts.append(body[start:end])
        else:
            end += _REFERENCE_BYTES
            parts.append(_reference(body[start:end], ~size_bytes))
            is_whole = False
    if end != len(body):
        raise ValueError(f"it declares {end} bytes, and has {len(body)}")
    if not (0 <= cost_seconds < math.inf and -math.inf < created_seconds < math.inf):
        check_times(cost_seconds, created_seconds)
    return Header(
        key.hex(),
        group.decode(),
        cost_seconds,
        created_seconds,
        metadata.decode(),
        tuple(parts),
        record_bytes,
        is_whole,
    )


def _reference(held: bytes, size_bytes: int) -> Reference:
    if len(held) != _REFERENCE_BYTES:
        raise ValueError("it ends inside of the name of a blob")
    return Reference(held[:_DIGEST_BYTES].hex(), size_bytes, held[_DIGEST_BYTES:])
