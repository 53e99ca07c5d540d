"""Sums over all the paths of a graph of local derivatives, each by one sweep.

It owns the questions: the derivative, the number of paths, the strongest of them, all of them written out. It does
not know where the derivatives come from.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import islice
from typing import TypeVar

from memograd.errors import UnknownName
from memograd.gradient.paths.local import Edge, LocalDerivatives
from memograd.gradient.paths.semirings import (
    COUNT,
    REACHES,
    REAL,
    STRONGEST,
    WRITTEN,
    Expression,
    Factor,
    Real,
    Semiring,
    Strongest,
    terms,
)
from memograd.gradient.sweep import sweep

V = TypeVar("V", bound=Hashable)
T = TypeVar("T")


def accumulate(
    graph: LocalDerivatives[V], seeds: Iterable[V], semiring: Semiring[T], lift: Callable[[Edge[V]], T]
) -> dict[V, T]:
    """Sum, over all paths from the seeds down to each vertex, the product of what the edges stand for.

    Parameters
    ----------
    graph : LocalDerivatives
    seeds : iterable of V
        Where paths begin, each with the semiring's one.
    semiring : Semiring of T
        What adding and multiplying mean; a product runs from the seed's side to the vertex.
    lift : callable
        The element of the semiring for which an edge stands.

    Returns
    -------
    dict of V to T
        One sum for each vertex that is reached; linear in the edges.

    Raises
    ------
    UnknownName
        If a seed is no vertex of the graph.

    Examples
    --------
    >>> graph = LocalDerivatives({"L": (Edge("y", "∂L/∂y", 3),), "y": (Edge("w", "∂y/∂w", 5),)})
    >>> accumulate(graph, ["L"], REAL, lambda edge: edge.weight)
    {'L': 1, 'y': 3, 'w': 15}
    """

    def pull(vertex: V, adjoint: T) -> Iterable[tuple[V, T]]:
        return ((edge.source, semiring.multiply(adjoint, lift(edge))) for edge in graph.inputs[vertex])

    start = {_known(graph, seed): semiring.one for seed in seeds}
    return sweep(graph.order, start, pull, semiring.add)


def count_paths(graph: LocalDerivatives[V], source: V, target: V) -> int:
    """Count the paths from `target` down to `source`, exactly; 0 where there is none.

    Raises
    ------
    UnknownName
        If `source` or `target` is no vertex of the graph.

    Examples
    --------
    >>> rungs = {n: (Edge(n + 1, f"left {n}"), Edge(n + 1, f"right {n}")) for n in range(100)}
    >>> count_paths(LocalDerivatives(rungs), source=100, target=0) == 2**100
    True
    """
    return accumulate(graph, [target], COUNT, _unit).get(_known(graph, source), COUNT.zero)


def path_sum(graph: LocalDerivatives[V], source: V, target: V) -> Real:
    """Give ∂target/∂source: the sum over all paths of the product of their weights, by one sweep.

    Exact where the weights are ints or `fractions.Fraction`. 0 where there is no path.

    Raises
    ------
    UnknownName
        If `source` or `target` is no vertex of the graph.

    Examples
    --------
    >>> graph = LocalDerivatives({"L": (Edge("y", "∂L/∂y", 3),), "y": (Edge("w", "∂y/∂w", 5),)})
    >>> path_sum(graph, source="w", target="L")
    15
    """
    return accumulate(graph, [target], REAL, _weight).get(_known(graph, source), REAL.zero)


def strongest_path(graph: LocalDerivatives[V], source: V, target: V) -> Strongest:
    """Find the path whose product of magnitudes is largest.

    Returns
    -------
    Strongest
        `value` is the product, `factors()` the names along the path, target's side first. Of equal products
        the one that `written_terms` comes to first, unless they are zero. Where there is no path, the value
        is 0 and there are no factors. Floats of a deep graph may underflow to 0; fractions do not.

    Raises
    ------
    UnknownName
        If `source` or `target` is no vertex of the graph.

    Examples
    --------
    >>> edges = {"L": (Edge("a", "∂L/∂a", 2), Edge("b", "∂L/∂b", -3))}
    >>> edges |= {"a": (Edge("w", "∂a/∂w", 1),), "b": (Edge("w", "∂b/∂w", 1),)}
    >>> strongest = strongest_path(LocalDerivatives(edges), source="w", target="L")
    >>> strongest.value, strongest.factors()
    (3, ('∂L/∂b', '∂b/∂w'))
    """
    return _ascend(graph, source, target, STRONGEST, _magnitude)


def written_terms(graph: LocalDerivatives[V], source: V, target: V, limit: int) -> list[list[str]]:
    """Write out the first terms of the path sum, each as its factors, target's side first.

    Parameters
    ----------
    graph : LocalDerivatives
    source, target : V
    limit : int
        How many terms at most; the others are never built.

    Returns
    -------
    list of list of str
        In the order of the graph: paths that part close to the target are far from each other.

    Raises
    ------
    UnknownName
        If `source` or `target` is no vertex of the graph.

    Examples
    --------
    >>> edges = {"L": (Edge("a", "∂L/∂a"), Edge("b", "∂L/∂b"))}
    >>> edges |= {"a": (Edge("w", "∂a/∂w"),), "b": (Edge("w", "∂b/∂w"),)}
    >>> written_terms(LocalDerivatives(edges), source="w", target="L", limit=10)
    [['∂L/∂a', '∂a/∂w'], ['∂L/∂b', '∂b/∂w']]
    """
    formula = _ascend(graph, source, target, WRITTEN, _factor)
    return [list(term) for term in islice(terms(formula), limit)]


def shared_factors(graph: LocalDerivatives[V], source: V, target: V) -> dict[str, int]:
    """Tell for every factor of the path sum in how many paths it occurs.

    A path through an edge is a path from the target down to it and one from it down to the source, so the
    number is the product of two counts: two sweeps serve all factors, and no path is enumerated.

    Returns
    -------
    dict of str to int
        Factor to number of paths, at least 1; target's side first. A factor is shared if that is over 1.

    Raises
    ------
    UnknownName
        If `source` or `target` is no vertex of the graph.

    Examples
    --------
    >>> edges = {"L": (Edge("y", "∂L/∂y"),), "y": (Edge("a", "∂y/∂a"), Edge("b", "∂y/∂b"))}
    >>> edges |= {"a": (Edge("w", "∂a/∂w"),), "b": (Edge("w", "∂b/∂w"),)}
    >>> shared_factors(LocalDerivatives(edges), source="w", target="L")
    {'∂L/∂y': 2, '∂y/∂a': 1, '∂y/∂b': 1, '∂a/∂w': 1, '∂b/∂w': 1}
    """
    above = accumulate(graph, [target], COUNT, _unit)
    below = accumulate(graph.transposed(), [source], COUNT, _unit)
    return {
        edge.factor_name: above[vertex] * below[edge.source]
        for vertex, edges in graph.inputs.items()
        for edge in edges
        if vertex in above and edge.source in below
    }


def between(graph: LocalDerivatives[V], sources: Iterable[V], target: V) -> LocalDerivatives[V]:
    """Keep the vertices and edges that lie on some path from `target` down to one of `sources`.

    Raises
    ------
    UnknownName
        If `target` or one of `sources` is no vertex of the graph.

    Examples
    --------
    >>> graph = LocalDerivatives({"L": (Edge("a", "∂L/∂a"), Edge("b", "∂L/∂b"))})
    >>> between(graph, ["a"], "L").order
    ('L', 'a')
    """
    above = accumulate(graph, [target], REACHES, _reaches)
    below = accumulate(graph.transposed(), sources, REACHES, _reaches)
    kept = [vertex for vertex in graph.order if vertex in above and vertex in below]
    return LocalDerivatives({v: tuple(edge for edge in graph.inputs[v] if edge.source in below) for v in kept})


def _ascend(graph: LocalDerivatives[V], source: V, target: V, semiring: Semiring[T], lift: Callable[[Edge[V]], T]) -> T:
    # Upward, so that the last sum is over the target's own inputs: the terms then come grouped as on paper,
    # ∂L/∂ŷ₁ [ … ] + ∂L/∂ŷ₂ [ … ]. The factor goes to the left of what is below it.
    upward = Semiring(semiring.name, semiring.zero, semiring.one, semiring.add, lambda x, y: semiring.multiply(y, x))
    sums = accumulate(graph.transposed(), [source], upward, lift)
    return sums.get(_known(graph, target), semiring.zero)


def _unit(edge: Edge[V]) -> int:
    return COUNT.one


def _reaches(edge: Edge[V]) -> bool:
    return REACHES.one


def _weight(edge: Edge[V]) -> Real:
    return edge.weight


def _magnitude(edge: Edge[V]) -> Strongest:
    # Not `abs`: its type forgets that the magnitude of a Real is a Real.
    return Strongest(-edge.weight if edge.weight < 0 else edge.weight, Factor(edge.factor_name))


def _factor(edge: Edge[V]) -> Expression:
    return Factor(edge.factor_name)


def _known(graph: LocalDerivatives[V], vertex: V) -> V:
    if vertex not in graph.inputs:
        some = ", ".join(map(repr, graph.order[:8]))
        raise UnknownName(f"{vertex!r} is not one of the {len(graph.order)} vertices; the first of them are {some}")
    return vertex
