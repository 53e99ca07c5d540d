"""The look-up before anything is read or loaded: the same files and arguments were trained on, so this is the result.

As the direct mode of compiler caches does: the key is made of the bytes of the files that are read, not of what they
mean. What it misses, such as a table that was only written differently or a run that was asked for more epochs, the
chain of states in the same store may still know. Imports nothing that computes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NamedTuple, TypeAlias

from blake3 import blake3

from memograd.cli.terminal import Terminal
from memograd.cli.train.ingredients import ingredients
from memograd.digest.encoding import names
from memograd.errors import LockTimeout, StoreError
from memograd.store.protocol import Entry, Store

GROUP = "memograd train"

TROUBLE = "store"
"""What is said of a store that fails is said once, whoever comes upon it first."""

Curve: TypeAlias = tuple[tuple[int, int, float, float | None, float | None], ...]
"""Rows of member, epoch, loss, held-out loss and held-out score."""

Files: TypeAlias = tuple[bytes, bytes | None]
"""What the table holds, and what the file of rows to hold out."""

_CONTEXT = "memograd train 1: key of a command"


# A named tuple, as all records of this path are: a dataclass takes 1 ms to be defined.
class Outcome(NamedTuple):
    """What a training came to, as far as it is told and written.

    Attributes
    ----------
    record : mapping
        What is told, as JSON can say it, without places and without what was recalled.
    model : bytes
        The model file.
    curve : tuple of rows
        See `Curve`.
    notes : tuple of str
        What was noted of the table.
    seconds : float
        How long the training took that this came from.
    """

    record: Mapping[str, Any]
    model: bytes
    curve: Curve
    notes: tuple[str, ...]
    seconds: float

    @property
    def score_name(self) -> str:
        """The name of the score that is told beside the loss."""
        return next(str(name) for name in self.record["metrics"]["validation"] if name != "loss")


def key_of(options: Mapping[str, Any], files: Files) -> str | None:
    """The key of a command; None when something that it depends on cannot be told.

    Parameters
    ----------
    options : mapping
        Of what JSON can say: the arguments that the result depends on.
    files : tuple of bytes or None
        What the files hold that are read; None for one that is not given.
    """
    known = ingredients()
    if known is None:
        return None
    parts = ["" if data is None else blake3(data).hexdigest() for data in files]
    told = names([json.dumps(options, sort_keys=True), *parts, known.hex()])
    key: str = blake3(told, derive_key_context=_CONTEXT).hexdigest()
    return key


@contextmanager
def alone(store: Store, key: str, terminal: Terminal) -> Iterator[bool]:
    """Do the rest while no other process does the same; one that comes later waits, and then finds the result.

    Gives whether it waited. A store that can hold no locks keeps nobody from training.
    """
    has_waited = False
    with ExitStack() as held:
        try:
            held.enter_context(store.lock(key, 0))
        except LockTimeout:
            terminal.note("another process trains the same; waiting for its result")
            has_waited = True
            with suppress(StoreError):
                held.enter_context(store.lock(key))
        except StoreError:
            pass
        yield has_waited


def find(store: Store, key: str, terminal: Terminal) -> Outcome | None:
    """The outcome that is stored under a key, or None."""
    try:
        entry = store.get(key)
    except StoreError as error:
        terminal.note(f"nothing is recalled: {error}", once=TROUBLE)
        return None
    return None if entry is None else _outcome(entry)


def keep(store: Store, key: str, outcome: Outcome, terminal: Terminal) -> None:
    """Store an outcome, if that can be done."""
    told = {"record": outcome.record, "notes": outcome.notes, "curve": outcome.curve}
    blobs = (outcome.model, json.dumps(told).encode())
    try:
        store.put(Entry(key, blobs, group=GROUP, cost_seconds=outcome.seconds))
    except StoreError as error:
        terminal.note(f"the result is not remembered: {error}", once=TROUBLE)


def _outcome(entry: Entry) -> Outcome | None:
    """The outcome that an entry holds; None for one that was put by something else."""
    try:
        model, data = entry.blobs
        told = json.loads(bytes(data))
        rows = tuple((int(row[0]), int(row[1]), *row[2:5]) for row in told["curve"])
        notes = tuple(map(str, told["notes"]))
        outcome = Outcome(told["record"], bytes(model), rows, notes, entry.cost_seconds)
        return outcome if outcome.score_name else None
    except (ValueError, KeyError, TypeError, IndexError, StopIteration):
        return None
