"""Optimisers: from parameters, gradients and a state to new parameters and a new state. NumPy code on trees of arrays.

Steps are counted, and everything that is the same for all parameters is computed, once a step, as scalars. Weights,
the arrays of two or more axes, are decayed; biases, scales and shifts are not.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from memograd.errors import BadSetting
from memograd.graph.tree import flatten, leaves_like, map_leaves, unflatten
from memograd.nn.arrays import Array, Parameters, cast, is_weight
from memograd.nn.families import Family
from memograd.nn.settings import BELOW_ONE, FLAG, NOT_NEGATIVE, POSITIVE, settle

# A nested container of arrays; what is in it is the optimiser's affair.
State: TypeAlias = Any


class Optimizer(ABC):
    """How parameters move against their gradient."""

    __slots__ = ()

    @abstractmethod
    def init(self, parameters: Parameters) -> State:
        """The state before the first step; its arrays have the dtypes of the parameters."""

    @abstractmethod
    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        state: State,
        learning_rate_factor: Array = 1.0,
        *,
        rate_factors: Parameters | None = None,
    ) -> tuple[Parameters, State]:
        """One step.

        Parameters
        ----------
        parameters, gradients : trees of one structure
        state : as from `init` or the last step
        learning_rate_factor : () float or Python number
            From the schedule.
        rate_factors : tree of Python floats, of the structure of the parameters, or None
            What multiplies the learning rate of each parameter besides; None for 1.

        Returns
        -------
        parameters, state : trees of the structures that came in

        Raises
        ------
        StructureError
            When gradients or state belong to other parameters.
        """


@final
@dataclass(frozen=True, slots=True)
class SGD(Optimizer):
    """Steps against the gradient, or against the discounted sum of the gradients so far.

    With d = Σ μ^age g: w ← w − η d, or w ← w − η (g + μ d) with Nesterov's momentum. This is the form without
    dampening of Sutskever, Martens, Dahl, Hinton 2013, "On the importance of initialization and momentum", with the
    learning rate outside the sum, as PyTorch has it.

    Raises
    ------
    BadSetting
        Unless `learning_rate` is positive and `momentum` in [0, 1), or when `nesterov` has no momentum to look ahead.

    Examples
    --------
    >>> optimizer = SGD(learning_rate=0.5, momentum=0.9)
    >>> weight = {"w": np.array([1.0])}
    >>> state = optimizer.init(weight)
    >>> for _ in range(2):
    ...     weight, state = optimizer.update(weight, {"w": np.array([1.0])}, state)
    >>> weight
    {'w': array([-0.45])}
    """

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        settle(self, learning_rate=POSITIVE, momentum=BELOW_ONE, nesterov=FLAG)
        if self.nesterov and not self.momentum:
            raise BadSetting(
                "SGD(nesterov=True, momentum=0.0): nesterov looks ahead along the momentum; "
                "give a momentum, such as 0.9"
            )

    def init(self, parameters: Parameters) -> State:
        """A sum of 0 for each parameter; nothing without momentum."""
        return {"gradient_sum": map_leaves(np.zeros_like, parameters)} if self.momentum else {}

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        state: State,
        learning_rate_factor: Array = 1.0,
        *,
        rate_factors: Parameters | None = None,
    ) -> tuple[Parameters, State]:
        """One step; see `Optimizer.update`."""
        rate = self.learning_rate * learning_rate_factor
        if not self.momentum:
            return _moved(rate, parameters, gradients, rate_factors), {}
        sums = map_leaves(lambda d, g: self.momentum * d + g, state["gradient_sum"], gradients)
        steps = map_leaves(lambda g, d: g + self.momentum * d, gradients, sums) if self.nesterov else sums
        return _moved(rate, parameters, steps, rate_factors), {"gradient_sum": sums}


def _moved(rate: Array, parameters: Parameters, steps: Parameters, rate_factors: Parameters | None) -> Parameters:
    return map_leaves(
        lambda w, step, f: w - cast(_times(rate, f), w.dtype) * step,
        parameters,
        steps,
        _or_ones(rate_factors, parameters),
    )


def _or_ones(rate_factors: Parameters | None, parameters: Parameters) -> Parameters:
    return map_leaves(lambda _: 1.0, parameters) if rate_factors is None else rate_factors


def _times(rate: Array, factor: float) -> Array:
    """The rate of a parameter; a factor of 1 leaves no operation in the graph."""
    return rate if factor == 1.0 else rate * factor


@final
@dataclass(frozen=True, slots=True)
class Adam(Optimizer):
    """Steps of about one learning rate: the mean of the gradients over the root of the mean of their squares.

    Source: Kingma and Ba 2015, "Adam", algorithm 1, with both corrections of the bias; without AMSGrad.

    Raises
    ------
    BadSetting
        Unless `learning_rate` and `epsilon` are positive and the betas in [0, 1).

    Examples
    --------
    >>> optimizer = Adam(learning_rate=0.1)
    >>> weight = np.array([1.0, 1.0])
    >>> weight, state = optimizer.update(weight, np.array([1e-3, -1e3]), optimizer.init(weight))
    >>> weight.round(4)
    array([0.9, 1.1])
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        settle(self, learning_rate=POSITIVE, beta1=BELOW_ONE, beta2=BELOW_ONE, epsilon=POSITIVE)

    def init(self, parameters: Parameters) -> State:
        """A count of 0, and two sums of 0 for each parameter."""
        return _adam_state(parameters)

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        state: State,
        learning_rate_factor: Array = 1.0,
        *,
        rate_factors: Parameters | None = None,
    ) -> tuple[Parameters, State]:
        """One step; see `Optimizer.update`."""
        return _adam_step(self, parameters, gradients, state, learning_rate_factor, rate_factors)


@final
@dataclass(frozen=True, slots=True)
class AdamW(Optimizer):
    """Adam, and weights shrunk by η λ in each step, apart from the gradient.

    Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization", algorithm 2, in the form of PyTorch,
    where the learning rate scales the decay. Only arrays of two or more axes shrink.

    Raises
    ------
    BadSetting
        As `Adam`, and unless `weight_decay` is at least 0.

    Examples
    --------
    >>> optimizer = AdamW(learning_rate=0.1, weight_decay=0.5)
    >>> weight = {"W": np.ones((1, 1)), "b": np.ones(1)}
    >>> still = {"W": np.zeros((1, 1)), "b": np.zeros(1)}
    >>> optimizer.update(weight, still, optimizer.init(weight))[0]
    {'W': array([[0.95]]), 'b': array([1.])}
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        settle(
            self, learning_rate=POSITIVE, beta1=BELOW_ONE, beta2=BELOW_ONE, epsilon=POSITIVE, weight_decay=NOT_NEGATIVE
        )

    def init(self, parameters: Parameters) -> State:
        """A count of 0, and two sums of 0 for each parameter."""
        return _adam_state(parameters)

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        state: State,
        learning_rate_factor: Array = 1.0,
        *,
        rate_factors: Parameters | None = None,
    ) -> tuple[Parameters, State]:
        """One step; see `Optimizer.update`."""
        if self.weight_decay:
            lost = (self.learning_rate * self.weight_decay) * learning_rate_factor
            parameters = map_leaves(
                lambda w, f: cast(1.0 - _times(lost, f), w.dtype) * w if is_weight(w) else w,
                parameters,
                _or_ones(rate_factors, parameters),
            )
        return _adam_step(self, parameters, gradients, state, learning_rate_factor, rate_factors)


def _adam_state(parameters: Parameters) -> State:
    leaves, _ = flatten(parameters)
    # float32 counts to 2^24 and then stands still: the corrections have been 1 for long.
    count = np.zeros((), leaves[0].dtype if leaves else np.float32)
    sums = {name: map_leaves(np.zeros_like, parameters) for name in ("gradient_sum", "square_sum")}
    return {"count": count, **sums}


def _adam_step(
    settings: Adam | AdamW,
    parameters: Parameters,
    gradients: Parameters,
    state: State,
    factor: Array,
    rate_factors: Parameters | None,
) -> tuple[Parameters, State]:
    """Algorithm 1 of the paper, with its constant factors moved from every element to two scalars.

    The state holds s = m / (1 − β₁) and q = v / (1 − β₂), which are the discounted sums of g and g². With
    c₁ = 1 − β₁ᵗ, c₂ = 1 − β₂ᵗ and r = √(c₂ / (1 − β₂)), the paper's step η (m / c₁) / (√(v / c₂) + ε) is
    (η r (1 − β₁) / c₁) s / (√q + ε r): ten operations an element instead of thirteen.
    """
    leaves, structure = flatten(parameters)
    trees = gradients, state["gradient_sum"], state["square_sum"], _or_ones(rate_factors, parameters)
    columns = [leaves_like(structure, x) for x in trees]
    count = state["count"] + 1.0
    root = np.sqrt(_bias_correction(settings.beta2, count) / (1.0 - settings.beta2))
    rate = (settings.learning_rate * (1.0 - settings.beta1)) * factor * root
    move = _mover(settings, rate / _bias_correction(settings.beta1, count), settings.epsilon * root)
    moved, sums, squares = zip(*map(move, leaves, *columns), strict=True) if leaves else ((), (), ())
    new_state = {"gradient_sum": unflatten(structure, sums), "square_sum": unflatten(structure, squares)}
    return unflatten(structure, moved), {"count": count, **new_state}


def _mover(settings: Adam | AdamW, rate: Array, epsilon: Array) -> Callable[..., tuple[Array, Array, Array]]:
    """The step of one parameter w with gradient g, sums s and q, and a factor on the learning rate."""

    def move(w: Array, g: Array, s: Array, q: Array, factor: float) -> tuple[Array, Array, Array]:
        s = settings.beta1 * s + g
        q = settings.beta2 * q + np.square(g)
        return w - cast(_times(rate, factor), w.dtype) * s / (np.sqrt(q) + cast(epsilon, w.dtype)), s, q

    return move


def _bias_correction(beta: float, count: Array) -> Array:
    """1 − βᵗ, without the cancellation that costs float32 five digits in the first steps."""
    return -np.expm1((math.log(beta) if beta else -math.inf) * count)


OPTIMIZERS: Family[Optimizer] = Family("optimiser", {"sgd": SGD, "adam": Adam, "adamw": AdamW})

OptimizerLike: TypeAlias = str | Optimizer


def resolve_optimizer(optimizer: OptimizerLike) -> Optimizer:
    """The optimiser of a name, with its default settings.

    Raises
    ------
    UnknownName
        When no optimiser has that name.

    Examples
    --------
    >>> resolve_optimizer("sgd")
    SGD(learning_rate=0.01, momentum=0.0, nesterov=False)
    """
    return optimizer if isinstance(optimizer, Optimizer) else OPTIMIZERS.make(optimizer)
