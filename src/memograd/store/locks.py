"""Once means once: locks by key, between the threads of a process and between processes.

Between processes the lock is the kernel's, on a file (`flock`), so that it is free the moment its owner dies, however
it dies. Each key has a file of its own. A fixed number of files, shared by keys whose digests collide, would bound
their number and could deadlock: a call that holds A and needs B, another that holds an unrelated B and needs an
unrelated A. With a file for each key, waiting in a circle takes calls that need each other, which would not end anyway.

The owner removes the file before it lets go. Whoever gets the lock of a file that does not lie at its place any more
tries again on the one that does, so nobody holds a lock that another does not see.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import final

from memograd.errors import LockTimeout, StoreError
from memograd.store.folder import Folder
from memograd.store.place import Place
from memograd.store.refusal import told

try:
    import fcntl
except ImportError:  # pragma: no cover
    # Windows: stores on disk are refused when they are opened, those in memory work.
    fcntl = None  # type: ignore[assignment]

HAS_FILE_LOCKS = fcntl is not None

DIRECTORY = "locks"
"""Below the directory of a store: one file for each key whose lock is held."""

_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.0005, 0.02
"""Only a lock with a timeout is asked for again and again: the kernel's waits for ever or not at all."""

guard = threading.RLock()
"""Held for the short while in which something of this process is changed that a forked child inherits.

No fork happens meanwhile, so a child never sees a change half made, or a lock whose owner it does not have. One lock is
enough for all stores of a process: it is held for microseconds, and nothing waits inside of it.
"""

database_guard = threading.RLock()
"""Held while SQLite is at work, for the same reason.

SQLite knows for each process which files it has locked. A child that was forked meanwhile would find the index locked
by a connection that it does not have, for ever. Who holds this may take `guard`, and never the other way round.
"""


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A file that this process has open to lock it."""

    fd: int
    place: Place
    root: str
    thread: int


_held: set[_Held] = set()


@contextmanager
def file_lock(
    folder: Folder, place: Place, timeout_seconds: float | None = None, *, keep_file: bool = False
) -> Iterator[None]:
    """Hold the lock of a file until the end of the block, against other threads and other processes.

    Raises
    ------
    LockTimeout
        When it is held by another for longer than that.
    StoreError
        When this thread holds it already, or the file cannot be made.
    """
    held = _acquire(folder, place, timeout_seconds)
    try:
        yield
    finally:
        _release(folder, held, keep_file)


@final
class KeyLocks:
    """Locks by key between the threads of a process; a forked child starts with all of them free.

    Examples
    --------
    >>> locks = KeyLocks()
    >>> with locks.hold("a"), locks.hold("b"):
    ...     pass
    """

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        # By process: a child inherits locks of threads that it does not have, and never looks at them.
        self._locks: dict[tuple[int, str], _KeyLock] = {}

    @contextmanager
    def hold(self, key: str, timeout_seconds: float | None = None) -> Iterator[None]:
        """Hold a lock until the end of the block.

        Raises
        ------
        LockTimeout
            When another thread holds it for longer than that.
        StoreError
            When this thread holds it already.
        """
        name = (os.getpid(), key)
        with guard:
            lock = self._locks.setdefault(name, _KeyLock())
            lock.n_users += 1
        try:
            with lock.hold(key, timeout_seconds):
                yield
        finally:
            with guard:
                lock.n_users -= 1
                if not lock.n_users:
                    self._locks.pop(name, None)


@final
class _KeyLock:
    """A lock, which thread holds it, and how many hold it or wait."""

    __slots__ = ("lock", "n_users", "owner")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.n_users = 0
        self.owner: int | None = None

    @contextmanager
    def hold(self, key: str, timeout_seconds: float | None) -> Iterator[None]:
        if self.owner == threading.get_ident():
            raise _twice(key)
        if not self.lock.acquire(timeout=-1 if timeout_seconds is None else max(timeout_seconds, 0.0)):
            raise _too_long(key, timeout_seconds)
        self.owner = threading.get_ident()
        try:
            yield
        finally:
            self.owner = None
            self.lock.release()


def _acquire(folder: Folder, place: Place, timeout_seconds: float | None) -> _Held:
    with told(folder.root, "lock a file"):
        return _wait_for(folder, place, timeout_seconds)


def _wait_for(folder: Folder, place: Place, timeout_seconds: float | None) -> _Held:
    thread = threading.get_ident()
    with guard:
        if any((held.root, held.place, held.thread) == (folder.root, place, thread) for held in _held):
            raise _twice(str(place))
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    while True:
        try:
            held = _open(folder, place, thread)
        except FileNotFoundError:
            folder.make(place.directory)
            held = _open(folder, place, thread)
        got = False
        try:
            if not _wait(held.fd, deadline):
                raise _too_long(f"{folder.root}/{place}", timeout_seconds)
            got = folder.is_at(place, held.fd)
        finally:
            if not got:
                _close(held)
        if got:
            return held


def _open(folder: Folder, place: Place, thread: int) -> _Held:
    with guard:
        held = _Held(folder.open_to_lock(place), place, folder.root, thread)
        _held.add(held)
        return held


def _wait(fd: int, deadline: float | None) -> bool:
    """Wait until the lock is ours or the time is up; return which."""
    if deadline is None:
        fcntl.flock(fd, fcntl.LOCK_EX)
        return True
    pause = _PAUSE_SECONDS
    while not _try(fd):
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    return True


def _try(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in {errno.EAGAIN, errno.EACCES}:
            raise
        return False
    return True


def _release(folder: Folder, held: _Held, keep_file: bool) -> None:
    if held not in _held:
        return  # in a child that was forked inside of the block, and never had the lock
    if not keep_file:
        with suppress(OSError):
            folder.remove(held.place)
    _close(held)


def _close(held: _Held) -> None:
    with guard:
        _held.discard(held)
        # A child that was forked outside of Python's sight may have the file open too, and would keep the lock.
        fcntl.flock(held.fd, fcntl.LOCK_UN)
        os.close(held.fd)


def _twice(name: str) -> StoreError:
    return StoreError(f"this thread holds the lock of {name} already, and would wait for itself for ever")


def _too_long(name: str, timeout_seconds: float | None) -> LockTimeout:
    return LockTimeout(f"the lock of {name} was held by another for more than {timeout_seconds} s")


def _before_fork() -> None:
    database_guard.acquire()
    guard.acquire()


def _after_fork() -> None:
    guard.release()
    database_guard.release()


def _after_fork_in_child() -> None:
    """Close what the parent's threads have locked, so that the locks end with their owner."""
    for held in _held:
        os.close(held.fd)
    _held.clear()
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
