"""The multilayer perceptron: sizes, activations, a loss, and what is put between the layers.

Its parameters are a list with one dict a layer, ``{"W": (n_in, n_out), "b": (n_out,)}``, whatever else is chosen;
layer normalization adds ``"scale"`` and ``"shift"`` to those of the hidden layers, a scaled input ``"input_scale"`` and
embedded columns ``"embedding"`` to those of the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from memograd.errors import BadSetting, ModelFileError
from memograd.nn.activations import Activation, ActivationLike, activation_name, resolve_activation
from memograd.nn.arrays import Array, DType, Parameters
from memograd.nn.embedding import DEFAULT_WIDTH, Embedding, checked_cardinalities
from memograd.nn.layer import Layer, Noise
from memograd.nn.layers import Activate, Dense, Dropout, LayerNorm, Sequential
from memograd.nn.losses import LOSSES, LossLike, resolve_loss
from memograd.nn.network import Network
from memograd.nn.parametrizations import PARAMETRIZATIONS
from memograd.nn.settings import BELOW_ONE, COUNT, FLAG, settle


@final
@dataclass(frozen=True, slots=True)
class MLP:
    """Dense layers one after the other, and the loss they are trained against.

    Parameters
    ----------
    sizes : sequence of int
        Columns of the input, nodes of each hidden layer, outputs.
    activation : str, callable, Activation, or a sequence of them
        One for all hidden layers, or one for each.
    loss : str, Loss or callable
        By name, as a record with its settings, or a function ``(scores, target) -> (n_samples,)``.
    output_activation : str, callable or Activation
        The losses expect scores before any inverse link, so this is seldom other than the identity.
    dropout : float
        The rate at which the outputs of hidden layers are dropped.
    layer_norm : bool
        Whether hidden layers are normalized before their activation.
    parametrization : {"standard", "glorot", "neural_tangent"}
        Of the dense layers; see `Dense`.
    scaled_input : bool
        Whether each column that enters the first dense layer is multiplied by a trained number of its own.
    zero_output : bool
        Whether the last layer's weights and biases start at 0.
    embedded : sequence of int
        How many codes each of the last columns of the input has: those are embedded; see `Embedding`.
    embedding_width : int
        By how many columns each of them is replaced.

    Raises
    ------
    BadSetting
        When sizes are fewer than two or not positive, activations not as many as hidden layers, the rate is not in
        [0, 1), the loss takes another number of outputs, or more columns are embedded than there are.
    UnknownName
        When there is no such activation, loss or parametrization.

    Examples
    --------
    >>> network = MLP((2, 2, 2, 1), activation="tanh", loss="squared_error")
    >>> parameters = network.init(seed=0)
    >>> [layer["W"].shape for layer in parameters]
    [(2, 2), (2, 2), (2, 1)]
    >>> network(parameters, np.zeros((5, 2), np.float32)).shape
    (5, 1)
    """

    sizes: Sequence[int]
    activation: ActivationLike | Sequence[ActivationLike] = "relu"
    loss: LossLike = "squared_error"
    output_activation: ActivationLike = "identity"
    dropout: float = field(default=0.0, kw_only=True)
    layer_norm: bool = field(default=False, kw_only=True)
    parametrization: str = field(default="standard", kw_only=True)
    scaled_input: bool = field(default=False, kw_only=True)
    zero_output: bool = field(default=False, kw_only=True)
    embedded: Sequence[int] = field(default=(), kw_only=True)
    embedding_width: int = field(default=DEFAULT_WIDTH, kw_only=True)
    network: Network = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        settle(self, dropout=BELOW_ONE, layer_norm=FLAG, scaled_input=FLAG, zero_output=FLAG, embedding_width=COUNT)
        object.__setattr__(self, "sizes", _checked_sizes(self.sizes))
        object.__setattr__(self, "embedded", checked_cardinalities("MLP(embedded=...)", self.embedded, self.sizes[0]))
        object.__setattr__(self, "activation", _hidden_activations(self.activation, self.sizes))
        object.__setattr__(self, "output_activation", resolve_activation(self.output_activation))
        object.__setattr__(self, "loss", resolve_loss(self.loss))
        object.__setattr__(self, "network", Network(Sequential(*_blocks(self)), self.loss))

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of each layer, the output's last."""
        return (*_hidden_activations(self.activation, self.sizes), resolve_activation(self.output_activation))

    @property
    def product_factors(self) -> tuple[float, ...]:
        """What multiplies x W in each layer."""
        parametrization = PARAMETRIZATIONS[self.parametrization]
        return tuple(parametrization.product_factor(n_in) for n_in in (_first_width(self), *self.sizes[1:-1]))

    def init(self, seed: int, dtype: Any = np.float32) -> Parameters:
        """Parameters to start from; see `Network.init`."""
        return self.network.init(seed, dtype)

    def rate_factors(self, parameters: Parameters) -> Parameters:
        """What multiplies the learning rate of each parameter; see `memograd.nn.layer.rate_factors`."""
        return self.network.rate_factors(parameters)

    def __call__(self, parameters: Parameters, X: Array, noise: Noise | None = None) -> Array:
        """The scores, (n_samples, sizes[-1]); see `Network.__call__`."""
        return self.network(parameters, X, noise)

    def loss_value(
        self, parameters: Parameters, X: Array, y: Array, weight: Array | None = None, noise: Noise | None = None
    ) -> Array:
        """The mean loss over the samples; see `Network.loss_value`."""
        return self.network.loss_value(parameters, X, y, weight, noise)

    def predict(self, parameters: Parameters, X: Array) -> Array:
        """Numbers (n_samples, sizes[-1]) or class indices (n_samples,); see `Network.predict`."""
        return self.network.predict(parameters, X)

    def to_config(self) -> dict[str, Any]:
        """A description that JSON can hold and `from_config` reads.

        Raises
        ------
        ModelFileError
            When an activation or the loss is a user's function, which no file can hold.

        Examples
        --------
        >>> MLP((2, 3, 1)).to_config()["activation"]
        ['relu']
        """
        *hidden, output = map(activation_name, self.activations)
        return {
            "sizes": list(self.sizes),
            "activation": hidden,
            "loss": LOSSES.to_config(resolve_loss(self.loss)),
            "output_activation": output,
            "dropout": self.dropout,
            "layer_norm": self.layer_norm,
            "parametrization": self.parametrization,
            "scaled_input": self.scaled_input,
            "zero_output": self.zero_output,
            "embedded": list(self.embedded),
            "embedding_width": self.embedding_width,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> MLP:
        """The network that `to_config` described, or an older version of it: what it did not know is as by default.

        Raises
        ------
        ModelFileError
            When parts of the description are missing or unknown.
        UnknownName, BadSetting
            When it names or sets what there is not.

        Examples
        --------
        >>> network = MLP((2, 3, 1), "tanh", "huber", dropout=0.1)
        >>> MLP.from_config(network.to_config()) == network
        True
        """
        _check_keys(config)
        settings = {**config, "sizes": tuple(config["sizes"]), "activation": tuple(config["activation"])}
        return cls(**{**settings, "loss": LOSSES.from_config(config["loss"])})


@final
@dataclass(frozen=True, slots=True)
class _Block:
    """One layer of the perceptron: parts that share one dict of parameters, of which at most one draws noise."""

    parts: tuple[Layer, ...]

    @property
    def n_in(self) -> int | None:
        return self.parts[0].n_in

    @property
    def n_out(self) -> int | None:
        return next((part.n_out for part in reversed(self.parts) if part.n_out), None)

    @property
    def n_streams(self) -> int:
        return sum(part.n_streams for part in self.parts)

    def init(self, generator: np.random.Generator, dtype: DType) -> Parameters:
        return {name: value for part in self.parts for name, value in part.init(generator, dtype).items()}

    def rate_factors(self, parameters: Parameters) -> Parameters:
        factors = dict.fromkeys(parameters, 1.0)
        for part in self.parts:
            own = getattr(part, "rate_factors", None)
            factors.update({} if own is None else own(parameters))
        return factors

    def __call__(self, parameters: Parameters, x: Array, noise: Noise | None = None) -> Array:
        for part in self.parts:
            x = part(parameters, x, noise)
        return x


def _blocks(mlp: MLP) -> Iterator[_Block]:
    after = (Dropout(mlp.dropout),) if mlp.dropout else ()
    widths = (_first_width(mlp), *mlp.sizes[1:])
    last = len(widths) - 2
    for index, (n_in, n_out, activation) in enumerate(zip(widths, widths[1:], mlp.activations, strict=False)):
        before = (Embedding(mlp.sizes[0], tuple(mlp.embedded), mlp.embedding_width),) if mlp.embedded else ()
        is_normalized = mlp.layer_norm and index < last
        dense = Dense(
            n_in,
            n_out,
            "identity" if is_normalized else activation,
            parametrization=mlp.parametrization,
            scaled_input=mlp.scaled_input and index == 0,
            starts_at_zero=mlp.zero_output and index == last,
        )
        normal = (LayerNorm(n_out), Activate(activation)) if is_normalized else ()
        yield _Block((*(before if index == 0 else ()), dense, *normal, *(after if index < last else ())))


def _first_width(mlp: MLP) -> int:
    """Columns that enter the first dense layer."""
    return mlp.sizes[0] + len(mlp.embedded) * (mlp.embedding_width - 1)


def _checked_sizes(sizes: Any) -> tuple[int, ...]:
    try:
        sizes = tuple(sizes)
    except TypeError:
        raise BadSetting(f"MLP(sizes={sizes!r}): sizes must be a sequence, such as (2, 16, 1)") from None
    bad = [f"sizes[{index}] is {size!r}" for index, size in enumerate(sizes) if not COUNT.accepts(size)]
    if bad or len(sizes) < 2:
        found = " and ".join(bad) or f"there are {len(sizes)}"
        raise BadSetting(
            f"MLP(sizes={sizes!r}): {found}; sizes must be two or more positive integers: columns of the input, "
            "nodes of each hidden layer, outputs"
        )
    return tuple(map(COUNT.convert, sizes))


def _hidden_activations(activation: Any, sizes: Sequence[int]) -> tuple[Activation, ...]:
    n_hidden = len(sizes) - 2
    if not isinstance(activation, (tuple, list)):
        return (resolve_activation(activation),) * n_hidden
    if len(activation) != n_hidden:
        raise BadSetting(f"MLP(sizes={sizes}): {len(activation)} activations were given for {n_hidden} hidden layers")
    return tuple(map(resolve_activation, activation))


# What descriptions have had from the first, and what was added; a file without the latter has the defaults.
_KEYS = {"sizes", "activation", "loss", "output_activation", "dropout", "layer_norm"}
_ADDED_KEYS = {"parametrization", "scaled_input", "zero_output", "embedded", "embedding_width"}


def _check_keys(config: Mapping[str, Any]) -> None:
    missing, unknown = sorted(_KEYS - config.keys()), sorted(config.keys() - _KEYS - _ADDED_KEYS)
    if missing or unknown:
        raise ModelFileError(f"a description of an MLP: missing {missing}, unknown {unknown}")
