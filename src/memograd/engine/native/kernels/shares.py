"""How each kernel is cut among threads.

A core that reads what another one has written waits for it, line by line, and that is what a second thread costs. Where
a product is wide, a thread takes columns: it then writes, turns and updates the same columns of the weights in each
step, and only activations change cores. Where what follows goes row by row (a normalization, random bits), or the
columns are few, it takes rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set

from memograd.engine.native.fusion import Fusion, Kernel, ends_in_lanes, long_axes
from memograd.engine.native.kernels.tiles import is_blocked, is_tiled
from memograd.engine.native.nests import ALL, FIRST, Cuts, Share
from memograd.engine.native.parts import PARTS
from memograd.graph.node import Node

MAX_IMBALANCE = 1.25
"""Columns are shared if no core has to do so much more than the mean: more costs what the exchange of rows would."""

WIDE_BYTES = 1 << 17
"""Columns are shared where weights take so much. On two cores that is 10 to 15 % of a step for layers of 512 columns,
5 % for those of 256; those of 128 lose 15 % to the waits after each layer.
"""


def cut_by_columns(fusion: Fusion, cuts: Cuts) -> set[int]:
    """The numbers of the kernels whose columns are shared."""
    kernels = fusion.kernels
    alike = [_alike(kernel, fusion, number) for number, kernel in enumerate(kernels)]
    return {
        number
        for numbers in _groups(alike)
        if all(_is_wide(kernels[k], cuts) for k in numbers)
        and max(_weight_bytes(kernels[k], alike[k], kernels) for k in numbers) >= WIDE_BYTES
        for number in numbers
    }


def _alike(kernel: Kernel, fusion: Fusion, number: int) -> set[int]:
    """The earlier kernels that one had better be cut like.

    Those from which it reads arrays of two axes element by element, and the product whose result is its right operand.
    """
    nodes, shape = kernel.results, long_axes(kernel.shape)
    found: set[int | None] = set()
    if kernel.node is not None and kernel.node.op == "matmul":
        nodes = kernel.members
        home = fusion.home_of(kernel.node.inputs[1])
        before = fusion.kernels[home].node if home is not None else None
        found = {home} if before is not None and before.op == "matmul" else set()
    elif kernel.node is not None and kernel.node.inputs:
        # A sum over rows goes along columns, and can share them with what it sums up.
        shape = long_axes(kernel.node.inputs[0].shape)
        if kernel.node.op in ("sum", "max", "min") and not ends_in_lanes(kernel.node):
            return set()
    sources = fusion.sources(nodes, number)
    found |= {fusion.home_of(node) for node in sources if len(shape) == 2 and long_axes(node.shape) == shape}
    return {home for home in found if home is not None}


def _groups(alike: Sequence[Set[int]]) -> Collection[list[int]]:
    """The numbers that are linked with each other, directly or by others."""
    parent = list(range(len(alike)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    for number, others in enumerate(alike):
        for other in others:
            parent[root(number)] = root(other)
    members: dict[int, list[int]] = {}
    for number in range(len(alike)):
        members.setdefault(root(number), []).append(number)
    return members.values()


def _is_wide(kernel: Kernel, cuts: Cuts) -> bool:
    """Whether a kernel is a product whose columns can be shared evenly.

    Each thread then needs all rows of the left operand: where those leave its second cache, half of them is better.
    """
    if kernel.node is None or not is_tiled(kernel.node) or cuts.n_cores == 1 or is_blocked(kernel.node, 1):
        return False
    n_units = cuts.chunks(kernel.shape[-1]).n_units
    return -(-n_units // cuts.n_cores) * cuts.n_cores <= MAX_IMBALANCE * n_units


def _weight_bytes(kernel: Kernel, alike: Set[int], kernels: Sequence[Kernel]) -> int:
    """The bytes of the weights in a product: of its right operand, or of itself if that is another product's result."""
    assert kernel.node is not None
    right = kernel.node.inputs[1]
    is_gradient = any(right in kernels[other].results for other in alike)
    return kernel.node.size_bytes if is_gradient else right.size_bytes


def share_of(kernel: Kernel, cuts: Cuts, rows: Collection[int], *, by_columns: bool) -> Share:
    """How a kernel is cut.

    Parameters
    ----------
    rows : collection of int
        The lengths of axes that other kernels, from which it reads, have cut into rows.
    by_columns : bool
        Whether its columns are shared.
    """
    node, shape = kernel.node, long_axes(kernel.shape)
    if by_columns:
        return cuts.chunks(shape[-1])
    if node is not None and node.op in PARTS:
        return cuts.rows(cuts.n_rows)
    if node is not None and (node.op == "scatter_add" or (node.op == "cumsum" and _is_along_first(node))):
        return FIRST
    if not shape or is_repeated(kernel):
        return ALL
    if node is not None and node.op == "random_bits" and not is_drawn_in_rows(node):
        return FIRST
    if len(shape) == 1 and shape[0] not in rows and not (node is not None and node.op in ("cumsum", "random_bits")):
        return cuts.chunks(shape[0])
    if is_turned(kernel):
        return cuts.blocks(shape[0])
    return cuts.rows(shape[0])


def is_drawn_in_rows(node: Node) -> bool:
    """Whether each row of random bits is made of whole blocks of eight, so that threads can share the rows."""
    return len(long_axes(node.shape)) > 1 and node.shape[-1] % 8 == 0


MAX_REPEATED = 1 << 14
"""So many elements are turned by each thread for itself: that takes less time than waiting for the other threads."""


def is_repeated(kernel: Kernel) -> bool:
    """Whether each thread had better do all of a kernel: it turns a small matrix that is there before the step."""
    return is_turned(kernel) and kernel.members[0].inputs[0].op == "input" and kernel.members[0].size <= MAX_REPEATED


def is_turned(kernel: Kernel) -> bool:
    """Whether a kernel only turns a matrix."""
    return kernel.node is None and len(kernel.members) == 1 and kernel.members[0].op == "transpose"


def _is_along_first(node: Node) -> bool:
    """Whether a running sum goes along the axis that would be cut."""
    long = [axis for axis, n in enumerate(node.shape) if n != 1]
    return bool(long) and long[0] == node["axis"]
