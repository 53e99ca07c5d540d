"""Where a training is remembered: which store, and what is said when it cannot be used. It never stops a training."""

from __future__ import annotations

import os

from memograd.caches import user_cache
from memograd.cli.terminal import Terminal
from memograd.errors import MemogradError, UnknownName
from memograd.store.damage import Damage
from memograd.store.disk import DiskStore
from memograd.store.protocol import Store

VARIABLE = "MEMOGRAD_STORE"
"""The environment variable that names the store, unless an option does."""

MAX_BYTES = 4 << 30
"""The bound of the default store. A training of the default network on a table of 64 columns takes 5 to 20 MB of it."""


def train_directory() -> str:
    """Where trainings are remembered by default: beside the results of memoized functions.

    Not among them: states of trainings are many times larger than most results, and would push them out.

    Raises
    ------
    RuntimeError
        When the user has no home.
    """
    return os.fspath(user_cache("train"))


def opened(named: str | None, terminal: Terminal) -> Store | None:
    """Open the store that was named by option, else by the environment, else the default one.

    Only the default store is bounded: another may hold what is worth more than a training.

    Returns
    -------
    Store or None
        None when it cannot be used, which is said in one line.
    """

    def damaged(damage: Damage) -> None:
        terminal.note(f"damaged: {damage}")

    try:
        chosen = named or os.environ.get(VARIABLE)
        if not chosen:
            return DiskStore(train_directory(), max_bytes=MAX_BYTES, report=damaged)
        return DiskStore(_directory(chosen), report=damaged)
    except (MemogradError, RuntimeError, ValueError) as error:
        terminal.note(f"nothing is remembered of this training: {error}")
        return None


def _directory(name: str) -> str:
    """The name of a directory; an address of something else is a slip."""
    if "://" in name or name == "memory:":
        raise UnknownName(f"{name!r} is no directory; name one")
    return name
