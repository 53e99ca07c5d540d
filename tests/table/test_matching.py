"""Another table than that of the training: columns missing, renamed, reordered, added, or of another kind."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from memograd.errors import DataError
from memograd.table.columns import as_table
from memograd.table.encoder import Encoder

SEEN = {
    "age": [30.0, 40.0, None, 35.0],
    "size": ["s", "m", "l", "m"],
    "new": [True, False, None, True],
    "day": [datetime.date(2020, 1, day) for day in (1, 2, 3, 4)],
    "code": [1, 2, 3, 1],
}
ENCODER = Encoder.fit(as_table(SEEN, categorical=["code"]))
EXPECTED = ENCODER.transform(as_table(SEEN))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, dict])
def test_order_of_columns(frame: Any) -> None:
    """Columns in another order are the same table."""
    for names in (list(SEEN)[::-1], sorted(SEEN)):
        found = ENCODER.transform(as_table(frame({name: SEEN[name] for name in names}), categorical=["code"]))
        np.testing.assert_array_equal(found, EXPECTED)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("age"), r"1 column of the training missing: 'age'; add"),
        (lambda c: c.update(Age=c.pop("age")), "missing: 'age', .*had not: 'Age'; 'Age' comes close.*rename"),
        (lambda c: c.update(x=c.pop("age")), "missing: 'age', .*had not: 'x'; add"),
        (lambda c: [c.pop("age"), c.pop("day")], "2 columns of the training missing: 'age', 'day'"),
        (lambda c: c.update(other=[1, 2, 3, 4]), "1 column that the training had not: 'other'; select"),
    ],
)
def test_names(change: Any, message: str) -> None:
    """A column that is missing, renamed or new is an error that names it, and what comes close."""
    columns = dict(SEEN)
    change(columns)
    with pytest.raises(DataError, match=message):
        ENCODER.transform(as_table(columns))


@pytest.mark.parametrize("X", [np.zeros((2, 3)), pd.DataFrame({"a": [1.0], "b": [2.0]})])
def test_places(X: Any) -> None:
    """Without names on one of the sides, the number of columns must be the same, and their order counts."""
    seen = np.arange(6.0).reshape(3, 2)
    encoder = Encoder.fit(as_table(seen if isinstance(X, pd.DataFrame) else pd.DataFrame(seen, columns=["a", "b"])))
    if X.shape[1] == 2:
        assert encoder.transform(as_table(X)).shape == (1, 2)
    else:
        with pytest.raises(DataError, match=r"X has 3 features, but \w+ is expecting 2 features as input"):
            encoder.transform(as_table(X))


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("age", ["old", "young", None, "old"], "'age' held numbers.*now holds categories, such as 'old' in row 1"),
        ("age", [None, datetime.date(2020, 1, 1), None, None], "'age' held numbers.*now holds dates, such as .*row 2"),
        ("age", ["30", "40", "1", "2"], "'age' held numbers.*such as '30'"),
        ("size", [1, 2, 3, 4], "'size' held categories of text.*now holds numbers, such as 1 in row 1"),
        ("size", [True, None, False, True], "'size' held categories of text.*truth values"),
        ("size", SEEN["day"], "'size' held categories of text.*now holds dates"),
        ("new", ["yes", "no", "yes", "no"], "'new' held truth values.*'yes'"),
        ("new", [0, 1, None, 2], r"column 'new', row 4 of 4: 2.0 is no truth value"),
        ("day", [1, 2, 3, 4], "'day' held dates.*now holds numbers, such as 1.0 in row 1"),
        ("day", ["2020-01-01"] * 4, "'day' held dates.*'2020-01-01'"),
        ("day", [True] * 4, "'day' held dates.*truth values"),
        ("code", ["1", "2", "3", "1"], "'code' held categories of numbers.*text, such as '1'"),
        ("code", [1, 2, 3, 2**53 + 1], r"column 'code', row 4 of 4: the number is beyond 2\*\*53"),
        ("code", [True, False, True, True], "'code' held categories of numbers.*truth values"),
    ],
)
def test_another_kind(column: str, values: list[Any], message: str) -> None:
    """A column of another kind is an error that says what it was and what it is."""
    with pytest.raises(DataError, match=message):
        ENCODER.transform(as_table({**SEEN, column: values}))


@pytest.mark.parametrize(
    ("column", "values", "same_as"),
    [
        ("age", np.array([30, 40, 1, 35], dtype=np.int8), [30.0, 40.0, 1.0, 35.0]),
        ("age", [True, False, None, None], [1.0, 0.0, None, None]),
        ("new", [1, 0, None, 1], SEEN["new"]),
        ("new", np.array([1.0, 0.0, np.nan, 1.0], dtype=np.float32), SEEN["new"]),
        ("code", [1.0, 2.0, 3.0, 1.0], SEEN["code"]),
        ("code", pd.Series([1, 2, 3, 1], dtype="category"), SEEN["code"]),
        ("code", ["1", 2, 3, "x"], [None, 2, 3, None]),
        ("size", pd.Series(["s", "m", "l", "m"], dtype="category"), SEEN["size"]),
        ("day", pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"]).to_series(), SEEN["day"]),
    ],
)
def test_harmless_changes(column: str, values: Any, same_as: list[Any]) -> None:
    """Another width, container or spelling of the same values changes nothing."""
    categorical = ["code"] if column == "code" else "auto"
    found = ENCODER.transform(as_table({**SEEN, column: values}, categorical=categorical))
    np.testing.assert_array_equal(found, ENCODER.transform(as_table({**SEEN, column: same_as})))


@pytest.mark.parametrize("column", SEEN)
@pytest.mark.parametrize("gap", [None, np.nan, pd.NA, pd.NaT])
def test_columns_without_a_value(column: str, gap: Any) -> None:
    """A column that has no value at predict is missing in every row, whatever its dtype, with no error."""
    new = pd.DataFrame(SEEN).assign(**{column: pd.Series([gap] * 4, dtype=object)})
    found = ENCODER.transform(as_table(new))
    for index, name in enumerate(ENCODER.inputs):
        if name.startswith(column):
            assert set(found[:, index]) == {1.0 if name.endswith("is missing") else 0.0}


@pytest.mark.parametrize("values", [["a"], [1.0], [True], [datetime.date(2020, 1, 1)], [None]])
def test_columns_that_had_no_value(values: list[Any]) -> None:
    """A column that had no value in the training may have any at predict: it carries nothing."""
    encoder = Encoder.fit(as_table({"a": [None, None], "x": [1.0, 2.0]}))
    found = encoder.transform(as_table({"a": values, "x": [1.5]}))
    np.testing.assert_array_equal(found, [[0.0, 0.0]])
