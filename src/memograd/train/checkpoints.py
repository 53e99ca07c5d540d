"""States of a training as entries of a store: which there are, when to write one, and what to do when a store fails.

A store that fails costs time, never a result: what cannot be read is trained again, and what cannot be written is not
kept, with one warning. Everything that is read was checked by the store, byte by byte, and is checked here for sense.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from memograd.errors import MemogradError, StoreError
from memograd.graph.node import Array
from memograd.graph.tree import flatten, map_leaves
from memograd.memo.complaints import Complaints
from memograd.memo.values import blobs_of, entry_of, value_of
from memograd.store.disk import DURABLE_COST_SECONDS
from memograd.store.protocol import Store
from memograd.train.chain import Chain, Chains
from memograd.train.epochs import State

GROUP = "memograd.fit"
"""Under which states stand in a store."""

SHARE = 0.01
"""What writing may take of the time that was trained. The last state of a run is written whatever it takes.

A third of what all checkpoints may cost, for on a busy disk a write can take ten times as long as the one before it.
"""

PASSING_SECONDS = 1.0
"""The time between states that are kept only until there is a later one."""

LOCK_SECONDS = 2.0

_PUT_SECONDS, _BYTES_A_SECOND = 0.005, 1e8
"""What a write takes until one was measured: those of a slow disk, since the first one must not be a surprise."""

Numbers = tuple[float, float | None, float | None]


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A training after some epochs.

    Attributes
    ----------
    state : State
    best : tree or None
        The parameters of the best epoch until then; None when that is the last one.
    numbers : sequence of (loss, validation loss, validation score)
        Of each epoch.
    seconds : float
        What it took to come so far.
    """

    state: State
    best: Any
    numbers: Sequence[Numbers]
    seconds: float


@final
@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """A store, and what is told of it: each kind of trouble once for all trainings that share it."""

    store: Store
    chains: Chains
    complaints: Complaints = field(default_factory=Complaints)


@final
class Checkpoints:
    """The stored states of one training.

    Parameters
    ----------
    memory : Memory
    chain_of : callable
        The chain of the training, from all that decides as it is now.
    first : int
        The epochs before the first.

    Attributes
    ----------
    note : str or None
        Why a training that is stored was of no use to this one.
    """

    def __init__(self, memory: Memory, chain_of: Callable[[], Chain], first: int) -> None:
        self.note: str | None = None
        self._store = memory.store
        self._complaints = memory.complaints
        self._chain_of = chain_of
        self._first = first
        self._chain: Chain | None = None
        self._passing: int | None = None
        self._spent = self._last = 0.0
        began = time.perf_counter()
        try:
            self._chain = chain_of()
        except MemogradError as error:
            self._give_up("key", f"this training cannot be told from others: {error}")
        # Whoever writes makes the key once more.
        self._cost = time.perf_counter() - began + _PUT_SECONDS

    def latest(self, limit: int) -> Checkpoint | None:
        """The latest state after at most so many epochs."""
        if self._chain is None:
            return None
        ledger = self._ledger()
        horizon = self._chain.horizon
        others = sorted(set(ledger) - {horizon or 0})
        stored = [epoch for epoch in ledger.get(horizon or 0, ()) if self._first < epoch < limit]
        # What was asked for is looked for also where the ledger was lost.
        for epoch in (limit, *sorted(stored, reverse=True)):
            found = self._read(epoch)
            if found is not None:
                return found
        if horizon is not None and others and not stored:
            self.note = (
                f"the learning rate depends on the number of epochs, so the training of {others[-1]} epochs that is in "
                f"the store cannot become one of {horizon}; with schedule='constant' it could"
            )
        return None

    def expect(self, state: State) -> None:
        """Prepare to write states as large as this one."""
        size_bytes = sum(leaf.nbytes for leaf in flatten((state.parameters, state.optimizer_state))[0])
        self._cost += size_bytes / _BYTES_A_SECOND

    def is_due(self, epoch: int, seconds: float) -> bool:
        """Whether to write the state after an epoch now, after so many seconds of training."""
        # What the last state of the run will take is set aside.
        if self._chain is None or self._spent + 2 * self._cost > SHARE * seconds:
            return False
        return is_landmark(epoch) or seconds - self._last >= PASSING_SECONDS

    def keep(self, make: Callable[[], Checkpoint], *, seconds: float, is_passing: bool) -> None:
        """Store a state.

        Parameters
        ----------
        make : callable
            Returns the state. What that takes counts as the time of writing.
        seconds : float
            Of training in this run.
        is_passing : bool
            Whether it may go when there is a later one.
        """
        if self._chain is None:
            return
        began = time.perf_counter()
        checkpoint = make()
        try:
            self._write(self._chain, checkpoint, is_passing=is_passing)
        except MemogradError as error:
            self._give_up("store", str(error))
        self._cost = time.perf_counter() - began
        self._spent += self._cost
        self._last = seconds

    def _write(self, chain: Chain, checkpoint: Checkpoint, *, is_passing: bool) -> None:
        if self._chain_of() != chain:
            self._give_up("changed", "its data or code changed while it was trained")
            return
        epoch = checkpoint.state.epoch
        metadata = {"epochs": epoch, "passing": is_passing}
        blobs = blobs_of(_packed(checkpoint, is_passing=is_passing))
        entry = entry_of(chain.key(epoch), blobs, group=GROUP, metadata=metadata, cost_seconds=checkpoint.seconds)
        if not self._store.put(entry):
            self._give_up("room", "the store is too small for it")
            return
        before, self._passing = self._passing, epoch if is_passing else None
        self._list(chain, add=epoch, drop=before, seconds=checkpoint.seconds)
        if before is not None and before != epoch:
            self._store.delete(chain.key(before))

    def _list(self, chain: Chain, *, add: int, drop: int | None, seconds: float) -> None:
        """Note in the ledger what is stored. What another process notes at the same time is not lost, but could be."""
        with self._store.lock(chain.ledger, LOCK_SECONDS):
            ledger = self._ledger()
            epochs = ({*ledger.get(chain.horizon or 0, ())} - {drop}) | {add}
            ledger[chain.horizon or 0] = sorted(epochs)
            # Losing it when the power fails costs little, so the disk need not be flushed for it.
            cost_seconds = min(seconds, DURABLE_COST_SECONDS / 2)
            self._store.put(
                entry_of(chain.ledger, blobs_of(ledger), group=GROUP, metadata={}, cost_seconds=cost_seconds)
            )

    def _ledger(self) -> dict[int, list[int]]:
        """The epochs after which there are states, by horizon; 0 stands for none."""
        assert self._chain is not None
        found = self._value(self._chain.ledger)
        if not isinstance(found, dict):
            return {}
        return {
            horizon: [epoch for epoch in epochs if type(epoch) is int]
            for horizon, epochs in found.items()
            if type(horizon) is int and isinstance(epochs, list)
        }

    def _read(self, epoch: int) -> Checkpoint | None:
        assert self._chain is not None
        key = self._chain.key(epoch)
        found = self._value(key)
        if found is None:
            return None
        try:
            checkpoint = _unpacked(found, epoch, epoch - self._first)
        except (TypeError, ValueError, LookupError) as error:
            self._complaints.tell("value", f"epochs are trained again: entry {key[:12]} holds no state ({error})")
            return None
        self._passing = epoch if found.get("passing") is True else None
        return checkpoint

    def _value(self, key: str) -> Any:
        """What is stored under a key; None when it is not there, or cannot be read."""
        try:
            entry = self._store.get(key)
            return None if entry is None else value_of(entry)
        except StoreError as error:
            self._complaints.tell("store", f"epochs are trained again: {error}")
            return None

    def _give_up(self, kind: str, reason: str) -> None:
        self._chain = None
        self._complaints.tell(kind, f"the states of a training are not stored: {reason}")


def is_landmark(epoch: int) -> bool:
    """Whether the state after an epoch stays in the store, for trainings that end earlier: powers of two do.

    Examples
    --------
    >>> [epoch for epoch in range(1, 100) if is_landmark(epoch)]
    [1, 2, 4, 8, 16, 32, 64]
    """
    return epoch & (epoch - 1) == 0


def _packed(checkpoint: Checkpoint, *, is_passing: bool) -> dict[str, Any]:
    state = checkpoint.state
    losses, validation_losses, scores = (_column(column) for column in zip(*checkpoint.numbers, strict=True))
    return {
        "parameters": state.parameters,
        "optimizer_state": state.optimizer_state,
        "best": checkpoint.best,
        "losses": losses,
        "validation_losses": validation_losses,
        "scores": scores,
        "seconds": checkpoint.seconds,
        "passing": is_passing,
    }


def _unpacked(found: Any, epoch: int, n_epochs: int) -> Checkpoint:
    """The state that was packed. Raises TypeError, ValueError or LookupError when it is none."""
    losses = _numbers(found["losses"], n_epochs, are_finite=True)
    validation_losses = _numbers(found["validation_losses"], n_epochs, are_finite=True)
    scores = _numbers(found["scores"], n_epochs, are_finite=False)
    seconds = found["seconds"]
    if None in losses or type(seconds) is not float or not 0 <= seconds < math.inf:
        raise ValueError("it has no losses, or no time")
    state = State(_arrays(found["parameters"]), _arrays(found["optimizer_state"]), epoch)
    numbers = list(zip(losses, validation_losses, scores, strict=True))
    best = None if found["best"] is None else _arrays(found["best"])
    return Checkpoint(state, best, numbers, seconds)  # type: ignore[arg-type]  # no loss is None


def _column(numbers: tuple[float | None, ...]) -> Array | None:
    return None if numbers[0] is None else np.array(numbers, np.float64)


def _numbers(column: Any, n_epochs: int, *, are_finite: bool) -> list[float] | list[None]:
    if column is None:
        return [None] * n_epochs
    if type(column) is not np.ndarray or column.dtype != np.float64 or column.shape != (n_epochs,):
        raise ValueError(f"there should be {n_epochs} numbers")
    if are_finite and not np.isfinite(column).all():
        raise ValueError("a loss is not finite")
    numbers: list[float] = column.tolist()
    return numbers


def _arrays(tree: Any) -> Any:
    """The tree with arrays that are its owner's: a store hands out what nobody can write to."""
    if any(type(leaf) is not np.ndarray for leaf in flatten(tree)[0]):
        raise ValueError("a part of it is no array")
    return map_leaves(np.array, tree)
