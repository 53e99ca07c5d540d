"""Random graphs, with values for their inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from memograd.graph.node import Node
from memograd.graph.ops import make, make_constant, make_input

Draw = Callable[[st.SearchStrategy[Any]], Any]

# Elements that reach every branch: overflow, cancellation, signs of zero, NaN.
NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.5, 1e-3, 1e30, np.inf, np.nan)
SHAPES = ((2, 3), (3, 2), (6,), (3,), (1, 3), (), (0, 3))
UNARY = ("negative", "exp", "tanh", "absolute", "sqrt", "sin", "floor")
BINARY = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "less", "equal")


@dataclass(frozen=True, slots=True)
class RandomGraph:
    """A graph and the values of its inputs."""

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    values: tuple[Any, ...]


@st.composite
def random_graphs(draw: Draw, max_nodes: int = 14) -> RandomGraph:
    """Graphs of arithmetic, comparisons, choices, products, reductions, views and moves, with any outputs."""
    inputs, values = [], []
    for i in range(draw(st.integers(1, 3))):
        shape = draw(st.sampled_from(SHAPES))
        size = int(np.prod(shape))
        numbers = draw(st.lists(st.sampled_from(NUMBERS), min_size=size, max_size=size))
        values.append(np.array(numbers, np.float64).reshape(shape))
        inputs.append(make_input(1, i, shape, np.dtype(np.float64)))
    nodes: list[Node] = [*inputs]
    for _ in range(draw(st.integers(1, max_nodes))):
        nodes.append(draw(st.sampled_from(STEPS))(draw, nodes))
    outputs = draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=4))
    return RandomGraph(tuple(inputs), tuple(outputs), tuple(values))


def some(draw: Draw, nodes: list[Node]) -> Node:
    """A node, more likely a late one."""
    return nodes[-1 - min(draw(st.integers(0, len(nodes) - 1)), draw(st.integers(0, len(nodes) - 1)))]


def floating(draw: Draw, nodes: list[Node]) -> Node:
    """A node of floats."""
    x = some(draw, nodes)
    return x if x.dtype.kind == "f" else make("cast", x, dtype=np.dtype(np.float64))


def partner(draw: Draw, nodes: list[Node], x: Node) -> Node:
    """A node of floats of the same shape: another one, a number repeated, or one that broadcasts to it."""
    found = [y for y in nodes if y.dtype == x.dtype and fits(y.shape, x.shape)]
    y = draw(st.sampled_from([*found, None]))
    if y is None:
        y = make_constant(np.asarray(draw(st.sampled_from(NUMBERS)), x.dtype))
    return y if y.shape == x.shape else make("broadcast_to", y, shape=x.shape)


def fits(shape: tuple[int, ...], into: tuple[int, ...]) -> bool:
    """Whether a shape broadcasts to another one."""
    ending = into[len(into) - len(shape) :]
    return len(shape) <= len(into) and all(a in (1, b) for a, b in zip(shape, ending, strict=True))


def unary(draw: Draw, nodes: list[Node]) -> Node:
    """A function of each element."""
    return make(draw(st.sampled_from(UNARY)), floating(draw, nodes))


def binary(draw: Draw, nodes: list[Node]) -> Node:
    """A function of pairs of elements, on either side."""
    x = floating(draw, nodes)
    pair = (x, partner(draw, nodes, x))
    return make(draw(st.sampled_from(BINARY)), *(pair if draw(st.booleans()) else pair[::-1]))


def choice(draw: Draw, nodes: list[Node]) -> Node:
    """Elements of two nodes."""
    x = floating(draw, nodes)
    condition = make("less", x, partner(draw, nodes, x))
    if draw(st.booleans()):
        return make("where", condition, x, partner(draw, nodes, x))
    return make("where", condition, condition, make("logical_not", condition))


def product(draw: Draw, nodes: list[Node]) -> Node:
    """A matrix with its own transpose, or with another one."""
    x = floating(draw, nodes)
    if x.ndim != 2:
        x = make("reshape", x, shape=(1, x.size))
    others = [y for y in nodes if y.ndim == 2 and y.dtype == x.dtype and y.shape[0] == x.shape[1]]
    y = draw(st.sampled_from([*others, None]))
    return make("matmul", x, make("transpose", x, axes=(1, 0)) if y is None else y)


def reduction(draw: Draw, nodes: list[Node]) -> Node:
    """A sum or a maximum along some axes."""
    x = floating(draw, nodes)
    axes = tuple(axis for axis in range(x.ndim) if draw(st.booleans()))
    return make(draw(st.sampled_from(("sum", "max"))) if x.size else "sum", x, axes=axes)


def view(draw: Draw, nodes: list[Node]) -> Node:
    """The same memory, read otherwise."""
    x = some(draw, nodes)
    kind = draw(st.sampled_from(("transpose", "reshape", "slice", "broadcast_to")))
    if kind == "transpose":
        return make("transpose", x, axes=tuple(draw(st.permutations(range(x.ndim)))))
    if kind == "reshape":
        shapes = [(x.size,), (1, x.size), x.shape[::-1], *((2, x.size // 2) for _ in "." if x.size % 2 == 0)]
        return make("reshape", x, shape=draw(st.sampled_from(shapes)))
    if kind == "broadcast_to":
        return make("broadcast_to", x, shape=(2, *x.shape)) if x.ndim < 3 else x
    return make("slice", x, ranges=tuple(a_range(draw, n) for n in x.shape))


def a_range(draw: Draw, length: int) -> tuple[int, int, int]:
    """A start, a length and a step inside of an axis."""
    if not length:
        return (0, 0, 1)
    ranges = ((0, length, 1), (length - 1, length, -1), (length // 2, 1, 1), (0, (length + 1) // 2, 2))
    return draw(st.sampled_from(ranges))


def move(draw: Draw, nodes: list[Node]) -> Node:
    """Elements copied elsewhere."""
    x = floating(draw, nodes)
    if not x.ndim or not x.shape[0]:
        return make("cast", x, dtype=np.dtype(np.float32))
    kind = draw(st.sampled_from(("concatenate", "cumsum", "take", "scatter_add", "unslice")))
    if kind == "concatenate":
        return make("concatenate", x, x, axis=0)
    if kind == "cumsum":
        return make("cumsum", x, axis=x.ndim - 1)
    if kind == "unslice":
        ranges = tuple((1, n, 1) for n in x.shape)
        return make("unslice", x, shape=tuple(n + 2 for n in x.shape), ranges=ranges)
    if kind == "take":
        return make("take", x, make_constant(np.array([0, x.shape[0] - 1, 0])), axis=0)
    return make("scatter_add", x, make_constant(np.zeros(x.shape[0], int)), axis=0, length=2)


STEPS = (unary, unary, binary, binary, binary, choice, product, reduction, view, view, move)
