"""How each elementwise op is written in LLVM's IR: a row for each, for scalars and vectors alike.

A row takes the builder, the node, and its operands as values of one number of lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from memograd.engine.native import maths
from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.ir_types import F32, F64, I1, I8, I64, Type
from memograd.errors import CannotLower
from memograd.graph.node import DType, Node

Lowering = Callable[..., Value]


def type_of(dtype: DType) -> Type:
    """How numbers of a dtype are held in registers: a bool as one bit.

    Raises
    ------
    CannotLower
        For float16.
    """
    if dtype.kind == "b":
        return I1
    if dtype.kind == "f":
        if dtype.itemsize < 4:
            raise CannotLower(f"the native engine has no {dtype}; cast to float32")
        return F32 if dtype.itemsize == 4 else F64
    return Type("i", 8 * dtype.itemsize)


def memory_type(dtype: DType) -> Type:
    """How numbers of a dtype lie in memory: a bool as a byte."""
    return I8 if dtype.kind == "b" else type_of(dtype)


def _is_float(x: Value) -> bool:
    return x.type.kind == "f"


def _is_signed(node: Node, operand: int = 0) -> bool:
    return node.inputs[operand].dtype.kind == "i"


def truth(b: Builder, x: Value) -> Value:
    """Whether a number is not 0."""
    return x if x.type.bits == 1 else b.compare("!=", x, 0)


def _intrinsic(name: str) -> Lowering:
    return lambda b, node, x: b.intrinsic(name, x)


def _rounding(name: str) -> Lowering:
    return lambda b, node, x: b.intrinsic(name, x) if _is_float(x) else x


def by_lanes(b: Builder, function: Callable[..., Value], *operands: Value) -> Value:
    """A function of scalars, applied to one lane after the other."""
    lanes = max(x.type.lanes for x in operands)
    if not lanes:
        return function(*operands)
    result = None
    for index in range(lanes):
        number = function(*(b.lane(x, index) for x in operands))
        if result is None:
            result = Value(b, number.type.of(lanes), "poison")
        result = b.with_lane(result, index, number)
    assert result is not None
    return result


def _library(name: str) -> Lowering:
    """A function of the C library, called for each lane."""

    def row(b: Builder, node: Node, *operands: Value) -> Value:
        kind = operands[0].type.scalar
        symbol = name + ("f" if kind.bits == 32 else "")
        return by_lanes(b, lambda *numbers: b.call(symbol, kind, *numbers), *operands)

    return row


def _maths(function: Callable[[Builder, Value], Value]) -> Lowering:
    return lambda b, node, x: function(b, x)


def _erf(b: Builder, node: Node, x: Value) -> Value:
    return maths.erf(b, x) if x.type.bits == 32 else _library("erf")(b, node, x)


def _absolute(b: Builder, node: Node, x: Value) -> Value:
    if _is_float(x):
        return b.intrinsic("fabs", x)
    return b.select(x < 0, -x, x) if _is_signed(node) else x


def _sign(b: Builder, node: Node, x: Value) -> Value:
    if not _is_signed(node) and not _is_float(x):
        return b.convert(truth(b, x), "zext", x.type)
    one, minus_one = b.constant(1, x.type), b.constant(-1, x.type)
    below = b.select(x < 0, minus_one, b.constant(0, x.type))
    result = b.select(x > 0, one, below)
    return b.select(b.compare("is_nan", x, x), x, result) if _is_float(x) else result


def _isnan(b: Builder, node: Node, x: Value) -> Value:
    return b.compare("is_nan", x, x) if _is_float(x) else b.constant(0, I1.of(x.type.lanes))


def _isfinite(b: Builder, node: Node, x: Value) -> Value:
    if not _is_float(x):
        return b.constant(1, I1.of(x.type.lanes))
    return b.intrinsic("fabs", x) < float("inf")


def _logical_not(b: Builder, node: Node, x: Value) -> Value:
    return truth(b, x) ^ b.constant(1, I1.of(x.type.lanes))


def _arithmetic(operation: Callable[[Value, Value], Value], of_bools: Callable[[Value, Value], Value]) -> Lowering:
    return lambda b, node, x, y: (of_bools if x.type.bits == 1 else operation)(x, y)


def _power(b: Builder, node: Node, x: Value, y: Value) -> Value:
    if not _is_float(x):
        # NumPy refuses negative exponents when it meets one; machine code cannot raise.
        raise CannotLower(f"{node!r}: the native engine has no powers of integers; cast to float")
    exponent = _number(node.inputs[1])
    if exponent == 2.0:
        return x * x
    return _library("pow")(b, node, x, y)


def _number(node: Node) -> float | None:
    """The number of which all elements of a node are known to be."""
    while node.op in ("broadcast_to", "reshape"):
        node = node.inputs[0]
    if node.op != "constant" or node.size != 1:
        return None
    return float(node["value"].array.item())


def _extreme(test: str) -> Lowering:
    def row(b: Builder, node: Node, x: Value, y: Value) -> Value:
        return extreme(b, test, x, y, signed=_is_signed(node))

    return row


def extreme(b: Builder, test: str, x: Value, y: Value, *, signed: bool) -> Value:
    """The larger (``>``) or smaller (``<``) of two; NaN if either is."""
    if x.type.bits == 1:
        return x | y if test == ">" else x & y
    result = b.select(b.compare(test, x, y, signed=signed), x, y)
    return b.select(b.compare("is_nan", x, x), x, result) if _is_float(x) else result


def _logaddexp(b: Builder, node: Node, x: Value, y: Value) -> Value:
    larger = extreme(b, ">", x, y, signed=True)
    distance = b.intrinsic("fabs", x - y)
    # Of two equal infinities the difference is NaN.
    distance = b.select(x.equals(y), b.constant(0.0, x.type), distance)
    return larger + maths.log1p(b, maths.exp(b, -distance))


def _comparison(test: str) -> Lowering:
    def row(b: Builder, node: Node, x: Value, y: Value) -> Value:
        return b.compare(test, x, y, signed=_is_signed(node))

    return row


def _logical(operation: str) -> Lowering:
    return lambda b, node, x, y: b.binary(operation, truth(b, x), truth(b, y))


def _where(b: Builder, node: Node, condition: Value, x: Value, y: Value) -> Value:
    return b.select(condition, x, y)


def _cast(b: Builder, node: Node, x: Value) -> Value:
    return cast(b, x, node.inputs[0].dtype, node.dtype)


def cast(b: Builder, x: Value, source: DType, target: DType) -> Value:
    """A number of one dtype as one of another."""
    kind = type_of(target).of(x.type.lanes)
    if target.kind == "b":
        return truth(b, x)
    if source.kind == "f":
        if target.kind == "f":
            return b.convert(x, "fpext" if kind.bits > x.type.bits else "fptrunc", kind)
        if target.itemsize == 8:
            return b.convert(x, "fptosi" if target.kind == "i" else "fptoui", kind)
        # By way of 64 bits, what does not fit is cut off as NumPy's C does it on most machines.
        return b.convert(b.convert(x, "fptosi", I64.of(kind.lanes)), "trunc", kind)
    if target.kind == "f":
        return b.convert(x, "sitofp" if source.kind == "i" else "uitofp", kind)
    if kind.bits == x.type.bits:
        return x
    return b.convert(x, "trunc" if kind.bits < x.type.bits else "sext" if source.kind == "i" else "zext", kind)


ELEMENTWISE: Mapping[str, Lowering] = {
    "negative": lambda b, node, x: -x,
    "absolute": _absolute,
    "sign": _sign,
    "floor": _rounding("floor"),
    "ceil": _rounding("ceil"),
    "exp": _maths(maths.exp),
    "expm1": _maths(maths.expm1),
    "log": _maths(maths.log),
    "log1p": _maths(maths.log1p),
    "sqrt": _intrinsic("sqrt"),
    "tanh": _maths(maths.tanh),
    "logistic": _maths(maths.logistic),
    "erf": _erf,
    **{name: _library(name) for name in ("sin", "cos", "tan", "sinh", "cosh")},
    **{f"arc{name}": _library(f"a{name}") for name in ("sin", "cos", "tan", "tan2")},
    "isnan": _isnan,
    "isfinite": _isfinite,
    "logical_not": _logical_not,
    "add": _arithmetic(lambda x, y: x + y, lambda x, y: x | y),
    "subtract": _arithmetic(lambda x, y: x - y, lambda x, y: x ^ y),
    "multiply": _arithmetic(lambda x, y: x * y, lambda x, y: x & y),
    "divide": lambda b, node, x, y: x / y,
    "power": _power,
    "maximum": _extreme(">"),
    "minimum": _extreme("<"),
    "logaddexp": _logaddexp,
    "less": _comparison("<"),
    "less_equal": _comparison("<="),
    "equal": _comparison("=="),
    "not_equal": _comparison("!="),
    "logical_and": _logical("and"),
    "logical_or": _logical("or"),
    "where": _where,
    "cast": _cast,
}

# What takes so long that it is computed once and stored, where a cheaper value would be computed again.
COSTLY: frozenset[Any] = frozenset(
    {"exp", "expm1", "log", "log1p", "tanh", "logistic", "erf", "power", "logaddexp", "sin", "cos", "tan", "sinh"}
    | {"cosh", "arcsin", "arccos", "arctan", "arctan2"}
)
