"""What a well-formed graph is, as a program: run it on any graph from anywhere.

1. Every op has a row; arity and attributes are the row's.
2. Shape and dtype are those of the row's rule.
3. Every node is the one that the constructor hands out for its parts (so no two are equal).
4. A constant's array cannot be written.
5. An input is an input of the graph, when the inputs are given.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from memograd.errors import MalformedGraph, MemogradError
from memograd.graph.node import Node, describe, is_interned
from memograd.graph.ops import OPS
from memograd.graph.shapes import check_dtype
from memograd.graph.walk import topological


def check(outputs: Sequence[Node], inputs: Collection[Node] | None = None) -> int:
    """Check all nodes that the outputs depend on.

    Returns
    -------
    int
        How many nodes were checked.

    Raises
    ------
    MalformedGraph
        With the node and the rule that it breaks.
    """
    order = topological(outputs)
    for node in order:
        _check_row(node)
        if not is_interned(node):
            raise MalformedGraph(f"{node!r} was not made by the constructor")
        if node.op == "input" and inputs is not None and node not in inputs:
            raise MalformedGraph(f"{node!r} is not among the inputs of the graph")
    return len(order)


def _check_row(node: Node) -> None:
    row = OPS.get(node.op)
    if row is None:
        raise MalformedGraph(f"{node!r}: there is no such op")
    if row.arity not in (None, len(node.inputs)):
        raise MalformedGraph(f"{node!r}: {len(node.inputs)} operands instead of {row.arity}")
    if tuple(name for name, _ in node.attributes) != row.attributes:
        raise MalformedGraph(f"{node!r}: the attributes are not {row.attributes}")
    if row.kind == "leaf":
        _check_leaf(node)
        return
    try:
        form = row.rule(node.op, node.inputs, dict(node.attributes))
    except MemogradError as error:
        raise MalformedGraph(f"{node!r}: {error}") from error
    if form != (node.shape, node.dtype):
        raise MalformedGraph(f"{node!r}: the rule gives {form[1]}[{form[0]}], not {describe(node)}")


def _check_leaf(node: Node) -> None:
    check_dtype(node.op, node.dtype)
    if node.op == "constant":
        array = node["value"].array
        if array.flags.writeable or (array.shape, array.dtype) != (node.shape, node.dtype):
            raise MalformedGraph(f"{node!r}: its array is {array.dtype}{array.shape}, or can be written")
