"""The sweep: the one loop of back-propagation, which is memoization.

It owns the table of adjoints. It knows neither nodes, nor arrays, nor numbers: what a vertex hands on is decided
by `pull`, how contributions are joined by `add`. The reverse-mode gradient, the number of paths, the strongest
path and the written-out sum of all paths are this loop with other arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeVar

V = TypeVar("V", bound=Hashable)
T = TypeVar("T")


def sweep(
    order: Iterable[V],
    seeds: Mapping[V, T],
    pull: Callable[[V, T], Iterable[tuple[V, T]]],
    add: Callable[[T, T], T],
) -> dict[V, T]:
    """Carry `seeds` along every path of a graph, each vertex once.

    The derivative of an output with respect to a vertex is a sum over all paths between them, and the number
    of paths grows as the product of the layers' widths. But they share almost everything: all that reach a
    vertex go on from it alike. The table `adjoint` is the memo of what they share. An entry is finished before
    it is used, because `order` puts a vertex after everything that adds to it; and it is used by all, because
    `pull` hands the finished sum, not the product along one path, to every input. So the work is linear in the
    edges.

    Parameters
    ----------
    order : iterable of V
        Vertices, every vertex before all its inputs (outputs first). Those that nothing reaches are skipped.
    seeds : mapping of V to T
        What is known at the start; not mutated.
    pull : callable
        `pull(vertex, adjoint)` gives pairs (input, contribution); called once for each vertex reached.
    add : callable
        Joins two contributions to the same vertex, the earlier one first. It is never given a zero: a vertex
        that nothing reaches is absent from the table, so "disconnected" stays apart from "zero".

    Returns
    -------
    dict of V to T
        The adjoint of every vertex that the seeds reach, in the order in which each was first reached.
        Deterministic when `order`, `pull` and `add` are. Complexity: one `pull` a vertex, one `add` an edge.

    Notes
    -----
    Reverse accumulation: S. Linnainmaa (1970), "The representation of the cumulative rounding error of an
    algorithm as a Taylor expansion of the local rounding errors". The table is autograd's `outgrads` and
    JAX's `ct_env`. That any semiring will do: K. Du, L. Torroba Hennigen, N. Stoehr, A. Warstadt and
    R. Cotterell (2023), "Generalizing Backpropagation for Gradient-Based Interpretability", arXiv 2307.03056.
    Unlike autograd, finished adjoints are kept: what to free, and when, is a question for a plan.

    Examples
    --------
    Two paths lead from `L` to `w`, over `a` and over `b`, and meet in `c`, which is pulled once:

    >>> from operator import add
    >>> inputs = {"L": ("a", "b"), "a": ("c",), "b": ("c",), "c": ("w",), "w": ()}
    >>> sweep(inputs, {"L": 1}, lambda vertex, paths: ((source, paths) for source in inputs[vertex]), add)
    {'L': 1, 'a': 1, 'b': 1, 'c': 2, 'w': 2}
    """
    adjoint = dict(seeds)
    for vertex in order:
        if vertex in adjoint:
            for source, contribution in pull(vertex, adjoint[vertex]):
                adjoint[source] = add(adjoint[source], contribution) if source in adjoint else contribution
    return adjoint
