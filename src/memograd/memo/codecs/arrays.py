"""Arrays, NumPy's scalars and dtypes, and SciPy's sparse matrices.

Arrays come back read-only, in C order, as views of their blob, so that a large one can stay in a memory-mapped file.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from memograd.errors import StoreError
from memograd.memo.codecs.packing import CannotStore, Form, Packer, Row, Unpacker

KINDS = "biufcmMSUV"
"""Kinds of dtypes whose bytes are the values."""

SPARSE = {"csr": ("data", "indices", "indptr"), "csc": ("data", "indices", "indptr"), "coo": ("data", "row", "col")}
"""The formats of sparse matrices, and the arrays that each is made of."""


def _pack_array(packer: Packer, value: Any, path: str) -> list[Form]:
    if value.dtype == object:
        return [list(value.shape), [packer.pack(item, f"{path}.flat[{i}]") for i, item in enumerate(value.flat)]]
    form = _dtype_form(value.dtype, path)
    contiguous = np.ascontiguousarray(value).reshape(-1)
    return [list(value.shape), packer.blob(contiguous.view(np.uint8).data if value.size else b""), form]


def _unpack_array(unpacker: Unpacker, shape: list[int], held: Any, dtype: Any = None) -> Any:
    if not all(type(n) is int and n >= 0 for n in shape):
        raise StoreError(f"an entry declares an array of the shape {shape!r:.60}")
    array = _objects(unpacker, held) if dtype is None else _from_bytes(unpacker.blob(held), _dtype(dtype))
    if math.prod(shape) != array.size:
        raise StoreError(f"an entry declares an array of the shape {shape}, and holds {array.size} elements")
    array = array.reshape(shape)
    array.setflags(write=False)
    return array


def _objects(unpacker: Unpacker, forms: list[Form]) -> Any:
    array = np.empty(len(forms), object)
    for index, form in enumerate(forms):
        array[index] = unpacker.unpack(form)
    return array


def _from_bytes(blob: Any, dtype: np.dtype[Any]) -> Any:
    # NumPy refuses buffers of no bytes.
    return np.frombuffer(blob, dtype) if len(blob) else np.empty(0, dtype)


def _dtype_form(dtype: np.dtype[Any], path: str) -> Any:
    if dtype.kind not in KINDS or dtype.hasobject or not dtype.itemsize:
        raise CannotStore(f"{path} is of the dtype {dtype}, whose bytes are not its values; convert it with .astype")
    with warnings.catch_warnings():
        # That metadata of a dtype are lost, which mean nothing to NumPy.
        warnings.simplefilter("ignore", UserWarning)
        form = np.lib.format.dtype_to_descr(dtype)
    if np.lib.format.descr_to_dtype(form) != dtype:
        raise CannotStore(f"{path} is of the dtype {dtype}, whose fields overlap or are out of order; copy them apart")
    return form


def _dtype(form: Any) -> np.dtype[Any]:
    dtype: np.dtype[Any] = np.lib.format.descr_to_dtype(_tuples(form))
    if dtype.kind not in KINDS or dtype.hasobject or not dtype.itemsize:
        raise StoreError(f"an entry declares an array of {dtype}")
    return dtype


def _tuples(part: Any) -> Any:
    """A description of a dtype from JSON, which made lists of its tuples."""
    if isinstance(part, list) and part and not isinstance(part[0], list):
        return tuple(_tuples(item) if i else item for i, item in enumerate(part))
    return [_tuples(item) for item in part] if isinstance(part, list) else part


def _pack_masked(packer: Packer, value: Any, path: str) -> list[Form]:
    parts = (value.data.view(np.ndarray), np.ma.getmaskarray(value), np.asarray(value.fill_value))
    return [packer.pack(np.asarray(part), path) for part in parts]


def _unpack_masked(unpacker: Unpacker, *forms: Form) -> Any:
    data, mask, fill = (_array(unpacker, form) for form in forms)
    return np.ma.MaskedArray(data, mask=mask, fill_value=fill[()])


def _array(unpacker: Unpacker, form: Form) -> Any:
    array = unpacker.unpack(form)
    if type(array) is not np.ndarray:
        raise StoreError(f"an entry declares {type(array).__name__} where an array belongs")
    return array


def _pack_scalar(packer: Packer, value: Any, path: str) -> list[Form]:
    array = np.asarray(value)
    # NumPy drops zeros at the end of text; and text of no length is none to NumPy.
    if array.dtype.kind in "SU" and len(array[()]) != len(value):
        raise CannotStore(f"{path} is text that ends in a zero, which NumPy drops; convert it with .item()")
    return _pack_array(packer, array, path)


def _unpack_scalar(unpacker: Unpacker, shape: list[int], *parts: Any) -> Any:
    if shape != []:
        raise StoreError(f"an entry declares a number of the shape {shape!r:.60}")
    return _unpack_array(unpacker, shape, *parts)[()]


def _pack_sparse(packer: Packer, value: Any, path: str) -> list[Form]:
    if value.format not in SPARSE or value.ndim != 2:
        raise CannotStore(f"{path} is a sparse matrix in the format {value.format}; convert it with .tocsr()")
    arrays = [packer.pack(np.asarray(getattr(value, name)), path) for name in SPARSE[value.format]]
    return [type(value).__name__, [int(n) for n in value.shape], arrays]


def _unpack_sparse(unpacker: Unpacker, name: str, shape: list[int], forms: list[Form]) -> Any:
    import scipy.sparse  # takes as long to import as all of memograd

    if name not in {f"{form}_{kind}" for form in SPARSE for kind in ("matrix", "array")}:
        raise StoreError(f"an entry declares a sparse matrix {name!r:.60}")
    first, *others = (np.array(_array(unpacker, form)) for form in forms)
    parts = (first, tuple(others)) if name.startswith("coo") else (first, *others)
    matrix = getattr(scipy.sparse, name)(parts, shape=tuple(shape))
    if not name.startswith("coo"):  # which always checks
        # Indices out of range would have C code read what is not the matrix's.
        matrix.check_format(full_check=True)
    return matrix


def _is_masked(value: Any) -> bool:
    # Without importing it, which takes 10 ms: who has a masked array has done so.
    ma = sys.modules.get("numpy.ma")
    return ma is not None and type(value) is ma.MaskedArray


TAGS: Mapping[type, str] = {np.ndarray: "array"}
"""The tags of exact types."""

FAMILIES: Mapping[str, Callable[[Any], bool]] = {
    "numpy_scalar": lambda value: isinstance(value, np.generic) and type(value) is not np.void,
    "dtype": lambda value: isinstance(value, np.dtype),
    "masked": _is_masked,
    "sparse": lambda value: type(value).__module__.partition(".")[0] == "scipy" and hasattr(value, "format"),
}
"""How values are recognised whose type is one of many."""

ROWS: Mapping[str, Row] = {
    "array": Row(_pack_array, _unpack_array),
    "masked": Row(_pack_masked, _unpack_masked),
    "numpy_scalar": Row(_pack_scalar, _unpack_scalar),
    "dtype": Row(lambda packer, value, path: [_dtype_form(value, path)], lambda unpacker, form: _dtype(form)),
    "sparse": Row(_pack_sparse, _unpack_sparse),
}
"""How values of each tag are packed and unpacked."""
