"""The body of each kind of kernel. What follows an op at the same index is computed while it is still in a register.

A row of `LOOPS_OF` takes an `Emission` and emits the loops of one op; elementwise kernels need no row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from memograd.engine.native.access import ZERO, Frame, Index, Indices, Place, add, strides_of, times, wrapped
from memograd.engine.native.elementwise import extreme, memory_type, type_of
from memograd.engine.native.fusion import Kernel, long_axes
from memograd.engine.native.gemm import tile_function
from memograd.engine.native.ir import I1, I32, I64, I128, VOID, Builder, Type, Value
from memograd.engine.native.machine import Machine
from memograd.engine.native.nests import (
    ALL,
    FIRST,
    Share,
    along,
    chunks_share,
    loop,
    loop_in_steps,
    over,
    rows_share,
    summed,
)
from memograd.errors import CannotLower
from memograd.graph.node import Node, Shape


@dataclass(slots=True)
class Emission:
    """What a kernel is emitted with.

    Attributes
    ----------
    frame : Frame
    kernel : Kernel
    share : Share
        Whose units first to last are to be done.
    first, last : Value
    targets : mapping of Node to the places where it is to be written
    machine : Machine
    """

    frame: Frame
    kernel: Kernel
    share: Share
    first: Value
    last: Value
    targets: Mapping[Node, Sequence[Place]]
    machine: Machine

    @property
    def b(self) -> Builder:
        """The builder."""
        return self.frame.b

    def span(self, shape: Shape | None = None) -> tuple[Any, Any]:
        """The rows to do, of an array that is like the result unless a shape is given."""
        if self.share.kind in ("all", "first"):
            return 0, next(iter(long_axes(self.kernel.shape if shape is None else shape)), 1)
        return self.share.start(self.b, self.first), self.share.start(self.b, self.last)

    def finish(self, index: Indices, value: Value | None = None) -> None:
        """Compute what is fused with the op at an index, and store what is to be stored."""
        kernel, frame = self.kernel, self.frame
        if kernel.node is not None and value is not None:
            frame.put(kernel.node, index, value)
        # In the order of the members, so that no evaluation is deep.
        for node in kernel.results:
            at = _like(index, kernel.shape, node.shape)
            found = frame.value(node, at)
            if node in self.targets:
                for place in self.targets[node]:
                    frame.store(node, at, found, place)


def _like(index: Indices, source: Sequence[int], target: Sequence[int]) -> Indices:
    """An index into an array of the same long axes."""
    rest = iter([i for n, i in zip(source, index, strict=True) if n != 1])
    return tuple(ZERO if n == 1 else next(rest) for n in target)


def share_of(kernel: Kernel, machine: Machine, lanes: int, n_cores: int, rows: Collection[int]) -> Share:
    """How a kernel is cut.

    Parameters
    ----------
    rows : collection of int
        The lengths of axes that other kernels, from which it reads, have cut into rows.
    """
    node, shape = kernel.node, long_axes(kernel.shape)
    if node is not None and (node.op == "scatter_add" or (node.op == "cumsum" and _is_along_first(node))):
        return FIRST
    if not shape or is_repeated(kernel):
        return ALL
    if node is not None and node.op == "random_bits" and (len(shape) == 1 or node.shape[-1] % 8):
        return FIRST
    if len(shape) == 1 and shape[0] not in rows and not (node is not None and node.op in ("cumsum", "random_bits")):
        return chunks_share(shape[0], lanes)
    return rows_share(shape[0], machine.tile_rows, n_cores)


MAX_REPEATED = 1 << 14
"""So many elements are turned by each thread for itself: that takes less time than waiting for the other threads."""


def is_repeated(kernel: Kernel) -> bool:
    """Whether each thread had better do all of a kernel: it turns a small matrix that is there before the step."""
    if kernel.node is not None or len(kernel.members) != 1:
        return False
    (node,) = kernel.members
    return node.op == "transpose" and node.inputs[0].op == "input" and node.size <= MAX_REPEATED


def _is_along_first(node: Node) -> bool:
    """Whether a running sum goes along the axis that would be cut."""
    long = [axis for axis, n in enumerate(node.shape) if n != 1]
    return bool(long) and long[0] == node["axis"]


def elementwise(e: Emission) -> None:
    """All of it where it is read."""
    if not _is_turned(e):
        over(e.frame, e.kernel.shape, e.span(), e.finish)
        return
    (node,) = e.kernel.members
    lanes = e.frame.lanes
    row, column = (axis for axis, n in enumerate(node.shape) if n != 1)
    n_columns = node.shape[column]
    first, last = e.span()
    whole = first + (last - first) // lanes * lanes

    def block(r: Any) -> None:
        if isinstance(r, Value):
            e.frame.enter()
        loop_in_steps(e.frame, n_columns // lanes * lanes, lanes, lambda c: _turn(e, node, (row, r), (column, c)))

    e.b.loop(first, whole, block, step=lanes)
    rest = n_columns % lanes
    if rest:
        _cut(e, node, (row, first, whole), (column, n_columns - rest, n_columns))
    _cut(e, node, (row, whole, last), (column, 0, n_columns))


def _is_turned(e: Emission) -> bool:
    """Whether a kernel only turns a matrix that lies in memory."""
    if len(e.kernel.members) != 1 or e.share.kind not in ("rows", "all"):
        return False
    (node,) = e.kernel.members
    found = strided(node, e.frame.places)
    return (
        found is not None
        and node.dtype.kind == "f"
        and len(long_axes(node.shape)) == 2
        and min(long_axes(node.shape)) >= e.frame.lanes
        and found[1][max(axis for axis, n in enumerate(node.shape) if n != 1)] > 1
    )


def _cut(e: Emission, node: Node, rows: tuple[int, Any, Any], columns: tuple[int, int, int]) -> None:
    """What is left beside whole blocks, by element."""
    frame = e.frame
    index: list[Index] = [ZERO] * len(node.shape)

    def at_row(i: Index) -> None:
        index[rows[0]] = i

        def at(j: Index) -> None:
            index[columns[0]] = j
            e.finish(tuple(index))

        along(frame, columns[1], columns[2], at)

    loop(frame, rows[1], rows[2], at_row)


def _turn(e: Emission, node: Node, row: tuple[int, Any], column: tuple[int, Any]) -> None:
    """Turn a square block of as many rows as a vector has lanes."""
    frame, b, lanes = e.frame, e.b, e.frame.lanes
    found = strided(node, frame.places)
    assert found is not None
    base, strides = found
    kind = type_of(node.dtype)
    corner = b.offset(frame.pointer(base), times(row[1], strides[row[0]]), kind)
    corner = b.offset(corner, times(column[1], strides[column[0]]), kind)
    frame.on_read(base, (ZERO,) * len(base.shape))
    rows = [b.load(b.offset(corner, i * strides[column[0]], kind), kind.of(lanes)) for i in range(lanes)]
    for place in e.targets[node]:
        target = b.offset(frame.slot(place.slot), times(row[1], place.strides[row[0]]), kind)
        target = b.offset(target, column[1], kind)
        for i, turned in enumerate(transposed(b, rows)):
            b.store(b.offset(target, i * place.strides[row[0]], kind), turned)


def transposed(b: Builder, rows: Sequence[Value]) -> list[Value]:
    """The columns of a square block: halves of pairs of rows change places, at distances 1, 2, 4, …"""
    x, n = list(rows), len(rows)
    distance = 1
    while distance < n:
        low = [n + lane - distance if lane & distance else lane for lane in range(n)]
        high = [n + lane if lane & distance else lane + distance for lane in range(n)]
        for i in range(n):
            if not i & distance:
                x[i], x[i + distance] = b.shuffle(x[i], x[i + distance], low), b.shuffle(x[i], x[i + distance], high)
        distance *= 2
    return x


# Products


def strided(node: Node, places: Mapping[Node, Place]) -> tuple[Node, tuple[int, ...]] | None:
    """What a node strides over, and its strides along the node's axes; None when it does not lie in memory so."""
    place = places.get(node)
    if place is not None:
        return node, place.strides
    if node.op not in ("transpose", "reshape", "broadcast_to"):
        return None
    (x,) = node.inputs
    found = strided(x, places)
    if found is None:
        return None
    base, strides = found
    if node.op == "transpose":
        return base, tuple(strides[axis] for axis in node["axes"])
    if node.op == "broadcast_to":
        new = len(node.shape) - len(x.shape)
        return base, (*(0,) * new, *(0 if n == 1 else s for n, s in zip(x.shape, strides, strict=True)))
    if long_axes(node.shape) != long_axes(x.shape):
        return None
    rest = iter([s for n, s in zip(x.shape, strides, strict=True) if n != 1])
    return base, tuple(0 if n == 1 else next(rest) for n in node.shape)


def matmul(e: Emission) -> None:
    """A product of matrices by tiles, if it is one; any other by element."""
    node = e.kernel.node
    assert node is not None
    left, right = (strided(x, e.frame.places) for x in node.inputs)
    m, n = node.shape[-2:]
    is_plain = len(long_axes(node.shape)) == 2 and min(m, n) > 1 and node.dtype.kind == "f"
    if is_plain and left and right and right[1][-1] == 1 and node.inputs[0].shape[-1] > 0:
        _tiles(e, node, left, right)
    else:
        _contraction(e, node)


K_BLOCK_BYTES = 1024
"""So much of the common axis at a time: two vectors for each k then fill two thirds of the first cache."""

GROUP_TILES = 8
"""So many tiles of rows go through a block of the right operand, before the next block is read."""


def _tiles(e: Emission, node: Node, left: tuple[Node, Any], right: tuple[Node, Any]) -> None:
    b, frame = e.b, e.frame
    kind, lanes = type_of(node.dtype), frame.lanes
    n, depth = node.shape[-1], node.inputs[0].shape[-1]
    (a, (*_, row_stride, k_stride)), (w, (*_, right_stride, _)) = left, right
    a_pointer, w_pointer = frame.pointer(a), frame.pointer(w)
    w_is_padded = frame.places[w].is_padded
    base, rest = divmod(e.share.length, e.share.n_units)
    heights = [base + 1, base] if rest else [base]
    tile_size = max(heights) * 2 * lanes
    k_block = K_BLOCK_BYTES * 8 // kind.bits
    group = 1 if depth <= k_block else GROUP_TILES
    scratch = b.stack(kind, tile_size * group)
    rows = tuple(ZERO._replace(is_row=stride == row_stride != 0) for stride in frame.places[a].strides)
    frame.on_read(a, rows)
    frame.on_read(w, (ZERO,) * len(w.shape))

    def panel(c: Any, n_columns: int) -> None:
        vectors = -(-n_columns // lanes)
        tail = 0 if w_is_padded else n_columns % lanes
        corner = b.offset(w_pointer, c, kind)
        columns = [Index(c + j * lanes, 1, b.depth if isinstance(c, Value) else 0) for j in range(vectors)]

        def multiply(height: int, row: Value, sums: Value, k: int) -> None:
            name = tile_function(
                b.module, kind=kind, lanes=lanes, rows=height, vectors=vectors, row_stride=row_stride,
                k_stride=k_stride, right_stride=right_stride, tail=tail, resumes=k > 0,
            )  # fmt: skip
            pointer = b.offset(b.offset(a_pointer, row * row_stride, kind), k * k_stride, kind)
            length = b.constant(min(k_block, depth - k), I64)
            b.invoke(name, VOID, pointer, b.offset(corner, k * right_stride, kind), sums, length)

        def tiles(height: int, start: Value, stop: Value) -> None:
            def sums_of(unit: Value, first: Value) -> Value:
                return b.offset(scratch, (unit - first) * tile_size, kind) if group > 1 else scratch

            def several(first: Value) -> None:
                last = _smaller(b, first + group, stop) if group > 1 else first + 1
                for k in range(0, depth, k_block):
                    b.loop(first, last, lambda u, k=k: multiply(height, e.share.start(b, u), sums_of(u, first), k))

                def finish(unit: Any) -> None:
                    frame.enter()
                    _finish_tile(e, node, sums_of(unit, first), e.share.start(b, unit), height, columns, n_columns)

                b.loop(first, last, finish)

            def one(unit: Value) -> None:
                frame.enter()
                row = e.share.start(b, unit)
                _ask_for(e, node, row, height, columns)
                multiply(height, row, scratch, 0)
                _finish_tile(e, node, scratch, row, height, columns, n_columns)

            b.loop(start, stop, several if group > 1 else one, step=group)

        if not rest:
            tiles(base, e.first, e.last)
        else:
            cut = b.constant(rest, I64)
            low, high = _smaller(b, e.first, cut), _smaller(b, e.last, cut)
            tiles(base + 1, low, high)
            tiles(base, _larger(b, e.first, cut), _larger(b, e.last, cut))

    width = 2 * lanes
    whole = n // width * width
    if whole > 0:

        def inside(c: Any) -> None:
            if isinstance(c, Value):
                frame.enter()
            panel(c, width)

        b.loop(0, whole, inside, step=width)
    if whole < n:
        panel(whole, n - whole)


def _smaller(b: Builder, x: Value, y: Value) -> Value:
    return b.select(x < y, x, y)


def _larger(b: Builder, x: Value, y: Value) -> Value:
    return b.select(x > y, x, y)


PREFETCHED_BYTES = 1 << 18
"""What is larger than this is likely to come from beyond the second cache: it is asked for ahead."""


def _ask_for(e: Emission, node: Node, row: Value, height: int, columns: Sequence[Index]) -> None:
    """Ask for what the end of a tile will read, before its product is computed."""
    b, frame = e.b, e.frame
    read = {x for member in e.kernel.members for x in member.inputs if x.op == "input" and x in frame.places}
    far = [x for x in read if x.size_bytes >= PREFETCHED_BYTES and long_axes(x.shape) == long_axes(node.shape)]
    if not far:
        return

    def at(r: Any) -> None:
        for x in far:
            kind = memory_type(x.dtype)
            row_stride, _ = (stride for stride in frame.places[x].strides if stride)
            start = b.offset(frame.pointer(x), (row + r) * row_stride, kind)
            for column in columns:
                b.prefetch(b.offset(start, column.start, kind), write=True)

    b.loop(0, height, at)


def _finish_tile(
    e: Emission, node: Node, scratch: Value, row: Value, height: int, columns: Sequence[Index], n_columns: int
) -> None:
    """Go on with the elements of a tile that lies in the cache."""
    b, frame = e.b, e.frame
    kind, lanes = type_of(node.dtype), frame.lanes
    ahead = [ZERO] * (len(node.shape) - 2)

    def at(r: Any) -> None:
        if isinstance(r, Value):
            frame.enter()
        i = Index(row + r, 0, b.depth, is_row=True)
        for j, column in enumerate(columns):
            n_valid = n_columns - j * lanes
            frame.n_valid = n_valid if n_valid < lanes else None
            frame.lane_key = column.key
            place = (b.constant(r, I64) * len(columns) + j) * lanes
            value = b.load(b.offset(scratch, place, kind), kind.of(lanes))
            e.finish((*ahead, i, column), value)
        frame.n_valid = frame.lane_key = None

    b.loop(0, height, at)


def _contraction(e: Emission, node: Node) -> None:
    """Any product: for each element, or vector of elements, a sum over the common axis."""
    frame, b = e.frame, e.b
    left, right = node.inputs
    depth, kind = left.shape[-1], type_of(node.dtype)
    places = [strided(x, frame.places) for x in node.inputs]

    def factors(index: Indices, k: Index) -> tuple[Value, Value]:
        *stack, i, j = index
        return frame.value(left, (*stack, i, k)), frame.value(right, (*stack, k, j))

    along_k = along_row = False
    if places[0] is not None and places[1] is not None:
        along_k = places[0][1][-1] in (0, 1) and places[1][1][-2] in (0, 1)
        along_row = bool(long_axes(node.shape)) and set(_lane_strides(node, places[0], places[1])) <= {0, 1}
    if along_k and not along_row and node.dtype.kind == "f" and depth >= frame.lanes:

        def dot(index: Indices) -> None:
            e.finish(index, _dot(frame, kind, depth, lambda k: factors(index, k)))

        over(frame, node.shape, e.span(), dot, vectors=False)
        return

    def element(index: Indices) -> None:
        is_vector = any(i.step for i in index)
        zero = b.constant(0, kind.of(frame.lanes if is_vector else 0))

        def step(k: Index, sums: Sequence[Value]) -> list[Value]:
            x, y = factors(index, k)
            return [product_sum(b, x, y, sums[0])]

        plus = (lambda p, q: [p[0] + q[0]]) if node.dtype.kind == "f" else None
        e.finish(index, summed(frame, depth, step, [zero], plus)[0])

    over(frame, node.shape, e.span(), element, vectors=along_row or not along_k)


def _lane_strides(node: Node, left: tuple[Node, Any], right: tuple[Node, Any]) -> list[int]:
    """The strides of the operands along the last long axis of the result."""
    axis = max(axis for axis, n in enumerate(node.shape) if n != 1) - node.ndim
    if axis == -1:
        return [right[1][-1]]
    return [left[1][-2]] if axis == -2 else [left[1][axis], right[1][axis]]


def product_sum(b: Builder, x: Value, y: Value, total: Value) -> Value:
    """x y + total; of bools, whether either is."""
    if total.type.bits == 1:
        return (x & y) | total
    if total.type.kind != "f":
        return x * y + total
    return b.fma(x, y, total)


def _dot(frame: Frame, kind: Type, depth: int, factors: Callable[[Index], tuple[Value, Value]]) -> Value:
    """A sum of products in the lanes of a vector, and then of the lanes."""
    b, lanes = frame.b, frame.lanes
    whole = depth - depth % lanes

    def step(k: Any, total: Value) -> list[Value]:
        if isinstance(k, Value):
            frame.enter()
        x, y = factors(Index(k, 1, b.depth if isinstance(k, Value) else 0))
        return [b.fma(x, y, total)]

    (total,) = b.loop(0, whole, step, step=lanes, carry=[b.constant(0, kind.of(lanes))])
    if whole < depth:
        saved, frame.n_valid = frame.n_valid, depth - whole
        x, y = factors(Index(whole, 1))
        product = b.fma(x, y, total)
        frame.n_valid = saved
        mask = b.vector([lane < depth - whole for lane in range(lanes)], I1)
        total = b.select(mask, product, total)
    return b.reduce(total, lambda x, y: x + y)


# Reductions


def _identity(node: Node, kind: Type) -> Any:
    """What a reduction starts from."""
    if node.op == "sum":
        return 0
    if kind.kind == "f":
        return float("-inf") if node.op == "max" else float("inf")
    if kind.bits == 1:
        return node.op == "min"
    low, high = (-(1 << (kind.bits - 1)), (1 << (kind.bits - 1)) - 1)
    if node.dtype.kind == "u":
        low, high = 0, (1 << kind.bits) - 1
    return low if node.op == "max" else high


def _combined(b: Builder, node: Node, x: Value, y: Value) -> Value:
    if node.op == "sum":
        return x | y if x.type.bits == 1 else x + y
    return extreme(b, ">" if node.op == "max" else "<", x, y, signed=node.dtype.kind == "i")


def reduction(e: Emission) -> None:
    """Sums and extremes: with lanes along the last axis, which is either kept or reduced."""
    node, frame, b = e.kernel.node, e.frame, e.b
    assert node is not None
    (x,) = node.inputs
    kind, axes = type_of(node.dtype), node["axes"]
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    gone = [axis for axis in axes if x.shape[axis] != 1]
    long = [axis for axis, n in enumerate(x.shape) if n != 1]
    is_across = bool(long) and long[-1] in gone
    start = _identity(node, kind)

    def element(index: Indices) -> None:
        whole: list[Index] = [ZERO] * x.ndim
        for axis, i in zip(kept, index, strict=True):
            whole[axis] = i
        lanes = frame.lanes if is_across or any(i.step for i in index) else 0
        total = _reduced(e, node, whole, gone[:-1] if is_across else gone, gone[-1] if is_across else None,
                         b.constant(start, kind.of(lanes)))  # fmt: skip
        if is_across:
            total = b.reduce(total, lambda p, q: _combined(b, node, p, q))
        e.finish(index, total)

    over(frame, node.shape, e.span(), element, vectors=not is_across)


def _reduced(e: Emission, node: Node, whole: list[Index], gone: list[int], last: int | None, total: Value) -> Value:
    """The total over some axes, and in the lanes over a last one."""
    frame, b = e.frame, e.b
    (x,) = node.inputs

    def value() -> Value:
        found = frame.value(x, tuple(whole))
        return b.splat(found, total.type.lanes)

    def row(sums: Sequence[Value]) -> list[Value]:
        if last is None:
            return [_combined(b, node, sums[0], value())]
        found = [sums[0]]
        length, lanes = x.shape[last], frame.lanes
        rest = length % lanes
        saved = frame.n_valid, frame.lane_key

        def step(k: Any, sum_: Value) -> list[Value]:
            if isinstance(k, Value):
                frame.enter()
            whole[last] = Index(k, 1, b.depth if isinstance(k, Value) else 0)
            frame.n_valid, frame.lane_key = None, whole[last].key
            return [_combined(b, node, sum_, value())]

        found = b.loop(0, length - rest, step, step=lanes, carry=found)
        if rest:
            whole[last] = Index(length - rest, 1)
            frame.n_valid, frame.lane_key = rest, whole[last].key
            mask = b.vector([lane < rest for lane in range(lanes)], I1)
            found = [b.select(mask, _combined(b, node, found[0], value()), found[0])]
        frame.n_valid, frame.lane_key = saved
        return found

    def level(position: int, sums: Sequence[Value]) -> list[Value]:
        if position == len(gone):
            return row(sums)
        axis = gone[position]
        is_last = position == len(gone) - 1 and last is None

        def at(i: Index, inner: Sequence[Value]) -> list[Value]:
            whole[axis] = i
            return level(position + 1, inner)

        chains = is_last and node.dtype.kind == "f" and node.op == "sum"
        return summed(frame, x.shape[axis], at, sums, (lambda p, q: [p[0] + q[0]]) if chains else None)

    return level(0, [total])[0]


def position(e: Emission) -> None:
    """Where the extreme is: the first of equal ones, and before all the first NaN."""
    node, frame, b = e.kernel.node, e.frame, e.b
    assert node is not None
    (x,) = node.inputs
    (axis,) = node["axes"]
    test = ">" if node.op == "argmax" else "<"

    def element(index: Indices) -> None:
        def at(k: Index) -> Value:
            return frame.value(x, (*index[:axis], k, *index[axis:]))

        lanes = frame.lanes if any(i.step for i in index) else 0
        best = b.splat(at(ZERO), lanes)

        def step(k: Any, best: Value, place: Value) -> list[Value]:
            if isinstance(k, Value):
                frame.enter()
            found = b.splat(at(Index(k, 0, b.depth) if isinstance(k, Value) else Index(k)), lanes)
            better = b.compare(test, found, best, signed=x.dtype.kind == "i")
            if x.dtype.kind == "f":
                first_nan = b.compare("is_nan", found, found) & b.compare("==", best, best)
                better = better | first_nan
            return [b.select(better, found, best), b.select(better, b.constant(k, I64), place)]

        _, place = b.loop(1, x.shape[axis], step, carry=[best, b.constant(0, I64.of(lanes))])
        e.finish(index, place)

    long = long_axes(x.shape)
    last = max((a for a, n in enumerate(x.shape) if n != 1), default=-1)
    over(frame, node.shape, e.span(), element, vectors=bool(long) and last != axis)


# Others


def cumsum(e: Emission) -> None:
    """Sums so far, one after the other."""
    node, frame, b = e.kernel.node, e.frame, e.b
    assert node is not None
    (x,) = node.inputs
    axis = node["axis"]
    if node.shape[axis] == 1:
        over(frame, node.shape, e.span(), lambda index: e.finish(index, frame.value(x, index)))
        return
    others = tuple(1 if a == axis else n for a, n in enumerate(node.shape))
    last = max(a for a, n in enumerate(node.shape) if n != 1)
    kind = type_of(node.dtype)

    def line(index: Indices) -> None:
        lanes = frame.lanes if any(i.step for i in index) else 0

        def step(k: Any, total: Value) -> list[Value]:
            if isinstance(k, Value):
                frame.enter()
            i = Index(k, 0, b.depth) if isinstance(k, Value) else Index(k)
            at = (*index[:axis], i, *index[axis + 1 :])
            found = b.splat(frame.value(x, at), lanes)
            total = found | total if kind.bits == 1 else total + found
            e.finish(at, total)
            return [total]

        b.loop(0, node.shape[axis], step, carry=[b.constant(0, kind.of(lanes))])

    over(frame, others, e.span(others), line, vectors=last != axis)


def scatter_add(e: Emission) -> None:
    """Each element of the operand is added to the place that its index names, in order."""
    node, frame, b = e.kernel.node, e.frame, e.b
    assert node is not None
    x, positions = node.inputs
    axis, kind = node["axis"], type_of(node.dtype)
    place, *others = e.targets[node]
    over(frame, node.shape, e.span(),
         lambda index: frame.store(node, index, _zero(frame, kind, index), place))  # fmt: skip

    def element(index: Indices) -> None:
        inner = index[axis : axis + positions.ndim]
        found = wrapped(b, frame.value(positions, inner), positions, node["length"])
        at = (*index[:axis], Index(found, 0, b.depth), *index[axis + positions.ndim :])
        added = frame.value(x, index)
        before = frame.reload(node, at, place)
        total = before | added if kind.bits == 1 else before + added
        frame.store(node, at, total, place)

    long = long_axes(x.shape)
    is_vector = bool(long) and max(a for a, n in enumerate(x.shape) if n != 1) >= axis + positions.ndim
    over(frame, x.shape, e.span(x.shape), element, vectors=is_vector)
    for other in others:
        copy = partial(_copy, frame, node, place, other)
        over(frame, node.shape, e.span(), copy)


def _copy(frame: Frame, node: Node, source: Place, target: Place, index: Indices) -> None:
    frame.store(node, index, frame.reload(node, index, source), target)


def _zero(frame: Frame, kind: Type, index: Indices) -> Value:
    return frame.b.constant(0, kind.of(frame.lanes if any(i.step for i in index) else 0))


PHILOX_ROUNDS = 10
# The multipliers and the steps of the key, of Salmon et al. 2011, table 2.
_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_KEY_STEPS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)


def philox_block(b: Builder, key: Sequence[Value], counter: Sequence[Value]) -> list[Value]:
    """The four words of a block (see `memograd.graph.philox`), of scalars."""
    k, x = list(key), list(counter)
    for _ in range(PHILOX_ROUNDS):
        (high0, low0), (high1, low1) = (_product(b, x[i], m) for i, m in zip((0, 2), _MULTIPLIERS, strict=True))
        x = [high1 ^ x[1] ^ k[0], low1, high0 ^ x[3] ^ k[1], low0]
        k = [word + b.constant(step, I64) for word, step in zip(k, _KEY_STEPS, strict=True)]
    return x


def _product(b: Builder, x: Value, factor: int) -> tuple[Value, Value]:
    """The upper and the lower half of a product."""
    wide = b.convert(x, "zext", I128) * b.constant(factor, I128)
    return b.convert(wide >> 64, "trunc", I64), b.convert(wide, "trunc", I64)


def counter_plus(b: Builder, counter: Sequence[Value], n: Value) -> list[Value]:
    """A counter of four words, the lowest first, and a number."""
    out = []
    carry: Value = n
    for word in counter:
        total = word + carry
        out.append(total)
        carry = b.convert(b.compare("<", total, carry, signed=False), "zext", I64)
    return out


def random_bits(e: Emission) -> None:
    """Blocks of eight numbers, in the order of the elements."""
    node, frame, b = e.kernel.node, e.frame, e.b
    assert node is not None
    key_node, counter_node = node.inputs
    key = [frame.value(key_node, (Index(i),)) for i in range(2)]
    counter = [frame.value(counter_node, (Index(i),)) for i in range(4)]
    size = node.size
    row_length = node.shape[-1] if node.ndim else 1

    def block(number: Any, count: int, pointers: Sequence[Value]) -> None:
        words = philox_block(b, key, counter_plus(b, counter, b.constant(number, I64) + 1))
        for i in range(count):
            half = words[i // 2] >> (32 * (i % 2))
            number_ = b.convert(half, "trunc", I32)
            for pointer in pointers:
                b.store(b.offset(pointer, i, I32), number_)

    targets = e.targets[node]
    if e.share.kind == "first" or e.share.kind == "all":
        # In C order without gaps, so blocks may go over the end of a row.
        pointers = [frame.slot(place.slot) for place in targets]

        def whole(number: Any) -> None:
            if isinstance(number, Value):
                frame.enter()
            block(number, 8, [b.offset(p, number * 8, I32) for p in pointers])

        b.loop(0, size // 8, whole)
        if size % 8:
            block(size // 8, size % 8, [b.offset(p, size // 8 * 8, I32) for p in pointers])
        return
    per_row = row_length // 8

    def row(index: Indices) -> None:
        linear: Any = 0
        for i, stride in zip(index, strides_of(node.shape), strict=True):
            if stride:
                linear = add(linear, times(i.start, stride // 8))

        def at(j: Index) -> None:
            here = (*index[:-1], Index(j.start * 8, 0, j.depth))
            number = linear + j.start if isinstance(linear, Value) else b.constant(linear, I64) + j.start
            block(number, 8, [
                b.offset(frame.slot(place.slot), frame.offset(place.strides, here)[0], I32) for place in targets
            ])  # fmt: skip

        loop(frame, 0, per_row, at)

    over(frame, (*node.shape[:-1], 1), e.span(), row, vectors=False)


LOOPS_OF: Mapping[str, Callable[[Emission], None]] = {
    "matmul": matmul,
    "sum": reduction,
    "max": reduction,
    "min": reduction,
    "argmax": position,
    "argmin": position,
    "cumsum": cumsum,
    "scatter_add": scatter_add,
    "random_bits": random_bits,
}


def emit(e: Emission) -> None:
    """The body of a kernel."""
    node = e.kernel.node
    if node is None:
        elementwise(e)
    elif node.op in LOOPS_OF:
        LOOPS_OF[node.op](e)
    else:
        raise CannotLower(f"the native engine has no loops for {node!r}")


__all__ = ["ALL", "Emission", "along", "emit", "memory_type", "share_of", "strided"]
