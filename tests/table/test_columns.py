"""Tables from whatever they are in: names, kinds, and what is refused."""

from __future__ import annotations

import datetime
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

from memograd.errors import DataError, UnknownName
from memograd.table.columns import Column, Table, as_table

MIXED = {"n": [1.5, None, 3.0], "b": [True, False, None], "c": ["x", None, "y"]}
DATES = [datetime.datetime(2020, 1, 1), None, datetime.datetime(1960, 5, 5, 12, 30, 0, 250000)]
SECONDS = [1577836800.0, np.nan, -304774199.75]


def as_lists(table: Table) -> list[tuple[str, str, list[Any]]]:
    """Return all that a table says; NaN as None."""
    return [
        (column.name, column.kind, [None if value != value else value for value in column.values.tolist()])
        for column in table.columns
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda: MIXED,
        lambda: {name: np.array(values, dtype=object) for name, values in MIXED.items()},
        lambda: pd.DataFrame(MIXED),
        lambda: pd.DataFrame(MIXED, dtype=object),
        lambda: pd.DataFrame(MIXED).convert_dtypes(),
        lambda: pd.DataFrame(MIXED).convert_dtypes(dtype_backend="pyarrow"),
        lambda: pd.DataFrame(MIXED).astype({"c": "category"}),
        lambda: pl.DataFrame(MIXED),
        lambda: pl.DataFrame(MIXED, schema={"n": pl.Float32, "b": pl.Boolean, "c": pl.Categorical}),
        lambda: pl.DataFrame(MIXED, schema={"n": pl.Decimal(5, 2), "b": pl.Boolean, "c": pl.Enum(["y", "x", "z"])}),
    ],
)
def test_same_table_from_every_container(make: Callable[[], Any]) -> None:
    """The same values are the same table, whatever holds them."""
    expected = [
        ("n", "number", [1.5, None, 3.0]),
        ("b", "boolean", [1.0, 0.0, None]),
        ("c", "category", ["x", None, "y"]),
    ]
    assert as_lists(as_table(make())) == expected
    assert as_table(make()).has_names


def test_rows_are_read_like_columns() -> None:
    """A list of rows and an array of objects are read column by column; their names are the place."""
    rows = [list(row) for row in zip(*MIXED.values(), strict=True)]
    for X in (rows, tuple(map(tuple, rows)), np.array(rows, dtype=object)):
        table = as_table(X)
        assert table.names == ("x0", "x1", "x2")
        assert [column.kind for column in table.columns] == ["number", "boolean", "category"]
        assert not table.has_names


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"d": DATES},
        lambda: {"d": np.array(DATES, dtype="datetime64[us]")},
        lambda: {"d": np.array(DATES, dtype="datetime64[ns]")},
        lambda: {"d": np.array(DATES, dtype="datetime64[us]").astype(object)},
        lambda: pd.DataFrame({"d": DATES}),
        lambda: pd.DataFrame({"d": DATES}, dtype=object),
        lambda: pd.DataFrame({"d": pd.Series(DATES).astype("datetime64[ms]")}),
        lambda: pd.DataFrame({"d": pd.Series(DATES).dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")}),
        lambda: pl.DataFrame({"d": DATES}),
        lambda: pl.DataFrame({"d": DATES}, schema={"d": pl.Datetime("ns")}),
        lambda: pl.DataFrame({"d": pl.Series(DATES).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")}),
        lambda: {"d": [value and value.replace(tzinfo=datetime.UTC) for value in DATES]},
    ],
)
def test_dates(make: Callable[[], Any]) -> None:
    """A date is the same number of seconds since 1970 in UTC, whatever its container, unit or time zone."""
    (column,) = as_table(make()).columns
    assert column.kind == "date"
    np.testing.assert_array_equal(column.values, SECONDS)


@pytest.mark.parametrize(
    "X",
    [np.array([[1, 0], [0, 2]], dtype=dtype) for dtype in ("f2", "f4", "f8", "g", "i1", "u1", "i4", "u8", ">f4", ">i8")]
    + [
        np.asfortranarray([[1.0, 0.0], [0.0, 2.0]]),
        np.array([[1, 9, 0], [9, 9, 9], [0, 9, 2]])[::2, ::2],
        scipy.sparse.csr_array([[1, 0], [0, 2]]),
        scipy.sparse.coo_matrix([[1.0, 0.0], [0.0, 2.0]]),
        [[1, 0], [0, 2]],
        [np.array([1, 0]), np.array([0, 2])],
        [np.array([1, 0]), np.array([0.0, 2.0])],
        pd.DataFrame({"x0": [1, 0], "x1": [0, 2]}),
        pd.DataFrame({"x0": pd.arrays.SparseArray([1, 0]), "x1": pd.arrays.SparseArray([0.0, 2.0])}),
        np.array([[1, 0], [0, 2]], dtype="m8[s]"),
    ],
)
def test_numbers(X: Any) -> None:
    """Numbers of every width, order and layout are the same columns of float64."""
    table = as_table(X)
    assert as_lists(table) == [("x0", "number", [1.0, 0.0]), ("x1", "number", [0.0, 2.0])]
    assert all(column.values.dtype == np.float64 for column in table.columns)


def test_large_integers() -> None:
    """Integers beyond 2⁵³ are rounded to the nearest float64; as categories they stay apart."""
    X = np.array([[2**53 + 1], [2**53], [-(2**62) - 1]])
    np.testing.assert_array_equal(as_table(X).columns[0].values, [2.0**53, 2.0**53, -(2.0**62)])
    for values in (X, pd.DataFrame(X), X.tolist(), pl.DataFrame(X), pd.DataFrame(X, dtype="Int64")):
        categories = as_table(values, categorical=[0]).columns[0].categories
        assert categories is not None
        assert set(categories) == {2**53 + 1, 2**53, -(2**62) - 1}
    assert as_table([[2**70], [None]]).columns[0].values[0] == 2.0**70


def test_masked() -> None:
    """What a mask hides is missing, whatever stands behind it."""
    mask = [[0, 1], [1, 0]]
    for data in ([[1.0, np.inf], [9.0, 4.0]], [[1, 9], [9, 4]]):
        table = as_table(np.ma.masked_array(data, mask))
        assert as_lists(table) == [("x0", "number", [1.0, None]), ("x1", "number", [None, 4.0])]
    table = as_table(np.ma.masked_array([["a", "b"], ["c", "d"]], mask))
    assert as_lists(table) == [("x0", "category", ["a", None]), ("x1", "category", [None, "d"])]
    table = as_table(np.ma.masked_array(np.array([["2020-01-01"]], dtype="M8[D]"), [[1]]))
    assert as_lists(table) == [("x0", "date", [None])]


def test_columns_without_a_value() -> None:
    """A column of nothing but gaps is a column, of numbers if its container does not say what."""
    for gap in (None, np.nan, pd.NA, pd.NaT):
        assert as_table(pd.DataFrame({"a": pd.Series([gap, gap], dtype=object)})).columns[0].kind == "number"
    assert as_lists(as_table(pl.DataFrame({"a": [None, None]}))) == [("a", "number", [None, None])]
    assert as_lists(as_table(pd.DataFrame({"a": pd.Series([None], dtype="str")}))) == [("a", "category", [None])]


def test_categorical() -> None:
    """Numbers and truth values can be read as categories, by name or index; a gap changes no integer."""
    for gap in (False, True):
        frame = pd.DataFrame({"zip": [94110, None if gap else 1, 10115], "b": [True, False, True]})
        table = as_table(frame, categorical=["zip", 1])
        assert table.column("zip").values.tolist() == [94110, None if gap else 1, 10115]
        assert table.column("b").values.tolist() == [True, False, True]
    table = as_table({"m": [1, "1", True, 1.0]}, categorical=["m"])
    assert table.column("m").data.tolist() == [0, 1, 2, 0]


def test_categorical_frames() -> None:
    """Categorical dtypes keep the type of their categories; what is no scalar stands for what it is called."""
    frame = pd.DataFrame(
        {
            "i": pd.Categorical([3, None, 1]),
            "I": pd.Categorical(pd.Series([3, None, 1], dtype="Int64")),
            "b": pd.Categorical([True, None, False]),
            "s": pd.Categorical(["lo", None, "hi"], categories=["lo", "mid", "hi"], ordered=True),
            "cut": pd.cut([1.0, np.nan, 5.0], [0, 2, 6]),
        }
    )
    found = {name: values for name, _, values in as_lists(as_table(frame))}
    assert found == {
        "i": [3, None, 1],
        "I": [3, None, 1],
        "b": [True, None, False],
        "s": ["lo", None, "hi"],
        "cut": ["(0, 2]", None, "(2, 6]"],
    }


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros(3), r"\(3,\).*Reshape your data"),
        (np.zeros((1, 1, 1)), "Reshape your data"),
        (np.array(1.0), "Reshape your data"),
        (np.zeros((3, 0)), r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required"),
        (pd.Series([1.0]), "Reshape your data"),
        (pl.Series([1.0]), "Reshape your data"),
        (scipy.sparse.coo_array([1.0]), "Reshape your data"),
        ([1, 2], "Reshape your data"),
        (["ab", "cd"], "Reshape your data"),
        ([], "nothing"),
        ([[1, 2], [3]], "row 2 has 1 values, and row 1 has 2"),
        ([{"a": 1}], "list of dicts"),
        ([[[1], [2]]], "Reshape your data"),
        ({"a": [1], "b": [1, 2]}, "column 'b' has 2 rows, and the table has 1"),
        ({"a": 1}, "column 'a' is 1"),
        ({"a": "xy"}, "column 'a' is 'xy'"),
        ({"a": np.zeros((2, 2))}, r"column 'a' has shape \(2, 2\)"),
        ({}, "0 feature"),
        (None, "NoneType"),
        ("abc", "must be an array"),
        (iter([[1]]), "must be an array"),
        (pl.LazyFrame({"a": [1]}), r"X.collect\(\)"),
        (pl.DataFrame({"a": [1]}).to_arrow(), r"X.to_pandas\(\)"),
        (np.zeros(2, dtype=[("a", "f8"), ("b", "f8")]), "'a', 'b'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column is named 'a'"),
        (pd.DataFrame([[1, 2]], columns=["a", 1]), "1 is none, but 'a' is"),
        (np.array([[1j]]), "Complex data not supported: column 'x0'"),
        (scipy.sparse.csr_array([[1j]]), "Complex data not supported"),
        (pd.DataFrame({"a": [1j]}), "Complex data not supported: column 'a'"),
        ([[1j]], "Complex data not supported: column 'x0'"),
        ([[1j, "a"]], "Complex data not supported: column 'x0', row 1 of 1"),
        (np.array([[b"a"]]), "column 'x0' holds bytes"),
        (np.zeros((2, 1), dtype="V3"), "column 'x0'"),
        (np.array([[10**14]]).astype("M8[Y]"), "column 'x0', row 1 of 1: the date is too far"),
        (np.array([[0.0, 1.0], [0.0, -np.inf]]), "column 'x1', row 2 of 2: the value is infinite"),
        (np.array([["1e400"]], dtype=np.longdouble), "column 'x0', row 1 of 1: the value is infinite"),
        ([[10**400]], "column 'x0', row 1 of 1: the value is infinite"),
        (scipy.sparse.csr_array([[0.0, np.inf]]), "column 'x1', row 1 of 1: the value is infinite"),
        (pd.DataFrame({"a": [1.0, np.inf]}), "column 'a', row 2 of 2: the value is infinite"),
        (pd.DataFrame({"a": [1.0, np.inf]}, dtype="Float64"), "column 'a', row 2 of 2: the value is infinite"),
        (pl.DataFrame({"a": [1.0, -np.inf]}), "column 'a', row 2 of 2: the value is infinite"),
        ({"a": [1.0, float("inf"), "x"]}, "column 'a' mixes numbers"),
        ({"a": [None, 1, "x"]}, r"column 'a' mixes numbers \(1 in row 2\) with text \('x' in row 3\)"),
        ({"a": [1, True]}, "column 'a' mixes numbers .1 in row 1. with truth values .True in row 2."),
        ({"a": [datetime.date(2020, 1, 1), 3]}, "column 'a' mixes dates"),
        ({"a": ["x", [1]]}, r"column 'a', row 2 of 2: \[1\] is of the type list"),
        (pl.DataFrame({"a": [[1]]}), r"column 'a' is List\(Int64\)"),
        (pl.DataFrame({"a": [{"b": 1}]}), "column 'a' is Struct"),
        (pl.DataFrame({"a": [b"x"]}), "column 'a' is Binary"),
        (pl.DataFrame({"a": [object()]}, schema={"a": pl.Object}), "column 'a' is Object"),
        (pd.DataFrame({"a": pd.interval_range(0, 1)}), "column 'a', row 1 of 1"),
    ],
)
def test_refusals(X: Any, message: str) -> None:
    """What is no table, or holds what cannot be learned from, is refused; the message says where."""
    with pytest.raises(DataError, match=message):
        as_table(X)


@pytest.mark.parametrize(
    ("categorical", "message"),
    [
        (["hight"], "'hight'.*did you mean 'height'"),
        ([2], "0 to 1"),
        ([-1], "0 to 1"),
        ([True], "True"),
        ("height", "must be 'auto', None, or a list"),
    ],
)
def test_categories_that_are_not_there(categorical: Any, message: str) -> None:
    """A column that is to be a category and is not there is an error that says what is."""
    with pytest.raises(UnknownName, match=message):
        as_table({"height": [1], "width": [2]}, categorical=categorical)


def test_text_can_be_refused() -> None:
    """With `categorical=None`, text is an error that names the column."""
    with pytest.raises(DataError, match="column 'b' holds categories, such as 'x'"):
        as_table({"a": [1], "b": ["x"]}, categorical=None)
    assert as_table({"a": [1], "b": [True]}, categorical=None).n_rows == 1


@pytest.mark.parametrize("values", [[datetime.date(2020, 1, 1)], [datetime.timedelta(1)]])
def test_dates_are_no_categories(values: list[Any]) -> None:
    """A date or duration that is to be a category is refused by name, in every container."""
    for X in ({"when": values}, pd.DataFrame({"when": pd.to_datetime(["2020-01-01"])}), pl.DataFrame({"when": values})):
        with pytest.raises(DataError, match=r"column 'when'.*cannot be (a )?categor"):
            as_table(X, categorical=["when"])


def test_names() -> None:
    """Names given replace those that are there; too few, or what is no text, is an error."""
    table = as_table(pd.DataFrame({"a": [1], "b": [2]}), names=["c", "d"])
    assert table.names == ("c", "d")
    assert as_table(np.zeros((1, 2)), names=["c", "d"]).has_names
    assert as_table(pd.DataFrame([[1, 2]])).names == ("0", "1")
    for names in (["c"], "ab", [1, 2]):
        with pytest.raises(DataError, match="name"):
            as_table(np.zeros((1, 2)), names=names)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="more than one column is named 'c'"):
        as_table(np.zeros((1, 2)), names=["c", "c"])


def test_take() -> None:
    """Rows are taken by index, in any order and repeatedly, or by a mask; a wrong one is an error."""
    table = as_table(MIXED)
    assert as_lists(table.take([2, 0, 2]))[0] == ("n", "number", [3.0, 1.5, 3.0])
    assert as_lists(table.take(np.array([True, False, True])))[2] == ("c", "category", ["x", "y"])
    assert table.take([]).n_rows == 0
    assert table.take(np.array([False] * 3)).n_rows == 0
    for rows in ([3], [True], [0.5]):
        with pytest.raises((IndexError, TypeError)):
            table.take(rows)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="did you mean 'n'"):
        table.column("N")


def test_a_table_is_a_table() -> None:
    """A table is read as itself, and one of columns that do not fit cannot be made."""
    table = as_table(MIXED)
    assert as_table(table) is table
    with pytest.raises(DataError, match="column 'a' has 1 row, and the table has 2"):
        Table((Column("a", "number", np.zeros(1)),), 2)


def test_nothing_is_imported_for_it() -> None:
    """Reading an array or a list loads no package of frames, and no SciPy."""
    code = (
        "import sys, numpy; from memograd.table.columns import as_table; from memograd.table.encoder import Encoder;"
        "from memograd.table.target import ClassTarget; Encoder.fit(as_table([[1, 'a']])); as_table(numpy.eye(2));"
        "print(sorted({'pandas', 'polars', 'scipy', 'pyarrow'} & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_categories_of_numbers_name_the_row() -> None:
    """What is infinite is told with its row, also where numbers are declared categories."""
    with pytest.raises(DataError, match="row 5 of 5"):
        as_table(np.array([[1.0], [2.0], [1.0], [1.0], [np.inf]]), categorical=[0])


def test_masked_integers_stay_exact_as_categories() -> None:
    """Neighbours beyond 2**53 are different, masked or not."""
    values = np.ma.MaskedArray([2**60, 2**60 + 1, 0], [False, False, True])
    (column,) = as_table({"a": values}, categorical=["a"]).columns
    assert column.values.tolist() == [2**60, 2**60 + 1, None]
