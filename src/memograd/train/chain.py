"""The keys of a training's states: a chain, in which each key follows from the one before it and from what is done.

The first key covers everything that decides a number. What a segment does is to train for so many epochs; as all
segments do the same, the key after n epochs follows from the first key and n alone, and *n* epochs, then *m* more, lead
to the key of *n + m*. Patience, tolerance, the number of threads, and what is told on the way change no state, and are
in no key. Neither is the number of epochs, unless the schedule depends on it: those of a cosine are another chain.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from memograd.memo.value_digest import digest
from memograd.nn.schedules import reads_progress
from memograd.train.course import Course
from memograd.train.epochs import Pace, State
from memograd.train.numerics import numerics
from memograd.train.settings import Settings

CHAIN_VERSION = 1
"""Any change of how keys are made, or of what lies under them, must change it, and invalidates stored entries."""


@final
@dataclass(frozen=True, slots=True)
class Chain:
    """The keys of one training.

    Attributes
    ----------
    family : str
        The digest of all that decides, but for the horizon.
    horizon : int or None
        The number of epochs, if the schedule depends on it.

    Examples
    --------
    >>> chain = Chain("00" * 32, None)
    >>> chain.key(1) == chain.key(2), chain.key(1) == Chain("00" * 32, 10).key(1)
    (False, False)
    """

    family: str
    horizon: int | None

    @property
    def first(self) -> str:
        """The key of what a training starts from."""
        return digest(("first state", CHAIN_VERSION, self.family, self.horizon))

    def key(self, epoch: int) -> str:
        """The key of the state after so many epochs."""
        return digest(("state", self.first, "epochs", epoch))

    @property
    def ledger(self) -> str:
        """The key of the list of what is stored of this family."""
        return digest(("states of a family", CHAIN_VERSION, self.family))


@final
class Chains:
    """The chains of a course: what its members have in common is digested once.

    Parameters
    ----------
    course : Course
    settings : Settings
    """

    def __init__(self, course: Course, settings: Settings) -> None:
        self._course = course
        self._settings = settings
        self._depends_on_horizon = reads_progress(settings.schedule)
        self._lock = threading.Lock()
        self._common: str | None = None

    def chain(self, engine: str, pace: Pace, validation: Any, start: State | None, *, anew: bool = False) -> Chain:
        """The chain of one member.

        Parameters
        ----------
        engine : {"native", "numpy"}
        pace : Pace
        validation
            What the rows to validate on are: arrays, or their numbers.
        start : State or None
        anew : bool
            Whether to look again at what members have in common.

        Raises
        ------
        CannotDigest
            When a part of what decides cannot be told, such as a user's function that reads an open file.
        """
        common = self._digest() if anew else self._remembered()
        begun = None if start is None else (start.parameters, start.optimizer_state, start.epoch)
        rows = None if pace.rows is None else np.asarray(pace.rows, np.int64)
        own = {
            "rows": rows,
            "batch_size": pace.batch_size,
            "seed": pace.seed,
            "validation": validation,
            "start": begun,
        }
        family = digest((CHAIN_VERSION, numerics(engine), common, own))
        return Chain(family, pace.epochs if self._depends_on_horizon else None)

    def _remembered(self) -> str:
        with self._lock:
            if self._common is None:
                self._common = self._digest()
            return self._common

    def _digest(self) -> str:
        """The digest of what all members share, as it is now."""
        course, settings = self._course, self._settings
        ingredients = {
            "data": course.data.arrays,
            "network": course.network,
            "score": course.score,
            "optimizer": settings.optimizer,
            "schedule": settings.schedule,
            "l2": settings.l2,
            "monitor": settings.monitor,
            "ties": settings.ties,
        }
        return digest(ingredients)
