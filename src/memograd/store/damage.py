"""What is said of damage: found, reported, set aside, and from then on a miss."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

from memograd.errors import MemogradError


@final
@dataclass(frozen=True, slots=True)
class Damage:
    """Something in a store that is not as it was written.

    Attributes
    ----------
    store : str
        The store's directory.
    file : str
        The file below it.
    reason : str
        What was found.
    set_aside : str or None
        Where below the directory the file lies now; None when it could not be moved, or there is no file.

    Examples
    --------
    >>> print(Damage("/memo", "ab/abcd.entry", "its content has changed since it was written", None))
    /memo: ab/abcd.entry: its content has changed since it was written; no value is taken from it
    """

    store: str
    file: str
    reason: str
    set_aside: str | None

    def __str__(self) -> str:
        moved = f"; set aside as {self.set_aside}" if self.set_aside else ""
        return f"{self.store}: {self.file}: {self.reason}{moved}; no value is taken from it"


class DamagedEntry(UserWarning):
    """A store found something that is not as it was written, and does not serve it."""


class TierFailed(UserWarning):
    """One of several tiers could not be read or written; the others were."""


class DamageFound(MemogradError, ValueError):
    """What a read inside of the store came upon; it never leaves the store.

    Attributes
    ----------
    directory, name : str
        The place of the file.
    inode : int or None
        The file that was read, so that a good one which took its place meanwhile is left alone.
    """

    def __init__(self, directory: str, name: str, reason: str, inode: int | None = None) -> None:
        super().__init__(reason)
        self.directory = directory
        self.name = name
        self.inode = inode


Report: TypeAlias = Callable[[Damage], None]


def warn(damage: Damage) -> None:
    """Report damage as a warning; what a store does unless it is given something else.

    Examples
    --------
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error")
    ...     warn(Damage("/memo", "index.sqlite", "it is no database", None))
    Traceback (most recent call last):
    memograd.store.damage.DamagedEntry: /memo: index.sqlite: it is no database; no value is taken from it
    """
    warnings.warn(str(damage), DamagedEntry, stacklevel=2)
