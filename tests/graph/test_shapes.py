"""The rules of shape and dtype: each op's rule gives a result's form, or an error that names op and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from memograd.errors import DtypeError, MalformedGraph, ShapeError
from memograd.graph.node import Node, describe
from memograd.graph.ops import OPS, make, make_input
from memograd.graph.shapes import INDEX, check_dtype, resolve


def leaf(text: str, index: int = 0) -> Node:
    """An input written as it is printed: ``float64[2, 3]``."""
    dtype, _, shape = text.removesuffix("]").partition("[")
    return make_input(1, index, tuple(int(n) for n in shape.split(",") if n.strip()), np.dtype(dtype))


# op, operands, attributes, the form of the result
FORMS: list[tuple[str, list[str], dict[str, Any], str]] = [
    ("where", ["bool[2]", "float32[2]", "float32[2]"], {}, "float32[2]"),
    ("cast", ["int64[2]"], {"dtype": np.dtype(np.float32)}, "float32[2]"),
    ("matmul", ["float32[5, 2, 3]", "float32[5, 3, 4]"], {}, "float32[5, 2, 4]"),
    ("matmul", ["float64[2, 0]", "float64[0, 4]"], {}, "float64[2, 4]"),
    ("sum", ["int64[2, 3, 4]"], {"axes": (0, 2)}, "int64[3]"),
    ("sum", ["float64[2, 0]"], {"axes": (1,)}, "float64[2]"),
    ("max", ["float32[2, 3]"], {"axes": (1,)}, "float32[2]"),
    ("min", ["float32[2, 0]"], {"axes": (0,)}, "float32[0]"),
    ("argmax", ["float32[2, 3]"], {"axes": (0,)}, f"{INDEX}[3]"),
    ("argmin", ["bool[2]"], {"axes": (0,)}, f"{INDEX}[]"),
    ("cumsum", ["float64[2, 3]"], {"axis": 1}, "float64[2, 3]"),
    ("broadcast_to", ["float64[3, 1]"], {"shape": (5, 3, 4)}, "float64[5, 3, 4]"),
    ("broadcast_to", ["float64[1]"], {"shape": (0,)}, "float64[0]"),
    ("reshape", ["float64[2, 3]"], {"shape": (6, 1)}, "float64[6, 1]"),
    ("transpose", ["float64[2, 3, 4]"], {"axes": (2, 0, 1)}, "float64[4, 2, 3]"),
    ("slice", ["float64[5, 3]"], {"ranges": ((4, 3, -2), (0, 1, 1))}, "float64[3, 1]"),
    ("unslice", ["float64[3, 1]"], {"shape": (5, 3), "ranges": ((4, 3, -2), (0, 1, 1))}, "float64[5, 3]"),
    ("take", ["float64[5, 3]", f"{INDEX}[2, 4]"], {"axis": 1}, "float64[5, 2, 4]"),
    ("scatter_add", ["float64[5, 2, 4]", f"{INDEX}[2, 4]"], {"axis": 1, "length": 3}, "float64[5, 3]"),
    ("scatter_add", ["float64[5]", f"{INDEX}[]"], {"axis": 1, "length": 3}, "float64[5, 3]"),
    ("concatenate", ["float64[2, 3]", "float64[2, 0]", "float64[2, 1]"], {"axis": 1}, "float64[2, 4]"),
    ("random_bits", ["uint64[2]", "uint64[4]"], {"shape": (2, 3)}, "uint32[2, 3]"),
]

# op, operands, attributes, and what the message says besides the op and the operands
MISFITS: list[tuple[str, list[str], dict[str, Any], str]] = [
    ("where", ["bool[2]", "float64[3]", "float64[2]"], {}, "not of one shape"),
    ("where", ["float64[2]", "float64[2]", "float64[2]"], {}, "are not a bool and two of one dtype"),
    ("where", ["bool[2]", "float64[2]", "float32[2]"], {}, "are not a bool and two of one dtype"),
    ("matmul", ["float64[3]", "float64[3, 2]"], {}, "not two stacks of matrices"),
    ("matmul", ["float64[2, 3]", "float64[3]"], {}, "not two stacks of matrices"),
    ("matmul", ["float64[5, 2, 3]", "float64[3, 2]"], {}, "not two stacks of matrices"),
    ("matmul", ["float64[2, 3]", "float64[2, 3]"], {}, "3 columns meet 2 rows"),
    ("matmul", ["float64[2, 3]", "float32[3, 2]"], {}, "not of one dtype"),
    ("sum", ["float64[2, 3]"], {"axes": (1, 0)}, r"axes \(1, 0\) are not sorted, distinct axes"),
    ("sum", ["float64[2, 3]"], {"axes": (1, 1)}, "not sorted, distinct axes"),
    ("sum", ["float64[2, 3]"], {"axes": (2,)}, "not sorted, distinct axes"),
    ("sum", ["float64[2, 3]"], {"axes": (-1,)}, "not sorted, distinct axes"),
    ("max", ["float64[2, 0]"], {"axes": (1,)}, "nothing to reduce along axes"),
    ("min", ["float64[0]"], {"axes": (0,)}, "nothing to reduce along axes"),
    ("argmax", ["float64[2, 3]"], {"axes": (0, 1)}, r"one position along one axis, not \(0, 1\)"),
    ("argmin", ["float64[2, 3]"], {"axes": ()}, r"one position along one axis, not \(\)"),
    ("argmax", ["float64[0]"], {"axes": (0,)}, "nothing to reduce"),
    ("cumsum", ["float64[2, 3]"], {"axis": 2}, "has no axis 2"),
    ("cumsum", ["float64[2, 3]"], {"axis": -1}, "has no axis -1"),
    ("broadcast_to", ["float64[3]"], {"shape": (4,)}, r"does not broadcast to \(4,\)"),
    ("broadcast_to", ["float64[3, 1]"], {"shape": (3,)}, r"does not broadcast to \(3,\)"),
    ("broadcast_to", ["float64[]"], {"shape": (-1,)}, "negative length"),
    ("reshape", ["float64[2, 3]"], {"shape": (4,)}, "6 elements, which do not fill"),
    ("reshape", ["float64[2, 3]"], {"shape": (-2, -3)}, "negative length"),
    ("transpose", ["float64[2, 3]"], {"axes": (0, 0)}, "not an order of the axes"),
    ("transpose", ["float64[2, 3]"], {"axes": (0,)}, "not an order of the axes"),
    ("slice", ["float64[5]"], {"ranges": ((3, 3, 1),)}, "do not lie in"),
    ("slice", ["float64[5]"], {"ranges": ((1, 3, -1),)}, "do not lie in"),
    ("slice", ["float64[5]"], {"ranges": ((0, 2, 0),)}, "do not lie in"),
    ("slice", ["float64[5]"], {"ranges": ((0, -1, 1),)}, "do not lie in"),
    ("slice", ["float64[5]"], {"ranges": ((0, 5, 1), (0, 1, 1))}, "do not lie in"),
    ("unslice", ["float64[2]"], {"shape": (5,), "ranges": ((0, 3, 1),)}, "does not fill the ranges"),
    ("unslice", ["float64[3]"], {"shape": (2,), "ranges": ((0, 3, 1),)}, "do not lie in"),
    ("unslice", ["float64[0]"], {"shape": (-1,), "ranges": ((0, 0, 1),)}, "negative length"),
    ("take", ["float64[5]", "float64[2]"], {"axis": 0}, f"indices must be {INDEX}"),
    ("take", ["float64[5]", f"{INDEX}[2]"], {"axis": 1}, "has no axis 1"),
    ("scatter_add", ["float64[2]", "int32[2]"], {"axis": 0, "length": 3}, f"indices must be {INDEX}"),
    ("scatter_add", ["float64[2]", f"{INDEX}[3]"], {"axis": 0, "length": 3}, "do not match at axis 0"),
    ("scatter_add", ["float64[2]", f"{INDEX}[]"], {"axis": 2, "length": 3}, "do not match at axis 2"),
    ("scatter_add", ["float64[2]", f"{INDEX}[]"], {"axis": -1, "length": 3}, "do not match at axis -1"),
    ("scatter_add", ["float64[2]", f"{INDEX}[2]"], {"axis": 0, "length": -3}, "negative length"),
    ("concatenate", ["float64[2, 3]", "float64[3, 3]"], {"axis": 1}, "differ elsewhere than along axis 1"),
    ("concatenate", ["float64[2]", "float64[2, 3]"], {"axis": 0}, "differ elsewhere than along axis 0"),
    ("concatenate", ["float64[2]", "float64[3]"], {"axis": 1}, "differ elsewhere than along axis 1"),
    ("concatenate", ["float64[2]", "float32[2]"], {"axis": 0}, "not of one dtype"),
    ("random_bits", ["uint64[3]", "uint64[4]"], {"shape": (2,)}, "not a key of 2 and a counter of 4 words"),
    ("random_bits", ["uint64[2]", "int64[4]"], {"shape": (2,)}, "not uint64"),
    ("random_bits", ["uint64[2]", "uint64[4]"], {"shape": (-2,)}, "negative length"),
    ("cast", ["float64[2]"], {"dtype": np.dtype(np.complex128)}, "complex128 cannot be traced"),
    ("cast", ["float64[2]"], {"dtype": np.dtype(">f4")}, "not in this machine's byte order"),
]  # fmt: skip

ELEMENTWISE = [name for name, row in OPS.items() if row.kind == "elementwise" and name not in ("cast", "where")]
BINARY = [name for name in ELEMENTWISE if OPS[name].arity == 2]


@pytest.mark.parametrize(("op", "operands", "attributes", "form"), FORMS)
def test_forms(op: str, operands: list[str], attributes: Mapping[str, Any], form: str) -> None:
    """The result has the shape and dtype that the rule says, which are those that NumPy computes."""
    inputs = [leaf(text, i) for i, text in enumerate(operands)]
    node = make(op, *inputs, **attributes)
    assert describe(node) == form
    value = OPS[op].meaning(*(np.zeros(x.shape, x.dtype) for x in inputs), **attributes)
    assert (value.shape, value.dtype) == (node.shape, node.dtype)


@pytest.mark.parametrize(("op", "operands", "attributes", "message"), MISFITS)
def test_misfits(op: str, operands: list[str], attributes: Mapping[str, Any], message: str) -> None:
    """Operands that do not fit are refused, with the op and the form of an operand, or the shape that is wrong."""
    inputs = [leaf(text, i) for i, text in enumerate(operands)]
    with pytest.raises((ShapeError, DtypeError), match=message) as caught:
        make(op, *inputs, **attributes)
    text = str(caught.value)
    assert text.startswith(f"{op}: ")
    named = [*operands, *map(str, attributes.values()), *(str(node.shape) for node in inputs)]
    assert any(name in text for name in named)


@pytest.mark.parametrize("op", ELEMENTWISE)
def test_elementwise_forms(op: str) -> None:
    """An elementwise op gives the dtype that NumPy's loop gives, for operands of the loop's own dtypes."""
    ufunc = OPS[op].meaning
    n_checked = 0
    for name in ("bool", "int8", "int64", "uint16", "float16", "float32", "float64"):
        dtype = np.dtype(name)
        try:
            *wanted, result = resolve(ufunc, (dtype,) * OPS[op].arity)
        except DtypeError:
            continue
        inputs = [leaf(f"{d}[2, 3]", i) for i, d in enumerate(wanted)]
        assert describe(make(op, *inputs)) == f"{result}[2, 3]"
        n_checked += 1
    assert n_checked >= 3


@pytest.mark.parametrize("op", BINARY)
def test_elementwise_operands_have_one_shape(op: str) -> None:
    """Broadcasting is a node of its own; an op refuses operands of two shapes."""
    with pytest.raises(ShapeError, match=rf"{op}: float64\[2\] and float64\[1\] are not of one shape"):
        make(op, leaf("float64[2]"), leaf("float64[1]"))


@pytest.mark.parametrize("op", [name for name in BINARY if not name.startswith("logical")])
def test_elementwise_operands_have_the_dtypes_of_a_loop(op: str) -> None:
    """Promotion is a node of its own; an op refuses operands that NumPy would convert."""
    with pytest.raises(
        DtypeError, match=rf"{op}: float32\[2\] and float64\[2\] must be cast to float64, float64 first"
    ):
        make(op, leaf("float32[2]"), leaf("float64[2]"))


def test_ufuncs_without_a_loop_are_refused() -> None:
    """The message names the ufunc and the dtypes, Python's scalars by their type."""
    with pytest.raises(DtypeError, match="subtract is not defined for bool, bool"):
        resolve(np.subtract, (np.dtype(bool), np.dtype(bool)))
    with pytest.raises(DtypeError, match="sign is not defined for <U1"):
        resolve(np.sign, (np.dtype("U1"),))


@pytest.mark.parametrize("dtype", ["complex64", "complex128", "O", "U3", "S3", "M8[s]", "m8[s]", "longdouble", "V8"])
def test_unsupported_dtypes(dtype: str) -> None:
    """What no engine can hold cannot be in a graph; the message names what can."""
    with pytest.raises(DtypeError, match="cannot be traced; use bool, an integer or float16, float32, float64"):
        check_dtype("input", np.dtype(dtype))


def test_every_rule_has_its_cases() -> None:
    """An op that is not elementwise, and no leaf, is among the forms and among the misfits."""
    others = {name for name, row in OPS.items() if row.kind not in ("leaf",) and name not in ELEMENTWISE}
    assert {case[0] for case in FORMS} == others
    assert {case[0] for case in MISFITS} == others


def test_leaves_are_not_made_as_ops() -> None:
    """Leaves have constructors of their own."""
    with pytest.raises(MalformedGraph, match="input is a leaf: use make_input or make_constant"):
        make("input", level=1, index=0)
