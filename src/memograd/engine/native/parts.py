"""Sums over the rows of a minibatch, taken in a few parts that are added up in order.

A thread whose rows make whole parts goes through a step without a word from the others: only the partial sums of the
weights' gradients change cores, and no activations. Since the parts are always the same, so is the result, whatever
number of threads computes them. Gradients that are larger than the activations that they come from are better
computed whole, each thread a share of them from all rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from memograd.engine.native.batch import Batch
from memograd.errors import CannotLower
from memograd.graph.node import Node, intern
from memograd.graph.ops import make

N_PARTS = 4
"""More threads would find nothing to do; fewer parts would be fewer numbers to exchange."""

PARTS = {"matmul_in_parts", "sum_in_parts"}
"""A product, or a sum, whose common axis is the minibatch: the sums of the parts, along a first axis of their own."""


def in_parts(nodes: Sequence[Node], rows: Collection[Node]) -> tuple[list[Node], dict[Node, Node], int]:
    """A graph whose sums over the rows of a minibatch are taken in parts, if that exchanges less.

    Parameters
    ----------
    nodes : sequence of Node
        In order.
    rows : collection of Node
        The inputs whose first axis is the minibatch.

    Returns
    -------
    nodes : list of Node
    replaced : dict of Node to Node
    n_rows : int
        Of the minibatch; 0 if nothing has changed.
    """
    n_rows = max((node.shape[0] for node in rows), default=0)
    sums = _sums(nodes, rows)
    if not _pays(n_rows, [node for node in sums if node.op == "matmul"]):
        return list(nodes), {}, 0
    replaced: dict[Node, Node] = {}
    found: list[Node] = []
    for node in nodes:
        inputs = tuple(replaced.get(x, x) for x in node.inputs)
        new = node
        if node in sums:
            attributes = (("parts", N_PARTS),)
            partial = intern(f"{node.op}_in_parts", inputs, attributes, (N_PARTS, *node.shape), node.dtype)
            found.append(partial)
            new = make("sum", partial, axes=(0,))
        elif inputs != node.inputs:
            new = intern(node.op, inputs, node.attributes, node.shape, node.dtype)
        if new is not node:
            replaced[node] = new
        found.append(new)
    return found, replaced, n_rows


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


def _pays(n_rows: int, products: Sequence[Node]) -> bool:
    """Whether there are fewer partial sums to read from other threads than there would be rows of both operands."""
    partial = N_PARTS * sum(node.size for node in products)
    return n_rows >= N_PARTS and 0 < partial <= sum(n_rows * sum(node.shape) for node in products)
