"""Small graphs of local derivatives, drawn and by hand, and the enumeration of their paths by recursion."""

from __future__ import annotations

from hypothesis import strategies as st

from memograd.gradient.paths.local import Edge, LocalDerivatives
from memograd.gradient.paths.semirings import Real

Graph = LocalDerivatives[int]

weights = st.fractions(min_value=-3, max_value=3, max_denominator=3)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Graphs of up to seven vertices, 0 on top, with parallel edges, dead ends and vertices out of reach."""
    last = draw(st.integers(1, 6))
    ends = st.tuples(st.integers(0, last), st.integers(0, last), weights)
    edges = [(min(a, b), max(a, b), weight) for a, b, weight in draw(st.lists(ends, max_size=12)) if a != b]
    inputs: dict[int, tuple[Edge[int], ...]] = dict.fromkeys(range(last + 1), ())
    for number, (above, below, weight) in enumerate(edges):
        inputs[above] += (Edge(below, f"{above}/{below} #{number}", weight),)
    return LocalDerivatives(inputs)


def enumerated(graph: Graph, source: int, target: int) -> list[list[Edge[int]]]:
    """All paths, by recursion: small graphs only."""
    if source == target:
        return [[]]
    return [[edge, *rest] for edge in graph.inputs[target] for rest in enumerated(graph, source, edge.source)]


def bottom(graph: Graph) -> int:
    """The vertex that drawn graphs have below all others."""
    return max(graph.inputs)


def diamond(left: Real = 1, right: Real = 1) -> LocalDerivatives[str]:
    """Two paths from w to L."""
    return LocalDerivatives(
        {
            "L": (Edge("a", "L/a", left), Edge("b", "L/b", right)),
            "a": (Edge("w", "a/w"),),
            "b": (Edge("w", "b/w"),),
        }
    )


def ladder(depth: int) -> Graph:
    """Two edges from each vertex to the next: 2 ** depth paths."""
    return LocalDerivatives({n: (Edge(n + 1, f"left {n}"), Edge(n + 1, f"right {n}")) for n in range(depth)})
