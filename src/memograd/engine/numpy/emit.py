"""From a plan to the source of a Python module: one assignment for each value, in the order of the schedule.

Views are written where they are first needed, or not at all: NumPy broadcasts operands by itself, and a scalar
constant is a literal. What remains of a plan is visible in the text: `out=` says where a result lies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from memograd.engine.numpy.lowerings import LOWERINGS
from memograd.engine.numpy.names import Names
from memograd.graph.node import Array, DType, Node, Shape
from memograd.graph.ops import OPS
from memograd.graph.trace import Origin
from memograd.graph.tracing import Graph
from memograd.plan.from_graph import Plan
from memograd.plan.problem import Compute


@dataclass(frozen=True, slots=True)
class Module:
    """An emitted module.

    Attributes
    ----------
    source : str
        Defines ``bind(arena, constants)``, which returns ``run(inputs)``.
    constants : tuple of ndarray
        What the source does not spell out.
    """

    source: str
    constants: tuple[Array, ...]


def emit(graph: Graph, plan: Plan, *, title: str, check_nan: bool = False) -> Module:
    """The module of a planned graph.

    Parameters
    ----------
    title : str
        What is computed; the first line of the module.
    check_nan : bool
        Check every floating result, and name the line of the user's code behind the first NaN.
    """
    return _Emitter(graph, plan, check_nan).module(title)


@dataclass(slots=True)
class _Emitter:
    graph: Graph
    plan: Plan
    check_nan: bool
    names: Names = field(init=False)
    buffers: dict[tuple[int, Shape, DType], str] = field(default_factory=dict)
    # The argument in whose memory a result lies.
    memory: dict[Node, Node] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    written: set[Node] = field(default_factory=set)
    # Each statement with the node that it assigns: how often that is read is known only at the end.
    body: list[tuple[str, Node | None]] = field(default_factory=list)
    reads: Counter[Node] = field(default_factory=Counter)
    line: tuple[str, int, bool] | None = None

    def __post_init__(self) -> None:
        self.names = Names(self.graph.origins)

    def module(self, title: str) -> Module:
        arguments = [self.names.give(*pair) for pair in zip(self.graph.inputs, self.graph.names, strict=True)]
        self.written.update(self.graph.inputs)
        for action in self.plan.schedule.actions:
            if isinstance(action, Compute):
                self._compute(self.plan.nodes[action.step], action)
        results = self._results()
        unpacked = (("buffers", self.buffers.values()), ("constants", self.constants), ("inputs", arguments))
        step = [f"{_tuple(names)} = {whole}" for whole, names in unpacked if names]
        step += [f"kernels.check_inputs(inputs, {self.graph.names!r})"] if self.check_nan else []
        step += [statement + self._note(node, len(statement)) for statement, node in self.body]
        step += [f"return {_tuple(results)}"]
        # One tuple, not a closure over each buffer: of 100,000 closures Python takes minutes to compile.
        setup = ["buffers = ("] if self.buffers else []
        setup += [
            f"    kernels.buffer(arena, {offset}, {shape}, {dtype.name!r}),  # {name}"
            for (offset, shape, dtype), name in self.buffers.items()
        ]
        setup += [")"] if self.buffers else []
        scipy = any("scipy.special" in statement for statement, node in self.body if node is not None)
        lines = [
            f'"""{title}\n\n{self._summary()}\n"""\n',
            "import numpy as np",
            "import scipy.special" if scipy else None,
            "\nfrom memograd.engine.numpy import kernels\n\n",
            "def bind(arena, constants):",
            *(f"    {text}" for text in setup),
            "" if setup else None,
            "    def run(inputs):",
            *(f"        {text}" if text else "" for text in step),
            "\n    return run\n",
        ]
        source = "\n".join(line for line in lines if line is not None)
        return Module(source, tuple(self.constants.values()))

    def _summary(self) -> str:
        counts = self.plan.schedule
        return (
            f"{counts.cost:,} scalar operations; temporaries in {counts.arena_bytes:,} bytes, given once.\n"
            "A value is assigned once and used as often as its comment says.\n\n"
            f"    run = bind(np.empty({counts.arena_bytes}, np.uint8), constants)\n"
            "    results = run(inputs)"
        )

    def _compute(self, node: Node, action: Compute) -> None:
        if self.plan.problem.steps[action.step].view_of is not None:
            return
        self._comment(node)
        place = self._place(node, action)
        operands = self._operands(node, place is not None)
        copied = node.op == "reshape"
        text = (
            f"kernels.copy({operands[0]}, {node.shape}" + (f", out={place})" if place else ")")
            if copied
            else LOWERINGS[node.op](node, operands, f", out={place}" if place else "")
        )
        self._write(node, text)

    def _write(self, node: Node, text: str) -> None:
        name = self.names[node]
        self.body.append((f"{name} = {text}", node))
        self.written.add(node)
        if self.check_nan and node.dtype.kind == "f" and OPS[node.op].kind != "view":
            place = _place_of(self.graph.origins.get(node))
            self.body.append((f"kernels.check_nan({name}, {name!r}, {place!r})", None))

    def _note(self, node: Node | None, width: int) -> str:
        """What a value is, and how often it is used: a comment at the end of the statement that assigns it."""
        if node is None:
            return ""
        origin = self.graph.origins.get(node)
        primal = origin.adjoint_of if origin is not None else None
        # A primal that this program need not compute has no name to be called by.
        meaning = [f"∂L/∂{self.names[primal]}"] if primal in self.written else []
        uses = [f"used {self.reads[node]} times"] if self.reads[node] > 1 else []
        note = ", ".join(meaning + uses)
        return f"{'':<{max(70 - width, 0)}}  # {note}" if note else ""

    def _comment(self, node: Node) -> None:
        """A heading where the computation moves on to another line of the user's code."""
        origin = self.graph.origins.get(node)
        if origin is None:
            return
        line = (origin.filename, origin.line, origin.derivative)
        if line != self.line and origin.source:
            self.line = line
            file = origin.filename.replace("\\", "/").rsplit("/", 1)[-1]
            what = "derivative of " if origin.derivative else ""
            self.body += [("", None), (f"# {what}{file}:{origin.line}  {origin.source}", None)]

    def _place(self, node: Node, action: Compute) -> str | None:
        """Where the result is written: a buffer, or an argument's memory; None when NumPy shall allocate it."""
        if action.offset is None:
            return None if action.place_of is None else self._overwritten(node, self.plan.nodes[action.place_of])
        key = (action.offset, node.shape, node.dtype)
        if key not in self.buffers:
            self.buffers[key] = self.names.fresh(f"b{len(self.buffers)}")
        return self.buffers[key]

    def _overwritten(self, node: Node, root: Node) -> str:
        """The memory of an argument that was given away, or of what was written there."""
        owner = self.memory[node] = self.memory.get(root, root)
        name = self.names[owner]
        if (owner.shape, owner.dtype) == (node.shape, node.dtype):
            return name
        return f"kernels.buffer(kernels.memory({name}), 0, {node.shape}, {node.dtype.name!r})"

    def _operands(self, node: Node, has_out: bool) -> list[str]:
        free = OPS[node.op].kind == "elementwise"
        sources = [self._unspread(x) for x in node.inputs] if free else list(node.inputs)
        literal = [free and self._literal(x) is not None for x in sources]
        if all(literal[1:] if node.op == "where" else literal):
            # Python scalars alone would not have the dtype.
            literal[-1] = False
        if free and not has_out and all(x.shape != node.shape for x, n in zip(sources, literal, strict=True) if not n):
            # Nothing would tell NumPy the shape of the result.
            sources[0], literal[0] = node.inputs[0], False
        return [
            self._literal(x) or "" if spelled else self._reference(x)
            for x, spelled in zip(sources, literal, strict=True)
        ]

    @staticmethod
    def _unspread(node: Node) -> Node:
        return node.inputs[0] if node.op == "broadcast_to" else node

    @staticmethod
    def _literal(node: Node) -> str | None:
        if node.op != "constant" or node.size != 1 or node.dtype.kind not in "fi":
            return None
        array = node["value"].array
        text = {"inf": "np.inf", "-inf": "-np.inf", "nan": "np.nan"}.get(repr(array.item()), repr(array.item()))
        # A NaN with a sign or a payload has no spelling.
        spelled = text != "np.nan" or array.tobytes() == np.asarray(np.nan, node.dtype).tobytes()
        return text if spelled else None

    def _reference(self, node: Node) -> str:
        """The name of a value, which is read once more; views on the way to it are written first."""
        self.reads[node] += 1
        pending = [node]
        while pending:
            current = pending[-1]
            if current in self.written:
                pending.pop()
            elif current.op == "constant":
                self._constant(current)
            elif current.inputs[0] in self.written:
                self.reads[current.inputs[0]] += 1
                self._write(current, LOWERINGS[current.op](current, [self.names[current.inputs[0]]], ""))
            else:
                pending.append(current.inputs[0])
        return self.names[node]

    def _constant(self, node: Node) -> None:
        name = self.names.give(node, f"c{len(self.constants)}")
        self.constants[name] = node["value"].array
        self.written.add(node)

    def _results(self) -> list[str]:
        """Names of what is returned; whatever shares memory with something else is copied."""
        results: list[str] = []
        steps = zip(self.plan.nodes, self.plan.problem.steps, strict=True)
        shared = {node for node, step in steps if step.source or step.view_of is not None}
        for node in self.graph.outputs:
            name = self._reference(node)
            if node in shared:
                copied = self.names.fresh(f"result_{name}")
                self.body.append((f"{copied} = np.array({name}, copy=True)", None))
                name = copied
            shared.add(node)
            results.append(name)
        return results


def _tuple(names: Collection[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


def _place_of(origin: Origin | None) -> str:
    return "memograd" if origin is None else f"{origin}: `{origin.source}`" if origin.source else str(origin)
