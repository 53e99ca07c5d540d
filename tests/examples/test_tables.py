"""The tables in examples/ are scikit-learn's data, cell by cell."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

EXAMPLES = Path(__file__).parents[2] / "examples"

TABLES = {
    "digits": ("digit", datasets.load_digits, {}),
    "breast_cancer": ("diagnosis", datasets.load_breast_cancer, {}),
    "wine": ("cultivar", datasets.load_wine, {}),
    "diabetes": ("progression", datasets.load_diabetes, {"scaled": False}),
}


def _shipped(name: str) -> tuple[list[str], list[list[str]]]:
    with (EXAMPLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    return header, rows


def _held(name: str) -> tuple[str, Any]:
    target, load, options = TABLES[name]
    return target, load(**options)


@pytest.mark.parametrize("name", TABLES)
def test_header(name: str) -> None:
    """The columns are scikit-learn's features, without spaces, and then the target."""
    target, data = _held(name)
    header, _ = _shipped(name)
    assert header == [*(str(feature).replace(" ", "_") for feature in data.feature_names), target]


@pytest.mark.parametrize("name", TABLES)
def test_features(name: str) -> None:
    """Every feature reads back as exactly the float64 that scikit-learn holds."""
    _, data = _held(name)
    _, rows = _shipped(name)
    np.testing.assert_array_equal(np.array([row[:-1] for row in rows], dtype=np.float64), data.data)


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine"])
def test_classes(name: str) -> None:
    """Every class is the name that scikit-learn gives to the row's class."""
    _, data = _held(name)
    _, rows = _shipped(name)
    assert [row[-1] for row in rows] == [str(label) for label in data.target_names[data.target]]


def test_regression_target() -> None:
    """The progression of diabetes reads back as exactly the numbers that scikit-learn holds."""
    _, data = _held("diabetes")
    _, rows = _shipped("diabetes")
    np.testing.assert_array_equal(np.array([row[-1] for row in rows], dtype=np.float64), data.target)


@pytest.mark.parametrize("name", TABLES)
def test_numbers_are_short(name: str) -> None:
    """A number has the fewest digits that read back, and no '.0' where its column is whole."""
    _, rows = _shipped(name)
    for column in list(zip(*rows, strict=True))[:-1]:
        numbers = np.array(column, dtype=np.float64)
        whole = (numbers == np.round(numbers)).all()
        assert list(column) == [str(int(x)) if whole else repr(float(x)) for x in numbers]
