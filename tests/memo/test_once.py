"""Once means once: between threads, between processes, and when the owner of a call is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from memograd.memo.memoize import memoize
from memograd.store.disk import DiskStore
from memograd.store.memory import MemoryStore

N_PROCESSES, N_ROUNDS = 16, 50

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


class Log:
    """A file to which every execution adds a byte; told by its class."""

    __memo_key__ = "log"

    def __init__(self, path: Path, seconds: float = 0.05) -> None:
        self.path = path
        self.seconds = seconds

    def add(self) -> None:
        """One more execution."""
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(fd, b"x")
        os.close(fd)

    def count(self) -> int:
        """How many there were."""
        return self.path.stat().st_size if self.path.exists() else 0


def made(root: Path, log: Log) -> Any:
    """A memoized function that takes a while."""

    def slow(n: int) -> int:
        log.add()
        time.sleep(log.seconds)
        return n * n

    return memoize(slow, store=DiskStore(root), version=1)


def work(f: Any, barrier: Any) -> None:
    """All rounds of one process."""
    for n in range(N_ROUNDS):
        barrier.wait(30)
        assert f(n) == n * n


def test_processes_compute_a_call_once(tmp_path: Path) -> None:
    """Of 16 processes that make the same cold call at one time, one executes it, 50 times over."""
    context = multiprocessing.get_context("fork")
    log, barrier = Log(tmp_path / "log", 0.002), context.Barrier(N_PROCESSES)
    f = made(tmp_path / "store", log)
    processes = [context.Process(target=work, args=(f, barrier)) for _ in range(N_PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * N_PROCESSES
    assert log.count() == N_ROUNDS


def test_threads_compute_a_call_once(tmp_path: Path) -> None:
    """Of 32 threads, one."""
    log, barrier, results = Log(tmp_path / "log"), threading.Barrier(32), []

    def slow(n: int) -> int:
        log.add()
        time.sleep(0.05)
        return n

    f = memoize(slow, store=MemoryStore(1 << 20))

    def call() -> None:
        barrier.wait(10)
        results.append(f(1))

    threads = [threading.Thread(target=call) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (results, log.count()) == ([1] * 32, 1)


def test_a_killed_owner_is_followed_at_once(tmp_path: Path) -> None:
    """When the process that computes is killed, one that waits computes within a second."""
    context = multiprocessing.get_context("fork")
    log, fast = Log(tmp_path / "log", 60), Log(tmp_path / "log", 0)
    owner = context.Process(target=made(tmp_path / "store", log), args=(3,))
    owner.start()
    while not log.count():
        time.sleep(0.005)
    results: list[float] = []

    def wait() -> None:
        assert made(tmp_path / "store", fast)(3) == 9
        results.append(time.monotonic())

    waiter = threading.Thread(target=wait)
    waiter.start()
    time.sleep(0.2)
    assert results == []
    os.kill(owner.pid or 0, signal.SIGKILL)
    killed = time.monotonic()
    waiter.join(10)
    owner.join(10)
    assert results[0] - killed < 1
