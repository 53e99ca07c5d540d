"""The derivation of one partial derivative: everything that an explanation of it shows, as one record.

It owns the record and its making. It does not know how a derivation looks on paper, on a page or in a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from memograd.gradient.paths.layer_counts import Multiplications, network_multiplications, weight_paths
from memograd.gradient.paths.layered import (
    LOSS,
    Weight,
    checked_sizes,
    checked_weight,
    first_paths_graph,
    weight_name,
)
from memograd.gradient.paths.names import factor_name
from memograd.gradient.paths.semirings import Real
from memograd.gradient.paths.sums import written_terms

MAX_TERMS = 4

# Enough for every factor of any network that is written out by hand, and an end for those that are not.
MAX_SHARED = 1000


@dataclass(frozen=True, slots=True)
class Values:
    """The same derivative, three times.

    Attributes
    ----------
    path_sum : Real or None
        Path by path, as the formula says; None where there were too many paths to take them one by one.
    memoized : Real
        By the sweep.
    finite_difference : Real
        By two evaluations of the loss.
    """

    path_sum: Real | None
    memoized: Real
    finite_difference: Real


@dataclass(frozen=True, slots=True)
class Derivation:
    """The derivative of the loss with respect to one weight, as the sum over all paths between them.

    Attributes
    ----------
    sizes : tuple of int
        Nodes of each layer, the input's first.
    weight : tuple of int
        k, i and j of w(k, i, j).
    derivative : str
        The name of what is derived: ∂L/∂w.
    paths : int
        How many paths there are, so how many terms the sum has.
    terms : tuple of tuple of str
        The first of them, each as its factors, the loss's side first.
    shared : mapping of str to int
        Factor to the number of paths in which it occurs, more than 1; the most shared first.
    shared_omitted : int
        How many such factors there are beyond those in `shared`.
    multiplications : Multiplications
        For this derivative.
    all_weights : Multiplications
        For the derivatives with respect to all weights of the network together.
    values : Values or None
        The derivative in numbers, where a network and a sample were given.
    """

    sizes: tuple[int, ...]
    weight: Weight
    derivative: str
    paths: int
    terms: tuple[tuple[str, ...], ...]
    shared: Mapping[str, int]
    shared_omitted: int
    multiplications: Multiplications
    all_weights: Multiplications
    values: Values | None = None

    @property
    def terms_omitted(self) -> int:
        """How many terms the sum has beyond those in `terms`."""
        return self.paths - len(self.terms)


def derive(
    sizes: Sequence[int], weight: Weight, *, max_terms: int = MAX_TERMS, values: Values | None = None
) -> Derivation:
    """Derive the loss of a multilayer perceptron by one of its weights.

    Parameters
    ----------
    sizes : sequence of int
        Nodes of each layer, the input's first.
    weight : tuple of int
        k, i and j of w(k, i, j), counted from 1.
    max_terms : int
        How many terms of the sum to write out at most.
    values : Values or None
        The derivative in numbers, to go with it.

    Returns
    -------
    Derivation
        All numbers in it are exact. The time is linear in the number of nodes.

    Raises
    ------
    ShapeError
        If there are fewer than two sizes, or one is less than 1.
    UnknownName
        If the network has no such weight.

    Examples
    --------
    >>> derivation = derive((2, 2, 2, 1), (1, 1, 1))
    >>> derivation.paths, derivation.shared
    (2, {'∂L/∂ŷ': 2, '∂O₁₁/∂w¹₁₁': 2})
    >>> derivation.terms[0]
    ('∂L/∂ŷ', '∂ŷ/∂O₂₁', '∂O₂₁/∂O₁₁', '∂O₁₁/∂w¹₁₁')
    """
    sizes = checked_sizes(sizes)
    weight = checked_weight(sizes, weight)
    name = weight_name(weight)
    written = written_terms(first_paths_graph(sizes, weight, max_terms), name, LOSS, max_terms)
    paths = weight_paths(sizes, weight)
    shared = dict(islice(paths.shared(), MAX_SHARED))
    return Derivation(
        sizes=sizes,
        weight=weight,
        derivative=factor_name(LOSS, name),
        paths=paths.count,
        terms=tuple(map(tuple, written)),
        shared=shared,
        shared_omitted=paths.count_shared() - len(shared),
        multiplications=paths.multiplications(),
        all_weights=network_multiplications(sizes),
        values=values,
    )
