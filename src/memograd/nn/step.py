"""One step of training as one function, which can be traced into one graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from memograd.gradient.transforms import value_and_grad
from memograd.graph.tree import flatten
from memograd.nn.arrays import Array, Parameters, is_weight
from memograd.nn.layer import Noise, rate_factors
from memograd.nn.network import Trainable
from memograd.nn.optimizers import OptimizerLike, State, resolve_optimizer
from memograd.nn.schedules import ScheduleLike, resolve_schedule
from memograd.nn.settings import NOT_NEGATIVE, checked


@final
@dataclass(frozen=True, slots=True)
class Clock:
    """When a step happens; it says all that differs between steps but the data.

    Attributes
    ----------
    progress : () float
        The share of the training that is done, in [0, 1]; read by the schedule.
    noise : Noise or None
        Read by dropout.
    """

    progress: Array
    noise: Noise | None = None


# (parameters, optimiser's state, X, y, weight or None, clock) -> (parameters, optimiser's state, loss)
Step: TypeAlias = Callable[[Parameters, State, Array, Array, Array | None, Clock], tuple[Parameters, State, Array]]


def training_step(
    network: Trainable,
    optimizer: OptimizerLike = "adam",
    schedule: ScheduleLike = "constant",
    *,
    l2: float = 0.0,
) -> Step:
    """The function that makes one step of training. It can be called as it is, and traced.

    Parameters
    ----------
    network : MLP, Network, or what has their `loss_value`
    optimizer : str or Optimizer
    schedule : str or callable
    l2 : float
        Adds ½ l2 Σ W² over the weights, the arrays of two or more axes, to what is minimized.

    Returns
    -------
    step : callable
        ``(parameters, optimizer_state, X, y, weight, clock) -> (parameters, optimizer_state, loss)``. The loss is
        that before the step, and of the data alone: so it compares with that of a validation set, and no graph of the
        step holds the sum of squares, only its derivative.

    Raises
    ------
    BadSetting
        Unless `l2` is at least 0.
    UnknownName
        When there is no such optimiser or schedule.

    Examples
    --------
    >>> from memograd.nn.mlp import MLP
    >>> from memograd.nn.optimizers import SGD
    >>> network = MLP((1, 1))
    >>> step = training_step(network, SGD(learning_rate=0.25))
    >>> parameters = [{"W": np.zeros((1, 1)), "b": np.zeros(1)}]
    >>> X, y = np.array([[1.0]]), np.array([2.0])
    >>> parameters, _, loss = step(parameters, {}, X, y, None, Clock(progress=0.0))
    >>> parameters, float(loss)
    ([{'W': array([[1.]]), 'b': array([1.])}], 4.0)
    """
    l2 = checked("training_step", "l2", l2, NOT_NEGATIVE)
    optimizer = resolve_optimizer(optimizer)
    schedule = resolve_schedule(schedule)

    def objective(
        parameters: Parameters, X: Array, y: Array, weight: Array | None, noise: Noise | None
    ) -> tuple[Array, Array]:
        loss = network.loss_value(parameters, X, y, weight, noise)
        return loss + _penalty(parameters, l2) if l2 else loss, loss

    with_gradients = value_and_grad(objective, has_aux=True)

    def step(
        parameters: Parameters, optimizer_state: State, X: Array, y: Array, weight: Array | None, clock: Clock
    ) -> tuple[Parameters, State, Array]:
        (_, loss), gradients = with_gradients(parameters, X, y, weight, clock.noise)
        factors = rate_factors(network, parameters)
        # Left out where all are 1, so that an optimiser of one's own need not know of them.
        others: dict[str, Any] = {"rate_factors": factors} if set(flatten(factors)[0]) - {1.0} else {}
        factor = schedule(clock.progress)
        moved, optimizer_state = optimizer.update(parameters, gradients, optimizer_state, factor, **others)
        return moved, optimizer_state, loss

    return step


def _penalty(parameters: Parameters, l2: float) -> Array:
    """½ l2 Σ W²."""
    leaves, _ = flatten(parameters)
    return sum((0.5 * l2) * np.sum(np.square(leaf)) for leaf in leaves if is_weight(leaf))
