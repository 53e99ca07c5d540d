"""How each kernel is cut among threads."""

from __future__ import annotations

from collections.abc import Collection

from memograd.engine.native.fusion import Kernel, long_axes
from memograd.engine.native.machine import Machine
from memograd.engine.native.nests import ALL, FIRST, Share, chunks_share, rows_share
from memograd.graph.node import Node


def share_of(kernel: Kernel, machine: Machine, lanes: int, n_cores: int, rows: Collection[int]) -> Share:
    """How a kernel is cut.

    Parameters
    ----------
    rows : collection of int
        The lengths of axes that other kernels, from which it reads, have cut into rows.
    """
    node, shape = kernel.node, long_axes(kernel.shape)
    if node is not None and (node.op == "scatter_add" or (node.op == "cumsum" and _is_along_first(node))):
        return FIRST
    if not shape or is_repeated(kernel):
        return ALL
    if node is not None and node.op == "random_bits" and not is_drawn_in_rows(node):
        return FIRST
    if len(shape) == 1 and shape[0] not in rows and not (node is not None and node.op in ("cumsum", "random_bits")):
        return chunks_share(shape[0], lanes)
    return rows_share(shape[0], machine.tile_rows, n_cores)


def is_drawn_in_rows(node: Node) -> bool:
    """Whether each row of random bits is made of whole blocks of eight, so that threads can share the rows."""
    return len(long_axes(node.shape)) > 1 and node.shape[-1] % 8 == 0


MAX_REPEATED = 1 << 14
"""So many elements are turned by each thread for itself: that takes less time than waiting for the other threads."""


def is_repeated(kernel: Kernel) -> bool:
    """Whether each thread had better do all of a kernel: it turns a small matrix that is there before the step."""
    if kernel.node is not None or len(kernel.members) != 1:
        return False
    (node,) = kernel.members
    return node.op == "transpose" and node.inputs[0].op == "input" and node.size <= MAX_REPEATED


def _is_along_first(node: Node) -> bool:
    """Whether a running sum goes along the axis that would be cut."""
    long = [axis for axis, n in enumerate(node.shape) if n != 1]
    return bool(long) and long[0] == node["axis"]
