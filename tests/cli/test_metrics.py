"""Metrics are those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from memograd.cli.metrics import confusion, of_classes, of_numbers


@given(st.integers(0, 1000), st.integers(2, 5), st.integers(1, 40))
def test_classes(seed: int, n_classes: int, n_rows: int) -> None:
    """Accuracy, balanced accuracy, log loss and confusion are scikit-learn's, also where a class does not occur."""
    generator = np.random.default_rng(seed)
    values = generator.integers(n_classes, size=n_rows)
    probabilities = generator.dirichlet(np.ones(n_classes), n_rows)
    predicted = probabilities.argmax(axis=1)
    found = of_classes(values, probabilities)
    every = np.arange(n_classes)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(values, predicted))
    recalls = metrics.recall_score(values, predicted, labels=np.unique(values), average="macro", zero_division=0)
    assert found["balanced_accuracy"] == pytest.approx(recalls)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(values, probabilities, labels=every))
    np.testing.assert_array_equal(
        confusion(values, predicted, n_classes), metrics.confusion_matrix(values, predicted, labels=every)
    )


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=30))
def test_numbers(pairs: list[tuple[float, float]]) -> None:
    """R², the root of the mean squared error and the mean absolute error are scikit-learn's."""
    y, predicted = np.array(pairs).T
    found = of_numbers(y, predicted)
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(y, predicted))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(y, predicted))
    if np.ptp(y) > 1e-3:
        assert found["r2"] == pytest.approx(metrics.r2_score(y, predicted), rel=1e-6, abs=1e-6)


def test_certain_mistakes() -> None:
    """A probability of nothing for what was is a large loss, and not an infinite one."""
    assert 36 < of_classes(np.array([0]), np.array([[0.0, 1.0]]))["log_loss"] < 37
