"""Steps of narrow networks: the batch along the lanes of vectors, and everything else unrolled.

A network of a few columns would leave most lanes of a vector empty if they held columns. Here a lane is a row of the
minibatch, a parameter is one number spread over all lanes, and a step is straight-line code: what a kernel would store
for the next one stays in registers. Sums over the batch are kept lane by lane, and the lanes added at the end, sixteen
sums at a time; then parameters are updated, as vectors again. It pays up to about ten columns; the code grows with
their square.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memograd.engine.native.access import Frame, Index, Indices, Place, strides_of
from memograd.engine.native.batch import Batch, row_operations
from memograd.engine.native.elementwise import ELEMENTWISE, extreme, memory_type, type_of
from memograd.engine.native.ir import Builder, Module, Value
from memograd.engine.native.ir_types import I1, I32, I64, PTR, VOID
from memograd.engine.native.lowering import Slot
from memograd.engine.native.views import VIEWS
from memograd.errors import CannotLower
from memograd.graph.node import Node

MAX_ROW_OPERATIONS = 1500
"""What a row may take: more is slower this way, and takes LLVM longer than half a second."""

MAX_UNROLLED = 3000
"""Blocks of rows are unrolled up to so many operations, and go through a loop beyond."""


@dataclass(slots=True)
class _Rows(Frame):
    """The values of a block of rows."""

    step: Narrow | None = None

    def value(self, node: Node, index: Indices) -> Value:
        """The value of a node at an index; ops that are loops elsewhere are unrolled."""
        step = self.step
        assert step is not None
        key = (node, *(i.key for i in index))
        found = self._recall(key)
        if found is not None:
            return found
        if node in step.gathered:
            found = step.gather(self, node, index)
        elif node in step.sums:
            found = step.sum_of(self, node, index)
        elif node.op == "matmul":
            found = self._product(node, index)
        elif node.op in ("sum", "max", "min"):
            found = self._reduced(node, index)
        else:
            return Frame.value(self, node, index)
        self._remember(key, found)
        return found

    def _product(self, node: Node, index: Indices) -> Value:
        left, right = node.inputs
        *stack, i, j = index
        total: Value | None = None
        for k in range(left.shape[-1]):
            x = self.value(left, (*stack, i, Index(k)))
            y = self.value(right, (*stack, Index(k), j))
            total = x * y if total is None else self.b.fma(x, y, total)
        return self.b.constant(0, type_of(node.dtype)) if total is None else total

    def _reduced(self, node: Node, index: Indices) -> Value:
        (x,) = node.inputs
        axes = node["axes"]
        total: Value | None = None
        for place in _positions([x.shape[axis] for axis in axes]):
            rest, at = iter(index), iter(place)
            value = self.value(x, tuple(Index(next(at)) if a in axes else next(rest) for a in range(x.ndim)))
            if total is None:
                total = value
            elif node.op == "sum":
                total = total + value
            else:
                test = ">" if node.op == "max" else "<"
                total = extreme(self.b, test, total, value, signed=node.dtype.kind == "i")
        return self.b.constant(0, type_of(node.dtype)) if total is None else total


def _positions(shape: Sequence[int]) -> list[tuple[int, ...]]:
    """All positions in an array, in C order."""
    found: list[tuple[int, ...]] = [()]
    for n in shape:
        found = [(*before, i) for before in found for i in range(n)]
    return found


class Narrow:
    """A step of a narrow network as one function, with the interface of a `Lowering`.

    Parameters
    ----------
    module : Module
    name : str
    nodes, inputs, outputs : sequence of Node
    rows : sequence of int
        The inputs whose rows are gathered.
    states : sequence of int
        The inputs whose place the first outputs take.
    lanes : int

    Raises
    ------
    CannotLower
        When the network is not narrow, or does what has no code here.
    """

    def __init__(
        self,
        module: Module,
        name: str,
        nodes: Sequence[Node],
        inputs: Sequence[Node],
        outputs: Sequence[Node],
        *,
        rows: Sequence[int],
        states: Sequence[int],
        lanes: int,
    ) -> None:
        self.name, self.lanes = name, lanes
        self.arena_bytes = self.private_bytes = 0
        self._inputs, self._outputs, self._states = inputs, outputs, states
        self.gathered = {inputs[i]: len(inputs) + len(outputs) + j for j, i in enumerate(rows)}
        self._numbers = len(inputs) + len(outputs) + len(rows)
        self.slots = [Slot("input", 0)] * (self._numbers + 1)
        self._n_rows = inputs[rows[0]].shape[0]
        self._batch = Batch()
        for node in nodes:
            self._batch.visit(node, set(self.gathered))
        if any(self._batch.axis[node] is not None for node in outputs):
            raise CannotLower("a result has a row for each of the minibatch")
        self._n_operations = sum(row_operations(node, self._batch) for node in nodes)
        if self._n_operations > MAX_ROW_OPERATIONS:
            raise CannotLower(f"{self._n_operations} operations for each row are too many to unroll")
        self.sums: set[Node] = set()
        self._packed: dict[Node, list[tuple[Value, int]]] = {}
        self._flat: dict[Node, list[Value]] = {}
        module.define(name, VOID, [PTR, I64, I64, PTR], self._step, exported=True)

    def _step(self, b: Builder, table: Value, thread: Value, n_threads: Value, control: Value) -> None:
        places = {node: Place(i, strides_of(node.shape), False) for i, node in enumerate(self._inputs)}
        frame = _Rows(b, table, places, self.lanes, lambda node, index: None, VIEWS, step=self)
        batch = self._batch
        for level in sorted({batch.level[node] for node in batch.sums}):
            self._sweep(frame, [node for node in batch.sums if batch.level[node] == level])
        found = [self._flat_value(frame, node) for node in self._outputs]
        for i, (node, vectors) in enumerate(zip(self._outputs, found, strict=True)):
            slot = self._states[i] if i < len(self._states) else len(self._inputs) + i
            pointer, kind = frame.slot(slot), memory_type(node.dtype)
            for j, vector in enumerate(vectors):
                if node.dtype.kind == "b":
                    vector = b.convert(vector, "zext", kind)
                b.store(b.offset(pointer, j * max(vector.type.lanes, 1), kind), vector)

    # Rows

    def gather(self, frame: _Rows, node: Node, index: Indices) -> Value:
        """A column of the rows of a block, from the array that they are drawn from."""
        b, kind = frame.b, memory_type(node.dtype)
        key = ("numbers", index[0].key)
        numbers = frame._recall(key)
        if numbers is None:
            place = b.offset(frame.slot(self._numbers), index[0].start, I32)
            loaded = b.load(place, I32.of(self.lanes), frame.mask())
            numbers = b.convert(loaded, "zext", I64)
            frame._remember(key, numbers)
        width = node.size // node.shape[0]
        offset, _ = frame.offset(strides_of(node.shape[1:]), index[1:])
        offsets = numbers * width + offset
        loaded = b.gather(b.offset(frame.slot(self.gathered[node]), offsets, kind), kind, frame.mask())
        return b.convert(loaded, "trunc", I1) if node.dtype.kind == "b" else loaded

    def _sweep(self, frame: _Rows, sums: Sequence[Node]) -> None:
        """Add up over all rows what some nodes sum."""
        b, lanes = frame.b, self.lanes
        elements = [(node, place) for node in sums for place in _positions(node.shape)]
        totals = [b.constant(0, type_of(node.dtype).of(lanes)) for node, _ in elements]
        n_whole, rest = divmod(self._n_rows, lanes)
        unrolled = n_whole if n_whole * self._n_operations <= MAX_UNROLLED else 0

        def block(start: Any, totals: Sequence[Value], n_valid: int | None) -> list[Value]:
            frame.n_valid = n_valid
            row = Index(start, 1, b.depth if isinstance(start, Value) else 0)
            found = [
                self._added(frame, node, place, row, total)
                for (node, place), total in zip(elements, totals, strict=True)
            ]
            frame.n_valid = None
            return found

        for number in range(unrolled):
            totals = block(number * lanes, totals, None)
        if not unrolled:

            def inside(start: Any, *carried: Value) -> list[Value]:
                if isinstance(start, Value):
                    frame.enter()
                return block(start, carried, None)

            totals = b.loop(0, n_whole * lanes, inside, step=lanes, carry=totals)
        if rest:
            totals = block(n_whole * lanes, totals, rest)
        for kind in dict.fromkeys(total.type for total in totals):
            alike = [(node, total) for (node, _), total in zip(elements, totals, strict=True) if total.type == kind]
            for first in range(0, len(alike), lanes):
                some = alike[first : first + lanes]
                joined = _lane_sums(b, [total for _, total in some])
                for lane, (node, _) in enumerate(some):
                    self._packed.setdefault(node, []).append((joined, lane))
        self.sums.update(sums)

    def _added(self, frame: _Rows, node: Node, place: tuple[int, ...], row: Index, total: Value) -> Value:
        """The sum so far and the rows of one block."""
        b = frame.b
        if node.op == "matmul":
            left, right = node.inputs
            *stack, i, j = (Index(p) for p in place)
            x, y = frame.value(left, (*stack, i, row)), frame.value(right, (*stack, row, j))
            found = b.fma(x, y, total)
        else:
            (x_node,) = node.inputs
            axis, axes = self._batch.axis[x_node], node["axes"]
            found = total
            for at in _positions([x_node.shape[a] for a in axes if a != axis]):
                kept, gone = iter(place), iter(at)
                index = tuple(
                    row if a == axis else Index(next(gone)) if a in axes else Index(next(kept))
                    for a in range(x_node.ndim)
                )
                found = found + frame.value(x_node, index)
        mask = frame.mask()
        return found if mask is None else b.select(mask, found, total)

    def sum_of(self, frame: _Rows, node: Node, index: Indices) -> Value:
        """An element of a finished sum."""
        offset, _ = frame.offset(strides_of(node.shape), index)
        vector, lane = self._packed[node][offset]
        return frame.b.lane(vector, lane)

    # Parameters

    def _width(self, node: Node) -> int:
        """The lanes of the vectors that hold a node: as few as hold all of it, and no more than a vector has."""
        return 0 if node.size == 1 else min(self.lanes, 1 << (node.size - 1).bit_length())

    def _flat_value(self, frame: _Rows, node: Node) -> list[Value]:
        """The elements of a node without rows, in C order, as vectors."""
        found = self._flat.get(node)
        if found is None:
            found = self._flat[node] = self._flatten(frame, node)
        return found

    def _flatten(self, frame: _Rows, node: Node) -> list[Value]:
        b, width, kind = frame.b, self._width(node), type_of(node.dtype)
        if node.size == 1 and node not in self.sums:
            return [frame.value(node, tuple(Index(0) for _ in node.shape))]
        starts = range(0, node.size, max(width, 1))
        if node in self.sums:
            return [_vector(b, self._packed[node][s : s + max(width, 1)], width) for s in starts]
        if node in self._inputs:
            pointer, memory = frame.pointer(node), memory_type(node.dtype)
            loaded = [b.load(b.offset(pointer, s, memory), memory.of(width)) for s in starts]
            return [b.convert(x, "trunc", I1) for x in loaded] if node.dtype.kind == "b" else loaded
        if node.op == "constant":
            numbers = node["value"].array.reshape(-1).tolist()
            numbers += [numbers[-1]] * (len(starts) * width - len(numbers))
            return [b.vector(numbers[s : s + width], kind) for s in starts]
        if node.op in ELEMENTWISE:
            operands = [self._flat_value(frame, x) for x in node.inputs]
            return [ELEMENTWISE[node.op](b, node, *some) for some in zip(*operands, strict=True)]
        (x, *_) = node.inputs
        if node.op == "broadcast_to" and x.size == 1:
            (number,) = self._flat_value(frame, x)
            return [b.splat(number, width)] * len(starts)
        if node.op in ("reshape", "broadcast_to") and x.size == node.size:
            return self._flat_value(frame, x)
        raise CannotLower(f"{node!r}: no way to update a narrow network's parameters")


def _vector(b: Builder, numbers: Sequence[tuple[Value, int]], width: int) -> Value:
    """Lanes of vectors as the first lanes of another one; the others hold any number."""
    first, lane = numbers[0]
    if not width:
        return b.lane(first, lane)
    own = [place for vector, place in numbers if vector is first]
    result = b.shuffle(first, first, [*own, *[own[-1]] * (width - len(own))])
    rest = numbers[len(own) :]
    if rest:
        second = rest[0][0]
        places = [place for _, place in rest]
        spread = b.shuffle(second, second, [places[max(i - len(own), 0) % len(places)] for i in range(width)])
        result = b.shuffle(result, spread, [i if i < len(own) else width + i for i in range(width)])
    return result


def _lane_sums(b: Builder, vectors: Sequence[Value]) -> Value:
    """One vector of the sums of the lanes of each of up to as many vectors as it has lanes.

    In each round two vectors become one, which holds sums of pairs of lanes of both; after as many rounds as it takes
    to halve the number of lanes to one, every lane is a whole sum, in the order of the vectors.
    """
    lanes = vectors[0].type.lanes
    zero = b.constant(0, vectors[0].type)
    known: dict[int, Value] = dict(enumerate(vectors))
    distance = 1
    while distance < lanes:
        low = [lanes + lane - distance if lane & distance else lane for lane in range(lanes)]
        high = [lanes + lane if lane & distance else lane + distance for lane in range(lanes)]
        joined: dict[int, Value] = {}
        for i in range(0, lanes, 2 * distance):
            if i in known or i + distance in known:
                x, y = known.get(i, zero), known.get(i + distance, zero)
                joined[i] = b.shuffle(x, y, low) + b.shuffle(x, y, high)
        known = joined
        distance *= 2
    return known[0]
