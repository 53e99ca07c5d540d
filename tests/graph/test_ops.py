"""The table of ops: what `make` refuses, and what ops mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import DtypeError, MalformedGraph
from memograd.graph.evaluate import evaluate
from memograd.graph.node import Node
from memograd.graph.ops import BINARY, OPS, UNARY, make, make_constant, make_input, slices_of

FLOAT = np.dtype(np.float64)
X = make_input(1, 0, (2, 3), FLOAT)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "message"),
    [
        ("sine", (X,), {}, "there is no op 'sine'"),
        ("add", (X,), {}, "add takes 2 operands, not 1"),
        ("sin", (X, X), {}, "sin takes 1 operands, not 2"),
        ("concatenate", (), {"axis": 0}, "concatenate takes one or more operands, not 0"),
        ("sum", (X,), {}, r"sum has the attributes \('axes',\), not \(\)"),
        ("sum", (X,), {"axis": (0,)}, r"sum has the attributes \('axes',\), not \('axis',\)"),
        ("sin", (X,), {"axis": 0}, r"sin has the attributes \(\), not \('axis',\)"),
        ("reshape", (X,), {"shape": [3, 2]}, r"reshape: {'shape': \[3, 2\]} are not Python ints"),
        ("reshape", (X,), {"shape": (3.0, 2)}, "are not Python ints"),
        ("pad", (X,), {}, "there is no op 'pad'"),
    ],
)
def test_what_is_not_in_the_table_is_refused(
    op: str, inputs: tuple[Node, ...], attributes: dict[str, Any], message: str
) -> None:
    """Unknown ops, other arities and other attributes cannot become nodes."""
    with pytest.raises(MalformedGraph, match=message):
        make(op, *inputs, **attributes)


def test_rows_are_named_as_their_keys() -> None:
    """A row's name is its key, and its arity is that of its ufunc."""
    assert all(row.name == name for name, row in OPS.items())
    assert all(OPS[name].arity == ufunc.nin for name, ufunc in (UNARY | BINARY).items())


def test_attributes_are_held_in_the_order_of_the_row() -> None:
    """However they are given, so that equal nodes are one node."""
    indices = make_input(1, 1, (2,), np.dtype(np.intp))
    one = make("scatter_add", X, indices, axis=0, length=4)
    assert one is make("scatter_add", X, indices, length=4, axis=0)
    assert one.attributes == (("axis", 0), ("length", 4))


@pytest.mark.parametrize("value", [np.zeros(1, complex), np.zeros(1, object), np.array(["a"]), np.zeros(1, "M8[s]")])
def test_constants_hold_numbers(value: Any) -> None:
    """A constant of something else is refused, as an input is."""
    with pytest.raises(DtypeError, match=r"constant: arrays of .* cannot be traced"):
        make_constant(value)
    with pytest.raises(DtypeError, match=r"input: arrays of .* cannot be traced"):
        make_input(1, 0, (1,), value.dtype)


@given(st.integers(0, 6), st.slices(6))
def test_ranges_are_slices(length: int, part: slice) -> None:
    """A range (start, length, step) picks what the slice that it was made of picks."""
    start, stop, step = part.indices(length)
    count = len(range(start, stop, step))
    array = np.arange(length)
    ranges = ((start, count, step) if count else (0, 0, 1),)
    np.testing.assert_array_equal(array[slices_of(ranges)], array[part])


def test_unslice_puts_back_what_slice_took() -> None:
    """Zero elsewhere."""
    x = make_input(1, 2, (5, 2), FLOAT)
    ranges = ((4, 3, -2), (1, 1, 1))
    value = np.arange(10.0).reshape(5, 2)
    (result,) = evaluate([make("unslice", make("slice", x, ranges=ranges), shape=x.shape, ranges=ranges)], {x: value})
    expected = np.zeros((5, 2))
    expected[::2, 1] = value[::2, 1]
    np.testing.assert_array_equal(result, expected)


def test_scatter_add_adds_where_positions_repeat() -> None:
    """Equal positions add up, in every row and column around the axis; negative ones count from the end."""
    x = make_input(1, 3, (2, 3, 2), FLOAT)
    indices = make_constant(np.array([1, 1, -1]))
    node = make("scatter_add", x, indices, axis=1, length=4)
    value = np.arange(12.0).reshape(2, 3, 2)
    expected = np.zeros((2, 4, 2))
    expected[:, 1] = value[:, 0] + value[:, 1]
    expected[:, 3] = value[:, 2]
    np.testing.assert_array_equal(evaluate([node], {x: value})[0], expected)


def test_sums_keep_their_dtype() -> None:
    """A sum of short integers wraps around as its node says; the front end casts before, as NumPy does."""
    x = make_input(1, 4, (2,), np.dtype(np.int8))
    (result,) = evaluate([make("sum", x, axes=(0,))], {x: np.array([100, 100], np.int8)})
    assert result.dtype == np.int8
    assert result == -56


def test_an_input_without_a_value_is_refused() -> None:
    """The message says that it is another trace's."""
    with pytest.raises(MalformedGraph, match="has no value: it belongs to another trace"):
        evaluate([make("sin", X)], {})
