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
from memograd.graph.node import FrozenArray, Node, describe, is_interned
from memograd.graph.ops import OPS, check_attributes
from memograd.graph.shapes import Form, check_dtype
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
    if row.arity != len(node.inputs) and (row.arity is not None or not node.inputs):
        wanted = "one or more" if row.arity is None else row.arity
        raise MalformedGraph(f"{node!r}: {len(node.inputs)} operands instead of {wanted}")
    if tuple(name for name, _ in node.attributes) != row.attributes:
        raise MalformedGraph(f"{node!r}: the attributes are not {row.attributes}")
    if not all(type(length) is int and length >= 0 for length in node.shape):
        raise MalformedGraph(f"{node!r}: the shape is not made of lengths")
    try:
        check_attributes(node.op, dict(node.attributes))
        check_dtype(node.op, node.dtype)
        form = _leaf_form(node) if row.kind == "leaf" else row.rule(node.op, node.inputs, dict(node.attributes))
    except MemogradError as error:
        raise MalformedGraph(f"{node!r}: {error}") from error
    if form != (node.shape, node.dtype):
        raise MalformedGraph(f"{node!r}: its form is {form[1]}{form[0]}, not {describe(node)}")


def _leaf_form(node: Node) -> Form:
    if node.op == "input":
        return node.shape, node.dtype
    value = node["value"]
    if not isinstance(value, FrozenArray) or value.array.flags.writeable:
        raise MalformedGraph("its value is not a frozen array")
    return value.array.shape, value.array.dtype
