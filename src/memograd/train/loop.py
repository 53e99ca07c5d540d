"""The training loop: epochs of minibatches, the best epoch kept.

All randomness is a function of seed, epoch and step; nothing depends on the clock. What the loop wants to say it says
through `on_epoch`; it neither prints nor draws.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from memograd.engine.compiled import Compiled, compile
from memograd.errors import CannotLower, DataError, EngineFallback, EngineUnavailable, TrainingDiverged
from memograd.graph.node import Array
from memograd.graph.tree import flatten, map_leaves, unflatten
from memograd.nn.layers import Noise
from memograd.nn.optimizers import resolve_optimizer
from memograd.nn.step import Clock, Step, training_step
from memograd.train.native import NativeEpochs
from memograd.train.settings import Settings
from memograd.train.split import ORDER_STREAM, generator


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows to train or validate on.

    Attributes
    ----------
    X : (n_rows, n_features) of the parameters' dtype
    y : (n_rows,) or (n_rows, n_outputs)
        As the loss takes it.
    weight : (n_rows,) or None
        A row of weight 2 counts as two rows, one of weight 0 not at all.

    Raises
    ------
    DataError
        When they are no arrays, or have different numbers of rows.
    """

    X: Array
    y: Array
    weight: Array | None = None

    def __post_init__(self) -> None:
        arrays = {"X": self.X, "y": self.y, **({} if self.weight is None else {"weight": self.weight})}
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray):
                raise DataError(f"{name} is of type {type(array).__name__}; make it an array with numpy.asarray")
            if len(array) != len(self.X):
                raise DataError(f"{name} has {len(array)} rows, and X has {len(self.X)}; give one for each row of X")

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, index: Any) -> Rows:
        return Rows(self.X[index], self.y[index], None if self.weight is None else self.weight[index])


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to.

    Attributes
    ----------
    number : int
        Counted from 1.
    loss : float
        The mean over the training rows, each minibatch's taken before its step.
    validation_loss, validation_score : float or None
        After the epoch; None without validation rows.
    is_best : bool
        The validation loss (or, without validation, the loss) is the lowest so far.
    """

    number: int
    loss: float
    validation_loss: float | None
    validation_score: float | None
    is_best: bool


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
        All epochs were run; the loss stopped falling; Ctrl-C.
    """

    parameters: Any
    history: tuple[Epoch, ...]
    best: Epoch
    stopped: str


Score = Callable[[Any, Rows], float]


def fit(
    network: Any,
    train: Rows,
    validation: Rows | None = None,
    *,
    settings: Settings,
    score: Score | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Fit:
    """Train a network.

    Parameters
    ----------
    network : MLP, Network, or what has their `init` and `loss_value`
    train, validation : Rows
    settings : Settings
    score : callable, optional
        ``(parameters, rows) -> float``, shown beside the loss.
    on_epoch : callable, optional
        Called after each epoch.

    Returns
    -------
    Fit
        The same for the same arguments, bit for bit, on one machine.

    Raises
    ------
    DataError
        When there are no rows, or weights are negative, not finite or all 0.
    TrainingDiverged
        When a loss, or a parameter of an epoch that would be kept, is not finite.
    KeyboardInterrupt
        When it comes before the first epoch is done; later it ends the training, and the best epoch is returned.
    """
    for rows, purpose in ((train, "to train on"), (validation, "to validate on")):
        if rows is not None:
            _check_rows(rows, purpose)
    history: list[Epoch] = []
    best: Epoch | None = None
    kept: Any = None
    stopped = "finished"
    try:
        validation_loss = _validation_loss(network, validation, settings)
        for number, (loss, parameters) in enumerate(_epochs(network, train, settings), start=1):
            _check_finite(loss, number, "loss")
            found = None if validation_loss is None else validation_loss(parameters)
            epoch = _judged(parameters, number, loss, best, validation, found, score)
            history.append(epoch)
            if epoch.is_best or best is None:
                best, kept = epoch, _copy(parameters, number)
            if on_epoch is not None:
                on_epoch(epoch)
            if number - best.number >= settings.patience:
                stopped = "early"
                break
    except KeyboardInterrupt:
        stopped = "interrupted"
    if best is None:
        raise KeyboardInterrupt
    return Fit(kept, tuple(history), best, stopped)


def _epochs(network: Any, train: Rows, settings: Settings) -> Iterator[tuple[float, Any]]:
    """The loss of each epoch, and the parameters after it, which the next epoch overwrites."""
    optimizer = resolve_optimizer(settings.optimizer)
    step = training_step(network, optimizer, settings.schedule, l2=settings.l2)
    parameters = network.init(settings.seed, train.X.dtype)
    state = optimizer.init(parameters)
    if settings.engine != "numpy":
        try:
            native = NativeEpochs(
                step,
                parameters,
                state,
                (train.X, train.y, train.weight),
                batch_size=settings.rows_per_batch(len(train)),
                epochs=settings.epochs,
                seed=settings.seed,
                n_threads=settings.n_threads,
            )
        except (CannotLower, EngineUnavailable) as error:
            if settings.engine == "native":
                raise
            warnings.warn(EngineFallback(f"this network is trained by the numpy engine: {error}"), stacklevel=4)
        else:
            for _ in range(settings.epochs):
                yield native.epoch(), native.parameters
            return
    yield from _numpy_epochs(step, parameters, state, train, settings)


def _numpy_epochs(
    step: Step, parameters: Any, state: Any, train: Rows, settings: Settings
) -> Iterator[tuple[float, Any]]:
    stepper = _Stepper(step, parameters, state)
    batch_size = settings.rows_per_batch(len(train))
    n_steps = math.ceil(len(train) / batch_size)
    for epoch in range(settings.epochs):
        order = generator(settings.seed, ORDER_STREAM, epoch).permutation(len(train))
        total = amount = 0.0
        for number in range(n_steps):
            rows = train[order[number * batch_size : (number + 1) * batch_size]]
            progress = (epoch + (number + 0.5) / n_steps) / settings.epochs
            loss = stepper(rows, Clock(progress, Noise.at(settings.seed, epoch, number)))
            share = len(rows) if rows.weight is None else float(np.sum(rows.weight, dtype=np.float64))
            total += loss * share
            amount += share
        yield total / amount, stepper.parameters


class _Stepper:
    """The state of a training, and the compiled step that moves it: one program for each number of rows."""

    def __init__(self, step: Step, parameters: Any, state: Any) -> None:
        self._step = step
        self._programs: dict[int, Compiled] = {}
        leaves, self._structure = flatten(parameters)
        # Steps overwrite their state, so the leaves must be the loop's own.
        self._leaves = [np.array(leaf) for leaf in leaves]
        self._state, self._state_structure = flatten(state)
        self._state = [np.array(leaf) for leaf in self._state]

    @property
    def parameters(self) -> Any:
        return unflatten(self._structure, self._leaves)

    def __call__(self, rows: Rows, clock: Clock) -> float:
        program = self._programs.get(len(rows))
        if program is None:
            state = unflatten(self._state_structure, self._state)
            program = self._programs[len(rows)] = compile(
                self._step, self.parameters, state, rows.X, rows.y, rows.weight, clock, donate=(0, 1)
            )
        batch, _ = flatten((rows.X, rows.y, rows.weight, clock))
        results = program.run([*self._leaves, *self._state, *batch])
        n_parameters, n_state = len(self._leaves), len(self._state)
        self._leaves = list(results[:n_parameters])
        self._state = list(results[n_parameters : n_parameters + n_state])
        return float(results[-1])


def _validation_loss(network: Any, validation: Rows | None, settings: Settings) -> Callable[[Any], float] | None:
    """The loss on the rows to validate on, as a function of the parameters."""
    if validation is None:
        return None
    rows = (validation.X, validation.y, validation.weight)
    loss = network.loss_value
    if settings.engine != "numpy":
        parameters = network.init(settings.seed, validation.X.dtype)
        with suppress(CannotLower, EngineUnavailable):
            loss = compile(loss, parameters, *rows, engine="native")

    def value(parameters: Any) -> float:
        with np.errstate(all="ignore"):
            return float(loss(parameters, *rows))

    return value


def _judged(
    parameters: Any,
    number: int,
    loss: float,
    best: Epoch | None,
    validation: Rows | None,
    validation_loss: float | None,
    score: Score | None,
) -> Epoch:
    if validation is None or validation_loss is None:
        return Epoch(number, loss, None, None, best is None or loss < best.loss)
    with np.errstate(all="ignore"):
        scored = score(parameters, validation) if score is not None else None
    _check_finite(validation_loss, number, "validation loss")
    is_best = best is None or best.validation_loss is None or validation_loss < best.validation_loss
    return Epoch(number, loss, validation_loss, scored, is_best)


def _copy(parameters: Any, number: int) -> Any:
    """The parameters of an epoch, which the next one overwrites; an error if they can be no model."""
    copied = map_leaves(np.array, parameters)
    leaves, structure = flatten(copied)
    for leaf, path in zip(leaves, structure.paths, strict=True):
        # A squashing activation, or a loss taken before the step, can hide what overflowed.
        if not np.isfinite(leaf).all():
            raise _diverged(f"the parameter {path} is no longer finite", number)
    return copied


def _check_finite(loss: float, number: int, what: str) -> None:
    if not math.isfinite(loss):
        raise _diverged(f"the {what} became {loss}", number)


def _diverged(what: str, number: int) -> TrainingDiverged:
    return TrainingDiverged(
        f"{what} in epoch {number}; train with a smaller learning rate, and look for extreme values in the data"
    )


def _check_rows(rows: Rows, purpose: str) -> None:
    if not len(rows):
        raise DataError(f"there are no rows {purpose}")
    if rows.weight is not None and not (np.isfinite(rows.weight) & (rows.weight >= 0)).all():
        raise DataError(f"the weights of the rows {purpose} must be finite and not negative")
    if rows.weight is not None and not np.any(rows.weight):
        raise DataError(f"the weights of the rows {purpose} are all 0, so there is nothing {purpose}")
