"""Several members of an ensemble, on folds and from seeds, in one run: the data read once, each step compiled once.

Members run side by side on threads, and each on its share of the cores: small steps do not pay for more than one. What
comes out is what would come out if they were trained one by one, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from statistics import fmean
from threading import Event
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memograd.engine.native.machine import usable_cores
from memograd.errors import BadSetting, DataError
from memograd.store.protocol import Store
from memograd.train.chain import Chains
from memograd.train.checkpoints import Memory
from memograd.train.course import Course
from memograd.train.epochs import State
from memograd.train.history import Epoch, Standing
from memograd.train.loop import Assignment, Fit, OnEpoch, Training
from memograd.train.rows import Rows, check_weights
from memograd.train.settings import Settings
from memograd.train.validation import Score

RowNumbers = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A member of an ensemble.

    Attributes
    ----------
    train : (n_train,) intp
        The numbers of the rows to train on.
    validation : (n_validation,) intp or None
        The numbers of the rows to validate on.
    seed : int
    """

    train: RowNumbers
    validation: RowNumbers | None
    seed: int


def fit_members(
    network: Any,
    rows: Rows,
    members: Sequence[Member],
    *,
    settings: Settings,
    score: Score | None = None,
    on_epoch: OnEpoch | None = None,
    store: Store | None = None,
    starts: Sequence[State | None] | None = None,
) -> tuple[Fit, ...]:
    """Train the members of an ensemble.

    Parameters
    ----------
    network : MLP, Network, or what has their `init` and `loss_value`
    rows : Rows
        Of all members.
    members : sequence of Member
        Those with as many rows as each other share their machine code.
    settings : Settings
        The seed is each member's own. `n_threads` is the number of threads that all members share.
    score, store
        See `memograd.train.loop.fit`. Each member has its own chain in the store.
    on_epoch : callable, optional
        Called, in this thread, after each epoch that a member trained, in order, once all have trained it or ended
        before: with the means over the members that have such an epoch. What it is told does not depend on threads.
    starts : sequence of State or None, optional
        What each member starts from.

    Returns
    -------
    tuple of Fit
        Of each member, bit for bit what `fit` returns for its rows and seed alone.

    Raises
    ------
    DataError
        When there are no members, or one has no rows, or names rows that there are not.
    TrainingDiverged, BadSetting
        As `fit` does, for any member.
    KeyboardInterrupt
        When it comes before each member has an epoch; later it ends the training after the epochs that are under way.
    """
    if not members:
        raise DataError("there are no members to train; give at least one")
    starts = [None] * len(members) if starts is None else starts
    if len(starts) != len(members):
        raise BadSetting(f"{len(members)} members, and {len(starts)} states to start from; give one for each")
    rows = rows.laid_out()
    for member in members:
        _check(member, rows)
    course = Course(network, rows, settings, score)
    memory = None if store is None else Memory(store, Chains(course, settings))
    n_threads = settings.n_threads or usable_cores()
    own = replace(settings, n_threads=max(1, n_threads // len(members)))
    crew = _Crew(settings, on_epoch)
    trainings = [
        Training(course, assignment, on_epoch=crew.reporter(i), start=start, memory=memory)
        for i, (assignment, start) in enumerate(zip(_assignments(members, rows, own), starts, strict=True))
    ]
    return crew.run(trainings, n_threads)


def _assignments(members: Sequence[Member], rows: Rows, settings: Settings) -> Iterator[Assignment]:
    """What each member is to do. Seeds of one fold share its rows to validate on."""
    held: dict[bytes, Rows] = {}
    for member in members:
        own, key, validation = replace(settings, seed=member.seed), None, None
        if member.validation is not None:
            key = np.asarray(member.validation, np.int64)
            if key.tobytes() not in held:
                held[key.tobytes()] = rows[member.validation].laid_out()
            validation = held[key.tobytes()]
        yield Assignment(own, validation, key, np.asarray(member.train))


@final
class _Crew:
    """Trainings side by side, and what is told of them."""

    def __init__(self, settings: Settings, on_epoch: OnEpoch | None) -> None:
        self._settings = settings
        self._on_epoch = on_epoch
        self._is_stopped = Event()
        # The number of a member, and its epoch; None when it has ended.
        self._news: SimpleQueue[tuple[int, Epoch | None]] = SimpleQueue()

    def reporter(self, i: int) -> OnEpoch:
        """What a training is to call after each epoch."""

        def report(epoch: Epoch) -> None:
            self._news.put((i, epoch))
            # Ctrl-C reaches the main thread alone, which passes it on.
            if self._is_stopped.is_set():
                raise KeyboardInterrupt

        return report

    def run(self, trainings: Sequence[Training], n_threads: int) -> tuple[Fit, ...]:
        """Train all; see `fit_members`."""
        with ThreadPoolExecutor(min(n_threads, len(trainings)), "memograd") as pool:
            futures = [pool.submit(training.run) for training in trainings]
            for i, future in enumerate(futures):
                future.add_done_callback(partial(self._end, i))
            try:
                self._follow(trainings, futures)
            except KeyboardInterrupt:
                self._stop(futures)
            except BaseException:
                self._stop(futures)
                raise
        # Of several that failed the first one is told.
        return tuple(_result(future) for future in futures)

    def _end(self, i: int, future: Future[Fit]) -> None:
        self._news.put((i, None))

    def _stop(self, futures: Sequence[Future[Fit]]) -> None:
        self._is_stopped.set()
        for future in futures:
            future.cancel()

    def _follow(self, trainings: Sequence[Training], futures: Sequence[Future[Fit]]) -> None:
        """Report epochs as they are complete, until all members have ended or one has failed."""
        telling = _Telling(self._settings, len(trainings))
        while not telling.is_over:
            i, epoch = self._news.get()
            if epoch is not None:
                complete = telling.hear(i, trainings[i].recalled, epoch)
            elif futures[i].exception() is None:
                complete = telling.end(i, futures[i].result())
            else:
                self._stop(futures)
                return
            for means in complete:
                if self._on_epoch is not None:
                    self._on_epoch(means)


@final
class _Telling:
    """Which epochs are complete, and what they came to on the average."""

    def __init__(self, settings: Settings, n_members: int) -> None:
        self._settings = settings
        self._histories: list[list[Epoch]] = [[] for _ in range(n_members)]
        self._n_recalled = [0] * n_members
        self._has_ended = [False] * n_members
        self._n_told = 0
        self._standing = Standing()

    @property
    def is_over(self) -> bool:
        """Whether all members have ended."""
        return all(self._has_ended)

    def hear(self, i: int, recalled: tuple[Epoch, ...], epoch: Epoch) -> Iterator[Epoch]:
        """Take in an epoch of a member; yield the means of the epochs that are complete now."""
        if not self._histories[i]:
            self._histories[i], self._n_recalled[i] = list(recalled), len(recalled)
        self._histories[i].append(epoch)
        return self._complete()

    def end(self, i: int, fit: Fit) -> Iterator[Epoch]:
        """Take in that a member has ended; yield the means of the epochs that are complete now."""
        self._histories[i], self._n_recalled[i] = list(fit.history), fit.memo.epochs_recalled
        self._has_ended[i] = True
        return self._complete()

    def _complete(self) -> Iterator[Epoch]:
        while there := self._next_of_all():
            n, self._n_told = self._n_told, self._n_told + 1
            epoch, self._standing = self._standing.after(
                self._settings,
                fmean(epoch.loss for epoch in there),
                _mean([epoch.validation_loss for epoch in there]),
                _mean([epoch.validation_score for epoch in there]),
            )
            if any(of <= n < len(all_) for of, all_ in zip(self._n_recalled, self._histories, strict=True)):
                yield epoch

    def _next_of_all(self) -> list[Epoch]:
        """The next epoch of all members that have it; none, while one may still come to have it."""
        n = self._n_told
        if any(len(all_) <= n and not ended for all_, ended in zip(self._histories, self._has_ended, strict=True)):
            return []
        return [all_[n] for all_ in self._histories if len(all_) > n]


def _mean(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return fmean(known) if known else None


def _result(future: Future[Fit]) -> Fit:
    """What came out; KeyboardInterrupt when nothing did because of one."""
    if future.cancelled():
        raise KeyboardInterrupt
    return future.result()


def _check(member: Member, rows: Rows) -> None:
    for numbers, purpose in ((member.train, "to train on"), (member.validation, "to validate on")):
        if numbers is None:
            continue
        numbers = np.asarray(numbers)
        if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
            raise DataError(f"the rows {purpose} are {numbers.dtype} of shape {numbers.shape}; give their numbers")
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(rows):
            raise DataError(
                f"the rows {purpose} are numbered {numbers.min()} to {numbers.max()}, and there are {len(rows)}, "
                "counted from 0"
            )
        weight = None if rows.weight is None else rows.weight[numbers]
        check_weights(len(numbers), weight, purpose)
