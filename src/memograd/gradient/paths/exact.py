"""Graphs of scalars evaluated in exact numbers: fractions where the graph says float, ints and bools as they are.

It owns what each op means there. What rounds in NumPy does not round here: a float constant is the fraction that it
is, and a cast to float32 changes nothing. It knows no derivatives.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from memograd.errors import NotRational
from memograd.graph.node import Node
from memograd.graph.trace import Origin
from memograd.graph.walk import topological


def evaluate_exactly(outputs: Sequence[Node], values: Mapping[Node, Any], origins: Mapping[Node, Origin]) -> list[Any]:
    """The values of some nodes of no axes, given those of inputs; each node is computed once.

    Parameters
    ----------
    outputs : sequence of Node
    values : mapping of Node to Fraction, float, int or bool
        Of every input that the outputs depend on. A float stands for the fraction that it is.
    origins : mapping of Node to Origin
        For messages: the lines behind the nodes.

    Returns
    -------
    list of Fraction, int or bool
        By the dtype of the node.

    Raises
    ------
    NotRational
        When an op has no meaning in fractions (exp), or a result is none (1 / 0); the message names op and line.
    """
    computed = {node: _lifted(node, value) for node, value in values.items()}
    for node in topological(outputs, known=computed.keys()):
        if node.op == "constant":
            computed[node] = _lifted(node, node["value"].array.item())
        else:
            computed[node] = _computed(node, [computed[source] for source in node.inputs], origins)
    return [computed[output] for output in outputs]


def line_of(node: Node, origins: Mapping[Node, Origin]) -> str | None:
    """The line of the user's code behind a node, with its text; None for a leaf."""
    origin = origins.get(node)
    if origin is None:
        return None
    return f"{origin}: `{origin.source}`" if origin.source else str(origin)


def _lifted(node: Node, value: Any) -> Any:
    # Infinities and NaN stay what they are: a fraction can be compared with them, and `_computed` lets nothing
    # else be done.
    endless = isinstance(value, float) and not math.isfinite(value)
    return value if endless else NUMBERS[node.dtype.kind](value)


def _computed(node: Node, operands: Sequence[Any], origins: Mapping[Node, Origin]) -> Any:
    meaning = MEANINGS.get(node.op)
    if meaning is None:
        raise _not_rational(f"{node.op} of a fraction is no fraction", node, origins)
    try:
        result = meaning(*operands)
    except (ZeroDivisionError, OverflowError) as error:
        failed = "divides by zero" if isinstance(error, ZeroDivisionError) else "overflows"
        raise _not_rational(f"{node.op} {failed}", node, origins) from None
    if isinstance(result, (float, complex)):
        raise _not_rational(f"{node.op} gives {result}, which is no fraction", node, origins)
    return NUMBERS[node.dtype.kind](result)


def _not_rational(what: str, node: Node, origins: Mapping[Node, Origin]) -> NotRational:
    error = NotRational(f"{what}; pass floats instead of fractions, or write it with + - * / and whole powers")
    error.where = line_of(node, origins)
    return error


def _itself(x: Any) -> Any:
    return x


NUMBERS: Mapping[str, Callable[[Any], Any]] = {"f": Fraction, "i": int, "u": int, "b": bool}
"""Kind of dtype to the numbers that stand for it: ints of any size, which never wrap around."""

MEANINGS: Mapping[str, Callable[..., Any]] = {
    # Arithmetic
    "add": operator.add,
    "subtract": operator.sub,
    "negative": operator.neg,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "maximum": max,
    "minimum": min,
    "absolute": abs,
    "sign": lambda x: (x > 0) - (x < 0),
    "floor": math.floor,
    "ceil": math.ceil,
    # Comparisons
    "less": operator.lt,
    "less_equal": operator.le,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "isnan": lambda x: x != x,
    "isfinite": lambda x: abs(x) < math.inf,
    "logical_and": lambda x, y: bool(x) and bool(y),
    "logical_or": lambda x, y: bool(x) or bool(y),
    "logical_not": operator.not_,
    # Choice and change of form
    "where": lambda condition, x, y: x if condition else y,
    "cast": _itself,
    # Of a scalar along no axes
    **dict.fromkeys(("sum", "max", "min", "broadcast_to", "reshape", "transpose", "slice", "unslice"), _itself),
}
"""Op to its meaning. Absent are ops whose results are no fractions, and those that no scalar comes out of."""
