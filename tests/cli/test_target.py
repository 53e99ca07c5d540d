"""Which column is learned from which: the task, the order of the classes, and what cannot be learned."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.cli.csv_table import CsvTable
from memograd.cli.target import MIN_ROWS, Target, Task, classes_of, feature_names, infer_target, numbers_of
from memograd.errors import DataError


def one_column(*cells: str) -> CsvTable:
    """Return a table of one column, 'y', whose first row is on line 2."""
    return CsvTable("t.csv", ("y",), (cells,), tuple(range(2, 2 + len(cells))))


def assert_says(caught: pytest.ExceptionInfo[DataError], *parts: str) -> None:
    """Assert that a message is one line, names its file and holds all parts."""
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    for part in ("t.csv", *parts):
        assert part in message


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        pytest.param(("red", "blue") * 5, "classification", id="text"),
        pytest.param(("0", "1") * 5, "classification", id="whole numbers, 5 rows each"),
        pytest.param(("0.0", "1.0") * 5, "classification", id="whole numbers with a point"),
        pytest.param(("0", "1") * 4, "regression", id="4 rows each"),
        pytest.param(tuple(map(str, range(20))) * 5, "classification", id="20 different"),
        pytest.param(tuple(map(str, range(21))) * 5, "regression", id="21 different"),
        pytest.param(("0.5", "1") * 50, "regression", id="not whole"),
        pytest.param(("1", "2", "3 or more") * 5, "classification", id="numbers and text"),
        pytest.param(("+", "-") * 5, "classification", id="signs"),
    ],
)
def test_likely_task(cells: tuple[str, ...], task: Task) -> None:
    """Text and a few whole numbers with 5 rows each make classes, other numbers are numbers."""
    assert infer_target(one_column(*cells), "y").task == task


def test_task_can_be_told() -> None:
    """The task asked for is the one that is made, and its values have the task's dtype."""
    classified = infer_target(one_column("0.5", "1.5", "0.5"), "y", "classification")
    np.testing.assert_array_equal(classified.values, np.array([0, 1, 0], dtype=np.int64), strict=True)
    assert classified.classes == ("0.5", "1.5")
    regressed = infer_target(one_column(*"01" * 5), "y", "regression")
    np.testing.assert_array_equal(regressed.values, np.array([0.0, 1.0] * 5), strict=True)
    assert regressed.classes == ()


@pytest.mark.parametrize(
    ("cells", "values", "classes"),
    [
        pytest.param(("b", "B", "a", "b"), [2, 0, 1, 2], ("B", "a", "b"), id="text by code points"),
        pytest.param(("10", "9", "-1", "9"), [2, 1, 0, 1], ("-1", "9", "10"), id="numbers by size"),
        pytest.param(("1.0", "2", "1", "02"), [0, 1, 0, 1], ("1.0", "2"), id="one number, two spellings"),
        pytest.param(("10", "9", "x", "9"), [0, 1, 2, 1], ("10", "9", "x"), id="text as soon as one cell is"),
        pytest.param(
            ("9007199254740993", "9007199254740992") * 2,
            [1, 0, 1, 0],
            ("9007199254740992", "9007199254740993"),
            id="integers that float64 cannot tell apart",
        ),
    ],
)
def test_classes(cells: tuple[str, ...], values: list[int], classes: tuple[str, ...]) -> None:
    """Classes are ordered as numbers if all are, else as text, and are called what the file first calls them."""
    target = infer_target(one_column(*cells), "y", "classification")
    assert target.classes == classes
    assert target.values.tolist() == values


@given(st.lists(st.sampled_from(["a", "b", "c", "0", "10", "9"]), min_size=9), st.randoms())
def test_classes_do_not_depend_on_the_order_of_rows(cells: list[str], random: random.Random) -> None:
    """Shuffled rows have the same classes, and every row's value is the index of its own."""
    cells = ["a", "b", "a", *cells]
    target = infer_target(one_column(*cells), "y")
    assert [target.classes[index] for index in target.values] == cells
    random.shuffle(cells)
    assert infer_target(one_column(*cells), "y").classes == target.classes


def test_class_of_one_row() -> None:
    """A class may have a single row as long as another has more."""
    assert infer_target(one_column("a", "a", "b"), "y").classes == ("a", "b")


@pytest.mark.parametrize(
    ("cells", "task", "parts"),
    [
        pytest.param(("a", "", "b", "b"), None, ["row 2 (line 3)", "missing value"], id="missing"),
        pytest.param(("1", "2", "NaN"), None, ["row 3 (line 4)", "missing value"], id="nan"),
        pytest.param(("a", "a"), None, ["every row has 'a'", "nothing to learn"], id="one class"),
        pytest.param(("1", "1.0"), "classification", ["every row has '1'"], id="one class, two spellings"),
        pytest.param(("5", "5.0"), "regression", ["every row has '5'"], id="constant"),
        pytest.param(("a", "b", "c"), None, ["identifier", "--target"], id="all different"),
        pytest.param(("1", "2", "3"), "classification", ["identifier"], id="all different numbers"),
        pytest.param(("1", "b", "c"), "regression", ["row 2 (line 3)", "'b' is not a number"], id="text"),
        pytest.param(("1", "2.5", "inf"), None, ["row 3 (line 4)", "infinite"], id="infinite"),
        pytest.param(("1", "2.5", "1e39"), None, ["row 3 (line 4)", "too large"], id="too large"),
        pytest.param((*map(str, range(21)), "2l"), None, ["row 22 (line 23)", "'2l'", "--task"], id="a slip"),
        pytest.param(("1,5", "2,5") * 5, None, ["row 1 (line 2)", "'1,5'", "decimal point"], id="decimal commas"),
        pytest.param(("1", "2,5") * 5, None, ["row 2 (line 3)", "'2,5'", "decimal point"], id="a decimal comma"),
        pytest.param(("+", "-", "x") * 5, None, ["row 1 (line 2)", "missing value"], id="signs beside text"),
    ],
)
def test_bad_targets(cells: tuple[str, ...], task: Task | None, parts: list[str]) -> None:
    """A target that cannot be learned is refused in one line that says why and, where it is one row, which."""
    with pytest.raises(DataError) as caught:
        infer_target(one_column(*cells), "y", task)
    assert_says(caught, "column 'y'", *parts)


def table_of(n_rows: int, *columns: str) -> CsvTable:
    """Return a table whose columns all count the rows from 0."""
    cells = tuple(map(str, range(n_rows)))
    return CsvTable("t.csv", columns, (cells,) * len(columns), tuple(range(2, 2 + n_rows)))


def test_features() -> None:
    """Every column is a feature but the target and what is ignored, in the order of the file."""
    assert feature_names(table_of(MIN_ROWS, "a", "y", "b", "c"), "y", ignore=["b"]) == ("a", "c")


@pytest.mark.parametrize(
    ("table", "ignore", "parts"),
    [
        pytest.param(table_of(10, "y"), [], ["no column is left"], id="only the target"),
        pytest.param(table_of(10, "y", "a"), ["a"], ["no column is left"], id="all ignored"),
        pytest.param(table_of(9, "y", "a"), [], ["at least 10 rows", "the file has 9"], id="few rows"),
        pytest.param(table_of(10, "y", "a"), ["A"], ["'A'", "'a'?"], id="unknown name"),
    ],
)
def test_bad_features(table: CsvTable, ignore: list[str], parts: list[str]) -> None:
    """Too few columns, too few rows and a misspelt name are refused in one line."""
    with pytest.raises(DataError) as caught:
        feature_names(table, "y", ignore)
    assert_says(caught, *parts)


@pytest.mark.parametrize(
    ("classes", "y"),
    [
        (("-1", "9", "10"), [-1, 9, 10]),
        (("01", "2"), ["01", "2"]),
        (("1.0", "2"), ["1.0", "2"]),
        (("-0", "1"), ["-0", "1"]),
        (("٣", "4"), ["٣", "4"]),
        (("9" * 25, "1"), ["9" * 25, "1"]),
        (("a", "1"), ["a", "1"]),
    ],
)
def test_what_a_model_learns(classes: tuple[str, ...], y: list[int | str]) -> None:
    """Classes are integers where every one is written as an integer is, and else text, exactly as it was written."""
    target = Target("classification", np.arange(len(classes)), classes)
    assert target.y.tolist() == y
    assert list(map(str, target.y)) == list(classes)


def test_classes_of_another_table() -> None:
    """The classes of another table are found among those that were learned, numbers also when written in other ways."""
    assert classes_of(one_column("b", "a", "b"), "y", ("a", "b")).tolist() == [1, 0, 1]
    assert classes_of(one_column("10.0", "9", "+9"), "y", ("9", "10")).tolist() == [1, 0, 0]
    assert classes_of(one_column("-", "+"), "y", ("+", "-")).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("cells", "classes", "parts"),
    [
        (("a", "c"), ("a", "b"), ["row 2 (line 3)", "'c' is none of the classes", "'a', 'b'"]),
        (("1", "3"), ("1", "2"), ["row 2 (line 3)", "'3' is none of the classes"]),
        (("1", "x"), ("1", "2"), ["row 2 (line 3)", "'x' is none of the classes"]),
        (("", "b"), ("a", "b"), ["row 1 (line 2)", "missing value"]),
        (("1", "inf"), ("1", "2"), ["row 2 (line 3)", "'inf' is none of the classes"]),
    ],
)
def test_unseen_classes(cells: tuple[str, ...], classes: tuple[str, ...], parts: list[str]) -> None:
    """A class that was not learned, or a missing one, is named with its row."""
    with pytest.raises(DataError) as caught:
        classes_of(one_column(*cells), "y", classes)
    assert_says(caught, "column 'y'", *parts)


def test_missing_numbers() -> None:
    """A number to predict that is missing in another table is named with its row."""
    with pytest.raises(DataError) as caught:
        numbers_of(one_column("1", "", "3"), "y")
    assert_says(caught, "row 2 (line 3)", "missing value")


def test_classes_of_signs() -> None:
    """What only begins like an integer is text."""
    assert infer_target(one_column(*("--5", "a") * 6), "y", None).y.tolist() == ["--5", "a"] * 6
