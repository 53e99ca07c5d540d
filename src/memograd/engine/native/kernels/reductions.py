"""Sums and extremes over axes, and where the extremes are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memograd.engine.native.access import ZERO, Index, Indices
from memograd.engine.native.elementwise import extreme, type_of
from memograd.engine.native.fusion import long_axes
from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.ir_types import I1, I64, Type
from memograd.engine.native.kernels.emission import Emission
from memograd.engine.native.nests import N_CHAINS, over, summed
from memograd.graph.node import Node


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
            total = b.reduce(total, lambda p, q: _combined(b, node, p, q), x.shape[gone[-1]])
        e.finish(index, total)

    over(frame, node.shape, e.span(), element, vectors=not is_across)


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


def sum_in_parts(e: Emission) -> None:
    """The sums of the parts of a minibatch, in four chains each."""
    node, frame, b = e.kernel.node, e.frame, e.b
    assert node is not None
    (x,) = node.inputs
    zero = b.constant(0.0, type_of(node.dtype).of(frame.lanes))

    def part(number: Value, start: Value, stop: Value) -> None:
        whole = start + (stop - start) // N_CHAINS * N_CHAINS
        depth = b.depth

        def element(index: Indices) -> None:
            def at(row: Value) -> Value:
                return b.splat(frame.value(x, (Index(row, 0, b.depth, is_own=True), *index[1:])), frame.lanes)

            def several(row: Value, *sums: Value) -> list[Value]:
                frame.enter()
                return [total + at(row + chain) for chain, total in enumerate(sums)]

            def one(row: Value, total: Value) -> list[Value]:
                frame.enter()
                return [total + at(row)]

            sums = b.loop(start, whole, several, step=N_CHAINS, carry=[zero] * N_CHAINS)
            (total,) = b.loop(whole, stop, one, carry=[(sums[0] + sums[1]) + (sums[2] + sums[3])])
            e.finish((Index(number, 0, depth), *index[1:]), total)

        over(frame, (1, *node.shape[1:]), (0, node.shape[1]), element)

    e.parts(part)


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
