"""The contenders of `estimators.py`: each makes an estimator that takes a raw table, as its own users would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

from raw_tables import Task

MAX_TREE_CATEGORIES = 255
"""The most levels of a category that HistGradientBoosting takes."""

NUMBERS = make_column_selector(dtype_include="number")
CATEGORIES = make_column_selector(dtype_include="category")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a contender is told.

    Attributes
    ----------
    task : "classes" or "numbers"
    seed, n_threads, n_outputs : int
    n_epochs : int or None
        By default as many as the contender takes of itself.
    hidden : tuple of int or None
        By default the contender's own.
    batch_size : int or None
    """

    task: Task
    seed: int
    n_threads: int
    n_outputs: int = 1
    n_epochs: int | None = None
    hidden: tuple[int, ...] | None = None
    batch_size: int | None = None

    def given(self, hidden: str, n_epochs: str, batch_size: str) -> dict[str, Any]:
        """What is set, under the contender's own names."""
        named = {hidden: self.hidden, n_epochs: self.n_epochs, batch_size: self.batch_size}
        return {name: value for name, value in named.items() if value is not None}


def memograd(plan: Plan, X: pd.DataFrame, preset: str = "tuned") -> Any:
    """The estimator as it comes; it takes as many threads as the process may use."""
    from memograd.estimators import MLPClassifier, MLPRegressor

    kind = MLPClassifier if plan.task == "classes" else MLPRegressor
    return kind(
        preset=preset, random_state=plan.seed, **plan.given("hidden_layer_sizes", "max_iter", "batch_size"),
        **_without_stopping(plan),
    )  # fmt: skip


def memograd_sklearn(plan: Plan, X: pd.DataFrame) -> Any:
    """The estimator with scikit-learn's defaults."""
    return memograd(plan, X, preset="sklearn")


def sklearn_mlp(plan: Plan, X: pd.DataFrame) -> Any:
    """scikit-learn's MLP behind imputing, scaling and one-hot encoding; a number to predict is standardized too."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPClassifier if plan.task == "classes" else MLPRegressor
    network = kind(
        random_state=plan.seed, **plan.given("hidden_layer_sizes", "max_iter", "batch_size"), **_without_stopping(plan)
    )
    if plan.hidden is not None:
        return network
    table = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore"), CATEGORIES),
    )
    if plan.task == "numbers":
        network = TransformedTargetRegressor(network, transformer=StandardScaler())
    return make_pipeline(table, network)


def trees(plan: Plan, X: pd.DataFrame) -> Any:
    """HistGradientBoosting, which takes holes and categories itself but for those of too many levels."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if plan.task == "classes" else HistGradientBoostingRegressor
    given = {} if plan.n_epochs is None else {"max_iter": plan.n_epochs}
    model = kind(random_state=plan.seed, categorical_features="from_dtype", **given)
    if plan.n_outputs > 1:
        return MultiOutputRegressor(model)
    many = [column for column in CATEGORIES(X) if X[column].nunique() > MAX_TREE_CATEGORIES]
    if many:
        encoder = make_column_transformer(
            (TargetEncoder(random_state=plan.seed), many), remainder="passthrough", verbose_feature_names_out=False
        )
        model = make_pipeline(encoder.set_output(transform="pandas"), model)
    return model


def realmlp(plan: Plan, X: pd.DataFrame) -> Any:
    """pytabkit's RealMLP-TD-S; as it does not take missing numbers, the median stands for them, with an indicator."""
    from pytabkit import RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor

    kind = RealMLP_TD_S_Classifier if plan.task == "classes" else RealMLP_TD_S_Regressor
    given = plan.given("hidden_sizes", "n_epochs", "batch_size")
    if plan.hidden is not None:
        given["hidden_sizes"] = list(plan.hidden)
    model = kind(device="cpu", random_state=plan.seed, n_threads=plan.n_threads, **given)
    if not isinstance(X, pd.DataFrame) or not X[NUMBERS(X)].isna().any(axis=None):
        return model
    imputer = ColumnTransformer(
        [("numbers", SimpleImputer(strategy="median", add_indicator=True), NUMBERS)],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    return make_pipeline(imputer.set_output(transform="pandas"), model)


def _without_stopping(plan: Plan) -> dict[str, Any]:
    """Where networks of equal size are timed, none stops before its last epoch."""
    return {} if plan.hidden is None or plan.n_epochs is None else {"n_iter_no_change": plan.n_epochs + 1, "tol": 0.0}


Make = Callable[[Plan, Any], Any]
CONTENDERS: dict[str, Make] = {
    "memograd": memograd,
    "scikit-learn MLP": sklearn_mlp,
    "HistGradientBoosting": trees,
    "RealMLP-TD-S": realmlp,
    "memograd, sklearn preset": memograd_sklearn,
}
