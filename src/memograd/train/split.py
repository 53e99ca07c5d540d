"""Which rows are held out: drawn from a seed, and of every class its share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from memograd.errors import DataError

Rows = NDArray[np.intp]

# Numbers that keep the random streams of one seed apart.
SPLIT_STREAM, ORDER_STREAM = 1, 2


def generator(seed: int, stream: int, epoch: int = 0) -> np.random.Generator:
    """A generator that depends on these numbers alone, so that any epoch can be entered directly."""
    key = np.array([seed, 0], np.uint64)
    counter = np.array([0, 0, epoch, stream], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def holdout(n_rows: int, fraction: float, seed: int, labels: NDArray[np.int64] | None = None) -> tuple[Rows, Rows]:
    """Split rows into those to train on and those to validate on, both in ascending order.

    Parameters
    ----------
    n_rows : int
    fraction : float
        In (0, 1): the share that is held out, at least one row.
    seed : int
    labels : (n_rows,) int64, optional
        With labels the split is stratified: of each class the same share is held out, up to rounding, and at least
        one row of each stays to be trained on.

    Raises
    ------
    DataError
        When the fraction leaves one of the two sides empty.

    Examples
    --------
    >>> train, validation = holdout(10, 0.2, seed=0, labels=np.array([0, 1] * 5))
    >>> len(train), sorted(validation % 2)
    (8, [np.int64(0), np.int64(1)])
    """
    if not 0 < fraction < 1:
        raise DataError(f"the share of rows to hold out is {fraction}; it must lie between 0 and 1")
    order = generator(seed, SPLIT_STREAM).permutation(n_rows)
    held = order[: round(fraction * n_rows)] if labels is None else _stratified(order, fraction, labels)
    if not 0 < len(held) < n_rows:
        raise DataError(f"of {n_rows} rows {len(held)} would be held out; change the share, or add rows")
    train = np.ones(n_rows, bool)
    train[held] = False
    return np.flatnonzero(train), np.sort(held)


def _stratified(order: Rows, fraction: float, labels: NDArray[np.int64]) -> Rows:
    """The held-out rows; shares of a row are settled by largest remainder, so that the total is right too."""
    counts = np.bincount(labels)
    shares = counts * fraction
    wanted = np.floor(shares).astype(int)
    short = round(fraction * len(labels)) - int(wanted.sum())
    # Stable, so that equal remainders go to the first classes; those without a row to spare come last.
    remainders = np.where(wanted < counts - 1, shares - wanted, -1.0)
    wanted[np.argsort(-remainders, kind="stable")[: max(short, 0)]] += 1
    wanted = np.minimum(wanted, np.maximum(counts - 1, 0))
    mine = labels[order]
    return np.concatenate([order[mine == label][:count] for label, count in enumerate(wanted)])
