"""Memoized generators yield what the generators yield, and are stored only when they come to their end."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import pytest

from memograd.errors import BadSetting
from memograd.memo.complaints import MemoWarning
from memograd.memo.memoize import memoize
from memograd.store.memory import MemoryStore


def memory() -> MemoryStore:
    """A store of its own."""
    return MemoryStore(1 << 24)


def count(n: int) -> Generator[int, Any, str]:
    """Yields and returns."""
    for i in range(n):
        got = yield i
        if got is not None:
            yield got * 100
    return "end"


def drained(generator: Generator[Any, Any, Any]) -> tuple[list[Any], Any]:
    """The items of a generator, and what it returns."""
    items = []
    while True:
        try:
            items.append(next(generator))
        except StopIteration as end:
            return items, end.value


@pytest.mark.parametrize("pickled", [False, True])
def test_a_drained_generator_is_replayed_with_its_return_value(pickled: bool) -> None:
    """Items and return value are the same, without running again."""
    f = memoize(count, store=memory(), pickle=pickled)
    assert [drained(f(3)) for _ in range(3)] == [([0, 1, 2], "end")] * 3
    assert (f.stats()["misses"], f.stats()["hits"]) == (1, 2)


def test_a_generator_that_is_not_drained_stores_nothing() -> None:
    """What was taken of it is not all of it."""
    f = memoize(count, store=memory())
    started = f(3)
    assert next(started) == 0
    started.close()
    assert not f.is_cached(3)
    assert drained(started) == ([], None)


def test_what_is_sent_or_thrown_makes_it_unstored() -> None:
    """It may have changed what came after."""
    f = memoize(count, store=memory())
    started = f(3)
    assert [next(started), started.send(7), *started] == [0, 700, 1, 2]
    thrown = f(3)
    next(thrown)
    with pytest.raises(KeyError):
        thrown.throw(KeyError("k"))
    assert not f.is_cached(3)


def test_what_is_sent_into_a_replay_reaches_a_generator_that_runs() -> None:
    """A replay answers `send` and `throw` as the generator would."""
    f = memoize(count, store=memory())
    drained(f(3))
    replay = f(3)
    assert [next(replay), replay.send(7), *replay] == [0, 700, 1, 2]
    replay = f(3)
    next(replay)
    with pytest.raises(KeyError):
        replay.throw(KeyError("k"))
    assert drained(replay) == ([], None)


def test_items_are_stored_as_they_were_yielded() -> None:
    """A generator that writes into one array again and again, and a caller that does, change nothing stored."""

    @memoize(store=memory())
    def rows(n: int) -> Iterator[Any]:
        row = np.zeros(2)
        for i in range(n):
            row[:] = i
            yield row

    assert [item.tolist() for item in list(rows(3))] == [[0, 0], [1, 1], [2, 2]]
    assert [item.tolist() for item in list(rows(3))] == [[0, 0], [1, 1], [2, 2]]


def test_two_generators_in_turn_do_not_wait_for_each_other() -> None:
    """One thread drains both."""
    f = memoize(count, store=memory())
    assert list(zip(f(3), f(3), strict=True)) == [(0, 0), (1, 1), (2, 2)]
    assert f.is_cached(3)


def test_exceptions_and_what_no_codec_can_hold_are_not_stored() -> None:
    """The items come all the same; the user is told of what cannot be stored."""

    @memoize(store=memory())
    def odd(fails: bool) -> Iterator[Any]:
        yield 1
        if fails:
            raise ValueError
        yield object()

    with pytest.raises(ValueError):
        list(odd(True))
    with pytest.warns(MemoWarning, match="item 1"):
        assert len(list(odd(False))) == 2
    assert not odd.is_cached(True)
    assert not odd.is_cached(False)


def test_asynchronous_generators_are_refused() -> None:
    """The error says what to do instead."""

    async def stream() -> Any:
        yield 1

    with pytest.raises(BadSetting, match="collect what it yields"):
        memoize(stream, store=memory())
