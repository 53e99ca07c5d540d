"""What costs more to remember than to call is called."""

from __future__ import annotations

from memograd.memo.memoize import memoize
from memograd.memo.worth import BLOCK, Worth
from memograd.store.memory import MemoryStore


def test_a_fast_function_with_ever_new_arguments_is_bypassed() -> None:
    """Remembering that costs more than calling is given up; `stats` says so."""
    f = memoize(lambda x: x + 1, store=MemoryStore(1 << 24))
    assert [f(x) for x in range(300)] == list(range(1, 301))
    assert f.stats()["is_bypassed"]
    assert f.stats()["bypassed"] > 100


def test_dear_first_calls_do_not_bypass_a_function_that_takes_long() -> None:
    """Neither first calls nor a slow store bypass a function that takes more than a millisecond."""
    worth = Worth()
    for n in range(BLOCK * 3):
        worth.remembered(cost_seconds=2e-3, overhead_seconds=5.0 if n < 3 else 4e-3)
    assert not worth.is_bypassed
    for n in range(BLOCK):
        worth.remembered(cost_seconds=5e-4, overhead_seconds=5.0 if n < 3 else 1e-4)
    assert not worth.is_bypassed


def test_a_bypassed_function_that_becomes_slow_is_remembered_again() -> None:
    """The first slow call ends the bypass."""
    worth = Worth()
    for _ in range(BLOCK):
        worth.remembered(cost_seconds=1e-6, overhead_seconds=1e-4)
    assert worth.is_bypassed
    worth.called(cost_seconds=2e-3)
    assert not worth.is_bypassed
