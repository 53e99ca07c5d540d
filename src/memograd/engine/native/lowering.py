"""From a planned graph to the functions of a module: one for each kernel, and the step that calls them in order.

Every function is given a table of pointers: to arguments, to results, and to what lies in between. Which places share
memory, and where threads wait for each other, follows from levels: a kernel that reads what other threads write is one
level above them, and between two levels stands a barrier.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from memograd.engine.native.access import Frame, Indices, Place
from memograd.engine.native.elementwise import memory_type
from memograd.engine.native.fusion import Fusion, Kernel, long_axes
from memograd.engine.native.ir import Builder, Module, Value
from memograd.engine.native.ir_types import I64, PTR, VOID, Type
from memograd.engine.native.kernels import shares
from memograd.engine.native.kernels.emission import Emission
from memograd.engine.native.kernels.gather import Gathered, gather
from memograd.engine.native.kernels.table import emit
from memograd.engine.native.kernels.tiles import is_blocked
from memograd.engine.native.layouts import Layout, best_in_panels, bytes_of, place_of
from memograd.engine.native.machine import Machine
from memograd.engine.native.nests import Cuts, Share
from memograd.engine.native.ordered import Ordered
from memograd.engine.native.parts import in_parts
from memograd.engine.native.threads import barrier
from memograd.engine.native.views import VIEWS
from memograd.errors import CannotLower
from memograd.graph.node import Node
from memograd.plan.arena import Arena


@dataclass(frozen=True, slots=True)
class Slot:
    """What a pointer of the table leads to.

    Attributes
    ----------
    kind : {"input", "output", "arena", "private"}
        Given by the caller; or a place in the arena that all threads share, or in one of each thread's own.
    size_bytes : int
    offset : int
        In the arena.
    """

    kind: str
    size_bytes: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Form:
    """How an argument or a result lies in memory.

    Attributes
    ----------
    layout : Layout
    is_private : bool
        Each thread has its own.
    state : int or None
        Of a result: the argument whose memory it takes.
    is_gathered : bool
        Of an argument: its rows are copied, at the beginning of the step, from those of a larger array.
    """

    layout: Layout = Layout.COMPACT
    is_private: bool = False
    state: int | None = None
    is_gathered: bool = False


@dataclass(slots=True)
class _Emitted:
    """A kernel's function, and what is known of it."""

    kernel: Kernel
    name: str
    share: Share
    # What it reads, and along which axes (rows, chunks) only in the part that its thread computes.
    reads: dict[Node, frozenset[str]] = field(default_factory=dict)
    # What it reads at other elements than the one that it computes.
    elsewhere: set[Node] = field(default_factory=set)
    level: int = 0


class Lowering:
    """A graph in functions of a module.

    Parameters
    ----------
    module : Module
    name : str
        Of the step's function: ``name(table, thread, n_threads, control)``.
    graph : Ordered
    forms : pair of sequences of Form
        Of the inputs and the outputs.
    machine : Machine
    lanes : int
    n_cores : int
        For which the rows are cut; any number of threads may run them.

    Attributes
    ----------
    slots : list of Slot
        What the table holds; first the inputs, then the outputs, then the arrays that rows are gathered from, and
        last, if there are any, the numbers of the rows (int32).
    lanes : int
        Of a vector.
    arena_bytes, private_bytes : int
        Of the arena, and of each thread's own.

    Raises
    ------
    CannotLower
        With the op and the reason.
    """

    def __init__(
        self,
        module: Module,
        name: str,
        graph: Ordered,
        forms: tuple[Sequence[Form], Sequence[Form]],
        *,
        machine: Machine,
        lanes: int,
        n_cores: int,
    ) -> None:
        self._module = module
        self.lanes = lanes
        self._forms = forms
        rows = {node for node, form in zip(graph.inputs, forms[0], strict=True) if form.is_gathered}
        graph, n_parts = in_parts(graph, rows)
        self._nodes, inputs, outputs = graph.nodes, graph.inputs, graph.outputs
        self._inputs, self._outputs = inputs, outputs
        self._cuts = Cuts(lanes, machine.tile_rows, n_cores, next(iter(rows)).shape[0] if n_parts else 0, n_parts)
        overwritten = {
            node: inputs[form.state] for node, form in zip(outputs, forms[1], strict=True) if form.state is not None
        }
        self._fusion = Fusion(self._nodes, outputs, overwritten)
        self.slots: list[Slot] = []
        self._places: dict[Node, Place] = {}
        self._targets: dict[Node, list[Place]] = {}
        self._sums: dict[Node, Place] = {}
        self._by_columns = set() if n_parts else shares.cut_by_columns(self._fusion, self._cuts)
        self._place_arguments()
        self._place_results()
        self._gathered = [i for i, form in enumerate(forms[0]) if form.is_gathered]
        self._sources = [self._slot("source", 0) for _ in self._gathered]
        self._numbers = self._slot("source", 0) if self._gathered else 0
        self._place_temporaries()
        self._emitted: list[_Emitted] = []
        for number, kernel in enumerate(self._fusion.kernels):
            self._emitted.append(self._emit(number, kernel))
        self._set_levels()
        self._share_memory()
        self.name = name
        module.define(name, VOID, [PTR, I64, I64, PTR], self._step, exported=True)

    # Places

    def _slot(self, kind: str, size_bytes: int) -> int:
        self.slots.append(Slot(kind, size_bytes))
        return len(self.slots) - 1

    def _place_arguments(self) -> None:
        for node, form in zip(self._inputs, self._forms[0], strict=True):
            size = bytes_of(node, self.lanes, form.layout)
            slot = self._slot("arena" if form.is_gathered else "input", size)
            self._places[node] = place_of(slot, node, self.lanes, form.layout)

    def _place_results(self) -> None:
        for node, form in zip(self._outputs, self._forms[1], strict=True):
            if form.state is not None:
                state = self._inputs[form.state]
                place = self._places[state]
                self.slots.append(self.slots[place.slot])
            else:
                slot = self._slot("output", bytes_of(node, self.lanes, form.layout))
                place = place_of(slot, node, self.lanes, form.layout)
            self._targets.setdefault(node, []).append(place)
            self._places.setdefault(node, place)

    def _place_temporaries(self) -> None:
        in_panels = best_in_panels(self._nodes)
        for kernel in self._fusion.kernels:
            for node in kernel.stored:
                if node in self._targets:
                    continue
                is_private = not long_axes(node.shape) or shares.is_repeated(kernel)
                # Blocks of random bits may go over the end of a row, if they are not drawn row by row.
                layout = Layout.ROWS
                if node in in_panels:
                    layout = Layout.PANELS
                elif node.op == "random_bits" and not shares.is_drawn_in_rows(node):
                    layout = Layout.COMPACT
                size = bytes_of(node, self.lanes, Layout.ROWS if layout is Layout.COMPACT else layout)
                place = place_of(self._slot("private" if is_private else "arena", size), node, self.lanes, layout)
                self._places.setdefault(node, place)
                self._targets[node] = [place]
            if kernel.node is not None and is_blocked(kernel.node, self._cuts.n_cores):
                slot = self._slot("arena", bytes_of(kernel.node, self.lanes, Layout.ROWS))
                self._sums[kernel.node] = place_of(slot, kernel.node, self.lanes, Layout.ROWS)

    # Kernels

    def _emit(self, number: int, kernel: Kernel) -> _Emitted:
        readable = {node: place for node, place in self._places.items() if self._is_before(node, number)}
        operands = self._fusion.sources(kernel.results, number)
        cut_lengths = {
            e.share.length for e in self._emitted if e.share.kind == "rows" and not operands.isdisjoint(e.kernel.stored)
        }
        share = shares.share_of(kernel, self._cuts, cut_lengths, by_columns=number in self._by_columns)
        reads: dict[Node, frozenset[str]] = {}
        sums = None if kernel.node is None else self._sums.get(kernel.node)

        elsewhere: set[Node] = set()
        frame: Frame

        def on_read(node: Node, index: Indices) -> None:
            own = _own_axes(node, index, share)
            reads[node] = reads.get(node, own) & own
            if frame.here != tuple(i.key for n, i in zip(node.shape, index, strict=True) if n != 1):
                elsewhere.add(node)

        def body(b: Builder, table: Value, first: Value, last: Value) -> None:
            nonlocal frame
            frame = Frame(b, table, readable, self.lanes, on_read, VIEWS)
            emit(Emission(frame, kernel, share, first, last, self._targets, self._cuts, sums))

        name = self._module.define(
            f"{kernel.node.op if kernel.node else 'elementwise'}.k{self._module.n_functions}",
            VOID, [PTR, I64, I64], body,
        )  # fmt: skip
        return _Emitted(kernel, name, share, reads, elsewhere)

    def _is_before(self, node: Node, number: int) -> bool:
        home = self._fusion.home_of(node)
        return node.op == "input" or (home is not None and home < number)

    # Order

    def _set_levels(self) -> None:
        overwritten: dict[int, list[int]] = {}
        for node, form in zip(self._outputs, self._forms[1], strict=True):
            if form.state is not None and node is not self._inputs[form.state]:
                overwritten.setdefault(self._home(node), []).append(form.state)
        for number, e in enumerate(self._emitted):
            for node in e.reads:
                home = self._fusion.home_of(node)
                if node.op != "input" and home is not None:
                    below = self._emitted[home]
                    apart = below.share.kind != "all" and not _is_own(e, node, below.share)
                    e.level = max(e.level, below.level + apart)
            for state in overwritten.get(number, ()):
                self._overwrite(number, self._inputs[state], is_private=self._forms[0][state].is_private)

    def _overwrite(self, number: int, state: Node, *, is_private: bool) -> None:
        """See that a kernel overwrites an argument when all have read it."""
        e = self._emitted[number]
        for reader in self._emitted[:number]:
            if state in reader.reads:
                apart = not is_private and not _is_own(reader, state, e.share)
                e.level = max(e.level, reader.level + apart)
        if any(state in reader.reads for reader in self._emitted[number + 1 :]) or state in e.elsewhere:
            raise CannotLower(f"{state!r} is read after its place has been taken")

    def _is_gathered_by_all(self, node: Node) -> bool:
        """Whether each thread copies all rows of an argument: one reads others than its own before the first wait."""
        share = self._cuts.rows(node.shape[0])
        return any(e.level == 0 and node in e.reads and not _is_own(e, node, share) for e in self._emitted)

    def _home(self, node: Node) -> int:
        home = self._fusion.home_of(node)
        assert home is not None
        return home

    def _share_memory(self) -> None:
        """Give temporaries places, so that those of different levels may lie in the same one."""
        last_read: dict[Node, int] = {}
        for e in self._emitted:
            for node in e.reads:
                last_read[node] = max(last_read.get(node, 0), e.level)
        arena, private = Arena(), Arena()
        for i in self._gathered:
            slot = self._places[self._inputs[i]].slot
            size = self.slots[slot].size_bytes
            is_private = self._is_gathered_by_all(self._inputs[i])
            memory = private if is_private else arena
            self.slots[slot] = Slot("private" if is_private else "arena", size, memory.take(size))
        ends: dict[int, list[tuple[int, int]]] = {}
        for level in range(max((e.level for e in self._emitted), default=0) + 1):
            for start, size in ends.pop(level - 1, []):
                arena.release(start, size)
            for e in self._emitted:
                if e.level == level and e.kernel.node in self._sums:
                    slot = self._sums[e.kernel.node].slot
                    size = self.slots[slot].size_bytes
                    start = arena.take(size)
                    ends.setdefault(level, []).append((start, size))
                    self.slots[slot] = Slot("arena", size, start)
                for node in e.kernel.stored if e.level == level else ():
                    slot = self._targets[node][0].slot
                    found = self.slots[slot]
                    if found.kind == "arena":
                        start = arena.take(found.size_bytes)
                        ends.setdefault(max(last_read.get(node, level), level), []).append((start, found.size_bytes))
                    elif found.kind == "private":
                        start = private.take(found.size_bytes)
                    else:
                        continue
                    self.slots[slot] = Slot(found.kind, found.size_bytes, start)
        self.arena_bytes, self.private_bytes = arena.size_bytes, private.size_bytes

    def _step(self, b: Builder, table: Value, thread: Value, n_threads: Value, control: Value) -> None:
        if self._gathered:
            rows = [
                Gathered(x, source, self._places[x], by_all=self.slots[self._places[x].slot].kind == "private")
                for x, source in zip((self._inputs[i] for i in self._gathered), self._sources, strict=True)
            ]
            share = self._cuts.rows(rows[0].node.shape[0])
            gather(b, table, rows, self._numbers, share, (thread, n_threads), self.lanes)
        level = 0
        claims = self._claims() if self._cuts.n_parts else {}
        for e in sorted(self._emitted, key=lambda e: e.level):
            if e.level != level:
                level = e.level
                if level in claims:
                    b.branch(n_threads > 1, partial(self._claim, b, table, (thread, n_threads), claims[level]))
                barrier(b, control, n_threads)
            first, last = b.constant(0, I64), b.constant(1, I64)
            condition: Any = True
            if e.share.kind == "first":
                condition = b.compare("==", thread, 0)
            elif e.share.kind != "all":
                first, last = e.share.first_of(thread, n_threads), e.share.first_of(thread + 1, n_threads)
                condition = first < last
            b.branch(condition, partial(b.invoke, e.name, VOID, table, first, last))

    def _claims(self) -> dict[int, list[tuple[Node, Place, Share]]]:
        """By level: the states that kernels of it overwrite, and that other threads than the writer's read before."""
        readers: dict[Node, list[_Emitted]] = {}
        for e in self._emitted:
            for node in e.reads:
                readers.setdefault(node, []).append(e)
        found: dict[int, list[tuple[Node, Place, Share]]] = {}
        for node, form in zip(self._outputs, self._forms[1], strict=True):
            if form.state is None or form.layout is not Layout.PANELS:
                continue
            e, state = self._emitted[self._home(node)], self._inputs[form.state]
            before = [r for r in readers.get(state, ()) if r.level < e.level]
            if e.share.kind == "rows" and any(not _is_own(r, state, e.share) for r in before):
                found.setdefault(e.level, []).append((node, self._places[state], e.share))
        return found

    def _claim(
        self, b: Builder, table: Value, threads: tuple[Value, Value], claims: Iterable[tuple[Node, Place, Share]]
    ) -> None:
        """Ask for what this thread overwrites next and others have just read: a store would wait for each line.

        All that a thread writes in small networks fits into its caches, so none of it is asked for in vain.
        """
        for node, place, share in claims:
            first, last = share.rows_of(b, *threads)
            pointer, kind = b.load(b.offset(table, place.slot, PTR), PTR), memory_type(node.dtype)
            for column in range(0, node.shape[1], place.panel):
                start = b.offset(pointer, column * place.strides[1], kind)
                b.loop(first, last, partial(_ask_for_row, b, start, place.strides[0], kind))

    @property
    def kernels(self) -> list[Kernel]:
        """What is computed in one loop each."""
        return self._fusion.kernels

    @property
    def n_levels(self) -> int:
        """Between which threads wait for each other."""
        return 1 + max((e.level for e in self._emitted), default=0)


def _ask_for_row(b: Builder, start: Value, stride: int, kind: Type, row: Any) -> None:
    b.prefetch(b.offset(start, row * stride, kind), write=True)


def _own_axes(node: Node, index: Indices, share: Share) -> frozenset[str]:
    """Along which axes a value is read where its own thread is: the first one (rows), or the last one (chunks)."""
    long = [(n, i) for n, i in zip(node.shape, index, strict=True) if n != 1]
    ends = {"rows": long[:1], "chunks": long[-1:]}
    return frozenset(
        kind for kind, end in ends.items() if end and end[0][1].is_own and end[0][0] == max(share.length, 1)
    )


def _is_own(e: _Emitted, node: Node, written: Share) -> bool:
    """Whether a kernel reads of a node only what its own thread has written, or will write."""
    axis = "chunks" if written.kind == "chunks" else "rows"
    return e.share == written and axis in e.reads[node]
