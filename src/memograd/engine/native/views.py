"""Ops that only move elements: where in their operands the element at an index comes from. A row for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from memograd.engine.native.access import ZERO, Frame, Indices, Place, add, strides_of, times
from memograd.engine.native.elementwise import type_of
from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.ir_types import I64, PTR
from memograd.graph.node import Node, Shape


def _constant(frame: Frame, node: Node, index: Indices) -> Value:
    array = node["value"].array
    b = frame.b
    if array.size == 1:
        return b.constant(array.item(), type_of(node.dtype))
    # Vectors may run over the end.
    table = Value(b, PTR, "@" + b.module.table(array.tobytes() + bytes(64)))
    return frame.fetched(node, table, Place(-1, strides_of(node.shape), False), index)


def _broadcast_to(frame: Frame, node: Node, index: Indices) -> Value:
    (x,) = node.inputs
    kept = index[len(index) - x.ndim :]
    return frame.value(x, tuple(ZERO if n == 1 else i for n, i in zip(x.shape, kept, strict=True)))


def _transpose(frame: Frame, node: Node, index: Indices) -> Value:
    back = [ZERO] * len(index)
    for axis, i in zip(node["axes"], index, strict=True):
        back[axis] = i
    return frame.value(node.inputs[0], tuple(back))


def _slice(frame: Frame, node: Node, index: Indices) -> Value:
    moved = (frame.scaled(i, start, step) for i, (start, _, step) in zip(index, node["ranges"], strict=True))
    return frame.value(node.inputs[0], tuple(moved))


def _reshape(frame: Frame, node: Node, index: Indices) -> Value:
    (x,) = node.inputs
    return frame.value(x, reshaped(frame, node.shape, x.shape, index))


def reshaped(frame: Frame, source: Shape, target: Shape, index: Indices) -> Indices:
    """An index into an array of one shape as that into one of another with the same elements."""
    long = [(n, i) for n, i in zip(source, index, strict=True) if n != 1]
    if [n for n, _ in long] == [n for n in target if n != 1]:
        rest = iter(i for _, i in long)
        return tuple(ZERO if n == 1 else next(rest) for n in target)
    position: Any = 0
    step = 0
    for i, stride in zip(index, strides_of(source), strict=True):
        if stride:
            position = add(position, times(i.start, stride))
            step += i.step * stride
    whole = frame.at(position, step)
    if sum(n != 1 for n in target) <= 1:
        return tuple(ZERO if n == 1 else whole for n in target)
    number = frame.number(whole)
    back = []
    for n, stride in zip(target, strides_of(target), strict=True):
        back.append(ZERO if n == 1 else frame.at(number // stride % n))
    return tuple(back)


def _unslice(frame: Frame, node: Node, index: Indices) -> Value:
    (x,) = node.inputs
    b = frame.b
    inside: Value | bool = True
    moved = []
    for i, n, (start, length, step), whole in zip(index, x.shape, node["ranges"], node.shape, strict=True):
        if (start, length, step) == (0, whole, 1):
            moved.append(i)
            continue
        if length == 0:
            return b.constant(0, type_of(node.dtype))
        number = frame.number(i)
        distance = add(number, -start) if step > 0 else add(times(number, -1), start)
        size = abs(step)
        if isinstance(distance, int):
            here: Any = distance >= 0 and distance % size == 0 and distance // size < n
            place: Any = distance // size if here else 0
        else:
            # A distance below 0 is a huge number without sign.
            place = distance // size
            here = b.compare("<", place, n, signed=False)
            if size > 1:
                here = here & b.compare("==", distance % size, 0)
            place = b.select(here, place, b.constant(0, place.type))
        inside = here if inside is True else _both(inside, here)
        moved.append(frame.at(place))
    value = frame.value(x, tuple(moved))
    if isinstance(inside, Value):
        return b.select(inside, value, b.constant(0, value.type))
    return value if inside else b.constant(0, value.type)


def _both(x: Any, y: Any) -> Any:
    if isinstance(x, bool):
        return y if x else False
    if isinstance(y, bool):
        return x if y else False
    return x & y


def _concatenate(frame: Frame, node: Node, index: Indices) -> Value:
    b, axis = frame.b, node["axis"]
    i = index[axis]
    number = frame.number(i)
    result: Value | None = None
    start = 0
    for x in node.inputs:
        n = x.shape[axis]
        if n:
            if len(node.inputs) == 1:
                place: Any = number
            else:
                # Inside the operand, whatever the index is.
                place = add(number, -start)
                if isinstance(place, int):
                    place = min(max(place, 0), n - 1)
                else:
                    place = b.select(place < 0, b.constant(0, place.type), place)
                    place = b.select(place > n - 1, b.constant(n - 1, place.type), place)
            value = frame.value(x, (*index[:axis], frame.at(place), *index[axis + 1 :]))
            if result is None:
                result = value
            else:
                here = number >= start
                result = b.select(here, value, result) if isinstance(here, Value) else value if here else result
        start += n
    assert result is not None
    return result


def _take(frame: Frame, node: Node, index: Indices) -> Value:
    x, positions = node.inputs
    axis = node["axis"]
    inner = index[axis : axis + positions.ndim]
    place = frame.value(positions, inner)
    place = wrapped(frame.b, place, positions, x.shape[axis])
    return frame.value(x, (*index[:axis], frame.at(place), *index[axis + positions.ndim :]))


def wrapped(b: Builder, place: Value, positions: Node, n: int) -> Value:
    """Positions as they count from 0, in 64 bits; what lies outside is brought inside, and found by the caller."""
    place = b.convert(place, "sext" if positions.dtype.kind == "i" else "zext", I64)
    if positions.dtype.kind == "i":
        place = b.select(place < 0, place + n, place)
    last = b.constant(max(n - 1, 0), place.type)
    return b.select(b.compare(">", place, last, signed=False), last, place)


VIEWS: Mapping[str, Callable[[Frame, Node, Indices], Value]] = {
    "constant": _constant,
    "broadcast_to": _broadcast_to,
    "transpose": _transpose,
    "slice": _slice,
    "reshape": _reshape,
    "unslice": _unslice,
    "concatenate": _concatenate,
    "take": _take,
}
