"""Scalar graphs in exact numbers: what every op means there, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from memograd.errors import NotRational
from memograd.gradient.paths.exact import MEANINGS, NUMBERS, evaluate_exactly
from memograd.graph.ops import BINARY, OPS, UNARY, make, make_constant, make_input
from memograd.graph.shapes import SUPPORTED_KINDS

FLOAT = np.dtype(np.float64)
X, Y = make_input(1, 0, (), FLOAT), make_input(1, 1, (), FLOAT)

# Dyadic, so that floats hold them and what is made of two of them exactly; whole ones serve as exponents.
SAMPLES = [-4.0, -1.5, -1.0, 0.0, 0.25, 1.0, 2.0]

TRANSCENDENTAL = {
    "exp", "expm1", "log", "log1p", "logaddexp", "logistic", "erf", "sqrt", "sin", "cos", "tan",
    "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh",
}  # fmt: skip

NEVER_SCALAR = {"matmul", "cumsum", "take", "scatter_add", "concatenate", "random_bits", "argmax", "argmin"}


def test_every_op_is_exact_or_named_here() -> None:
    """A new op is given an exact meaning, or is known to have none."""
    leaves = {"input", "constant"}
    assert OPS.keys() - MEANINGS.keys() == TRANSCENDENTAL | NEVER_SCALAR | leaves
    assert MEANINGS.keys() <= OPS.keys()
    assert NUMBERS.keys() == set(SUPPORTED_KINDS)


@pytest.mark.parametrize("op", sorted(MEANINGS.keys() & (UNARY | BINARY).keys()))
def test_ops_mean_what_they_mean_in_numpy(op: str) -> None:
    """On numbers that floats hold exactly, the exact result is NumPy's, and of its type."""
    n_operands = (UNARY | BINARY)[op].nin
    logical = op.startswith("logical")
    for values in product([True, False] if logical else SAMPLES, repeat=n_operands):
        if (op == "divide" and not values[1]) or (op == "power" and (not values[0] or values[1] % 1)):
            continue
        inputs = [make_input(1, i, (), np.dtype(bool) if logical else FLOAT) for i in range(n_operands)]
        node = make(op, *inputs)
        (found,) = evaluate_exactly([node], dict(zip(inputs, values, strict=True)), {})
        expected = OPS[op].meaning(*map(np.asarray, values))
        # Quotients and powers of dyadic numbers need not be dyadic: NumPy rounds those once or twice.
        assert float(found) == pytest.approx(float(expected), rel=1e-15)
        assert type(found) is NUMBERS[node.dtype.kind]


def test_a_choice_is_one_of_two() -> None:
    """`where` takes the first where the condition holds, and the second where not."""
    chosen = make("where", make("less", X, Y), X, Y)
    assert evaluate_exactly([chosen], {X: Fraction(1, 3), Y: Fraction(1, 2)}, {}) == [Fraction(1, 3)]
    assert evaluate_exactly([chosen], {X: Fraction(1, 2), Y: Fraction(1, 3)}, {}) == [Fraction(1, 3)]


def test_a_float_is_the_fraction_that_it_is() -> None:
    """A tenth in the code is not one tenth, and counts as what it is."""
    tenth = make_constant(np.asarray(0.1))
    (found,) = evaluate_exactly([make("add", X, tenth)], {X: Fraction(1, 10)}, {})
    assert found == Fraction(1, 10) + Fraction(0.1) != Fraction(1, 5)


def test_casts_do_not_round() -> None:
    """A third in float32 is a third; cut off to an int it is one."""
    single = make("cast", X, dtype=np.dtype(np.float32))
    whole = make("cast", X, dtype=np.dtype(np.int32))
    back = make("cast", whole, dtype=FLOAT)
    found = evaluate_exactly([single, whole, back], {X: Fraction(-4, 3)}, {})
    assert found == [Fraction(-4, 3), -1, Fraction(-1)]
    assert [type(value) for value in found] == [Fraction, int, Fraction]


def test_infinity_may_be_compared_with() -> None:
    """An infinite bound is one that no fraction reaches."""
    infinity = make_constant(np.asarray(np.inf))
    nodes = [make("minimum", X, infinity), make("less", X, infinity), make("isfinite", infinity)]
    assert evaluate_exactly(nodes, {X: Fraction(7, 2)}, {}) == [Fraction(7, 2), True, False]


@pytest.mark.parametrize(
    ("op", "values", "message"),
    [
        ("exp", [Fraction(1)], "exp of a fraction is no fraction; pass floats"),
        ("divide", [Fraction(1), Fraction(0)], "divide divides by zero"),
        ("power", [Fraction(0), Fraction(-1)], "power divides by zero"),
        ("power", [Fraction(4), Fraction(1, 2)], r"power gives 2\.0, which is no fraction"),
        ("power", [Fraction(-1), Fraction(1, 2)], r"power gives \(.*j\), which is no fraction"),
        ("power", [Fraction(10**400), Fraction(1, 2)], "power overflows"),
        ("add", [Fraction(1), float("inf")], "add gives inf, which is no fraction"),
    ],
)
def test_what_is_no_fraction_is_refused(op: str, values: list[Fraction | float], message: str) -> None:
    """No float slips into an exact result, and the op that would have let it is named."""
    inputs = [X, Y][: len(values)]
    with pytest.raises(NotRational, match=message):
        evaluate_exactly([make(op, *inputs)], dict(zip(inputs, values, strict=True)), {})
