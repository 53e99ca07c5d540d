"""What tracing cannot follow is an error that names the user's line and says what to write instead."""

from __future__ import annotations

import contextlib
import linecache
import math
import operator
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

from memograd.errors import DtypeError, TraceError
from memograd.graph.trace import open_depth
from memograd.graph.tracing import take_apart, trace

X = np.arange(6.0).reshape(2, 3)
N = np.float64(1.5)


def run_trace(f: Callable[..., Any], *args: Any) -> Any:
    """Trace a function of arrays."""
    return trace(f, take_apart(f, args, {}))


def assign(x):
    x[0] = 1


def add_in_place(x):
    x += 1


def multiply_in_place(x):
    x *= x


def matmul_in_place(x):
    x @= np.eye(3)


def write_into(x):
    np.add(x, 1, out=x)


def write_into_concrete(x):
    np.add(x, 1, out=np.zeros((2, 3)))


def add_to_concrete(x):
    total = np.zeros((2, 3))
    total += x
    return total


def assign_to_concrete(x):
    total = np.zeros((2, 3))
    total[0] = x[0]
    return total


def sum_into(x):
    return np.sum(x, axis=0, out=np.zeros(3))


def sum_into_by_position(x):
    return np.sum(x, 0, None, np.zeros(3))


def branch(x):
    if x[0, 0] > 0:
        return x
    return -x


def loop(x):
    while x[0, 0] > 0:
        x = x - 1
    return x


def both(x):
    return x[0, 0] > 0 and x[0, 1] > 0


def either(x):
    return x > 0 or x < 0


def neither(x):
    return not x[0, 0]


def choose(x):
    return 1.0 if x.sum() else 2.0


def claim(x):
    assert np.all(np.isfinite(X))
    assert x[0, 0] > 0


def chained(x):
    return 0 < x < 1


def contains(x):
    return 3.0 in x


def largest(x):
    return max(x[0])


def as_float(x):
    return float(x[0, 0])


def as_int(x):
    return int(x[0, 0])


def as_complex(x):
    return complex(x[0, 0])


def as_item(x):
    return x[0, 0].item()


def as_list(x):
    return x.tolist()


def as_range(x):
    return list(range(np.argmax(x)))


def as_array(x):
    return np.array(x)


def as_array_of_parts(x):
    return np.array([x[0, 0], x[0, 1]])


def asarray(x):
    return np.asarray(x, dtype=np.float32)


def exponential_of_math(x):
    return math.exp(x[0, 0])


def formatted(x):
    return f"{x[0, 0]:.3f}"


def sorted_by_numpy(x):
    return np.sort(x)


def inverse(x):
    return np.linalg.inv(x)


def gamma(x):
    return scipy.special.gamma(x)


def remainder(x):
    return x % 2


def floor_division(x):
    return x // 2


def median(x):
    return np.median(x)


def sum_of_some(x):
    return np.sum(x, where=x > 0)


def sum_from(x):
    return np.sum(x, initial=1.0)


def ufunc_of_some(x):
    return np.sqrt(x, where=x > 0)


def ufunc_in_dtype(x):
    return np.add(x, 1, dtype=np.float32)


def accumulate(x):
    return np.multiply.accumulate(x)


def reduce(x):
    return np.add.reduce(x)


def outer(x):
    return np.add.outer(x, x)


def mask(x):
    return x[x > 0]


def positions(x):
    return np.nonzero(x)


def where_true(x):
    return np.where(x > 0)


def bitwise(x):
    return x.astype(int) & 1


def complex_operand(x):
    return x * 1j


def complex_array(x):
    return x + np.ones(3, complex)


def object_array(x):
    return x + np.array([None, 1, 2])


def string_array(x):
    return x + np.array(["a", "b", "c"])


def in_a_layer_of_calls(x):
    return [float(row) for row in x[:, 0]]


# What happens, what the message says, and what it says to write instead. The line is the one that is marked.
CASES: list[tuple[Callable[..., Any], str, str, str]] = [
    (assign, "x[0] = 1", "assigns into a traced array float64[2, 3]", "np.where(mask, new, old)"),
    (add_in_place, "x += 1", "`+=` changes a traced array float64[2, 3] in place", "`x = x + y`"),
    (multiply_in_place, "x *= x", "`*=` changes a traced array float64[2, 3] in place", "`x = x * y`"),
    (matmul_in_place, "x @= np.eye(3)", "`@=` changes", "`x = x @ y`"),
    (write_into, "np.add(x, 1, out=x)", "np.add(..., out=...) writes into a traced array float64[2, 3]", "drop out="),
    (write_into_concrete, "np.add(x, 1, out=", "np.add(..., out=...) writes into", "drop out="),
    (add_to_concrete, "total += x", "np.add(..., out=...) writes into", "`z = x + y`, not `x += y`"),
    (assign_to_concrete, "total[0] = x[0]", "the values of a traced array float64[3] are not known", "np.concatenate"),
    (sum_into, "np.sum(x, axis=0, out=", "np.sum(out=...)", "leave out= out"),
    (sum_into_by_position, "np.sum(x, 0, None,", "np.sum(out=...)", "leave out= out"),
    (branch, "if x[0, 0] > 0", "branches on the value of a traced array bool[]", "np.where(condition, a, b)"),
    (loop, "while x[0, 0] > 0", "branches on the value", "np.where(condition, a, b)"),
    (both, "and", "branches on the value", "np.logical_and/or/not"),
    (either, "or", "branches on the value of a traced array bool[2, 3]", "np.logical_and/or/not"),
    (neither, "not x", "branches on the value", "np.logical_and/or/not"),
    (choose, "1.0 if x.sum()", "branches on the value", "np.where"),
    (claim, "assert x[0, 0] > 0", "branches on the value", "np.where"),
    (chained, "0 < x < 1", "branches on the value", "np.logical_and"),
    (contains, "3.0 in x", "branches on the value", "np.where"),
    (largest, "max(x[0])", "branches on the value", "np.where"),
    (as_float, "float(", "float() needs the value of a traced array float64[]", "leave it an array"),
    (as_int, "int(", "int() needs the value of a traced array float64[]", ".astype(int)"),
    (as_complex, "complex(", "needs the value", "leave it an array"),
    (as_item, ".item()", ".item() needs the value", "leave it an array"),
    (as_list, ".tolist()", ".tolist() needs the value", "leave it an array"),
    (as_range, "range(", "is used as a length or position in Python", "as a Python int; a table that is no argument"),
    (as_array, "np.array(x)", "np.array, np.asarray and functions that need them", "np.stack or np.concatenate"),
    (as_array_of_parts, "np.array([", "np.array, np.asarray", "np.stack"),
    (asarray, "np.asarray(x", "np.array, np.asarray", "np.stack"),
    (exponential_of_math, "math.exp", "float() needs the value", "np.exp, not math.exp"),
    (formatted, ":.3f", "the format '.3f' needs the value of a traced", "return the array and print it"),
    (sorted_by_numpy, "np.sort(x)", "np.sort of a traced array has no row", "functions that have a row"),
    (inverse, "np.linalg.inv", "np.linalg.inv of a traced array has no row", "listed in docs/numpy.md"),
    (gamma, "scipy.special.gamma", "gamma of a traced array has no row", "functions that have a row"),
    (remainder, "x % 2", "np.remainder of a traced array has no row", "functions that have a row"),
    (floor_division, "x // 2", "np.floor_divide of a traced array has no row", "functions that have a row"),
    (median, "np.median", "np.median of a traced array has no row", "functions that have a row"),
    (sum_of_some, "where=x > 0", "np.sum(where=...) of a traced array has no row", "leave where= out"),
    (sum_from, "initial=", "np.sum(initial=...) of a traced array has no row", "leave initial= out"),
    (ufunc_of_some, "where=x > 0", "np.sqrt(..., where=) of a traced array", "np.where(mask, a, b) replaces where="),
    (ufunc_in_dtype, "dtype=", "np.add(..., dtype=) of a traced array", "without keyword arguments"),
    (accumulate, "accumulate", "np.multiply.accumulate of a traced array", "call the ufunc"),
    (reduce, "np.add.reduce", "np.add.reduce of a traced array", "use np.sum"),
    (outer, "np.add.outer", "np.add.outer of a traced array", "call the ufunc"),
    (mask, "x[x > 0]", "a mask of traced values picks a number of elements", "np.where(mask, x, 0)"),
    (positions, "np.nonzero", "np.nonzero of a traced array has no row", "functions that have a row"),
    (where_true, "np.where(x > 0)", "np.where with one argument", "np.where(condition, a, b)"),
    (bitwise, "& 1", "bitwise operators work on masks of bool", "(x > 0) & (y > 0)"),
]

DTYPE_CASES: list[tuple[Callable[..., Any], str, str]] = [
    (complex_operand, "x * 1j", "arrays of complex128 cannot be traced; use bool, an integer or float16, float32"),
    (complex_array, "np.ones(3, complex)", "arrays of complex128 cannot be traced; use bool, an integer"),
    (object_array, "np.array([None, 1, 2])", "arrays of object cannot be traced; use bool, an integer"),
    (string_array, 'np.array(["a", "b", "c"])', "add is not defined for float64, <U1"),
]


def assert_names_the_line(error: BaseException, code: str, function: str) -> None:
    """The message has this file, a line that holds the code, and the function around it."""
    found = re.search(rf"{re.escape(__file__)}:(\d+) in {function}: `(.*)`", str(error))
    assert found, str(error)
    line = linecache.getline(__file__, int(found[1])).strip()
    assert code in line
    assert found[2] == line


@pytest.mark.parametrize(("f", "code", "what", "instead"), CASES, ids=lambda part: getattr(part, "__name__", ""))
def test_untraceable_code(f: Callable[..., Any], code: str, what: str, instead: str) -> None:
    """The error says what happened, in which line of this file, and what to write."""
    with pytest.raises(TraceError) as caught:
        run_trace(f, X)
    before, _, after = str(caught.value).partition("\n  Instead: ")
    assert what in before
    assert instead in after
    assert_names_the_line(caught.value, code, f.__name__)


@pytest.mark.parametrize(("f", "code", "what"), DTYPE_CASES, ids=lambda part: getattr(part, "__name__", ""))
def test_untraceable_dtypes(f: Callable[..., Any], code: str, what: str) -> None:
    """Arrays of what is no number are refused with their dtype, and the line where they come in."""
    with pytest.raises(DtypeError) as caught:
        run_trace(f, X)
    assert what in str(caught.value)
    assert_names_the_line(caught.value, code, f.__name__)


def test_an_error_inside_of_a_comprehension() -> None:
    """The line is the innermost of the user's, in Python 3.11 a frame of its own."""
    with pytest.raises(TraceError) as caught:
        run_trace(in_a_layer_of_calls, X)
    function = "in_a_layer_of_calls" if sys.version_info >= (3, 12) else "<listcomp>"
    assert_names_the_line(caught.value, "float(row)", function)


def test_every_in_place_operator_is_refused_for_arrays() -> None:
    """And rebinds the name of a number, as it does with NumPy's scalars."""
    in_place = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow]
    refused = [operator.ifloordiv, operator.imod, operator.imatmul, operator.iand, operator.ior, operator.ixor,
               operator.ilshift, operator.irshift]  # fmt: skip
    for change in (*in_place, *refused):
        with pytest.raises(TraceError):
            run_trace(lambda x, change=change: change(x, 2), X)
    for change in in_place:
        graph, _ = run_trace(lambda x, change=change: change(x, 2.0), N)
        assert graph.outputs[0].shape == ()


def test_strings_of_a_traced_array_are_no_values() -> None:
    """A traced array may be printed while debugging; it shows its form."""
    shown = []
    run_trace(lambda x: shown.append(f"{x} {x!r}") or x, X)
    assert shown == ["TracedArray(float64[2, 3]) TracedArray(float64[2, 3])"]


@pytest.mark.parametrize("f", [lambda x: "text", lambda x: [x, object()], lambda x: {"a": 1j}, lambda x: X.astype("O")])
def test_results_are_arrays(f: Callable[..., Any]) -> None:
    """A function that returns something else is refused by name."""
    with pytest.raises(TraceError, match=r"<lambda> returned .* return arrays and numbers only"):
        run_trace(f, X)


def test_a_leaked_array_is_refused() -> None:
    """An array kept from a finished trace belongs to nothing; using it later names the line that does."""
    kept = []
    run_trace(lambda x: kept.append(x) or x, X)
    (leaked,) = kept
    for use in (lambda x: x + leaked, lambda x: np.concatenate([x, leaked]), lambda x: leaked[0]):
        with pytest.raises(TraceError, match="left over from a finished trace") as caught:
            run_trace(use, X)
        assert_names_the_line(caught.value, "leaked", "<lambda>")
    with pytest.raises(TraceError, match="left over from a finished trace"):
        run_trace(lambda x: leaked, X)
    with pytest.raises(TraceError, match=r"left over from a finished trace.*\n.*return it from the traced function"):
        np.sin(leaked)


@pytest.mark.parametrize("f", [branch, as_float, sorted_by_numpy, in_a_layer_of_calls, complex_array])
def test_an_error_leaves_no_trace_open(f: Callable[..., Any]) -> None:
    """After a failure the next trace starts as if nothing had been."""
    with contextlib.suppress(TraceError, DtypeError):
        run_trace(f, X)
    assert open_depth() == 0
    graph, _ = run_trace(lambda x: x + 1, X)
    assert graph.inputs[0]["level"] == 1


def test_what_can_be_traced() -> None:
    """Loops over shapes, lists of parts, isinstance and None checks are Python, and run."""

    def f(x, bias=None):
        total = 0.0
        for row in list(x):
            total = total + row
        for i in range(x.shape[1]):
            total = total + x[0, i]
        if x.ndim == 2 and bias is None and len(x) > 1:
            total = total * 2
        return total

    graph, _ = run_trace(f, X)
    assert graph.outputs[0].shape == (3,)
