"""Indexing of traced arrays against NumPy's, for whatever an index may be made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memograd.errors import ShapeError, TraceError
from memograd.graph.check import check
from memograd.graph.evaluate import evaluate
from memograd.graph.tracing import take_apart, trace
from memograd.graph.walk import topological

shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)


def traced_value(f: Any, *args: Any) -> Any:
    """What the graph of a function of one result computes."""
    arguments = take_apart(f, args, {})
    graph, _ = trace(f, arguments)
    check(graph.outputs, graph.inputs)
    return evaluate(graph.outputs, dict(zip(graph.inputs, arguments.values, strict=True)))[0]


def assert_indexes_like_numpy(shape: tuple[int, ...], index: Any) -> None:
    """The same elements in the same shape."""
    x = np.arange(float(np.prod(shape))).reshape(shape)
    expected = x[index]
    found = traced_value(lambda x: x[index], x)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(found, expected)


@st.composite
def mixed_indices(draw: Any) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """A shape, and an index of integers, slices, arrays, one mask, None and `...` for it, in any order."""
    shape = draw(shapes)
    n_front = draw(st.integers(0, len(shape)))
    n_back = draw(st.integers(0, len(shape) - n_front))
    mask_at = draw(st.none() | st.integers(0, len(shape)))
    # A mask's positions broadcast with single positions only, as their number is drawn later.
    common = (1,) if mask_at is not None else draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))

    def entries(first: int, last: int) -> list[Any]:
        found: list[Any] = []
        axis = first
        while axis < last:
            length = shape[axis]
            if draw(st.integers(0, 5)) == 0:
                found.append(None)
            if axis == mask_at:
                n_masked = draw(st.integers(1, min(2, last - axis)))
                found.append(draw(hnp.arrays(bool, shape[axis : axis + n_masked])))
                axis += n_masked
                continue
            positions = st.integers(-length, length - 1)
            array_shape = common[draw(st.integers(0, len(common))) :]
            array_shape = tuple(draw(st.sampled_from([1, n])) if n else 0 for n in array_shape)
            arrays = hnp.arrays(draw(st.sampled_from(["int64", "int8"])), array_shape, elements=positions)
            found.append(draw(st.slices(length) | positions | positions.map(np.int32) | arrays | arrays))
            if isinstance(found[-1], np.ndarray) and found[-1].size and draw(st.booleans()):
                found[-1] = found[-1].tolist()
            axis += 1
        return found

    front, back = entries(0, n_front), entries(len(shape) - n_back, len(shape))
    return shape, (*front, Ellipsis, *back) if n_back or draw(st.booleans()) else tuple(front)


@settings(max_examples=150)
@given(shapes.flatmap(lambda shape: st.tuples(st.just(shape), hnp.basic_indices(shape, allow_newaxis=True))))
def test_basic_indices(case: tuple[tuple[int, ...], Any]) -> None:
    """Integers, slices of any step, None and `...`."""
    assert_indexes_like_numpy(*case)


@settings(max_examples=200)
@given(mixed_indices())
def test_mixed_indices(case: tuple[tuple[int, ...], Any]) -> None:
    """Arrays beside slices and integers: NumPy's rules of where their axes go."""
    assert_indexes_like_numpy(*case)


@given(shapes.flatmap(lambda shape: st.tuples(st.just(shape), hnp.arrays(bool, shape))))
def test_masks(case: tuple[tuple[int, ...], Any]) -> None:
    """A concrete mask of the whole shape picks the elements where it is true."""
    assert_indexes_like_numpy(*case)


@pytest.mark.parametrize(
    ("shape", "index"),
    [
        ((3, 4), ((0, 1), (2, 3))),
        ((3, 4), ([0, 1],)),
        ((3, 4), ((0, 1),)),
        ((3, 4), range(2)),
        ((3, 4), [[0, 1], [2, 0]]),
        ((3, 4), [True, False, True]),
        ((3, 4), ([True, False, True], [0, 1])),
        ((3, 4), (slice(None), [True, False, True, True])),
        ((3, 4), []),
        ((3, 4), ()),
        ((3, 4), np.array(1)),
        ((3, 4), (np.array(1), np.int8(2))),
        ((2, 3, 4), ([0, 1], slice(None), [1, 2])),
        ((2, 3, 4), (slice(None), [0, 1], [1, 2])),
        ((2, 3, 4), (0, slice(None), [1, 2])),
        ((2, 3, 4), ([0], None, [1])),
        ((2, 3), ([0, 1], Ellipsis, [1, 2])),
        ((2, 3, 4), ([[0], [1]], slice(None, None, -1), [1, 2, 3])),
        ((0, 3), (slice(None), 1)),
        ((0, 3), (slice(None), [0, 1])),
        ((3,), (slice(5, 0, -2),)),
        ((3,), (slice(2, 5),)),
        ((3,), (slice(7, 9),)),
        ((), ()),
        ((), (None, Ellipsis)),
    ],
    ids=str,
)
def test_chosen_indices(shape: tuple[int, ...], index: Any) -> None:
    """Sequences are arrays; a mask is its positions; a position without axes is an integer; parts may be empty."""
    assert_indexes_like_numpy(shape, index)


@pytest.mark.parametrize(
    "index",
    [
        (slice(None), [0, 1], Ellipsis, [0, 1]),
        (Ellipsis, [0, 1], [0, 1]),
        (slice(None), [0, 1], Ellipsis, 0),
        (slice(None), 0, Ellipsis, [0, 1]),
        (slice(None), [True, False, True], Ellipsis, [1]),
    ],
    ids=str,
)
def test_dots_that_stand_for_no_axis(index: Any) -> None:
    """As in NumPy, `...` between two arrays keeps them apart even where it stands for no axis."""
    assert_indexes_like_numpy((5, 3, 4), index)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (3, r"index 3 is out of bounds for axis 0 of float64\[3, 4\]"),
        (-4, "index -4 is out of bounds for axis 0"),
        ((0, 4), "index 4 is out of bounds for axis 1"),
        ([0, 3], "position 3 is out of bounds for axis 0 of length 3"),
        (([0, 1], [0, -5]), "index -5 is out of bounds for axis 1 of length 4"),
        (([0, 1], [0, 1, 2]), r"positions of the shapes \(2,\) and \(3,\) do not broadcast"),
        ((0, 0, 0), "too many indices"),
        ((Ellipsis, Ellipsis), "too many indices"),
        (np.ones((3, 4, 1), bool), "too many indices"),
        (np.zeros((3, 4, 1), bool), "too many indices"),
        (np.ones(4, bool), r"a mask of shape \(4,\) does not fit the axes of length \(3,\)"),
        (np.zeros(2, bool), r"a mask of shape \(2,\) does not fit"),
        ((slice(None), np.zeros(3, bool)), r"a mask of shape \(3,\) does not fit the axes of length \(4,\)"),
        ((Ellipsis, np.zeros(3, bool)), r"does not fit the axes of length \(4,\)"),
        ((None, np.zeros(4, bool)), r"does not fit the axes of length \(3,\)"),
        (1.0, "positions are integers, not float64"),
        (np.array([0.5]), "positions are integers, not float64"),
        ("a", "positions are integers, not <U1"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(index: Any, message: str) -> None:
    """As by NumPy, and with what was wrong and what it was an index of."""
    x = np.ones((3, 4))
    with pytest.raises(IndexError):
        x[index]
    with pytest.raises(ShapeError, match=message) as caught:
        traced_value(lambda x: x[index], x)
    assert f"{__file__}:" in str(caught.value)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x[x > 0], "a mask of traced values picks a number of elements that depends on values"),
        (lambda x: x[x], "indexing by a traced array of float64"),
        (lambda x: x[True], "indexing by the single bool True"),
        (lambda x: x[np.bool_(False)], "indexing by the single bool"),
        (lambda x: x[: np.argmax(x)], "is used as a length or position in Python"),
    ],
)
def test_what_cannot_be_traced_is_refused(f: Any, message: str) -> None:
    """Indices whose result has a shape that depends on values are errors that say what to write."""
    with pytest.raises(TraceError, match=message):
        traced_value(f, np.ones((3, 4)))


@pytest.mark.parametrize("positions", [np.array([1, 0]), np.array([[-1, 0], [1, 1]]), np.array([[0, -2]], np.int8)])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, i: x[i],
        lambda x, i: x[:, i],
        lambda x, i: x[1:, i[0]],
        lambda x, i: x[..., i, None],
        lambda x, i: x[i, 0],
        lambda x, i: x[-1, :, i],
        lambda x, i: x[i, i],
        lambda x, i: x[np.arange(2), i],
        lambda x, i: x[i, :, [-1, 0]],
        lambda x, i: x[:, i, [True, False, True, False]],
    ],
)
def test_traced_positions(f: Any, positions: Any) -> None:
    """Positions may be traced, alone or beside others; negative ones count from the end."""
    x = np.arange(24.0).reshape(2, 3, 4)
    found, expected = traced_value(f, x, positions), f(x, positions)
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


def test_traced_positions_out_of_bounds_are_refused_when_the_graph_runs() -> None:
    """They are known only then; one that is outside of its axis does not reach into a neighbouring row."""
    x = np.ones((2, 3))
    for f in (lambda x, i: x[0, i], lambda x, i: x[i, 2], lambda x, i: x[:, i], lambda x, i: x[[0, 0], i]):
        for outside in (3, -4):
            with pytest.raises(IndexError):
                traced_value(f, x, np.array([outside]))


def test_an_index_is_few_nodes() -> None:
    """At most a slice, a reshape, a transpose, a reshape and a take; an index of everything is none."""
    x = np.ones((4, 5, 6, 7))

    def nodes(index: Any) -> list[str]:
        graph, _ = trace(lambda x: x[index], take_apart(lambda x: x, (x,), {}))
        return [node.op for node in topological(graph.outputs)]

    assert nodes(...) == ["input"]
    assert nodes((slice(None), slice(0, 5))) == ["input"]
    assert nodes((slice(1, 3), ..., 2)) == ["input", "slice", "reshape"]
    assert nodes((slice(1, 3), [0, 1], None, [2, 3])) == [
        "input", "slice", "reshape", "transpose", "reshape", "constant", "take",
    ]  # fmt: skip
