"""Which rows are held out: a share of each class, the same ones for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memograd.errors import DataError
from memograd.train.split import ORDER_STREAM, SPLIT_STREAM, generator, holdout

LABELS = st.lists(st.integers(0, 5), min_size=2, max_size=120).map(np.array)
FRACTIONS = st.floats(0.05, 0.95)


@given(st.integers(2, 300), FRACTIONS, st.integers(0, 2**64 - 1))
def test_plain(n_rows: int, fraction: float, seed: int) -> None:
    """Every row is on one side and both are in order; the share held out is the one asked for, rounded."""
    assume(0 < round(fraction * n_rows) < n_rows)
    train, held = holdout(n_rows, fraction, seed)
    assert sorted([*train, *held]) == list(range(n_rows))
    assert (np.diff(train) > 0).all()
    assert (np.diff(held) > 0).all()
    assert len(held) == round(fraction * n_rows)


@given(LABELS, FRACTIONS, st.integers(0, 99))
def test_stratified(labels: np.ndarray, fraction: float, seed: int) -> None:
    """Of each class its share is held out, to a row, but one row of it is left to train on."""
    counts = np.bincount(labels)
    spare = np.maximum(counts - 1, 0)
    assume(np.minimum(np.floor(fraction * counts), spare).sum() > 0)
    train, held = holdout(len(labels), fraction, seed, labels)
    found = np.bincount(labels[held], minlength=len(counts))
    assert sorted([*train, *held]) == list(range(len(labels)))
    assert (np.abs(found - np.minimum(fraction * counts, spare)) <= 1).all()
    assert (np.bincount(labels[train], minlength=len(counts))[counts > 0] >= 1).all()


def test_the_total_is_right_beside_rare_classes() -> None:
    """Classes of one row, which can hold none out, leave their claims to classes that can."""
    labels = np.array([0] * 12 + [1, 2, 3, 4, 5, 6, 7, 8])
    _, held = holdout(20, 0.2, 0, labels)
    assert (labels[held] == 0).all()
    assert len(held) == 3  # 2.4, and at most one more for its remainder


def test_seeds() -> None:
    """The same seed holds out the same rows, another one others, with labels and without."""
    for labels in (None, np.arange(100) % 3):
        first, again, other = (holdout(100, 0.2, seed, labels)[1].tolist() for seed in (7, 7, 8))
        assert first == again != other


def test_streams_differ() -> None:
    """Splitting and each epoch's order draw from streams of their own."""
    streams = [(SPLIT_STREAM, 0), (ORDER_STREAM, 0), (ORDER_STREAM, 1)]
    draws = {tuple(generator(3, stream, epoch).permutation(50)) for stream, epoch in streams}
    assert len(draws) == 3


@pytest.mark.parametrize(
    ("n_rows", "fraction", "labels"),
    [
        (10, 0.0, None),
        (10, 1.0, None),
        (10, float("nan"), None),
        (10, 0.01, None),
        (1, 0.5, None),
        (3, 0.5, np.arange(3)),
    ],
)
def test_nothing_left(n_rows: int, fraction: float, labels: np.ndarray | None) -> None:
    """A share that would leave one side without rows is refused."""
    with pytest.raises(DataError, match=r"hold out|held out"):
        holdout(n_rows, fraction, 0, labels)
