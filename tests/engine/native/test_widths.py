"""The same graphs for each kind of machine: vectors of 64, 32 and 16 bytes give NumPy's numbers, but for rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from scipy.special import erf, expit

from memograd.engine.native.machine import Machine, machine
from memograd.errors import EngineUnavailable, UnknownName
from memograd.nn.layers import Dense, Dropout, LayerNorm, Residual, Sequential
from memograd.nn.mlp import MLP
from memograd.nn.network import Network
from memograd.nn.optimizers import SGD, Adam, AdamW, Optimizer

from .emitted import MACHINES
from .programs import Training, distance, program


def softmax(x: Any) -> Any:
    """Of each row."""
    powers = np.exp(x - np.max(x, axis=1, keepdims=True))
    return powers / np.sum(powers, axis=1, keepdims=True)


def layer_norm(x: Any) -> Any:
    """Of each row."""
    centred = x - np.mean(x, axis=1, keepdims=True)
    return centred / np.sqrt(np.mean(centred * centred, axis=1, keepdims=True) + 1e-5)


def reductions(x: Any) -> Any:
    """Along each axis and all of them, with what follows in the same loop."""
    cube = x.reshape(x.shape[0], 1, x.shape[1]) * np.tanh(x[:3].reshape(1, 3, x.shape[1]))
    found = [f(cube, axis=axis) for f in (np.sum, np.max, np.min) for axis in (0, 1, 2, (0, 2), (1, 2), (0, 1), None)]
    return [*found, np.sum(x, axis=1) * 2.0 + np.max(x, axis=1), np.sum(x, axis=0) - 1.0, np.mean(x, axis=0)]


def gathers(x: Any, y: Any, rows: Any) -> Any:
    """Rows, columns, and what is scattered back by their derivative."""
    return [x[rows], y.T[:, rows[:2]], np.take(x, rows, axis=0) * 2.0, np.cumsum(x, axis=1), np.cumsum(x, axis=0)]


def elementwise(x: Any) -> Any:
    """Each function once, at lengths that are no multiple of anything."""
    functions = [np.exp, np.expm1, np.tanh, np.sin, np.cos, np.arctan, np.floor, np.ceil, np.sign, np.abs, np.sqrt]
    positive = np.abs(x) + 0.5
    found = [f(positive) for f in (np.log, np.log1p, *functions)]
    return [*found, erf(x), expit(x), np.logaddexp(x, 0.0), positive**1.5, np.where(x > 0, x, -x), np.maximum(x, 0.1)]


def moves(x: Any) -> Any:
    """Views and copies."""
    return [
        x.T, x[::-1, ::-1], x[1::2, ::3], x.T[:, 1:-1], np.concatenate([x, x * 2.0], axis=1), np.concatenate([x, x]),
        x.reshape(-1), (x.T * 2.0).reshape(-1), np.broadcast_to(x[:1], x.shape) + x, np.argmax(x, axis=1),
        np.argmin(x, axis=0), x > 0, (x > 0) & (x < 1), x.astype(np.int32), (x * 9).astype(np.int8),
    ]  # fmt: skip


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "softmax": lambda x, y, rows: [softmax(x), softmax(x.T), layer_norm(x), layer_norm(x.T)],
    "products": lambda x, y, rows: [x @ y, x.T @ x, np.tanh(x @ y + y[0]), np.sum(x @ y, axis=0), x @ y @ y.T @ x.T],
    "reductions": lambda x, y, rows: reductions(x),
    "gathers": gathers,
    "elementwise": lambda x, y, rows: elementwise(x),
    "moves": lambda x, y, rows: moves(x),
}


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str, dtype: Any, target: Machine) -> None:
    """Of arrays of awkward shapes: more than a vector, less, exactly one, one row, one column."""
    for n_rows, n_columns in ((37, 21), (4, 16), (3, 1), (5, 130)):
        rng = np.random.default_rng(n_columns)
        x, y = rng.normal(size=(n_rows, n_columns)).astype(dtype), rng.normal(size=(n_columns, 19)).astype(dtype)
        args = x, y, np.array([n_rows - 1, 0, -1, 1])
        if name == "gathers":
            args = x, np.concatenate([y] * 4), args[2]
        found = program(FUNCTIONS[name], *args, target=target)(*args)
        expected = FUNCTIONS[name](*args)
        assert len(found) == len(expected)
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            b = np.asarray(b)
            assert (a.shape, a.dtype) == (b.shape, b.dtype), (name, i)
            if b.dtype.kind != "f":
                np.testing.assert_array_equal(a, b, err_msg=f"{name} {i}")
                continue
            # Three or four units of the functions, and the roots of the lengths of the sums in them.
            tolerance = 200 * np.finfo(dtype).eps
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max(), err_msg=f"{name} {i}")


# name: (network, columns, outputs or classes, optimiser, batch)
NETWORKS: Mapping[str, tuple[Any, int, int, Optimizer, int]] = {
    "wide": (MLP((30, 50, 33, 10), "gelu", loss="cross_entropy"), 30, 10, AdamW(0.01), 20),
    "dropout": (MLP((16, 33, 16, 4), "silu", loss="cross_entropy", dropout=0.3), 16, 4, Adam(0.01), 17),
    "narrow": (MLP((2, 3, 2, 1), "tanh"), 2, 1, SGD(0.05, momentum=0.9), 20),
    "norms": (
        Network(
            Sequential(Dense(6, 17), Residual(LayerNorm(17), Dense(17, 17, "elu"), Dropout(0.1)), Dense(17, 3)),
            "cross_entropy",
        ), 6, 3, AdamW(0.01), 16,
    ),
}  # fmt: skip


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NETWORKS)
def test_training(name: str, dtype: Any, target: Machine) -> None:
    """Two epochs, whose last minibatch is ragged, on one and two threads."""
    network, n_in, n_out, optimizer, batch = NETWORKS[name]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(47, n_in)).astype(dtype)
    y = rng.integers(0, n_out, 47) if n_out > 2 else rng.normal(size=(47, n_out)).astype(dtype)
    bits = []
    for n_threads in (1, 2):
        training = Training(
            network,
            optimizer,
            (X, y, None),
            batch=batch,
            epochs=2,
            n_threads=n_threads,
            target=target,
            schedule="cosine",
        )
        state, losses = training.run()
        bits.append([x.tobytes() for x in state])
    assert bits[0] == bits[1]
    expected, expected_losses = training.expected()
    # Adam divides by the size of the gradient, at first by that of rounding errors where a gradient is all but 0.
    assert distance(state, expected) <= (2e-4 if dtype is np.float32 else 1e-11)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5 if dtype is np.float32 else 1e-12)


def test_machines() -> None:
    """The default is the widest there is; each has as many lanes as bytes allow; what is not there is refused."""
    widest = machine()
    assert machine(widest.name) == widest
    for name, size in (("avx512", 64), ("avx2", 32), ("sse2", 16), ("neon", 16)):
        try:
            found = machine(name)
        except EngineUnavailable as error:
            assert name in str(error)  # noqa: PT017
        else:
            assert (found.vector_bytes, found.lanes(4), found.lanes(8)) == (size, size // 4, size // 8)
            assert size <= widest.vector_bytes
    with pytest.raises(UnknownName, match="avx512, avx2, sse2, neon"):
        machine("mmx")


def test_code_for_a_machine_uses_its_vectors() -> None:
    """No text for a narrow machine has a vector of floats that is wider than its registers."""
    x = np.zeros((40, 40), np.float32)
    for target in (parameter.values[0] for parameter in MACHINES):
        if target is not None:
            sources = Training(MLP((9, 40, 3), "tanh"), Adam(), (x[:, :9], x[:, :3], None), target=target).code.source
            lanes = target.lanes(4)
            assert f"<{lanes} x float>" in sources
            assert f"<{2 * lanes} x float>" not in sources
