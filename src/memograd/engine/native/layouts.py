"""How arrays lie in memory: without gaps, in rows of whole vectors, or in panels.

A panel is one vector's columns of a matrix, with all rows one after the other. A product that goes down the rows of
its right operand then reads on and on, and so does the update of weights by tiles: the processor sees such streams and
fetches ahead, where each row of a large matrix lies in another page. Sources: Goto and van de Geijn 2008, "Anatomy of
high-performance matrix multiplication", for packing; here nothing is packed in each step, since weights and the state
of their optimizer stay so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from memograd.engine.native.access import Place, strides_of
from memograd.engine.native.elementwise import ELEMENTWISE
from memograd.graph.node import Array, Node

PAGE_BYTES = 4096


class Layout(Enum):
    """How an array lies in memory."""

    COMPACT = "in C order, without gaps"
    ROWS = "in C order, in rows of whole vectors"
    PANELS = "one vector's columns after the other"


@dataclass(frozen=True, slots=True)
class StateForm:
    """How a part of a training's state lies in memory.

    Attributes
    ----------
    node : Node
        Of the shape that it has there.
    layout : Layout
    is_turned : bool
        Whether that is the other way round than the training has it.
    """

    node: Node
    layout: Layout
    is_turned: bool = False

    def write(self, block: Array, lanes: int, value: Array) -> None:
        """Copy an array to where a block of bytes begins."""
        write(block, self.node, lanes, self.layout, value.T if self.is_turned else value)

    def read(self, block: Array, lanes: int) -> Array:
        """A copy of the array."""
        found = read(block, self.node, lanes, self.layout)
        return found.T.copy() if self.is_turned else found


def place_of(slot: int, node: Node, lanes: int, layout: Layout) -> Place:
    """Where a node lies, from the beginning of a slot."""
    if layout is Layout.PANELS:
        return Place(slot, (lanes, node.shape[0]), True, panel=lanes)
    strides = strides_of(node.shape) if layout is Layout.COMPACT else _row_strides(node, lanes)
    return Place(slot, strides, layout is Layout.ROWS)


def _row_strides(node: Node, lanes: int) -> tuple[int, ...]:
    """Of an array in rows of whole vectors, which do not all begin at the same place of a page."""
    strides = list(strides_of(node.shape, lanes))
    long = [axis for axis, n in enumerate(node.shape) if n != 1]
    if len(long) == 2 and strides[long[0]] * node.dtype.itemsize % PAGE_BYTES == 0:
        strides[long[0]] += lanes
    return tuple(strides)


def bytes_of(node: Node, lanes: int, layout: Layout) -> int:
    """What a node takes; of whole vectors, with one more, which may be read."""
    if layout is Layout.COMPACT:
        return node.size_bytes
    long = [axis for axis, n in enumerate(node.shape) if n != 1]
    size = node.size
    if layout is Layout.PANELS:
        size = -(-node.shape[1] // lanes) * lanes * node.shape[0]
    elif len(long) > 1:
        size = _row_strides(node, lanes)[long[0]] * node.shape[long[0]]
    return (-(-size // lanes) * lanes + lanes) * node.dtype.itemsize


def write(block: Array, node: Node, lanes: int, layout: Layout, value: Array) -> None:
    """Copy an array to where a block of bytes begins."""
    if layout is Layout.PANELS:
        panels, whole = _panels(block, node, lanes)
        panels[:whole] = value[:, : whole * lanes].reshape(len(value), whole, lanes).transpose(1, 0, 2)
        if len(panels) > whole:
            panels[whole, :, : node.shape[1] - whole * lanes] = value[:, whole * lanes :]
    else:
        _strided(block, node, lanes, layout)[...] = value


def read(block: Array, node: Node, lanes: int, layout: Layout) -> Array:
    """A copy of an array that lies where a block of bytes begins."""
    if layout is Layout.PANELS:
        panels, _ = _panels(block, node, lanes)
        # Of one panel all this is a view.
        return np.array(panels.transpose(1, 0, 2).reshape(node.shape[0], -1)[:, : node.shape[1]], order="C")
    return _strided(block, node, lanes, layout).copy()


def _numbers(block: Array, node: Node) -> Array:
    return block[: len(block) // node.dtype.itemsize * node.dtype.itemsize].view(node.dtype)


def _panels(block: Array, node: Node, lanes: int) -> tuple[Array, int]:
    """All panels, and how many of them are full."""
    n = -(-node.shape[1] // lanes)
    panels = _numbers(block, node)[: n * node.shape[0] * lanes].reshape(n, node.shape[0], lanes)
    return panels, node.shape[1] // lanes


def _strided(block: Array, node: Node, lanes: int, layout: Layout) -> Array:
    strides = [stride * node.dtype.itemsize for stride in place_of(0, node, lanes, layout).strides]
    return np.lib.stride_tricks.as_strided(_numbers(block, node), node.shape, strides)


def best_in_panels(nodes: Iterable[Node]) -> set[Node]:
    """The matrices that had better lie in panels.

    They are read as right operands of products, as they are or turned, or else by element or in sums; as anything
    else, none is.
    """
    nodes = [*nodes]
    users: dict[Node, list[Node]] = {}
    for node in nodes:
        for x in set(node.inputs):
            users.setdefault(x, []).append(node)
    return {
        node
        for node in nodes
        if (node.op in ELEMENTWISE or node.op in ("input", "matmul", "transpose"))
        and node.ndim == 2
        and min(node.shape) > 1
        and node.dtype.kind == "f"
        and all(_suits(node, user, users) for user in users.get(node, ()))
    }


def _suits(node: Node, user: Node, users: dict[Node, list[Node]]) -> bool:
    if user.op == "transpose":
        return all(_is_right_operand(user, product) for product in users.get(user, ()))
    return (
        _is_right_operand(node, user)
        or user.op in ("sum", "max", "min")
        or (user.op in ELEMENTWISE and user.shape == node.shape)
    )


def _is_right_operand(node: Node, product: Node) -> bool:
    return product.op == "matmul" and product.ndim == 2 and product.inputs[0] is not node
