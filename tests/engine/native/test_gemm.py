"""Products of matrices: the micro-kernel alone, and whole products of any shape."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from memograd.engine.native.gemm import UNROLL, tile_function
from memograd.engine.native.ir import Builder, Module, Value
from memograd.engine.native.ir_types import F32, F64, I64, PTR, VOID, Type
from memograd.engine.native.jit import Code
from memograd.engine.native.kernels import tiles as tiles_module
from memograd.engine.native.kernels.tiles import GROUP_TILES, K_BLOCK_BYTES
from memograd.engine.native.machine import Machine, machine
from memograd.nn.mlp import MLP
from memograd.nn.optimizers import SGD

from .emitted import MACHINES
from .programs import Training, distance, program

KINDS: dict[Any, Type] = {np.float32: F32, np.float64: F64}
SIZES = (1, 2, 3, 5, 13, 14, 15, 16, 17, 31, 32, 33, 47, 64, 100, 257)


def assert_product(found: Any, left: Any, right: Any, *, start: Any = 0.0) -> None:
    """Each element as near as its sum of sizes allows: n roundings, whatever the order."""
    exact = left.astype(np.float64) @ right.astype(np.float64) + start
    sizes = np.abs(left).astype(np.float64) @ np.abs(right).astype(np.float64) + np.abs(start)
    # Of n terms in random order errors grow with the root of n; twice that has never been seen.
    bound = np.finfo(found.dtype).eps * (2.0 + 2.0 * np.sqrt(left.shape[-1])) * sizes
    assert found.shape == exact.shape
    assert (np.abs(found - exact) <= bound).all()


# The micro-kernel


def tile(target: Machine, dtype: Any, **shape: Any) -> Any:
    """The micro-kernel as a function of addresses; rows of the result follow each other unless told otherwise."""
    module = Module()
    lanes = target.lanes(np.dtype(dtype).itemsize)
    shape.setdefault("result_stride", shape["vectors"] * lanes)
    shape.setdefault("vector_stride", lanes)
    name = tile_function(module, kind=KINDS[dtype], lanes=lanes, **shape)

    def call(b: Builder, *arguments: Value) -> None:
        b.invoke(name, VOID, *arguments)

    n_streams = shape.get("n_streams", 0)
    module.define("f", VOID, [PTR, PTR, PTR, I64, *[PTR] * n_streams], call, exported=True)
    pointer = ctypes.c_void_p
    return Code(str(module), target).function(
        "f", None, pointer, pointer, pointer, ctypes.c_int64, *[pointer] * n_streams
    )


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("vectors", [1, 2])
def test_tiles(target: Machine, dtype: Any, vectors: int) -> None:
    """Tiles of any height, of no step to many, from zero or going on with what lies there."""
    lanes = target.lanes(np.dtype(dtype).itemsize)
    rng = np.random.default_rng(0)
    for rows in (1, 2, 3, target.tile_rows):
        for resumes in (False, True):
            strides = {"row_stride": 103, "k_stride": 1, "right_stride": vectors * lanes + 5}
            call = tile(target, dtype, rows=rows, vectors=vectors, tail=0, resumes=resumes, **strides)
            for depth in (0, 1, UNROLL - 1, UNROLL, UNROLL + 1, 5, 100):
                left = rng.normal(size=(rows, 103)).astype(dtype)
                right = rng.normal(size=(max(depth, 1), vectors * lanes + 5)).astype(dtype)
                result = rng.normal(size=(rows, vectors * lanes)).astype(dtype)
                start = result.copy() if resumes else np.zeros_like(result)
                call(left.ctypes.data, right.ctypes.data, result.ctypes.data, depth)
                assert_product(result, left[:, :depth], right[:depth, : vectors * lanes], start=start)


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("dtype", KINDS)
def test_tiles_of_a_transposed_operand(target: Machine, dtype: Any) -> None:
    """The left operand may be read along its columns."""
    lanes = target.lanes(np.dtype(dtype).itemsize)
    rng = np.random.default_rng(1)
    rows = target.tile_rows
    left, right = rng.normal(size=(40, 50)).astype(dtype), rng.normal(size=(40, 2 * lanes)).astype(dtype)
    result = np.zeros((rows, 2 * lanes), dtype)
    call = tile(target, dtype, rows=rows, vectors=2, row_stride=1, k_stride=50, right_stride=2 * lanes, tail=0)
    call(left.ctypes.data, right.ctypes.data, result.ctypes.data, 40)
    assert_product(result, left.T[:rows], right)


@pytest.mark.parametrize("n_streams", [1, 2, 6])
def test_what_is_asked_for_ahead(n_streams: int) -> None:
    """Lines that are asked for change nothing, wherever they are."""
    target, rng = machine(), np.random.default_rng(8)
    lanes = target.lanes(4)
    left, right = rng.normal(size=(3, 33)).astype(np.float32), rng.normal(size=(33, 2 * lanes)).astype(np.float32)
    strides = {"row_stride": 33, "k_stride": 1, "right_stride": 2 * lanes}
    found = []
    for n in (0, n_streams):
        result = np.zeros((3, 2 * lanes), np.float32)
        call = tile(target, np.float32, rows=3, vectors=2, tail=0, n_streams=n, **strides)
        ends = [right.ctypes.data + right.nbytes, left.ctypes.data, 0, 8, result.ctypes.data, 1 << 60][:n]
        call(left.ctypes.data, right.ctypes.data, result.ctypes.data, 33, *ends)
        found.append(result)
    assert_product(found[0], left, right)
    assert found[0].tobytes() == found[1].tobytes()


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("dtype", KINDS)
def test_tiles_of_panels(target: Machine, dtype: Any) -> None:
    """The right operand may lie in panels, one vector's columns after the other."""
    rng, lanes = np.random.default_rng(6), target.lanes(np.dtype(dtype).itemsize)
    left, right = rng.normal(size=(3, 21)).astype(dtype), rng.normal(size=(21, 2 * lanes)).astype(dtype)
    panels = np.ascontiguousarray(right.reshape(21, 2, lanes).transpose(1, 0, 2))
    result = np.zeros((3, 2 * lanes), dtype)
    strides = {"row_stride": 21, "k_stride": 1, "right_stride": lanes, "vector_stride": 21 * lanes}
    call = tile(target, dtype, rows=3, vectors=2, tail=0, **strides)
    call(left.ctypes.data, panels.ctypes.data, result.ctypes.data, 21)
    assert_product(result, left, right)


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("dtype", KINDS)
def test_tiles_read_nothing_beyond_the_tail(target: Machine, dtype: Any) -> None:
    """What lies behind the last column is not read: NaN there changes nothing, and lanes there are 0."""
    lanes = target.lanes(np.dtype(dtype).itemsize)
    rng = np.random.default_rng(2)
    for tail in range(1, lanes):
        width = lanes + tail
        right = np.full((7, width + lanes), np.nan, dtype)
        right[:, :width] = rng.normal(size=(7, width))
        left, result = rng.normal(size=(3, 7)).astype(dtype), np.ones((3, 2 * lanes), dtype)
        call = tile(target, dtype, rows=3, vectors=2, row_stride=7, k_stride=1, right_stride=width + lanes, tail=tail)
        call(left.ctypes.data, right.ctypes.data, result.ctypes.data, 7)
        assert_product(result[:, :width], left, right[:, :width])
        assert not result[:, width:].any()


def test_tiles_of_a_larger_result() -> None:
    """Rows of the result may lie apart; what is between them is left alone."""
    target, rng = machine(), np.random.default_rng(4)
    lanes = target.lanes(4)
    left, right = rng.normal(size=(3, 9)).astype(np.float32), rng.normal(size=(9, lanes)).astype(np.float32)
    result = np.full((3, lanes + 7), 5, np.float32)
    shape = {"row_stride": 9, "k_stride": 1, "right_stride": lanes, "result_stride": lanes + 7}
    call = tile(target, np.float32, rows=3, vectors=1, tail=0, resumes=True, **shape)
    call(left.ctypes.data, right.ctypes.data, result.ctypes.data, 9)
    assert_product(result[:, :lanes], left, right, start=5.0)
    assert (result[:, lanes:] == 5).all()


def test_the_order_of_a_sum_is_that_of_k() -> None:
    """A sum in two parts has the bits of the sum at once."""
    target = machine()
    rng = np.random.default_rng(3)
    lanes = target.lanes(4)
    left, right = rng.normal(size=(2, 60)).astype(np.float32), rng.normal(size=(60, lanes)).astype(np.float32)
    shape = {"rows": 2, "vectors": 1, "row_stride": 60, "k_stride": 1, "right_stride": lanes, "tail": 0}
    once, twice = np.zeros((2, lanes), np.float32), np.zeros((2, lanes), np.float32)
    whole, more = tile(target, np.float32, **shape), tile(target, np.float32, resumes=True, **shape)
    whole(left.ctypes.data, right.ctypes.data, once.ctypes.data, 60)
    whole(left.ctypes.data, right.ctypes.data, twice.ctypes.data, 33)
    more(left[:, 33:].ctypes.data, right[33:].ctypes.data, twice.ctypes.data, 27)
    assert once.tobytes() == twice.tobytes()


# Whole products


def sampled(seed: int, n: int) -> list[tuple[int, int, int]]:
    """Rows, columns and depths, so many of them; each size occurs in each place."""
    rng = np.random.default_rng(seed)
    columns = [np.concatenate([rng.permutation(SIZES) for _ in range(-(-n // len(SIZES)))])[:n] for _ in range(3)]
    return [tuple(map(int, shape)) for shape in zip(*columns, strict=True)]  # type: ignore[misc]


def products(shapes: list[tuple[int, int, int]], dtype: Any, forms: str, target: Machine | None) -> Iterator[Any]:
    """All products at once: what is found, and the operands. A form says which operands are transposed."""
    rng = np.random.default_rng(len(shapes))
    lefts, rights = [], []
    for (m, n, k), form in zip(shapes, forms, strict=True):
        lefts.append(rng.normal(size=(k, m) if form in "lb" else (m, k)).astype(dtype))
        rights.append(rng.normal(size=(n, k) if form in "rb" else (k, n)).astype(dtype))

    def turned(x: Any, y: Any, form: str) -> tuple[Any, Any]:
        return (x.T if form in "lb" else x), (y.T if form in "rb" else y)

    def f(lefts: Any, rights: Any) -> Any:
        pairs = [turned(*three) for three in zip(lefts, rights, forms, strict=True)]
        return [x @ y for x, y in pairs]

    found = program(f, lefts, rights, target=target)(lefts, rights)
    for result, x, y, form in zip(found, lefts, rights, forms, strict=True):
        yield result, *turned(x, y, form)


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("dtype", KINDS)
def test_products_of_ragged_sizes(target: Machine, dtype: Any) -> None:
    """Rows, columns and depths of every size, operands transposed or not."""
    shapes = sampled(np.dtype(dtype).itemsize, 32)
    forms = "".join("nlrb"[i // 2 % 4] for i in range(32))
    for result, x, y in products(shapes, dtype, forms, target):
        assert result.dtype == dtype
        assert_product(result, x, y)


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("dtype", KINDS)
def test_products_deeper_than_a_block(target: Machine, dtype: Any) -> None:
    """Depths above one block of the common axis, with rows for one group of tiles and for several."""
    block = K_BLOCK_BYTES // np.dtype(dtype).itemsize
    depths = [600, block - 1, block, block + 1, 2 * block, 2 * block + 1]
    rows = [3, target.tile_rows * GROUP_TILES + 5, 31, 260, 1, 17]
    shapes = list(zip(rows, [33, 17, 5, 40, 64, 2], depths, strict=True))
    for result, x, y in products(shapes, dtype, "nlrbnn", target):
        assert_product(result, x, y)


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("blocked_bytes", [1 << 9, 1 << 14])
def test_products_in_blocks(dtype: Any, target: Machine, blocked_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products too large for the caches, here made small: sums that lie in memory between blocks are the same."""
    monkeypatch.setattr(tiles_module, "BLOCKED_BYTES", blocked_bytes)
    block = K_BLOCK_BYTES // np.dtype(dtype).itemsize
    depths = [block + 1, 2 * block, 2 * block + 1, 5 * block - 1, 600, 601]
    shapes = list(zip([130, 61, 200, 47, 33, 257], [70, 33, 2, 16, 31, 64], depths, strict=True))
    for result, x, y in products(shapes, dtype, "nnlrbn", target):
        assert_product(result, x, y)


def test_a_large_product() -> None:
    """One that is done in blocks without further ado, with what follows it."""
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(1100, 700)).astype(np.float32), rng.normal(size=(700, 90)).astype(np.float32)
    (found,) = program(lambda x, y: np.abs(x @ y) + y[0], x, y)(x, y)
    exact = np.abs(x.astype(np.float64) @ y) + y[0]
    # Sums of 700 terms of size 1.
    np.testing.assert_allclose(found, exact, rtol=0, atol=100 * np.finfo(np.float32).eps * np.sqrt(700))


def test_training_with_products_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same parameters, bit for bit, on any number of threads, and NumPy's."""
    monkeypatch.setattr(tiles_module, "BLOCKED_BYTES", 1 << 12)
    rng = np.random.default_rng(10)
    data = rng.normal(size=(150, 270)).astype(np.float32), rng.integers(0, 5, 150), None
    bits = []
    for n_threads in (1, 2, 3):
        training = Training(
            MLP((270, 290, 5), "tanh", "cross_entropy"), SGD(0.1), data, batch=70, epochs=2, n_threads=n_threads
        )
        state, _ = training.run()
        bits.append([x.tobytes() for x in state])
    assert bits[0] == bits[1] == bits[2]
    assert distance(state, training.expected()[0]) < 5e-6


@pytest.mark.parametrize("dtype", KINDS)
def test_stacks_of_products(dtype: Any) -> None:
    """Stacks of matrices, broadcast against each other; vectors; and nothing to add up."""
    shapes = [
        ((3, 5, 7), (3, 7, 9)), ((3, 5, 7), (7, 9)), ((5, 7), (3, 7, 9)), ((2, 1, 5, 33), (3, 33, 17)),
        ((1, 5, 7), (1, 7, 20)), ((4, 1, 20), (4, 20, 1)), ((4, 20, 1), (4, 1, 20)), ((7,), (7,)), ((5, 7), (7,)),
        ((7,), (7, 20)), ((2, 5, 7), (7,)), ((5, 0), (0, 6)), ((0, 5), (5, 6)), ((3, 5), (5, 0)), ((1, 1), (1, 1)),
    ]  # fmt: skip
    rng = np.random.default_rng(5)
    pairs = [(rng.normal(size=s).astype(dtype), rng.normal(size=t).astype(dtype)) for s, t in shapes]
    found = program(lambda pairs: [x @ y for x, y in pairs], pairs)(pairs)
    for result, (x, y) in zip(found, pairs, strict=True):
        assert_product(result, x, y)


@pytest.mark.parametrize("dtype", KINDS)
def test_products_of_views(dtype: Any) -> None:
    """Operands may be slices, reversed, broadcast, reshaped, computed or constants."""
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(30, 33)).astype(dtype), rng.normal(size=(33, 40)).astype(dtype)
    constant = rng.normal(size=(33, 18)).astype(dtype)

    def f(x: Any, y: Any) -> Any:
        return [
            x[::2, 1:] @ y[:-1, ::3], x[::-1] @ y[:, ::-1], (x * 2.0) @ np.tanh(y), x @ constant, constant.T @ y,
            np.broadcast_to(x[:1], (30, 33)) @ y, x.reshape(45, 22) @ y.reshape(22, 60), x @ x.T, x.T @ x,
            np.concatenate([x, x], axis=1) @ np.concatenate([y, y]), y[np.array([3, 3, 0])].T @ x[:3],
            (x @ y) @ y.T, np.broadcast_to(y[:, :1], (33, 20)).T @ y,
        ]  # fmt: skip

    found = program(f, x, y)(x, y)
    expected = f(x.astype(np.float64), y.astype(np.float64))
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        # Terms of size 1, up to 66 of them, and products of products.
        np.testing.assert_allclose(a, b, rtol=0, atol=300 * np.finfo(dtype).eps * np.abs(b).max(), err_msg=str(i))


@pytest.mark.parametrize("dtype", KINDS)
def test_products_let_nan_through(dtype: Any) -> None:
    """NaN and infinity reach the elements that they reach in NumPy, and no others."""
    x, y = np.ones((20, 30), dtype), np.ones((30, 37), dtype)
    x[3, 29], x[4, 0], y[7, 36] = np.nan, np.inf, np.nan
    (found,) = program(lambda x, y: x @ y, x, y)(x, y)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(found, x @ y)


def test_products_of_integers_and_bools() -> None:
    """Integers wrap, bools ask whether there is any."""
    rng = np.random.default_rng(7)
    x, y = rng.integers(-(2**31), 2**31 - 1, (20, 19), np.int32), rng.integers(-9, 9, (19, 18), np.int32)
    p, q = rng.random((20, 19)) < 0.1, rng.random((19, 18)) < 0.1
    found = program(lambda *pairs: [a @ b for a, b in pairs], (x, y), (p, q))((x, y), (p, q))
    np.testing.assert_array_equal(found[0], x @ y)
    np.testing.assert_array_equal(found[1], p @ q)
