"""What follows from the sizes of a multilayer perceptron alone: how many paths, who shares them, what storing saves.

Neighbouring layers are fully connected, so the nodes of one layer are alike, and everything is computed by the layer,
never by the node: ten thousand layers are counted in a fraction of a second. It knows no numbers on edges, and builds
no graph of nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import prod
from operator import mul
from typing import TypeAlias

from memograd.gradient.paths.layered import LOSS, Weight, checked_sizes, node_name, weight_name, weight_nodes
from memograd.gradient.paths.local import Edge, LocalDerivatives
from memograd.gradient.paths.names import factor_name
from memograd.gradient.paths.sums import path_sum

_Level: TypeAlias = tuple[str, ...]
_Neighbours: TypeAlias = tuple[_Level, _Level]


@dataclass(frozen=True, slots=True)
class Multiplications:
    """How many multiplications a derivative takes, path by path and with every derivative stored once."""

    naive: int
    memoized: int


@dataclass(frozen=True, slots=True)
class WeightPaths:
    """All paths from one weight to the loss, by the layer; made by `weight_paths`.

    Attributes
    ----------
    levels : tuple of tuple of str
        The loss, the nodes of each layer that lie on a path, the last layer first, and the weight.
    count : int
        How many paths there are.
    """

    levels: tuple[_Level, ...]
    count: int

    def multiplications(self) -> Multiplications:
        """Count the multiplications for the derivative.

        A path of m factors costs m − 1 multiplications. The sweep multiplies once an edge, and ∂L/∂ŷ is where it
        starts, not where it multiplies. The factors themselves are given.

        Examples
        --------
        >>> weight_paths((2, 2, 2, 1), (1, 1, 1)).multiplications()
        Multiplications(naive=6, memoized=5)
        """
        below_loss = list(pairwise(self.levels[1:]))
        return Multiplications(self.count * len(below_loss), sum(map(_n_factors, below_loss)))

    def shared(self) -> Iterator[tuple[str, int]]:
        """Enumerate the factors that several paths share, the most shared first.

        Each path takes one factor between two neighbouring layers, and all of these are taken equally often. It
        is what `shared_factors` finds by two sweeps over the nodes.

        Yields
        ------
        factor : str
        uses : int
            In how many paths it occurs, more than 1. Among equals the loss's side comes first.

        Examples
        --------
        >>> list(weight_paths((2, 2, 2, 1), (1, 1, 1)).shared())
        [('∂L/∂ŷ', 2), ('∂O₁₁/∂w¹₁₁', 2)]
        """
        for upper, lower in sorted(self._shared_between(), key=_n_factors):
            uses = self.count // _n_factors((upper, lower))
            yield from ((factor_name(of, by), uses) for of in upper for by in lower)

    def count_shared(self) -> int:
        """Count what `shared` enumerates.

        Examples
        --------
        >>> weight_paths((2, 2, 2, 1), (1, 1, 1)).count_shared()
        2
        """
        return sum(map(_n_factors, self._shared_between()))

    def _shared_between(self) -> list[_Neighbours]:
        return [neighbours for neighbours in pairwise(self.levels) if _n_factors(neighbours) < self.count]


def weight_paths(sizes: Sequence[int], weight: Weight) -> WeightPaths:
    """Survey the paths from a weight to the loss; counted by one sweep over the layers, exact at any depth.

    Parameters
    ----------
    sizes : sequence of int
        Nodes of each layer, the input's first.
    weight : tuple of int
        k, i and j of w(k, i, j), counted from 1.

    Raises
    ------
    ShapeError
        If there are fewer than two sizes, or one is less than 1.
    UnknownName
        If the network has no such weight.

    Examples
    --------
    >>> weight_paths((2, 2, 2, 1), (1, 1, 1)).count
    2
    >>> weight_paths((2, *[64] * 1000, 1), (1, 1, 1)).count == 64**999
    True
    """
    levels = _levels(sizes, weight)
    return WeightPaths(levels, int(path_sum(_layer_graph(levels), levels[-1][0], LOSS)))


def network_multiplications(sizes: Sequence[int]) -> Multiplications:
    """Count the multiplications for the derivatives with respect to all weights together.

    Path by path every weight pays for itself. The sweep is one for all: it multiplies once for each weight, and
    once for each pair of nodes in neighbouring layers above the first.

    Raises
    ------
    ShapeError
        If there are fewer than two sizes, or one is less than 1.

    Examples
    --------
    >>> network_multiplications((2, 2, 2, 1))
    Multiplications(naive=34, memoized=16)
    """
    whole = checked_sizes(sizes)
    n_weights = [below * above for below, above in pairwise(whole)]
    # From the last layer down: paths from one of its nodes to the loss, and multiplications along each.
    n_paths = accumulate(reversed((*whole[2:], 1)), mul)
    naive = sum(
        weights * paths * length
        for length, (weights, paths) in enumerate(zip(reversed(n_weights), n_paths, strict=True), start=1)
    )
    return Multiplications(naive, sum(n_weights) + sum(n_weights[1:]))


def _levels(sizes: Sequence[int], weight: Weight) -> tuple[_Level, ...]:
    nodes = sorted(weight_nodes(sizes, weight).items(), reverse=True)
    between = (tuple(node_name(sizes, layer, node) for node in in_layer) for layer, in_layer in nodes)
    return ((LOSS,), *between, (weight_name(weight),))


def _layer_graph(levels: Sequence[_Level]) -> LocalDerivatives[str]:
    # The nodes of a layer are one vertex, named for its first node. An edge weighs as much as its lower side has
    # nodes: in so many ways every path that came down to its upper side goes on.
    return LocalDerivatives(
        {upper[0]: (Edge(lower[0], factor_name(upper[0], lower[0]), len(lower)),) for upper, lower in pairwise(levels)}
    )


def _n_factors(neighbours: _Neighbours) -> int:
    return prod(map(len, neighbours))
