"""`explain`: the door to a derivation, and what it looks like to people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from memograd.errors import ShapeError
from memograd.explain.as_json import to_json
from memograd.explain.latex import to_latex
from memograd.explain.text import to_text
from memograd.gradient.paths.derivation import MAX_TERMS, Derivation, derive
from memograd.gradient.paths.network_values import network_values

# Beyond this the numbers would take longer than anyone waits for an explanation.
MAX_WEIGHTS = 10_000_000


@dataclass(frozen=True, slots=True)
class Explanation:
    """The derivative of a network's loss by one weight: printed as text, shown in a notebook as a formula.

    Attributes
    ----------
    derivation : Derivation
        All that it says, as a record.
    """

    derivation: Derivation

    @property
    def text(self) -> str:
        """For a terminal: the formula, what its paths share, what storing saves, the values."""
        return to_text(self.derivation)

    @property
    def latex(self) -> str:
        """The formula in LaTeX, without dollar signs."""
        return to_latex(self.derivation)

    def to_json(self) -> dict[str, object]:
        """As data; see `memograd.explain.as_json`."""
        return to_json(self.derivation)

    def __str__(self) -> str:
        return self.text

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"


def explain(
    network: Any,
    weight: Sequence[int] = (1, 1, 1),
    *,
    parameters: Any = None,
    x: Any = None,
    y: Any = None,
    seed: int = 0,
    max_terms: int = MAX_TERMS,
) -> Explanation:
    """Explain the derivative of the loss by one weight: as the sum over its paths, and as the sweep stores it.

    Networks of more than ten million weights are explained without numbers.

    Parameters
    ----------
    network : MLP
    weight : (k, i, j)
        w(k, i, j) enters layer k (1 is the first hidden one) from node i to node j, counted from 1.
    parameters : list of dict, optional
        Where the derivative is taken; drawn from the seed if left out.
    x : (n_inputs,), y : (n_outputs,) or a class index, optional
        The sample; drawn from the seed if left out.
    seed : int
    max_terms : int
        How many terms of the sum to write.

    Raises
    ------
    UnknownName
        When the network has no such weight.
    ShapeError
        When the sample does not fit, or the network is no plain chain of dense layers.
    DataError
        When the target does not fit the loss.

    Examples
    --------
    >>> from memograd.nn.mlp import MLP
    >>> explanation = explain(MLP((2, 2, 2, 1), "tanh"), weight=(1, 1, 1))
    >>> print(explanation.text.splitlines()[2])
    ∂L/∂w¹₁₁ = ∂L/∂ŷ [ ∂ŷ/∂O₂₁ ∂O₂₁/∂O₁₁ ∂O₁₁/∂w¹₁₁ + ∂ŷ/∂O₂₂ ∂O₂₂/∂O₁₁ ∂O₁₁/∂w¹₁₁ ]
    >>> values = explanation.derivation.values
    >>> abs(values.path_sum - values.memoized) < 1e-15, abs(values.memoized - values.finite_difference) < 1e-9
    (True, True)
    """
    index = tuple(weight)
    sizes = network.sizes
    if getattr(network, "embedded", ()):
        raise ShapeError("the first layer of a network with embedded columns has other inputs; explain one without")
    plain = derive(sizes, index, max_terms=max_terms)  # type: ignore[arg-type]
    if sum(a * b for a, b in pairwise(sizes)) > MAX_WEIGHTS:
        return Explanation(plain)
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = network.init(seed, np.float64) if parameters is None else parameters
    # Differences of float32 would be right to three digits.
    at = [{name: np.asarray(array, np.float64) for name, array in layer.items()} for layer in drawn]
    sample = generator.normal(size=sizes[0]) if x is None else np.asarray(x, np.float64)
    if sample.shape != (sizes[0],):
        raise ShapeError(f"x has shape {sample.shape}, and one sample for this network has shape ({sizes[0]},)")
    target = np.asarray(_target(network, generator) if y is None else y)[None]
    y_array = network.loss.target_array(target, sizes[-1], np.dtype(np.float64))
    return Explanation(replace(plain, values=network_values(network, at, sample, y_array, plain.weight)))


def _target(network: Any, generator: np.random.Generator) -> Any:
    """A target for one sample: the first class, no label, or numbers."""
    if hasattr(network.loss, "probabilities"):
        # Of a class there is one number a sample, of labels one for each.
        return np.zeros(network.loss.predict(np.zeros((1, network.sizes[-1]))).shape[1:])
    return np.abs(generator.normal(size=network.sizes[-1]))
