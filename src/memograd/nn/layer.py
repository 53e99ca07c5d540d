"""What a layer is: parameters to start from, an output, how fast each parameter learns; and the noise that it draws.

Knows no layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import numpy as np

from memograd.graph.tree import map_leaves
from memograd.nn.arrays import Array, DType, Parameters
from memograd.nn.settings import WORD, checked


@final
@dataclass(frozen=True, slots=True)
class Noise:
    """Where in the random streams a training step draws: a function of seed, epoch and step, and of nothing else.

    Attributes
    ----------
    key : (2,) uint64
        The seed, and the number of the stream: 0 for the first dropout, 1 for the next.
    counter : (4,) uint64
        0 (counts within an array), the step, the epoch, 0 (other purposes of one seed can take other numbers).
    """

    key: Array
    counter: Array

    @classmethod
    def at(cls, seed: int, epoch: int, step: int) -> Noise:
        """The noise of one step of training.

        Raises
        ------
        BadSetting
            Unless each is an integer in [0, 2**64).

        Examples
        --------
        >>> Noise.at(seed=7, epoch=2, step=5)
        Noise(key=array([7, 0], dtype=uint64), counter=array([0, 5, 2, 0], dtype=uint64))
        """
        seed, epoch, step = (
            checked("Noise.at", name, value, WORD) for name, value in (("seed", seed), ("epoch", epoch), ("step", step))
        )
        return cls(np.array([seed, 0], np.uint64), np.array([0, step, epoch, 0], np.uint64))

    def skip(self, n_streams: int) -> Noise:
        """The noise with so many streams left to others."""
        if not n_streams:
            return self
        return Noise(self.key + np.array([0, n_streams], np.uint64), self.counter)


@runtime_checkable
class Layer(Protocol):
    """What a network is made of.

    Attributes
    ----------
    n_in, n_out : int or None
        Columns taken and given; None for any number, left as it is.
    n_streams : int
        How many random streams it draws from.
    """

    @property
    def n_in(self) -> int | None: ...

    @property
    def n_out(self) -> int | None: ...

    @property
    def n_streams(self) -> int: ...

    def init(self, generator: np.random.Generator, dtype: DType) -> Parameters:
        """Parameters to start from, drawn in float64 and rounded to `dtype`."""

    def __call__(self, parameters: Parameters, x: Array, noise: Noise | None = None) -> Array:
        """From (n_samples, n_in) to (n_samples, n_out); without noise, as when predicting."""


def rate_factors(part: object, parameters: Parameters) -> Parameters:
    """What multiplies the learning rate of each parameter of a layer or network.

    A layer with a method of this name, which takes its parameters, says so itself; those of all others learn at 1.

    Parameters
    ----------
    part : Layer, Network, MLP, ...
    parameters : as from its `init`

    Returns
    -------
    factors : a tree of Python floats, of the structure of the parameters

    Examples
    --------
    >>> from memograd.nn.layers import Dense
    >>> layer = Dense(2, 1, parametrization="neural_tangent")
    >>> rate_factors(layer, layer.init(np.random.default_rng(0), np.dtype(np.float32)))
    {'W': 1.0, 'b': 0.1}
    """
    # Adam with a factor c on a parameter p is Adam on p / c, multiplied by c in the forward pass, but for ε. The factor
    # is given to the optimiser instead: then files and explanations hold the weights of the formula, ε is what it says,
    # factors mean the same for SGD, and the price is a product of two scalars a step.
    own = getattr(part, "rate_factors", None)
    return map_leaves(lambda _: 1.0, parameters) if own is None else own(parameters)
