"""A model: its parts fit each other, and every prediction is a class or a finite number."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import StandardScaler

from memograd.errors import BadSetting, DataError
from memograd.nn.mlp import MLP
from memograd.train.model import Model, Scaling

FLOAT32_MAX = float(np.finfo(np.float32).max)
NUMBERS = st.floats(-FLOAT32_MAX, FLOAT32_MAX, width=32)
TABLES = hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=NUMBERS)


@given(TABLES)
def test_scaled(X: np.ndarray) -> None:
    """Whatever float32 can hold is scaled to finite numbers of mean 0, and of deviation 1 unless all are alike."""
    scaled = Scaling.of(X).apply(X)
    assert scaled.dtype == np.float32
    assert np.isfinite(scaled).all()
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    deviation = scaled.std(axis=0)
    varies = deviation > 0.5
    np.testing.assert_allclose(deviation[varies], 1, atol=1e-5)
    # What is left as it was is constant, but for rounding.
    spread = np.ptp(X[:, ~varies], axis=0)
    assert (spread <= 3e-12 * np.abs(X[:, ~varies]).max(axis=0, initial=0.0)).all()


def test_scaled_as_by_scikit_learn() -> None:
    """Scaling is that of scikit-learn's StandardScaler."""
    X = np.random.default_rng(0).normal(size=(50, 4)) * [1, 1e-3, 1e6, 0] + [0, 5, 1e6, 0.1]
    np.testing.assert_allclose(Scaling.of(X).apply(X), StandardScaler().fit_transform(X), atol=1e-5)


def scaling(n: int) -> Scaling:
    """Return a scaling that does nothing."""
    return Scaling(np.zeros(n), np.ones(n))


def classifier(**changes: Any) -> Model:
    """Return a classifier of two columns and three classes."""
    network = MLP((2, 4, 3), "tanh", "cross_entropy")
    model = Model(network, network.init(0), "classification", "y", ("a", "b"), ("x", "y", "z"), scaling(2), scaling(1))
    return dataclasses.replace(model, **changes)


def regressor(**changes: Any) -> Model:
    """Return a regressor of two columns."""
    network = MLP((2, 4, 1), "tanh")
    model = Model(network, network.init(0), "regression", "y", ("a", "b"), (), scaling(2), scaling(1))
    return dataclasses.replace(model, **changes)


X = np.random.default_rng(1).normal(size=(7, 2))


def test_predictions_of_classes() -> None:
    """A classifier gives, for each row, the name of the class of the highest score."""
    model = classifier()
    scores = model.network(model.parameters, X.astype(np.float32))
    assert model.predict(X).tolist() == [("x", "y", "z")[index] for index in scores.argmax(axis=1)]
    assert len(set(model.predict(X))) > 1


def test_predictions_of_one_score() -> None:
    """One score can stand for two classes."""
    network = MLP((2, 4, 1), "tanh", "binary_cross_entropy")
    model = classifier(network=network, parameters=network.init(0), classes=("no", "yes"))
    scores = network(model.parameters, X.astype(np.float32))[:, 0]
    assert model.predict(X).tolist() == ["yes" if score > 0 else "no" for score in scores]


def test_predictions_of_numbers() -> None:
    """A regressor scales its columns, and scales its prediction back."""
    model = regressor(scaling=Scaling(np.array([1.0, 2.0]), np.array([2.0, 4.0])))
    scores = model.network(model.parameters, ((X - [1, 2]) / [2, 4]).astype(np.float32))[:, 0]
    shifted = dataclasses.replace(model, target_scaling=Scaling(np.array([100.0]), np.array([10.0])))
    np.testing.assert_array_equal(model.predict(X), scores.astype(np.float64), strict=True)
    np.testing.assert_array_equal(shifted.predict(X), scores.astype(np.float64) * 10 + 100)


def test_one_row_as_many() -> None:
    """A row's prediction is the same among others, but for rounding, and no row at all has none."""
    model = regressor()
    for index in range(len(X)):
        np.testing.assert_allclose(model.predict(X[index : index + 1]), model.predict(X)[index : index + 1], rtol=1e-5)
    assert model.predict(X[:0]).shape == (0,)


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e300])
def test_rows_without_prediction(make: Callable[..., Model], bad: float) -> None:
    """A row whose scores are not finite is named; in particular a NaN is not made a class."""
    network = MLP((2, 4, 3 if make is classifier else 1), "relu", make().network.loss)
    model = make(network=network, parameters=[{"W": layer["W"] + 1, "b": layer["b"]} for layer in network.init(0)])
    rows = X.copy()
    rows[2] = rows[5] = [-bad, 0.0]
    with pytest.raises(DataError, match=r"^row 3 has no finite prediction.*\(2 of 7 rows"):
        model.predict(rows)


def test_predictions_that_overflow_at_the_end() -> None:
    """A finite score that overflows when it is scaled back is no prediction either."""
    model = regressor(target_scaling=Scaling(np.array([1.7e308]), np.array([1.7e308])))
    with pytest.raises(DataError, match="no finite prediction"):
        model.predict(X)


@pytest.mark.parametrize("shape", [(7, 1), (7, 3), (2,), (1, 7, 2)])
def test_other_columns(shape: tuple[int, ...]) -> None:
    """Numbers of another shape are refused."""
    with pytest.raises(DataError, match=r"takes \(n_rows, 2\) numbers"):
        regressor().predict(np.zeros(shape))


@pytest.mark.parametrize(
    ("make", "changes", "message"),
    [
        (classifier, {"task": "ranking"}, "task is 'ranking'"),
        (classifier, {"target": 3}, "no text"),
        (classifier, {"columns": ("a", None)}, "no text"),
        (classifier, {"classes": ("x", "y", "\ud800")}, "no text"),
        (classifier, {"columns": ("a", "a")}, "same name"),
        (classifier, {"columns": ("a", "y")}, "same name"),
        (classifier, {"columns": ("a",)}, "not the 2 inputs"),
        (classifier, {"classes": ("x", "x", "z")}, "same name"),
        (classifier, {"classes": ("x", "z")}, "outputs"),
        (classifier, {"scaling": scaling(3)}, "not of the columns"),
        (classifier, {"target_scaling": scaling(2)}, "not of one column"),
        (classifier, {"task": "regression", "classes": ()}, "outputs"),
        (classifier, {"network": MLP((2, 4, 3))}, "outputs"),
        (regressor, {"network": MLP((2, 4, 2))}, "outputs"),
        (regressor, {"classes": ("x",)}, "has classes"),
        (regressor, {"task": "classification", "classes": ("x",)}, "outputs"),
    ],
)
def test_parts_that_do_not_fit(make: Callable[..., Model], changes: dict[str, Any], message: str) -> None:
    """A model of parts that do not fit each other cannot be made, and the error says which."""
    with pytest.raises(BadSetting, match=message):
        make(**changes)


@pytest.mark.parametrize(
    ("mean", "scale"),
    [
        (np.zeros(2), np.ones(3)),
        (np.zeros((2, 1)), np.ones((2, 1))),
        (np.zeros(()), np.ones(())),
        (np.zeros(2, np.float32), np.ones(2, np.float32)),
        (np.zeros(2), np.ones(2, np.int64)),
        (np.array([0, np.nan]), np.ones(2)),
        (np.zeros(2), np.array([1, np.inf])),
        (np.zeros(2), np.array([1.0, 0.0])),
        (np.zeros(2), np.array([1.0, -1.0])),
    ],
)
def test_bad_scalings(mean: np.ndarray, scale: np.ndarray) -> None:
    """A scaling is two rows of finite numbers of float64, its scales above 0."""
    with pytest.raises(BadSetting, match="a scaling"):
        Scaling(mean, scale)
