"""Memoized coroutines compute once, without blocking the loop."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memograd.memo.memoize import memoize
from memograd.store.disk import DiskStore
from memograd.store.memory import MemoryStore
from memograd.store.protocol import Store


class Log(list[Any]):
    """What was computed; told by its class, so that it is no part of the code."""

    __memo_key__ = "log"


def made(store: Store, log: Log) -> Any:
    """A memoized coroutine function that takes a while."""

    @memoize(store=store)
    async def slow(x: Any) -> Any:
        log.append(1)
        await asyncio.sleep(0.05)
        return x * 2

    return slow


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_tasks_wait_for_one_computation(where: str, tmp_path: Path) -> None:
    """Of many tasks one computes, and all get the result; later calls are hits."""
    log = Log()
    f = made(DiskStore(tmp_path) if where == "disk" else MemoryStore(1 << 20), log)

    async def main() -> list[Any]:
        return [*await asyncio.gather(*(f(np.ones(2)) for _ in range(20))), await f(np.ones(2))]

    assert [result.tolist() for result in asyncio.run(main())] == [[2, 2]] * 21
    assert len(log) == 1


def test_a_cancelled_leader_is_followed_by_another() -> None:
    """Those who wait neither hang nor are cancelled with it; nor does one who gives up take others with it."""
    log = Log()
    f = made(MemoryStore(1 << 20), log)

    async def main() -> list[Any]:
        leader, one, two, three = (asyncio.create_task(f(4)) for _ in range(4))
        await asyncio.sleep(0.02)
        two.cancel()
        leader.cancel()
        return await asyncio.gather(leader, one, two, three, return_exceptions=True)

    leader, one, two, three = asyncio.run(main())
    assert (one, three) == (8, 8)
    assert all(isinstance(error, asyncio.CancelledError) for error in (leader, two))
    assert len(log) == 2


def test_waiting_for_a_lock_does_not_block_the_loop(tmp_path: Path) -> None:
    """While another owner holds the lock of a call, other tasks run."""
    store = DiskStore(tmp_path)
    f = made(store, Log())
    key = f.call_info(1).key

    async def main() -> float:
        with store.lock(key):
            waiting = asyncio.create_task(f(1))
            begun = time.perf_counter()
            await asyncio.sleep(0.1)
            ran = time.perf_counter() - begun
            assert not waiting.done()
        assert await waiting == 2
        return ran

    assert asyncio.run(main()) < 1


def test_exceptions_of_coroutines_are_not_stored() -> None:
    """The next call computes."""
    log = Log()

    @memoize(store=MemoryStore(1 << 20))
    async def fails(x: int) -> int:
        log.append(1)
        if len(log) == 1:
            raise ValueError
        return x

    async def main() -> int:
        with pytest.raises(ValueError):
            await fails(1)
        return int(await fails(1))

    assert asyncio.run(main()) == 1
