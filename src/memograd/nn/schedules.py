"""Schedules: from the progress of training to the factor on the learning rate. Each is one or two lines of NumPy.

Progress is the share of all steps that is done, in [0, 1]. A schedule that warms up gives 0 at progress 0: let step i
of n, counted from 0, have the progress (i + 1) / n or (i + ½) / n.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np

from memograd.errors import TraceError
from memograd.graph.tracing import take_apart, trace
from memograd.graph.walk import topological
from memograd.nn.arrays import Array
from memograd.nn.families import Family, is_function
from memograd.nn.settings import BELOW_ONE, FEW, INSIDE_UNIT, settle

# From progress, () float, to a factor, () float or a Python number.
Schedule: TypeAlias = Callable[[Array], Array]
ScheduleLike: TypeAlias = str | Schedule


@final
@dataclass(frozen=True, slots=True)
class Constant:
    """1, always.

    Examples
    --------
    >>> Constant()(0.5)
    1.0
    """

    def __call__(self, progress: Array) -> Array:
        """The factor at a progress."""
        return 1.0


@final
@dataclass(frozen=True, slots=True)
class Linear:
    """From 1 straight down to 0.

    Examples
    --------
    >>> Linear()(0.25)
    0.75
    """

    def __call__(self, progress: Array) -> Array:
        """The factor at a progress."""
        return 1.0 - progress


@final
@dataclass(frozen=True, slots=True)
class Cosine:
    """Half a cosine from 1 to 0 (Loshchilov and Hutter 2017, "SGDR", equation 5, without restarts).

    Examples
    --------
    >>> Cosine()(0.5).round(6)
    np.float64(0.5)
    """

    def __call__(self, progress: Array) -> Array:
        """The factor at a progress."""
        return 0.5 + 0.5 * np.cos(math.pi * progress)


@final
@dataclass(frozen=True, slots=True)
class WarmupCosine:
    """Straight up from 0 to 1 in the first `warmup` of training, then half a cosine to 0.

    Raises
    ------
    BadSetting
        Unless `warmup` lies between 0 and 1.

    Examples
    --------
    >>> schedule = WarmupCosine(warmup=0.2)
    >>> [round(float(schedule(progress)), 6) for progress in (0.0, 0.1, 0.2, 0.6, 1.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    warmup: float = 0.1

    def __post_init__(self) -> None:
        settle(self, warmup=INSIDE_UNIT)

    def __call__(self, progress: Array) -> Array:
        """The factor at a progress."""
        # Either piece is at least 1 where the other holds, so the smaller is the right one.
        return np.minimum(progress / self.warmup, _late_cosine(progress, self.warmup))


@final
@dataclass(frozen=True, slots=True)
class FlatCosine:
    """1 for the first `flat` of training, then half a cosine to 0.

    Raises
    ------
    BadSetting
        Unless `flat` is in [0, 1).

    Examples
    --------
    >>> schedule = FlatCosine(flat=0.5)
    >>> [round(float(schedule(progress)), 6) for progress in (0.0, 0.5, 0.75, 1.0)]
    [1.0, 1.0, 0.5, 0.0]
    """

    flat: float = 0.7

    def __post_init__(self) -> None:
        settle(self, flat=BELOW_ONE)

    def __call__(self, progress: Array) -> Array:
        """The factor at a progress."""
        return _late_cosine(progress, self.flat)


@final
@dataclass(frozen=True, slots=True)
class Exponential:
    """From 1 to `last`, by the same ratio in every step.

    Raises
    ------
    BadSetting
        Unless `last` lies between 0 and 1.

    Examples
    --------
    >>> Exponential(last=0.01)(0.5).round(6)
    np.float64(0.1)
    """

    last: float = 0.01

    def __post_init__(self) -> None:
        settle(self, last=INSIDE_UNIT)

    def __call__(self, progress: Array) -> Array:
        """The factor at a progress."""
        return np.exp(math.log(self.last) * progress)


@final
@dataclass(frozen=True, slots=True)
class CosLog:
    """Whole waves from 0 up to 1 and down to 0, each twice as long as the one before.

    Source: Holzmüller, Grinsztajn, Steinwart 2024, "Better by default" (there with four waves): at progress
    t the factor is ½ (1 − cos(2π log₂(1 + (2ⁿ − 1) t))) for n waves.

    Raises
    ------
    BadSetting
        Unless `cycles` is an integer from 1 to 32.

    Examples
    --------
    >>> schedule = CosLog(cycles=2)
    >>> [round(float(schedule(progress)), 6) for progress in (0.0, 1 / 3, 1.0)]
    [0.0, 0.0, 0.0]
    """

    cycles: int = 4

    def __post_init__(self) -> None:
        settle(self, cycles=FEW)

    def __call__(self, progress: Array) -> Array:
        """The factor at a progress."""
        return 0.5 - 0.5 * np.cos((2.0 * math.pi / math.log(2.0)) * np.log1p((2.0**self.cycles - 1.0) * progress))


def _late_cosine(progress: Array, start: float) -> Array:
    """1 up to `start`, then half a cosine to 0."""
    return 0.5 + 0.5 * np.cos((math.pi / (1.0 - start)) * np.maximum(progress - start, 0.0))


SCHEDULES: Family[Schedule] = Family(
    "schedule",
    {
        "constant": Constant,
        "linear": Linear,
        "cosine": Cosine,
        "warmup_cosine": WarmupCosine,
        "flat_cosine": FlatCosine,
        "exponential": Exponential,
        "coslog4": CosLog,
    },
)


def resolve_schedule(schedule: ScheduleLike) -> Schedule:
    """The schedule of a name, with its default settings; a function is one as it is.

    Raises
    ------
    UnknownName
        When no schedule has that name.

    Examples
    --------
    >>> resolve_schedule("flat_cosine")
    FlatCosine(flat=0.7)
    """
    return schedule if is_function(schedule) else SCHEDULES.make(schedule)


def reads_progress(schedule: ScheduleLike) -> bool:
    """Whether the factor of a schedule depends on the progress of training, and so on how long it is meant to be.

    A training by a schedule that does not can be made longer, and its first epochs are the same. What cannot be traced,
    such as a function that branches on the progress, is taken to depend on it.

    Raises
    ------
    UnknownName
        When no schedule has that name.

    Examples
    --------
    >>> reads_progress("constant"), reads_progress("cosine"), reads_progress(lambda progress: 0.5)
    (False, True, False)
    """
    schedule = resolve_schedule(schedule)
    try:
        graph, _ = trace(schedule, take_apart(schedule, (0.5,), {}))
    except TraceError:
        return True
    return any(node.op == "input" for node in topological(graph.outputs))
