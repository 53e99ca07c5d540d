"""Running sums, and sums at places that an index names."""

from __future__ import annotations

from functools import partial
from typing import Any

from memograd.engine.native.access import Frame, Index, Indices, Place
from memograd.engine.native.elementwise import type_of
from memograd.engine.native.fusion import long_axes
from memograd.engine.native.ir import Value
from memograd.engine.native.ir_types import Type
from memograd.engine.native.kernels.emission import Emission
from memograd.engine.native.nests import over
from memograd.engine.native.views import wrapped
from memograd.graph.node import Node


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
