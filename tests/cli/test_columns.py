"""Columns of a CSV file as what their cells say, and as what they were in the training."""

from __future__ import annotations

import numpy as np
import pytest

from memograd.cli.columns import constant_columns, read_columns, read_for_model, read_known
from memograd.cli.csv_table import CsvTable
from memograd.errors import DataError
from memograd.table.columns import as_table
from memograd.table.encoder import Encoder


def csv_of(**columns: tuple[str, ...]) -> CsvTable:
    """Return columns as a file whose first row is on line 2."""
    n_rows = len(next(iter(columns.values())))
    return CsvTable("t.csv", tuple(columns), tuple(columns.values()), tuple(range(2, 2 + n_rows)))


def refusal(csv: CsvTable, *names: str) -> str:
    """Return why columns cannot be read, which must be one line that names the file."""
    with pytest.raises(DataError) as caught:
        read_columns(csv, names)
    message = str(caught.value)
    assert message.startswith("t.csv: ")
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (("1", "", "2.5"), "number", [1.0, np.nan, 2.5]),
        (("NA", "?", "-"), "number", [np.nan] * 3),
        (("true", "FALSE", ""), "boolean", [1.0, 0.0, np.nan]),
        (("1970-01-02", "1970-01-01T00:00:01Z", ""), "date", [86400.0, 1.0, np.nan]),
        (("red", "", "blue"), "category", ["red", None, "blue"]),
        (("1", "x", "2"), "category", ["1", "x", "2"]),
        (("+", "-", "+"), "category", ["+", "-", "+"]),
    ],
)
def test_kinds(cells: tuple[str, ...], kind: str, values: list[object]) -> None:
    """A column is what all its cells are, gaps left out; what is nothing else is categories."""
    (column,) = read_columns(csv_of(a=cells), ["a"]).columns
    assert column.kind == kind
    np.testing.assert_array_equal(column.values, np.array(values, dtype=column.values.dtype))


def test_categorical_numbers() -> None:
    """Numbers that are said to be categories are."""
    csv = csv_of(zip=("10115", "94110", ""), size=("1", "2", "3"))
    assert [column.kind for column in read_columns(csv, ["zip", "size"], ["zip"]).columns] == ["category", "number"]
    with pytest.raises(DataError, match="'zip' is not learned from"):
        read_columns(csv, ["size"], ["zip"])


@pytest.mark.parametrize(
    ("cell", "part"),
    [
        ("-Infinity", "'-Infinity' is infinite"),
        ("1e400", "'1e400' is too large"),
        ("-3.5e38", "'-3.5e38' is too large for a 32-bit float; rescale"),
        ("3,14", "decimal point"),
        ("high", "'high' is not a number"),
    ],
)
def test_bad_cells(cell: str, part: str) -> None:
    """Among many numbers, a cell that is no usable one is named with its row, line and column, and how to go on."""
    message = refusal(csv_of(a=tuple(map(str, range(40))), b=(*map(str, range(39)), cell)), "a", "b")
    for wanted in ("row 40 (line 41)", "column 'b'", "--ignore 'b'", part):
        assert wanted in message


def test_decimal_commas() -> None:
    """Numbers with decimal commas are no categories: the first is named, with what to do."""
    message = refusal(csv_of(a=("7", "1,5", "2,5")), "a")
    assert "row 2 (line 3), column 'a': '1,5' is not a number; write it with a decimal point" in message
    assert read_columns(csv_of(a=("7", "1,5", "red")), ["a"]).column("a").kind == "category"
    assert read_columns(csv_of(a=("7", "1,5", "2,5")), ["a"], ["a"]).column("a").kind == "category"


def test_other_columns_are_not_read() -> None:
    """Columns come in the order asked for, and trouble in others is none."""
    csv = csv_of(a=("1", "2"), b=("inf", "inf"), c=("3", "4"))
    assert read_columns(csv, ["c", "a"]).names == ("c", "a")


def test_known_kinds() -> None:
    """A column is read as what it was in the training, whatever it looks like now."""
    csv = csv_of(a=("1", "2"), b=("", ""), c=("0", "x"))
    table = read_known(csv, ["c", "a", "b"], ["category", "number", "date"])
    assert [column.kind for column in table.columns] == ["category", "number", "date"]
    with pytest.raises(DataError, match=r"row 2 \(line 3\), column 'c': 'x' is not a number") as caught:
        read_known(csv, ["c"], ["number"])
    assert "--ignore" not in str(caught.value)
    with pytest.raises(DataError, match=r"row 1 .*'1' is no date"):
        read_known(csv, ["a"], ["date"])


def test_missing_columns() -> None:
    """Columns that are not there are counted and named, a few of many."""
    csv = csv_of(a=("1",))
    with pytest.raises(DataError, match="of the 2 columns that were learned from, 1 is missing: 'b'"):
        read_known(csv, ["a", "b"], ["number"] * 2)
    names = [f"c{index}" for index in range(100)]
    with pytest.raises(DataError, match=r"100 are missing: 'c0', .*, …;"):
        read_known(csv, names, ["number"] * 100)


def test_categories_that_are_numbers() -> None:
    """A model that learned integers or truth values as categories finds them in the text of a file."""
    known = as_table({"zip": [10115, 94110, 10115], "on": [True, False, True]}, categorical=["zip", "on"])
    encoder = Encoder.fit(known)
    table = read_for_model(csv_of(on=("True", "False", "True"), zip=("10115", "94110", "10115")), encoder)
    np.testing.assert_array_equal(encoder.transform(table), encoder.transform(known))


def test_constant_columns() -> None:
    """A column of one value, or of none, tells nothing; one with gaps tells where they are."""
    csv = csv_of(a=("1", "1"), b=("", ""), c=("x", "x"), d=("x", ""), e=("1", "2"), f=("yes", "yes"))
    assert constant_columns(read_columns(csv, csv.columns)) == ("a", "b", "c", "f")
