"""How each op of a graph is written in ONNX operators: a row for each, as in the tables of the engines.

Elementwise rows take and make names of values that ONNX broadcasts itself. Those of shapes and axes get a `Step`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from memograd.graph.node import DType, Node
from memograd.train.onnx.program import Program, Shape

Elementwise = Callable[[Program, DType, tuple[str, ...]], str]
"""From the dtype of the last operand and the names of all to the name of the result."""

_TO_THE_START = int(np.iinfo(np.int64).min)
_BOOL = np.dtype(np.bool_)


@dataclass(frozen=True, slots=True)
class Step:
    """What a row of shapes and axes has to do.

    Attributes
    ----------
    program : Program
    node : Node
        As traced with some number of rows: of its attributes, shapes and ranges are those of that number.
    operands : tuple of str
        Values that have the shapes of `shapes`.
    shapes : tuple of Shape
    shape : Shape
        Of the result.
    lengths : callable
        From a shape to the name of a value that holds it.
    """

    program: Program
    node: Node
    operands: tuple[str, ...]
    shapes: tuple[Shape, ...]
    shape: Shape
    lengths: Callable[[Shape], str]

    def emit(self, operator: str, *more: str, **attributes: Any) -> str:
        """An operator on the operands and more values."""
        return self.program.emit(operator, *self.operands, *more, **attributes)


def _plain(operator: str) -> Elementwise:
    return lambda program, dtype, x: program.emit(operator, *x)


def _of_truths(operator: str) -> Elementwise:
    def row(program: Program, dtype: DType, x: tuple[str, ...]) -> str:
        truths = x if dtype == _BOOL else [program.emit("Cast", name, to=_BOOL) for name in x]
        return program.emit(operator, *truths)

    return row


def _expm1(program: Program, dtype: DType, x: tuple[str, ...]) -> str:
    """tanh(x/2)·(eˣ + 1), which is eˣ − 1 and keeps its digits near 0."""
    half = program.emit("Mul", *x, program.number(0.5, dtype))
    more = program.emit("Add", program.emit("Exp", *x), program.number(1.0, dtype))
    return program.emit("Mul", program.emit("Tanh", half), more)


def _log1p(program: Program, dtype: DType, x: tuple[str, ...]) -> str:
    """log(1 + x), to half a unit in the last place of 1."""
    return program.emit("Log", program.emit("Add", *x, program.number(1.0, dtype)))


def _logaddexp(program: Program, dtype: DType, x: tuple[str, ...]) -> str:
    """max(a, b) + log(1 + exp(−|a − b|))."""
    distance = program.emit("Abs", program.emit("Sub", *x))
    rest = _log1p(program, dtype, (program.emit("Exp", program.emit("Neg", distance)),))
    return program.emit("Add", program.emit("Max", *x), rest)


def _isfinite(program: Program, dtype: DType, x: tuple[str, ...]) -> str:
    return program.emit("Not", program.emit("Or", program.emit("IsNaN", *x), program.emit("IsInf", *x)))


def _not_equal(program: Program, dtype: DType, x: tuple[str, ...]) -> str:
    return program.emit("Not", program.emit("Equal", *x))


def _where(program: Program, dtype: DType, x: tuple[str, ...]) -> str:
    if dtype != _BOOL:
        return program.emit("Where", *x)
    condition, yes, no = x  # runtimes select no truth values
    otherwise = program.emit("And", program.emit("Not", condition), no)
    return program.emit("Or", program.emit("And", condition, yes), otherwise)


ELEMENTWISE: Mapping[str, Elementwise] = {
    "negative": _plain("Neg"),
    "absolute": _plain("Abs"),
    "sign": _plain("Sign"),
    "floor": _plain("Floor"),
    "ceil": _plain("Ceil"),
    "exp": _plain("Exp"),
    "expm1": _expm1,
    "log": _plain("Log"),
    "log1p": _log1p,
    "sqrt": _plain("Sqrt"),
    "sin": _plain("Sin"),
    "cos": _plain("Cos"),
    "tan": _plain("Tan"),
    "arcsin": _plain("Asin"),
    "arccos": _plain("Acos"),
    "arctan": _plain("Atan"),
    "sinh": _plain("Sinh"),
    "cosh": _plain("Cosh"),
    "tanh": _plain("Tanh"),
    "erf": _plain("Erf"),
    "logistic": _plain("Sigmoid"),
    "isnan": _plain("IsNaN"),
    "isfinite": _isfinite,
    "logical_not": _of_truths("Not"),
    "add": _plain("Add"),
    "subtract": _plain("Sub"),
    "multiply": _plain("Mul"),
    "divide": _plain("Div"),
    "power": _plain("Pow"),
    "maximum": _plain("Max"),
    "minimum": _plain("Min"),
    "logaddexp": _logaddexp,
    "less": _plain("Less"),
    "less_equal": _plain("LessOrEqual"),
    "equal": _plain("Equal"),
    "not_equal": _not_equal,
    "logical_and": _of_truths("And"),
    "logical_or": _of_truths("Or"),
    "where": _where,
}


def _cast(step: Step) -> str:
    return step.emit("Cast", to=step.node["dtype"])


def _reduce(operator: str) -> Callable[[Step], str]:
    def row(step: Step) -> str:
        axes = step.node["axes"]
        return step.emit(operator, step.program.integers(*axes), keepdims=0) if axes else step.operands[0]

    return row


def _position(operator: str) -> Callable[[Step], str]:
    return lambda step: step.emit(operator, axis=step.node["axes"][0], keepdims=0)


def _reshape(step: Step) -> str:
    (before,) = step.shapes
    # 0 keeps the length of the axis in that place, be it the number of rows.
    kept = [0 if i < len(before) and before[i] == n and n < 0 else n for i, n in enumerate(step.shape)]
    if all(length >= 0 for length in kept) and 0 not in step.shape:
        return step.emit("Reshape", step.program.integers(*kept))
    return step.emit("Reshape", step.lengths(step.shape), allowzero=1)


def _slice(step: Step) -> str:
    (before,) = step.shapes
    cuts = [
        (axis, start, start + length * step_, step_)
        for axis, (start, length, step_) in enumerate(step.node["ranges"])
        if before[axis] >= 0 and (start, length, step_) != (0, before[axis], 1)
    ]
    if not cuts:
        return step.operands[0]
    axes, starts, ends, steps = zip(*cuts, strict=True)
    stops = [end if end >= 0 else _TO_THE_START for end in ends]
    return step.emit("Slice", *(step.program.integers(*part) for part in (starts, stops, axes, steps)))


SHAPED: Mapping[str, Callable[[Step], str]] = {
    "cast": _cast,
    "matmul": lambda step: step.emit("MatMul"),
    "sum": _reduce("ReduceSum"),
    "max": _reduce("ReduceMax"),
    "min": _reduce("ReduceMin"),
    "argmax": _position("ArgMax"),
    "argmin": _position("ArgMin"),
    "cumsum": lambda step: step.emit("CumSum", step.program.number(step.node["axis"], np.dtype(np.int64))),
    "reshape": _reshape,
    "transpose": lambda step: step.emit("Transpose", perm=list(step.node["axes"])),
    "slice": _slice,
    "take": lambda step: step.emit("Gather", axis=step.node["axis"]),
    "concatenate": lambda step: step.emit("Concat", axis=step.node["axis"]),
}

READ_IN_PLACE = frozenset({"input", "constant", "broadcast_to"})
"""Ops that need no operator."""

WITHOUT_ROW = frozenset({"arctan2", "random_bits", "scatter_add", "unslice"})
"""Ops that are refused: ONNX has no one operator for them, and no layer predicts with them."""
