"""The training loop: epochs of minibatches, the best epoch kept, nothing trained twice.

All randomness is a function of seed, epoch and step, and no result depends on the clock. What the loop wants to say it
says through `on_epoch`; it neither prints nor draws.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memograd.errors import BadSetting, TrainingDiverged
from memograd.graph.tree import flatten
from memograd.store.protocol import Store
from memograd.train.chain import Chain, Chains
from memograd.train.checkpoints import Checkpoint, Checkpoints, Memory, is_landmark
from memograd.train.course import Course
from memograd.train.epochs import Epochs, Pace, State
from memograd.train.history import Epoch, Standing, check_finite, diverged, replay
from memograd.train.rows import Rows, check_rows
from memograd.train.settings import Settings
from memograd.train.validation import Score

__all__ = ["Epoch", "Fit", "Recall", "Rows", "Score", "State", "fit"]

OnEpoch = Callable[[Epoch], None]


@dataclass(frozen=True, slots=True)
class Recall:
    """What a fit did not have to compute.

    Attributes
    ----------
    epochs_recalled, epochs_trained : int
        Epochs that were in the store, and those that were not.
    seconds_saved : float
        What the recalled epochs took when they were trained.
    note : str or None
        Why a longer training could not go on from a shorter one that is in the store.
    """

    epochs_recalled: int
    epochs_trained: int
    seconds_saved: float = 0.0
    note: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A finished training.

    Attributes
    ----------
    parameters : tree
        Those of the best epoch.
    history : tuple of Epoch
    best : Epoch
    stopped : {"finished", "early", "interrupted"}
        All epochs were run; patience ran out; Ctrl-C.
    state : State
        After the last epoch: what to start from in order to go on.
    memo : Recall
    """

    parameters: Any
    history: tuple[Epoch, ...]
    best: Epoch
    stopped: str
    state: State
    memo: Recall


def fit(
    network: Any,
    train: Rows,
    validation: Rows | None = None,
    *,
    settings: Settings,
    score: Score | None = None,
    on_epoch: OnEpoch | None = None,
    store: Store | None = None,
    start: State | None = None,
) -> Fit:
    """Train a network, or recall what was trained before.

    Parameters
    ----------
    network : MLP, Network, or what has their `init` and `loss_value`
    train, validation : Rows
    settings : Settings
    score : callable, optional
        ``(scores, rows) -> float``, of what the network gives for the rows to validate on, (n_rows, n_outputs), and
        these rows; the larger the better. For it the network must be callable as an `MLP` is.
    on_epoch : callable, optional
        Called after each epoch that is trained; not for those that are recalled.
    store : Store, optional
        Where the states of trainings are kept. A training that is there is recalled, one that was begun goes on. A
        store that fails costs time, and gives a warning.
    start : State, optional
        To go on from, in the place of new parameters. `Settings.epochs` counts its epochs too.

    Returns
    -------
    Fit
        The same for the same arguments, bit for bit, on one machine, for any number of threads; whether it was trained
        at once, in parts, or recalled.

    Raises
    ------
    DataError
        When there are no rows, or weights are negative, not finite or all 0.
    BadSetting
        When a score decides and there is none, or `start` has all the epochs behind it.
    TrainingDiverged
        When a loss, or a parameter of an epoch that would be kept, is not finite.
    KeyboardInterrupt
        When it comes before the first epoch is done; later it ends the training, and the best epoch is returned.
    """
    check_rows(train, "to train on")
    if validation is not None:
        check_rows(validation, "to validate on")
    course = Course(network, train, settings, score)
    memory = None if store is None else Memory(store, Chains(course, settings))
    assignment = Assignment(settings, validation, None if validation is None else validation.arrays)
    return Training(course, assignment, on_epoch=on_epoch, start=start, memory=memory).run()


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """What is a training's own.

    Attributes
    ----------
    settings : Settings
        Those of the course, but for seed, patience and number of threads.
    validation : Rows or None
    validation_key
        What stands for the rows to validate on in a key.
    rows : (n_rows,) int or None
        The numbers of the rows to train on; None for all.
    """

    settings: Settings
    validation: Rows | None
    validation_key: Any
    rows: NDArray[np.intp] | None = None


@final
class Training:
    """One training of a course, from its first epoch that is not recalled to its end.

    Whatever raises, wherever: what was committed after the last whole epoch stands, and the state after it can be had.

    Parameters
    ----------
    course : Course
    assignment : Assignment
    on_epoch, start
        See `fit`.
    memory : Memory, optional
        Where states are kept.

    Attributes
    ----------
    recalled : tuple of Epoch
        Those that came from the store.
    """

    def __init__(
        self,
        course: Course,
        assignment: Assignment,
        *,
        on_epoch: OnEpoch | None = None,
        start: State | None = None,
        memory: Memory | None = None,
    ) -> None:
        settings, rows = assignment.settings, assignment.rows
        _check(settings, assignment.validation, course.score, start)
        self._course = course
        self._assignment = assignment
        self._settings = settings
        self._on_epoch = on_epoch
        self._memory = memory
        self._kept: Checkpoints | None = None
        n_rows = len(course.data) if rows is None else len(rows)
        self._pace = Pace(settings.rows_per_batch(n_rows), settings.epochs, settings.seed, settings.n_threads, rows)
        self._start = start
        self._engine = course.engine
        self._first = 0 if start is None else start.epoch
        self._reset()

    def run(self) -> Fit:
        """Train to the end; see `fit`."""
        try:
            self._recall()
            self._train()
            return self._finished("early" if self._at.standing.is_over(self._settings) else "finished")
        except KeyboardInterrupt:
            if self._at.standing.best is None:
                raise
        except TrainingDiverged:
            raise
        except Exception:
            # What failed is most likely the caller's own score or report: the epochs until then are not lost.
            self._keep(is_passing=True)
            raise
        return self._finished("interrupted")

    def _reset(self) -> None:
        self._at = _Reached(Standing(self._first), None)
        self._history: list[Epoch] = []
        self._epochs: Epochs | None = None
        self._snapshot: State | None = self._start
        self._snapshots = _Snapshots()
        self.recalled: tuple[Epoch, ...] = ()
        self._n_stored = self._first
        self._seconds = self._seconds_saved = 0.0

    def _recall(self) -> None:
        """Go to the latest state that is stored and belongs to this training."""
        self._reset()
        self._engine = self._course.engine
        if self._memory is None:
            return
        self._kept = self._checkpoints(self._memory)
        limit = self._settings.epochs
        while (found := self._kept.latest(limit)) is not None:
            history, standing = replay(self._settings, found.numbers, self._first)
            # With more patience it went on beyond the epoch where this one stops.
            if standing.number < found.state.epoch:
                limit = standing.number
                continue
            self._history, self._snapshot = history, found.state
            self.recalled, self._n_stored = tuple(history), found.state.epoch
            self._seconds = self._seconds_saved = found.seconds
            self._at = _Reached(standing, found.state.parameters if found.best is None else found.best)
            return

    def _checkpoints(self, memory: Memory) -> Checkpoints:
        looks = itertools.count()

        def chain() -> Chain:
            # Whoever writes looks again at all that decides.
            anew = next(looks) > 0
            return memory.chains.chain(
                self._engine, self._pace, self._assignment.validation_key, self._start, anew=anew
            )

        return Checkpoints(memory, chain, self._first)

    def _train(self) -> None:
        if self._is_over():
            return
        self._take_up()
        while not self._is_over():
            epoch = self._next()
            if self._on_epoch is not None:
                self._on_epoch(epoch)
            if self._kept is not None and self._kept.is_due(epoch.number, self._seconds - self._seconds_saved):
                self._keep(is_passing=not is_landmark(epoch.number))

    def _is_over(self) -> bool:
        return self._at.standing.number >= self._settings.epochs or self._at.standing.is_over(self._settings)

    def _take_up(self) -> None:
        """Start the engine where this training stands; if it is another one than was assumed, where that one does."""
        began = time.perf_counter()
        epochs = self._course.start(self._begun(), self._pace)
        if self._course.engine != self._engine:
            self._recall()
            epochs = self._course.start(self._begun(), self._pace)
        self._epochs = epochs
        if self._kept is not None:
            self._kept.expect(self._begun())
        self._seconds += time.perf_counter() - began

    def _begun(self) -> State:
        if self._snapshot is None:
            self._snapshot = self._course.initial(self._settings.seed)
        return self._snapshot

    def _next(self) -> Epoch:
        """Train for one epoch, judge it, and commit to it."""
        began = time.perf_counter()
        assert self._epochs is not None
        loss = self._epochs.epoch()
        standing, kept = self._at.standing, self._at.kept
        parameters, found, score = None, None, None
        if self._assignment.validation is not None:
            parameters = self._epochs.parameters
            check_finite(loss, standing.number + 1, "loss")
            found, score = self._course.validate(parameters, self._assignment.validation)
        epoch, standing = standing.after(self._settings, loss, found, score)
        if epoch.is_best:
            kept = _checked(self._epochs.parameters if parameters is None else parameters, epoch.number)
        self._history.append(epoch)
        self._at = _Reached(standing, kept)
        if self._snapshots.is_due():
            self._snapshot = self._snapshots.timed(self._epochs.state)
        self._seconds += time.perf_counter() - began
        return epoch

    def _keep(self, *, is_passing: bool) -> None:
        """Store the state after the last whole epoch, if there is one that is not stored."""
        standing = self._at.standing
        if self._kept is None or standing.number == self._n_stored or standing.best is None:
            return
        seconds = self._seconds - self._seconds_saved
        self._kept.keep(self._checkpoint, seconds=seconds, is_passing=is_passing)
        self._n_stored = standing.number

    def _checkpoint(self) -> Checkpoint:
        standing = self._at.standing
        assert standing.best is not None
        self._snapshot = self._state()
        numbers = [(epoch.loss, epoch.validation_loss, epoch.validation_score) for epoch in self._committed()]
        best = None if standing.best.number == standing.number else self._at.kept
        return Checkpoint(self._snapshot, best, numbers, self._seconds)

    def _state(self) -> State:
        """The state after the last whole epoch. If there is none of it any more, the epochs since one are repeated."""
        number = self._at.standing.number
        if self._snapshot is not None and self._snapshot.epoch == number:
            return self._snapshot
        if self._epochs is not None and self._epochs.number == number:
            return self._epochs.state()
        state = self._begun()
        if state.epoch < number:
            self._epochs = self._course.start(state, self._pace)
            while self._epochs.number != number:
                self._epochs.epoch()
            state = self._epochs.state()
        return state

    def _committed(self) -> tuple[Epoch, ...]:
        return tuple(self._history[: self._at.standing.number - self._first])

    def _finished(self, stopped: str) -> Fit:
        self._keep(is_passing=stopped == "interrupted")
        standing = self._at.standing
        assert standing.best is not None
        note = self._kept.note if self._kept is not None else None
        n_recalled = len(self.recalled)
        memo = Recall(n_recalled, standing.number - self._first - n_recalled, self._seconds_saved, note)
        return Fit(self._at.kept, self._committed(), standing.best, stopped, self._state(), memo)


@dataclass(frozen=True, slots=True, eq=False)
class _Reached:
    """How a training stands, and the parameters of its best epoch: one value, so that no interruption parts them."""

    standing: Standing
    kept: Any


@final
class _Snapshots:
    """When to copy the state: so seldom that it takes no time that anybody notices.

    Without a copy, the state after the last whole epoch would be lost when Ctrl-C comes within the next one. From one
    that is some epochs old it is computed again, in at most `EVERY` times the seconds that a copy takes.
    """

    EVERY = 200

    def __init__(self) -> None:
        self._next = time.perf_counter()

    def is_due(self) -> bool:
        return time.perf_counter() >= self._next

    def timed(self, copy: Callable[[], State]) -> State:
        began = time.perf_counter()
        state = copy()
        ended = time.perf_counter()
        self._next = ended + self.EVERY * (ended - began)
        return state


def _check(settings: Settings, validation: Rows | None, score: Score | None, start: State | None) -> None:
    if settings.monitor == "score" and (score is None or validation is None):
        raise BadSetting("Settings(monitor='score'): the score decides, so give a score, and rows to validate on")
    if start is not None and start.epoch >= settings.epochs:
        raise BadSetting(
            f"Settings(epochs={settings.epochs}): the state to start from has {start.epoch} epochs behind it, and they "
            "count; give a larger number"
        )


def _checked(parameters: Any, number: int) -> Any:
    """The parameters of an epoch; an error if they can be no model."""
    leaves, structure = flatten(parameters)
    for leaf, path in zip(leaves, structure.paths, strict=True):
        # A squashing activation, or a loss taken before the step, can hide what overflowed.
        if not np.isfinite(leaf).all():
            raise diverged(f"the parameter {path} is no longer finite", number)
    return parameters
