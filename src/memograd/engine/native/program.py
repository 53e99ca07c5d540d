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
from memograd.engine.native.threads import WORDS
from memograd.errors import CannotLower
from memograd.graph.node import Array, Node
from memograd.graph.tracing import Graph
from memograd.plan.from_graph import Plan


def lanes_for(nodes: Sequence[Node], target: Machine) -> int:
    """How many numbers a vector has in the code of a graph: as many as of its widest floats that are no scalars."""
    widths = [node.dtype.itemsize for node in nodes if node.dtype.kind == "f" and node.size > 1]
    return target.lanes(max(widths, default=4))


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
        module = Module()
        self._lowering = Lowering(
            module, "step", plan, graph.inputs, graph.outputs,
            ([Form()] * len(graph.inputs), [Form()] * len(graph.outputs)),
            machine=target, lanes=lanes_for(plan.nodes, target), n_cores=usable_cores(),
        )  # fmt: skip
        self._positions = positions_to_check(plan.nodes, graph.inputs)
        self._code = Code(str(module), target)
        self._step = self._code.function("step", None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
        self._outputs = graph.outputs
        self._n_inputs = len(graph.inputs)
        self._idle: list[tuple[int, _Memory]] = []

    @property
    def source(self) -> str:
        """What was compiled."""
        return self._code.source

    def __call__(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """The outputs, given the inputs, both in the order of the graph's."""
        arrays = [np.require(x, requirements=["C", "A"]) for x in inputs]
        for i, node in self._positions:
            check_positions(arrays[i], node)
        results = [np.empty(node.shape, node.dtype) for node in self._outputs]
        process, memory = self._idle.pop() if self._idle else (os.getpid(), _Memory(self._lowering))
        table = memory.table
        for slot, array in enumerate([*arrays, *results]):
            table[slot] = array.ctypes.data
        self._step(table.ctypes.data, 0, 1, memory.control.ctypes.data)
        self._idle.append((process, memory))
        return results


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


_KEEP_POSITIONS = ("reshape", "transpose", "broadcast_to", "slice", "cast")


def positions_to_check(nodes: Sequence[Node], inputs: Sequence[Node]) -> list[tuple[int, Node]]:
    """The arguments that are used as positions, and what takes from them: machine code cannot raise.

    Raises
    ------
    CannotLower
        When positions are computed, or constants that lie outside.
    """
    place = {node: i for i, node in enumerate(inputs)}
    found = []
    for node in nodes:
        if node.op not in ("take", "scatter_add"):
            continue
        positions = node.inputs[1]
        while (
            positions.op in ("reshape", "transpose", "broadcast_to", "slice", "cast") and positions.dtype.kind in "iu"
        ):
            positions = positions.inputs[0]
        if positions.op == "constant":
            try:
                check_positions(positions["value"].array, node)
            except IndexError as error:
                raise CannotLower(str(error)) from error
        elif positions.op == "input":
            found.append((place[positions], node))
        else:
            raise CannotLower(f"{node!r}: its positions are computed, so they cannot be checked before the code runs")
    return found


def check_positions(positions: Array, node: Node) -> None:
    """Raise IndexError unless all positions lie inside, as NumPy does."""
    length = node["length"] if node.op == "scatter_add" else node.inputs[0].shape[node["axis"]]
    if positions.size and not (-length <= int(positions.min()) and int(positions.max()) < length):
        raise IndexError(f"index {int(positions.max())} is out of bounds for axis {node['axis']} with size {length}")
