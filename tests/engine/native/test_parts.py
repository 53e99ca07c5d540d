"""Sums over a minibatch in parts: where they pay, that they are right, and that no thread changes their bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memograd as mg
from memograd.engine.native import parts
from memograd.engine.native.lowering import Lowering
from memograd.engine.native.nests import Cuts
from memograd.engine.native.ordered import ordered
from memograd.engine.native.parts import MIN_OPERATIONS, PARTS, PARTS_TO_CHOOSE_FROM, in_parts
from memograd.engine.native.traced_step import ROWS
from memograd.nn.layers import Dense, LayerNorm, Residual, Sequential
from memograd.nn.mlp import MLP
from memograd.nn.network import Network
from memograd.nn.optimizers import SGD, Adam

from .programs import Training, classes, distance


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that compile in no time are summed in parts too."""
    monkeypatch.setattr(parts, "MIN_OPERATIONS", 1)
    monkeypatch.setattr(parts, "PARTS_TO_CHOOSE_FROM", (2,))


def parts_of(training: Training) -> list[tuple[int, ...]]:
    """The shapes of what a whole minibatch's step sums in parts; the first axis is the parts."""
    step = training.steps[max(training.steps)]
    graph = ordered(step.graph, step.plan)
    rows = {node for node, role in zip(step.graph.inputs, step.roles, strict=True) if role == ROWS}
    return sorted(node.shape for node in in_parts(graph, rows)[0].nodes if node.op in PARTS)


def test_gradients_are_summed_in_parts() -> None:
    """Those of all weights and biases, when the minibatch is large beside them."""
    small = Training(MLP((6, 20, 3), "tanh", "cross_entropy"), Adam(), classes(64, 6, 3))
    assert parts_of(small) == sorted([(2, 6, 20), (2, 20), (2, 20, 3), (2, 3)])
    # 2 (60·200 + 200·3) partial sums are more than the 20 (260 + 203) numbers of all rows.
    assert not parts_of(Training(MLP((60, 200, 3), "tanh", "cross_entropy"), Adam(), classes(20, 60, 3)))


def test_number_of_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as are worth a thread each, and as many as are exchanged sooner than rows."""
    monkeypatch.setattr(parts, "MIN_OPERATIONS", MIN_OPERATIONS)
    monkeypatch.setattr(parts, "PARTS_TO_CHOOSE_FROM", PARTS_TO_CHOOSE_FROM)
    X, G = np.ones((4000, 60)), np.ones((4000, 50))

    def number_for(n_rows: int, width: int = 60) -> int:
        planned = mg.compile(lambda X, G: X.T @ G, X[:n_rows, :width], G[:n_rows], engine="numpy")
        graph = ordered(planned.graph, planned.plan)
        return in_parts(graph, set(graph.inputs))[1]

    each = 6 * 60 * 50
    assert [number_for(n * MIN_OPERATIONS // each + 1) for n in PARTS_TO_CHOOSE_FROM] == [*PARTS_TO_CHOOSE_FROM]
    assert number_for(3 * MIN_OPERATIONS // each) == 2
    assert [number_for(n) for n in (MIN_OPERATIONS // each, MIN_OPERATIONS // each + 1)] == [0, 2]
    assert number_for(4000, 1) == 0
    # 2·60·50 partial sums, and 110 numbers in each row of both operands.
    monkeypatch.setattr(parts, "MIN_OPERATIONS", 1000)
    assert [number_for(n) for n in (54, 55)] == [0, 2]


def test_what_is_not_followed() -> None:
    """Where rows of the minibatch are moved, or the common axis is another one, all is summed at once."""
    X, G, W = np.ones((64, 6)), np.ones((64, 5)), np.ones((6, 64))

    def number_for(f: Any, *args: Any) -> int:
        planned = mg.compile(f, *args, engine="numpy")
        rows = {node for node in planned.graph.inputs if node.shape[0] == 64}
        return in_parts(ordered(planned.graph, planned.plan), rows)[1]

    assert number_for(lambda X, G: X.T @ G, X, G) == 2
    assert number_for(lambda X, G: (X * 2).T @ np.exp(G), X, G) == 2
    assert number_for(lambda X, G: X[::-1].T @ G, X, G) == 0
    assert number_for(lambda X, W: X @ W, X, W) == 0
    assert number_for(lambda X, W: X.sum(axis=0) * 2, X, W) == 0


@given(
    n_rows=st.integers(2, 150),
    widths=st.lists(st.integers(2, 40), min_size=3, max_size=4),
    dtype=st.sampled_from([np.float32, np.float64]),
    n_threads=st.integers(1, 6),
)
@settings(max_examples=30, deadline=None)
def test_steps_in_parts(n_rows: int, widths: Sequence[int], dtype: Any, n_threads: int) -> None:
    """Any number of rows and threads: what NumPy finds, and the bits of one thread."""
    network = MLP(tuple(widths), "tanh", "cross_entropy")
    some = classes(n_rows + 3, widths[0], widths[-1], dtype)
    run = Training(network, SGD(0.1, momentum=0.9), some, batch=n_rows, epochs=2, n_threads=n_threads)
    alone = Training(network, SGD(0.1, momentum=0.9), some, batch=n_rows, epochs=2, n_threads=1)
    state, losses = run.run()
    assert [x.tobytes() for x in state] == [x.tobytes() for x in alone.run()[0]]
    expected, expected_losses = run.expected()
    assert distance(state, expected) <= (2e-5 if dtype == np.float32 else 1e-11)
    assert losses == pytest.approx(expected_losses, rel=1e-5)


@pytest.mark.parametrize("n_parts", PARTS_TO_CHOOSE_FROM)
def test_any_number_of_parts(n_parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On more threads than there are parts, as many, and fewer: the same bits, and what NumPy finds."""
    monkeypatch.setattr(parts, "PARTS_TO_CHOOSE_FROM", (n_parts,))
    network, some = MLP((12, 18, 7, 3), "tanh", "cross_entropy"), classes(403, 12, 3)
    found = []
    for n_threads in (1, 2, 3, n_parts, n_parts + 1):
        run = Training(network, Adam(0.01), some, batch=401, epochs=2, n_threads=n_threads)
        assert (n_parts, 18, 7) in parts_of(run)
        found.append([x.tobytes() for x in run.run()[0]])
    assert all(other == found[0] for other in found[1:])
    again = Training(network, SGD(0.1), some, batch=401, epochs=2, n_threads=2)
    assert distance(again.run()[0], again.expected()[0]) <= 2e-5


def test_a_normalized_layer_in_parts() -> None:
    """Sums of what is computed where it is read, and a last minibatch that is too small for parts."""
    body = Sequential(Dense(7, 16), Residual(LayerNorm(16), Dense(16, 16, "gelu")), Dense(16, 3))
    for n_threads in (1, 2, 3):
        training = Training(
            Network(body, "cross_entropy"), Adam(0.01), classes(203, 7, 3), batch=100, epochs=2, n_threads=n_threads
        )
        (lowered, _), (last, _) = training.code.lowered
        assert isinstance(lowered, Lowering)
        assert isinstance(last, Lowering)
        assert sum(kernel.node is not None and kernel.node.op in PARTS for kernel in lowered.kernels) >= 8
        assert not any(kernel.node is not None and kernel.node.op in PARTS for kernel in last.kernels)
        state, _ = training.run()
        assert distance(state, training.expected()[0]) <= 1e-4


def test_threads_wait_once_in_a_step() -> None:
    """All that comes before the partial sums is done without a word from other threads."""
    training = Training(MLP((20, 64, 64, 2), "relu", "cross_entropy"), Adam(), classes(128, 20, 2))
    ((lowered, _),) = training.code.lowered
    assert isinstance(lowered, Lowering)
    assert lowered.n_levels == 2


@given(
    n_rows=st.integers(8, 500),
    tile_rows=st.integers(1, 14),
    n_cores=st.integers(1, 8),
    n_parts=st.sampled_from(PARTS_TO_CHOOSE_FROM),
)
def test_units_of_parts(n_rows: int, tile_rows: int, n_cores: int, n_parts: int) -> None:
    """Each part has as many tiles as any other, none higher than allowed, whatever the number of cores."""
    share = Cuts(16, tile_rows, n_cores, n_rows, n_parts).rows(n_rows)
    assert share.n_units % n_parts == 0
    assert -(-n_rows // share.n_units) <= tile_rows
    assert share.length == n_rows
    assert share == Cuts(16, tile_rows, n_cores + 1, n_rows, n_parts).rows(n_rows)
