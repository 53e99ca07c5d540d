"""From a plan to the source of a Python module: one assignment for each value, in the order of the schedule.

Views are written where they are first needed, or not at all: NumPy broadcasts operands by itself, and a scalar
constant is a literal. What remains of a plan is visible in the text: `out=` says where a result lies.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from memograd.engine.numpy.lowerings import LOWERINGS
from memograd.engine.numpy.names import Names
from memograd.graph.node import Array, DType, Node, Shape
from memograd.graph.ops import OPS
from memograd.graph.simplify import scalar_of
from memograd.graph.trace import Origin
from memograd.graph.tracing import Graph
from memograd.graph.walk import count_uses
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
    memory: dict[Node, str] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    written: set[Node] = field(default_factory=set)
    body: list[str] = field(default_factory=list)
    uses: dict[Node, int] = field(default_factory=dict)
    line: tuple[str, int, bool] | None = None

    def __post_init__(self) -> None:
        self.names = Names(self.graph.origins)
        self.uses = count_uses(self.plan.nodes, self.graph.outputs)

    def module(self, title: str) -> Module:
        arguments = [self.names.give(*pair) for pair in zip(self.graph.inputs, self.graph.names, strict=True)]
        self.written.update(self.graph.inputs)
        for action in self.plan.schedule.actions:
            if isinstance(action, Compute):
                self._compute(self.plan.nodes[action.step], action)
        results = self._results()
        step = [f"{''.join(f'{name}, ' for name in arguments).rstrip()} = inputs"] if arguments else []
        step += [f"kernels.check_inputs(inputs, {self.graph.names!r})"] if self.check_nan else []
        step += [*self.body, f"return ({''.join(f'{name}, ' for name in results).rstrip()})"]
        setup = [
            f"{name} = kernels.buffer(arena, {offset}, {shape}, {dtype.name!r})"
            for (offset, shape, dtype), name in self.buffers.items()
        ]
        setup += [f"{''.join(f'{name}, ' for name in self.constants).rstrip()} = constants"] if self.constants else []
        lines = [
            f'"""{title}\n\n{self._summary()}\n"""\n',
            "import numpy as np",
            "import scipy.special" if "scipy.special" in "".join(self.body) else None,
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
            "A value is assigned once and used as often as its comment says."
        )

    def _compute(self, node: Node, action: Compute) -> None:
        if self.plan.problem.steps[action.step].view_of is not None:
            return
        place = self._place(node, action)
        operands = self._operands(node, place is not None)
        self._comment(node)
        copied = node.op == "reshape"
        text = (
            f"kernels.copy({operands[0]}, {node.shape}" + (f", out={place})" if place else ")")
            if copied
            else LOWERINGS[node.op](node, operands, f", out={place}" if place else "")
        )
        self._write(node, text)

    def _write(self, node: Node, text: str) -> None:
        name = self.names[node]
        uses = self.uses[node]
        note = f"{self._meaning(node)}used {uses} times" if uses > 1 else self._meaning(node).rstrip(", ")
        statement = f"{name} = {text}"
        self.body.append(f"{statement:<70}  # {note}" if note else statement)
        self.written.add(node)
        if self.check_nan and node.dtype.kind == "f" and OPS[node.op].kind != "view":
            self.body.append(f"kernels.check_nan({name}, {name!r}, {_place_of(self.graph.origins.get(node))!r})")

    def _meaning(self, node: Node) -> str:
        origin = self.graph.origins.get(node)
        if origin is None or origin.adjoint_of is None:
            return ""
        return f"∂L/∂{self.names[origin.adjoint_of]}, "

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
            self.body += ["", f"# {what}{file}:{origin.line}  {origin.source}"]

    def _place(self, node: Node, action: Compute) -> str | None:
        """Where the result is written: a buffer, or an operand's memory; None when NumPy shall allocate it."""
        if action.place_of is not None:
            root = self.plan.nodes[action.place_of]
            if action.offset is None:
                name = self.memory.get(root) or self.names[root]
                self.memory[node] = name
                return name if root.shape == node.shape and root.dtype == node.dtype else None
        if action.offset is None:
            return None
        key = (action.offset, node.shape, node.dtype)
        if key not in self.buffers:
            self.buffers[key] = self.names.fresh(f"b{len(self.buffers)}")
        return self.buffers[key]

    def _operands(self, node: Node, has_out: bool) -> list[str]:
        free = OPS[node.op].kind == "elementwise"
        sources = [self._unspread(x) for x in node.inputs] if free else list(node.inputs)
        if free and not has_out and all(x.shape != node.shape for x in sources):
            # Nothing would tell NumPy the shape of the result.
            sources[0] = node.inputs[0]
        literal = [free and self._literal(x) is not None for x in sources]
        if all(literal):
            # Python scalars alone would not have the dtype.
            literal[0] = False
        return [
            self._literal(x) or "" if spelled else self._reference(x)
            for x, spelled in zip(sources, literal, strict=True)
        ]

    @staticmethod
    def _unspread(node: Node) -> Node:
        return node.inputs[0] if node.op == "broadcast_to" else node

    @staticmethod
    def _literal(node: Node) -> str | None:
        scalar = scalar_of(node) if node.op == "constant" else None
        if scalar is None or node.dtype.kind not in "fi":
            return None
        value = scalar["value"].array.item()
        return repr(value) if np.isfinite(value) else {"inf": "np.inf", "-inf": "-np.inf"}.get(repr(value), "np.nan")

    def _reference(self, node: Node) -> str:
        """The name of a value; views on the way to it are written first."""
        pending = [node]
        while pending:
            current = pending[-1]
            if current in self.written:
                pending.pop()
            elif current.op == "constant":
                self._constant(current)
            elif current.inputs[0] in self.written:
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
        seen: set[Node] = set()
        for node in self.graph.outputs:
            name = self._reference(node)
            if node in seen or OPS[node.op].kind in ("leaf", "view"):
                copied = self.names.fresh(f"result_{name}")
                self.body.append(f"{copied} = np.array({name}, copy=True)")
                name = copied
            seen.add(node)
            results.append(name)
        return results


def _place_of(origin: Origin | None) -> str:
    return "memograd" if origin is None else f"{origin}: `{origin.source}`" if origin.source else str(origin)
