"""Positions in arrays, as `take` has them: machine code cannot raise, so they are checked before it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memograd.errors import CannotLower
from memograd.graph.evaluate import evaluate
from memograd.graph.node import Array, Node
from memograd.graph.walk import topological

_KEEP_POSITIONS = ("reshape", "transpose", "broadcast_to", "slice", "cast")


@dataclass(frozen=True, slots=True)
class Positions:
    """What is taken or added at positions that follow from one argument.

    Attributes
    ----------
    taker : Node
        The `take` or `scatter_add`.
    positions : Node
        Integers, before they were moved or brought to another width, in which what is outside could be inside.
    source : Node
        The argument.
    """

    taker: Node
    positions: Node
    source: Node

    def check(self, argument: Array) -> None:
        """Check the positions that an argument leads to.

        Parameters
        ----------
        argument : (n, *source.shape[1:])
            As the graph takes it, or more rows of the same kind, of which it takes so many at a time.

        Raises
        ------
        IndexError
            When one lies outside.
        """
        if self.positions is self.source:
            _check_inside(argument, self.taker)
            return
        n_rows = self.source.shape[0] if self.source.ndim else 1
        for first in range(0, len(argument) if argument.ndim else 1, max(n_rows, 1)):
            rows = argument[first : first + n_rows] if argument.ndim else argument
            # The graph is of a fixed number of rows; what is lacking is filled up with the first ones once more.
            whole = rows if rows.shape == self.source.shape else np.resize(rows, self.source.shape)
            (found,) = evaluate([self.positions], {self.source: whole})
            _check_inside(found, self.taker)


def positions_of(nodes: Sequence[Node]) -> list[Positions]:
    """The positions in a graph that its arguments decide; those that are constants are checked here.

    Raises
    ------
    CannotLower
        When positions are outside, or follow from several arguments.
    """
    found = []
    for node in nodes:
        if node.op not in ("take", "scatter_add"):
            continue
        positions = _as_computed(node.inputs[1])
        sources = [x for x in topological([positions]) if x.op == "input"]
        if not sources:
            try:
                _check_inside(np.asarray(evaluate([positions], {})[0]), node)
            except IndexError as error:
                raise CannotLower(f"{node!r}: {error}") from error
        elif len(sources) == 1:
            found.append(Positions(node, positions, sources[0]))
        else:
            raise CannotLower(f"{node!r}: its positions are computed, so they cannot be checked before the code runs")
    return found


def _as_computed(positions: Node) -> Node:
    while positions.op in _KEEP_POSITIONS and positions.inputs[0].dtype.kind in "iu":
        positions = positions.inputs[0]
    return positions


def _check_inside(positions: Array, node: Node) -> None:
    length = node["length"] if node.op == "scatter_add" else node.inputs[0].shape[node["axis"]]
    if positions.size and not (-length <= int(positions.min()) and int(positions.max()) < length):
        outside = int(positions.max()) if int(positions.max()) >= length else int(positions.min())
        raise IndexError(f"index {outside} is out of bounds for axis {node['axis']} with size {length}")
