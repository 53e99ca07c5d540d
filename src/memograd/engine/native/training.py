"""A training run in machine code: whole epochs in one call, on as many threads as pay."""

from __future__ import annotations

import ctypes
import math
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from memograd.engine.native import driver
from memograd.engine.native.driver import StepCode
from memograd.engine.native.ir import Module
from memograd.engine.native.jit import Code
from memograd.engine.native.lowering import Form, Lowering
from memograd.engine.native.machine import Machine, machine, usable_cores
from memograd.engine.native.memory import TrainingMemory
from memograd.engine.native.narrow import Narrow
from memograd.engine.native.program import check_positions, lanes_for, positions_to_check
from memograd.engine.native.traced_step import COUNTER, KEY, PROGRESS, ROWS, STATE, TracedStep
from memograd.errors import CannotLower
from memograd.graph.node import Array

SHARED_OPERATIONS = 2_000_000
"""Steps of fewer scalar operations are not shared: waiting for another thread takes a microsecond or two each time."""

RETRY_CALLS = 40
"""After so many calls another number of threads is tried once more: other programs come and go."""

CALL_SECONDS = 0.05
"""One call into machine code lasts about so long: then Ctrl-C is heeded."""


class NativeTraining:
    """The state of a training and the code that moves it.

    Parameters
    ----------
    steps : mapping of int to TracedStep
        By the number of rows: of whole minibatches, and of the last one of an epoch if that is smaller.
    state : sequence of ndarray
        To start from; copied.
    data : sequence of ndarray
        The arrays that rows are taken from, in the order of the inputs.
    epochs : int
        After which the progress is 1.
    seed : int
        Of the order of rows, and the key of random numbers.
    n_threads : int, optional
        At most so many; by default as many as pay. The result does not depend on it.

    Raises
    ------
    CannotLower
        When a step holds what this engine has no code for.
    EngineUnavailable
        When llvmlite cannot be used on this machine.
    IndexError
        When rows hold positions outside of what they index.
    MemoryError
        When there is not enough memory, with the bytes that are needed.
    """

    def __init__(
        self,
        steps: Mapping[int, TracedStep],
        state: Sequence[Array],
        data: Sequence[Array],
        *,
        epochs: int,
        seed: int,
        n_threads: int | None = None,
        order: Array | None = None,
        target: Machine | None = None,
    ) -> None:
        target = target or machine()
        self._data = [np.require(array, array.dtype.newbyteorder("="), ["C", "A"]) for array in data]
        self._n_rows = len(self._data[0])
        batch = max(steps)
        self.steps_an_epoch = math.ceil(self._n_rows / batch)
        self.epochs = epochs
        lanes = lanes_for(steps[batch].plan.nodes, target)
        narrow = all(_is_narrow(step, target, lanes) for step in steps.values())
        module = Module()
        lowered: list[tuple[Lowering | Narrow, TracedStep]] = []
        codes: list[StepCode] = []
        for n_rows in sorted(steps, reverse=True):
            step = steps[n_rows]
            lowering = _lowered(module, f"step{n_rows}", step, target, lanes, narrow)
            lowered.append((lowering, step))
            codes.append(_code_of(lowering, step, n_rows))
            for i, node in positions_to_check(step.plan.nodes, step.graph.inputs):
                check_positions(self._data[[j for j, r in enumerate(step.roles) if r == ROWS].index(i)], node)
        driver.define(module, codes[0], codes[1] if len(codes) > 1 else None)
        self._code = Code(str(module), target)
        pointer, integer = ctypes.c_void_p, ctypes.c_int64
        self._run = self._code.function("run", None, integer, integer, pointer, pointer, pointer, pointer)
        cost = steps[batch].plan.schedule.cost
        if narrow:
            choices: Sequence[int] = (1,)
        elif n_threads is not None:
            choices = (n_threads,)
        else:
            cores = usable_cores()
            choices = (
                (1,) if cost < SHARED_OPERATIONS else sorted({1, cores, *(2**i for i in range(cores.bit_length()))})
            )
        self._pace = Pace([n for n in choices if n <= max(usable_cores(), n_threads or 1)])
        self.n_threads = max(choices)
        self._memory = TrainingMemory(lowered, state, self._data, seed, self.n_threads)
        self._losses = np.zeros((2, epochs))
        self._order = np.zeros(self._n_rows, np.int32)
        self._given = None if order is None else np.ascontiguousarray(order, np.int32)
        self._job = np.zeros(driver.JOB_WORDS, np.int64)
        self._job[driver.N_ROWS] = self._n_rows
        self._job[driver.STEPS_AN_EPOCH] = self.steps_an_epoch
        self._job[driver.N_EPOCHS] = epochs
        self._job[driver.SEED] = np.array(seed, np.uint64).view(np.int64)
        self._job[driver.ORDER] = self._order.ctypes.data
        self._job[driver.GIVEN_ORDER] = 0 if self._given is None else self._given.ctypes.data
        self._job[driver.TOTALS] = self._losses[0].ctypes.data
        self._job[driver.AMOUNTS] = self._losses[1].ctypes.data
        self._done = 0
        self._steps_a_call = 1
        self._pool: tuple[int, ThreadPoolExecutor] | None = None

    @property
    def source(self) -> str:
        """LLVM's IR."""
        return self._code.source

    @property
    def state(self) -> list[Array]:
        """Copies of the state, in the order in which it came."""
        return self._memory.state()

    def first_of_state(self, count: int) -> list[Array]:
        """Copies of the first parts of the state: of the parameters, without what the optimiser keeps."""
        return self._memory.state(count)

    def run(self, n_epochs: int = 1) -> list[float]:
        """Train so many epochs more; the mean loss of each."""
        first = self._done // self.steps_an_epoch
        end = min(first + n_epochs, self.epochs) * self.steps_an_epoch
        while self._done < end:
            n_steps = min(self._steps_a_call, end - self._done)
            n = self._pace.choose()
            start = time.perf_counter()
            self._call(n, self._done, self._done + n_steps)
            seconds = time.perf_counter() - start
            self._pace.note(n, seconds / n_steps)
            self._done += n_steps
            self._steps_a_call = max(1, int(n_steps * min(CALL_SECONDS / max(seconds, 1e-9), 1000.0)))
        totals, amounts = self._losses[:, first : end // self.steps_an_epoch]
        with np.errstate(all="ignore"):
            losses: list[float] = (totals / amounts).tolist()
        return losses

    def _call(self, n: int, first: int, end: int) -> None:
        self._job[driver.FIRST_STEP], self._job[driver.END_STEP] = first, end
        control, job = self._memory.control.ctypes.data, self._job.ctypes.data
        self._memory.share_scalars(n)
        others = [
            self._threads().submit(self._run, thread, n, control, job, *self._memory.tables[thread])
            for thread in range(1, n)
        ]
        self._run(0, n, control, job, *self._memory.tables[0])
        for other in others:
            other.result()

    def _threads(self) -> ThreadPoolExecutor:
        # Threads do not survive a fork.
        if self._pool is None or self._pool[0] != os.getpid():
            self._pool = os.getpid(), ThreadPoolExecutor(self.n_threads - 1, "memograd")
        return self._pool[1]


class Pace:
    """How many threads to take: the number that was fastest of late. Results do not depend on it, only time does.

    Parameters
    ----------
    choices : sequence of int
    """

    def __init__(self, choices: Sequence[int]) -> None:
        self._seconds = dict.fromkeys(choices, 0.0)
        self._calls = 0

    def choose(self) -> int:
        """The number of threads for the next call."""
        self._calls += 1
        choices = sorted(self._seconds, key=lambda n: self._seconds[n])
        # What was never tried counts as fastest.
        if self._calls % RETRY_CALLS == 0 and len(choices) > 1:
            return choices[self._calls // RETRY_CALLS % (len(choices) - 1) + 1]
        return choices[0]

    def note(self, n: int, seconds: float) -> None:
        """Take in what a step has just taken."""
        before = self._seconds[n]
        self._seconds[n] = seconds if not before else min(seconds, 2.0 * before) * 0.5 + before * 0.5


def _narrow(module: Module, name: str, step: TracedStep, lanes: int) -> Narrow:
    rows, states = ([i for i, role in enumerate(step.roles) if role == kind] for kind in (ROWS, STATE))
    return Narrow(
        module, name, step.plan.nodes, step.graph.inputs, step.graph.outputs, rows=rows, states=states, lanes=lanes
    )


def _is_narrow(step: TracedStep, target: Machine, lanes: int) -> bool:
    """Whether a step can be, and had better be, done with the batch along the lanes."""
    try:
        _narrow(Module(), "step", step, lanes)
    except CannotLower:
        return False
    return True


def _lowered(
    module: Module, name: str, step: TracedStep, target: Machine, lanes: int, narrow: bool
) -> Lowering | Narrow:
    if narrow:
        return _narrow(module, name, step, lanes)
    forms = {
        STATE: Form(is_padded=True),
        ROWS: Form(is_padded=True, is_gathered=True),
        PROGRESS: Form(is_private=True),
        KEY: Form(is_private=True),
        COUNTER: Form(is_private=True),
    }
    inputs = [
        Form(is_padded=True, is_private=True) if role == STATE and node.size == 1 else forms[role]
        for role, node in zip(step.roles, step.graph.inputs, strict=True)
    ]
    states = [i for i, role in enumerate(step.roles) if role == STATE]
    outputs = [Form(is_padded=True, state=i) for i in states] + [Form(is_private=True)] * 2
    return Lowering(
        module, name, step.plan, step.graph.inputs, step.graph.outputs, (inputs, outputs),
        machine=target, lanes=lanes, n_cores=usable_cores(),
    )  # fmt: skip


def _code_of(lowering: Lowering | Narrow, step: TracedStep, n_rows: int) -> StepCode:
    n_inputs, n_outputs = len(step.graph.inputs), len(step.graph.outputs)
    place = {role: i for i, role in enumerate(step.roles)}
    return StepCode(
        lowering.name,
        n_rows,
        numbers=n_inputs + n_outputs + step.roles.count(ROWS),
        progress=place.get(PROGRESS),
        counter=place.get(COUNTER),
        total=n_inputs + n_outputs - 2,
        amount=n_inputs + n_outputs - 1,
    )
