"""How arrays lie in memory: what is written is read again, and code reads panels at any element."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memograd as mg
from memograd.engine.native.blocks import aligned_block
from memograd.engine.native.layouts import Layout, best_in_panels, bytes_of, place_of, read, write
from memograd.graph.ops import make_input
from memograd.graph.tracing import take_apart, trace
from memograd.nn.layers import Dense, LayerNorm, Sequential
from memograd.nn.mlp import MLP
from memograd.nn.network import Network
from memograd.nn.optimizers import Adam
from memograd.nn.step import Clock, training_step
from memograd.plan.from_graph import plan_graph


@given(
    shape=st.tuples(st.integers(2, 70), st.integers(2, 70)),
    layout=st.sampled_from(Layout),
    dtype=st.sampled_from([np.float32, np.float64]),
    lanes=st.sampled_from([4, 8, 16]),
)
def test_read_is_written(shape: tuple[int, int], layout: Layout, dtype: Any, lanes: int) -> None:
    node = make_input(0, 0, shape, np.dtype(dtype))
    block = np.full(bytes_of(node, lanes, layout), 255, np.uint8)
    value = np.arange(node.size, dtype=dtype).reshape(shape)
    write(block, node, lanes, layout, value)
    found = read(block, node, lanes, layout)
    np.testing.assert_array_equal(found, value)
    assert found.flags.c_contiguous
    assert not np.may_share_memory(found, block)
    assert (block[-lanes * node.dtype.itemsize :] == 255).all() or layout is Layout.COMPACT


def test_elements_of_panels() -> None:
    """The strides of a place lead to where vectors of a panel begin."""
    node, lanes = make_input(0, 0, (5, 40), np.dtype(np.float32)), 16
    block = aligned_block(bytes_of(node, lanes, Layout.PANELS))
    value = np.arange(200, dtype=np.float32).reshape(5, 40)
    write(block, node, lanes, Layout.PANELS, value)
    numbers, place = block.view(np.float32), place_of(0, node, lanes, Layout.PANELS)
    for r in range(5):
        for c in range(0, 40, lanes):
            start = r * place.strides[0] + c * place.strides[1]
            n = min(lanes, 40 - c)
            np.testing.assert_array_equal(numbers[start : start + n], value[r, c : c + n])


def _states_in_panels(network: Any, n_in: int) -> list[tuple[int, ...]]:
    p = network.init(0)
    o = Adam().init(p)
    step = training_step(network, Adam(), "constant")
    X, y = np.zeros((8, n_in), np.float32), np.zeros((8, 3), np.float32)

    def f(p: Any, o: Any, X: Any, y: Any, progress: Any) -> Any:
        return step(p, o, X, y, None, Clock(progress, None))

    apart = take_apart(f, (p, o, X, y, 0.5), {})
    graph, _ = trace(f, apart)
    plan = plan_graph(graph.inputs, graph.outputs)
    found = best_in_panels(plan.nodes)
    return [node.shape for node in graph.inputs if node in found and node.shape[0] != len(X)]


def test_weights_lie_in_panels() -> None:
    """Weights and both of Adam's moments do; rows of data, biases and what is indexed do not."""
    found = _states_in_panels(MLP((5, 20, 3)), 5)
    assert sorted(found) == sorted([(5, 20), (20, 3)] * 3)
    found = _states_in_panels(Network(Sequential(Dense(5, 9), LayerNorm(9), Dense(9, 3))), 5)
    assert sorted(found) == sorted([(5, 9), (9, 3)] * 3)


@pytest.mark.parametrize("shape", [(3, 3), (16, 16), (17, 16), (16, 17), (33, 70), (5, 100), (100, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_with_turned_matrices(shape: tuple[int, int], dtype: Any) -> None:
    """A matrix that is turned for a product lies in panels; its sums and elements are those of NumPy."""
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(20, shape[1])).astype(dtype), rng.normal(size=shape).astype(dtype)

    def f(x: Any, w: Any) -> Any:
        doubled = np.exp(w) * 2
        return x @ doubled.T, x @ w.T, doubled.sum(axis=1)

    found = mg.compile(f, x, w, engine="native")(x, w)
    known = f(x.astype(float), w.astype(float))
    for a, b in zip(found, known, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=100 * np.finfo(dtype).eps * np.abs(b).max())
