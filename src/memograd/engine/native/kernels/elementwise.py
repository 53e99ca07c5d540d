"""Kernels without an op of their own: elementwise ops, and matrices that are turned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memograd.engine.native.access import ZERO, Frame, Index, times
from memograd.engine.native.elementwise import type_of
from memograd.engine.native.fusion import long_axes
from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.kernels.emission import Emission, strided
from memograd.engine.native.nests import along, loop, loop_in_steps, over
from memograd.graph.node import Node


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
    found = _source(node, e.frame)
    return (
        found is not None
        and node.dtype.kind == "f"
        and len(long_axes(node.shape)) == 2
        and min(long_axes(node.shape)) >= e.frame.lanes
        and found[1][max(axis for axis, n in enumerate(node.shape) if n != 1)] > 1
    )


def _source(node: Node, frame: Frame) -> tuple[Node, tuple[int, ...]] | None:
    """What a matrix that is turned lies in, and the strides there along its own axes."""
    x = node.inputs[0] if node.inputs else node
    if node.op == "transpose" and x in frame.places and frame.places[x].panel:
        return x, frame.places[x].strides[::-1]
    return strided(node, frame.places)


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


FAR_BYTES = 1 << 17
"""A smaller matrix is at hand."""

BLOCKS_AHEAD = 2
"""Blocks are asked for so long before they are read and written: the next ones of a column lie in other pages."""


def _turn(e: Emission, node: Node, row: tuple[int, Any], column: tuple[int, Any]) -> None:
    """Turn a square block of as many rows as a vector has lanes."""
    frame, b, lanes = e.frame, e.b, e.frame.lanes
    found = _source(node, frame)
    assert found is not None
    base, strides = found
    kind = type_of(node.dtype)
    corner = b.offset(frame.pointer(base), times(row[1], strides[row[0]]), kind)
    corner = b.offset(corner, times(column[1], strides[column[0]]), kind)
    frame.on_read(base, (ZERO,) * len(base.shape))
    distance = BLOCKS_AHEAD * lanes
    is_far = node.size_bytes >= FAR_BYTES
    for i in range(lanes if is_far else 0):
        b.prefetch(b.offset(corner, (i + distance) * strides[column[0]], kind))
    rows = [b.load(b.offset(corner, i * strides[column[0]], kind), kind.of(lanes)) for i in range(lanes)]
    for place in e.targets[node]:
        target = b.offset(frame.slot(place.slot), times(row[1], place.strides[row[0]]), kind)
        column_stride = place.strides[column[0]]
        target = b.offset(target, times(column[1], column_stride), kind)
        for i in range(lanes if is_far else 0):
            b.prefetch(b.offset(target, i * place.strides[row[0]] + distance * column_stride, kind), write=True)
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
