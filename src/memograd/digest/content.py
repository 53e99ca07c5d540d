"""The bytes of an array's elements in logical C order, whatever its strides, and arrays that nobody can write.

Contiguous memory is hashed where it lies, all other is copied piece by piece; nothing is ever sampled. Knows
elements as bytes of a dtype, not what dtypes mean.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memograd.digest.encoding import RAW, token_of_chunks
from memograd.digest.threads import N_THREADS, PARALLEL_BYTES
from memograd.errors import CannotDigest

Array = NDArray[Any]

# Of a transposed or reversed matrix of 32 MB, pieces of 16 KiB take 1.6 to 2.7 times as long, of 16 MiB 1.1 times.
CHUNK_BYTES = 2**18

# To look up what is remembered takes 1.5 µs, to hash this much 4 µs.
REMEMBERED_BYTES = 4096
MAX_REMEMBERED = 1024

# An extended float of x86 has ten bytes, kept in twelve or sixteen; what the others hold is chance.
EXTENDED_BYTES = 10
_EXTENDED = {
    np.dtype(kind).num: np.dtype(kind).itemsize // parts
    for kind, parts in ((np.longdouble, 1), (np.clongdouble, 2))
    if np.finfo(np.longdouble).nmant == 63
}


class FrozenBytes(bytes):
    """Memory of arrays made by `freeze`; it carries the tokens of the arrays that were seen in it.

    Memory of a `bytes` is never made writeable by NumPy, not even by `setflags`, so no token can become wrong. The
    tokens live as long as the memory and are found through it: the id of an array, which may be given another
    shape in place, would not do.
    """

    tokens: dict[Hashable, bytes]

    def __new__(cls, content: bytes) -> FrozenBytes:
        """Copy the content."""
        self = super().__new__(cls, content)
        self.tokens = {}
        return self


def freeze(array: Array) -> Array:
    """Return an array of the same elements that nobody can write, and whose digest is computed once.

    So are the digests of its views. An array that came from here is returned as it is; every other is copied, also
    when it is read-only: whoever owns its memory could make it writeable again. Code that writes to memory behind
    NumPy's back, as `ctypes` can, is not defended against.

    Parameters
    ----------
    array : array of any shape
        Of a dtype without Python objects.

    Returns
    -------
    array
        In C order.

    Raises
    ------
    CannotDigest
        When it is not a plain `numpy.ndarray`, or its elements are Python objects.

    Examples
    --------
    >>> frozen = freeze(np.arange(3))
    >>> frozen.flags.writeable, freeze(frozen) is frozen
    (False, True)
    >>> frozen.setflags(write=True)
    Traceback (most recent call last):
      ...
    ValueError: cannot set WRITEABLE flag to True of this array
    """
    if type(array) not in (np.ndarray, np.memmap) or array.dtype.hasobject:
        raise CannotDigest(
            f"only a numpy.ndarray without Python objects can be frozen, not {type(array).__qualname__} "
            f"of {getattr(array, 'dtype', 'objects')}; pass numpy.asarray of it"
        )
    if _memory(array) is not None:
        return array
    return np.ndarray(array.shape, array.dtype, FrozenBytes(array.tobytes()))


def content_token(array: Array) -> bytes:
    """The token of an array's elements; remembered when the array is large and lies in frozen memory.

    Parameters
    ----------
    array : ndarray of any shape
        Its elements are bytes that tell them apart: no objects and no fields.
    """
    memory = _memory(array) if array.nbytes >= REMEMBERED_BYTES else None
    if memory is None:
        return _computed(array)
    place = (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str)
    known = memory.tokens.get(place)
    if known is None:
        if len(memory.tokens) >= MAX_REMEMBERED:
            memory.tokens.clear()
        known = memory.tokens[place] = _computed(array)
    return known


def _memory(array: Array) -> FrozenBytes | None:
    """The frozen memory in which an array lies, if every array that it is a view of lies there too."""
    base: Any = array
    while type(base) is np.ndarray:
        base = base.base
    return base if type(base) is FrozenBytes else None


def _computed(array: Array) -> bytes:
    significant = _significant(array)
    n_threads = N_THREADS if significant.nbytes >= PARALLEL_BYTES and significant.flags.c_contiguous else 1
    return token_of_chunks(RAW, significant.nbytes, _chunks(significant), n_threads=n_threads)


def _significant(array: Array) -> Array:
    """The array, or the bytes of it that are no padding."""
    size = _EXTENDED.get(array.dtype.num)
    if size is None:
        return array
    numbers = np.ascontiguousarray(array).reshape(-1).view(np.uint8).reshape(-1, size)
    # In the other byte order the padding comes first.
    return numbers[:, :EXTENDED_BYTES] if array.dtype.isnative else numbers[:, -EXTENDED_BYTES:]


def _chunks(array: Array) -> Iterator[Array]:
    """Yield the elements as arrays of bytes, in C order."""
    if array.flags.c_contiguous:
        yield _as_bytes(array)
        return
    length = max(1, CHUNK_BYTES // max(1, array.itemsize))
    flags = ["external_loop", "buffered", "zerosize_ok"]
    for chunk in np.nditer(array, flags=flags, order="C", buffersize=length):  # type: ignore[call-overload]
        yield _as_bytes(np.ascontiguousarray(chunk))


def _as_bytes(array: Array) -> Array:
    # Through bytes, for not every dtype gives out a buffer; an item of no bytes has no view of bytes.
    return array.reshape(-1).view(np.uint8) if array.nbytes else np.empty(0, np.uint8)
