"""Random bits from a counter, in blocks of eight numbers (see `memograd.graph.philox`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memograd.engine.native.access import Index, Indices, add, strides_of, times
from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.ir_types import I32, I64, I128
from memograd.engine.native.kernels.emission import Emission
from memograd.engine.native.nests import loop, over

PHILOX_ROUNDS = 10
# The multipliers and the steps of the key, of Salmon et al. 2011, table 2.
_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_KEY_STEPS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)


def philox_block(b: Builder, key: Sequence[Value], counter: Sequence[Value]) -> list[Value]:
    """The four words of a block (see `memograd.graph.philox`), of scalars."""
    k, x = list(key), list(counter)
    for _ in range(PHILOX_ROUNDS):
        (high0, low0), (high1, low1) = (_product(b, x[i], m) for i, m in zip((0, 2), _MULTIPLIERS, strict=True))
        x = [high1 ^ x[1] ^ k[0], low1, high0 ^ x[3] ^ k[1], low0]
        k = [word + b.constant(step, I64) for word, step in zip(k, _KEY_STEPS, strict=True)]
    return x


def _product(b: Builder, x: Value, factor: int) -> tuple[Value, Value]:
    """The upper and the lower half of a product."""
    wide = b.convert(x, "zext", I128) * b.constant(factor, I128)
    return b.convert(wide >> 64, "trunc", I64), b.convert(wide, "trunc", I64)


def counter_plus(b: Builder, counter: Sequence[Value], n: Value) -> list[Value]:
    """A counter of four words, the lowest first, and a number."""
    out = []
    carry: Value = n
    for word in counter:
        total = word + carry
        out.append(total)
        carry = b.convert(b.compare("<", total, carry, signed=False), "zext", I64)
    return out


def random_bits(e: Emission) -> None:
    """Blocks of eight numbers, in the order of the elements."""
    node, frame, b = e.kernel.node, e.frame, e.b
    assert node is not None
    key_node, counter_node = node.inputs
    key = [frame.value(key_node, (Index(i),)) for i in range(2)]
    counter = [frame.value(counter_node, (Index(i),)) for i in range(4)]
    size = node.size
    row_length = node.shape[-1] if node.ndim else 1

    def block(number: Any, count: int, pointers: Sequence[Value]) -> None:
        words = philox_block(b, key, counter_plus(b, counter, b.constant(number, I64) + 1))
        for i in range(count):
            half = words[i // 2] >> (32 * (i % 2))
            number_ = b.convert(half, "trunc", I32)
            for pointer in pointers:
                b.store(b.offset(pointer, i, I32), number_)

    targets = e.targets[node]
    if e.share.kind == "first" or e.share.kind == "all":
        # In C order without gaps, so blocks may go over the end of a row.
        pointers = [frame.slot(place.slot) for place in targets]

        def whole(number: Any) -> None:
            if isinstance(number, Value):
                frame.enter()
            block(number, 8, [b.offset(p, number * 8, I32) for p in pointers])

        b.loop(0, size // 8, whole)
        if size % 8:
            block(size // 8, size % 8, [b.offset(p, size // 8 * 8, I32) for p in pointers])
        return
    per_row = row_length // 8

    def row(index: Indices) -> None:
        linear: Any = 0
        for i, stride in zip(index, strides_of(node.shape), strict=True):
            if stride:
                linear = add(linear, times(i.start, stride // 8))

        def at(j: Index) -> None:
            here = (*index[:-1], Index(j.start * 8, 0, j.depth))
            number = linear + j.start if isinstance(linear, Value) else b.constant(linear, I64) + j.start
            block(number, 8, [
                b.offset(frame.slot(place.slot), frame.offset(place.strides, here)[0], I32) for place in targets
            ])  # fmt: skip

        loop(frame, 0, per_row, at)

    over(frame, (*node.shape[:-1], 1), e.span(), row, vectors=False)
