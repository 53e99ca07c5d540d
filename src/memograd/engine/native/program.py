"""A planned graph as a callable in machine code, on one thread."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from memograd.engine.native.blocks import aligned_block
from memograd.engine.native.ir import Module
from memograd.engine.native.jit import Code
from memograd.engine.native.lowering import Form, Lowering
from memograd.engine.native.machine import Machine, machine, usable_cores
from memograd.engine.native.ordered import ordered
from memograd.engine.native.positions import positions_of
from memograd.engine.native.remembered import Remembered
from memograd.engine.native.threads import WORDS
from memograd.errors import CannotLower
from memograd.graph.node import Array, Node
from memograd.graph.tracing import Graph
from memograd.plan.from_graph import Plan


def lanes_for(nodes: Sequence[Node], target: Machine) -> int:
    """How many numbers a vector has in the code of a graph: as many as of its widest floats that are no scalars."""
    widths = [node.dtype.itemsize for node in nodes if node.dtype.kind == "f" and node.size > 1]
    return target.lanes(max(widths, default=4))


class _Lowered:
    """A graph's functions; what they run on is the program's own."""

    def __init__(self, graph: Graph, plan: Plan, target: Machine) -> None:
        module = Module()
        self.lowering = Lowering(
            module, "step", ordered(graph, plan),
            ([Form()] * len(graph.inputs), [Form()] * len(graph.outputs)),
            machine=target, lanes=lanes_for(plan.nodes, target), n_cores=usable_cores(),
        )  # fmt: skip
        self.positions = [(graph.inputs.index(each.source), each) for each in positions_of(plan.nodes)]
        self.code = Code(str(module), target)
        self.step = self.code.function("step", None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)


_programs = Remembered[_Lowered]()


class NativeProgram:
    """Runs a graph as machine code.

    Attributes
    ----------
    source : str
        LLVM's IR.

    Raises
    ------
    CannotLower
        When the graph holds what this engine has no code for.
    EngineUnavailable
        When llvmlite cannot be used on this machine.
    """

    def __init__(
        self, graph: Graph, plan: Plan, *, title: str, check_nan: bool = False, target: Machine | None = None
    ) -> None:
        if check_nan:
            raise CannotLower("the native engine does not look for NaN; use engine='numpy' with check_nan=True")
        target = target or machine()
        key = target, usable_cores(), graph.inputs, graph.outputs
        self._lowered = _programs.get(key, lambda: _Lowered(graph, plan, target))
        self._outputs = graph.outputs
        self._idle: list[tuple[int, _Memory]] = []

    @property
    def source(self) -> str:
        """What was compiled."""
        return self._lowered.code.source

    def __call__(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """The outputs, given the inputs, both in the order of the graph's."""
        arrays = [_in_order(x) for x in inputs]
        for i, positions in self._lowered.positions:
            positions.check(arrays[i])
        results = [np.empty(node.shape, node.dtype) for node in self._outputs]
        process, memory = self._idle.pop() if self._idle else (os.getpid(), _Memory(self._lowered.lowering))
        table = memory.table
        for slot, array in enumerate([*arrays, *results]):
            table[slot] = array.ctypes.data
        self._lowered.step(table.ctypes.data, 0, 1, memory.control.ctypes.data)
        self._idle.append((process, memory))
        return results


def _in_order(x: Any) -> Array:
    """An array without gaps and aligned; what is one already is recognized in a fifth of the time of `require`."""
    if type(x) is np.ndarray and x.flags.c_contiguous and x.flags.aligned:
        return x
    return np.require(x, requirements=["C", "A"])


class _Memory:
    """The table of pointers, and what they lead to, of one call at a time."""

    def __init__(self, lowering: Lowering) -> None:
        self.arena = aligned_block(lowering.arena_bytes)
        self.private = aligned_block(lowering.private_bytes)
        self.control = np.zeros(WORDS, np.int64)
        self.table = np.zeros(len(lowering.slots), np.int64)
        blocks = {"arena": self.arena, "private": self.private}
        for i, slot in enumerate(lowering.slots):
            if slot.kind in blocks:
                self.table[i] = blocks[slot.kind].ctypes.data + slot.offset
