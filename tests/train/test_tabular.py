"""From a table to a model: what is held out stays out, and the score is the one that the model has there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from memograd.errors import DataError
from memograd.graph.tree import flatten
from memograd.train.loop import Epoch
from memograd.train.scores import accuracy, r2
from memograd.train.settings import Settings, default_optimizer
from memograd.train.split import holdout
from memograd.train.tabular import Problem, train_table

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3)) * [1, 100, 0.01] + [0, 1e4, 5]
SUM = ((X - X.mean(axis=0)) / X.std(axis=0)).sum(axis=1)
SETTINGS = Settings(epochs=60, optimizer=default_optimizer(0.01))


def classes(**changes: Any) -> Problem:
    """Return three classes, the third of which is rare."""
    values = np.digitize(SUM, [0.0, 3.0])
    problem = Problem(X, values, "classification", ("low", "middle", "high"), ("a", "b", "c"), "y")
    return dataclasses.replace(problem, **changes)


def numbers(**changes: Any) -> Problem:
    """Return numbers far from 0."""
    problem = Problem(X, 1e5 + 1e3 * SUM, "regression", (), ("a", "b", "c"), "y")
    return dataclasses.replace(problem, **changes)


def test_scores_of_classes() -> None:
    """The score of the best epoch is the model's own accuracy on the rows held out, which are of all classes."""
    problem = classes()
    trained = train_table(problem, hidden=(16,), settings=SETTINGS)
    rows, held = holdout(200, 0.2, 0, problem.values)
    names = np.array(problem.classes)[problem.values]
    assert (trained.n_train, trained.n_validation) == (len(rows), len(held))
    assert trained.score_name == "accuracy"
    assert trained.fit.best.validation_score == accuracy(names[held], trained.model.predict(X[held])) > 0.8
    assert set(names[held]) == set(problem.classes)


def test_scores_of_numbers() -> None:
    """The score of the best epoch is the model's own R² on the rows held out, in the target's own unit."""
    problem = numbers()
    trained = train_table(problem, hidden=(16,), settings=SETTINGS)
    _, held = holdout(200, 0.2, 0)
    found = r2(problem.values[held], trained.model.predict(X[held]))
    assert found == pytest.approx(trained.fit.best.validation_score, abs=1e-5)  # the training's target is float32
    assert trained.score_name == "r2"
    assert found > 0.9


@pytest.mark.parametrize("problem", [classes(), numbers()], ids=["classes", "numbers"])
def test_rows_held_out_are_not_learned_from(problem: Problem) -> None:
    """Other numbers in the rows held out change neither the scaling nor a step of the training."""
    labels = problem.values if problem.classes else None
    _, held = holdout(200, 0.2, 0, labels)
    other = problem.X.copy()
    other[held] *= 1.001
    one = train_table(problem, hidden=(4,), settings=Settings(epochs=3))
    two = train_table(dataclasses.replace(problem, X=other), hidden=(4,), settings=Settings(epochs=3))
    np.testing.assert_array_equal(one.model.scaling.mean, two.model.scaling.mean)
    np.testing.assert_array_equal(one.model.scaling.scale, two.model.scaling.scale)
    assert [epoch.loss for epoch in one.fit.history] == [epoch.loss for epoch in two.fit.history]
    assert [epoch.validation_loss for epoch in one.fit.history] != [epoch.validation_loss for epoch in two.fit.history]


def test_the_unit_of_a_column_is_nothing() -> None:
    """A column in another unit, by a power of two, which rounds nothing, gives the same parameters."""
    problem = numbers()
    one = train_table(problem, hidden=(4,), settings=Settings(epochs=3))
    two = train_table(
        dataclasses.replace(problem, X=X * [2.0**20, 1, 2.0**-20]), hidden=(4,), settings=Settings(epochs=3)
    )
    for ours, theirs in zip(flatten(one.model.parameters)[0], flatten(two.model.parameters)[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_interrupted() -> None:
    """Ctrl-C after an epoch gives the model of the best epoch so far."""

    def press(epoch: Epoch) -> None:
        if epoch.number == 4:
            raise KeyboardInterrupt

    trained = train_table(numbers(), hidden=(8,), settings=SETTINGS, on_epoch=press)
    assert (trained.fit.stopped, len(trained.fit.history)) == ("interrupted", 4)
    assert np.isfinite(trained.model.predict(X)).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: numbers(values=SUM[:-1]), r"X has shape \(200, 3\), and there are 199 values"),
        (lambda: numbers(columns=("a", "b")), "2 columns"),
        (lambda: numbers(X=X[:, 0]), "shape"),
        (lambda: numbers(X=np.where(X > 1e4, np.nan, X)), "missing or infinite"),
        (lambda: numbers(values=np.full(200, np.inf)), "missing or infinite"),
        (lambda: train_table(numbers(), hidden=(4,), settings=SETTINGS, validation_fraction=0.0), "hold out"),
    ],
)
def test_bad_problems(make: Callable[[], Any], message: str) -> None:
    """Tables whose parts do not fit, or with holes, are refused before anything is trained."""
    with pytest.raises(DataError, match=message):
        make()
