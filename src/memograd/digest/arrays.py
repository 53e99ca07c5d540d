"""Rows for NumPy: dtypes, arrays and scalars.

An array is told by its dtype, its shape and its elements in C order; strides, memory order and who owns the memory
do not count, so a memory map is the array of what it maps. Elements are told by their bits, the padding between
them is skipped. Byte order is part of the dtype.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from memograd.digest.attributes import attached
from memograd.digest.content import Array, content_token
from memograd.digest.encoding import RECORD, TEXT, TUPLE, column, encode_text, record_head, token
from memograd.digest.node import Code, Node, Row, attributes_row, record
from memograd.errors import CannotDigest

DType = np.dtype[Any]

_ARRAY, _DTYPE, _SCALAR = (record_head(f"numpy.{form}") for form in ("ndarray", "dtype", "scalar"))

_VOID = np.dtype(np.void).num
# The dtypes that NumPy has always had, but for that of objects; numbers from 24 on are other people's.
_PLAIN_NUMBERS = frozenset(range(24)) - {np.dtype(object).num}


def _is_plain(dtype: DType) -> bool:
    """Whether a dtype is told by its `str`, and its elements by their bytes."""
    return (
        dtype.num in _PLAIN_NUMBERS
        and dtype.names is None
        and dtype.subdtype is None
        and dtype.metadata is None
        and (dtype.num != _VOID or dtype.type is np.void)
    )


def _dtype(dtype: DType) -> bytes | Node:
    if _is_plain(dtype):
        return _plain_dtype(dtype.str)
    form, parts = _parts_of_dtype(dtype)
    metadata = None if dtype.metadata is None else dict(dtype.metadata)
    return record(f"numpy.dtype.{form}", [*parts, metadata, dtype.type])


@functools.lru_cache
def _plain_dtype(name: str) -> bytes:
    return token(RECORD, _DTYPE + token(TEXT, encode_text(name)))


def _parts_of_dtype(dtype: DType) -> tuple[str, Sequence[Any]]:
    if isinstance(dtype, np.dtypes.StringDType):
        # Which object stands for a missing text is not always there to be read.
        return "text", [dtype.coerce, hasattr(dtype, "na_object"), getattr(dtype, "na_object", None)]
    if dtype.num not in _PLAIN_NUMBERS and dtype.num != np.dtype(object).num:
        raise CannotDigest(f"the dtype {dtype} is not NumPy's own; pass a view of it, of a dtype that is")
    if dtype.fields is not None:
        fields = [dtype.fields[name] for name in dtype.names or ()]
        return "fields", [dtype.names, fields, dtype.itemsize, dtype.isalignedstruct]
    if dtype.subdtype is not None:
        return "subarray", list(dtype.subdtype)
    return "plain", [dtype.str]


def resolve_dtype(kind: type, code: Code | None) -> Row | None:
    """The row of dtypes, each of which has a class of its own."""
    return _dtype if issubclass(kind, np.dtype) else None


def _ndarray(array: Array) -> bytes | Node:
    parts: list[Any]
    if _is_plain(array.dtype):
        shape = token(TUPLE, column(array.shape) or b"")
        return token(RECORD, _ARRAY + _plain_dtype(array.dtype.str) + shape + content_token(array))
    if array.dtype.fields is not None:
        # Field by field: between them may be padding, and in them objects.
        fields = array.dtype.names or ()
        parts, steps = [array[name] for name in fields], [f"[{name!r}]" for name in fields]
    else:
        parts, steps = [array.ravel().tolist()], [".flat"]
    return Node(RECORD, _ARRAY, [array.dtype, array.shape, *parts], [".dtype", ".shape", *steps].__getitem__)


def resolve_scalar(kind: type, code: Code | None) -> Row | None:
    """The row of NumPy's scalars, which differ from Python's numbers and from arrays without axes."""
    return _scalar if issubclass(kind, np.generic) and kind.__module__ == "numpy" else None


def _scalar(value: np.generic) -> bytes | Node:
    # As an array or as what `item` gives, a text would lose the zeros at its end.
    if isinstance(value, np.str_):
        return record("numpy.str", [str.__str__(value)], [""])
    if isinstance(value, np.bytes_):
        return record("numpy.bytes", [bytes.__getitem__(value, slice(None))], [""])
    if _is_plain(value.dtype):
        return token(RECORD, _SCALAR + _plain_dtype(value.dtype.str) + content_token(np.asarray(value)))
    return record("numpy.scalar", [type(value), np.asarray(value)], [".__class__", ""])


def _memory_map(array: Array) -> bytes | Node:
    extra = attached(array, "filename", "offset", "mode")
    plain = np.asarray(array)
    return record("numpy.memmap", [plain, extra], ["", ".__dict__"]) if extra else _ndarray(plain)


ARRAY_ROWS: Mapping[type, Row] = {
    np.ndarray: _ndarray,
    np.memmap: _memory_map,
    np.busdaycalendar: attributes_row("numpy.busdaycalendar", "weekmask", "holidays"),
}
