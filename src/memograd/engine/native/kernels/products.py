"""Products of matrices by tiles; any other product by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from memograd.engine.native.access import ZERO, Frame, Index, Indices, times
from memograd.engine.native.elementwise import memory_type, type_of
from memograd.engine.native.fusion import long_axes
from memograd.engine.native.gemm import tile_function
from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.ir_types import I1, I64, VOID, Type
from memograd.engine.native.kernels.emission import Emission, strided
from memograd.engine.native.nests import over, summed
from memograd.graph.node import Node


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
    k_block = K_BLOCK_BYTES * 8 // kind.bits
    sums, width = e.sums, 2 * lanes
    # Of a product in blocks: so many tiles' rows of the left operand stay in the second cache.
    n_units = max(BLOCKED_BYTES // (max(heights) * K_BLOCK_BYTES), 1)
    group = 1 if depth <= k_block or sums is not None else GROUP_TILES
    tile_size = max(heights) * 2 * lanes
    scratch = b.stack(kind, tile_size * group) if sums is None else frame.slot(sums.slot)
    rows = tuple(ZERO._replace(is_row=stride == row_stride != 0) for stride in frame.places[a].strides)
    frame.on_read(a, rows)
    frame.on_read(w, (ZERO,) * len(w.shape))

    def panel(
        c: Any, n_columns: int, units: tuple[Value, Value], first_k: Any, length: int, *, starts: bool, ends: bool
    ) -> None:
        """Two vectors of columns, or what is left: all tiles of rows, for a part of the common axis."""
        vectors = -(-n_columns // lanes)
        tail = 0 if w_is_padded else n_columns % lanes
        columns = [Index(c + j * lanes, 1, b.depth if isinstance(c, Value) else 0) for j in range(vectors)]
        stride = vectors * lanes if sums is None else next(s for s in sums.strides if s)

        def multiply(height: int, row: Value, result: Value, k: Any, n: int, resumes: bool) -> None:
            name = tile_function(
                b.module, kind=kind, lanes=lanes, rows=height, vectors=vectors, row_stride=row_stride,
                k_stride=k_stride, right_stride=right_stride, tail=tail, result_stride=stride, resumes=resumes,
            )  # fmt: skip
            left_at = b.offset(b.offset(a_pointer, row * row_stride, kind), times(k, k_stride), kind)
            right_at = b.offset(b.offset(w_pointer, c, kind), times(k, right_stride), kind)
            b.invoke(name, VOID, left_at, right_at, result, b.constant(n, I64))

        def finish(height: int, row: Value, result: Value) -> None:
            _finish_tile(e, node, result, stride, row, height, columns, n_columns)

        def ask_ahead(unit: Value, start: Value, height: int, result: Value) -> None:
            """Ask for the sums of the next tile, and for a part of the next columns of the right operand."""
            for r in range(0 if starts else height):
                for j in range(vectors):
                    b.prefetch(b.offset(result, r * stride + j * lanes, kind), write=True)
            following = b.offset(w_pointer, c + width, kind)
            share = -(-length // n_units)
            k = (unit - start) * share + first_k
            for i in range(share):
                for j in range(vectors):
                    place = (k + i) * right_stride + j * lanes
                    b.prefetch(b.offset(following, place, kind))

        def tiles(height: int, start: Value, stop: Value) -> None:
            def grouped(first: Value) -> None:
                """Some tiles through one block of k after the other."""
                last = _smaller(b, first + group, stop)

                def result_of(unit: Value) -> Value:
                    return b.offset(scratch, (unit - first) * tile_size, kind)

                for k in range(0, depth, k_block):
                    n = min(k_block, depth - k)
                    b.loop(
                        first,
                        last,
                        lambda u, k=k, n=n: multiply(height, e.share.start(b, u), result_of(u), k, n, k > 0),
                    )

                def end(unit: Any) -> None:
                    frame.enter()
                    finish(height, e.share.start(b, unit), result_of(unit))

                b.loop(first, last, end)

            def single(unit: Value) -> None:
                frame.enter()
                row = e.share.start(b, unit)
                result = scratch if sums is None else b.offset(b.offset(scratch, row * stride, kind), c, kind)
                if ends:
                    _ask_for(e, node, row, height, columns)
                if sums is not None:
                    ask_ahead(unit, start, height, b.offset(result, height * stride, kind))
                multiply(height, row, result, first_k, length, not starts)
                if ends:
                    finish(height, row, result)

            b.loop(start, stop, grouped if group > 1 else single, step=group)

        first, last = units
        if not rest:
            tiles(base, first, last)
        else:
            cut = b.constant(rest, I64)
            tiles(base + 1, _smaller(b, first, cut), _smaller(b, last, cut))
            tiles(base, _larger(b, first, cut), _larger(b, last, cut))

    def panels(units: tuple[Value, Value], first_k: Any, length: int, *, starts: bool, ends: bool) -> None:
        whole = n // width * width

        def inside(c: Any) -> None:
            if isinstance(c, Value):
                frame.enter()
            panel(c, width, units, first_k, length, starts=starts, ends=ends)

        b.loop(0, whole, inside, step=width)
        if whole < n:
            panel(whole, n - whole, units, first_k, length, starts=starts, ends=ends)

    if sums is None:
        panels((e.first, e.last), 0, depth, starts=True, ends=True)
        return

    # A block of rows and k of the left operand stays in the second cache, while all columns go by.
    def blocks(first_k: Any, length: int, *, starts: bool, ends: bool) -> None:
        def block(first: Value) -> None:
            frame.enter()
            panels((first, _smaller(b, first + n_units, e.last)), first_k, length, starts=starts, ends=ends)

        b.loop(e.first, e.last, block, step=n_units)

    def middle(k: Any) -> None:
        if isinstance(k, Value):
            frame.enter()
        blocks(k, k_block, starts=False, ends=False)

    last_k = (depth - 1) // k_block * k_block
    blocks(0, k_block, starts=True, ends=False)
    b.loop(k_block, last_k, middle, step=k_block)
    blocks(last_k, depth - last_k, starts=False, ends=True)


BLOCKED_BYTES = 1 << 19
"""Where a thread's rows of the left operand take more, sums go to memory after each block of the common axis."""


def is_blocked(node: Node, n_cores: int) -> bool:
    """Whether a product is too large to keep the rows of its left operand in the second cache."""
    if node.op != "matmul" or len(long_axes(node.shape)) != 2 or min(node.shape[-2:]) == 1 or node.dtype.kind != "f":
        return False
    m, depth = node.inputs[0].shape[-2:]
    size = node.dtype.itemsize
    return m * depth * size > BLOCKED_BYTES * n_cores and depth * size > K_BLOCK_BYTES


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
    e: Emission,
    node: Node,
    result: Value,
    stride: int,
    row: Value,
    height: int,
    columns: Sequence[Index],
    n_columns: int,
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
            place = b.constant(r, I64) * stride + j * lanes
            value = b.load(b.offset(result, place, kind), kind.of(lanes))
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
