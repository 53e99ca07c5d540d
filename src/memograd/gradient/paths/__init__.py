"""Sums over all paths of a derivative graph: how many, how strong, written out, and exact in fractions."""

from memograd.gradient.paths.local import Edge, LocalDerivatives
from memograd.gradient.paths.naive import memoized_path_sum, naive_path_sum
from memograd.gradient.paths.scalar_function import derivative_graph, exact_gradient
from memograd.gradient.paths.sums import count_paths, path_sum, shared_factors, strongest_path, written_terms

__all__ = [
    "Edge",
    "LocalDerivatives",
    "count_paths",
    "derivative_graph",
    "exact_gradient",
    "memoized_path_sum",
    "naive_path_sum",
    "path_sum",
    "shared_factors",
    "strongest_path",
    "written_terms",
]
