"""A training that is interrupted, wherever and however, and taken up again is one that never stopped, bit by bit."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

from memograd.graph.tree import flatten
from memograd.store.disk import DiskStore
from memograd.store.open import open_store
from memograd.store.protocol import Store
from memograd.train import checkpoints, epochs, loop, native
from memograd.train.history import Epoch

from .trainings import KINDS, Training, bits, compiled_once, drawn, outcome

N_CONFIGURATIONS = 200
THREADS = (1, 2, 3)
FILES = {module.__file__ for module in (loop, epochs, native, checkpoints)}


class Failure(Exception):
    """What a user's own code raises."""


class Killed(BaseException):
    """The end of a process, as far as a store can see it: nothing that comes after it is run."""


def at_epoch(number: int, error: type[BaseException]) -> Callable[[Epoch], None]:
    """Return what raises after an epoch."""

    def raise_(epoch: Epoch) -> None:
        if epoch.number == number:
            raise error

    return raise_


def on_line(count: int, error: type[BaseException]) -> Callable[[FrameType, str, Any], Any]:
    """Return a tracer that raises when that many lines of the loop, the engines and the checkpoints have run."""
    remaining = itertools.count(count, -1)

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in FILES:
            return None
        if event == "line" and next(remaining) == 0:
            raise error
        return trace

    return trace


def by_report(training: Training, store: Store, rng: np.random.Generator, n_threads: int) -> None:
    """A callback that fails, or presses Ctrl-C, after an epoch."""
    error = Failure if rng.random() < 0.5 else KeyboardInterrupt
    number = int(rng.integers(1, training.settings.epochs + 1))
    with suppress(Failure):
        training.fit(store=store, n_threads=n_threads, on_epoch=at_epoch(number, error))


def by_line(training: Training, store: Store, rng: np.random.Generator, n_threads: int) -> None:
    """Ctrl-C, or the end of the process, on any line; once the training was interrupted it says so."""
    error = KeyboardInterrupt if rng.random() < 0.7 else Killed
    before = sys.gettrace()
    sys.settrace(on_line(int(rng.integers(0, 150 * training.settings.epochs)), error))
    try:
        training.fit(store=store, n_threads=n_threads)
    except (KeyboardInterrupt, Killed):
        pass
    finally:
        sys.settrace(before)


def by_a_shorter_run(training: Training, store: Store, rng: np.random.Generator, n_threads: int) -> None:
    """A training that was never meant to be longer."""
    training.fit(store=store, n_threads=n_threads, epochs=int(rng.integers(1, training.settings.epochs + 1)))


def by_a_longer_run(training: Training, store: Store, rng: np.random.Generator, n_threads: int) -> None:
    """A training that went on beyond the end, with other patience."""
    training.fit(store=store, n_threads=n_threads, epochs=training.settings.epochs + 3, patience=None, tolerance=0.5)


WAYS = (by_report, by_line, by_line, by_a_shorter_run, by_a_longer_run)


@pytest.mark.parametrize("part", range(len(KINDS)))
def test_exactly_as_if_never_stopped(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 trainings: interrupted up to three times, on 1, 2 and 3 threads, they end in the same bits as without."""
    with compiled_once() as next_is:
        for number in range(part, N_CONFIGURATIONS, len(KINDS)):
            rng = np.random.default_rng(number)
            training = drawn(rng, KINDS[part])
            next_is(training.kind)
            whole = outcome(training.fit(n_threads=1))
            # Half of them write after every epoch, half hardly ever.
            monkeypatch.setattr(checkpoints, "SHARE", 1e9 if rng.random() < 0.5 else 0.0)
            monkeypatch.setattr(checkpoints, "PASSING_SECONDS", 0.0)
            store: Store = open_store("memory:") if rng.random() < 0.5 else DiskStore(tmp_path / str(number))
            for _ in range(int(rng.integers(1, 4))):
                way = WAYS[int(rng.integers(len(WAYS)))]
                way(training, store, rng, int(rng.choice(THREADS)))
            last = training.fit(store=store, n_threads=int(rng.choice(THREADS)))
            assert outcome(last) == whole, f"training {number}"
            assert last.memo.epochs_recalled + last.memo.epochs_trained == len(last.history)
            again = training.fit(store=store)
            assert outcome(again) == whole, f"training {number}, recalled"
            assert again.memo.epochs_trained == 0


@dataclass(frozen=True)
class _Killer:
    """Children that train, and are killed."""

    training: Training
    root: Path

    def child(self, n_threads: int) -> tuple[int, int]:
        """Fork a child that trains; return its number, and where it says that it came to the end."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                self.training.fit(store=DiskStore(self.root), n_threads=n_threads)
                os.write(writer, b"done")
            finally:
                os._exit(0)
        os.close(writer)
        return pid, reader

    def kill(self, rng: np.random.Generator, seconds: float) -> bool:
        """Kill a child some time after it began; return whether it had come to its end."""
        pid, reader = self.child(int(rng.choice(THREADS)))
        time.sleep(rng.uniform(0, seconds))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with open(reader, "rb") as pipe:
            return pipe.read() == b"done"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills children that it forks")
@pytest.mark.parametrize("number", range(len(KINDS)))
def test_killed_at_any_moment(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that are killed (`kill -9`) leave states that later ones go on from, to the same bits, unharmed."""
    monkeypatch.setattr(checkpoints, "SHARE", 0.5)
    monkeypatch.setattr(checkpoints, "PASSING_SECONDS", 0.0)
    with compiled_once() as next_is:
        rng = np.random.default_rng(1000 + number)
        training = drawn(rng, KINDS[number])
        next_is(training.kind)
        training = replace(training, settings=replace(training.settings, epochs=40, patience=None))
        began = time.perf_counter()
        whole = outcome(training.fit())
        seconds = time.perf_counter() - began
        for attempt in range(3):
            killer = _Killer(training, tmp_path / str(attempt))
            n_killed = sum(not killer.kill(rng, 2 * seconds) for _ in range(6))
            last = training.fit(store=DiskStore(killer.root))
            assert outcome(last) == whole
            assert n_killed or last.memo.epochs_trained == 0


def test_parts_add_up() -> None:
    """From a state a training goes on as if it had never stopped: *n* epochs, then *m*, are *n + m*, also unstored."""
    with compiled_once() as next_is:
        for number in range(24):
            rng = np.random.default_rng(2000 + number)
            kind = KINDS[number % len(KINDS)]
            if kind.schedule != "constant":
                continue
            training = drawn(rng, kind)
            next_is(kind)
            whole = training.fit(epochs=9, patience=None, n_threads=2)
            begun = training.fit(epochs=4, patience=None, n_threads=1)
            rest = training.fit(epochs=9, patience=None, n_threads=3, start=begun.state)
            assert bits(rest.state.parameters) == bits(whole.state.parameters)
            assert bits(rest.state.optimizer_state) == bits(whole.state.optimizer_state)
            assert [epoch.number for epoch in rest.history] == [5, 6, 7, 8, 9]
            assert [epoch.loss for epoch in rest.history] == [epoch.loss for epoch in whole.history[4:]]


def test_a_state_that_was_interrupted_can_be_gone_on_from() -> None:
    """The state of an interrupted training is that after its last whole epoch, wherever Ctrl-C came."""
    with compiled_once() as next_is:
        for number in range(40):
            rng = np.random.default_rng(3000 + number)
            training = drawn(rng, KINDS[(0, 2, 6)[number % 3]])
            next_is(training.kind)
            before = sys.gettrace()
            sys.settrace(on_line(int(rng.integers(60, 400)), KeyboardInterrupt))
            try:
                begun = training.fit(patience=None, epochs=10)
            except KeyboardInterrupt:
                continue
            finally:
                sys.settrace(before)
            if begun.state.epoch == 10:
                continue
            assert begun.stopped == "interrupted"
            assert begun.state.epoch == len(begun.history)
            whole = training.fit(patience=None, epochs=10)
            rest = training.fit(patience=None, epochs=10, start=begun.state)
            assert bits(rest.state.parameters) == bits(whole.state.parameters)


def test_what_is_recalled_is_the_users_own(tmp_path: Path) -> None:
    """Parameters and states that come from a store can be written to, and no one else sees it."""
    training = drawn(np.random.default_rng(0), KINDS[0])
    store = DiskStore(tmp_path)
    whole = outcome(training.fit(store=store))
    recalled = training.fit(store=store)
    for tree in (recalled.parameters, recalled.state.parameters, recalled.state.optimizer_state):
        for leaf in flatten(tree)[0]:
            leaf[...] = 7
    assert outcome(training.fit(store=store)) == whole
