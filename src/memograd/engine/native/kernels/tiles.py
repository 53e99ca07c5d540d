"""The tiles of a product of matrices: in which order they are computed, and what is asked for ahead.

A tile is some rows of a panel, and a panel is two vectors of columns. A thread has some of the tiles' rows and all
panels, or some of the panels and all rows (see `shares`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from memograd.engine.native.access import ZERO, Frame, Index, times
from memograd.engine.native.elementwise import memory_type, type_of
from memograd.engine.native.fusion import long_axes
from memograd.engine.native.gemm import tile_function
from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.ir_types import I64, VOID, Type
from memograd.engine.native.kernels.emission import Emission, strided
from memograd.engine.native.nests import Share
from memograd.engine.native.parts import PARTS
from memograd.graph.node import Node


@dataclass(frozen=True, slots=True)
class Sums:
    """Where sums go that are not complete when a tile is done.

    Attributes
    ----------
    pointer : Value
    stride : int
        From row to row.
    """

    pointer: Value
    stride: int


@dataclass(frozen=True, slots=True)
class Right:
    """The right operand of a product by tiles.

    Attributes
    ----------
    node : Node
        Whose elements it reads.
    stride : int
        From k to k.
    column_stride : int
        From column to column, of those where a vector begins.
    is_padded : bool
    """

    node: Node
    stride: int
    column_stride: int
    is_padded: bool


def right_operand(node: Node, frame: Frame) -> Right | None:
    """The right operand, if vectors of columns lie in memory."""
    x = node.inputs[1]
    place = frame.places.get(x)
    if place is not None and place.panel:
        stride, column_stride = place.strides
        return Right(x, stride, column_stride, is_padded=True)
    found = strided(x, frame.places)
    if found is None or found[1][-1] != 1:
        return None
    return Right(found[0], found[1][-2], 1, frame.places[found[0]].is_padded)


def is_tiled(node: Node) -> bool:
    """Whether a product is one of matrices of floats, and neither has but one row or column."""
    return (
        node.op == "matmul" and len(long_axes(node.shape)) == 2 and min(node.shape[-2:]) > 1 and node.dtype.kind == "f"
    )


K_BLOCK_BYTES = 1024
"""So much of the common axis at a time: two vectors for each k then fill two thirds of the first cache."""

GROUP_TILES = 8
"""So many tiles of rows go through a block of the right operand, before the next block is read."""

BLOCKED_BYTES = 1 << 19
"""Where a thread's rows of the left operand take more, sums go to memory after each block of the common axis."""

PREFETCHED_BYTES = 1 << 18
"""What is larger than this is likely to come from beyond the second cache: it is asked for ahead."""


SHARED_BYTES = 1 << 14
"""Results that are larger are asked for before they are written."""

LONG_DEPTH, TILES_AHEAD = 64, 2
"""A tile of so many products takes longer than a line needs to come; before shorter ones, tiles ahead are asked for."""


def is_blocked(node: Node, n_shares: int) -> bool:
    """Whether a product is too large to keep a thread's rows of its left operand in the second cache.

    Parameters
    ----------
    n_shares : int
        Into how many parts the rows are cut.
    """
    if not is_tiled(node):
        return False
    m, depth = node.inputs[0].shape[-2:]
    size = node.dtype.itemsize
    return m * depth * size > BLOCKED_BYTES * n_shares and depth * size > K_BLOCK_BYTES


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the common axis.

    Attributes
    ----------
    first, length : int or Value
    starts, ends : bool
        Whether it is the first, and whether the last.
    """

    first: Any
    length: Any
    starts: bool = True
    ends: bool = True


class Tiles:
    """The loops of a product: panels of columns, tiles of rows, and blocks of the common axis.

    Three orders of loops, by how much is to be kept in which cache: where the common axis is short, a tile is finished
    at once. Where it is long, some tiles go through one block of it after the other. Where not even a thread's rows of
    the left operand stay in the second cache, blocks of rows and of the common axis do, while all panels go by.
    """

    def __init__(
        self, e: Emission, node: Node, left: tuple[Node, Any], right: Right, rows: Share, sums: Sums | None
    ) -> None:
        self.e, self.b, self.frame, self.node = e, e.b, e.frame, node
        self.kind, self.lanes = type_of(node.dtype), e.frame.lanes
        self.width = 2 * self.lanes
        self.n, self.depth = node.shape[-1], node.inputs[0].shape[-1]
        a, (*_, self.row_stride, self.k_stride) = left
        self.left, self.right, self.of_right = self.frame.pointer(a), self.frame.pointer(right.node), right
        self.by_columns = e.share.kind == "chunks"
        self.rows, self.sums = rows, sums
        self.in_parts, self.is_blocked = node.op in PARTS, e.sums is not None
        self.k_block = K_BLOCK_BYTES * 8 // self.kind.bits
        self.group = 1 if self.depth <= self.k_block or sums is not None else GROUP_TILES
        height = -(-self.rows.length // self.rows.n_units)
        self.tile_size = height * self.width
        self.units_a_block = max(BLOCKED_BYTES // (height * K_BLOCK_BYTES), 1)
        if sums is None:
            self.scratch = self.b.stack(self.kind, self.tile_size * self.group)
        large = self._large()
        # Where tiles are not finished one by one, nothing can come while one is computed.
        self.streamed = [x for x in large if self.frame.places[x].panel] if self.group == 1 else []
        self.far = [x for x in large if x not in self.streamed]
        self._tell_reads(a, right.node)

    def _large(self) -> list[Node]:
        """The arguments that the end of a tile reads, and that are likely to come from beyond the second cache."""
        frame, shape = self.frame, long_axes(self.node.shape)
        members = self.e.kernel.members
        read = {x: None for member in members for x in member.inputs if x.op == "input" and x in frame.places}
        return [x for x in read if x.size_bytes >= PREFETCHED_BYTES and long_axes(x.shape) == shape]

    def _tell_reads(self, a: Node, w: Node) -> None:
        """Say what is read: of the operand along which the work is cut only a thread's own part."""
        own_left, own_right = (0 if self.by_columns else self.row_stride), 0
        if self.in_parts:
            own_left, own_right = self.k_stride, self.of_right.stride
        elif self.by_columns:
            own_right = self.of_right.column_stride
        for node, own in ((a, own_left), (w, own_right)):
            strides = self.frame.places[node].strides
            self.frame.on_read(node, tuple(ZERO._replace(is_own=s == own != 0) for s in strides))

    def emit(self) -> None:
        """All of the work that a call is given."""
        units = (self.b.constant(0, I64), self.b.constant(self.rows.n_units, I64))
        if not self.by_columns:
            units = self.e.first, self.e.last
        if self.sums is None:
            self.panels(units, Part(0, self.depth))
            return
        last_k = (self.depth - 1) // self.k_block * self.k_block
        self._blocks_of_rows(units, Part(0, self.k_block, ends=False))

        def middle(k: Any) -> None:
            if isinstance(k, Value):
                self.frame.enter()
            self._blocks_of_rows(units, Part(k, self.k_block, starts=False, ends=False))

        self.b.loop(self.k_block, last_k, middle, step=self.k_block)
        self._blocks_of_rows(units, Part(last_k, self.depth - last_k, starts=False))

    def _blocks_of_rows(self, units: tuple[Value, Value], part: Part) -> None:
        """So many rows of the left operand as the second cache holds, and all panels."""

        def block(first: Value) -> None:
            self.frame.enter()
            self.panels((first, _smaller(self.b, first + self.units_a_block, units[1])), part)

        self.b.loop(*units, block, step=self.units_a_block)

    def panels(self, units: tuple[Value, Value], part: Part) -> None:
        """All panels of the share: those of two vectors in a loop, and what is left."""
        b, whole = self.b, self.n // self.width * self.width
        start: Any = 0
        stop: Any = whole
        if self.by_columns:
            start = self.e.first * self.width
            stop = _smaller(b, self.e.last * self.width, b.constant(whole, I64))

        def inside(c: Any) -> None:
            if isinstance(c, Value):
                self.frame.enter()
            self._panel(c, self.width, units, part)

        def rest() -> None:
            with self.frame.scope():
                self._panel(whole, self.n - whole, units, part)

        b.loop(start, stop, inside, step=self.width)
        if whole < self.n:
            b.branch(self.e.last * self.width > whole if self.by_columns else True, rest)

    def _panel(self, c: Any, n_columns: int, units: tuple[Value, Value], part: Part) -> None:
        """All tiles of rows, for two vectors of columns or what is left."""
        for height, first, last in self._heights(units):
            tiles = _PanelTiles(self, c, n_columns, height, part)
            if self.group > 1:
                self.b.loop(first, last, lambda u, tiles=tiles, last=last: tiles.grouped(u, last), step=self.group)
            else:
                self.b.loop(first, last, lambda u, tiles=tiles, ends=(first, last): tiles.single(u, *ends))

    def _heights(self, units: tuple[Value, Value]) -> Iterator[tuple[int, Value, Value]]:
        """The rows of a tile, and which tiles have so many."""
        base, rest = divmod(self.rows.length, self.rows.n_units)
        first, last = units
        if not rest:
            yield base, first, last
            return
        cut = self.b.constant(rest, I64)
        yield base + 1, _smaller(self.b, first, cut), _smaller(self.b, last, cut)
        yield base, _larger(self.b, first, cut), _larger(self.b, last, cut)


class _PanelTiles:
    """The tiles of one height in a panel, for a part of the common axis."""

    def __init__(self, tiles: Tiles, c: Any, n_columns: int, height: int, part: Part) -> None:
        self.t, self.c, self.n_columns, self.height, self.part = tiles, c, n_columns, height, part
        self.vectors = -(-n_columns // tiles.lanes)
        depth = tiles.b.depth if isinstance(c, Value) else 0
        self.columns = [Index(c + j * tiles.lanes, 1, depth, tiles.by_columns) for j in range(self.vectors)]
        self.stride = self.vectors * tiles.lanes if tiles.sums is None else tiles.sums.stride

    def single(self, unit: Value, start: Value, stop: Value) -> None:
        """One tile of those from start to stop: product and, when the sums are complete, what follows it."""
        t, b = self.t, self.t.b
        t.frame.enter()
        row = t.rows.start(b, unit)
        if t.sums is None:
            result = t.scratch
        else:
            result = b.offset(b.offset(t.sums.pointer, row * self.stride, t.kind), self.c, t.kind)
        if self.part.ends:
            self._ask_for(row, stop)
        if t.is_blocked:
            self._ask_ahead(unit, start, b.offset(result, self.height * self.stride, t.kind))
        self._multiply(row, result, self.part.first, self.part.length, not self.part.starts)
        if self.part.ends:
            self._finish(row, result)

    def grouped(self, first: Value, stop: Value) -> None:
        """Some tiles through one block of the common axis after the other."""
        t, b = self.t, self.t.b
        last = _smaller(b, first + t.group, stop)

        def result_of(unit: Value) -> Value:
            return b.offset(t.scratch, (unit - first) * t.tile_size, t.kind)

        for k in range(0, t.depth, t.k_block):
            n = min(t.k_block, t.depth - k)
            b.loop(
                first, last, lambda u, k=k, n=n: self._multiply(t.rows.start(b, u), result_of(u), k, n, k > 0)
            )  # fmt: skip

        def end(unit: Any) -> None:
            t.frame.enter()
            self._finish(t.rows.start(b, unit), result_of(unit))

        b.loop(first, last, end)

    def _multiply(self, row: Value, result: Value, k: Any, n: Any, resumes: bool) -> None:
        t, b = self.t, self.t.b
        streams = self._streams(row) if self.part.ends else []
        name = tile_function(
            b.module, kind=t.kind, lanes=t.lanes, rows=self.height, vectors=self.vectors, row_stride=t.row_stride,
            k_stride=t.k_stride, right_stride=t.of_right.stride, vector_stride=t.lanes * t.of_right.column_stride,
            tail=0 if t.of_right.is_padded else self.n_columns % t.lanes, result_stride=self.stride, resumes=resumes,
            n_streams=len(streams),
        )  # fmt: skip
        left_at = b.offset(b.offset(t.left, row * t.row_stride, t.kind), times(k, t.k_stride), t.kind)
        right_at = b.offset(t.right, times(self.c, t.of_right.column_stride), t.kind)
        right_at = b.offset(right_at, times(k, t.of_right.stride), t.kind)
        b.invoke(name, VOID, left_at, right_at, result, b.constant(n, I64), *streams)

    def _ask_ahead(self, unit: Value, start: Value, result: Value) -> None:
        """Ask for the sums of the next tile, and for a part of the next columns of the right operand."""
        t, b = self.t, self.t.b
        for r in range(0 if self.part.starts else self.height):
            for j in range(self.vectors):
                b.prefetch(b.offset(result, r * self.stride + j * t.lanes, t.kind), write=True)
        following = b.offset(t.right, (self.c + t.width) * t.of_right.column_stride, t.kind)
        vector_stride = t.lanes * t.of_right.column_stride
        share = -(-self.part.length // t.units_a_block)
        k = (unit - start) * share + self.part.first
        for i in range(share):
            for j in range(self.vectors):
                b.prefetch(b.offset(following, (k + i) * t.of_right.stride + j * vector_stride, t.kind))

    def _ask_for(self, row: Value, stop: Value) -> None:
        """Ask for what the end of a tile will read and write, before its product is computed.

        Where it writes, another core has often read last, and a store would wait until that one has let go. But not
        where a minibatch is summed in parts: then no other core reads these rows.
        """
        t, b = self.t, self.t.b
        places = [*self._far_arguments(), *(self._results() if not t.e.cuts.n_parts else ())]
        if t.depth < LONG_DEPTH:
            row = _smaller(b, row + TILES_AHEAD * self.height, t.rows.start(b, stop) - self.height)

        def at(r: Any) -> None:
            for pointer, kind, (row_stride, column_stride) in places:
                start = b.offset(pointer, (row + r) * row_stride, kind)
                for column in self.columns:
                    b.prefetch(b.offset(start, times(column.start, column_stride), kind), write=True)

        if places:
            b.loop(0, self.height, at)

    def _streams(self, row: Value) -> list[Value]:
        """Where the columns of a tile begin in large arguments that lie in panels: its rows follow each other there."""
        b, found = self.t.b, []
        for x in self.t.streamed:
            kind, (row_stride, column_stride) = memory_type(x.dtype), self.t.frame.places[x].strides
            start = b.offset(self.t.frame.pointer(x), row * row_stride, kind)
            found += [b.offset(start, times(column.start, column_stride), kind) for column in self.columns]
        return found

    def _far_arguments(self) -> Iterator[tuple[Value, Type, list[int]]]:
        frame = self.t.frame
        for x in self.t.far:
            yield frame.pointer(x), memory_type(x.dtype), [s for s in frame.places[x].strides if s]

    def _results(self) -> Iterator[tuple[Value, Type, list[int]]]:
        e = self.t.e
        streamed = {self.t.frame.places[x].slot for x in self.t.streamed}
        for node in e.kernel.stored:
            if node.size_bytes >= SHARED_BYTES:
                for place in (place for place in e.targets.get(node, ()) if place.slot not in streamed):
                    yield e.frame.slot(place.slot), memory_type(node.dtype), [s for s in place.strides if s]

    def _finish(self, row: Value, result: Value) -> None:
        """Go on with the elements of a tile that lies in the cache."""
        t, b, frame = self.t, self.t.b, self.t.frame
        ahead = [ZERO] * (len(t.node.shape) - 2)

        def at(r: Any) -> None:
            if isinstance(r, Value):
                frame.enter()
            i = Index(row + r, 0, b.depth, not t.by_columns)
            for j, column in enumerate(self.columns):
                n_valid = self.n_columns - j * t.lanes
                frame.n_valid = n_valid if n_valid < t.lanes else None
                frame.lane_key = column.key
                place = b.constant(r, I64) * self.stride + j * t.lanes
                value = b.load(b.offset(result, place, t.kind), t.kind.of(t.lanes))
                t.e.finish((*ahead, i, column), value)
            frame.n_valid = frame.lane_key = None

        b.loop(0, self.height, at)


def _smaller(b: Builder, x: Value, y: Value) -> Value:
    return b.select(x < y, x, y)


def _larger(b: Builder, x: Value, y: Value) -> Value:
    return b.select(x > y, x, y)
