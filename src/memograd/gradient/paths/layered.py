"""The derivative graph of a multilayer perceptron, vertex by vertex as it is named on paper.

`w(k, i, j)` enters layer k (1 is the first hidden one) from node i to node j, counted from 1; `O(k, j)` is the
output of node j of layer k; those of the last layer are the ŷ, from which the loss L is computed. Every layer is
fully connected and its activation elementwise. Biases are left out: they add no path.

It owns the names and the shape of the graph. Where the numbers on the edges come from it does not know: they are
asked for, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import TypeAlias

from memograd.errors import ShapeError, UnknownName
from memograd.gradient.paths.local import Edge, LocalDerivatives
from memograd.gradient.paths.names import factor_name, subscript, superscript
from memograd.gradient.paths.semirings import Real

LOSS = "L"

Weight: TypeAlias = tuple[int, int, int]

Nodes: TypeAlias = Mapping[int, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Slopes:
    """The numbers on the edges, as functions of indices that are counted from 1.

    Attributes
    ----------
    loss : callable
        j to ∂L/∂ŷ(j).
    node : callable
        k, i, j to ∂O(k, j)/∂O(k − 1, i).
    weight : callable
        k, i, j to ∂O(k, j)/∂w(k, i, j).
    """

    loss: Callable[[int], Real]
    node: Callable[[int, int, int], Real]
    weight: Callable[[int, int, int], Real]


UNIT = Slopes(lambda j: 1, lambda k, i, j: 1, lambda k, i, j: 1)


def checked_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    """Give the sizes of a network as Python ints, which do not overflow when multiplied.

    Raises
    ------
    ShapeError
        If there are fewer than two sizes, or one is less than 1.
    TypeError
        If a size is no whole number.

    Examples
    --------
    >>> checked_sizes([2, 2, 1])
    (2, 2, 1)
    """
    whole = tuple(map(index, sizes))
    if len(whole) < 2 or min(whole) < 1:
        raise ShapeError(f"sizes {whole}: a network needs at least an input and an output layer, of 1 or more nodes")
    return whole


def checked_weight(sizes: Sequence[int], weight: Sequence[int]) -> Weight:
    """Give k, i and j of a weight that the network has.

    Raises
    ------
    UnknownName
        If there is no such weight; the message tells how far the wrong index may go.
    TypeError
        If an index is no whole number.

    Examples
    --------
    >>> checked_weight((2, 2, 1), [2, 1, 1])
    (2, 1, 1)
    >>> checked_weight((2, 2, 1), (2, 1, 3))
    Traceback (most recent call last):
    memograd.errors.UnknownName: there is no w(2, 1, 3): j, where it goes to, is counted from 1 to 1, and 3 was asked
    """
    if len(weight) != 3:
        raise UnknownName(f"{weight} names no weight: three indices do, (k, i, j): layer, from node, to node")
    layer, from_node, to_node = whole = (index(weight[0]), index(weight[1]), index(weight[2]))
    _check_index(whole, "k, its layer,", layer, len(sizes) - 1)
    _check_index(whole, "i, where it comes from,", from_node, sizes[layer - 1])
    _check_index(whole, "j, where it goes to,", to_node, sizes[layer])
    return whole


def node_name(sizes: Sequence[int], layer: int, node: int) -> str:
    """Name the output of a node; a node of the last layer is ŷ, with its index where there are several.

    Examples
    --------
    >>> [node_name((2, 12, 1), *at) for at in [(1, 3), (1, 12), (2, 1)]]
    ['O₁₃', 'O₍₁,₁₂₎', 'ŷ']
    """
    if layer < len(sizes) - 1:
        return "O" + subscript(layer, node)
    return "ŷ" if sizes[-1] == 1 else "ŷ" + subscript(node)


def weight_name(weight: Weight) -> str:
    """Name a weight: its layer above, the nodes that it connects below.

    Examples
    --------
    >>> weight_name((1, 2, 3)), weight_name((12, 2, 10))
    ('w¹₂₃', 'w¹²₍₂,₁₀₎')
    """
    layer, from_node, to_node = weight
    return "w" + superscript(layer) + subscript(from_node, to_node)


def weight_nodes(sizes: Sequence[int], weight: Weight) -> Nodes:
    """Tell which nodes of which layers lie on paths from a weight: the one that it enters, and all above.

    Raises
    ------
    ShapeError
        If there are fewer than two sizes, or one is less than 1.
    UnknownName
        If the network has no such weight.

    Examples
    --------
    >>> weight_nodes((5, 4, 3, 2), (1, 5, 4))
    {1: (4,), 2: range(1, 4), 3: range(1, 3)}
    """
    whole = checked_sizes(sizes)
    layer, _, to_node = checked_weight(whole, weight)
    later = range(layer + 1, len(whole))
    return {layer: (to_node,)} | {k: range(1, whole[k] + 1) for k in later}


def weight_graph(sizes: Sequence[int], weight: Weight, slopes: Slopes = UNIT) -> LocalDerivatives[str]:
    """Build the part of the derivative graph that lies on paths from one weight to the loss.

    Parameters
    ----------
    sizes : sequence of int
        Nodes of each layer, the input's first.
    weight : tuple of int
        k, i and j, counted from 1.
    slopes : Slopes
        The numbers on the edges; all 1 unless given.

    Raises
    ------
    ShapeError
        If there are fewer than two sizes, or one is less than 1.
    UnknownName
        If the network has no such weight.

    Examples
    --------
    >>> weight_graph((2, 2, 2, 1), (1, 1, 1)).order
    ('L', 'ŷ', 'O₂₁', 'O₂₂', 'O₁₁', 'w¹₁₁')
    """
    return _graph(sizes, weight_nodes(sizes, weight), {weight[0]: weight[1:2]}, slopes)


def network_graph(sizes: Sequence[int], slopes: Slopes = UNIT) -> LocalDerivatives[str]:
    """Build the derivative graph of all weights.

    Raises
    ------
    ShapeError
        If there are fewer than two sizes, or one is less than 1.

    Examples
    --------
    >>> network_graph((1, 2, 1)).order
    ('L', 'ŷ', 'O₁₁', 'O₁₂', 'w²₁₁', 'w²₂₁', 'w¹₁₁', 'w¹₁₂')
    """
    whole = checked_sizes(sizes)
    above = {layer: range(1, size + 1) for layer, size in enumerate(whole) if layer}
    below = {layer: range(1, size + 1) for layer, size in enumerate(whole[:-1], start=1)}
    return _graph(whole, above, below, slopes)


def first_paths_graph(sizes: Sequence[int], weight: Weight, n_paths: int) -> LocalDerivatives[str]:
    """Build as little of `weight_graph` as holds the first paths, in the order in which they are written.

    Among those the nodes next to the weight vary fastest, so that further up one node of a layer is enough: the
    first four paths through 1,000 layers of 64 nodes need 4,000 factors, not four million.

    Raises
    ------
    ShapeError
        If there are fewer than two sizes, or one is less than 1.
    UnknownName
        If the network has no such weight.

    Examples
    --------
    >>> first_paths_graph((2, 2, 3, 4, 1), (1, 1, 1), n_paths=4).order
    ('L', 'ŷ', 'O₃₁', 'O₃₂', 'O₂₁', 'O₂₂', 'O₂₃', 'O₁₁', 'w¹₁₁')
    """
    nodes = dict(weight_nodes(sizes, weight))
    missing = n_paths
    for layer, all_nodes in sorted(nodes.items()):
        nodes[layer] = all_nodes[: max(1, missing)]
        missing = -(-missing // len(nodes[layer]))
    return _graph(sizes, nodes, {weight[0]: weight[1:2]}, UNIT)


def _check_index(weight: Weight, what: str, given: int, largest: int) -> None:
    if not 1 <= given <= largest:
        raise UnknownName(f"there is no w{weight}: {what} is counted from 1 to {largest}, and {given} was asked")


def _graph(sizes: Sequence[int], nodes: Nodes, leaves: Nodes, slopes: Slopes) -> LocalDerivatives[str]:
    last = len(sizes) - 1
    name = {(k, j): node_name(sizes, k, j) for k, in_layer in nodes.items() for j in in_layer}
    inputs = {LOSS: tuple(_edge(LOSS, name[last, j], slopes.loss(j)) for j in nodes[last])}
    for k in sorted(nodes, reverse=True):
        for j in nodes[k]:
            below = [_edge(name[k, j], name[k - 1, i], slopes.node(k, i, j)) for i in nodes.get(k - 1, ())]
            weights = [_edge(name[k, j], weight_name((k, i, j)), slopes.weight(k, i, j)) for i in leaves.get(k, ())]
            inputs[name[k, j]] = (*below, *weights)
    return LocalDerivatives(inputs)


def _edge(of: str, by: str, weight: Real) -> Edge[str]:
    return Edge(by, factor_name(of, by), weight)
