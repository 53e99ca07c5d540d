"""How a training goes: one record, checked where it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from memograd.engine.compiled import ENGINES
from memograd.errors import UnknownName
from memograd.nn.optimizers import AdamW, resolve_optimizer
from memograd.nn.schedules import resolve_schedule
from memograd.nn.settings import COUNT, FLAG, NOT_NEGATIVE, WORD, settle

# Small minibatches learn more from few rows; from MANY_STEPS steps an epoch on larger ones save time.
MIN_BATCH, MAX_BATCH, MANY_STEPS = 32, 256, 400

LEARNING_RATE = 1e-3

_COUNTS_OR_NONE = ("batch_size", "patience", "n_threads")
_CHOICES = {"engine": tuple(ENGINES), "monitor": ("loss", "score"), "ties": ("first", "last")}


def default_optimizer(learning_rate: float = LEARNING_RATE) -> AdamW:
    """The optimiser that is used unless another is named.

    Examples
    --------
    >>> default_optimizer().weight_decay
    0.5
    """
    # On 80 % of digits, breast cancer, wine and diabetes (8 splits each), a decay of 0.01 scored 0.3 to 3 points less
    # on rows that neither training nor stopping saw, one of 2 lost a point on digits.
    return AdamW(learning_rate, weight_decay=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is chosen before a training starts.

    Attributes
    ----------
    epochs : int
        At most so many passes over the training rows.
    batch_size : int or None
        Rows of a minibatch; the last one of an epoch may be smaller. None chooses by the number of rows.
    is_batch_even : bool
        Whether an epoch is cut into minibatches of about `batch_size` rows that are as equal as can be. Otherwise what
        is left over is a smaller one, and few rows move the parameters as far as many.
    optimizer : str or Optimizer
    schedule : str or callable
        Of the learning rate, by progress through `epochs`.
    l2 : float
        Adds ½ l2 Σ W² to what is minimized.
    patience : int or None
        Stop when what is monitored has not become better for so many epochs. None never stops.
    monitor : {"loss", "score"}
        What decides which epoch is best: the loss on the rows to validate on, or without such rows that on the rows
        to train on; or the score on the rows to validate on.
    tolerance : float
        A gain that is smaller than this does not count for patience. The best epoch may be of such a gain.
    ties : {"first", "last"}
        Of epochs that are equally good, which is the best one.
    seed : int
        Of the first parameters, the order of rows, dropout and the split.
    engine : {"auto", "native", "numpy"}
        What runs the steps: machine code where it can, or one of the two. They draw other orders of rows.
    n_threads : int or None
        Of machine code; None for as many as pay. The result does not depend on it.

    Raises
    ------
    BadSetting
        When a number is out of range.
    UnknownName
        When there is no such optimiser, schedule, engine, monitor or way with ties.

    Examples
    --------
    >>> Settings(epochs=0)
    Traceback (most recent call last):
    memograd.errors.BadSetting: Settings(epochs=0): epochs must be a positive integer
    """

    epochs: int = 200
    batch_size: int | None = None
    is_batch_even: bool = False
    optimizer: Any = field(default_factory=default_optimizer)
    schedule: Any = "cosine"
    l2: float = 0.0
    patience: int | None = 40
    monitor: str = "loss"
    tolerance: float = 0.0
    ties: str = "first"
    seed: int = 0
    engine: str = "auto"
    n_threads: int | None = None

    def __post_init__(self) -> None:
        settle(self, epochs=COUNT, seed=WORD, is_batch_even=FLAG, l2=NOT_NEGATIVE, tolerance=NOT_NEGATIVE)
        settle(self, **{name: COUNT for name in _COUNTS_OR_NONE if getattr(self, name) is not None})
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise UnknownName(f"there is no {name} {getattr(self, name)!r}; there is {', '.join(choices)}")
        object.__setattr__(self, "optimizer", resolve_optimizer(self.optimizer))
        object.__setattr__(self, "schedule", resolve_schedule(self.schedule))

    def rows_per_batch(self, n_rows: int) -> int:
        """The batch size for so many training rows.

        Examples
        --------
        >>> [Settings().rows_per_batch(n) for n in (20, 1000, 40_000, 10**6)]
        [20, 32, 128, 256]
        >>> [Settings(batch_size=256, is_batch_even=True).rows_per_batch(n) for n in (20, 265, 1000)]
        [20, 265, 250]
        """
        if self.batch_size is not None:
            if self.is_batch_even:
                return _even_size(n_rows, max(1, round(n_rows / self.batch_size)))
            return min(self.batch_size, n_rows)
        wanted = MIN_BATCH
        while wanted < MAX_BATCH and n_rows > wanted * MANY_STEPS:
            wanted *= 2
        return min(wanted, n_rows)


def _even_size(n_rows: int, n_steps: int) -> int:
    """The size of minibatches of which about so many make an epoch, such that the last one lacks as few as can be."""

    def lacking(n: int) -> tuple[float, int]:
        size = -(-n_rows // n)
        return round(-n_rows % size / size, 1), abs(n - n_steps)

    near = range(n_steps - n_steps // 8, n_steps + n_steps // 8 + 1)
    return -(-n_rows // min(near, key=lacking))
