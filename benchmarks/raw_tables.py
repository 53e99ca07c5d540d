"""The tables of `estimators.py`: those that scikit-learn ships, and generated ones with missing values and categories.

The generated ones are of different kinds, some of which suit trees better than networks. A table is the same in every
run; what the seed of a benchmark changes is which rows are trained on. Knows no contender.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split

Task = Literal["classes", "numbers"]
Maker = Callable[[int, np.random.Generator], tuple[pd.DataFrame, Any]]

TEST_SHARE = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A table and what to predict from it.

    Attributes
    ----------
    name : str
    X : DataFrame
        Numbers as float64 with NaN, categories as pandas' `category` with NaN.
    y : (n_rows,) int64, or (n_rows,) or (n_rows, n_outputs) float64
    task : "classes" or "numbers"
    """

    name: str
    X: pd.DataFrame
    y: Any
    task: Task

    @property
    def label(self) -> str:
        """The name and the size."""
        return f"{self.name}, {len(self.X):,} × {self.X.shape[1]}"


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """The rows to train on and the rows to test with."""

    X: pd.DataFrame
    y: Any
    X_test: pd.DataFrame
    y_test: Any


def _numbers(shape: tuple[int, int], rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(rng.normal(size=shape), columns=[f"number {i}" for i in range(shape[1])])


def _levels(n_rows: int, n_levels: int, rng: np.random.Generator, *, is_skewed: bool = False) -> Any:
    """Numbers of levels; skewed ones are as frequent as words are: the level at place k has weight 1 / k."""
    weights = 1 / np.arange(1, n_levels + 1) if is_skewed else np.ones(n_levels)
    return rng.choice(n_levels, n_rows, p=weights / weights.sum())


def _named(levels: Any, prefix: str) -> pd.Categorical:
    return pd.Categorical(np.array([f"{prefix}{level}" for level in range(levels.max() + 1)], dtype=object)[levels])


def _with_missing(X: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """The same with cells left out at random, in every other column."""
    holes = rng.random(X.shape) < share
    holes[:, ::2] = False
    return X.mask(holes)


def _classes(log_odds: Any, rng: np.random.Generator) -> Any:
    """A class for each row, drawn with the probabilities that the log-odds (n_rows, n_classes) state."""
    return np.argmax(log_odds + rng.gumbel(size=log_odds.shape), axis=1)


def additive(n_rows: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Any]:
    """A number that is a sum of smooth functions of one column each."""
    X = _numbers((n_rows, 10), rng)
    a, b, c, d, e = X.to_numpy().T[:5]
    kind, region = _levels(n_rows, 6, rng), _levels(n_rows, 25, rng)
    y = np.sin(2 * a) + 0.5 * b**2 + np.tanh(3 * c) + d + np.exp(-(e**2)) + rng.normal(size=6)[kind]
    y = y + rng.normal(size=25)[region] + 0.5 * rng.normal(size=n_rows)
    X["kind"], X["region"] = _named(kind, "k"), _named(region, "r")
    return _with_missing(X, 0.1, rng), 40 + 12 * y


def interactions(n_rows: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Any]:
    """Three classes that products of columns decide, and a category that says which column counts."""
    X = _numbers((n_rows, 12), rng)
    x = X.to_numpy()
    which = _levels(n_rows, 4, rng)
    chosen = x[np.arange(n_rows), 6 + which]
    log_odds = np.stack([2 * x[:, 0] * x[:, 1], 3 * chosen, 2 * np.sign(x[:, 2] * x[:, 3]) * np.abs(x[:, 4])], axis=1)
    X["which"] = _named(which, "column ")
    return _with_missing(X, 0.05, rng), _classes(log_odds, rng)


def many_categories(n_rows: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Any]:
    """A number that a category of 2,000 levels decides for the most part; most levels are rare."""
    X = _numbers((n_rows, 6), rng)
    a, b, c = X.to_numpy().T[:3]
    shop, product, day = (_levels(n_rows, n, rng, is_skewed=n > 10) for n in (2_000, 150, 7))
    slopes = 0.5 * rng.normal(size=150)
    y = 1.5 * rng.normal(size=2_000)[shop] + slopes[product] * a + rng.normal(size=7)[day] + b * (c > 0)
    X["shop"], X["product"], X["day"] = _named(shop, "s"), _named(product, "p"), _named(day, "d")
    return _with_missing(X, 0.05, rng), y + 0.7 * rng.normal(size=n_rows)


def noisy(n_rows: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Any]:
    """Two classes, a fifth of them wrong, from five of thirty columns with heavy tails."""
    x = rng.standard_t(2, size=(n_rows, 30))
    columns = [f"number {i}" for i in range(30)]
    X = pd.DataFrame(x * np.exp(rng.normal(size=30) * 3), columns=columns)  # units of every size
    log_odds = x[:, 0] - x[:, 1] + 2 * np.tanh(x[:, 2]) + 1.5 * (np.abs(x[:, 3]) > 1) - 0.5 * x[:, 4]
    y = (log_odds > 0.5) ^ (rng.random(n_rows) < 0.2)
    X["season"] = _named(_levels(n_rows, 4, rng), "season ")
    return _with_missing(X, 0.1, rng), y.astype(np.int64)


def imbalanced(n_rows: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Any]:
    """Three classes of about 86, 12 and 2 per cent; that a number is missing says something about the class."""
    X = _numbers((n_rows, 15), rng)
    x = X.to_numpy()
    region = _levels(n_rows, 40, rng, is_skewed=True)
    first = 1.5 * x[:, 0] + x[:, 1] * x[:, 2] - 3.5 + rng.normal(size=40)[region]
    second = 2 * np.sin(2 * x[:, 3]) + 1.5 * x[:, 4] - 5.5
    y = _classes(np.stack([np.zeros(n_rows), first, second], axis=1), rng)
    X["region"] = _named(region, "r")
    X.loc[rng.random(n_rows) < np.array([0.05, 0.3, 0.1])[y], "number 7"] = np.nan
    return _with_missing(X, 0.03, rng), y


def steps(n_rows: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Any]:
    """A number that is constant in boxes, as a sum of trees is."""
    x = rng.random((n_rows, 8))
    X = pd.DataFrame(np.round(x * 100), columns=[f"number {i}" for i in range(8)])
    colour = _levels(n_rows, 8, rng)
    y = np.zeros(n_rows)
    for _ in range(30):
        columns, heights = rng.choice(8, 3, replace=False), rng.random(3)
        y += rng.normal() * (x[:, columns] > heights).all(axis=1)
    y += (colour % 3 == 0) * (x[:, 0] > 0.5)
    X["colour"] = _named(colour, "c")
    return _with_missing(X, 0.05, rng), y + 0.2 * rng.normal(size=n_rows)


def mixed(n_rows: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Any]:
    """A number from waves, products, steps and categories at once, with noise that grows with it."""
    X = _numbers((n_rows, 14), rng)
    x = X.to_numpy()
    brand, size = _levels(n_rows, 60, rng, is_skewed=True), _levels(n_rows, 5, rng)
    y = np.sin(3 * x[:, 0]) + x[:, 1] * x[:, 2] + (x[:, 3] > 0.5) * x[:, 4] + 0.5 * size * np.tanh(x[:, 5])
    y = y + rng.normal(size=60)[brand]
    X["brand"], X["size"] = _named(brand, "b"), _named(size, "s")
    X["number 6"] = np.exp(2 * X["number 6"])  # a long tail that matters a little
    y = y + 0.1 * np.log(X["number 6"].to_numpy())
    return _with_missing(X, 0.05, rng), np.exp(0.3 * y) * (1 + 0.2 * rng.normal(size=n_rows))


REAL: dict[str, tuple[Callable[..., Any], Task]] = {
    "iris": (datasets.load_iris, "classes"),
    "wine": (datasets.load_wine, "classes"),
    "breast cancer": (datasets.load_breast_cancer, "classes"),
    "digits": (datasets.load_digits, "classes"),
    "diabetes": (datasets.load_diabetes, "numbers"),
    "linnerud": (datasets.load_linnerud, "numbers"),
}
GENERATED: dict[str, tuple[Maker, int, Task]] = {
    "additive": (additive, 10_000, "numbers"),
    "noisy": (noisy, 10_000, "classes"),
    "interactions": (interactions, 20_000, "classes"),
    "steps": (steps, 20_000, "numbers"),
    "many categories": (many_categories, 30_000, "numbers"),
    "imbalanced": (imbalanced, 50_000, "classes"),
    "mixed": (mixed, 100_000, "numbers"),
}
NAMES = (*REAL, *GENERATED)


def problem(name: str, n_rows: int | None = None) -> Problem:
    """The table of that name, or its first rows; the same in every process. KeyError when there is none."""
    if name in REAL:
        load, task = REAL[name]
        held = load()
        X, y = pd.DataFrame(held.data, columns=[str(column) for column in held.feature_names]), held.target
    else:
        make, n_all, task = GENERATED[name]
        X, y = make(n_all, np.random.default_rng(zlib.crc32(name.encode())))
    if n_rows is not None and n_rows < len(X):
        X, y = X.iloc[:n_rows], y[:n_rows]
    return Problem(name, X.reset_index(drop=True), y.astype(np.int64 if task == "classes" else np.float64), task)


def split(found: Problem, seed: int) -> Split:
    """A quarter of the rows to test with; of classes, the same share of each."""
    X, X_test, y, y_test = train_test_split(
        found.X, found.y, test_size=TEST_SHARE, random_state=seed, stratify=found.y if found.task == "classes" else None
    )
    # What is trained on does not tell which categories there are elsewhere.
    known = {
        column: X[column].cat.remove_unused_categories()
        for column in X
        if isinstance(X[column].dtype, pd.CategoricalDtype)
    }
    return Split(X.assign(**known).reset_index(drop=True), y, X_test.reset_index(drop=True), y_test)


def plain(n_rows: int, n_columns: int, task: Task) -> tuple[Any, Any]:
    """Standardized float32 numbers without holes, and classes or a number, to time equal networks with."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_columns)).astype(np.float32)
    score = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=n_rows)
    if task == "numbers":
        return X, ((score - score.mean()) / score.std()).astype(np.float32)
    return X, np.digitize(score, np.quantile(score, [0.25, 0.5, 0.75]))
