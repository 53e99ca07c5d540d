"""Labels, any number a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

from memograd.errors import DataError
from memograd.table.target import LabelTarget

Y = np.array([[1, 0, 0], [0, 0, 0], [1, 0, 1]])


@pytest.mark.parametrize(
    "y",
    [
        Y,
        Y.astype(bool),
        Y.astype(np.float32),
        Y.tolist(),
        scipy.sparse.csr_matrix(Y),
        scipy.sparse.coo_array(Y.astype(bool)),
        pd.DataFrame(Y, columns=["a", "b", "c"]),
        pl.DataFrame(Y.astype(bool), schema=["a", "b", "c"]),
    ],
)
def test_containers(y: Any) -> None:
    """Every container gives the same indicator, and decoding gives it back in integers."""
    target = LabelTarget.fit(y)
    assert target.n_outputs == 3
    encoded = target.encode(y)
    assert encoded.dtype == np.float32
    np.testing.assert_array_equal(encoded, Y)
    found = target.decode(encoded > 0.5)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, Y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[0, 1], [2, 1]], "column 'y0', row 2 of 2: 2 is neither 0 nor 1"),
        ([[0, 1], [0.5, 1]], "row 2 of 2: 0.5"),
        ([[0, None]], "column 'y1', row 1 of 1: .*missing"),
        ([0, 1], "one dimension"),
        ([["a", "b"]], "holds category values"),
        (np.zeros((0, 2)), "0 rows"),
        (None, "y is None"),
    ],
)
def test_bad_labels(y: Any, message: str) -> None:
    """What is no indicator is refused; the message names column and row."""
    with pytest.raises(DataError, match=message):
        LabelTarget.fit(y)


def test_another_number() -> None:
    """More or fewer labels than in the training are refused."""
    with pytest.raises(DataError, match="has 2 labels, and had 3"):
        LabelTarget.fit(Y).encode(Y[:, :2])
