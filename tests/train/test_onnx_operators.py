"""Each op of a graph means in onnxruntime what it means in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
from scipy.special import erf, expit

from memograd.graph.ops import OPS
from memograd.train.onnx.lowering import EVERY_ROW, Value, lower
from memograd.train.onnx.operators import ELEMENTWISE, SHAPED, WITHOUT_ROW
from memograd.train.onnx.program import ROWS, Port, Program
from memograd.train.onnx.protobuf import serialized

RNG = np.random.default_rng(0)

ROW_OF_OP: dict[str, Callable[[Any], Any]] = {
    **{name: getattr(np, name) for name in ELEMENTWISE if hasattr(np, name) and OPS[name].arity == 1},
    "erf": erf,
    "logistic": expit,
    "logical_not": lambda x: np.logical_not(x > 0),
    "log": lambda x: np.log(np.abs(x)),
    "log1p": lambda x: np.log1p(np.abs(x)),
    "sqrt": lambda x: np.sqrt(np.abs(x)),
    "arcsin": lambda x: np.arcsin(np.tanh(x)),
    "arccos": lambda x: np.arccos(np.tanh(x)),
    "isnan": lambda x: np.isnan(np.where(x > 1, np.nan, x)),
    "isfinite": lambda x: np.isfinite(np.where(x > 1, np.nan, np.where(x < -1, np.inf, x))),
    "add": lambda x: x + x[:, :1],
    "subtract": lambda x: x - 1,
    "multiply": lambda x: x * np.arange(4, dtype=x.dtype),
    "divide": lambda x: x / (1 + x * x),
    "power": lambda x: np.abs(x) ** 1.5,
    "maximum": lambda x: np.maximum(x, 0.5),
    "minimum": lambda x: np.minimum(x, x[:, ::-1]),
    "logaddexp": lambda x: np.logaddexp(100 * x, 1.0),
    "less": lambda x: x < 0.1,
    "less_equal": lambda x: np.floor(x) <= 0,
    "equal": lambda x: np.floor(x) == 0,
    "not_equal": lambda x: np.floor(x) != 0,
    "logical_and": lambda x: np.logical_and(x > 0, np.floor(x)),
    "logical_or": lambda x: np.logical_or(x > 0, x < -1),
    "where": lambda x: (np.where(x > 0, x, 1.0), np.where(x > 0, x > 1, x < -1)),
    "cast": lambda x: (x * 3).astype(np.int64).astype(x.dtype),
    "matmul": lambda x: x @ np.arange(12, dtype=x.dtype).reshape(4, 3),
    "sum": lambda x: (np.sum(x, axis=1), np.sum(x)),
    "max": lambda x: np.max(x, axis=1, keepdims=True),
    "min": lambda x: np.min(x, axis=0),
    "argmax": lambda x: np.argmax(x, axis=1),
    "argmin": lambda x: np.argmin(x, axis=0),
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "reshape": lambda x: (np.reshape(x, (-1, 2)), np.reshape(x, (x.shape[0], 2, 2)), np.reshape(x, (2, -1, 2))),
    "transpose": lambda x: np.transpose(x),
    "slice": lambda x: (x[:, 3:0:-2], x[:, ::-1], x[:, :0]),
    "take": lambda x: np.take(x, np.array([[3, 0]]), axis=1),
    "concatenate": lambda x: (np.concatenate([x, x[:, :1]], axis=1), np.concatenate([x, x], axis=0)),
    "broadcast_to": lambda x: (np.broadcast_to(x[:, None], (x.shape[0], 3, 4)), np.zeros(x.shape, x.dtype)),
    "input": lambda x: x,
    "constant": lambda x: np.arange(3.0),
}


@pytest.mark.parametrize("name", ROW_OF_OP)
def test_row(name: str) -> None:
    """Each op means in onnxruntime what it means in NumPy, for any number of rows."""
    program = Program([Port("x", np.dtype(np.float32), (ROWS, 4))])
    function = ROW_OF_OP[name]
    for index, value in enumerate(lower(program, function, [Value("x", np.dtype(np.float32), (ROWS, 4))])):
        program.give(value.name, f"y{index}", value.dtype, tuple(n if n >= ROWS else None for n in value.shape))
    session = onnxruntime.InferenceSession(serialized(program, title=name, metadata={}))
    for n in (1, 5, 1009):
        x = RNG.normal(size=(n, 4)).astype(np.float32)
        expected = function(x)
        for found, wanted in zip(
            session.run(None, {"x": x}), expected if isinstance(expected, tuple) else [expected], strict=True
        ):
            assert (found.shape, found.dtype) == (np.shape(wanted), np.asarray(wanted).dtype)
            # Sums of a thousand numbers, and polynomials of float32.
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=2e-5)


def test_every_op_has_a_row() -> None:
    """Each op can be translated, or is one of those that are known to have no operator; and each is tested above."""
    assert OPS.keys() == EVERY_ROW | WITHOUT_ROW
    assert not EVERY_ROW & WITHOUT_ROW
    assert not ELEMENTWISE.keys() & SHAPED.keys()
    assert ROW_OF_OP.keys() == EVERY_ROW
