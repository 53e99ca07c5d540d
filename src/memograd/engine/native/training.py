"""A training run in machine code: whole epochs in one call, on as many threads as pay."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from memograd.engine.native import driver
from memograd.engine.native.machine import usable_cores
from memograd.engine.native.memory import TrainingMemory
from memograd.engine.native.pace import Pace
from memograd.engine.native.training_code import TrainingCode
from memograd.graph.node import Array

SHARED_OPERATIONS = 2_000_000
"""Steps of fewer scalar operations are not shared: to read what another core has written takes 20 ns a line."""

CALL_SECONDS = 0.05
"""One call into machine code lasts about so long: then Ctrl-C is heeded."""


class NativeTraining:
    """The state of a training and the code that moves it.

    Parameters
    ----------
    code : TrainingCode
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
    rows : (n_rows,) int, optional
        The numbers of the rows to train on; by default all.
    first_epoch : int
        How many epochs the state has behind it.
    order : (epochs, n_rows) int, optional
        Numbers of rows in the order in which they are to be taken; by default they are drawn.

    Raises
    ------
    IndexError
        When rows hold positions outside of what they index.
    MemoryError
        When there is not enough memory, with the bytes that are needed.
    """

    def __init__(
        self,
        code: TrainingCode,
        state: Sequence[Array],
        data: Sequence[Array],
        *,
        epochs: int,
        seed: int,
        n_threads: int | None = None,
        rows: Array | None = None,
        first_epoch: int = 0,
        order: Array | None = None,
    ) -> None:
        self._code = code
        self._data = [np.require(array, array.dtype.newbyteorder("="), ["C", "A"]) for array in data]
        for i, positions in code.positions:
            positions.check(self._data[i])
        self._rows = np.arange(len(self._data[0]), dtype=np.int32) if rows is None else _row_numbers(rows, self._data)
        self._n_rows = len(self._rows)
        self.steps_an_epoch = math.ceil(self._n_rows / code.batch_size)
        self.epochs = epochs
        choices = _choices(code, n_threads)
        self._pace = Pace(choices)
        self.n_threads = max(choices)
        self._memory = TrainingMemory(code, state, self._data, seed, self.n_threads)
        self._losses = np.zeros((2, epochs))
        self._order = np.zeros(self._n_rows, np.int32)
        self._given = None if order is None else np.ascontiguousarray(order, np.int32)
        self._job = np.zeros(driver.JOB_WORDS, np.int64)
        self._job[driver.N_ROWS] = self._n_rows
        self._job[driver.STEPS_AN_EPOCH] = self.steps_an_epoch
        self._job[driver.N_EPOCHS] = epochs
        self._job[driver.SEED] = np.array(seed, np.uint64).view(np.int64)
        self._job[driver.ORDER] = self._order.ctypes.data
        self._job[driver.ROW_NUMBERS] = self._rows.ctypes.data
        self._job[driver.GIVEN_ORDER] = 0 if self._given is None else self._given.ctypes.data
        self._job[driver.TOTALS] = self._losses[0].ctypes.data
        self._job[driver.AMOUNTS] = self._losses[1].ctypes.data
        self._done = first_epoch * self.steps_an_epoch
        self._steps_a_call = 1
        self._pools: tuple[int, ThreadPoolExecutor, ThreadPoolExecutor] | None = None

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
        self._memory.share_scalars(n)
        if n == 1:
            self._run_thread(0, 1)
            return
        leader, others = self._threads()
        try:
            leader.submit(self._lead, others, n).result()
        except BaseException:
            _wait_for(leader)
            raise

    def _lead(self, others: ThreadPoolExecutor, n: int) -> None:
        """Be the first of n threads.

        Not in the main thread, where Ctrl-C may come before all others have been started. Those that were would wait
        for the rest in machine code, for ever, and in memory that is another's by then.
        """
        running = [others.submit(self._run_thread, thread, n) for thread in range(1, n)]
        self._run_thread(0, n)
        for other in running:
            other.result()

    def _run_thread(self, thread: int, n: int) -> None:
        control, job = self._memory.control.ctypes.data, self._job.ctypes.data
        self._code.run(thread, n, control, job, *self._memory.tables[thread])

    def _threads(self) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
        """The thread that leads, and the others."""
        # Threads do not survive a fork.
        if self._pools is None or self._pools[0] != os.getpid():
            leader, others = ThreadPoolExecutor(1, "memograd"), ThreadPoolExecutor(self.n_threads - 1, "memograd")
            self._pools = os.getpid(), leader, others
        return self._pools[1:]


def _wait_for(leader: ThreadPoolExecutor) -> None:
    """Wait until a thread has done what it was given, whether or not somebody presses Ctrl-C once more."""
    while True:
        try:
            # It takes one thing after the other, so when this one is done all are.
            leader.submit(int).result()
        except KeyboardInterrupt:
            continue
        return


def _choices(code: TrainingCode, n_threads: int | None) -> list[int]:
    """The numbers of threads to choose from."""
    if code.is_narrow:
        return [1]
    if n_threads is not None:
        return [n_threads]
    cores = usable_cores()
    return [1] if code.cost < SHARED_OPERATIONS else sorted({1, cores, *(2**i for i in range(cores.bit_length()))})


def _row_numbers(rows: Array, data: Sequence[Array]) -> Array:
    """Row numbers that machine code can trust."""
    if len(rows) and not (int(np.min(rows)) >= 0 and int(np.max(rows)) < len(data[0])):
        raise IndexError(f"there is no row {np.max(rows)} of {len(data[0])} to train on; number rows from 0")
    return np.ascontiguousarray(rows, np.int32)
