"""Targets: what each loss takes for one, and what it says of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memograd.errors import DataError
from memograd.nn.classification import BinaryCrossEntropy, CrossEntropy
from memograd.nn.loss import Loss
from memograd.nn.losses import FunctionLoss
from memograd.nn.regression import Poisson, SquaredError

FLOAT32 = np.dtype(np.float32)

GOOD_TARGETS: list[tuple[Loss, Any, int, Any]] = [
    (SquaredError(), [1, 2], 1, np.array([[1.0], [2.0]], np.float32)),
    (SquaredError(), [[1, 2]], 2, np.array([[1.0, 2.0]], np.float32)),
    (SquaredError(), [True], 1, np.array([[1.0]], np.float32)),
    (Poisson(), [0, 2.5], 1, np.array([[0.0], [2.5]], np.float32)),
    (CrossEntropy(), [2.0, 0.0], 3, np.array([2, 0])),
    (CrossEntropy(), [[2], [0]], 3, np.array([2, 0])),
    (BinaryCrossEntropy(), [True, False], 1, np.array([1, 0])),
    (FunctionLoss(SquaredError().per_sample), np.array([3, 4]), 1, np.array([3, 4])),
    (FunctionLoss(SquaredError().per_sample), [0.5], 1, np.array([0.5], np.float32)),
]


@pytest.mark.parametrize(("loss", "y", "n_outputs", "expected"), GOOD_TARGETS)
def test_targets(loss: Loss, y: Any, n_outputs: int, expected: Any) -> None:
    """A target becomes a table of the parameters' dtype, or int64 class indices."""
    found = loss.target_array(y, n_outputs, FLOAT32)
    np.testing.assert_array_equal(found, expected, strict=True)


BAD_TARGETS: list[tuple[Loss, Any, int, str]] = [
    (SquaredError(), [1.0, np.nan], 1,
     r"in row 1 column 0 is nan; it must be finite in float32 \(1 of 2 values are not\)"),
    (SquaredError(), [1e300, 1.0], 1, r"in row 0 column 0 is 1e\+300; it must be finite in float32"),
    (SquaredError(), [1.0, 2.0], 2, r"has shape \(2,\), and the network 2 outputs: .* shape \(n_samples, 2\)$"),
    (SquaredError(), [[1.0, 2.0]], 1, r"it must have shape \(n_samples, 1\) or \(n_samples,\)"),
    (SquaredError(), ["a"], 1, "must be numbers, not <U1; encode labels as 0, 1, 2"),
    (SquaredError(), [None], 1, "must be numbers, not object"),
    (Poisson(), [0.0, -1.0], 1, "row 1 column 0 is -1.0; it must be finite in float32 and at least 0"),
    (Poisson(), [[0.0], [np.inf]], 1, "row 1 column 0 is inf"),
    (CrossEntropy(), [0, 3], 3, "in row 1 is 3; it must be a class index, an integer from 0 to 2"),
    (CrossEntropy(), [-1, 0], 3, "in row 0 is -1"),
    (CrossEntropy(), [0.5], 3, "in row 0 is 0.5"),
    (CrossEntropy(), [np.nan], 3, "in row 0 is nan"),
    (CrossEntropy(), [[0, 1]], 3, r"has shape \(1, 2\); classes must have shape \(n_samples,\)"),
    (BinaryCrossEntropy(), [0, 1, 2], 1, "in row 2 is 2; it must be a class index, an integer from 0 to 1"),
    (FunctionLoss(SquaredError().per_sample), [[np.nan]], 1, "row 0 column 0 is nan"),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "y", "n_outputs", "text"), BAD_TARGETS)
def test_bad_targets_are_shown_with_their_place(loss: Loss, y: Any, n_outputs: int, text: str) -> None:
    """The message has the row and column of the first bad value, the value, and what is allowed."""
    with pytest.raises(DataError, match=text):
        loss.target_array(y, n_outputs, FLOAT32)


def test_a_target_that_will_do_is_not_copied() -> None:
    """A float32 table and int64 classes come back as the array they are, or a view of it."""
    table, classes = np.zeros((4, 2), np.float32), np.zeros(4, np.int64)
    assert SquaredError().target_array(table, 2, FLOAT32) is table
    assert np.shares_memory(CrossEntropy().target_array(classes, 2, FLOAT32), classes)


def test_an_empty_target_is_no_error() -> None:
    """No rows are no bad rows."""
    assert SquaredError().target_array(np.zeros((0, 1)), 1, FLOAT32).shape == (0, 1)
    assert CrossEntropy().target_array(np.zeros(0), 2, FLOAT32).shape == (0,)
