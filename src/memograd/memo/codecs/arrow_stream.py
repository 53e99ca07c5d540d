"""A check of Arrow's stream format: that no buffer is compressed, which lets a few bytes ask for any amount of memory.

After Apache Arrow, *Columnar format*, "IPC streaming format" (format version 1.5), and the layout of tables of
FlatBuffers. Only what leads to the field ``compression`` of record batches is read; all else is Arrow's to check.
"""

from __future__ import annotations

import struct
from typing import Any

from memograd.errors import StoreError

_CONTINUATION = 0xFFFFFFFF
# Fields of Message, of DictionaryBatch and of RecordBatch, and members of the union MessageHeader.
_HEADER_TYPE, _HEADER, _BODY_LENGTH = 1, 2, 3
_DICTIONARY_DATA = 1
_COMPRESSION = 3
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3


def check_uncompressed(data: Any) -> None:
    """Check that a stream holds no compressed buffers.

    Raises
    ------
    StoreError
        When it does, or is no stream.
    """
    view = memoryview(data).cast("B")
    try:
        place = 0
        while place < len(view):
            place = _check_message(view, place)
    except struct.error as error:
        raise StoreError(f"an entry does not hold a stream of Arrow: {error}") from error


def _check_message(view: memoryview, place: int) -> int:
    """Check one message; return where the next begins."""
    mark, length = struct.unpack_from("<Ii", view, place)
    if mark != _CONTINUATION or length < 0:
        raise StoreError("an entry does not hold a stream of Arrow: a message does not begin where it should")
    if length == 0:
        return len(view)
    metadata = view[place + 8 : place + 8 + length]
    table: int = struct.unpack_from("<I", metadata)[0]
    _check_header(metadata, table)
    at = _field(metadata, table, _BODY_LENGTH)
    body = struct.unpack_from("<q", metadata, at)[0] if at else 0
    if body < 0:
        raise StoreError("an entry does not hold a stream of Arrow: a message has a negative length")
    return int(place + 8 + length + body)


def _check_header(metadata: memoryview, table: int) -> None:
    at = _field(metadata, table, _HEADER_TYPE)
    kind = metadata[at] if at else 0
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return
    batch = _table(metadata, table, _HEADER)
    if kind == _DICTIONARY_BATCH and batch:
        batch = _table(metadata, batch, _DICTIONARY_DATA)
    if batch and _field(metadata, batch, _COMPRESSION):
        raise StoreError("an entry holds a compressed stream of Arrow, which is not read here")


def _field(metadata: memoryview, table: int, index: int) -> int:
    """Where a field of a table lies; 0 when it is not there."""
    rows = table - struct.unpack_from("<i", metadata, table)[0]
    if rows < 0:
        raise struct.error("a table lies before its beginning")
    size = struct.unpack_from("<H", metadata, rows)[0]
    slot = 4 + 2 * index
    offset = struct.unpack_from("<H", metadata, rows + slot)[0] if slot < size else 0
    if table + offset >= len(metadata):
        raise struct.error("a field lies beyond its end")
    return table + offset if offset else 0


def _table(metadata: memoryview, table: int, index: int) -> int:
    """Where the table lies that is a field of another; 0 when it is not there."""
    at = _field(metadata, table, index)
    return at + int(struct.unpack_from("<I", metadata, at)[0]) if at else 0
