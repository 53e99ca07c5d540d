"""Classes of any scalar type."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import DataError
from memograd.table.target import ClassTarget


@pytest.mark.parametrize(
    "y",
    [
        np.array(["b", "a", "b"]),
        np.array(["b", "a", "b"], dtype=object),
        np.array([3, 1, 3]),
        np.array([3, -1, 3], dtype=np.int8),
        np.array([3, 1, 3], dtype=np.uint64),
        np.array([2.0, 1.0, 2.0]),
        np.array([2.0, 1.0, 2.0], dtype=np.float32),
        np.array([True, False, True]),
        np.array([2**53, 2**53 + 1, 2**53]),
        np.array([2, 1, 2], dtype=object),
        np.array([[3], [1], [3]]),
    ],
    ids=lambda y: f"{y.dtype}{y.shape}",
)
def test_arrays(y: Any) -> None:
    """Classes are those of np.unique, and come back in the dtype that they had."""
    target = ClassTarget.fit(y)
    labels, indices = np.unique(y, return_inverse=True)
    assert target.classes == tuple(labels.tolist())
    np.testing.assert_array_equal(target.encode(y), indices.ravel())
    assert target.encode(y).dtype == np.int64
    found = target.decode(target.encode(y))
    assert found.dtype == y.dtype
    np.testing.assert_array_equal(found, y.ravel())


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        (["b", "a"], "<U1"),
        ([2, 1], "int64"),
        ([2.0, 1.0], "float64"),
        ([True, False], "bool"),
        ([1, "a"], "object"),
        ([2**70, 1], "object"),
        (pd.Series(["b", "a"]), "object"),
        (pd.Series(["b", "a"], dtype=object), "object"),
        (pd.Series(["b", "a"], dtype="category"), "object"),
        (pd.Series([2, 1], dtype="category"), "int64"),
        (pd.Series([2, 1], dtype="Int64"), "int64"),
        (pd.Series([True, False], dtype="boolean"), "bool"),
        (pd.Series([2.0, 1.0], dtype="float32"), "float32"),
        (pd.DataFrame({"y": [2, 1]}), "int64"),
        (pl.Series([2, 1], dtype=pl.Int8), "int8"),
        (pl.Series(["b", "a"]), "object"),
        (pl.Series(["b", "a"], dtype=pl.Categorical), "object"),
        (pl.Series([True, False]), "bool"),
        (pl.DataFrame({"y": ["b", "a"]}), "object"),
    ],
)
def test_containers(y: Any, dtype: str) -> None:
    """Classes from lists, series and frames have the dtype that they have as an array."""
    target = ClassTarget.fit(y)
    assert target.encode(y).tolist() in ([1, 0], [0, 1])
    assert target.labels.dtype == dtype
    assert target.labels.tolist() == list(target.classes)


@given(st.lists(st.sampled_from([0, 1, "0", "1", True, False, "", "é"]), min_size=2))
def test_types_are_kept(y: list[Any]) -> None:
    """1, "1" and True are three classes."""
    if len({(type(value), value) for value in y}) < 2:
        with pytest.raises(DataError, match="class"):
            ClassTarget.fit(y)
        return
    target = ClassTarget.fit(y)
    found = target.decode(target.encode(y)).tolist()
    assert [(type(value), value) for value in found] == [(type(value), value) for value in y]


@pytest.mark.parametrize(
    ("seen", "new", "indices"),
    [
        (["a", "b"], pd.Series(["b", "a"], dtype="category"), [1, 0]),
        ([1, 2], [2.0, 1.0], [1, 0]),
        ([1.0, 2.0], np.array([2], dtype=np.int8), [1]),
        ([False, True], [1, 0], [1, 0]),
        ([0, 1], [True, False], [1, 0]),
    ],
)
def test_other_types(seen: Any, new: Any, indices: list[int]) -> None:
    """Equal numbers and truth values are the same class, whatever their types."""
    assert ClassTarget.fit(seen).encode(new).tolist() == indices


@pytest.mark.parametrize(
    ("seen", "new", "message"),
    [
        (["a", "b"], ["a", "c"], "column 'y', row 2 of 2: the class 'c' was not there.*'a', 'b'"),
        ([1, 2], [1, 2, 3], "row 3 of 3: the class 3"),
        ([1, 2], ["1"], "row 1 of 1: the class '1'"),
        (["1", "2"], [1], "row 1 of 1: the class 1"),
        (["a", "b"], ["a", None], "row 2 of 2: the class is missing"),
    ],
)
def test_unseen(seen: Any, new: Any, message: str) -> None:
    """A class that was not there is an error that names it and its row."""
    with pytest.raises(DataError, match=message):
        ClassTarget.fit(seen).encode(new)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a", "a"], "only one class, 'a'"),
        ([], "no class"),
        ([1, None], "row 2 of 2: the class is missing"),
        ([1.0, np.nan, 2.0], "row 2 of 3: the class is missing"),
        (pd.Series(["a", None, "b"]), "row 2 of 3: the class is missing"),
        ([1.0, 2.0, 2.5], r"Unknown label type: continuous.*row 3 of 3: 2.5"),
        (np.array([1.0, np.inf]), "row 2 of 2: inf.*infinite"),
        (np.zeros((3, 2)), "'y' has 2 columns, and must have one"),
        (None, "y is None"),
        (np.array([1j, 2]), "Complex data not supported"),
        ([datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)], "dates"),
        ([[1], [1, 2]], "row 2"),
        (["a", [1]], r"row 2 of 2: \[1\]"),
        (3, "shape"),
    ],
)
def test_bad_classes(y: Any, message: str) -> None:
    """What is no class, or not two of them, is refused; the message names the row."""
    with pytest.raises(DataError, match=message):
        ClassTarget.fit(y)
