"""Layers: frozen records that make their parameters and compute their output; none holds an array.

Owns the widths, which are checked where layers meet, and the random streams of dropout: every dropout of a network
draws from a stream of its own, numbered by its place. Chains of layers are walked, not recursed into, so their length
has no limit; only residual blocks *inside* residual blocks use Python's stack.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import numpy as np

from memograd.errors import BadSetting, ShapeError
from memograd.graph.random import random_bits
from memograd.nn.activations import ActivationLike, resolve_activation
from memograd.nn.arrays import Array, DType, Parameters, check_columns
from memograd.nn.families import look_up
from memograd.nn.layer import Layer, Noise, rate_factors
from memograd.nn.parametrizations import PARAMETRIZATIONS
from memograd.nn.settings import BELOW_ONE, COUNT, FLAG, POSITIVE, settle

# How many values 32 random bits have.
N_WORDS = 2**32

INPUT_SCALE_RATE = 6.0
"""What multiplies the learning rate of input scales in RealMLP-TD-S (Holzmüller et al. 2024, "Better by default")."""


@final
@dataclass(frozen=True, slots=True)
class Dense:
    """activation(c x W + b), with W : (n_in, n_out) and b : (n_out,).

    Parameters
    ----------
    n_in, n_out : int
    activation : str, callable or Activation
    parametrization : {"standard", "glorot", "neural_tangent"}
        Standard: c is 1, W starts uniform around 0 with the variance that suits the activation, b at 0. Neural
        tangent: c is 1/√n_in, W and b start standard normal, and b moves at a tenth of the learning rate.
    scaled_input : bool
        Whether each column of x is multiplied by a number of its own first, ``"input_scale"`` : (n_in,), which starts
        at 1 and moves at six times the learning rate.
    starts_at_zero : bool
        Whether W and b start at 0.

    Raises
    ------
    BadSetting
        Unless `n_in` and `n_out` are positive integers.
    UnknownName
        When there is no such activation or parametrization.

    Examples
    --------
    >>> layer = Dense(3, 2, "relu")
    >>> layer({"W": np.ones((3, 2)), "b": np.array([0.0, -9.0])}, np.ones((1, 3)))
    array([[3., 0.]])
    """

    n_streams: ClassVar[int] = 0

    n_in: int
    n_out: int
    activation: ActivationLike = "identity"
    parametrization: str = field(default="standard", kw_only=True)
    scaled_input: bool = field(default=False, kw_only=True)
    starts_at_zero: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        settle(self, n_in=COUNT, n_out=COUNT, scaled_input=FLAG, starts_at_zero=FLAG)
        object.__setattr__(self, "activation", resolve_activation(self.activation))
        look_up("parametrization", PARAMETRIZATIONS, self.parametrization)

    @property
    def product_factor(self) -> float:
        """What multiplies x W."""
        return PARAMETRIZATIONS[self.parametrization].product_factor(self.n_in)

    def init(self, generator: np.random.Generator, dtype: DType) -> Parameters:
        """See `Layer.init`."""
        if self.starts_at_zero:
            parameters = {"W": np.zeros((self.n_in, self.n_out), dtype), "b": np.zeros(self.n_out, dtype)}
        else:
            variance = resolve_activation(self.activation).variance(self.n_in, self.n_out)
            start = PARAMETRIZATIONS[self.parametrization].start
            weights, biases = start(generator, self.n_in, self.n_out, variance)
            parameters = {"W": weights.astype(dtype), "b": biases.astype(dtype)}
        if self.scaled_input:
            parameters["input_scale"] = np.ones(self.n_in, dtype)
        return parameters

    def rate_factors(self, parameters: Parameters) -> Parameters:
        """See `rate_factors`."""
        factors = {"W": 1.0, "b": PARAMETRIZATIONS[self.parametrization].bias_rate}
        return {**factors, "input_scale": INPUT_SCALE_RATE} if self.scaled_input else factors

    def __call__(self, parameters: Parameters, x: Array, noise: Noise | None = None) -> Array:
        """See `Layer`."""
        check_columns(self, x, self.n_in)
        weights, factor = parameters["W"], self.product_factor
        if self.scaled_input:
            # (x · scale) W = x (scale · W): with the scale on W its derivative is a row sum of dW · W, which is there
            # anyway; on x it would take another product, that with the transposed W, for the first layer alone.
            weights, factor = np.expand_dims(parameters["input_scale"] * factor, 1) * weights, 1.0
        activate = resolve_activation(self.activation)
        if factor == 1.0:
            return activate(x @ weights + parameters["b"])
        # c (x W + b / c), and not c x W + b: so both products backward need one and the same matrix, and the bias its
        # column sums. A scaled W would be a pass over all weights, c x W + b one more matrix to store in each layer.
        return activate(factor * (x @ weights + parameters["b"] * (1.0 / factor)))


@final
@dataclass(frozen=True, slots=True)
class Activate:
    """An activation as a layer of its own.

    Examples
    --------
    >>> Activate("relu")({}, np.array([[-1.0, 2.0]]))
    array([[0., 2.]])
    """

    n_in: ClassVar[None] = None
    n_out: ClassVar[None] = None
    n_streams: ClassVar[int] = 0

    activation: ActivationLike

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", resolve_activation(self.activation))

    def init(self, generator: np.random.Generator, dtype: DType) -> Parameters:
        """No parameters."""
        return {}

    def __call__(self, parameters: Parameters, x: Array, noise: Noise | None = None) -> Array:
        """See `Layer`."""
        return resolve_activation(self.activation)(x)


@final
@dataclass(frozen=True, slots=True)
class LayerNorm:
    """Each row less its mean, over its standard deviation; then scaled and shifted, column by column.

    Source: Ba, Kiros, Hinton 2016, "Layer normalization"; the variance is that of n, and `epsilon` is added to it.

    Raises
    ------
    BadSetting
        Unless `n` is a positive integer and `epsilon` positive.

    Examples
    --------
    >>> layer = LayerNorm(2)
    >>> layer({"scale": np.ones(2), "shift": np.zeros(2)}, np.array([[1.0, 5.0]])).round(4)
    array([[-1.,  1.]])
    """

    n_streams: ClassVar[int] = 0

    n: int
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        settle(self, n=COUNT, epsilon=POSITIVE)

    @property
    def n_in(self) -> int:
        """Columns taken."""
        return self.n

    @property
    def n_out(self) -> int:
        """Columns given."""
        return self.n

    def init(self, generator: np.random.Generator, dtype: DType) -> Parameters:
        """A scale of 1 and a shift of 0 for each column."""
        return {"scale": np.ones(self.n, dtype), "shift": np.zeros(self.n, dtype)}

    def __call__(self, parameters: Parameters, x: Array, noise: Noise | None = None) -> Array:
        """See `Layer`."""
        check_columns(self, x, self.n)
        centred = x - np.mean(x, axis=1, keepdims=True)
        variance = np.mean(np.square(centred), axis=1, keepdims=True)
        return centred / np.sqrt(variance + self.epsilon) * parameters["scale"] + parameters["shift"]


@final
@dataclass(frozen=True, slots=True)
class Dropout:
    """Sets each element to 0 with probability `rate`, and scales the others so that the mean stays.

    Source: Srivastava et al. 2014, in the inverted form, which leaves predicting as it is. An element is kept when its
    32 random bits are below a threshold: the probability is `rate` to 2⁻³², and the scale the exact inverse of what is
    kept. Which elements go depends on the noise and the shape, never on the values.

    Raises
    ------
    BadSetting
        Unless `rate` is in [0, 1).

    Examples
    --------
    >>> Dropout(0.5)({}, np.ones((2, 4)), Noise.at(seed=0, epoch=0, step=0))
    array([[2., 2., 0., 2.],
           [2., 2., 2., 0.]])
    >>> Dropout(0.5)({}, np.ones((1, 4)))
    array([[1., 1., 1., 1.]])
    """

    n_in: ClassVar[None] = None
    n_out: ClassVar[None] = None
    n_streams: ClassVar[int] = 1

    rate: float

    def __post_init__(self) -> None:
        settle(self, rate=BELOW_ONE)

    @property
    def threshold(self) -> int:
        """How many of the 2³² values of the bits keep an element; at least 1."""
        return max(1, round((1.0 - self.rate) * N_WORDS))

    def init(self, generator: np.random.Generator, dtype: DType) -> Parameters:
        """No parameters."""
        return {}

    def __call__(self, parameters: Parameters, x: Array, noise: Noise | None = None) -> Array:
        """See `Layer`."""
        if noise is None or self.threshold == N_WORDS:
            return x
        bits = random_bits(noise.key, noise.counter, tuple(x.shape))
        return np.where(bits < np.uint32(self.threshold), x * (N_WORDS / self.threshold), 0.0)


@final
@dataclass(frozen=True, slots=True, init=False)
class Sequential:
    """Layers one after the other; their parameters are a list.

    A Sequential among the layers is taken apart, so composition is associative, in its parameters too.

    Raises
    ------
    ShapeError
        When a layer takes another number of columns than the one before gives.
    BadSetting
        When something is no layer.

    Examples
    --------
    >>> network = Sequential(Dense(4, 8, "relu"), Dropout(0.1), Dense(8, 2))
    >>> parameters = network.init(np.random.default_rng(0), np.dtype(np.float32))
    >>> network(parameters, np.zeros((5, 4), np.float32)).shape
    (5, 2)
    """

    layers: tuple[Layer, ...]
    n_in: int | None = field(repr=False, compare=False)
    n_out: int | None = field(repr=False, compare=False)
    n_streams: int = field(repr=False, compare=False)

    def __init__(self, *layers: Layer) -> None:
        _check_chain(layers)
        object.__setattr__(self, "layers", tuple(_unnested(layers)))
        object.__setattr__(self, "n_in", next((x.n_in for x in layers if x.n_in), None))
        object.__setattr__(self, "n_out", next((x.n_out for x in reversed(layers) if x.n_out), None))
        object.__setattr__(self, "n_streams", sum(layer.n_streams for layer in layers))

    def init(self, generator: np.random.Generator, dtype: DType) -> Parameters:
        """A list of the layers' parameters."""
        return [layer.init(generator, dtype) for layer in self.layers]

    def rate_factors(self, parameters: Parameters) -> Parameters:
        """See `rate_factors`."""
        return [rate_factors(layer, own) for layer, own in zip(self.layers, parameters, strict=True)]

    def __call__(self, parameters: Parameters, x: Array, noise: Noise | None = None) -> Array:
        """See `Layer`."""
        n_streams = 0
        for layer, own in zip(self.layers, parameters, strict=True):
            x = layer(own, x, noise.skip(n_streams) if noise is not None and layer.n_streams else None)
            n_streams += layer.n_streams
        return x


@final
@dataclass(frozen=True, slots=True, init=False)
class Residual:
    """x + layers(x); the parameters are those of the layers in sequence.

    Source: He, Zhang, Ren, Sun 2016, "Identity mappings in deep residual networks", without an activation after.

    Raises
    ------
    ShapeError
        When the layers do not fit each other, or do not give as many columns as they take.

    Examples
    --------
    >>> block = Residual(LayerNorm(8), Dense(8, 32, "gelu"), Dense(32, 8))
    >>> block.n_in, block.n_out
    (8, 8)
    """

    body: Sequential

    def __init__(self, *layers: Layer) -> None:
        body = Sequential(*layers)
        if body.n_in != body.n_out:
            raise ShapeError(
                f"Residual: the layers take {body.n_in} columns and give {body.n_out}, "
                "so their output cannot be added to their input"
            )
        object.__setattr__(self, "body", body)

    @property
    def n_in(self) -> int | None:
        """Columns taken."""
        return self.body.n_in

    @property
    def n_out(self) -> int | None:
        """Columns given."""
        return self.body.n_out

    @property
    def n_streams(self) -> int:
        """Random streams drawn from."""
        n_streams: int = self.body.n_streams
        return n_streams

    def init(self, generator: np.random.Generator, dtype: DType) -> Parameters:
        """A list of the layers' parameters."""
        return self.body.init(generator, dtype)

    def rate_factors(self, parameters: Parameters) -> Parameters:
        """See `rate_factors`."""
        return self.body.rate_factors(parameters)

    def __call__(self, parameters: Parameters, x: Array, noise: Noise | None = None) -> Array:
        """See `Layer`."""
        return x + self.body(parameters, x, noise)


def _unnested(layers: Iterable[Layer]) -> Iterable[Layer]:
    """The layers, those of a Sequential in its place; one level, since a Sequential holds no other."""
    # What a Sequential holds has been checked: checked again, a chain built layer by layer would cost n² checks.
    for layer in layers:
        yield from layer.layers if isinstance(layer, Sequential) else (layer,)


def _check_chain(layers: tuple[Any, ...]) -> None:
    width: int | None = None
    for index, layer in enumerate(layers):
        if isinstance(layer, type) or not isinstance(layer, Layer):
            raise BadSetting(
                f"layer {index} (counted from 0) is no layer but {layer!r}; a function can be "
                "made one with Activate(function)"
            )
        if None not in (width, layer.n_in) and width != layer.n_in:
            raise ShapeError(
                f"layer {index} (counted from 0), {layer!r}, takes {layer.n_in} columns, "
                f"but the layers before it give {width}"
            )
        width = layer.n_out or width
