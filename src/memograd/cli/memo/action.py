"""What every action is given, and gives back."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from rich.table import Table

from memograd.caches import user_cache
from memograd.cli.terminal import Terminal
from memograd.errors import StoreError
from memograd.store.damage import Damage
from memograd.store.disk import DiskStore

Answer: TypeAlias = tuple[dict[str, Any], list[Table | str]]
"""A result for machines, and the same for people."""

_MARKER = "memograd-store-"


@dataclass(frozen=True, slots=True)
class Job:
    """One call of the command: what was asked, and what was found damaged on the way."""

    arguments: argparse.Namespace
    terminal: Terminal
    damage: list[Damage] = field(default_factory=list)

    @property
    def directory(self) -> Path:
        """Where the store is."""
        return Path(self.arguments.store or user_cache("memo"))

    def store(self) -> DiskStore:
        """The store that is there: one that is not is never made by looking at it.

        Raises
        ------
        StoreError
            When there is none.
        """
        try:
            names = os.listdir(self.directory)
        except OSError as error:
            reason = {FileNotFoundError: "does not exist", NotADirectoryError: "is no directory"}.get(type(error))
            raise StoreError(f"{self.directory}: {reason or error.strerror}; name a store with --store") from error
        except ValueError as error:
            raise StoreError(f"{str(self.directory)!r} is no path; name a store with --store") from error
        if not any(name.startswith(_MARKER) for name in names):
            raise StoreError(f"{self.directory}: is no store; name one with --store")
        return DiskStore(self.directory, report=self.damage.append)


@dataclass(frozen=True, slots=True)
class Action:
    """One of the things that the command does.

    Attributes
    ----------
    help : str
        What it does, beginning with a verb.
    add : callable
        Gives a parser the arguments of the action.
    run : callable
        Does it.
    """

    help: str
    add: Callable[[argparse.ArgumentParser], object]
    run: Callable[[Job], Answer]
