"""Sums over the rows of a minibatch, taken in a few parts that are added up in order.

A thread whose rows make whole parts goes through a step without a word from the others: only the partial sums of the
weights' gradients change cores, and no activations. Since the parts are always the same, so is the result, whatever
number of threads computes them. Gradients that are larger than the activations that they come from are better
computed whole, each thread a share of them from all rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from memograd.engine.native.batch import Batch
from memograd.engine.native.ordered import Ordered
from memograd.errors import CannotLower
from memograd.graph.node import Node, intern
from memograd.graph.ops import make

PARTS_TO_CHOOSE_FROM = (8, 4, 2)
"""More threads than parts would find nothing to do; fewer parts are fewer numbers to exchange."""

MIN_OPERATIONS = 3_000_000
"""A part of so many scalar operations is worth a thread: it takes about fifteen microseconds. Of fewer in all, one
thread makes short work, and kernels of parts would only be more to compile.
"""

PARTS = {"matmul_in_parts", "sum_in_parts"}
"""A product, or a sum, whose common axis is the minibatch: the sums of the parts, along a first axis of their own."""


def in_parts(graph: Ordered, rows: Collection[Node]) -> tuple[Ordered, int]:
    """A graph with its sums over the rows of a minibatch taken in parts, if that pays; and how many, or 0.

    Parameters
    ----------
    graph : Ordered
    rows : collection of Node
        The inputs whose first axis is the minibatch.
    """
    sums = _sums(graph.nodes, rows)
    n_parts = _number_of_parts([node for node in sums if node.op == "matmul"], rows)
    if not n_parts:
        return graph, 0
    replaced: dict[Node, Node] = {}
    found: list[Node] = []
    for node in graph.nodes:
        inputs = tuple(replaced.get(x, x) for x in node.inputs)
        new = node
        if node in sums:
            attributes = (("parts", n_parts),)
            partial = intern(f"{node.op}_in_parts", inputs, attributes, (n_parts, *node.shape), node.dtype)
            found.append(partial)
            new = make("sum", partial, axes=(0,))
        elif inputs != node.inputs:
            new = intern(node.op, inputs, node.attributes, node.shape, node.dtype)
        if new is not node:
            replaced[node] = new
        found.append(new)
    return Ordered(found, graph.inputs, tuple(replaced.get(node, node) for node in graph.outputs)), n_parts


def _number_of_parts(products: Sequence[Node], rows: Collection[Node]) -> int:
    """As many as are worth a thread each, if there are fewer partial sums to read from others than rows of operands."""
    if not products:
        return 0
    n_rows = next(iter(rows)).shape[0]
    size, rows_size = sum(x.size for x in products), n_rows * sum(sum(x.shape) for x in products)
    # Forward, backward, and of the weights: a multiplication and an addition each.
    n_worth = 6 * n_rows * size // MIN_OPERATIONS
    if not n_worth:
        return 0
    n_most = min(max(n_worth, min(PARTS_TO_CHOOSE_FROM)), n_rows)
    return next((n for n in PARTS_TO_CHOOSE_FROM if n <= n_most and n * size <= rows_size), 0)


def _sums(nodes: Iterable[Node], rows: Collection[Node]) -> set[Node]:
    """The products and sums over the minibatch whose results are matrices or rows of floats."""
    batch, found = Batch(), set()
    known = set(rows)
    for node in nodes:
        try:
            batch.visit(node, known)
        except CannotLower:
            return set()
        is_sum = node in batch.sums[-1:]
        if is_sum and node.dtype.kind == "f" and min(node.shape, default=0) > 1:
            is_product = node.op == "matmul" and node.ndim == 2
            if is_product or (node.op == "sum" and node.ndim == 1 and node["axes"] == (0,)):
                found.add(node)
    return found
