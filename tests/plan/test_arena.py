"""The arena: places that never overlap, in the smallest gap that is large enough."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memograd.plan.arena import Arena, aligned
from memograd.plan.problem import ALIGNMENT_BYTES

from .replay import units

sizes = st.integers(0, 5 * ALIGNMENT_BYTES)
# Each number takes a place of that size, or releases the one with this position among the taken ones.
moves = st.lists(st.tuples(st.sampled_from(["take", "take", "release"]), sizes), max_size=60)


@given(st.integers(0, 10**6))
def test_aligned_is_the_next_multiple(size: int) -> None:
    """Sizes are rounded up to whole units, and nothing takes one unit."""
    assert aligned(size) == units(size) if size < 10**4 else aligned(size) % ALIGNMENT_BYTES == 0
    assert size <= aligned(size) <= max(size + ALIGNMENT_BYTES - 1, ALIGNMENT_BYTES)


@given(moves)
def test_places_never_overlap(moves: list[tuple[str, int]]) -> None:
    """What is taken lies apart, aligned, and inside of the arena; the arena ends where some place once ended."""
    arena, taken, furthest = Arena(), list[tuple[int, int]](), 0
    for move, size in moves:
        if move == "take":
            start = arena.take(size)
            assert start % ALIGNMENT_BYTES == 0
            assert all(start + units(size) <= at or at + units(other) <= start for at, other in taken)
            furthest = max(furthest, start + units(size))
            taken.append((start, size))
        elif taken:
            arena.release(*taken.pop(size % len(taken)))
        assert arena.size_bytes == furthest


@given(moves, sizes)
def test_best_fit(moves: list[tuple[str, int]], wanted: int) -> None:
    """A place is the start of the smallest gap that is large enough, the first of equal ones, or else at the end."""
    arena, taken = Arena(), list[tuple[int, int]]()
    for move, size in moves:
        if move == "take":
            taken.append((arena.take(size), size))
        elif taken:
            arena.release(*taken.pop(size % len(taken)))
    gaps = gaps_between(taken, arena.size_bytes)
    fitting = [(size, start) for start, size in gaps if size >= units(wanted)]
    open_end = next((start for start, size in gaps if start + size == arena.size_bytes), arena.size_bytes)
    assert arena.take(wanted) == (min(fitting)[1] if fitting else open_end)


def gaps_between(taken: list[tuple[int, int]], end: int) -> list[tuple[int, int]]:
    """The free stretches below `end`, found by looking at every unit."""
    busy = {at for start, size in taken for at in range(start, start + units(size), ALIGNMENT_BYTES)}
    gaps: list[tuple[int, int]] = []
    for at in range(0, end, ALIGNMENT_BYTES):
        if at in busy:
            continue
        if gaps and sum(gaps[-1]) == at:
            gaps[-1] = (gaps[-1][0], gaps[-1][1] + ALIGNMENT_BYTES)
        else:
            gaps.append((at, ALIGNMENT_BYTES))
    return gaps


@given(st.lists(sizes, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_released_neighbours_join(sizes: list[int], random: object) -> None:
    """Whatever the order of releases, in the end one gap is left, which holds as much as everything did."""
    arena = Arena()
    taken = [(arena.take(size), size) for size in sizes]
    whole = arena.size_bytes
    random.shuffle(taken)
    for place in taken:
        arena.release(*place)
    assert arena.take(whole) == 0
    assert arena.size_bytes == whole


def test_gap_at_the_end_grows() -> None:
    """A free stretch at the end becomes part of what no longer fits into it."""
    arena = Arena()
    arena.take(64)
    last = arena.take(64)
    arena.release(last, 64)
    assert arena.take(1000) == last
    assert arena.size_bytes == last + units(1000)
