"""Writes the example tables beside this file from the data that scikit-learn carries; run by hand.

A number has the fewest digits that read back as the same float64; a column of whole numbers has no ".0".
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets

FOLDER = Path(__file__).parent


def written(column: np.ndarray) -> list[str]:
    """Return a column of numbers as text: whole ones as integers, others by their shortest round trip."""
    whole = bool((column == np.round(column)).all())
    return [str(int(number)) if whole else repr(float(number)) for number in column]


def write_table(name: str, features: Iterable[str], X: np.ndarray, **target: Sequence[str]) -> None:
    """Write the columns of `X` under the features' names, and then the target's cells under its name."""
    header = [*(str(feature).replace(" ", "_") for feature in features), *target]
    with (FOLDER / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(zip(*map(written, X.T), *target.values(), strict=True))


def class_names(data: Any) -> list[str]:
    """Return the name of each row's class."""
    return [str(data.target_names[index]) for index in data.target]


def main() -> None:
    """Write all four tables."""
    digits, cancer, wine = datasets.load_digits(), datasets.load_breast_cancer(), datasets.load_wine()
    diabetes = datasets.load_diabetes(scaled=False)
    write_table("digits", digits.feature_names, digits.data, digit=class_names(digits))
    write_table("breast_cancer", cancer.feature_names, cancer.data, diagnosis=class_names(cancer))
    write_table("wine", wine.feature_names, wine.data, cultivar=class_names(wine))
    write_table("diabetes", diabetes.feature_names, diabetes.data, progression=written(diabetes.target))


if __name__ == "__main__":
    main()
