"""Random bits from a counter: published numbers, and nothing but the counter counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.graph.evaluate import evaluate
from memograd.graph.philox import philox_bits
from memograd.graph.random import random_bits
from memograd.graph.tracing import take_apart, trace

MASK = (1 << 64) - 1
words = st.integers(0, MASK)


def philox4x64(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    """Ten rounds of the paper's algorithm, on Python integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high, low = divmod(0xD2E7470EE14C6C93 * c[0], 1 << 64)
        high_2, low_2 = divmod(0xCA5A826395121157 * c[2], 1 << 64)
        c = [high_2 ^ c[1] ^ k[0], low_2, high ^ c[3] ^ k[1], low]
        k = [(k[0] + 0x9E3779B97F4A7C15) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
    return tuple(c)


def bits(key: tuple[int, ...], counter: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    """The function under test, of Python integers."""
    return philox_bits(np.array(key, np.uint64), np.array(counter, np.uint64), shape=shape)


@pytest.mark.parametrize(
    ("key", "counter", "block"),
    [
        ((0, 0), (0, 0, 0, 0),
         (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B)),
        ((MASK, MASK), (MASK, MASK, MASK, MASK),
         (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0)),
    ],
)  # fmt: skip
def test_the_reference_is_the_published_algorithm(
    key: tuple[int, ...], counter: tuple[int, ...], block: tuple[int, ...]
) -> None:
    """The known answers that the authors ship with Random123 come out of the reference above."""
    assert philox4x64(counter, key) == block


@given(st.tuples(words, words), st.tuples(words, words, words, words), st.integers(0, 20))
def test_bits_are_the_blocks_after_the_counter(key: tuple[int, ...], counter: tuple[int, ...], size: int) -> None:
    """The blocks of counter+1, counter+2, … with carry, each word cut in two, the low half first."""
    expected: list[int] = []
    position = sum(word << (64 * i) for i, word in enumerate(counter))
    while len(expected) < size:
        position = (position + 1) % (1 << 256)
        for word in philox4x64(tuple((position >> (64 * i)) & MASK for i in range(4)), key):
            expected += [word & 0xFFFFFFFF, word >> 32]
    assert bits(key, counter, (size,)).tolist() == expected[:size]


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (2, 5), (2, 0, 3)])
def test_shapes(shape: tuple[int, ...]) -> None:
    """Any shape is filled in C order, by as many words as it takes."""
    found = bits((7, 0), (0, 0, 0, 0), shape)
    assert (found.shape, found.dtype) == (shape, np.uint32)
    np.testing.assert_array_equal(found.ravel(), bits((7, 0), (0, 0, 0, 0), (100,))[: found.size])


def test_streams_are_unlike() -> None:
    """Another key, or another counter, gives other bits."""
    streams = {tuple(bits(key, (0, place, 0, 0), (8,)).tolist()) for key in ((1, 0), (2, 0)) for place in (0, 1)}
    assert len(streams) == 4


def test_tracing_gives_the_same_bits() -> None:
    """Traced key and counter give what concrete ones give, whatever type the lengths have."""
    key, counter = np.array([5, 6], np.uint64), np.array([1, 2, 3, 4], np.uint64)

    def f(counter):
        return random_bits(key, counter, (np.int64(3), 2))

    arguments = take_apart(f, (counter,), {})
    graph, _ = trace(f, arguments)
    (result,) = evaluate(graph.outputs, dict(zip(graph.inputs, arguments.values, strict=True)))
    np.testing.assert_array_equal(result, f(counter))
    assert result.dtype == np.uint32
