"""What epochs came to, which of them is best, and when to stop: functions of the numbers alone.

So a training that is taken up again decides as if it had never stopped: the decisions are made again from the history.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from memograd.errors import TrainingDiverged
from memograd.train.settings import Settings


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
        After the epoch; None without validation rows, or without a score.
    is_best : bool
        It is the best so far: see `Settings.monitor` and `Settings.ties`.
    """

    number: int
    loss: float
    validation_loss: float | None
    validation_score: float | None
    is_best: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How a training stands after some epochs.

    Attributes
    ----------
    number : int
        Epochs so far.
    best : Epoch or None
        None before the first.
    value : float
        What is monitored, of the best epoch; the smaller the better.
    n_without_gain : int
        Epochs since the last one that was better by more than the tolerance.
    """

    number: int = 0
    best: Epoch | None = None
    value: float = math.inf
    n_without_gain: int = 0

    def is_over(self, settings: Settings) -> bool:
        """Whether patience has run out."""
        return settings.patience is not None and self.n_without_gain >= settings.patience

    def after(
        self, settings: Settings, loss: float, validation_loss: float | None, score: float | None
    ) -> tuple[Epoch, Standing]:
        """The next epoch, and how the training stands after it.

        Raises
        ------
        TrainingDiverged
            When a loss is not finite.
        """
        number = self.number + 1
        check_finite(loss, number, "loss")
        if validation_loss is not None:
            check_finite(validation_loss, number, "validation loss")
        value = _monitored(settings, loss, validation_loss, score)
        is_first = self.best is None
        is_best = is_first or value < self.value or (value == self.value and settings.ties == "last")
        # No gain is none, also without a tolerance.
        gained = is_first or (value < self.value and value <= self.value - settings.tolerance)
        epoch = Epoch(number, loss, validation_loss, score, is_best)
        best, best_value = (epoch, value) if is_best else (self.best, self.value)
        return epoch, Standing(number, best, best_value, 0 if gained else self.n_without_gain + 1)


def replay(
    settings: Settings, numbers: Iterable[tuple[float, float | None, float | None]], first: int = 0
) -> tuple[list[Epoch], Standing]:
    """The epochs of a history up to where the training would have stopped, and how it stands then.

    Parameters
    ----------
    settings : Settings
    numbers : iterable of (loss, validation loss, validation score)
        Of each epoch.
    first : int
        Epochs before the first of them.

    Examples
    --------
    >>> epochs, standing = replay(Settings(patience=2), [(loss, None, None) for loss in (3.0, 1.0, 2.0, 2.0, 0.0)])
    >>> [epoch.number for epoch in epochs], standing.best.number, standing.is_over(Settings(patience=2))
    ([1, 2, 3, 4], 2, True)
    """
    standing = Standing(first)
    epochs: list[Epoch] = []
    for loss, validation_loss, score in numbers:
        if standing.is_over(settings):
            break
        epoch, standing = standing.after(settings, loss, validation_loss, score)
        epochs.append(epoch)
    return epochs, standing


def check_finite(loss: float, number: int, what: str) -> None:
    """Raise TrainingDiverged when a loss is not finite."""
    if not math.isfinite(loss):
        raise diverged(f"the {what} became {loss}", number)


def diverged(what: str, number: int) -> TrainingDiverged:
    """The error that says what became of a training, and what to do."""
    return TrainingDiverged(
        f"{what} in epoch {number}; train with a smaller learning rate, and look for extreme values in the data"
    )


def _monitored(settings: Settings, loss: float, validation_loss: float | None, score: float | None) -> float:
    """What decides, the smaller the better; what is no number is worst."""
    if settings.monitor == "score" and score is not None:
        return math.inf if math.isnan(score) else -score
    return loss if validation_loss is None else validation_loss
