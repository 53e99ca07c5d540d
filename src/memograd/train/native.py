"""A training on the native engine: the steps as graphs, and the run that moves the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from memograd.engine.native.traced_step import COUNTER, KEY, PROGRESS, ROWS, STATE, TracedStep
from memograd.engine.native.training import NativeTraining
from memograd.engine.native.training_code import TrainingCode
from memograd.graph.node import Array
from memograd.graph.simplify import simplify
from memograd.graph.tracing import take_apart, trace
from memograd.graph.tree import flatten, unflatten
from memograd.nn.layers import Noise
from memograd.nn.step import Clock, Step
from memograd.plan.from_graph import plan_graph

# The parameters of the function that is traced, and what the engine does with each.
_ROLES = {
    "parameters": STATE,
    "optimizer_state": STATE,
    "X": ROWS,
    "y": ROWS,
    "weight": ROWS,
    "progress": PROGRESS,
    "key": KEY,
    "counter": COUNTER,
}


class NativeEpochs:
    """Epochs of training in machine code.

    Parameters
    ----------
    step : Step
    parameters, optimizer_state : tree
        To start from.
    data : tuple of X, y, and weight or None
        The rows to train on.
    batch_size, epochs, seed, n_threads : int, and None for `n_threads`

    Raises
    ------
    CannotLower, EngineUnavailable
        When another engine must do it.
    """

    def __init__(
        self,
        step: Step,
        parameters: Any,
        optimizer_state: Any,
        data: tuple[Array, Array, Array | None],
        *,
        batch_size: int,
        epochs: int,
        seed: int,
        n_threads: int | None,
    ) -> None:
        n_rows = len(data[0])
        sizes = {batch_size, n_rows % batch_size or batch_size}
        steps = {n: _traced(step, parameters, optimizer_state, data, n) for n in sizes}
        leaves, self._structure = flatten(parameters)
        state_leaves, _ = flatten(optimizer_state)
        self._n_parameters = len(leaves)
        given = [array for array in data if array is not None]
        self._run = NativeTraining(
            TrainingCode(steps),
            [np.asarray(leaf) for leaf in (*leaves, *state_leaves)],
            given,
            epochs=epochs,
            seed=seed,
            n_threads=n_threads,
        )

    def epoch(self) -> float:
        """Train for one more; its mean loss."""
        (loss,) = self.epochs(1)
        return loss

    def epochs(self, n_epochs: int) -> list[float]:
        """Train for several more, without coming back to Python in between; the mean loss of each."""
        return self._run.run(n_epochs)

    @property
    def parameters(self) -> Any:
        """The parameters as they are now; a copy."""
        return unflatten(self._structure, self._run.first_of_state(self._n_parameters))


def _traced(
    step: Step, parameters: Any, optimizer_state: Any, data: tuple[Array, Array, Array | None], n_rows: int
) -> TracedStep:
    """A step of so many rows as a graph, which also says by what the loss counts in the mean of the epoch."""

    def with_amount(
        parameters: Any, optimizer_state: Any, X: Array, y: Array, weight: Any, progress: Any, key: Any, counter: Any
    ) -> tuple[Any, Any, Any, Any]:
        clock = Clock(progress, Noise(key, counter))
        parameters, optimizer_state, loss = step(parameters, optimizer_state, X, y, weight, clock)
        amount = np.float64(n_rows) if weight is None else np.sum(weight.astype(np.float64))
        return parameters, optimizer_state, loss.astype(np.float64) * amount, amount

    X, y, weight = (None if array is None else array[:n_rows] for array in data)
    words = np.zeros(2, np.uint64), np.zeros(4, np.uint64)
    arguments = take_apart(with_amount, (parameters, optimizer_state, X, y, weight, 0.5, *words), {})
    traced, _ = trace(with_amount, arguments)
    graph = simplify(traced)
    roles = tuple(_ROLES[name.split("[")[0].split(".")[0]] for name in graph.names)
    return TracedStep(graph, plan_graph(graph.inputs, graph.outputs), roles)
