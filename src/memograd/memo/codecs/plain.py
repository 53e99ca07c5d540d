"""Plain values: numbers, text, bytes, containers, and what the standard library has for dates, paths and fractions."""

from __future__ import annotations

import base64
import datetime
import decimal
import fractions
import pathlib
import struct
import uuid
from collections.abc import Mapping
from typing import Any

from memograd.memo.codecs.packing import CannotStore, Form, Packer, Row, Unpacker

INLINE_BYTES = 1024
"""Longer texts and bytes go into blobs, where they are not escaped and not parsed."""


def pack_text(packer: Packer, value: str, path: str) -> list[Form]:
    """A text, inline or as a blob. JSON merges lone surrogates that happen to be neighbours; a blob holds any text."""
    if len(value) <= INLINE_BYTES and value.isascii():
        return [value]
    return [packer.blob(value.encode("utf-8", "surrogatepass"))]


def unpack_text(unpacker: Unpacker, held: str | int) -> str:
    """The inverse of `pack_text`."""
    return held if isinstance(held, str) else bytes(unpacker.blob(held)).decode("utf-8", "surrogatepass")


def pack_items(packer: Packer, value: Any, path: str) -> list[Form]:
    """The items of an iterable."""
    return [[packer.pack(item, f"{path}[{i}]") for i, item in enumerate(value)]]


def unpack_items(unpacker: Unpacker, forms: list[Form]) -> list[Any]:
    """The inverse of `pack_items`."""
    return [unpacker.unpack(form) for form in forms]


def _pack_bytes(packer: Packer, value: bytes | bytearray, path: str) -> list[Form]:
    inline = len(value) <= INLINE_BYTES
    return [base64.b64encode(value).decode() if inline else packer.blob(bytes(value))]


def _unpack_bytes(unpacker: Unpacker, held: str | int) -> bytes:
    return base64.b64decode(held, validate=True) if isinstance(held, str) else bytes(unpacker.blob(held))


def _pack_members(packer: Packer, value: Any, path: str) -> list[Form]:
    """The members of a set, in the order of their own forms."""
    return pack_items(packer, sorted(value, key=lambda member: _order(packer, member, path)), path)


def _order(packer: Packer, member: Any, path: str) -> bytes:
    alone = Packer(packer.rows, packer.tag_of)
    form = alone.pack(member, f"a member of {path}")
    return repr(form).encode() + b"".join(map(bytes, alone.blobs))


def _pack_mapping(packer: Packer, value: Mapping[Any, Any], path: str) -> list[Form]:
    return [
        [
            [packer.pack(key, f"a key of {path}"), packer.pack(item, f"{path}[{key!r:.60}]")]
            for key, item in value.items()
        ]
    ]


def _unpack_mapping(unpacker: Unpacker, pairs: list[Form]) -> dict[Any, Any]:
    return {unpacker.unpack(key): unpacker.unpack(item) for key, item in pairs}


_pack_double, _unpack_double = struct.Struct("<d").pack, struct.Struct("<d").unpack


def _bits(value: float) -> str:
    return _pack_double(value).hex()


def _unpack_float(unpacker: Unpacker, text: str) -> float:
    number: float = _unpack_double(bytes.fromhex(text))[0]
    return number


def _bounds(value: Any) -> tuple[Any, Any, Any]:
    return value.start, value.stop, value.step


def _pack_time(packer: Packer, value: Any, path: str) -> list[Form]:
    zone = value.tzinfo
    # A time zone with rules or a name is more than its distance from UTC.
    if zone is not None and repr(zone) != repr(datetime.timezone(zone.utcoffset(None) or datetime.timedelta())):
        raise CannotStore(f"{path} has the time zone {zone}; convert it to UTC")
    return [value.isoformat(), value.fold]


def _single(*values: Any) -> Row:
    """The row of a type that has these values and no others."""
    (value,) = values
    return Row(lambda packer, value, path: [], lambda unpacker: value)


def _items(make: Any, pack: Any = pack_items) -> Row:
    """The row of a container that is made of its items."""
    return Row(pack, lambda unpacker, forms: make(unpack_items(unpacker, forms)))


def _text(make: Any) -> Row:
    """The row of a type that is made of its text."""
    return Row(
        lambda packer, value, path: pack_text(packer, str(value), path), lambda u, held: make(unpack_text(u, held))
    )


def _spread(make: Any, parts: Any) -> Row:
    """The row of a type that is made of some parts."""
    return Row(
        lambda packer, value, path: pack_items(packer, parts(value), path),
        lambda unpacker, forms: make(*unpack_items(unpacker, forms)),
    )


TAGS: Mapping[type, str] = {
    type(None): "none",
    type(...): "ellipsis",
    bool: "bool",
    int: "int",
    float: "float",
    complex: "complex",
    str: "str",
    bytes: "bytes",
    bytearray: "bytearray",
    tuple: "tuple",
    list: "list",
    dict: "dict",
    set: "set",
    frozenset: "frozenset",
    slice: "slice",
    range: "range",
    decimal.Decimal: "decimal",
    fractions.Fraction: "fraction",
    uuid.UUID: "uuid",
    datetime.date: "date",
    datetime.time: "time",
    datetime.datetime: "datetime",
    datetime.timedelta: "timedelta",
    pathlib.PosixPath: "path",
    pathlib.WindowsPath: "path",
    pathlib.PurePosixPath: "pure_posix_path",
    pathlib.PureWindowsPath: "pure_windows_path",
}
"""The tags of exact types; what is derived from them is something else."""

ROWS: Mapping[str, Row] = {
    "none": _single(None),
    "ellipsis": _single(...),
    "bool": Row(lambda packer, value, path: [int(value)], lambda unpacker, held: bool(held)),
    # As hexadecimal text, which neither JSON's readers round nor Python limits in length.
    "int": Row(lambda packer, value, path: [format(value, "x")], lambda unpacker, text: int(text, 16)),
    "float": Row(lambda packer, value, path: [_bits(value)], _unpack_float),
    "complex": Row(
        lambda packer, value, path: [_bits(value.real), _bits(value.imag)],
        lambda unpacker, real, imaginary: complex(_unpack_float(unpacker, real), _unpack_float(unpacker, imaginary)),
    ),
    "str": Row(pack_text, unpack_text),
    "bytes": Row(_pack_bytes, _unpack_bytes),
    "bytearray": Row(_pack_bytes, lambda unpacker, held: bytearray(_unpack_bytes(unpacker, held))),
    "tuple": _items(tuple),
    "list": Row(pack_items, unpack_items),
    "set": _items(set, _pack_members),
    "frozenset": _items(frozenset, _pack_members),
    "dict": Row(_pack_mapping, _unpack_mapping),
    "slice": _spread(slice, _bounds),
    "range": _spread(range, _bounds),
    "decimal": _text(decimal.Decimal),
    "fraction": _spread(fractions.Fraction, lambda value: (value.numerator, value.denominator)),
    "uuid": _text(uuid.UUID),
    "date": _text(datetime.date.fromisoformat),
    "time": Row(_pack_time, lambda unpacker, text, fold: datetime.time.fromisoformat(text).replace(fold=fold)),
    "datetime": Row(_pack_time, lambda unpacker, text, fold: datetime.datetime.fromisoformat(text).replace(fold=fold)),
    "timedelta": Row(
        lambda packer, value, path: [value.days, value.seconds, value.microseconds],
        lambda unpacker, days, seconds, microseconds: datetime.timedelta(days, seconds, microseconds),
    ),
    "path": _text(pathlib.Path),
    "pure_posix_path": _text(pathlib.PurePosixPath),
    "pure_windows_path": _text(pathlib.PureWindowsPath),
}
"""How values of each tag are packed and unpacked."""
