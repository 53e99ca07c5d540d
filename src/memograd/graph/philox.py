"""Random bits from a counter: the same key and counter give the same bits, whatever was drawn before.

Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", Philox4x64-10, in
NumPy's implementation.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def philox_bits(key: NDArray[np.uint64], counter: NDArray[np.uint64], *, shape: tuple[int, ...]) -> NDArray[np.uint32]:
    """Random bits of any shape.

    The 64-bit words of the blocks counter+1, counter+2, … (the first word of the counter counts, with carry) are
    each cut in two, the low half first.

    Parameters
    ----------
    key : (2,) uint64
    counter : (4,) uint64

    Returns
    -------
    bits : `shape` uint32

    Examples
    --------
    >>> key, counter = np.array([7, 0], np.uint64), np.zeros(4, np.uint64)
    >>> philox_bits(key, counter, shape=(2, 2)).dtype
    dtype('uint32')
    """
    size = math.prod(shape)
    words = np.random.Philox(key=key, counter=counter).random_raw((size + 1) // 2)
    halves = words.astype("<u8", copy=False).view("<u4").astype(np.uint32, copy=False)
    return halves[:size].reshape(shape)
