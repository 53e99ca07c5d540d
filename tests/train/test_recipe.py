"""Recipes: what the presets choose, and what cannot be chosen."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from memograd.errors import BadSetting, UnknownName
from memograd.nn.classification import BinaryCrossEntropy, CrossEntropy, MultiLabelCrossEntropy
from memograd.nn.optimizers import Adam
from memograd.nn.regression import Poisson, SquaredError
from memograd.table.columns import as_table
from memograd.table.encoder import Encoder
from memograd.train.lbfgs import LBFGS
from memograd.train.recipe import PRESETS, TASKS, InverseScaling, Recipe, Task, loss_of, preset
from memograd.train.settings import Settings


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", PRESETS)
def test_presets(name: str, task: Task) -> None:
    """Every preset has a recipe for every task, whose network can be made and written down."""
    recipe = preset(name, task)
    encoder = Encoder.fit(as_table(np.arange(6.0).reshape(3, 2)))
    network = recipe.network(encoder, 3)
    assert network.sizes == (2, *recipe.hidden, 3)
    assert type(network).from_config(network.to_config()) == network


@pytest.mark.parametrize(
    ("task", "rate", "activation"), [("classification", 0.04, "selu"), ("regression", 0.07, "mish")]
)
def test_tuned(task: Task, rate: float, activation: str) -> None:
    """The tuned preset is RealMLP-TD-S, number by number (Holzmüller et al. 2024, table A.1)."""
    recipe = preset("tuned", task)
    settings = recipe.settings
    assert (recipe.hidden, recipe.activation) == ((256, 256, 256), activation)
    assert recipe.loss == (CrossEntropy(0.1) if task == "classification" else SquaredError())
    assert (recipe.parametrization, recipe.scaled_input, recipe.zero_output) == ("neural_tangent", True, True)
    assert settings.optimizer == Adam(rate, beta1=0.9, beta2=0.95)
    assert (settings.epochs, settings.batch_size, settings.patience, settings.ties) == (256, 256, None, "last")
    assert (recipe.keeps, recipe.clips, recipe.standardizes, recipe.alpha) == ("best", True, True, 0.0)


def test_sklearn() -> None:
    """The other preset has scikit-learn's defaults, of which its own estimator tells."""
    from sklearn.neural_network import MLPClassifier

    theirs, recipe = MLPClassifier(), preset("sklearn", "classification")
    settings = recipe.settings
    assert (recipe.hidden, recipe.activation, recipe.alpha) == (
        theirs.hidden_layer_sizes,
        theirs.activation,
        theirs.alpha,
    )
    assert settings.optimizer == Adam(theirs.learning_rate_init, theirs.beta_1, theirs.beta_2, theirs.epsilon)
    assert (settings.epochs, settings.patience) == (theirs.max_iter, theirs.n_iter_no_change)
    assert (settings.tolerance, settings.batch_size, recipe.keeps) == (theirs.tol, 200, "last")


def test_loss_of() -> None:
    """Every task has a loss; one score stands for two classes, if that is asked for."""
    assert loss_of("classification", n_classes=2) == BinaryCrossEntropy()
    assert loss_of("classification", n_classes=3, label_smoothing=0.1) == CrossEntropy(0.1)
    assert loss_of("multilabel") == MultiLabelCrossEntropy()
    assert loss_of("regression") == SquaredError()


def test_penalty() -> None:
    """The penalty is scikit-learn's: by the rows of a minibatch, and doubled where its loss is half of ours."""
    settings = Settings(batch_size=50)
    assert Recipe(settings=settings, alpha=0.1).settings_for(1000).l2 == pytest.approx(0.1 / 50)
    assert Recipe(settings=settings, alpha=0.1).settings_for(20).l2 == pytest.approx(0.1 / 20)
    assert Recipe(settings=settings, alpha=0.1, loss="squared_error").settings_for(1000).l2 == pytest.approx(0.2 / 50)
    assert Recipe(settings=settings, alpha=0.1, lbfgs=LBFGS()).settings_for(1000).l2 == pytest.approx(0.1 / 1000)
    assert Recipe(settings=settings).settings_for(10) is settings


def test_counts_are_not_standardized() -> None:
    """A Poisson loss is of counts, to which zero means something."""
    assert not Recipe(loss=Poisson()).standardizes


def test_inverse_scaling() -> None:
    """The schedule is scikit-learn's: a power of the number of rows seen in whole epochs."""
    schedule = InverseScaling(0.5, n_rows=30, epochs=7)
    for epoch in range(7):
        for step in range(3):
            expected = 1 / (epoch * 30 + 1) ** 0.5
            assert float(schedule((epoch + (step + 0.5) / 3) / 7)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"validation_fraction": 1.0}, BadSetting, "validation_fraction=1.0"),
        ({"validation_fraction": -0.1}, BadSetting, r"\[0, 1\)"),
        ({"validation_fraction": True}, BadSetting, "validation_fraction"),
        ({"alpha": -1}, BadSetting, "alpha"),
        ({"n_members": 0}, BadSetting, "n_members"),
        ({"keeps": "first"}, UnknownName, "'best' and 'last'"),
        ({"loss": "hinge"}, UnknownName, "hinge"),
    ],
)
def test_bad(changes: dict[str, object], error: type[Exception], message: str) -> None:
    """What cannot be chosen is an error that names it."""
    with pytest.raises(error, match=message):
        dataclasses.replace(Recipe(), **changes)  # type: ignore[arg-type]


def test_unknown_preset() -> None:
    """A preset that is not there is an error that lists those that are."""
    with pytest.raises(UnknownName, match="did you mean 'tuned'"):
        preset("tunde", "regression")
