"""Numbers for a derivation from a real network: three ways that agree, and what cannot be explained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memograd.errors import ShapeError, UnknownName
from memograd.gradient.paths import network_values as module
from memograd.gradient.paths.network_values import network_values
from memograd.nn.activations import ACTIVATIONS
from memograd.nn.losses import LOSSES
from memograd.nn.mlp import MLP


def a_sample(network: Any, seed: int = 0) -> tuple[Any, Any, Any]:
    """Parameters, an input and a target that the network's loss takes."""
    rng = np.random.default_rng(seed)
    is_chosen = hasattr(network.loss, "probabilities")
    chosen = np.zeros(network.loss.predict(np.zeros((1, network.sizes[-1]))).shape)
    target = chosen if is_chosen else rng.random((1, network.sizes[-1]))
    y = network.loss.target_array(target, network.sizes[-1], np.dtype(np.float64))
    return network.init(seed, np.float64), rng.normal(size=network.sizes[0]), y


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("weight", [(1, 2, 3), (2, 1, 2), (3, 2, 1)])
def test_three_values_agree(activation: str, weight: tuple[int, int, int]) -> None:
    """Path by path, by `grad` and by differences of the loss, for every activation and in every layer."""
    network = MLP((2, 3, 2, 2), activation)
    values = network_values(network, *a_sample(network), weight)
    # Up to six paths of five factors, each right to a few ulps.
    assert values.path_sum == pytest.approx(values.memoized, rel=1e-13, abs=1e-15)
    # A central difference is good to about ε^(2/3), 4e-11, of the loss, which is about 1.
    assert values.finite_difference == pytest.approx(values.memoized, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", sorted(LOSSES.members))
def test_every_loss_is_explained(name: str) -> None:
    """Whatever the loss makes of the scores, its derivative begins every path."""
    network = MLP((2, 3, 1 if name == "binary_cross_entropy" else 3), "tanh", name)
    values = network_values(network, *a_sample(network), (1, 1, 2))
    assert values.memoized
    assert values.path_sum == pytest.approx(values.memoized, rel=1e-13)
    assert values.finite_difference == pytest.approx(values.memoized, rel=1e-6, abs=1e-9)


def test_too_many_paths_are_not_taken_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reverse mode still answers where the sum over the paths is not taken."""
    network = MLP((2, 3, 2, 2), "tanh")
    few = network_values(network, *a_sample(network), (1, 1, 1))
    monkeypatch.setattr(module, "MAX_PATHS", 3)
    many = network_values(network, *a_sample(network), (1, 1, 1))
    assert many.path_sum is None
    assert (many.memoized, many.finite_difference) == (few.memoized, few.finite_difference)


@pytest.mark.parametrize("weight", [(1, 2, 3), (2, 1, 2), (3, 2, 1)])
def test_factors_on_products_are_on_the_paths(weight: tuple[int, int, int]) -> None:
    """In the neural-tangent parametrization each edge carries the 1/√n of its layer."""
    network = MLP((2, 3, 2, 2), "mish", parametrization="neural_tangent")
    values = network_values(network, *a_sample(network), weight)
    assert values.path_sum == pytest.approx(values.memoized, rel=1e-13, abs=1e-15)
    assert values.finite_difference == pytest.approx(values.memoized, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(("options", "found"), [
    ({"layer_norm": True}, "scale, shift"), ({"scaled_input": True}, "input_scale"), ({"embedded": (3,)}, "embedding"),
])  # fmt: skip
def test_other_layers_have_other_paths(options: dict[str, Any], found: str) -> None:
    """Where layers do more than multiply, add and activate, the paths are others; that is refused by name."""
    network = MLP((2, 3, 1), **options)
    with pytest.raises(ShapeError, match=f"has the parameters {found} besides W and b; explain one without"):
        network_values(network, *a_sample(network), (1, 1, 1))


def test_a_weight_that_is_not_there_is_refused() -> None:
    """By its index, counted from 1, and not taken from the other end of an array."""
    network = MLP((2, 3, 1))
    with pytest.raises(UnknownName, match="counted from 1 to 2, and 0"):
        network_values(network, *a_sample(network), (1, 0, 1))
