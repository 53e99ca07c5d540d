"""The node: one for equal parts, gone when nobody needs it, and no recursion anywhere."""

from __future__ import annotations

import gc
import struct
import threading
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import MalformedGraph
from memograd.graph import node as node_module
from memograd.graph.node import SMALL_BYTES, FrozenArray, Node, describe, intern, is_interned
from memograd.graph.ops import make, make_constant, make_input, make_like

FLOAT = np.dtype(np.float64)


def scalar(value: Any) -> Node:
    """The constant of a number."""
    return make_constant(np.asarray(value))


def from_bits(bits: int) -> np.float64:
    """The double with these 64 bits."""
    return np.frombuffer(struct.pack("<Q", bits), "<f8")[0]


X, Y = make_input(1, 0, (3,), FLOAT), make_input(1, 1, (3,), FLOAT)


def test_an_equal_node_is_the_node() -> None:
    """The same op on the same operands with the same attributes is one object, so it is stored once."""
    assert make("add", X, Y) is make("add", X, Y)
    assert make("sum", make("add", X, Y), axes=(0,)) is make("sum", make("add", X, Y), axes=(0,))
    assert make_input(1, 0, (3,), FLOAT) is X
    assert make_constant(np.arange(3.0)) is make_constant(np.arange(6.0)[:3])


def test_other_parts_make_other_nodes() -> None:
    """Op, operands, their order, attributes, shape and dtype all tell nodes apart."""
    nodes = [
        make("add", X, Y), make("add", Y, X), make("multiply", X, Y),
        make("reshape", X, shape=(3, 1)), make("reshape", X, shape=(1, 3)),
        make_input(1, 0, (4,), FLOAT), make_input(1, 0, (3,), np.dtype(np.float32)), make_input(2, 0, (3,), FLOAT),
    ]  # fmt: skip
    assert len(set(nodes)) == len(nodes)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        (from_bits(0x7FF8000000000000), from_bits(0x7FF8000000000001)),
        (from_bits(0x7FF8000000000000), from_bits(0xFFF8000000000000)),
        (1, 1.0),
        (1, True),
        (0.0, False),
        (np.float32(1), np.float64(1)),
        (np.int32(1), np.int64(1)),
        (np.uint8(1), np.int8(1)),
        (np.zeros(2), np.zeros((2, 1))),
        (np.zeros(2), np.zeros((1, 2))),
        (np.zeros(4, np.float32), np.zeros(2, np.float64)),
    ],
)
def test_constants_that_compare_equal_are_told_apart(one: Any, other: Any) -> None:
    """Constants are one node when dtype, shape and bits are the same, and only then."""
    assert scalar(one) is scalar(one)
    assert scalar(one) is not scalar(other)


def test_layout_and_byte_order_do_not_matter() -> None:
    """A constant is its logical elements, however they lay in memory."""
    array = np.arange(6.0).reshape(2, 3)
    for same in (np.asfortranarray(array), array.astype(">f8"), np.repeat(array, 2, axis=1)[:, ::2]):
        assert make_constant(same) is make_constant(array)


def test_large_constants_are_not_compared() -> None:
    """Above the limit a constant equals only itself; up to it, its bytes decide."""
    at_limit = np.zeros(SMALL_BYTES, np.uint8)
    assert make_constant(at_limit) is make_constant(at_limit.copy())
    above = np.zeros(SMALL_BYTES + 1, np.uint8)
    assert make_constant(above) is not make_constant(above)


def test_a_constant_is_a_private_read_only_copy() -> None:
    """Writing into the array afterwards does not change the node, and nobody can write into the node."""
    array = np.zeros(3)
    node = make_constant(array)
    array[0] = 1
    np.testing.assert_array_equal(node["value"].array, np.zeros(3))
    with pytest.raises(ValueError, match="read-only"):
        node["value"].array[0] = 1


@pytest.mark.parametrize("axis", [True, np.int64(1), 1.0, np.True_])
def test_attributes_that_compare_equal_are_refused(axis: Any) -> None:
    """True, 1.0 and an int64 equal 1, and would stand for it in whatever is printed or digested."""
    matrix = make_input(1, 0, (2, 3), FLOAT)
    with pytest.raises(MalformedGraph, match=r"cumsum.*are not Python ints"):
        make("cumsum", matrix, axis=axis)
    with pytest.raises(MalformedGraph, match=r"sum.*are not Python ints"):
        make("sum", matrix, axes=(axis,))
    assert type(make("cumsum", matrix, axis=1)["axis"]) is int


def test_nodes_are_compared_by_identity() -> None:
    """A node made by hand is not the interned one, though its parts are equal."""
    double = Node("add", (X, Y), (), (3,), FLOAT)
    node = make("add", X, Y)
    assert double != node
    assert is_interned(node)
    assert not is_interned(double)


def test_dropped_graphs_are_freed() -> None:
    """The table of nodes keeps none alive: when the last reference goes, so does the entry."""
    gc.collect()
    before = len(node_module._interned)
    array = np.full(1000, 3.0)
    node = make("multiply", make_constant(array), make_input(7, 0, (1000,), FLOAT))
    gone = [weakref.ref(node), weakref.ref(node.inputs[0]), weakref.ref(node.inputs[0]["value"].array)]
    assert len(node_module._interned) == before + 3
    del node
    # Nodes hold no cycles, so they go at once, without the garbage collector.
    assert [reference() for reference in gone] == [None, None, None]
    assert len(node_module._interned) == before


def test_a_node_made_again_after_it_was_freed_is_found() -> None:
    """An entry that died does not hide the one that replaced it."""
    for _ in range(3):
        node = make("sin", make_input(8, 0, (2,), FLOAT))
        assert make("sin", make_input(8, 0, (2,), FLOAT)) is node
        del node


def test_a_million_nodes_build_and_are_freed() -> None:
    """Depth costs no stack, neither when a chain is made nor when it is dropped."""
    gc.collect()
    before = len(node_module._interned)
    node = make_input(9, 0, (), FLOAT)
    for _ in range(10**6):
        node = intern("sin", (node,), (), (), FLOAT)
    assert len(node_module._interned) == before + 10**6 + 1
    del node
    assert len(node_module._interned) == before


def test_threads_intern_the_same_nodes() -> None:
    """Threads that build equal graphs at the same time get the same objects."""
    n_threads, n_nodes = 4, 300
    start = threading.Barrier(n_threads)
    found: list[list[Node]] = [[] for _ in range(n_threads)]

    def build(mine: list[Node]) -> None:
        start.wait()
        node = make_input(10, 0, (), FLOAT)
        for i in range(n_nodes):
            node = make("add", node, make_constant(np.asarray(float(i))))
            mine.append(node)

    threads = [threading.Thread(target=build, args=(mine,)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set().union(*map(set, found))) == n_nodes


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_constants_are_one_node_when_their_bits_are(a: int, b: int) -> None:
    """Over all doubles, NaNs and infinities among them."""
    assert (scalar(from_bits(a)) is scalar(from_bits(b))) == (a == b)


def test_attributes_are_read_by_name() -> None:
    """A node gives its attributes, and says so when it has none of a name."""
    node = make("reshape", X, shape=(3, 1))
    assert node["shape"] == (3, 1)
    with pytest.raises(KeyError, match="reshape has no attribute 'axis'"):
        node["axis"]


def test_sizes_are_exact() -> None:
    """Sizes are Python integers, which do not overflow."""
    huge = make_input(1, 0, (2**40, 2**40), FLOAT)
    assert (huge.size, huge.size_bytes, huge.ndim) == (2**80, 2**83, 2)
    assert make_input(1, 0, (3, 0), FLOAT).size == 0


def test_text() -> None:
    """A node prints its op, the form of its operands, its attributes and its own form."""
    assert repr(make("sum", make("reshape", X, shape=(1, 3)), axes=(1,))) == (
        "sum(float64[1, 3], axes=(1,)) -> float64[1]"
    )
    assert describe(scalar(2.0)) == "float64[]"
    assert repr(scalar(2.0)) == "constant(value=2.0) -> float64[]"
    assert repr(FrozenArray(np.zeros(3))) == "<24 bytes>"


def test_making_like_another() -> None:
    """The same op with the same attributes on other operands."""
    assert make_like(make("cumsum", X, axis=0), (Y,)) is make("cumsum", Y, axis=0)
