"""Which ops go into one loop, and what is written to memory: as little as can be."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import memograd as mg
from memograd.engine.native.fusion import LOOPS, MAX_MEMBERS, MAX_PULLED, Fusion, Kernel, long_axes
from memograd.engine.native.kernels.table import LOOPS_OF
from memograd.graph.node import Node
from memograd.nn.mlp import MLP
from memograd.nn.optimizers import SGD, Adam, AdamW, Optimizer

from .programs import Training


def fused(f: Any, *args: Any) -> tuple[Fusion, tuple[Node, ...]]:
    """The kernels of a function, and its results."""
    compiled = mg.compile(f, *args, engine="numpy")
    plan = compiled.plan
    order = [plan.nodes[i] for i in plan.schedule.order]
    leaves = [node for node in plan.nodes if node not in set(order)]
    return Fusion([*leaves, *order], compiled.graph.outputs, {}), compiled.graph.outputs


def names(kernel: Kernel) -> list[str]:
    """The ops that a kernel computes."""
    return [node.op for node in kernel.results]


X = np.ones((20, 30))


def test_every_loop_has_code() -> None:
    """The ops that need a loop are those that kernels are written for."""
    assert LOOPS_OF.keys() == LOOPS


def test_elementwise_ops_are_one_kernel() -> None:
    """However many, only the result is stored."""
    fusion, (out,) = fused(lambda x: np.where(x > 0, np.exp(x) * 2.0, -x) + np.tanh(x) / 3.0, X)
    (kernel,) = fusion.kernels
    assert kernel.node is None
    assert kernel.stored == [out]
    assert kernel.shape == (20, 30)


def test_a_product_takes_what_follows_it() -> None:
    """Bias and activation are computed while the tile is at hand."""
    fusion, (out,) = fused(lambda x, w, b: np.tanh(x @ w + b), X, np.ones((30, 40)), np.ones(40))
    (kernel,) = fusion.kernels
    assert names(kernel) == ["matmul", "add", "tanh"]
    assert kernel.stored == [out]


def test_views_cost_nothing() -> None:
    """Transposes, slices, broadcasts and reshapes on the way to another op are computed where they are read."""
    fusion, _ = fused(lambda x: np.sum(x.T[::2, 1:] + np.ones(19), axis=1), X)
    (kernel,) = fusion.kernels
    assert kernel.node is not None
    assert kernel.node.op == "sum"


def test_what_is_read_twice_and_dear_is_stored() -> None:
    """The exponentials of a softmax are computed once, and read by the sum and the quotient."""

    def softmax(x: Any) -> Any:
        powers = np.exp(x - np.max(x, axis=1, keepdims=True))
        return powers / np.sum(powers, axis=1, keepdims=True)

    fusion, _ = fused(softmax, X)
    assert Counter(op for kernel in fusion.kernels for op in names(kernel))["exp"] == 1
    (home,) = [kernel for kernel in fusion.kernels if "exp" in names(kernel)]
    assert [node.op for node in home.stored] == ["exp"]


def test_scalars_are_one_kernel() -> None:
    """Numbers of no axes are computed together, whatever their order among the arrays."""
    fusion, _ = fused(lambda x, a, b: (x * np.sqrt(a) + np.exp(b), a * b, np.sqrt(b) - a), X, 2.0, 3.0)
    assert [kernel.is_scalar for kernel in fusion.kernels].count(True) == 1
    assert len(fusion.kernels) == 2


def test_long_chains_are_cut() -> None:
    """A chain of thousands of ops is several kernels, none longer than allowed, in an order that can be run."""

    def f(x: Any) -> Any:
        for i in range(3 * MAX_MEMBERS):
            x = np.sin(x) + float(i)
        return x

    fusion, _ = fused(f, X)
    assert len(fusion.kernels) >= 3
    assert max(len(kernel.members) for kernel in fusion.kernels) <= MAX_MEMBERS
    assert_in_order(fusion)


def test_deep_views_are_cut() -> None:
    """No value is pulled through more ops than allowed, also where each is read twice: work stays linear."""

    def f(x: Any) -> Any:
        for _ in range(10 * MAX_PULLED):
            x = x[::-1] + x.T[::-1].T
        return x

    fusion, _ = fused(f, np.ones((6, 6)))
    assert_in_order(fusion)
    assert sum(len(kernel.stored) for kernel in fusion.kernels) >= 10


def test_results_are_stored_once() -> None:
    """Results that are arguments or constants are copied; the same result twice is one."""

    def f(x: Any) -> Any:
        y = np.exp(x)
        return x, y, y, np.arange(3.0), x.T

    fusion, outputs = fused(f, X)
    stored = [node for kernel in fusion.kernels for node in kernel.stored]
    assert set(outputs) <= set(stored)
    assert max(Counter(stored).values()) == 1
    assert_in_order(fusion)


def assert_in_order(fusion: Fusion) -> None:
    """Each kernel reads only what earlier ones have stored."""
    done: set[Node] = set()
    for kernel in fusion.kernels:
        waiting = [x for node in kernel.results for x in node.inputs]
        own, seen = set(kernel.results), set[Node]()
        while waiting:
            node = waiting.pop()
            if node in seen or node in own or node in done:
                continue
            seen.add(node)
            if node.op in LOOPS:
                pytest.fail(f"{node!r} is needed before it is computed")
            waiting.extend(node.inputs)
        done |= set(kernel.stored)


def test_long_axes() -> None:
    """Axes of length 1 do not tell arrays apart."""
    assert long_axes((1, 5, 1, 3)) == (5, 3)
    assert long_axes(()) == long_axes((1, 1)) == ()
    assert long_axes((0, 1)) == (0,)


# name: (optimiser, ops that update a parameter, arrays written for each parameter)
OPTIMIZERS: dict[str, tuple[Optimizer, int, int]] = {
    "sgd": (SGD(0.1), 2, 1),
    "momentum": (SGD(0.1, momentum=0.9), 3, 2),
    "adam": (Adam(0.01), 8, 3),
    "adamw": (AdamW(0.01), 8, 3),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_of_three_layers(name: str) -> None:
    """Three products forward, two back, and three of parameters, in whose tiles the optimiser's update is done."""
    optimizer, least_ops, n_written = OPTIMIZERS[name]
    rng = np.random.default_rng(0)
    data = rng.normal(size=(64, 20)).astype(np.float32), rng.integers(0, 5, 64), None
    training = Training(MLP((20, 64, 48, 5), "relu", "cross_entropy"), optimizer, data)
    step = training.steps[64]
    nodes = [step.plan.nodes[i] for i in step.plan.schedule.order]
    leaves = [node for node in step.plan.nodes if node not in set(nodes)]
    states = step.graph.inputs[: len(step.graph.outputs) - 2]
    fusion = Fusion([*leaves, *nodes], step.graph.outputs, dict(zip(step.graph.outputs, states, strict=False)))
    outputs = set(step.graph.outputs)
    products = [kernel for kernel in fusion.kernels if kernel.node is not None and kernel.node.op == "matmul"]
    assert Counter(kernel.shape for kernel in products) == {
        (64, 64): 2, (64, 48): 3, (64, 5): 1, (48, 5): 1, (20, 64): 1,
    }  # fmt: skip
    updates = [kernel for kernel in products if outputs & set(kernel.stored)]
    assert sorted(kernel.shape for kernel in updates) == [(20, 64), (48, 5), (64, 48)]
    for kernel in updates:
        # No gradient is written: only the parameter and what the optimiser keeps.
        assert len(kernel.stored) == n_written
        assert set(kernel.stored) <= outputs
        assert len(kernel.members) >= least_ops
    # Activations leave their tiles finished, with what their derivative needs.
    hidden = [kernel for kernel in products if kernel not in updates and "less_equal" in names(kernel)]
    assert len(hidden) == 2
    assert all({node.op for node in kernel.stored} == {"where", "less_equal"} for kernel in hidden)
    assert len(fusion.kernels) <= 24
    assert_in_order(fusion)
