"""Reverse mode: adjoints of a graph, as a graph. One sweep; the table of adjoints is the memo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from memograd.gradient.rules import RULES, Flat
from memograd.gradient.sweep import sweep
from memograd.graph.node import Node
from memograd.graph.trace import Origin, Trace
from memograd.graph.traced import TracedArray
from memograd.graph.walk import topological


@dataclass(frozen=True, slots=True)
class Derived:
    """What a sweep over a graph made.

    Attributes
    ----------
    table : mapping of Node to Node
        Reverse: the adjoint of each node that an output depends on. Forward: the tangent of each node that
        depends on an input. A node that is absent is disconnected; one in `flat` has a derivative of zero,
        because every path goes through a step such as a comparison.
    flat : frozenset of Node
    origins : mapping of Node to Origin
        Of the nodes that the sweep made: the primal line that each one differentiates.
    """

    table: Mapping[Node, Node]
    flat: frozenset[Node]
    origins: Mapping[Node, Origin]


def reverse(
    outputs: Sequence[Node], seeds: Sequence[Node], wrt: Iterable[Node], origins: Mapping[Node, Origin]
) -> Derived:
    """Adjoints of everything between some inputs and some outputs.

    Parameters
    ----------
    outputs, seeds : sequences of Node
        Each output with its adjoint, of the same shape and dtype.
    wrt : iterable of Node
        What derivatives are wanted for; nothing is computed for anything else.
    origins : mapping of Node to Origin
        Where the primal nodes came from.
    """
    order = topological(outputs)
    active, flat = differentiable(order, wrt)
    with Trace() as running:

        def pull(node: Node, adjoint: Node) -> Iterator[tuple[Node, Node]]:
            rule = RULES[node.op]
            running.origin = derivative_of(origins.get(node))
            y, g = TracedArray(node, running), TracedArray(adjoint, running)
            x = [TracedArray(source, running) for source in node.inputs]
            for i, source in enumerate(node.inputs):
                if source in active:
                    contribution = rule.pull(i, g, y, x)
                    if contribution is not None:
                        yield source, contribution.node

        def add(total: Node, contribution: Node) -> Node:
            node: Node = (TracedArray(total, running) + TracedArray(contribution, running)).node
            return node

        start: dict[Node, Node] = {}
        for output, seed in zip(outputs, seeds, strict=True):
            if output in active:
                start[output] = add(start[output], seed) if output in start else seed
        table = sweep((node for node in reversed(order) if node in active), start, pull, add)
        flat.update(node for node in order if node in active and node not in table)
    for primal, adjoint in table.items():
        # Moves and sums hand an adjoint on as it is: it is called after the node nearest to the output.
        origin = running.origins.get(adjoint)
        if origin is not None and origin.adjoint_of is None:
            running.origins[adjoint] = replace(origin, adjoint_of=primal)
    return Derived(table, frozenset(flat), running.origins)


def differentiable(order: Iterable[Node], wrt: Iterable[Node]) -> tuple[set[Node], set[Node]]:
    """Nodes of a topological order that derivatives flow through, and those that depend on `wrt` in steps only."""
    active = set(wrt)
    flat: set[Node] = set()
    for node in order:
        if node in active:
            continue
        if any(source in active for source in node.inputs):
            steps = node.dtype.kind != "f" or isinstance(RULES[node.op], Flat)
            (flat if steps else active).add(node)
        elif any(source in flat for source in node.inputs):
            flat.add(node)
    return active, flat


def derivative_of(origin: Origin | None) -> Origin:
    """The origin of what differentiates a line."""
    return origin.differentiated() if origin is not None else Origin("<unknown>", 0, "?", derivative=True)
