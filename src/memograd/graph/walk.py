"""Walks over a graph: order, uses, substitution. All iterative, all linear in the number of nodes and edges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from memograd.graph.node import Node

Rebuild = Callable[[Node, tuple[Node, ...]], Node]


def topological(outputs: Iterable[Node], known: Collection[Node] = ()) -> list[Node]:
    """All nodes that the outputs depend on, each after its inputs, in depth-first order.

    The walk does not enter nodes that are in `known`, and does not list them.
    """
    order: list[Node] = []
    seen = set(known)
    for output in outputs:
        if output in seen:
            continue
        seen.add(output)
        path = [(output, iter(output.inputs))]
        while path:
            node, remaining = path[-1]
            for source in remaining:
                if source not in seen:
                    seen.add(source)
                    path.append((source, iter(source.inputs)))
                    break
            else:
                order.append(node)
                path.pop()
    return order


def count_uses(order: Iterable[Node], outputs: Iterable[Node] = ()) -> dict[Node, int]:
    """How often each node is read by the nodes of `order` (twice by x·x) and by the outputs."""
    uses: dict[Node, int] = {}
    for node in order:
        for source in node.inputs:
            uses[source] = uses.get(source, 0) + 1
    for output in outputs:
        uses[output] = uses.get(output, 0) + 1
    return uses


def dependents(order: Iterable[Node], sources: Iterable[Node]) -> set[Node]:
    """Those nodes of a topological order that depend on a source, the sources among them."""
    reached = set(sources)
    for node in order:
        if any(source in reached for source in node.inputs):
            reached.add(node)
    return reached


def substitute(
    outputs: Sequence[Node], replacements: Mapping[Node, Node], rebuild: Rebuild
) -> tuple[list[Node], dict[Node, Node]]:
    """The outputs with some nodes replaced; what does not depend on them stays as it is.

    Returns
    -------
    outputs : list of Node
    replaced : dict
        Old node to new node, for every node that changed.
    """
    replaced = dict(replacements)
    for node in topological(outputs, known=replacements.keys()):
        inputs = tuple(replaced.get(source, source) for source in node.inputs)
        if inputs != node.inputs:
            replaced[node] = rebuild(node, inputs)
    return [replaced.get(output, output) for output in outputs], replaced
