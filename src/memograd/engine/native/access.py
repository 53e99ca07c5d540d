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

from memograd.engine.native.elementwise import ELEMENTWISE, memory_type
from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.ir_types import I1, I64, PTR
from memograd.errors import CannotLower
from memograd.graph.node import Node, Shape

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
    is_own : bool
        Whether it lies in the part that a thread has for itself, along the axis that is shared among threads.
    """

    start: Any
    step: int = 0
    depth: int = 0
    is_own: bool = False

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
        For each axis, in elements; along the columns of panels, of the whole vectors where they begin.
    is_padded : bool
        Whether a vector may run over the end of the last axis.
    panel : int
        How many columns lie side by side in a panel; 0 for a matrix that is not in panels.
    """

    slot: int
    strides: tuple[int, ...]
    is_padded: bool
    panel: int = 0


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
    views : mapping of str to callable
        How ops that only move elements find theirs (see `memograd.engine.native.views`).
    """

    b: Builder
    table: Value
    places: Mapping[Node, Place]
    lanes: int
    on_read: Callable[[Node, Indices], None]
    views: Mapping[str, Callable[[Frame, Node, Indices], Value]]
    # The lanes that count in this round, when not all do: an int or a Value.
    n_valid: Any = None
    # The keys of the index at which results are computed just now, along the axes that are longer than 1.
    here: tuple[Any, ...] | None = None
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
            elif node.op in self.views:
                found = self.views[node.op](self, node, index)
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
        padded = place.is_padded and index[-1:] != () and index[-1].key == self.lane_key
        return self.fetched(node, self.pointer(node), place, index, is_padded=padded)

    def fetched(self, node: Node, pointer: Value, place: Place, index: Indices, *, is_padded: bool = False) -> Value:
        """Elements of a node from behind a pointer: one, a vector, or one for each lane from its own place."""
        b, kind = self.b, memory_type(node.dtype)
        start, step = self.distance(place, index)
        if isinstance(start, Value) and start.type.lanes:
            loaded = b.gather(b.offset(pointer, start, kind), kind, self.mask())
        elif step == 0:
            loaded = b.load(b.offset(pointer, start, kind), kind)
        elif step == 1:
            loaded = b.load(b.offset(pointer, start, kind), kind.of(self.lanes), None if is_padded else self.mask())
        else:
            offsets = self.vector(Index(start, step))
            loaded = b.gather(b.offset(pointer, offsets, kind), kind, self.mask())
        return b.convert(loaded, "trunc", I1) if node.dtype.kind == "b" else loaded

    def reload(self, node: Node, index: Indices, place: Place) -> Value:
        """Elements that this kernel has written."""
        return self.fetched(node, self.slot(place.slot), place, index)

    def store(self, node: Node, index: Indices, value: Value, place: Place) -> None:
        """Write elements to a place."""
        b, kind = self.b, memory_type(node.dtype)
        start, step = self.distance(place, index)
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

    def distance(self, place: Place, index: Indices) -> tuple[Any, int]:
        """As `offset`, for a place of any layout."""
        if not place.panel:
            return self.offset(place.strides, index)
        row, column = index
        row_stride, column_stride = place.strides
        if column.step == 1 and column.key == self.lane_key:
            return self.offset(place.strides, (row, column._replace(step=0)))[0], 1
        number = self.number(column)
        panels = number // place.panel if isinstance(number, int) else number >> (place.panel.bit_length() - 1)
        where = add(times(panels, place.panel * column_stride), number & (place.panel - 1))
        return self.offset((row_stride, 1), (row, Index(where)))

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
