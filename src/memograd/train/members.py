"""Which rows each member of an ensemble is trained on, and which it is judged by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from memograd.errors import DataError
from memograd.train.bagging import Member
from memograd.train.split import SPLIT_STREAM, generator, holdout

RowNumbers = NDArray[np.intp]
Folds = Sequence[tuple[RowNumbers, RowNumbers]]


def held_out(
    n_rows: int, fraction: float, *, seed: int, n_members: int = 1, labels: NDArray[np.int64] | None = None
) -> tuple[Member, ...]:
    """Members that hold out a share of the rows each.

    One member holds out rows that are drawn. Several take the folds of a cross-validation in turn, so that rows are
    held out equally often; when all folds are taken, the next cross-validation is drawn.

    Parameters
    ----------
    n_rows : int
    fraction : float
        In [0, 1). If it comes to no row, none is held out.
    seed : int
        Of the first member; the others have those after it.
    n_members : int
    labels : (n_rows,) int64, optional
        To hold out the same share of each class.

    Examples
    --------
    >>> members = held_out(10, 0.2, seed=0, n_members=5)
    >>> sorted(int(row) for member in members for row in member.validation) == list(range(10))
    True
    >>> held_out(2, 0.2, seed=0)[0].validation is None
    True
    """
    everything = np.arange(n_rows, dtype=np.intp)
    if not _can_hold_out(n_rows, fraction, labels):
        return tuple(Member(everything, None, seed + i) for i in range(n_members))
    if n_members == 1:
        return (Member(*holdout(n_rows, fraction, seed, labels), seed),)
    folds = _repeated_folds(n_rows, round(1 / fraction), seed, labels)
    return tuple(Member(*rows, seed + i) for i, rows in enumerate(islice(folds, n_members)))


def of_folds(folds: Folds, n_rows: int, *, seed: int, n_members: int) -> tuple[Member, ...]:
    """Members that take given folds in turn.

    Parameters
    ----------
    folds : sequence of (rows to train on, rows to judge by)
    n_rows, seed, n_members : int

    Raises
    ------
    DataError
        When there are no folds, or one has no rows on a side, or rows that there are not.
    """
    if not folds:
        raise DataError("a splitter gave no folds; let it split at least once")
    checked = [(_checked(train, n_rows), _checked(validation, n_rows)) for train, validation in folds]
    return tuple(Member(*checked[i % len(checked)], seed + i) for i in range(n_members))


def renumbered(folds: Folds, kept: RowNumbers, n_rows: int) -> Folds:
    """Folds of a table as those of the rows of it that are kept.

    Examples
    --------
    >>> renumbered([(np.array([0, 1, 3]), np.array([2]))], kept=np.array([1, 2, 3]), n_rows=4)
    [(array([0, 2]), array([1]))]
    """
    place = np.full(n_rows, -1, np.intp)
    place[kept] = np.arange(len(kept))
    moved = [tuple(place[_checked(rows, n_rows)] for rows in fold) for fold in folds]
    return [(train[train >= 0], validation[validation >= 0]) for train, validation in moved]


def _can_hold_out(n_rows: int, fraction: float, labels: NDArray[np.int64] | None) -> bool:
    """Whether a share of the rows is a row at least, and a class has one to spare."""
    return 0 < round(fraction * n_rows) < n_rows and (labels is None or bool(np.bincount(labels).max() > 1))


def _repeated_folds(
    n_rows: int, n_folds: int, seed: int, labels: NDArray[np.int64] | None
) -> Iterator[tuple[RowNumbers, RowNumbers]]:
    """The folds of one cross-validation after the other, rows in ascending order."""
    n_folds = min(max(n_folds, 2), n_rows)
    round_number = 0
    while True:
        order = generator(seed, SPLIT_STREAM, round_number).permutation(n_rows)
        if labels is not None:
            order = order[np.argsort(labels[order], kind="stable")]
        fold = np.empty(n_rows, np.intp)
        fold[order] = np.arange(n_rows) % n_folds  # neighbours, which are of one class, go to different folds
        for number in range(n_folds):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        round_number += 1


def _checked(rows: RowNumbers, n_rows: int) -> RowNumbers:
    rows = np.asarray(rows)
    if not rows.size or rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise DataError(f"a fold's rows are {rows!r}; they must be one or more row numbers")
    outside = rows[(rows < 0) | (rows >= n_rows)]
    if outside.size:
        raise DataError(f"a fold names row {outside[0]} of {n_rows} rows, which are counted from 0")
    return rows.astype(np.intp)
