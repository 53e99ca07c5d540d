"""Memoized coroutines, for asyncio: tasks wait for one computation without blocking the loop.

The lock of a store belongs to the thread that takes it, and waiting for it blocks. So a thread of its own takes it and
holds it while a task computes.

`asyncio` takes 20 ms to import, so only what runs in it does that.
"""

from __future__ import annotations

import inspect
import threading
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, final

from memograd.memo.flight import AGAIN, LEAD, Flight, Flights, running
from memograd.memo.memoized import UNKEYED, Call, Memoized
from memograd.memo.shelf import MISS


@final
class MemoizedCoroutine(Memoized):
    """A coroutine function that looks before it computes. Its coroutines run in tasks of asyncio."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._flights = Flights()
        if hasattr(inspect, "markcoroutinefunction"):  # since Python 3.12
            inspect.markcoroutinefunction(self)

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the call: the stored one, or a new one that is stored. Arguments are read when it is awaited.

        Raises
        ------
        CannotDigest
            When an argument has no digest, unless on_refuse is "call".
        Exception
            Whatever the coroutine raises; exceptions are not stored.
        """
        start = time.perf_counter()
        if self._is_bypassed():
            try:
                return await self._function(*args, **kwargs)
            finally:
                self._bypassed(start)
        found, call = self._look(args, kwargs, start)
        if found is not MISS:
            return found
        if call is UNKEYED:
            return await self._function(*args, **kwargs)
        return await self._once(call)

    async def _once(self, call: Call) -> Any:
        """Compute, unless another task does so already: then wait, and look again."""
        import asyncio

        me = asyncio.current_task()
        while True:
            turn = self._flights.board(call.key.digest, me)
            if turn is AGAIN:
                return await self._function(*call.args, **call.kwargs)
            if isinstance(turn, Flight):
                await turn.wait_in_task(me, asyncio.wrap_future)
                found = self._recall_again(call)
                if found is not MISS:
                    return found
                continue
            assert turn is LEAD
            try:
                return await self._lead(call)
            finally:
                self._flights.land(call.key.digest)

    async def _lead(self, call: Call) -> Any:
        async with _HeldByThread(self._shelf.lock(call.key)):
            # Another process may have been first.
            found = self._recall_again(call)
            return found if found is not MISS else await self._compute(call)

    async def _compute(self, call: Call) -> Any:
        begun = time.perf_counter()
        value = await self._function(*call.args, **call.kwargs)
        cost = time.perf_counter() - begun
        import asyncio

        # A store on disk waits for the disk.
        kept = await asyncio.to_thread(self._keep, call, value, cost)
        self._missed(cost, begun - call.looked_seconds)
        return kept


@final
class _HeldByThread:
    """A lock that a thread of its own takes and holds for the time of an ``async with``."""

    __slots__ = ("_lock", "_release", "_taken")

    def __init__(self, lock: AbstractContextManager[None]) -> None:
        self._lock = lock
        self._release = threading.Event()
        self._taken = running()

    async def __aenter__(self) -> None:
        import asyncio

        threading.Thread(target=self._hold, daemon=True).start()
        try:
            await asyncio.wrap_future(self._taken)
        except BaseException:
            # Cancelled while it waits: the thread lets go as soon as it has it.
            self._release.set()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._release.set()

    def _hold(self) -> None:
        try:
            with self._lock:
                self._taken.set_result(None)
                self._release.wait()
        except BaseException as error:
            # Such as a warning that was made an error; whoever waits is told.
            if self._taken.done():
                raise
            self._taken.set_exception(error)
