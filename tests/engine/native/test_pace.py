"""How many threads a training takes follows what they took of late."""

from __future__ import annotations

from collections.abc import Callable

from memograd.engine.native.pace import RETRY_CALLS, Pace


def chosen(pace: Pace, seconds: Callable[[int], float], n_calls: int) -> list[int]:
    """What is chosen in so many calls, when n threads take `seconds(n)` for a step."""
    found = []
    for _ in range(n_calls):
        found.append(pace.choose())
        pace.note(found[-1], seconds(found[-1]))
    return found


def test_each_number_is_tried_and_the_fastest_taken() -> None:
    """Whichever is fastest, and wherever it stands among the choices."""
    for fastest in (1, 2, 4):
        found = chosen(Pace([1, 2, 4]), lambda n, best=fastest: 1.0 if n == best else 2.0, RETRY_CALLS - 1)
        assert set(found[:3]) == {1, 2, 4}
        assert set(found[3:]) == {fastest}


def test_the_others_are_tried_again() -> None:
    """One call in `RETRY_CALLS` goes to another number, each in turn, and no more than one."""
    found = chosen(Pace([1, 2, 4]), float, 10 * RETRY_CALLS)
    others = [n for n in found[3:] if n != 1]
    assert set(others) == {2, 4}
    assert len(others) == 10


def test_other_programs_come_and_go() -> None:
    """When the fastest becomes slow another is taken, and it comes back when it is fast again."""
    pace = Pace([1, 2])
    assert chosen(pace, lambda n: 1.0 / n, RETRY_CALLS - 1)[-1] == 2
    assert chosen(pace, lambda n: 1.0 if n == 1 else 5.0, 20)[-1] == 1
    assert chosen(pace, lambda n: 1.0 / n, 20 * RETRY_CALLS)[-1] == 2


def test_an_only_number_is_always_taken() -> None:
    """Also when it would be time to try another one."""
    assert set(chosen(Pace([3]), lambda n: 1.0, 2 * RETRY_CALLS)) == {3}
