"""Epochs of training on either engine, behind one protocol; here those of NumPy.

What trains several members at once compiles each step once: programs are shared, and state is not.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from memograd.engine.compiled import Compiled, compile
from memograd.graph.tree import flatten, unflatten
from memograd.nn.layer import Noise
from memograd.nn.step import Clock, Step
from memograd.train.rows import Rows
from memograd.train.split import ORDER_STREAM, generator


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All that a training needs to go on: a training that starts from it goes on as if it had never stopped.

    Attributes
    ----------
    parameters, optimizer_state : tree
        After the last epoch.
    epoch : int
        How many epochs are behind it. The order of rows and the noise of dropout are functions of this number.
    """

    parameters: Any
    optimizer_state: Any
    epoch: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Pace:
    """How one member of those that share programs is trained.

    Attributes
    ----------
    batch_size, epochs, seed : int
    n_threads : int or None
    rows : (n_rows,) int or None
        The numbers of the rows to train on; None for all.
    """

    batch_size: int
    epochs: int
    seed: int
    n_threads: int | None = None
    rows: NDArray[np.intp] | None = None


class Epochs(Protocol):
    """A training on some engine, an epoch at a time. Its state changes in place."""

    @property
    def number(self) -> int | None:
        """How many epochs are done; None when one was begun, and did not come to its end."""

    @property
    def parameters(self) -> Any:
        """The parameters as they are now; a copy."""

    def epoch(self) -> float:
        """Train for one more; its mean loss."""

    def state(self) -> State:
        """The state after the last epoch; a copy."""


class Programs(Protocol):
    """The compiled steps of an engine. Safe to use from several threads."""

    def start(self, state: State, pace: Pace) -> Epochs:
        """Take up a training.

        Raises
        ------
        CannotLower, EngineUnavailable
            When another engine must do it.
        """


@final
class NumpyPrograms:
    """Steps on the NumPy engine: one program for each number of rows.

    Parameters
    ----------
    step : Step
    data : Rows
    """

    def __init__(self, step: Step, data: Rows) -> None:
        self._step = step
        self.data = data
        self._programs: dict[int, Compiled] = {}
        self._lock = threading.Lock()
        # Side by side, members take twice as long as one after the other: the interpreter's lock and the threads of
        # BLAS are in each other's way.
        self.turn = threading.Lock()

    def start(self, state: State, pace: Pace) -> NumpyEpochs:
        """Take up a training."""
        return NumpyEpochs(self, state, pace)

    def program(self, state: State, rows: Rows, clock: Clock) -> Compiled:
        """The step for so many rows."""
        with self._lock:
            program = self._programs.get(len(rows))
            if program is None:
                program = self._programs[len(rows)] = compile(
                    self._step, state.parameters, state.optimizer_state, *rows.arrays, clock, donate=(0, 1)
                )
            return program


@final
class NumpyEpochs:
    """Epochs on the NumPy engine; see `Epochs`."""

    def __init__(self, programs: NumpyPrograms, state: State, pace: Pace) -> None:
        self._programs = programs
        self._pace = pace
        self._rows = np.arange(len(programs.data)) if pace.rows is None else pace.rows
        leaves, self._structure = flatten(state.parameters)
        others, self._state_structure = flatten(state.optimizer_state)
        # Steps overwrite their state, so the leaves must be the training's own.
        self._leaves = [np.array(leaf) for leaf in leaves]
        self._others = [np.array(leaf) for leaf in others]
        self._done = state.epoch
        self.number: int | None = state.epoch

    @property
    def parameters(self) -> Any:
        """The parameters as they are now; a copy."""
        return unflatten(self._structure, [np.array(leaf) for leaf in self._leaves])

    def state(self) -> State:
        """The state after the last epoch; a copy."""
        others = unflatten(self._state_structure, [np.array(leaf) for leaf in self._others])
        return State(self.parameters, others, self._done)

    def epoch(self) -> float:
        """Train for one more; its mean loss."""
        self.number = None
        with self._programs.turn:
            loss = self._epoch(self._done)
        self._done += 1
        self.number = self._done
        return loss

    def _epoch(self, epoch: int) -> float:
        pace = self._pace
        n_steps = math.ceil(len(self._rows) / pace.batch_size)
        order = self._rows[generator(pace.seed, ORDER_STREAM, epoch).permutation(len(self._rows))]
        total = amount = 0.0
        for number in range(n_steps):
            rows = self._programs.data[order[number * pace.batch_size : (number + 1) * pace.batch_size]]
            progress = (epoch + (number + 0.5) / n_steps) / pace.epochs
            loss = self._step(rows, Clock(progress, Noise.at(pace.seed, epoch, number)))
            share = len(rows) if rows.weight is None else float(np.sum(rows.weight, dtype=np.float64))
            total += loss * share
            amount += share
        return total / amount

    def _step(self, rows: Rows, clock: Clock) -> float:
        state = State(unflatten(self._structure, self._leaves), unflatten(self._state_structure, self._others))
        program = self._programs.program(state, rows, clock)
        batch, _ = flatten((*rows.arrays, clock))
        results = program.run([*self._leaves, *self._others, *batch])
        n_leaves, n_others = len(self._leaves), len(self._others)
        self._leaves = list(results[:n_leaves])
        self._others = list(results[n_leaves : n_leaves + n_others])
        return float(results[-1])
