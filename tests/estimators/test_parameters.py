"""What the parameters of an estimator mean as a recipe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memograd.errors import BadSetting, UnknownName
from memograd.estimators.classifier import MLPClassifier
from memograd.estimators.parameters import recipe_of
from memograd.estimators.regressor import MLPRegressor
from memograd.nn.classification import BinaryCrossEntropy, CrossEntropy
from memograd.nn.optimizers import SGD, Adam, AdamW
from memograd.nn.regression import AbsoluteError, Huber, Pinball, Poisson, SquaredError
from memograd.nn.schedules import Constant, CosLog, FlatCosine
from memograd.train.recipe import InverseScaling, Recipe, preset


def classifier(n_classes: int = 3, seed: int = 0, **parameters: Any) -> Recipe:
    """Return the recipe of a classifier."""
    given = MLPClassifier(**parameters).get_params()
    return recipe_of(given, "classification", n_rows=100, n_classes=n_classes, seed=seed)


def regressor(**parameters: Any) -> Recipe:
    """Return the recipe of a regressor."""
    return recipe_of(MLPRegressor(**parameters).get_params(), "regression", n_rows=100, n_classes=None, seed=0)


def test_defaults() -> None:
    """Without parameters the recipe is the preset's."""
    assert classifier() == preset("tuned", "classification")
    assert regressor() == preset("tuned", "regression")
    assert regressor(preset="sklearn") == preset("sklearn", "regression")


def test_auto() -> None:
    """ "auto" means what None means, wherever scikit-learn's users may write it."""
    names = ("hidden_layer_sizes", "activation", "batch_size", "alpha", "learning_rate", "max_iter", "early_stopping")
    assert classifier(**dict.fromkeys(names, "auto")) == classifier()


@pytest.mark.parametrize(
    ("parameters", "hidden"),
    [
        ({"hidden_layer_sizes": (5, 4)}, (5, 4)),
        ({"hidden_layer_sizes": [5]}, (5,)),
        ({"hidden_layer_sizes": np.array([5, 4])}, (5, 4)),
        ({"hidden_layer_sizes": 7}, (7,)),
        ({"hidden_layer_sizes": ()}, ()),
        ({"n_layers": 2}, (256, 256)),
        ({"width": 9}, (9, 9, 9)),
        ({"n_layers": np.int64(1), "width": 3}, (3,)),
        ({"n_layers": 2, "preset": "sklearn"}, (100, 100)),
    ],
)
def test_hidden(parameters: dict[str, Any], hidden: tuple[int, ...]) -> None:
    """Hidden layers are given one by one, or by their number and width."""
    assert classifier(**parameters).hidden == hidden


def test_activations() -> None:
    """One name, scikit-learn's included, a function, or one of them for each layer."""
    assert classifier(activation="logistic").activation == "sigmoid"
    assert classifier(activation=np.sin).activation is np.sin
    assert classifier(activation=["logistic", np.sin, "relu"]).activation == ("sigmoid", np.sin, "relu")


def test_losses() -> None:
    """Regression losses have their parameters; classification losses their smoothing, and one score for two classes."""
    assert regressor(loss="pinball", quantile=0.9).loss == Pinball(0.9)
    assert regressor(loss="huber", delta=2.0).loss == Huber(2.0)
    assert regressor(loss="absolute_error").loss == AbsoluteError()
    assert regressor(loss=Huber(3.0)).loss == Huber(3.0)
    assert regressor(loss=None).loss == SquaredError()
    assert regressor(loss="poisson").loss == Poisson()
    assert not regressor(loss="poisson").standardizes
    assert classifier().loss == CrossEntropy(0.1)
    assert classifier(label_smoothing=0.0).loss == CrossEntropy()
    assert classifier(2, preset="sklearn").loss == BinaryCrossEntropy()
    assert classifier(2, preset="sklearn", label_smoothing=0.2).loss == BinaryCrossEntropy(0.2)


def test_solvers() -> None:
    """Each solver has its own parameters, and the preset's where none are given."""
    assert classifier(beta_1=0.8, epsilon=1e-7).settings.optimizer == Adam(0.04, 0.8, 0.95, 1e-7)
    assert classifier(weight_decay=0.1).settings.optimizer == AdamW(0.04, 0.9, 0.95, 1e-8, 0.1)
    assert classifier(solver="adamw", learning_rate_init=0.01).settings.optimizer == AdamW(0.01, beta2=0.95)
    sgd = classifier(solver="sgd", learning_rate_init=0.1, preset="sklearn").settings.optimizer
    assert sgd == SGD(0.1, 0.9, nesterov=True)
    assert classifier(solver="sgd", momentum=0.0).settings.optimizer == SGD(0.3)
    assert regressor(solver="sgd", learning_rate_init=0.1, preset="sklearn").settings.optimizer.learning_rate == 0.05
    lbfgs = classifier(solver="lbfgs", max_fun=7, tol=0.5)
    assert (lbfgs.lbfgs.max_evaluations, lbfgs.lbfgs.tolerance, lbfgs.validation_fraction) == (7, 0.5, 0.0)


def test_schedules() -> None:
    """Schedules by name; scikit-learn's own for SGD, which other solvers ignore, as there."""
    assert classifier().settings.schedule == CosLog()
    assert classifier(learning_rate="flat_cosine").settings.schedule == FlatCosine()
    schedule = np.cos
    assert classifier(learning_rate=schedule).settings.schedule is schedule
    assert classifier(learning_rate="adaptive").settings.schedule == Constant()
    assert not classifier(learning_rate="adaptive").lowers_rate
    scaled = classifier(learning_rate="invscaling", solver="sgd", power_t=0.7, max_iter=9).settings.schedule
    assert scaled == InverseScaling(0.7, 100, 9)
    adaptive = classifier(learning_rate="adaptive", solver="sgd", preset="sklearn")
    assert (adaptive.lowers_rate, adaptive.settings.patience) == (True, 10)
    assert classifier(learning_rate="adaptive", solver="sgd").settings.patience


def test_early_stopping() -> None:
    """Yes holds rows out and has patience; no holds nothing out; not said is the preset's."""
    yes, no = (classifier(early_stopping=choice) for choice in (True, False))
    assert (yes.validation_fraction, yes.keeps, yes.settings.patience) == (0.2, "best", 40)
    assert (no.validation_fraction, no.keeps, no.settings.patience) == (0.0, "last", None)
    theirs = classifier(early_stopping=True, preset="sklearn")
    assert (theirs.validation_fraction, theirs.keeps, theirs.settings.patience) == (0.1, "best", 10)
    assert theirs.settings.monitor == "score"
    assert classifier(early_stopping=True, validation_fraction=0.3, n_iter_no_change=3).validation_fraction == 0.3
    assert classifier(n_iter_no_change=3).settings.patience == 3
    assert classifier(n_iter_no_change=np.inf, preset="sklearn").settings.patience is None
    assert regressor(scoring="r2").settings.monitor == "score"


def test_rest() -> None:
    """All others go where they belong."""
    recipe = classifier(
        seed=5, alpha=0.1, dropout=0.2, layer_norm=True, n_ens=4, batch_size=9, max_iter=3, tol=0.1, engine="numpy",
        n_threads=1,
    )  # fmt: skip
    settings = recipe.settings
    assert (recipe.alpha, recipe.dropout, recipe.layer_norm, recipe.n_members) == (0.1, 0.2, True, 4)
    assert (settings.batch_size, settings.epochs, settings.tolerance, settings.seed) == (9, 3, 0.1, 5)
    assert (settings.engine, settings.n_threads) == ("numpy", 1)


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "preset": ({"preset": "tune"}, UnknownName, "did you mean 'tuned'"),
    "solver": ({"solver": "newton"}, UnknownName, "adam, adamw, sgd, lbfgs"),
    "size": ({"hidden_layer_sizes": (5, 0)}, BadSetting, "hidden_layer_sizes must be > 0, got 0"),
    "half a node": ({"hidden_layer_sizes": 2.5}, BadSetting, "hidden_layer_sizes"),
    "twice": ({"hidden_layer_sizes": 5, "width": 5}, BadSetting, "give one of both"),
    "width": ({"width": 0}, BadSetting, "width"),
    "layers": ({"n_layers": -1}, BadSetting, "n_layers"),
    "activation": ({"activation": "swosh"}, UnknownName, "swosh"),
    "decay": ({"weight_decay": 0.1, "solver": "adam"}, BadSetting, "weights decay by 'adamw' only"),
    "early": ({"early_stopping": "yes"}, BadSetting, "early_stopping"),
    "fraction": ({"validation_fraction": 1.5}, BadSetting, "validation_fraction"),
    "schedule": ({"learning_rate": "cosin"}, UnknownName, "did you mean 'cosine'"),
    "power": ({"learning_rate": "invscaling", "solver": "sgd", "power_t": -1}, BadSetting, "power_t"),
    "alpha": ({"alpha": -1}, BadSetting, "alpha"),
    "epochs": ({"max_iter": 0}, BadSetting, "epochs"),
    "n_ens": ({"n_ens": 0}, BadSetting, "n_members"),
    "dropout": ({"dropout": 1.0}, BadSetting, "dropout"),
    "shuffle": ({"shuffle": False}, BadSetting, "shuffle"),
    "engine": ({"engine": "gpu"}, UnknownName, "gpu"),
    "smoothing": ({"label_smoothing": 1.0}, BadSetting, "label_smoothing"),
    "random state": ({"random_state": "x"}, ValueError, "x"),
    "seed": ({"random_state": -1}, BadSetting, "seed"),
    "categories": ({"categorical_features": ["colour"]}, UnknownName, "colour"),
    "scoring": ({"scoring": "f0"}, UnknownName, "get_scorer_names"),
    "metric": ({"scoring": lambda x: x}, BadSetting, "y_true, y_pred"),
}


@pytest.mark.parametrize(("parameters", "error", "message"), BAD.values(), ids=BAD)
def test_bad(parameters: dict[str, Any], error: type[Exception], message: str) -> None:
    """A parameter that cannot be is an error of `fit` that names it; never one of the constructor."""
    estimator = MLPClassifier(**{"max_iter": 1, **parameters})
    with pytest.raises(error, match=message):
        estimator.fit(np.arange(40.0).reshape(20, 2), np.arange(20) % 2)


def test_bad_losses() -> None:
    """A loss that there is not, or with a quantile that there is not, is an error."""
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20.0)
    with pytest.raises(UnknownName, match="'cross_entropy': there is squared_error"):
        MLPRegressor("cross_entropy").fit(X, y)
    with pytest.raises(BadSetting, match="quantile"):
        MLPRegressor("pinball", quantile=1.0).fit(X, y)
