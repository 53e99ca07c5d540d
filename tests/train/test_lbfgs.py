"""L-BFGS on all rows at once."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from memograd.errors import BadSetting, DataError
from memograd.nn.mlp import MLP
from memograd.train.history import Epoch
from memograd.train.lbfgs import LBFGS, fit_lbfgs
from memograd.train.rows import Rows
from memograd.train.settings import Settings

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4)).astype(np.float32)
NUMBERS = (X @ np.array([1.0, -2.0, 0.0, 0.5], np.float32) + 3)[:, None]
CLASSES = (X[:, 0] + 0.7 * RNG.normal(size=200) > 0).astype(np.int64)
WEIGHT = RNG.uniform(0.1, 2, 200)
EXACT = LBFGS(tolerance=1e-9)


@pytest.mark.parametrize("engine", ["native", "numpy"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_ridge(engine: str, weight: np.ndarray | None) -> None:
    """A linear network with a penalty is scikit-learn's ridge regression."""
    fitted = fit_lbfgs(
        MLP((4, 1)), Rows(X, NUMBERS, weight), settings=Settings(l2=0.3, epochs=500, engine=engine), lbfgs=EXACT
    )
    total = len(X) if weight is None else weight.sum()
    ridge = Ridge(alpha=0.15 * total).fit(X.astype(float), NUMBERS[:, 0], weight)
    np.testing.assert_allclose(fitted.parameters[0]["W"][:, 0], ridge.coef_, atol=1e-5)
    assert fitted.parameters[0]["b"][0] == pytest.approx(ridge.intercept_, abs=1e-5)


def test_logistic_regression() -> None:
    """A network of one score is scikit-learn's logistic regression."""
    network = MLP((4, 1), loss="binary_cross_entropy")
    fitted = fit_lbfgs(network, Rows(X, CLASSES), settings=Settings(l2=1 / 200, epochs=500), lbfgs=EXACT)
    theirs = LogisticRegression(tol=1e-9, max_iter=1000).fit(X.astype(float), CLASSES)
    np.testing.assert_allclose(fitted.parameters[0]["W"][:, 0], theirs.coef_[0], atol=1e-4)


def test_reproducible() -> None:
    """The same twice is the same, and another seed starts elsewhere."""
    network = MLP((4, 8, 1), "tanh")
    first, again, other = (
        fit_lbfgs(network, Rows(X, NUMBERS), settings=Settings(epochs=5, seed=seed), lbfgs=LBFGS()).parameters[0]["W"]
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_epochs() -> None:
    """An iteration is an epoch: it is told, counted, and there are no more than allowed."""
    told: list[Epoch] = []
    rows, network = Rows(X, NUMBERS), MLP((4, 8, 1), "tanh")
    fitted = fit_lbfgs(network, rows, settings=Settings(epochs=7), lbfgs=LBFGS(tolerance=0), on_epoch=told.append)
    assert [epoch.number for epoch in told] == list(range(1, 8))
    assert tuple(told) == fitted.history
    assert (fitted.stopped, fitted.state.epoch, fitted.memo.epochs_trained) == ("finished", 7, 7)
    losses = [epoch.loss for epoch in told]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(float(network.loss_value(fitted.parameters, X, NUMBERS)), rel=1e-4)


def test_start() -> None:
    """It starts from a state's parameters, and counts on."""
    rows, network = Rows(X, NUMBERS), MLP((4, 8, 1), "tanh")
    first = fit_lbfgs(network, rows, settings=Settings(epochs=5), lbfgs=LBFGS())
    second = fit_lbfgs(network, rows, settings=Settings(epochs=5), lbfgs=LBFGS(), start=first.state)
    assert second.history[0].number == 6
    assert second.history[0].loss < first.history[-1].loss


def test_nothing_to_do() -> None:
    """Where the gradient is zero from the start, there is one epoch, which changes nothing."""
    zero = np.zeros((5, 1), np.float32)
    fitted = fit_lbfgs(MLP((1, 1)), Rows(zero, zero), settings=Settings(), lbfgs=LBFGS())
    assert (len(fitted.history), fitted.best.loss, fitted.stopped) == (1, 0.0, "early")


def test_bad() -> None:
    """No rows, and settings that cannot be, are errors."""
    with pytest.raises(DataError, match="no rows"):
        fit_lbfgs(MLP((4, 1)), Rows(X[:0], NUMBERS[:0]), settings=Settings(), lbfgs=LBFGS())
    with pytest.raises(BadSetting, match="max_evaluations"):
        LBFGS(max_evaluations=0)
    with pytest.raises(BadSetting, match="tolerance"):
        LBFGS(tolerance=-1)
