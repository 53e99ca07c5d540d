"""A graph whose nodes are in the order in which they are computed: what is lowered, and rewritten before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from memograd.graph.node import Node
from memograd.graph.tracing import Graph
from memograd.plan.from_graph import Plan


@dataclass(frozen=True, slots=True)
class Ordered:
    """A graph in order.

    Attributes
    ----------
    nodes : sequence of Node
        Operands before what they are operands of; leaves first.
    inputs, outputs : tuple of Node
    """

    nodes: Sequence[Node]
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]

    def needed(self) -> Ordered:
        """The same without the nodes that no output depends on."""
        found = set(self.outputs)
        for node in reversed(self.nodes):
            if node in found:
                found.update(node.inputs)
        return Ordered([node for node in self.nodes if node in found], self.inputs, self.outputs)


def ordered(graph: Graph, plan: Plan) -> Ordered:
    """A graph as its plan orders it."""
    computed = [plan.nodes[i] for i in plan.schedule.order]
    known: Collection[Node] = set(computed)
    leaves = [node for node in plan.nodes if node not in known]
    return Ordered([*leaves, *computed], tuple(graph.inputs), tuple(graph.outputs))
