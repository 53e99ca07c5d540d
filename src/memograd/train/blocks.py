"""The scores of a network for any number of rows, a block of a fixed number at a time.

So what a row scores does not depend, not by one bit, on how many other rows there are and on which they are. Whole
tables do not have that property: BLAS sums in one order for one row and in another for many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import final

import numpy as np

from memograd.engine.compiled import Compiled, compile
from memograd.errors import CannotLower, EngineUnavailable, ModelFileError
from memograd.graph.node import Array
from memograd.nn.mlp import MLP

# On 3×256 nodes a block takes 42 µs, 286 µs and 553 µs for 8, 128 and 256 rows: 5.3, 2.24 and 2.16 µs a row. From
# two rows on, the native engine sums every element in one order, so both sizes give the same bits.
FEW_ROWS, MANY_ROWS = 8, 128
# NumPy's products have no such order, but for one row there is only one shape.
NUMPY_ROWS = 1
_SHARED_NETWORKS = 32


@final
class Blocks:
    """The programs of a network, compiled when they are needed first. Safe to use from several threads.

    Parameters
    ----------
    network : MLP
        Its parameters are given with each call, so all models of equal networks can share it.

    Examples
    --------
    >>> from memograd.graph.tree import flatten
    >>> network = MLP((2, 4, 3), "tanh", "cross_entropy")
    >>> X, leaves = np.ones((300, 2), np.float32), flatten(network.init(seed=0))[0]
    >>> scores = Blocks(network).scores(leaves, X)
    >>> scores.shape, bool((scores == scores[0]).all())
    ((300, 3), True)
    """

    def __init__(self, network: MLP) -> None:
        self._network = network
        self._is_native = True
        self._programs: dict[int, Compiled] = {}

    def scores(self, leaves: Sequence[Array], X: Array) -> Array:
        """What the network gives for each row.

        Parameters
        ----------
        leaves : sequence of float32 arrays in C order
            The leaves of parameters as `MLP.init` makes them.
        X : (n_rows, n_inputs) float32

        Returns
        -------
        (n_rows, n_outputs) float32
            Infinite or NaN where a row is too far from what the network can hold.
        """
        found = np.empty((len(X), self._network.sizes[-1]), np.float32)
        few, many = self._sizes()
        with np.errstate(all="ignore"):
            for first, end, block in _blocks(X, few, many):
                found[first:end] = self._program(len(block)).run([*leaves, block])[0][: end - first]
        return found

    def _sizes(self) -> tuple[int, int]:
        """The rows of a small and of a large block; one where there is no machine code."""
        if self._is_native and not self._programs:
            try:
                self._program(FEW_ROWS)
            except (CannotLower, EngineUnavailable):
                self._is_native = False
        return (FEW_ROWS, MANY_ROWS) if self._is_native else (NUMPY_ROWS, NUMPY_ROWS)

    def _program(self, n_rows: int) -> Compiled:
        found = self._programs.get(n_rows)
        if found is None:
            example = np.zeros((n_rows, self._network.sizes[0]), np.float32)
            engine = "native" if self._is_native else "numpy"
            found = compile(self._network.__call__, self._network.init(0), example, engine=engine)
            self._programs[n_rows] = found
        return found


def blocks_of(network: MLP) -> Blocks:
    """The programs of a network, compiled once in a process for all that are equal.

    A network with a user's function has programs of its own: what the function does is known by tracing it only.
    """
    try:
        network.to_config()
    except ModelFileError:
        return Blocks(network)
    return _shared_blocks(network)


@lru_cache(maxsize=_SHARED_NETWORKS)
def _shared_blocks(network: MLP) -> Blocks:
    return Blocks(network)


def _blocks(X: Array, few: int, many: int) -> Iterator[tuple[int, int, Array]]:
    """The first row of each block, the row after its last, and the block; rows that are lacking are 0."""
    X = np.ascontiguousarray(X)
    first = 0
    while first < len(X):
        # A large block takes as long as seven small ones.
        n_rows = many if len(X) - first > 6 * few or few == many else few
        end = min(first + n_rows, len(X))
        yield first, end, X[first:end] if end - first == n_rows else _filled_up(X[first:end], n_rows)
        first = end


def _filled_up(X: Array, n_rows: int) -> Array:
    block = np.zeros((n_rows, X.shape[1]), X.dtype)
    block[: len(X)] = X
    return block
