"""A training on the native engine: the steps as graphs, and the run that moves the parameters."""

from __future__ import annotations

import threading
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memograd.engine.native.traced_step import COUNTER, KEY, PROGRESS, ROWS, STATE, TracedStep
from memograd.engine.native.training import NativeTraining
from memograd.engine.native.training_code import TrainingCode, training_code
from memograd.graph.node import Array
from memograd.graph.simplify import simplify
from memograd.graph.tracing import take_apart, trace
from memograd.graph.tree import flatten, unflatten
from memograd.nn.layer import Noise
from memograd.nn.step import Clock, Step
from memograd.plan.from_graph import plan_graph
from memograd.train.epochs import Pace, State
from memograd.train.rows import Rows

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

Data = tuple[Array, Array, Array | None]


@final
class NativePrograms:
    """Steps in machine code, compiled once for all trainings whose minibatches have the same sizes.

    Parameters
    ----------
    step : Step
    data : Rows
        That all trainings take their rows from; copied once, if it does not lie in C order.
    """

    def __init__(self, step: Step, data: Rows) -> None:
        self._step = step
        self._data = data.laid_out()
        self._codes: dict[tuple[int, ...], TrainingCode] = {}
        self._lock = threading.Lock()

    def start(self, state: State, pace: Pace) -> NativeEpochs:
        """Take up a training; see `Programs.start`."""
        return NativeEpochs(
            self._step,
            state.parameters,
            state.optimizer_state,
            self._data.arrays,
            batch_size=pace.batch_size,
            epochs=pace.epochs,
            seed=pace.seed,
            n_threads=pace.n_threads,
            rows=pace.rows,
            first_epoch=state.epoch,
            programs=self,
        )

    def code(self, parameters: Any, optimizer_state: Any, batch_size: int, n_rows: int) -> TrainingCode:
        """The machine code for minibatches of so many rows out of so many."""
        sizes = tuple(sorted({batch_size, n_rows % batch_size or batch_size}))
        with self._lock:
            code = self._codes.get(sizes)
            if code is None:
                steps = {n: _traced(self._step, parameters, optimizer_state, self._data.arrays, n) for n in sizes}
                code = self._codes[sizes] = training_code(steps)
            return code


@final
class NativeEpochs:
    """Epochs of training in machine code; see `Epochs`.

    Parameters
    ----------
    step : Step
    parameters, optimizer_state : tree
        To start from.
    data : tuple of X, y, and weight or None
        The rows to train on.
    batch_size, epochs, seed, n_threads : int, and None for `n_threads`
    rows : (n_rows,) int, optional
        The numbers of those of the rows that are trained on; by default all.
    first_epoch : int
        How many epochs are behind the parameters.
    programs : NativePrograms, optional
        Of the same step and data, with what they have compiled.

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
        data: Data,
        *,
        batch_size: int,
        epochs: int,
        seed: int,
        n_threads: int | None,
        rows: NDArray[np.intp] | None = None,
        first_epoch: int = 0,
        programs: NativePrograms | None = None,
    ) -> None:
        programs = programs or NativePrograms(step, Rows(*data))
        n_rows = len(data[0]) if rows is None else len(rows)
        leaves, self._structure = flatten(parameters)
        others, self._state_structure = flatten(optimizer_state)
        self._n_parameters = len(leaves)
        self._run = NativeTraining(
            programs.code(parameters, optimizer_state, batch_size, n_rows),
            [np.asarray(leaf) for leaf in (*leaves, *others)],
            [array for array in data if array is not None],
            epochs=epochs,
            seed=seed,
            n_threads=n_threads,
            rows=rows,
            first_epoch=first_epoch,
        )
        self._done = first_epoch
        self.number: int | None = first_epoch

    def epoch(self) -> float:
        """Train for one more; its mean loss."""
        (loss,) = self.epochs(1)
        return loss

    def epochs(self, n_epochs: int) -> list[float]:
        """Train for several more, without coming back to Python in between; the mean loss of each."""
        self.number = None
        losses = self._run.run(n_epochs)
        self._done += len(losses)
        self.number = self._done
        return losses

    @property
    def parameters(self) -> Any:
        """The parameters as they are now; a copy."""
        return unflatten(self._structure, self._run.first_of_state(self._n_parameters))

    def state(self) -> State:
        """The state after the last epoch; a copy."""
        leaves = self._run.state
        parameters = unflatten(self._structure, leaves[: self._n_parameters])
        return State(parameters, unflatten(self._state_structure, leaves[self._n_parameters :]), self._done)


def _traced(step: Step, parameters: Any, optimizer_state: Any, data: Data, n_rows: int) -> TracedStep:
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
