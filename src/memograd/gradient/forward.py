"""Forward mode: tangents of a graph, as a graph. One pass in topological order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from memograd.gradient.reverse import Derived, derivative_of, differentiable
from memograd.gradient.rules import RULES
from memograd.graph.node import Node
from memograd.graph.trace import Origin, Trace
from memograd.graph.traced import TracedArray
from memograd.graph.walk import topological


def forward(outputs: Sequence[Node], tangents: Mapping[Node, Node], origins: Mapping[Node, Origin]) -> Derived:
    """Tangents of everything between some inputs and some outputs.

    Parameters
    ----------
    outputs : sequence of Node
    tangents : mapping of Node to Node
        Each input that moves, with its tangent, of the same shape and dtype.
    origins : mapping of Node to Origin
        Where the primal nodes came from.
    """
    order = topological(outputs)
    active, flat = differentiable(order, tangents)
    table = dict(tangents)
    with Trace() as running:

        def wrap(node: Node | None) -> TracedArray | None:
            return TracedArray(node, running) if node is not None else None

        for node in order:
            if node not in active or node in table:
                continue
            running.origin = derivative_of(origins.get(node))
            moved = [wrap(table.get(source)) for source in node.inputs]
            if any(tangent is not None for tangent in moved):
                operands = [TracedArray(source, running) for source in node.inputs]
                table[node] = RULES[node.op].push(TracedArray(node, running), operands, moved).node
    return Derived(table, frozenset(flat), running.origins)
