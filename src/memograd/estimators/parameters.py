"""From the parameters of an estimator to the recipe that they mean.

A parameter that is None leaves what the preset says. Owns scikit-learn's names and their meanings; knows no data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from memograd.errors import BadSetting, UnknownName
from memograd.nn.losses import LOSSES, resolve_loss
from memograd.nn.optimizers import SGD, Adam, AdamW
from memograd.nn.regression import SquaredError
from memograd.nn.settings import COUNT, FLAG, NOT_NEGATIVE, checked
from memograd.train.lbfgs import LBFGS
from memograd.train.recipe import InverseScaling, Recipe, Task, loss_of, preset

SOLVERS = ("adam", "adamw", "sgd", "lbfgs")
SKLEARN_ACTIVATIONS = {"logistic": "sigmoid"}
REGRESSION_LOSSES = ("squared_error", "absolute_error", "huber", "pinball", "poisson")
SGD_ONLY = ("invscaling", "adaptive")
"""Schedules that scikit-learn ignores for every solver but SGD."""

# Of an early stop, where the preset has none: most of RealMLP-TD-S's gain is in its last, longest wave.
PATIENCE = 40
SKLEARN_FRACTION = 0.1
# Of SGD with momentum 0.9, under the neural tangent parametrization. Digits, breast cancer and diabetes score 0.958,
# 0.965 and 0.287 after 100 epochs; with 0.1 it is 0.904, 0.951 and 0.310, with 1 it is 0.976, 0.979 and 0.237, and
# diabetes diverges with 2.
TUNED_SGD_RATE = 0.3

Parameters = Mapping[str, Any]


def recipe_of(parameters: Parameters, task: Task, *, n_rows: int, n_classes: int | None, seed: int) -> Recipe:
    """The recipe that an estimator's parameters mean.

    Parameters
    ----------
    parameters : mapping
        As `get_params` returns them.
    task : {"classification", "regression", "multilabel"}
    n_rows : int
        Of the table.
    n_classes : int or None
    seed : int

    Raises
    ------
    BadSetting, UnknownName
        Naming the parameter.

    Examples
    --------
    >>> from memograd.estimators.classifier import MLPClassifier
    >>> recipe = recipe_of(MLPClassifier(width=8).get_params(), "classification", n_rows=9, n_classes=2, seed=0)
    >>> recipe.hidden, recipe.settings.epochs
    ((8, 8, 8), 256)
    """
    recipe = preset(parameters["preset"], task)
    if parameters["preset"] == "sklearn" and task == "classification":
        recipe = dataclasses.replace(recipe, loss=loss_of(task, n_classes=n_classes))
    for change in (_network, _loss, _judging, _solver, _course):
        recipe = dataclasses.replace(recipe, **change(recipe, parameters))
    recipe = dataclasses.replace(recipe, **_schedule(recipe, parameters, n_rows))
    return dataclasses.replace(recipe, settings=dataclasses.replace(recipe.settings, seed=seed))


def _given(parameters: Parameters, **names: str) -> dict[str, Any]:
    """What is not left to the preset, under other names."""
    found = {name: parameters[parameter] for name, parameter in names.items()}
    return {name: value for name, value in found.items() if not _is_default(value)}


def _is_default(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value == "auto")


def _network(recipe: Recipe, parameters: Parameters) -> dict[str, Any]:
    given = _given(parameters, dropout="dropout", layer_norm="layer_norm", alpha="alpha", n_members="n_ens")
    hidden = _hidden(recipe, parameters)
    activation = parameters["activation"]
    if isinstance(activation, (list, tuple)):
        activation = tuple(map(_activation, activation))
    return {
        **given,
        "hidden": hidden,
        "activation": recipe.activation if _is_default(activation) else _activation(activation),
    }


def _hidden(recipe: Recipe, parameters: Parameters) -> tuple[int, ...]:
    sizes, n_layers, width = (parameters[name] for name in ("hidden_layer_sizes", "n_layers", "width"))
    if n_layers is None and width is None:
        sizes = recipe.hidden if _is_default(sizes) else sizes
        sizes = tuple(sizes) if np.iterable(sizes) else (sizes,)
        return tuple(_size(size, sizes) for size in sizes)
    if not _is_default(sizes):
        raise BadSetting(
            f"hidden_layer_sizes={sizes!r} with n_layers={n_layers!r} and width={width!r}: give one of both"
        )
    n_layers = len(recipe.hidden) if n_layers is None else checked("MLP", "n_layers", n_layers, COUNT)
    width = recipe.hidden[0] if width is None else checked("MLP", "width", width, COUNT)
    return (width,) * n_layers


def _size(size: Any, sizes: tuple[Any, ...]) -> int:
    if not COUNT.accepts(size):
        raise BadSetting(f"hidden_layer_sizes={sizes!r}: hidden_layer_sizes must be > 0, got {size!r}; give integers")
    return int(size)


def _activation(activation: Any) -> Any:
    return SKLEARN_ACTIVATIONS.get(activation, activation) if isinstance(activation, str) else activation


def _loss(recipe: Recipe, parameters: Parameters) -> dict[str, Any]:
    if "loss" not in parameters:
        smoothing = parameters["label_smoothing"]
        return {} if smoothing is None else {"loss": dataclasses.replace(_record(recipe), label_smoothing=smoothing)}
    loss = parameters["loss"]
    if not isinstance(loss, str):
        return {"loss": recipe.loss if loss is None else loss}
    if loss not in REGRESSION_LOSSES:
        raise UnknownName(f"loss={loss!r}: there is {', '.join(REGRESSION_LOSSES)}; or give a function")
    settings = {"pinball": {"quantile": parameters["quantile"]}, "huber": {"delta": parameters["delta"]}}
    return {"loss": LOSSES.members[loss](**settings.get(loss, {}))}


def _record(recipe: Recipe) -> Any:
    return resolve_loss(recipe.loss)


def _judging(recipe: Recipe, parameters: Parameters) -> dict[str, Any]:
    """What is held out, and which epoch is kept."""
    if parameters["scoring"] is not None:
        recipe = dataclasses.replace(recipe, settings=dataclasses.replace(recipe.settings, monitor="score"))
    early = parameters["early_stopping"]
    given = _given(parameters, validation_fraction="validation_fraction")
    settings = recipe.settings
    if _is_default(early):
        return {**given, "settings": settings}
    if not checked("MLP", "early_stopping", early, FLAG):
        return {"validation_fraction": 0.0, "keeps": "last", "settings": settings}
    fraction = {"validation_fraction": recipe.validation_fraction or SKLEARN_FRACTION, **given}
    if parameters["preset"] == "sklearn":
        settings = dataclasses.replace(settings, monitor="score")
    elif settings.patience is None:
        settings = dataclasses.replace(settings, patience=PATIENCE)
    return {**fraction, "keeps": "best", "settings": settings}


def _solver(recipe: Recipe, parameters: Parameters) -> dict[str, Any]:
    solver = parameters["solver"]
    if _is_default(solver):
        solver = "adamw" if parameters["weight_decay"] is not None else "adam"
    if solver not in SOLVERS:
        raise UnknownName(f"solver={solver!r}: there is {', '.join(SOLVERS)}")
    if parameters["weight_decay"] is not None and solver != "adamw":
        raise BadSetting(
            f"weight_decay with solver={solver!r}: weights decay by 'adamw' only; for others there is alpha"
        )
    if solver == "lbfgs":
        tolerance = parameters["tol"]
        lbfgs = LBFGS(parameters["max_fun"], 1e-4 if tolerance is None else tolerance)
        return {"lbfgs": lbfgs, "validation_fraction": 0.0, "keeps": "last"}
    settings = dataclasses.replace(recipe.settings, optimizer=_OPTIMIZERS[solver](recipe, parameters))
    return {"settings": settings}


def _adam(recipe: Recipe, parameters: Parameters) -> Adam:
    names = {"learning_rate": "learning_rate_init", "beta1": "beta_1", "beta2": "beta_2", "epsilon": "epsilon"}
    adam: Adam = dataclasses.replace(recipe.settings.optimizer, **_given(parameters, **names))
    return adam


def _adamw(recipe: Recipe, parameters: Parameters) -> AdamW:
    adam = _adam(recipe, parameters)
    decay = _given(parameters, weight_decay="weight_decay")
    return AdamW(adam.learning_rate, adam.beta1, adam.beta2, adam.epsilon, **decay)


def _sgd(recipe: Recipe, parameters: Parameters) -> SGD:
    momentum = parameters["momentum"]
    rate = parameters["learning_rate_init"]
    default = TUNED_SGD_RATE if recipe.parametrization == "neural_tangent" else recipe.settings.optimizer.learning_rate
    rate = default if _is_default(rate) else rate
    # The gradient of scikit-learn's squared error, ½ (ŷ − y)², is half of that of (ŷ − y)².
    halved = parameters["preset"] == "sklearn" and isinstance(recipe.loss, SquaredError)
    return SGD(rate / 2 if halved else rate, momentum, bool(parameters["nesterovs_momentum"]) and momentum > 0)


_OPTIMIZERS: Mapping[str, Callable[[Recipe, Parameters], Any]] = {"adam": _adam, "adamw": _adamw, "sgd": _sgd}


def _course(recipe: Recipe, parameters: Parameters) -> dict[str, Any]:
    names = {
        "epochs": "max_iter",
        "batch_size": "batch_size",
        "patience": "n_iter_no_change",
        "tolerance": "tol",
        "engine": "engine",
        "n_threads": "n_threads",
    }
    given = _given(parameters, **names)
    if given.get("patience") == np.inf:
        given["patience"] = None
    if "batch_size" in given:
        given["is_batch_even"] = False
    return {"settings": dataclasses.replace(recipe.settings, **given)}


def _schedule(recipe: Recipe, parameters: Parameters, n_rows: int) -> dict[str, Any]:
    schedule, settings = parameters["learning_rate"], recipe.settings
    if _is_default(schedule):
        return {}
    if not isinstance(schedule, str) or schedule not in SGD_ONLY:
        return {"settings": dataclasses.replace(settings, schedule=schedule)}
    constant = dataclasses.replace(settings, schedule="constant")
    if parameters["solver"] != "sgd":
        return {"settings": constant}
    if schedule == "adaptive":
        return {"lowers_rate": True, "settings": dataclasses.replace(constant, patience=settings.patience or PATIENCE)}
    power = checked("MLP", "power_t", parameters["power_t"], NOT_NEGATIVE)
    return {"settings": dataclasses.replace(settings, schedule=InverseScaling(power, n_rows, settings.epochs))}


def set_parameters(estimator: Any, arguments: Mapping[str, Any]) -> None:
    """Set the arguments of a constructor, as it got them, and nothing else."""
    for name, value in arguments.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)
