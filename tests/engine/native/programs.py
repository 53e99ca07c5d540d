"""Functions and trainings on the native engine, for a machine that the test chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import memograd as mg
from memograd.engine.native.machine import Machine
from memograd.engine.native.program import NativeProgram
from memograd.engine.native.traced_step import TracedStep
from memograd.engine.native.training import NativeTraining
from memograd.engine.native.training_code import TrainingCode
from memograd.graph.tree import flatten, map_leaves
from memograd.nn.layer import Noise
from memograd.nn.optimizers import Optimizer, State
from memograd.nn.step import Clock, training_step
from memograd.train.native import _traced


def program(f: Callable[..., Any], *args: Any, target: Machine | None = None) -> Callable[..., list[Any]]:
    """A function as machine code: called with arrays, it gives the list of all results."""
    planned = mg.compile(f, *args, engine="numpy")
    run = NativeProgram(planned.graph, planned.plan, title="test", target=target)

    def call(*args: Any) -> list[Any]:
        return list(run([np.asarray(x, order="C") for x in flatten(args)[0]]))

    return call


def classes(n_rows: int, n_in: int, n_classes: int, dtype: Any = np.float32) -> tuple[Any, Any, None]:
    """Rows of numbers, and their classes; without weights."""
    rng = np.random.default_rng(n_rows)
    return rng.normal(size=(n_rows, n_in)).astype(dtype), rng.integers(0, n_classes, n_rows), None


def leaves(tree: Any) -> list[Any]:
    """The arrays of a tree."""
    return [np.asarray(leaf) for leaf in flatten(tree)[0]]


class Training:
    """A training of a network, from given parameters, in the order in which the rows come.

    Attributes
    ----------
    step : Step
        As a function of NumPy.
    """

    def __init__(
        self,
        network: Any,
        optimizer: Optimizer,
        data: tuple[Any, Any, Any],
        *,
        parameters: Any = None,
        state: State = None,
        batch: int | None = None,
        epochs: int = 1,
        seed: int = 3,
        n_threads: int = 1,
        target: Machine | None = None,
        schedule: str = "constant",
        l2: float = 0.0,
    ) -> None:
        n_rows = len(data[0])
        batch = batch or n_rows
        self.step = training_step(network, optimizer, schedule, l2=l2)
        self._start = network.init(seed, data[0].dtype) if parameters is None else parameters
        self._state = optimizer.init(self._start) if state is None else state
        self._data, self._batch, self._epochs, self._seed = data, batch, epochs, seed
        self.steps: dict[int, TracedStep] = {
            n: _traced(self.step, self._start, self._state, data, n) for n in {batch, n_rows % batch or batch}
        }
        self.code = TrainingCode(self.steps, target)
        self.native = NativeTraining(
            self.code,
            [np.asarray(leaf) for leaf in (*flatten(self._start)[0], *flatten(self._state)[0])],
            [x for x in data if x is not None],
            epochs=epochs,
            seed=seed,
            n_threads=n_threads,
            order=np.tile(np.arange(n_rows), epochs),
        )

    def run(self) -> tuple[list[Any], list[float]]:
        """All epochs in machine code: the state in the end, and the loss of each."""
        losses = [loss for _ in range(self._epochs) for loss in self.native.run(1)]
        return self.native.state, losses

    def expected(self, dtype: Any = np.float64) -> tuple[list[Any], list[float]]:
        """The same by NumPy, with floats of another dtype."""

        def cast(x: Any) -> Any:
            return np.asarray(x, dtype) if np.asarray(x).dtype.kind == "f" else x

        parameters, state = map_leaves(cast, self._start), map_leaves(cast, self._state)
        X, y = map(cast, self._data[:2])
        weight = None if self._data[2] is None else cast(self._data[2])
        losses = []
        n_steps = -(-len(X) // self._batch)
        for epoch in range(self._epochs):
            total = amount = 0.0
            for number in range(n_steps):
                rows = slice(number * self._batch, (number + 1) * self._batch)
                some = X[rows], y[rows], None if weight is None else weight[rows]
                clock = Clock((epoch + (number + 0.5) / n_steps) / self._epochs, Noise.at(self._seed, epoch, number))
                parameters, state, value = self.step(parameters, state, *some, clock)
                share = len(some[0]) if some[2] is None else float(some[2].sum())
                total, amount = total + float(value) * share, amount + share
            losses.append(total / amount)
        return [*leaves(parameters), *leaves(state)], losses


def distance(found: Sequence[Any], expected: Sequence[Any]) -> float:
    """The largest difference of arrays, each over the largest element of what is expected."""
    assert len(found) == len(expected)
    worst = 0.0
    for x, y in zip(found, expected, strict=True):
        assert x.shape == y.shape
        scale = np.abs(y).max(initial=0.0)
        gap = np.abs(x.astype(np.float64) - y).max(initial=0.0)
        worst = max(worst, float(gap / scale) if scale else float(gap))
    return worst
