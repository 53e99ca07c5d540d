"""Loops over the elements of a result: how they are cut among threads, and how rows are gone through in vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from memograd.engine.native.access import ZERO, Frame, Index, Indices
from memograd.engine.native.ir import Builder, Value
from memograd.graph.node import Shape

UNROLLED = 4
"""Rows of at most so many vectors are gone through without a loop."""

N_CHAINS = 4
"""So many sums go on beside each other, since each addition waits for the one before."""

CHUNK_VECTORS = 2
"""As many as a tile of a product has, so that what follows a product element by element can be cut alike."""


@dataclass(frozen=True, slots=True)
class Share:
    """How the work of a kernel is cut into units, which threads share.

    Two kernels with equal shares give the same rows to the same thread.

    Attributes
    ----------
    kind : {"rows", "chunks", "all", "first"}
        Units are tiles of rows, or chunks of vectors of the last axis. Or all threads do all of the work, each for
        itself; or the first one does it alone.
    length : int
        Of the axis that is cut.
    n_units : int
    unit_length : int
        Of chunks and blocks; 0 for tiles, which are as equal as can be.
    n_parts : int
        Threads get whole parts of as many units each; 0 if they get units.
    """

    kind: str
    length: int = 1
    n_units: int = 1
    unit_length: int = 0
    n_parts: int = 0

    def first_of(self, thread: Value, n_threads: Value) -> Value:
        """The first unit of a thread; the number of units, for the thread after the last."""
        n = self.n_parts or self.n_units
        return thread * n // n_threads * (self.n_units // n)

    def rows_of(self, b: Builder, thread: Value, n_threads: Value) -> tuple[Value, Value]:
        """The first row of a thread, and the one after its last."""
        first, last = (self.start(b, self.first_of(thread + t, n_threads)) for t in (0, 1))
        return first, last

    def start(self, b: Builder, unit: Value) -> Value:
        """The first row of a unit; the length, for the unit after the last."""
        if self.unit_length:
            place, end = unit * self.unit_length, b.constant(self.length, unit.type)
            return b.select(place < end, place, end)
        base, rest = divmod(self.length, self.n_units)
        if not rest:
            return unit * base
        return unit * base + b.select(unit < rest, unit, b.constant(rest, unit.type))


ALL, FIRST = Share("all"), Share("first")


@dataclass(frozen=True, slots=True)
class Cuts:
    """How the axes of a step are cut.

    Attributes
    ----------
    lanes : int
    tile_rows : int
        The height of a tile, at most.
    n_cores : int
        Among which tiles are to be shared evenly.
    n_rows, n_parts : int
        Of a minibatch that is summed up in parts; otherwise 0.
    """

    lanes: int
    tile_rows: int
    n_cores: int
    n_rows: int = 0
    n_parts: int = 0

    def rows(self, length: int) -> Share:
        """Tiles of rows: as equal as can be, none higher than allowed, and as many for each core or part."""
        if self.n_parts and length == self.n_rows:
            n_tiles = self.n_parts * -(-length // (self.n_parts * self.tile_rows))
            return Share("rows", length, n_tiles, n_parts=self.n_parts)
        n_tiles = -(-length // self.tile_rows)
        if n_tiles > self.n_cores:
            n_tiles = -(-n_tiles // self.n_cores) * self.n_cores
        return Share("rows", length, max(min(n_tiles, length), 1))

    def chunks(self, length: int) -> Share:
        """Chunks of some vectors; the last may be shorter."""
        return _in_units("chunks", length, self.lanes * CHUNK_VECTORS)

    def blocks(self, length: int) -> Share:
        """As many rows as a vector has lanes; the last may be fewer."""
        return _in_units("rows", length, self.lanes)


def _in_units(kind: str, length: int, unit: int) -> Share:
    return Share(kind, length, max(-(-length // unit), 1), unit)


Body = Callable[[Indices], None]


def over(
    frame: Frame, shape: Shape, span: tuple[Any, Any], body: Body, *, vectors: bool = True, is_last_cut: bool = False
) -> None:
    """Run `body(index)` for all elements of an array, a vector of the last long axis at a time.

    Parameters
    ----------
    shape : tuple of int
    span : pair of int or Value
        What to do of the axis that is cut: of those that are longer than 1, the first.
    vectors : bool
        Otherwise one element at a time.
    is_last_cut : bool
        Whether the last one is cut instead.
    """
    long = [axis for axis, n in enumerate(shape) if n != 1]
    index: list[Index] = [ZERO] * len(shape)
    cut = len(long) - 1 if is_last_cut else 0

    def level(position: int) -> None:
        axis = long[position]
        start, stop = span if position == cut else (0, shape[axis])
        walk = along if vectors and position == len(long) - 1 else loop
        walk(frame, start, stop, lambda i: at(axis, i._replace(is_own=position == cut)))

    def at(axis: int, i: Index) -> None:
        index[axis] = i
        position = long.index(axis) + 1
        if position < len(long):
            level(position)
        else:
            body(tuple(index))

    if long:
        level(0)
    else:
        body(tuple(index))


def loop(frame: Frame, start: Any, stop: Any, body: Callable[[Index], None]) -> None:
    """Run `body` for each position."""

    def inside(i: Any) -> None:
        if isinstance(i, Value):
            frame.enter()
            body(Index(i, 0, frame.b.depth))
        else:
            body(Index(i))

    frame.b.loop(start, stop, inside)


def loop_in_steps(frame: Frame, stop: int, step: int, body: Callable[[Any], None]) -> None:
    """Run `body` for 0, step, 2 step, …"""

    def inside(i: Any) -> None:
        if isinstance(i, Value):
            frame.enter()
        body(i)

    frame.b.loop(0, stop, inside, step=step)


def along(frame: Frame, start: Any, stop: Any, body: Callable[[Index], None]) -> None:
    """Run `body` for each vector of positions; for the last one with a mask."""
    b, lanes = frame.b, frame.lanes

    def vector(i: Any, n_valid: Any = None, *, is_aligned: bool) -> None:
        index = Index(i, 1, b.depth if isinstance(i, Value) else 0)
        saved = frame.n_valid, frame.lane_key
        frame.n_valid, frame.lane_key = n_valid, index.key if is_aligned else None
        body(index)
        frame.n_valid, frame.lane_key = saved

    if isinstance(start, int) and isinstance(stop, int):
        is_aligned = start % lanes == 0
        whole = start + (stop - start) // lanes * lanes
        if whole - start <= UNROLLED * lanes:
            for i in range(start, whole, lanes):
                vector(i, is_aligned=is_aligned)
        else:

            def inside(i: Value) -> None:
                frame.enter()
                vector(i, is_aligned=is_aligned)

            b.loop(start, whole, inside, step=lanes)
        if whole < stop:
            vector(whole, stop - whole, is_aligned=is_aligned)
        return

    def some(i: Value) -> None:
        frame.enter()
        vector(i, is_aligned=False)

    count = b.constant(stop, b.constant(start, stop.type).type) - start
    rest = count % lanes
    whole = stop - rest
    b.loop(start, whole, some, step=lanes)
    with frame.scope():
        b.branch(rest > 0, lambda: vector(whole, rest, is_aligned=False))


def summed(
    frame: Frame,
    length: int,
    body: Callable[[Any, Sequence[Value]], Sequence[Value]],
    carry: Sequence[Value],
    combine: Callable[[Sequence[Value], Sequence[Value]], Sequence[Value]] | None,
) -> list[Value]:
    """Carry values along an axis; in four chains, joined at the end, where the order of the steps does not matter."""
    b = frame.b
    if length <= UNROLLED:
        found = list(carry)
        for i in range(length):
            found = list(body(Index(i), found))
        return found
    if combine is None or length < 8:

        def one(i: Any, *values: Value) -> Sequence[Value]:
            if isinstance(i, Value):
                frame.enter()
            return body(_index(frame, i), values)

        return b.loop(0, length, one, carry=carry)
    width = len(carry)
    whole = length - length % N_CHAINS

    def four(i: Value, *values: Value) -> list[Value]:
        frame.enter()
        out: list[Value] = []
        for chain in range(N_CHAINS):
            part = values[chain * width : (chain + 1) * width]
            out += body(_index(frame, i + chain), part)
        return out

    found = b.loop(0, whole, four, step=N_CHAINS, carry=[*carry] * N_CHAINS)
    chains = [list(found[c * width : (c + 1) * width]) for c in range(N_CHAINS)]
    for extra in range(whole, length):
        chains[extra - whole] = list(body(Index(extra), chains[extra - whole]))
    first = combine(chains[0], chains[1])
    return list(combine(first, combine(chains[2], chains[3])))


def _index(frame: Frame, i: Any) -> Index:
    return Index(i, 0, frame.b.depth) if isinstance(i, Value) else Index(i)
