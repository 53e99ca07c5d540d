"""Which axis of each node is the minibatch, and which nodes sum over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from memograd.engine.native.elementwise import ELEMENTWISE
from memograd.errors import CannotLower
from memograd.graph.node import Node


@dataclass(slots=True)
class Batch:
    """Which axis of each node is the batch, and which nodes sum over it."""

    axis: dict[Node, int | None] = field(default_factory=dict)
    level: dict[Node, int] = field(default_factory=dict)
    sums: list[Node] = field(default_factory=list)

    def visit(self, node: Node, rows: set[Node]) -> None:
        """Say it of a node whose operands are known."""
        known = [self.axis[x] for x in node.inputs]
        level = max((self.level[x] for x in node.inputs), default=0)
        found: int | None = 0 if node in rows else None
        is_sum = False
        if not any(axis is not None for axis in known):
            pass
        elif node.op in ELEMENTWISE:
            found = next(axis for axis in known if axis is not None)
            if any(axis not in (None, found) for axis in known):
                raise CannotLower(f"{node!r}: the rows of a minibatch lie along different axes")
        elif node.op == "matmul":
            left, right = (axis if axis is None else axis - x.ndim for axis, x in zip(known, node.inputs, strict=True))
            if left == -1 and right == -2:
                is_sum = True
            elif left == -2 and right is None:
                found = node.ndim - 2
            elif right == -1 and left is None:
                found = node.ndim - 1
            else:
                raise CannotLower(f"{node!r}: a product of rows of a minibatch with others")
        elif node.op in ("sum", "max", "min"):
            (axis,) = known
            assert axis is not None
            is_sum = axis in node["axes"]
            found = None if is_sum else axis - sum(a < axis for a in node["axes"])
            if is_sum and node.op != "sum":
                raise CannotLower(f"{node!r}: an extreme over a minibatch")
        else:
            found = self._moved(node, known)
        self.axis[node] = None if is_sum else found
        self.level[node] = level + is_sum
        if is_sum:
            self.sums.append(node)

    @staticmethod
    def _moved(node: Node, known: Sequence[int | None]) -> int:
        axis = known[0]
        x = node.inputs[0]
        if axis is not None and all(other is None for other in known[1:]):
            if node.op == "transpose":
                place: int = node["axes"].index(axis)
                return place
            if node.op == "broadcast_to":
                return axis + node.ndim - x.ndim
            if node.op == "reshape":
                before, n = math.prod(x.shape[:axis]), x.shape[axis]
                for place, length in enumerate(node.shape):
                    if length == n and math.prod(node.shape[:place]) == before:
                        return place
        raise CannotLower(f"{node!r}: moves the rows of a minibatch")


def row_operations(node: Node, batch: Batch) -> int:
    """Scalar operations for each row of the minibatch."""
    axis = batch.axis[node]
    if node.op == "matmul":
        left = node.inputs[0]
        if batch.axis[left] is None and batch.axis[node.inputs[1]] is None:
            return 0
        total = node.size * left.shape[-1]
        rows = left.shape[-1] if axis is None else node.shape[axis]
        return total // max(rows, 1)
    if node.op in ("sum", "max", "min"):
        axis, node = batch.axis[node.inputs[0]], node.inputs[0]
    if axis is None or not (node.op in ELEMENTWISE or node.op == "input"):
        return 0
    return node.size // max(node.shape[axis], 1)
