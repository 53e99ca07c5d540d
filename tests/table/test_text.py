"""What text says: numbers, truth values, dates, categories, or nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import BadSetting, DataError, UnknownName
from memograd.table.encoder import Encoder
from memograd.table.text import MISSING, read_cells


def read(cells: list[str], **options: Any) -> tuple[str, list[Any]]:
    """Return the kind and the values of a column; NaN as None."""
    column = read_cells(["c"], [cells], **options).columns[0]
    return column.kind, [None if value != value else value for value in column.values.tolist()]


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "-2.5", "+1e5", ".5", "1E-3"], "number", [1.0, -2.5, 1e5, 0.5, 1e-3]),
        (["1", "", "NA", "n/a", "NaN", "null", "None", "?", "-", "+nan"], "number", [1.0] + [None] * 9),
        (["true", "FALSE", ""], "boolean", [1.0, 0.0, None]),
        (["Yes", "no"], "boolean", [1.0, 0.0]),
        (["1970-01-02", "", "1970-01-01T00:00:01.5"], "date", [86400.0, None, 1.5]),
        (["1970-01-01 01:00:00+01:00", "1970-01-01T00:00:00Z"], "date", [0.0, 0.0]),
        (["red", "", "1"], "category", ["red", None, "1"]),
        (["1,5", "2,5"], "category", ["1,5", "2,5"]),
        (["1_000", "2"], "category", ["1_000", "2"]),
        (["0x10", "1"], "category", ["0x10", "1"]),
        (["true", "1"], "category", ["true", "1"]),
        (["1970-02-30", "1970-01-01"], "category", ["1970-02-30", "1970-01-01"]),
        (["+", "-", "+"], "category", ["+", "-", "+"]),
        (["+", "-", "x"], "category", [None, None, "x"]),
        (["", "?"], "number", [None, None]),
        ([], "number", []),
        (["nan", "-NaN", "1"], "number", [None, None, 1.0]),
        (["1_0", ""], "category", ["1_0", None]),
        (["3.4e38"], "number", [3.4e38]),
    ],
)
def test_kinds(cells: list[str], kind: str, values: list[Any]) -> None:
    """A column is what all its cells are, and a category if they are not all one thing."""
    assert read(cells) == (kind, values)


@given(st.lists(st.one_of(st.floats(-1e38, 1e38), st.sampled_from([*sorted(MISSING)])), min_size=1))
def test_numbers(values: list[Any]) -> None:
    """Numbers are read as they were written, with gaps in between."""
    cells = [str(value) for value in values]
    assert read(cells) == ("number", [value if isinstance(value, float) else None for value in values])


MANY = [f"{number}.5" for number in range(30)]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([*MANY, "3,14"], "column 'c', row 31 of 31: '3,14' is not a number; write it with a decimal point"),
        (["oops", *MANY], "column 'c', row 1 of 31: 'oops' is not a number; correct it, or leave the cell empty"),
        (["1", "inf"], "row 2 of 2: 'inf' is infinite"),
        (["1", "-Infinity"], "row 2 of 2: '-Infinity' is infinite"),
        (["1", "1e39"], "row 2 of 2: '1e39' is too large for a 32-bit float"),
        (["", "-1e999"], "row 2 of 2: '-1e999' is too large"),
        ([f"2020-01-{day:02}" for day in range(1, 32)] + ["2020-02-30"], "row 32 of 32: '2020-02-30' is no date"),
    ],
)
def test_slips(cells: list[str], message: str) -> None:
    """One odd cell among many numbers or dates is an error that says where it is and what to do."""
    with pytest.raises(DataError, match=message):
        read(cells)


@pytest.mark.parametrize(
    ("kind", "cells", "message"),
    [
        ("number", ["1", "x"], "row 2 of 2: 'x' is not a number"),
        ("boolean", ["yes", "1"], "row 2 of 2: '1' is no truth value; write true or false"),
        ("date", ["2020-01-01", "1.1.2020"], "row 2 of 2: '1.1.2020' is no date"),
    ],
)
def test_known_kinds(kind: str, cells: list[str], message: str) -> None:
    """If the kind is known, a cell of another is an error, and a column of gaps is of that kind."""
    with pytest.raises(DataError, match=message):
        read(cells, kinds=[kind])
    assert read(["", "?"], kinds=[kind]) == (kind, [None, None])


def test_known_categories() -> None:
    """A column of categories stays one, even if some rows of it look like numbers."""
    names, seen = ["a", "b"], [["1", "x", "y", "1"], ["1", "2", "3", "4"]]
    table = read_cells(names, seen)
    encoder = Encoder.fit(table)
    some = read_cells(names, [column[:1] for column in seen], kinds=encoder.kinds)
    assert encoder.transform(some).tobytes() == encoder.transform(table)[:1].tobytes()
    assert read(["1", "2"], categorical=["c"]) == ("category", ["1", "2"])
    assert read([*MANY, "x"], categorical=["c"])[0] == "category"


def test_errors_of_ones_own() -> None:
    """Who knows the file makes the error."""
    with pytest.raises(KeyError, match=r"t.csv 1 c: 'inf' is infinite"):
        read(["1", "inf"], error=lambda message, row_index, name: KeyError(f"t.csv {row_index} {name}: {message}"))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: read(["1"], categorical=["d"]), UnknownName),
        (lambda: read(["1"], kinds=["text"]), BadSetting),
        (lambda: read(["1"], kinds=[]), BadSetting),
        (lambda: read_cells(["a", "b"], [["1"]]), BadSetting),
        (lambda: read_cells(["a", "a"], [["1"], ["1"]]), DataError),
        (lambda: read_cells(["a", "b"], [["1"], ["1", "2"]]), DataError),
    ],
)
def test_bad_calls(call: Any, error: type[Exception]) -> None:
    """Names, kinds and cells that do not fit each other are refused."""
    with pytest.raises(error):
        call()


@given(st.lists(st.text(max_size=6), min_size=1, max_size=30))
def test_any_text(cells: list[str]) -> None:
    """Any text is read, or an error; what is read as a number is one."""
    try:
        kind, values = read(cells)
    except DataError:
        return
    assert len(values) == len(cells)
    if kind == "number":
        assert all(value is None or math.isclose(value, float(cell)) for value, cell in zip(values, cells, strict=True))


def test_a_number_is_the_same_as_in_an_array() -> None:
    """Numbers from text are those that NumPy reads."""
    numbers = np.random.default_rng(0).normal(size=1000)
    assert read([repr(float(number)) for number in numbers])[1] == numbers.tolist()
