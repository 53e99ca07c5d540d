"""The door: networks of every kind, samples of every kind, and what it says about what does not fit."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

import memograd as mg
from memograd.errors import DataError, ShapeError, UnknownName
from memograd.explain.explanation import explain
from memograd.nn.mlp import MLP

KEYS = ["network", "weight", "paths", "terms", "shared", "multiplications", "latex", "values"]

NETWORKS = [
    ((1, 1), (1, 1, 1)),
    ((2, 1), (1, 2, 1)),
    ((2, 2, 2, 2), (1, 1, 1)),
    ((3, 12, 11, 1), (1, 3, 12)),
    ((3, 12, 11, 12), (2, 12, 11)),
    ((2, 8, 8, 8, 8, 8, 1), (1, 1, 1)),
    ((64, 64, 64, 10), (1, 64, 64)),
    ((2, 2, 2, 1), (3, 2, 1)),
    ((2, *[3] * 1_000, 1), (1, 1, 1)),
    ((2, *[8] * 1_000, 12), (500, 8, 7)),
    ((1,) * 1_000, (999, 1, 1)),
]


@pytest.mark.parametrize(("sizes", "weight"), NETWORKS, ids=lambda value: "-".join(map(str, value[:6])))
def test_any_network_is_explained(sizes: tuple[int, ...], weight: tuple[int, int, int]) -> None:
    """Lines fit, brackets are paired in text and LaTeX, and the data has every key, whatever the network."""
    explanation = explain(MLP(sizes, "tanh"), weight)
    lines = explanation.text.split("\n")
    assert max(map(len, lines)) < 100
    assert lines == [line.rstrip() for line in lines]
    assert explanation.text.count("[") == explanation.text.count("]") == explanation.latex.count(r"\left[")
    assert explanation.latex.count(r"\left[") == explanation.latex.count(r"\right]")
    assert explanation.latex.count("{") == explanation.latex.count("}")
    form = explanation.to_json()
    assert [*form] == KEYS
    assert json.loads(json.dumps(form)) == form


@pytest.mark.parametrize(("sizes", "weight"), NETWORKS, ids=lambda value: "-".join(map(str, value[:6])))
def test_grammar_follows_number(sizes: tuple[int, ...], weight: tuple[int, int, int]) -> None:
    """One path leads and shares nothing, two are both, and one more factor is shared where several are."""
    text = explain(MLP(sizes, "tanh"), weight).text
    assert not re.search(r"\b1 (paths|more factors)\b|[^,\d]1 path lead |\b1 more factor are", text)
    assert ("1 path leads" in text) == ("A single path" in text)


def test_the_three_values_are_those_of_the_sample() -> None:
    """Parameters, sample and target are taken as they are given, and the gradient is that of the loss there."""
    network = MLP((2, 3, 2), "tanh")
    parameters = network.init(3, np.float64)
    x, y = [0.5, -1.0], [1.0, 2.0]
    values = explain(network, (1, 2, 3), parameters=parameters, x=x, y=y).derivation.values
    expected = mg.grad(lambda p: network.loss_value(p, np.array([x]), np.array([y])))(parameters)
    assert values is not None
    assert values.memoized == expected[0]["W"][1, 2]


def test_parameters_in_single_precision_are_explained_in_double() -> None:
    """Three ways agree to ten digits even where the network was trained in float32."""
    network = MLP((2, 3, 2), "tanh")
    values = explain(network, parameters=network.init(0)).derivation.values
    assert values is not None
    assert values.finite_difference == pytest.approx(values.memoized, rel=1e-8)


@pytest.mark.parametrize(
    ("network", "y"),
    [
        (MLP((2, 3, 3), "tanh"), [1.0, 2.0, 3.0]),
        (MLP((2, 3, 1), "tanh"), 1.0),
        (MLP((2, 3, 3), "tanh", "cross_entropy"), 2),
        (MLP((2, 3, 1), "tanh", "binary_cross_entropy"), 1),
        (MLP((2, 3, 1), "tanh", lambda scores, target: np.sum(np.abs(scores - target) ** 3, axis=1)), [0.5]),
        (MLP((2, 3, 3), "tanh", "cross_entropy"), None),
        (MLP((2, 3, 3), "tanh", "poisson"), None),
    ],
)
def test_a_target_is_numbers_or_a_class(network: MLP, y: Any) -> None:
    """One target for one sample, as the loss takes it, or drawn."""
    values = explain(network, x=[1.0, 2.0], y=y).derivation.values
    assert values is not None
    assert values.memoized
    # Three paths at most, of three factors.
    assert values.path_sum == pytest.approx(values.memoized, rel=1e-13)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": [1.0, 2.0, 3.0]}, ShapeError, r"x has shape \(3,\), and one sample for this network has shape \(2,\)"),
        ({"x": [[1.0, 2.0]]}, ShapeError, r"x has shape \(1, 2\)"),
        ({"y": [1.0, 2.0]}, DataError, "3 outputs"),
        ({"weight": (1, 1, 4)}, UnknownName, "counted from 1 to 3, and 4"),
        ({"weight": (1, 1)}, UnknownName, "three indices"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """The refusal says what was given and what is needed."""
    with pytest.raises(error, match=message):
        explain(MLP((2, 3, 3)), **arguments)


def test_very_large_networks_are_explained_without_numbers() -> None:
    """Beyond ten million weights formula and counts are at hand at once, and values are not."""
    explanation = explain(MLP((4_000, 4_000, 1)))
    assert explanation.derivation.values is None
    assert explanation.to_json()["values"] is None
    assert "in numbers" not in explanation.text


def test_a_notebook_shows_the_formula() -> None:
    """In display style, between dollar signs; printed, it is the text."""
    explanation = explain(MLP((2, 2, 1)))
    assert explanation._repr_latex_() == f"$\\displaystyle {explanation.latex}$"
    assert str(explanation) == explanation.text


def test_a_loss_of_labels_is_explained() -> None:
    """A sample without any label is the target where none was given."""
    values = explain(MLP((2, 2, 3), "tanh", "multilabel_cross_entropy")).derivation.values
    assert values is not None
    assert values.path_sum == pytest.approx(values.memoized, rel=1e-12)


def test_embedded_columns_are_refused() -> None:
    """The weights of the first layer do not belong to columns of the input one by one; that is said at once."""
    with pytest.raises(ShapeError, match="embedded columns has other inputs; explain one without"):
        explain(MLP((2, 10_000, 1_500, 1), embedded=(3,)))
