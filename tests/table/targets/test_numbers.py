"""Numbers to be predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import DataError
from memograd.table.target import NumberTarget

FINITE = st.floats(-1e300, 1e300)


@pytest.mark.parametrize(
    "y",
    [
        [1.0, 2.0, 4.0],
        (1, 2, 4),
        np.array([1, 2, 4], dtype=np.int8),
        np.array([1, 2, 4], dtype=object),
        pd.Series([1, 2, 4], dtype="Int64"),
        pl.Series([1, 2, 4]),
        np.array([1.0, 2.0, 4.0], dtype=np.float16),
    ],
)
def test_flat(y: Any) -> None:
    """One number a row gives one number a row, whatever holds them."""
    target = NumberTarget.fit(y)
    assert (target.n_outputs, target.mean.tolist()) == (1, [pytest.approx(7 / 3)])
    assert target.encode(y).shape == (3, 1)
    assert target.encode(y).dtype == np.float32
    np.testing.assert_allclose(target.decode(target.encode(y)), [1, 2, 4], rtol=1e-6)


@pytest.mark.parametrize(
    "y",
    [
        [[1.0, 0.0], [2.0, 5.0]],
        np.array([[1, 0], [2, 5]]),
        pd.DataFrame({"a": [1, 2], "b": [0.0, 5.0]}),
        pl.DataFrame({"a": [1, 2], "b": [0.0, 5.0]}),
        scipy.sparse.csr_array([[1.0, 0.0], [2.0, 5.0]]),
    ],
)
def test_several(y: Any) -> None:
    """Several numbers a row give several; a column is a column even if there is one."""
    target = NumberTarget.fit(y)
    np.testing.assert_allclose(target.decode(target.encode(y)), [[1, 0], [2, 5]], rtol=1e-6, atol=1e-6)
    assert (target.lowest.tolist(), target.highest.tolist()) == ([1, 0], [2, 5])
    one = NumberTarget.fit([[1.0], [2.0]])
    assert one.decode(np.zeros((2, 1))).shape == (2, 1)


@given(st.lists(FINITE, min_size=1, max_size=20))
def test_round_trip(y: list[float]) -> None:
    """Numbers come back to within float32's rounding of their spread, and clipped ones stay in their range."""
    target = NumberTarget.fit(y)
    found = target.decode(target.encode(y))
    spread = max(y) / 2 - min(y) / 2
    assert np.abs(found / 2 - np.array(y) / 2).max() <= 1e-5 * spread + 1e-12 * max(map(abs, y))
    clipped = target.decode(np.array([[-1e30], [0.0], [1e30]]), clip=True)
    assert (clipped >= min(y)).all()
    assert (clipped <= max(y)).all()


@pytest.mark.parametrize("value", [0.1, -3e300, 5e-324, 0.0, 1e9 + 0.1])
def test_constant(value: float) -> None:
    """A constant target is predicted exactly by a network that says 0, and by any if clipped."""
    target = NumberTarget.fit([value] * 7)
    assert target.encode([value]).tolist() == [[0.0]]
    assert target.decode(np.zeros((1, 1), dtype=np.float32)).tolist() == [value]
    assert target.decode(np.array([[3.0]]), clip=True).tolist() == [value]


def test_as_they_are() -> None:
    """Without standardizing, numbers stay what they are, for losses to which zero means something."""
    target = NumberTarget.fit([1.0, 2.0, 6.0], standardize=False)
    np.testing.assert_array_equal(target.encode([0.0, 6.0]), [[0.0], [6.0]])
    assert target.highest.tolist() == [6.0]


def test_order_of_rows() -> None:
    """The target is the same, bit for bit, in whatever order the rows stand."""
    y = np.random.default_rng(0).normal(size=1000)
    one, two = NumberTarget.fit(y), NumberTarget.fit(y[::-1])
    assert [array.tobytes() for array in one.arrays().values()] == [array.tobytes() for array in two.arrays().values()]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0, np.inf], "column 'y', row 2 of 2: the value is infinite"),
        ([1.0, np.nan], "column 'y', row 2 of 2: .*missing"),
        ([[1.0, 2.0], [1.0, None]], "column 'y1', row 2 of 2: .*missing"),
        (pd.DataFrame({"a": [1.0], "b": ["x"]}), "column 'b' holds category values, such as 'x'"),
        (["1", "2"], "column 'y' holds category values, such as '1'"),
        (["a", 2], "column 'y' mixes"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "column 'y' holds date values"),
        ([], "0 rows"),
        (None, "y is None"),
        (np.zeros((2, 2, 2)), "shape"),
        (np.zeros((2, 0)), "0 feature"),
        ([1j], "Complex data not supported"),
        ([10**400], "row 1 of 1: the value is infinite"),
    ],
)
def test_bad_numbers(y: Any, message: str) -> None:
    """What cannot be predicted as a number is refused; the message names its row."""
    with pytest.raises(DataError, match=message):
        NumberTarget.fit(y)


def test_others() -> None:
    """A number too far from those of the training, or another number of columns, is refused."""
    target = NumberTarget.fit([1.0, 2.0])
    with pytest.raises(DataError, match=r"column 'y', row 2 of 2: 1e\+300"):
        target.encode([1.0, 1e300])
    with pytest.raises(DataError, match="'y' has 2 columns, and had 1"):
        target.encode([[1.0, 2.0]])
