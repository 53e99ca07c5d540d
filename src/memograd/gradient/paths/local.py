"""The graph of named local derivatives: scalars as vertices, ∂/∂ of each by its inputs on the edges.

It owns the graph and its order. It knows neither where the derivatives come from nor what is asked of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from memograd.errors import MalformedGraph
from memograd.gradient.paths.semirings import Real

V = TypeVar("V", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Edge(Generic[V]):
    """One local derivative: that of the vertex which holds the edge with respect to `source`."""

    source: V
    factor_name: str
    weight: Real = 1


@dataclass(frozen=True, slots=True)
class LocalDerivatives(Generic[V]):
    """A directed acyclic graph of scalars, with a named local derivative on every edge.

    Parameters
    ----------
    inputs : mapping of V to tuple of Edge
        What each vertex is computed from; a vertex without inputs may be left out. Copied.

    Attributes
    ----------
    inputs : mapping of V to tuple of Edge
        The same, with every vertex, in `order`.
    order : tuple of V
        Every vertex before its inputs; of those ready at once, the first come first.

    Raises
    ------
    MalformedGraph
        If the edges close a cycle, or two of them have the same name.

    Notes
    -----
    The order is that of A. B. Kahn (1962), "Topological sorting of large networks", first in, first out.

    Examples
    --------
    >>> graph = LocalDerivatives({"L": (Edge("y", "∂L/∂y", 3),), "y": (Edge("w", "∂y/∂w", 5),)})
    >>> graph.order
    ('L', 'y', 'w')
    """

    inputs: Mapping[V, tuple[Edge[V], ...]]
    order: tuple[V, ...] = field(init=False)

    def __post_init__(self) -> None:
        order = _outputs_first(self.inputs)
        inputs = {vertex: tuple(self.inputs.get(vertex, ())) for vertex in order}
        _check_names(edge.factor_name for edges in inputs.values() for edge in edges)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "order", order)

    def transposed(self) -> LocalDerivatives[V]:
        """Turn every edge around, keeping names and weights: a sweep over it goes forward.

        Examples
        --------
        >>> LocalDerivatives({"L": (Edge("y", "∂L/∂y"),)}).transposed().order
        ('y', 'L')
        """
        outputs: dict[V, list[Edge[V]]] = {vertex: [] for vertex in self.order}
        for vertex, edges in self.inputs.items():
            for edge in edges:
                outputs[edge.source].append(Edge(vertex, edge.factor_name, edge.weight))
        return LocalDerivatives({vertex: tuple(edges) for vertex, edges in outputs.items()})


def _outputs_first(inputs: Mapping[V, tuple[Edge[V], ...]]) -> tuple[V, ...]:
    waiting_for = Counter(edge.source for edges in inputs.values() for edge in edges)
    order = [vertex for vertex in inputs if vertex not in waiting_for]
    for vertex in order:
        for edge in inputs.get(vertex, ()):
            waiting_for[edge.source] -= 1
            if not waiting_for[edge.source]:
                order.append(edge.source)
    stuck = next((vertex for vertex, consumers in waiting_for.items() if consumers), None)
    if len(order) < len(inputs.keys() | waiting_for.keys()):
        raise MalformedGraph(f"the derivatives close a cycle at or above {stuck!r}; a sweep needs an order")
    return tuple(order)


def _check_names(names: Iterable[str]) -> None:
    name, uses = next(iter(Counter(names).most_common(1)), ("", 0))
    if uses > 1:
        raise MalformedGraph(f"{uses} edges are named {name!r}; give every local derivative its own name")
