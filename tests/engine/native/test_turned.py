"""Weights of few outputs: turned in memory, and nowhere else to be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memograd.engine.native.machine import Machine
from memograd.engine.native.ordered import ordered
from memograd.engine.native.traced_step import STATE
from memograd.engine.native.turned import is_narrow, turned
from memograd.graph.ops import make_input
from memograd.nn.mlp import MLP
from memograd.nn.optimizers import SGD, Adam, AdamW

from .emitted import MACHINES
from .programs import Training, classes, distance, leaves


@pytest.mark.parametrize(
    ("shape", "is_one"),
    [
        ((64, 2), True),
        ((100, 10), True),
        ((16, 15), True),
        ((64, 16), False),  # a whole vector
        ((64, 1), False),  # a vector, as it is
        ((15, 2), False),  # less than a vector either way
        ((2, 64), False),
        ((5000, 10), False),  # too many to be turned by each thread
        ((64,), False),
    ],
)
def test_what_is_narrow(shape: tuple[int, ...], is_one: bool) -> None:
    assert is_narrow(make_input(0, 0, shape, np.dtype(np.float32)), 16) == is_one


def test_states_are_turned() -> None:
    """The last layer's weights and both of Adam's moments; what is trained is given back as it came."""
    network = MLP((20, 64, 2), "relu", "cross_entropy")
    training = Training(network, Adam(), classes(64, 20, 2), parameters=network.init(5))
    turns = [form.node.shape for form in training.code.states if form.is_turned]
    assert turns == [(2, 64)] * 3
    given = leaves(network.init(5))
    for found, value in zip(training.native.state[: len(given)], given, strict=True):
        np.testing.assert_array_equal(found, value)


def test_one_product_is_one_product() -> None:
    """Each product of a step occurs once in the turned graph too."""
    training = Training(MLP((20, 64, 2), "relu", "cross_entropy"), AdamW(0.01), classes(64, 20, 2), l2=0.1)
    (step,) = training.steps.values()
    graph = ordered(step.graph, step.plan)
    states = [i for i, role in enumerate(step.roles) if role == STATE]
    picked = {j for j, i in enumerate(states) if graph.inputs[i].shape == (64, 2)}
    assert len(picked) == 3
    found = turned(graph, {states[j] for j in picked}, picked)
    products = [sum(node.op == "matmul" for node in nodes) for nodes in (graph.nodes, found.nodes)]
    assert products[0] == products[1]
    assert {found.outputs[j].shape for j in picked} == {(2, 64)}
    assert [x.shape for i, x in enumerate(found.outputs) if i not in picked] == [
        x.shape for i, x in enumerate(graph.outputs) if i not in picked
    ]


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "optimizer", [SGD(0.1, momentum=0.9, nesterov=True), Adam(0.01), AdamW(0.01, weight_decay=0.3)]
)
def test_turned_steps(target: Machine, dtype: Any, optimizer: Any) -> None:
    """On every width of vectors, two layers and three, with a penalty, and a last minibatch of one row."""
    lanes = target.lanes(np.dtype(dtype).itemsize)
    for sizes in ((40, 70, 3), (33, 70, 3 * lanes, max(lanes - 1, 2))):
        run = Training(
            MLP(sizes, "tanh", "cross_entropy"), optimizer, classes(61, sizes[0], sizes[-1], dtype),
            batch=30, epochs=2, target=target, l2=0.1,
        )  # fmt: skip
        assert any(form.is_turned for form in run.code.states) == (sizes[-1] < lanes)
        state, losses = run.run()
        expected, expected_losses = run.expected()
        assert distance(state, expected) <= (1e-3 if dtype == np.float32 else 1e-10)
        assert losses == pytest.approx(expected_losses, rel=1e-5)
