"""Operation counts of a graph: multiplications, additions and the rest, from shapes alone.

A row for each op. Divisions count as multiplications, subtractions as additions; comparisons, choices, roots and
transcendental functions are `others`; moving elements costs nothing. A dot product of length k is k
multiplications and k − 1 additions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from memograd.graph.node import Node
from memograd.graph.ops import OPS
from memograd.graph.tracing import take_apart, trace
from memograd.graph.walk import topological


@dataclass(frozen=True, slots=True)
class Counts:
    """How many scalar operations a graph does, each node once.

    Attributes
    ----------
    multiplications, additions, others : int
    matmul_multiplications : int
        The multiplications inside matrix products, counted in `multiplications` too.
    stored_values : int
        Scalars in the results of ops that do not merely view their operand, leaves not counted.
    """

    multiplications: int = 0
    additions: int = 0
    others: int = 0
    matmul_multiplications: int = 0
    stored_values: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.multiplications + other.multiplications,
            self.additions + other.additions,
            self.others + other.others,
            self.matmul_multiplications + other.matmul_multiplications,
            self.stored_values + other.stored_values,
        )

    @property
    def operations(self) -> int:
        """All scalar operations together."""
        return self.multiplications + self.additions + self.others


def count_operations(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Counts:
    """The counts of a call of a function that can be traced; each value that occurs more than once counts once.

    Examples
    --------
    >>> import numpy as np
    >>> count_operations(lambda a, b: a @ b + a @ b, np.ones((2, 3)), np.ones((3, 4)))
    Counts(multiplications=24, additions=24, others=0, matmul_multiplications=24, stored_values=16)
    """
    graph, _ = trace(function, take_apart(function, args, kwargs))
    return count(topological(graph.outputs))


def count(nodes: Iterable[Node]) -> Counts:
    """The counts of some nodes together."""
    total = [0, 0, 0, 0, 0]
    for node in nodes:
        counted = count_node(node)
        total[0] += counted.multiplications
        total[1] += counted.additions
        total[2] += counted.others
        total[3] += counted.matmul_multiplications
        total[4] += counted.stored_values
    return Counts(*total)


def count_node(node: Node) -> Counts:
    """The counts of one node."""
    multiplications, additions, others = COSTS[node.op](node)
    stored = 0 if OPS[node.op].kind in ("leaf", "view") else node.size
    inside = multiplications if node.op == "matmul" else 0
    return Counts(multiplications, additions, others, inside, stored)


Cost = Callable[[Node], tuple[int, int, int]]


def _nothing(node: Node) -> tuple[int, int, int]:
    return 0, 0, 0


def _multiplication(node: Node) -> tuple[int, int, int]:
    return node.size, 0, 0


def _addition(node: Node) -> tuple[int, int, int]:
    return 0, node.size, 0


def _other(node: Node) -> tuple[int, int, int]:
    return 0, 0, node.size


def _dots(node: Node) -> tuple[int, int, int]:
    length = node.inputs[0].shape[-1]
    return node.size * length, node.size * max(length - 1, 0), 0


def _sums(node: Node) -> tuple[int, int, int]:
    return 0, max(node.inputs[0].size - node.size, 0), 0


def _choices(node: Node) -> tuple[int, int, int]:
    return 0, 0, max(node.inputs[0].size - node.size, 0)


_SPECIAL: dict[str, Cost] = {
    "multiply": _multiplication,
    "divide": _multiplication,
    "add": _addition,
    "subtract": _addition,
    "matmul": _dots,
    "sum": _sums,
    "max": _choices,
    "min": _choices,
    "argmax": _choices,
    "argmin": _choices,
    "cumsum": _addition,
    "scatter_add": lambda node: (0, node.inputs[0].size, 0),
    "random_bits": _other,
    **dict.fromkeys(("input", "constant", "cast", "broadcast_to", "reshape", "transpose"), _nothing),
    **dict.fromkeys(("slice", "unslice", "take", "concatenate"), _nothing),
}

COSTS: Mapping[str, Cost] = {
    **{name: _other for name, row in OPS.items() if row.kind == "elementwise"},
    **_SPECIAL,
}
