"""Parametrizations of dense layers: a table with one row for each, of how weights and biases start, and at what scale.

A row says what stands in front of x W, so that the same step of an optimiser means the same in layers of any width, and
what multiplies the learning rate of the biases. Knows nothing of layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from memograd.nn.arrays import Array

# From a generator, the number of inputs, that of outputs and a variance for the weights: W and b in float64.
Start: TypeAlias = Callable[[np.random.Generator, int, int, float], tuple[Array, Array]]


@dataclass(frozen=True, slots=True)
class Parametrization:
    """A row of the table.

    Attributes
    ----------
    name : str
    start : callable
        Draws W and b.
    product_factor : callable
        From the number of inputs to what multiplies x W.
    bias_rate : float
        What multiplies the learning rate of b.

    Examples
    --------
    >>> PARAMETRIZATIONS["neural_tangent"].product_factor(16)
    0.25
    """

    name: str
    start: Start = field(repr=False)
    product_factor: Callable[[int], float] = field(repr=False)
    bias_rate: float = field(repr=False)


def uniform_start(generator: np.random.Generator, n_in: int, n_out: int, variance: float) -> tuple[Array, Array]:
    """Weights uniform around 0 with that variance, biases 0."""
    limit = (3.0 * variance) ** 0.5
    return generator.uniform(-limit, limit, (n_in, n_out)), np.zeros(n_out)


def glorot_start(generator: np.random.Generator, n_in: int, n_out: int, variance: float) -> tuple[Array, Array]:
    """Weights and biases uniform within ±√(6 / (n_in + n_out)), as in scikit-learn but for logistic layers."""
    limit = (6.0 / (n_in + n_out)) ** 0.5
    return generator.uniform(-limit, limit, (n_in, n_out)), generator.uniform(-limit, limit, n_out)


def normal_start(generator: np.random.Generator, n_in: int, n_out: int, variance: float) -> tuple[Array, Array]:
    """Weights and biases standard normal, whatever the activation."""
    weights = generator.standard_normal((n_in, n_out))
    return weights, generator.standard_normal(n_out)


PARAMETRIZATIONS: Mapping[str, Parametrization] = {
    row.name: row
    for row in (
        Parametrization("standard", uniform_start, lambda n_in: 1.0, 1.0),
        # Glorot and Bengio 2010, "Understanding the difficulty of training", equation 16.
        Parametrization("glorot", glorot_start, lambda n_in: 1.0, 1.0),
        # Jacot, Gabriel, Hongler 2018, "Neural tangent kernel", with their β = 1. The learning rate of the biases is
        # that of RealMLP-TD-S (Holzmüller, Grinsztajn, Steinwart 2024, "Better by default").
        Parametrization("neural_tangent", normal_start, lambda n_in: n_in**-0.5, 0.1),
    )
}
