"""The value of a node at an index: loaded where it lies in memory, and computed from its operands where it does not.

So whatever only moves elements (transposes, slices, broadcasts, gathers, concatenations) costs an index, and
elementwise ops are fused with what reads them. What has been asked for once is not emitted again, and what does not
change in a loop is emitted before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from memograd.engine.native.elementwise import ELEMENTWISE, memory_type, type_of
from memograd.engine.native.ir import I1, I64, PTR, Builder, Value
from memograd.errors import CannotLower
from memograd.graph.node import Node, Shape
from memograd.graph.ops import OPS

Number: TypeAlias = "int | Value"


class Index(NamedTuple):
    """A position along one axis, the same for all lanes or another for each.

    Attributes
    ----------
    start : int, scalar or vector Value of i64
        Of lane 0; a vector holds the position of each lane.
    step : int
        From one lane to the next.
    depth : int
        How many loops it changes with.
    is_row : bool
        Whether it is the row that the kernel is at, of those that are shared among threads.
    """

    start: Any
    step: int = 0
    depth: int = 0
    is_row: bool = False

    @property
    def key(self) -> tuple[Any, int]:
        """Equal for equal indices of one function."""
        return (self.start.text if isinstance(self.start, Value) else self.start, self.step)

    @property
    def is_vector(self) -> bool:
        """Whether each lane has a position of its own, known only when the code runs."""
        return isinstance(self.start, Value) and self.start.type.lanes > 0


ZERO = Index(0)
Indices: TypeAlias = tuple[Index, ...]


class Place(NamedTuple):
    """Where a node lies.

    Attributes
    ----------
    slot : int
        Of the table of pointers that each kernel is given.
    strides : tuple of int
        For each axis, in elements.
    is_padded : bool
        Whether a vector may run over the end of the last axis.
    """

    slot: int
    strides: tuple[int, ...]
    is_padded: bool


def strides_of(shape: Shape, multiple: int = 1) -> tuple[int, ...]:
    """Of an array in C order, whose rows take a multiple of so many elements; 0 along axes of length 1."""
    strides = [0] * len(shape)
    distance = 1
    for axis in reversed(range(len(shape))):
        if shape[axis] != 1:
            strides[axis] = distance
            distance *= -(-shape[axis] // multiple) * multiple if distance == 1 else shape[axis]
    return tuple(strides)


@dataclass(slots=True)
class Frame:
    """The values of nodes while one kernel is emitted.

    Attributes
    ----------
    b : Builder
    table : Value
        Pointer to the pointers.
    places : mapping of Node to Place
    lanes : int
        Of vectors; an index with a step asks for one.
    on_read : callable
        Told of each node that is read from memory, and the index.
    """

    b: Builder
    table: Value
    places: Mapping[Node, Place]
    lanes: int
    on_read: Callable[[Node, Indices], None]
    # The lanes that count in this round, when not all do: an int or a Value.
    n_valid: Any = None
    # The index along the last axis at which a vector may run into the padding.
    lane_key: Any = None
    _memo: list[dict[Any, Value]] = field(default_factory=lambda: [{}])

    def enter(self) -> None:
        """Tell that a loop's body begins."""
        del self._memo[self.b.depth :]
        while len(self._memo) <= self.b.depth:
            self._memo.append({})

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is computed inside is forgotten after: the code there may not run."""
        saved = [dict(known) for known in self._memo]
        yield
        self._memo = saved

    def put(self, node: Node, index: Indices, value: Value) -> None:
        """The value of a node at an index, as it has been computed."""
        self._remember((node, *(i.key for i in index)), value)

    def _remember(self, key: Any, value: Value) -> None:
        while len(self._memo) <= self.b.depth:
            self._memo.append({})
        self._memo[self.b.depth][key] = value

    def _recall(self, key: Any) -> Value | None:
        for known in self._memo[: self.b.depth + 1]:
            if key in known:
                return known[key]
        return None

    def value(self, node: Node, index: Indices) -> Value:
        """The value of a node; a scalar where it is the same for all lanes."""
        key = (node, *(i.key for i in index))
        found = self._recall(key)
        if found is not None:
            return found
        with self.b.hoisted(max((i.depth for i in index), default=0)):
            place = self.places.get(node)
            if place is not None:
                found = self.load(node, place, index)
            elif node.op in ELEMENTWISE:
                operands = [self.value(x, index) for x in node.inputs]
                found = ELEMENTWISE[node.op](self.b, node, *operands)
            elif node.op in _PULLED:
                found = _PULLED[node.op](self, node, index)
            else:
                raise CannotLower(f"the native engine has no way to compute {node!r} by element")
            self._remember(key, found)
        return found

    def pointer(self, node: Node) -> Value:
        """Where a node begins."""
        return self.slot(self.places[node].slot)

    def slot(self, slot: int) -> Value:
        """A pointer of the table."""
        key = ("slot", slot)
        with self.b.hoisted(0):
            found = self._memo[0].get(key)
            if found is None:
                found = self._memo[0][key] = self.b.load(self.b.offset(self.table, slot, PTR), PTR)
        return found

    def load(self, node: Node, place: Place, index: Indices) -> Value:
        """Elements that lie in memory."""
        self.on_read(node, index)
        b, kind = self.b, memory_type(node.dtype)
        start, step = self.offset(place.strides, index)
        pointer = self.pointer(node)
        if isinstance(start, Value) and start.type.lanes:
            loaded = b.gather(b.offset(pointer, start, kind), kind, self.mask())
        elif step == 0:
            loaded = b.load(b.offset(pointer, start, kind), kind)
        elif step == 1:
            padded = place.is_padded and index[-1].key == self.lane_key
            loaded = b.load(b.offset(pointer, start, kind), kind.of(self.lanes), None if padded else self.mask())
        else:
            offsets = self.vector(Index(start, step))
            loaded = b.gather(b.offset(pointer, offsets, kind), kind, self.mask())
        return b.convert(loaded, "trunc", I1) if node.dtype.kind == "b" else loaded

    def reload(self, node: Node, index: Indices, place: Place) -> Value:
        """Elements that this kernel has written."""
        b, kind = self.b, memory_type(node.dtype)
        start, step = self.offset(place.strides, index)
        pointer = b.offset(self.slot(place.slot), start, kind)
        loaded = b.load(pointer, kind.of(self.lanes if step else 0), self.mask() if step else None)
        return b.convert(loaded, "trunc", I1) if node.dtype.kind == "b" else loaded

    def store(self, node: Node, index: Indices, value: Value, place: Place) -> None:
        """Write elements to a place."""
        b, kind = self.b, memory_type(node.dtype)
        start, step = self.offset(place.strides, index)
        pointer = b.offset(self.slot(place.slot), start, kind)
        if node.dtype.kind == "b":
            value = b.convert(value, "zext", kind)
        if step == 0:
            b.store(pointer, value)
        else:
            assert step == 1, "results are written along their last axis"
            padded = place.is_padded and index[-1].key == self.lane_key
            b.store(pointer, b.splat(value, self.lanes), None if padded else self.mask())

    def mask(self) -> Value | None:
        """Which lanes count; None for all."""
        if self.n_valid is None:
            return None
        if isinstance(self.n_valid, int):
            return self.b.vector([lane < self.n_valid for lane in range(self.lanes)], I1)
        return self.b.compare("<", self.b.lane_numbers(self.lanes), self.n_valid)

    def offset(self, strides: Sequence[int], index: Indices) -> tuple[Any, int]:
        """The distance in elements, of lane 0 and from lane to lane; or a vector of distances, and 0."""
        total: Any = 0
        step = 0
        for i, stride in zip(index, strides, strict=True):
            if stride == 0:
                continue
            total = add(total, times(i.start, stride))
            step += i.step * stride
        if isinstance(total, Value) and total.type.lanes and step:
            total, step = total + self.vector(Index(0, step)), 0
        return total, step

    def vector(self, i: Index) -> Value:
        """The positions of all lanes."""
        if i.is_vector:
            start: Value = i.start
            return start if not i.step else start + self.vector(Index(0, i.step))
        steps = self.b.vector([lane * i.step for lane in range(self.lanes)], I64)
        return steps if isinstance(i.start, int) and i.start == 0 else steps + i.start

    def scaled(self, i: Index, start: int, step: int) -> Index:
        """start + step i."""
        if (start, step) == (0, 1):
            return i
        return self.at(add(times(i.start, step), start), i.step * step)

    def at(self, place: Any, step: int = 0) -> Index:
        """A place that has just been computed, as an index."""
        return Index(place, step, self.b.depth if isinstance(place, Value) else 0)

    def number(self, i: Index) -> Any:
        """An index as a number, or a vector of them."""
        return self.vector(i) if i.step or i.is_vector else i.start


def add(x: Number, y: Number) -> Any:
    """x + y, now if both are known."""
    return y + x if isinstance(x, int) else x + y


def times(x: Number, factor: int) -> Any:
    """x times a known number."""
    return x * factor


def _constant(frame: Frame, node: Node, index: Indices) -> Value:
    array = node["value"].array
    b = frame.b
    if array.size == 1:
        return b.constant(array.item(), type_of(node.dtype))
    kind = memory_type(node.dtype)
    # Vectors may run over the end.
    table = Value(b, PTR, "@" + b.module.table(array.tobytes() + bytes(64)))
    start, step = frame.offset(strides_of(node.shape), index)
    if isinstance(start, Value) and start.type.lanes:
        loaded = b.gather(b.offset(table, start, kind), kind, frame.mask())
    elif step == 0:
        loaded = b.load(b.offset(table, start, kind), kind)
    elif step == 1:
        loaded = b.load(b.offset(table, start, kind), kind.of(frame.lanes), frame.mask())
    else:
        loaded = b.gather(b.offset(table, frame.vector(Index(start, step)), kind), kind, frame.mask())
    return b.convert(loaded, "trunc", I1) if node.dtype.kind == "b" else loaded


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


_PULLED: Mapping[str, Callable[[Frame, Node, Indices], Value]] = {
    "constant": _constant,
    "broadcast_to": _broadcast_to,
    "transpose": _transpose,
    "slice": _slice,
    "reshape": _reshape,
    "unslice": _unslice,
    "concatenate": _concatenate,
    "take": _take,
}

PULLED = frozenset(_PULLED) | {"input"}
assert all(name in OPS for name in PULLED)
