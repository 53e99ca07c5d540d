"""Random bits for code that may be traced."""

from __future__ import annotations

import operator
from typing import Any

from memograd.graph.philox import philox_bits
from memograd.graph.traced import TracedArray, apply


def random_bits(key: Any, counter: Any, shape: tuple[int, ...]) -> Any:
    """Random bits from a counter, of concrete or traced key and counter (see `memograd.graph.philox`).

    Parameters
    ----------
    key : (2,) uint64
        Says which stream.
    counter : (4,) uint64
        Says where in the stream.
    shape : tuple of int

    Returns
    -------
    bits : `shape` uint32
        Its derivative is undefined.
    """
    lengths = tuple(operator.index(n) for n in shape)
    if isinstance(key, TracedArray) or isinstance(counter, TracedArray):
        return apply("random_bits", key, counter, shape=lengths)
    return philox_bits(key, counter, shape=lengths)
