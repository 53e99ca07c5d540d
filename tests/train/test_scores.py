"""Scores against those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, r2_score

from memograd.train.scores import accuracy, r2

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 3))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2))
def test_r2(pairs: list[tuple[float, float]]) -> None:
    """R² is that of scikit-learn, a constant target included."""
    y, predicted = np.array(pairs).T
    assert r2(y, predicted) == pytest.approx(r2_score(y, predicted), rel=1e-6, abs=1e-9)  # sums in another order


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1))
def test_accuracy(pairs: list[tuple[int, int]]) -> None:
    """Accuracy is that of scikit-learn."""
    y, predicted = np.array(pairs).T
    assert accuracy(y, predicted) == accuracy_score(y, predicted)


def test_r2_of_float32() -> None:
    """Sums are taken in float64: a large offset does not drown what is between the rows."""
    y = np.float32(1e4) + np.arange(1000, dtype=np.float32)
    assert r2(y, y + np.float32(1)) == pytest.approx(1 - 12 / (1000**2 - 1))
