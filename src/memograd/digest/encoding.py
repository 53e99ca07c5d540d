"""The bytes of which every digest is made: frames, tokens and columns.

A *frame* is a tag, the length of what follows, and what follows; so a run of frames can be read back in one way
only. A *token* stands for a value inside its container: its frame, or, when that is long, a frame that holds the
frame's BLAKE3 hash. So a container costs what its members are, not what they hold, and whether two members are
one object or two equal ones cannot be seen. A *column* is a frame for many plain values of one type at once.

Owns the format and its version. Knows no type beyond the plain values in columns.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Collection, Iterable
from typing import Any

from blake3 import blake3

FORMAT = b"memograd digest 1\n"
"""The first bytes under every digest. Any change of what follows must change it, and invalidates stored entries."""

# To hash up to 128 bytes takes 0.3 µs, to join them to others 0.06 µs: a short frame is better repeated than hashed.
LONG_BYTES = 128
"""The longest frame that stands for itself inside a container."""

LENGTH_BYTES = 8
HEAD_BYTES = 1 + LENGTH_BYTES

SHORT_TEXT = 64
"""The longest text, in code points, that may stand in a column; longer ones are hashed one by one."""

# Tags of tokens.
CONSTANT, INTEGER, FLOAT, COMPLEX, TEXT, BYTES, BYTEARRAY = b"k", b"i", b"f", b"c", b"s", b"b", b"y"
LIST, TUPLE, DICT, SET, FROZENSET = b"l", b"t", b"d", b"e", b"z"
RECORD, RAW, HASH = b"r", b"w", b"#"
# Tags of frames inside a token, where no token can stand.
NAME, NAMES, INTEGERS, FLOATS, TEXTS, BOOLEANS = b"n", b"N", b"I", b"F", b"S", b"B"

HASH_BYTES = HEAD_BYTES + blake3.digest_size


def framed(tag: bytes, payload: bytes) -> bytes:
    """A tag, the length and the payload."""
    return tag + len(payload).to_bytes(LENGTH_BYTES, "little") + payload


def token(tag: bytes, payload: bytes) -> bytes:
    """What stands for a value inside its container: its frame, or a frame of its hash when that is shorter.

    Examples
    --------
    >>> token(TEXT, b"abc")
    b's\\x03\\x00\\x00\\x00\\x00\\x00\\x00\\x00abc'
    >>> len(token(TEXT, b"abc" * 1000))
    41
    """
    frame = framed(tag, payload)
    return frame if len(frame) <= LONG_BYTES else framed(HASH, blake3(frame).digest())


def token_of_chunks(tag: bytes, size_bytes: int, chunks: Iterable[Any], *, n_threads: int = 1) -> bytes:
    """The token of a payload that is handed over piece by piece, each a buffer; the same as `token` would give."""
    head = tag + size_bytes.to_bytes(LENGTH_BYTES, "little")
    if HEAD_BYTES + size_bytes <= LONG_BYTES:
        return head + b"".join(bytes(chunk) for chunk in chunks)
    hasher = blake3(head, max_threads=n_threads)
    for chunk in chunks:
        hasher.update(chunk)
    return framed(HASH, hasher.digest())


def is_hash(some_token: bytes) -> bool:
    """Whether a token holds the hash of its frame, not the frame."""
    return some_token[:1] == HASH


def encode_text(text: str) -> bytes:
    """The code points of a text; lone surrogates are kept."""
    return text.encode("utf-8", "surrogatepass")


def names(texts: Iterable[str]) -> bytes:
    """A frame that holds texts of any length, in this order."""
    return framed(NAMES, b"".join(framed(NAME, encode_text(text)) for text in texts))


def record_head(name: str) -> bytes:
    """How the payload of a record begins: with the name of its form, which is unique among records."""
    return framed(NAME, name.encode())


def column(values: Collection[Any]) -> bytes | None:
    """The frame of plain values of one type, in this order; None where there is no such frame.

    Which it is depends on the values alone: all ints of at most 64 bits, all floats, all bools, or all texts of
    at most `SHORT_TEXT` code points, and at least one. A subclass is not plain.

    Examples
    --------
    >>> column([1, 2]) == column((1, 2)) != column([1.0, 2.0])
    True
    >>> print(column([1, 2.0]), column([2**70]), column([]))
    None None None
    """
    kinds = set(map(type, values))
    pack = _PACK.get(kinds.pop()) if len(kinds) == 1 else None
    return pack(values) if pack else None


def _pack_integers(values: Collection[int]) -> bytes | None:
    try:
        return framed(INTEGERS, _little_endian(array("q", values)))
    except OverflowError:
        return None


def _pack_floats(values: Collection[float]) -> bytes:
    return framed(FLOATS, _little_endian(array("d", values)))


def _pack_booleans(values: Collection[bool]) -> bytes:
    return framed(BOOLEANS, bytes(values))


def _pack_texts(values: Collection[str]) -> bytes | None:
    lengths = list(map(len, values))
    if max(lengths) > SHORT_TEXT:
        return None
    # The lengths count code points: where one text ends cannot depend on what the next one begins with.
    return framed(TEXTS, framed(NAMES, bytes(lengths)) + encode_text("".join(values)))


def _little_endian(numbers: array[Any]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


_PACK: dict[type, Callable[[Any], bytes | None]] = {
    int: _pack_integers,
    float: _pack_floats,
    bool: _pack_booleans,
    str: _pack_texts,
}
