"""Tables of the benchmark of estimators: as large as said, with holes and categories, and the same every time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from raw_tables import GENERATED, NAMES, REAL, TEST_SHARE, plain, problem, split


def _is_category(column: pd.Series[object]) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_is_the_same_every_time(name: str) -> None:
    """Two readings of a table agree in every cell."""
    first, second = problem(name), problem(name)
    pd.testing.assert_frame_equal(first.X, second.X, check_exact=True)
    np.testing.assert_array_equal(first.y, second.y)


@pytest.mark.parametrize("name", GENERATED)
def test_generated_tables_are_raw(name: str) -> None:
    """A generated table has 10,000 to 100,000 rows, missing numbers, categories, and no infinity."""
    found = problem(name)
    assert 10_000 <= len(found.X) <= 100_000
    assert any(_is_category(found.X[column]) for column in found.X)
    numbers = found.X.select_dtypes("number")
    assert numbers.isna().any(axis=None)
    assert np.isfinite(numbers.to_numpy(na_value=0.0)).all()
    assert np.isfinite(found.y).all()


def test_kinds_are_covered() -> None:
    """There are both tasks, several outputs, a category of over a thousand levels, and a class of under 5 per cent."""
    problems = {name: problem(name) for name in NAMES}
    assert {found.task for found in problems.values()} == {"classes", "numbers"}
    assert problems["linnerud"].y.shape == (20, 3)
    assert problems["many categories"].X["shop"].nunique() > 1_000
    assert np.bincount(problems["imbalanced"].y).min() < 0.05 * len(problems["imbalanced"].y)
    assert len(REAL) == 6


@pytest.mark.parametrize("name", ["iris", "imbalanced", "many categories", "linnerud"])
def test_split_is_a_partition(name: str) -> None:
    """The rows to train on and those to test with are all rows, each once; a seed repeats, another one differs."""
    found = problem(name, 3_000)
    rows, again, other = split(found, 0), split(found, 0), split(found, 1)
    assert len(rows.X_test) == pytest.approx(TEST_SHARE * len(found.X), abs=1)
    together = np.sort(np.concatenate([rows.y, rows.y_test]), axis=0)
    np.testing.assert_array_equal(together, np.sort(found.y, axis=0))
    np.testing.assert_array_equal(rows.y, again.y)
    assert not np.array_equal(rows.y, other.y)


def test_split_keeps_classes_in_proportion() -> None:
    """A class of 2 per cent has 2 per cent of the rows on both sides."""
    rows = split(problem("imbalanced"), 3)
    shares = [np.bincount(y)[2] / len(y) for y in (rows.y, rows.y_test)]
    assert shares[0] == pytest.approx(shares[1], rel=0.01)


def test_training_rows_do_not_tell_of_other_categories() -> None:
    """The levels of a category that is trained on are those that occur in it; the rest occurs in the test rows only."""
    rows = split(problem("many categories", 3_000), 0)
    seen = rows.X["shop"]
    assert set(seen.cat.categories) == set(seen.dropna())
    assert set(rows.X_test["shop"].dropna()) - set(seen)


def test_first_rows() -> None:
    """A table of fewer rows is the beginning of the whole one; one that is short already stays as it is."""
    pd.testing.assert_frame_equal(problem("noisy", 100).X, problem("noisy").X.iloc[:100])
    assert len(problem("iris", 1_000).X) == 150


def test_unknown_name() -> None:
    """There is no table of another name."""
    with pytest.raises(KeyError, match="titanic"):
        problem("titanic")


def test_plain_classes_are_balanced() -> None:
    """Rows to time with have four classes of equal size, so that a stratified split leaves whole batches."""
    X, y = plain(640, 5, "classes")
    assert X.dtype == np.float32
    assert np.bincount(y).tolist() == [160] * 4
