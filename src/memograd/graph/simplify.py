"""Exact simplifications: constants folded, products with 1 and moves that undo each other left out.

Only identities that hold bit for bit are here: x·1, x/1, x−0, −(−x). Not x+0 (−0.0 would change) and not x·0 (NaN).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from memograd.graph.evaluate import evaluate
from memograd.graph.node import SMALL_BYTES, Node
from memograd.graph.ops import OPS, make, make_constant, make_like
from memograd.graph.tracing import Graph
from memograd.graph.walk import topological


def simplify(graph: Graph) -> Graph:
    """The same function in fewer nodes; origins go along."""
    new: dict[Node, Node] = {}
    for node in topological(graph.outputs):
        inputs = tuple(new[source] for source in node.inputs)
        rebuilt = node if inputs == node.inputs else make_like(node, inputs)
        new[node] = _simplify_node(rebuilt)
    origins = dict(graph.origins)
    for old, node in new.items():
        origin = graph.origins.get(old)
        if origin is not None and (node is not old or origin.adjoint_of is not None):
            primal = origin.adjoint_of
            moved = replace(origin, adjoint_of=new.get(primal, primal) if primal is not None else None)
            if node is old:
                origins[node] = moved
            else:
                origins.setdefault(node, moved)
    return replace(graph, outputs=tuple(new[node] for node in graph.outputs), origins=origins)


def _simplify_node(node: Node) -> Node:
    if OPS[node.op].kind == "leaf":
        return node
    folded = _fold(node)
    if folded is not None:
        return folded
    identity = IDENTITIES.get(node.op)
    return node if identity is None else identity(node)


def _fold(node: Node) -> Node | None:
    """The constant that a node of constants is; of a broadcast scalar only the scalar is computed."""
    scalars = [scalar_of(source) for source in node.inputs]
    if OPS[node.op].kind == "elementwise" and all(scalar is not None for scalar in scalars):
        kernel = make_like(node, tuple(s for s in scalars if s is not None))
        value = make_constant(np.asarray(evaluate([kernel], {})[0]))
        return value if not node.shape else make("broadcast_to", value, shape=node.shape)
    if node.op in ("broadcast_to", "random_bits") or any(source.op != "constant" for source in node.inputs):
        return None
    # Folding may grow what is stored (a take of few rows, often): then it stays a computation.
    grows = node.size_bytes > max(SMALL_BYTES, *(source.size_bytes for source in node.inputs))
    return None if grows else make_constant(np.asarray(evaluate([node], {})[0]))


def scalar_of(node: Node) -> Node | None:
    """The scalar constant that a node holds or repeats, if it does."""
    if node.op == "broadcast_to":
        node = node.inputs[0]
    return node if node.op == "constant" and not node.shape else None


def _is(node: Node, value: float) -> bool:
    scalar = scalar_of(node)
    if scalar is None:
        return False
    array = scalar["value"].array
    return bool(array == value) and not np.signbit(array)


def _multiply(node: Node) -> Node:
    a, b = node.inputs
    return a if _is(b, 1) else b if _is(a, 1) else node


def _second_is(value: float) -> Callable[[Node], Node]:
    return lambda node: node.inputs[0] if _is(node.inputs[1], value) else node


def _negative(node: Node) -> Node:
    (x,) = node.inputs
    return x.inputs[0] if x.op == "negative" else node


def _reshape(node: Node) -> Node:
    (x,) = node.inputs
    if x.op == "reshape":
        x = x.inputs[0]
    return x if x.shape == node.shape else make("reshape", x, shape=node.shape)


def _transpose(node: Node) -> Node:
    (x,) = node.inputs
    axes = node["axes"]
    if x.op == "transpose":
        axes = tuple(x["axes"][axis] for axis in axes)
        x = x.inputs[0]
    return x if axes == tuple(range(x.ndim)) else make("transpose", x, axes=axes)


def _broadcast(node: Node) -> Node:
    (x,) = node.inputs
    return make("broadcast_to", x.inputs[0], shape=node.shape) if x.op == "broadcast_to" else node


IDENTITIES: Mapping[str, Callable[[Node], Node]] = {
    "multiply": _multiply,
    "divide": _second_is(1),
    "subtract": _second_is(0),
    "power": _second_is(1),
    "negative": _negative,
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast_to": _broadcast,
}
