"""A learning rate that is lowered when a training no longer gains, instead of by a schedule."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from memograd.nn.optimizers import Optimizer
from memograd.store.protocol import Store
from memograd.train.epochs import State
from memograd.train.history import Epoch, Standing, replay
from memograd.train.loop import Fit, Recall, fit
from memograd.train.rows import Rows
from memograd.train.settings import Settings
from memograd.train.validation import Score

# scikit-learn's, which cites nobody for them.
DIVISOR, LOWEST_RATE = 5.0, 1e-6


def fit_adaptively(
    network: Any,
    train: Rows,
    validation: Rows | None = None,
    *,
    settings: Settings,
    score: Score | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    store: Store | None = None,
    start: State | None = None,
) -> Fit:
    """Train as `fit` does; each time that patience runs out, divide the learning rate by 5 and go on, down to 10⁻⁶.

    Each rate is a training of its own, that starts from the last state of the one before; so each is recalled as any
    training is.

    Parameters
    ----------
    network, train, validation, settings, score, on_epoch, store, start
        As in `fit`.

    Raises
    ------
    DataError, BadSetting, TrainingDiverged, KeyboardInterrupt
        As `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from memograd.nn.mlp import MLP
    >>> from memograd.nn.optimizers import SGD
    >>> X = np.linspace(-1, 1, 8, dtype=np.float32)[:, None]
    >>> settings = Settings(optimizer=SGD(0.5), schedule="constant", patience=2, epochs=500, tolerance=1e-4)
    >>> fitted = fit_adaptively(MLP((1, 1)), Rows(X, 2 * X), settings=settings)
    >>> fitted.stopped, fitted.parameters[0]["W"].round(2)
    ('early', array([[2.]], dtype=float32))
    """
    fits: list[Fit] = []
    optimizer: Any = settings.optimizer
    state, n_before = start, 0 if start is None else start.epoch
    standing = Standing(n_before)

    def report(epoch: Epoch) -> None:
        """Tell of an epoch as one of all rates: what is best for its own need not be best."""
        nonlocal standing
        told, standing = standing.after(settings, epoch.loss, epoch.validation_loss, epoch.validation_score)
        if on_epoch is not None:
            on_epoch(told)

    while True:
        own = dataclasses.replace(settings, optimizer=optimizer)
        try:
            found = fit(
                network,
                train,
                validation,
                settings=own,
                score=score,
                on_epoch=report,
                store=store,
                start=state,
            )
        except KeyboardInterrupt:
            if not fits:
                raise
            return _joined(fits, settings, n_before, "interrupted")
        fits.append(found)
        _, standing = _replayed(fits, settings, n_before)
        state = fits[-1].state
        optimizer = _slower(optimizer)
        if fits[-1].stopped != "early" or optimizer is None or state.epoch >= settings.epochs:
            return _joined(fits, settings, n_before, fits[-1].stopped)


def _slower(optimizer: Any) -> Optimizer | None:
    """The optimiser at a fifth of its rate; None when that is too low."""
    rate = optimizer.learning_rate / DIVISOR
    found: Optimizer | None = None if rate < LOWEST_RATE else dataclasses.replace(optimizer, learning_rate=rate)
    return found


def _replayed(fits: Sequence[Fit], settings: Settings, n_before: int) -> tuple[list[Epoch], Standing]:
    """The epochs of trainings one after the other, and how they stand together."""
    numbers = [(epoch.loss, epoch.validation_loss, epoch.validation_score) for each in fits for epoch in each.history]
    return replay(dataclasses.replace(settings, patience=None), numbers, n_before)


def _joined(fits: Sequence[Fit], settings: Settings, n_before: int, stopped: str) -> Fit:
    """Trainings one after the other as one, with the best epoch of them all."""
    history, standing = _replayed(fits, settings, n_before)
    assert standing.best is not None
    # What is best of all is best of its own part, by the same rule.
    parameters = next(each.parameters for each in fits if each.history[-1].number >= standing.best.number)
    memo = Recall(
        sum(each.memo.epochs_recalled for each in fits),
        sum(each.memo.epochs_trained for each in fits),
        sum(each.memo.seconds_saved for each in fits),
        next((each.memo.note for each in fits if each.memo.note), None),
    )
    return Fit(parameters, tuple(history), standing.best, stopped, fits[-1].state, memo)
