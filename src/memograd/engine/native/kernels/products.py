"""Products of matrices by tiles, at once or in parts; any other product by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from memograd.engine.native.access import Frame, Index, Indices
from memograd.engine.native.elementwise import type_of
from memograd.engine.native.fusion import long_axes
from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.ir_types import I1, I64, Type
from memograd.engine.native.kernels.emission import Emission, strided
from memograd.engine.native.kernels.tiles import Part, Sums, Tiles, is_tiled, right_operand
from memograd.engine.native.nests import Cuts, over, summed
from memograd.errors import CannotLower
from memograd.graph.node import Node


def matmul(e: Emission) -> None:
    """A product of matrices by tiles, if it is one; any other by element."""
    node = e.kernel.node
    assert node is not None
    left, right = strided(node.inputs[0], e.frame.places), right_operand(node, e.frame)
    if is_tiled(node) and left and right and node.inputs[0].shape[-1] > 0:
        sums = None
        if e.sums is not None:
            sums = Sums(e.frame.slot(e.sums.slot), next(s for s in e.sums.strides if s))
        rows = e.cuts.rows(node.shape[-2]) if e.share.kind == "chunks" else e.share
        Tiles(e, node, left, right, rows, sums).emit()
    else:
        _contraction(e, node)


def matmul_in_parts(e: Emission) -> None:
    """The products of the parts of a minibatch."""
    node, b = e.kernel.node, e.b
    assert node is not None
    left, right = strided(node.inputs[0], e.frame.places), right_operand(node, e.frame)
    if left is None or right is None:
        raise CannotLower(f"{node!r}: its operands do not lie in memory")
    (place,) = e.targets[node]
    part_stride, row_stride, _ = place.strides
    rows = Cuts(e.frame.lanes, e.cuts.tile_rows, 1).rows(node.shape[-2])
    units = b.constant(0, I64), b.constant(rows.n_units, I64)

    def part(number: Value, start: Value, stop: Value) -> None:
        sums = Sums(b.offset(e.frame.slot(place.slot), number * part_stride, type_of(node.dtype)), row_stride)
        Tiles(e, node, left, right, rows, sums).panels(units, Part(start, stop - start, ends=False))

    e.parts(part)


def _contraction(e: Emission, node: Node) -> None:
    """Any product: for each element, or vector of elements, a sum over the common axis."""
    frame, b = e.frame, e.b
    left, right = node.inputs
    depth, kind = left.shape[-1], type_of(node.dtype)
    places = [strided(x, frame.places) for x in node.inputs]

    def factors(index: Indices, k: Index) -> tuple[Value, Value]:
        *stack, i, j = index
        return frame.value(left, (*stack, i, k)), frame.value(right, (*stack, k, j))

    is_last_cut = e.share.kind == "chunks"
    along_k = along_row = False
    if places[0] is not None and places[1] is not None:
        along_k = places[0][1][-1] in (0, 1) and places[1][1][-2] in (0, 1)
        along_row = bool(long_axes(node.shape)) and set(_lane_strides(node, places[0], places[1])) <= {0, 1}
    if along_k and not along_row and node.dtype.kind == "f" and depth >= frame.lanes:

        def dot(index: Indices) -> None:
            e.finish(index, _dot(frame, kind, depth, lambda k: factors(index, k)))

        over(frame, node.shape, e.span(), dot, vectors=False, is_last_cut=is_last_cut)
        return

    def element(index: Indices) -> None:
        is_vector = any(i.step for i in index)
        zero = b.constant(0, kind.of(frame.lanes if is_vector else 0))

        def step(k: Index, sums: Sequence[Value]) -> list[Value]:
            x, y = factors(index, k)
            return [product_sum(b, x, y, sums[0])]

        plus = (lambda p, q: [p[0] + q[0]]) if node.dtype.kind == "f" else None
        e.finish(index, summed(frame, depth, step, [zero], plus)[0])

    over(frame, node.shape, e.span(), element, vectors=along_row or not along_k, is_last_cut=is_last_cut)


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
