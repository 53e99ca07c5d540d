"""The derivative graph of any function of scalars: traced, with its local derivatives from the table of rules.

It makes the graph that the sums over paths are asked of, and the exact gradient by the library's own reverse mode.
Knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from memograd.errors import DtypeError, ShapeError
from memograd.gradient.paths.exact import evaluate_exactly, line_of
from memograd.gradient.paths.local import Edge, LocalDerivatives
from memograd.gradient.paths.names import factor_name, subscript
from memograd.gradient.paths.semirings import Real
from memograd.gradient.reverse import derivative_of, differentiable, reverse
from memograd.gradient.rules import RULES
from memograd.graph.evaluate import evaluate
from memograd.graph.node import Node, describe
from memograd.graph.ops import make_constant
from memograd.graph.trace import Origin, Trace
from memograd.graph.traced import TracedArray
from memograd.graph.tracing import Arguments, Graph, take_apart, trace
from memograd.graph.tree import flatten, map_leaves, unflatten
from memograd.graph.walk import topological


def derivative_graph(f: Callable[..., Any], *scalars: Any) -> LocalDerivatives[str]:
    """Trace a function of scalars to the graph of its local derivatives, with numbers on the edges.

    Parameters
    ----------
    f : callable
        Plain Python or NumPy code that returns one number; traced, as for `grad`.
    *scalars : floats, Fractions, or nested lists, tuples and dicts of them
        Where the derivatives are taken. With a Fraction among them all is exact: floats, and the numbers in the
        code of `f`, count as the fractions that they are as float64 (a Fraction there cannot be traced: make it
        an argument). An int among the arguments is part of the code, and no vertex.

    Returns
    -------
    LocalDerivatives
        The result of `f` is the first vertex of its `order`. Vertices are the arguments, as one would write them
        (`x`, `weights[0][1]`), and whatever depends on them, by op and number in order of evaluation
        (`multiply₃`). An op that reads the same vertex twice, as x·x does, has two edges to it. What does not
        depend on the arguments, or in steps only, has no vertex.

    Raises
    ------
    ShapeError
        When something is no scalar; the message names the op and the line.
    DtypeError
        When no argument is a float or a Fraction, or the result is no floating number.
    NotRational
        When fractions were given and something does not come out as one; the message names the op and the line.
    TraceError
        When `f` does what tracing cannot follow, such as to branch on values.

    Notes
    -----
    Interning has made equal expressions one vertex: (x + y)·(x + y) has two edges from the product to one sum.
    Linear in the operations of `f`; nothing recurses.

    Examples
    --------
    >>> from memograd.gradient.paths.sums import count_paths, path_sum, written_terms
    >>> def f(x, y):
    ...     return (x + y) * (x * y)
    >>> graph = derivative_graph(f, Fraction(1, 3), Fraction(2))
    >>> graph.order
    ('multiply₃', 'add₁', 'multiply₂', 'x', 'y')
    >>> count_paths(graph, source="x", target="multiply₃")
    2
    >>> written_terms(graph, source="x", target="multiply₃", limit=10)
    [['∂multiply₃/∂add₁', '∂add₁/∂x'], ['∂multiply₃/∂multiply₂', '∂multiply₂/∂x']]
    >>> path_sum(graph, source="x", target="multiply₃")
    Fraction(16, 3)
    """
    call = _Call.of("derivative_graph", f, scalars)
    inputs = call.graph.inputs
    order = topological(call.graph.outputs)
    active, _ = differentiable(order, inputs)
    names = dict(zip(inputs, call.graph.names, strict=True))
    computed = (node for node in order if node not in names and (node in active or node is call.output))
    names |= {node: f"{node.op}{subscript(number)}" for number, node in enumerate(computed, start=1)}
    partials, origins = _partials([node for node in order if node in active], active, call.graph.origins)
    weights = call.evaluated([partial.derivative for partial in partials], origins)
    # The result first, so that it is the first of the order even where an argument goes unused.
    edges: dict[str, tuple[Edge[str], ...]] = {names[node]: () for node in (call.output, *inputs)}
    for partial, weight in zip(partials, weights, strict=True):
        of, by = names[partial.node], names[partial.node.inputs[partial.operand]]
        edges[of] = (*edges.get(of, ()), Edge(by, factor_name(of, by) + partial.which, weight))
    return LocalDerivatives(edges)


def exact_gradient(f: Callable[..., Any], *scalars: Any) -> tuple[Any, ...]:
    """The gradient of a function of scalars by reverse mode, evaluated in the numbers that are given.

    The graph of adjoints is the one that `grad` evaluates; only the numbers are others.

    Parameters
    ----------
    f, *scalars
        As for `derivative_graph`.

    Returns
    -------
    tuple
        For each argument what it was made of, with the derivatives in place of its numbers and None in place of
        ints. Fractions if one was given, else floats. Zero where the result does not depend on an argument.

    Raises
    ------
    ShapeError, DtypeError, NotRational, TraceError
        As `derivative_graph`.

    Examples
    --------
    >>> exact_gradient(lambda x, y: (x + y) * (x * y), Fraction(1, 3), Fraction(2))
    (Fraction(16, 3), Fraction(13, 9))
    >>> exact_gradient(lambda p: p["a"] / p["b"], {"a": 1.0, "b": 2.0})
    ({'a': 0.5, 'b': -0.25},)
    """
    call = _Call.of("exact_gradient", f, scalars)
    inputs, origins = call.graph.inputs, call.graph.origins
    derived = reverse([call.output], [make_constant(np.ones((), call.output.dtype))], inputs, origins)
    reached = [node for node in inputs if node in derived.table]
    adjoints = call.evaluated([derived.table[node] for node in reached], {**derived.origins, **origins})
    found = dict(zip(reached, adjoints, strict=True))
    zero = Fraction(0) if call.is_exact else 0.0
    return call.like_arguments([found.get(node, zero) for node in inputs])


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a function of scalars, traced."""

    arguments: Arguments
    graph: Graph
    values: Mapping[Node, Any]

    @classmethod
    def of(cls, asker: str, f: Callable[..., Any], scalars: tuple[Any, ...]) -> _Call:
        # NumPy has no dtype for fractions; their stand-ins are those of Python floats, whatever the value.
        floats = map_leaves(lambda leaf: 0.0 if isinstance(leaf, Fraction) else leaf, scalars)
        arguments = take_apart(f, floats, {})
        graph, _ = trace(f, arguments)
        leaves, _ = flatten(scalars)
        values = dict(zip(graph.inputs, (leaves[i] for i in arguments.dynamic), strict=True))
        _check_scalars(asker, f, graph)
        return cls(arguments, graph, values)

    @property
    def output(self) -> Node:
        """The result."""
        return self.graph.outputs[0]

    @property
    def is_exact(self) -> bool:
        """Whether fractions were given."""
        return any(isinstance(value, Fraction) for value in self.values.values())

    def evaluated(self, nodes: Sequence[Node], origins: Mapping[Node, Origin]) -> list[Real]:
        """The values of nodes of a floating dtype, in the numbers that were given."""
        # With the result, which nobody asked for: that of log is no fraction, though its derivative is one.
        wanted = [self.output, *nodes]
        if self.is_exact:
            return evaluate_exactly(wanted, self.values, origins)[1:]
        return [float(value) for value in evaluate(wanted, self.values)[1:]]

    def like_arguments(self, leaves: Sequence[Real]) -> tuple[Any, ...]:
        """The arguments with these in place of the traced leaves, and None in place of the others."""
        filled: list[Any] = [None] * len(self.arguments.leaves)
        for i, leaf in zip(self.arguments.dynamic, leaves, strict=True):
            filled[i] = leaf
        args: tuple[Any, ...] = unflatten(self.arguments.structure, filled)[0]
        return args


@dataclass(frozen=True, slots=True)
class _Partial:
    """A local derivative: that of a node by one of its operands, as a node."""

    node: Node
    operand: int
    derivative: Node

    @property
    def which(self) -> str:
        """What tells it from the derivatives of the same node by the same source."""
        source = self.node.inputs[self.operand]
        return f" (operand {self.operand + 1})" if self.node.inputs.count(source) > 1 else ""


def _partials(
    order: Sequence[Node], active: set[Node], origins: Mapping[Node, Origin]
) -> tuple[list[_Partial], Mapping[Node, Origin]]:
    """The local derivatives of some nodes by their active operands: what the rules make of an adjoint of 1."""
    with Trace() as running:

        def of(node: Node) -> Iterator[_Partial]:
            running.origin = derivative_of(origins.get(node))
            one = TracedArray(make_constant(np.ones((), node.dtype)), running)
            y, x = TracedArray(node, running), [TracedArray(source, running) for source in node.inputs]
            for i, source in enumerate(node.inputs):
                derivative = RULES[node.op].pull(i, one, y, x) if source in active else None
                if derivative is not None:
                    yield _Partial(node, i, derivative.node)

        found = [partial for node in order for partial in of(node)]
    return found, {**running.origins, **origins}


def _check_scalars(asker: str, f: Callable[..., Any], graph: Graph) -> None:
    name = getattr(f, "__name__", repr(f))
    for node, argument in zip(graph.inputs, graph.names, strict=True):
        if node.shape:
            raise ShapeError(f"{asker} is for scalars, and {argument} is {describe(node)}; pass its .tolist()")
    if not any(node.dtype.kind == "f" for node in graph.inputs):
        raise DtypeError(f"{asker}: no argument of {name} is a float or a Fraction; pass 2.0 or Fraction(2), not 2")
    if len(graph.outputs) != 1:
        raise ShapeError(f"{asker} needs one result, and {name} returned {len(graph.outputs)}; return their sum")
    for node in topological(graph.outputs):
        if node.shape:
            error = ShapeError(
                f"{asker} is for scalars, and {node.op} gives {describe(node)}; "
                "write loops over lists of numbers, or use memograd.grad"
            )
            error.where = line_of(node, graph.origins)
            raise error
    if graph.outputs[0].dtype.kind != "f":
        raise DtypeError(f"{asker} needs a floating result, and {name} returned {describe(graph.outputs[0])}")
