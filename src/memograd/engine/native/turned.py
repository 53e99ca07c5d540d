"""Weights of few outputs, turned: with lanes along the inputs.

A matrix of two columns fills two lanes of each vector. Turned, the same weights take an eighth of the vectors on a
machine with sixteen lanes: their gradient is a product of two rows, their update a few vectors, and what goes back
through them needs no turned copy. Only the product that goes forward does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from memograd.engine.native.elementwise import ELEMENTWISE
from memograd.engine.native.kernels.shares import MAX_REPEATED
from memograd.engine.native.ordered import Ordered
from memograd.graph.node import Node, intern
from memograd.graph.ops import make, make_like


def is_narrow(node: Node, lanes: int) -> bool:
    """Whether a matrix has less than a vector's columns, and turned takes fewer vectors.

    It must be so small that each thread can make its turned copy for itself.
    """
    if node.ndim != 2 or node.size > MAX_REPEATED:
        return False
    n, k = node.shape
    return 1 < k < lanes <= n and k * -(-n // lanes) < n


def turned(graph: Ordered, inputs: Collection[int], outputs: Collection[int]) -> Ordered:
    """The graph with some of its inputs and outputs turned, by their numbers: matrices all of them."""
    turning = _Turning(graph, {graph.inputs[i] for i in inputs})
    return Ordered(
        turning.made,
        tuple(turning.other(x) if i in inputs else x for i, x in enumerate(graph.inputs)),
        tuple(turning.other(x) if i in outputs else turning.same(x) for i, x in enumerate(graph.outputs)),
    ).needed()


class _Turning:
    """What each node becomes, as it is or turned.

    Attributes
    ----------
    made : list of Node
        In order.
    """

    def __init__(self, graph: Ordered, states: Collection[Node]) -> None:
        self.made: list[Node] = []
        self._known: set[Node] = set()
        self._same: dict[Node, Node] = {}
        self._other: dict[Node, Node] = {}
        followers, both = _kinds(graph.nodes, states)
        for node in graph.nodes:
            if node in states:
                attributes = node.attributes
                self._other[node] = self._keep(intern("input", (), attributes, node.shape[::-1], node.dtype))
                continue
            if node not in followers:
                self._same[node] = self._rebuilt(node)
            if node in followers or node in both:
                self._other[node] = self._keep(make_like(node, tuple(self.other(x) for x in node.inputs)))

    def _keep(self, node: Node) -> Node:
        if node not in self._known:
            self._known.add(node)
            self.made.append(node)
        return node

    def _rebuilt(self, node: Node) -> Node:
        (x, *others) = node.inputs or (node,)
        if x in self._other and not others:
            if node.op == "transpose" and node["axes"] == (1, 0):
                return self._other[x]
            if node.op == "sum" and node["axes"] == (0, 1):
                return self._keep(make("sum", self._other[x], axes=(0, 1)))
        inputs = tuple(self.same(x) for x in node.inputs)
        return self._keep(node if inputs == node.inputs else make_like(node, inputs))

    def same(self, node: Node) -> Node:
        """A node as it is."""
        if node not in self._same:
            self._same[node] = self._keep(make("transpose", self._other[node], axes=(1, 0)))
        return self._same[node]

    def other(self, node: Node) -> Node:
        """A node turned; numbers without axes stay as they are."""
        if node.ndim != 2:
            return self.same(node)
        if node not in self._other:
            self._other[node] = self._keep(self._turned(node))
        return self._other[node]

    def _turned(self, node: Node) -> Node:
        if node.op == "broadcast_to" and node.inputs[0].size == 1:
            return make("broadcast_to", self.same(node.inputs[0]), shape=node.shape[::-1])
        if node.op == "matmul":
            left, right = node.inputs
            return make("matmul", self._view(right), self._view(left))
        return self._view(node)

    def _view(self, node: Node) -> Node:
        """A matrix as it is, read the other way round."""
        if node.op == "transpose":
            return self.same(node.inputs[0])
        return self._keep(make("transpose", self.same(node), axes=(1, 0)))


def _kinds(nodes: Sequence[Node], states: Collection[Node]) -> tuple[set[Node], set[Node]]:
    """What is computed element by element of states, which is turned wherever it occurs; and of what else it is."""
    followers: set[Node] = set()
    for node in nodes:
        if node.op in ELEMENTWISE and any(x in states or x in followers for x in node.inputs):
            followers.add(node)
    both: set[Node] = set()
    for node in reversed(nodes):
        if node in followers or node in both:
            both.update(x for x in node.inputs if x.op in ELEMENTWISE and x.ndim == 2 and x not in followers)
    return followers, both
