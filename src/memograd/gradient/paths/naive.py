"""The derivative with and without the memo, by the formula on paper, with every operation counted.

It owns the enumeration of paths and the counting. It is for teaching, and the oracle of the sweep's tests.

A path of m factors costs m − 1 multiplications when paths are taken one by one. The sweep multiplies once for each
edge below the target's own derivatives, which it takes as they are, and adds wherever paths meet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from typing import Generic, TypeAlias, TypeVar

from memograd.errors import TooManyPaths
from memograd.gradient.paths.local import Edge, LocalDerivatives
from memograd.gradient.paths.semirings import REAL, Real, Semiring
from memograd.gradient.paths.sums import between, count_paths
from memograd.gradient.sweep import sweep

V = TypeVar("V", bound=Hashable)
T = TypeVar("T")

MAX_PATHS = 10**6


@dataclass(frozen=True, slots=True)
class Counted(Generic[T]):
    """A result, and the operations on numbers that it took."""

    value: T
    multiplications: int
    additions: int


def each_path(graph: LocalDerivatives[V], source: V, target: V) -> Iterator[tuple[Edge[V], ...]]:
    """Enumerate the paths from `target` down to `source`, in the order of the graph.

    Yields
    ------
    tuple of Edge
        The edges of a path, target's side first. Each takes time linear in the edges beside the path.

    Raises
    ------
    UnknownName
        If `source` or `target` is no vertex of the graph.

    Examples
    --------
    >>> edges = {"L": (Edge("a", "∂L/∂a"), Edge("b", "∂L/∂b")), "a": (Edge("w", "∂a/∂w"),)}
    >>> [[edge.factor_name for edge in path] for path in each_path(LocalDerivatives(edges), "w", "L")]
    [['∂L/∂a', '∂a/∂w']]
    """
    inputs = between(graph, [source], target).inputs
    waiting: list[tuple[V, _Trail[V]]] = [(target, None)] if target in inputs else []
    while waiting:
        vertex, trail = waiting.pop()
        waiting.extend((edge.source, (edge, trail)) for edge in reversed(inputs[vertex]))
        if vertex == source:
            yield _edges(trail)


def naive_path_sum(graph: LocalDerivatives[V], source: V, target: V, *, max_paths: int = MAX_PATHS) -> Counted[Real]:
    """Give ∂target/∂source exactly as the formula says: every path, every factor, nothing stored.

    Parameters
    ----------
    graph : LocalDerivatives
    source, target : V
    max_paths : int
        Refuse to enumerate more.

    Returns
    -------
    Counted
        The sum, with m − 1 multiplications for a path of m factors and one addition fewer than paths.

    Raises
    ------
    TooManyPaths
        If there are more than `max_paths` paths.
    UnknownName
        If `source` or `target` is no vertex of the graph.

    Examples
    --------
    >>> edges = {"L": (Edge("y", "∂L/∂y", 2),), "y": (Edge("a", "∂y/∂a", 3), Edge("b", "∂y/∂b", 5))}
    >>> edges |= {"a": (Edge("w", "∂a/∂w", 7),), "b": (Edge("w", "∂b/∂w", 11),)}
    >>> naive_path_sum(LocalDerivatives(edges), source="w", target="L")
    Counted(value=152, multiplications=4, additions=1)
    """
    _refuse_more(count_paths(graph, source, target), max_paths)
    tally: Counter[str] = Counter()
    real = _tallied(REAL, tally)
    paths = each_path(graph, source, target)
    products = (_fold(real.multiply, (edge.weight for edge in path), real.one) for path in paths)
    value = _fold(real.add, products, real.zero)
    return Counted(value, tally["multiply"], tally["add"])


def memoized_path_sum(graph: LocalDerivatives[V], source: V, target: V) -> Counted[Real]:
    """Give ∂target/∂source by the sweep, over the vertices on its paths alone.

    Raises
    ------
    UnknownName
        If `source` or `target` is no vertex of the graph.

    Examples
    --------
    >>> edges = {"L": (Edge("y", "∂L/∂y", 2),), "y": (Edge("a", "∂y/∂a", 3), Edge("b", "∂y/∂b", 5))}
    >>> edges |= {"a": (Edge("w", "∂a/∂w", 7),), "b": (Edge("w", "∂b/∂w", 11),)}
    >>> memoized_path_sum(LocalDerivatives(edges), source="w", target="L")
    Counted(value=152, multiplications=4, additions=1)
    """
    gradient = memoized_gradient(graph, [source], target)
    return Counted(gradient.value[source], gradient.multiplications, gradient.additions)


def memoized_gradient(graph: LocalDerivatives[V], sources: Collection[V], target: V) -> Counted[dict[V, Real]]:
    """Give ∂target/∂source for all the sources by one sweep, over the vertices on their paths alone.

    Returns
    -------
    Counted
        The derivatives in the order of `sources`, 0 for a source without a path. An edge on paths of many
        sources is multiplied once; an edge that leaves the target is not multiplied.

    Raises
    ------
    UnknownName
        If `target` or one of `sources` is no vertex of the graph.

    Examples
    --------
    >>> edges = {"L": (Edge("y", "∂L/∂y", 2),), "y": (Edge("v", "∂y/∂v", 3), Edge("w", "∂y/∂w", 5))}
    >>> memoized_gradient(LocalDerivatives(edges), ["v", "w"], "L")
    Counted(value={'v': 6, 'w': 10}, multiplications=2, additions=0)
    """
    paths = between(graph, sources, target)
    tally: Counter[str] = Counter()
    real = _tallied(REAL, tally)

    def pull(vertex: V, adjoint: Real) -> Iterable[tuple[V, Real]]:
        if vertex == target:
            return ((edge.source, edge.weight) for edge in paths.inputs[vertex])
        return ((edge.source, real.multiply(adjoint, edge.weight)) for edge in paths.inputs[vertex])

    adjoints = sweep(paths.order, {target: real.one}, pull, real.add)
    gradient = {source: adjoints.get(source, real.zero) for source in sources}
    return Counted(gradient, tally["multiply"], tally["add"])


_Trail: TypeAlias = "tuple[Edge[V], _Trail[V]] | None"


def _edges(trail: _Trail[V]) -> tuple[Edge[V], ...]:
    edges = []
    while trail is not None:
        edge, trail = trail
        edges.append(edge)
    return tuple(reversed(edges))


def _refuse_more(n_paths: int, max_paths: int) -> None:
    if n_paths > max_paths:
        # Not `str`: Python refuses to write an int of more than 4,300 digits, and nobody would read them.
        raise TooManyPaths(
            f"there are {Decimal(n_paths):,.15g} paths, and at most {max_paths:,} are taken one by one; "
            "sum them with `path_sum`, or raise `max_paths`"
        )


def _tallied(semiring: Semiring[T], tally: Counter[str]) -> Semiring[T]:
    def count(name: str, operation: Callable[[T, T], T]) -> Callable[[T, T], T]:
        def counted(left: T, right: T) -> T:
            tally[name] += 1
            return operation(left, right)

        return counted

    return replace(semiring, add=count("add", semiring.add), multiply=count("multiply", semiring.multiply))


def _fold(operation: Callable[[T, T], T], items: Iterable[T], empty: T) -> T:
    # Without a neutral element at the start: it would be one operation more than on paper.
    iterator = iter(items)
    return reduce(operation, iterator, next(iterator, empty))
