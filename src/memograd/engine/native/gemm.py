"""The micro-kernel of matrix products: a tile of the result in registers, for one pass over the common axis.

A tile is as many rows as `Machine.tile_rows`, of two vectors each. For every k it loads two vectors of the right
operand, spreads one element of the left one for each row, and multiplies and adds; the tile is written when all is
summed. The order of summation of each element is that of k, however the tiles are cut.

Source of the scheme: Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication"; here without
packing, since the operands are laid out by this engine.
"""

from __future__ import annotations

from memograd.engine.native.ir import Builder, Module, Value
from memograd.engine.native.ir_types import I64, PTR, VOID, Type

UNROLL = 2


def tile_function(
    module: Module,
    *,
    kind: Type,
    lanes: int,
    rows: int,
    vectors: int,
    row_stride: int,
    k_stride: int,
    right_stride: int,
    vector_stride: int,
    tail: int,
    result_stride: int,
    resumes: bool = False,
    n_streams: int = 0,
) -> str:
    """The name of the function ``(left, right, result, n)`` of a tile.

    Parameters
    ----------
    kind : Type
        float or double.
    lanes : int
        Of a vector.
    rows, vectors : int
        Of the tile.
    row_stride, k_stride, right_stride : int
        From row to row and from k to k of the left operand, from k to k of the right one, in elements.
    vector_stride : int
        From the first vector of the right operand to the second.
    result_stride : int
        From row to row of the result, in elements.
    tail : int
        The lanes of the last vector that lie inside the right operand; 0 if all may be read.
    resumes : bool
        Whether the sums start from what lies in `result`.
    n_streams : int
        So many pointers more are given, from which one line after the other is asked for, in turn and one for each k:
        what is needed after the product comes while it is computed, and not all at once.
    """
    key = (
        "tile", kind, lanes, rows, vectors, row_stride, k_stride, right_stride, vector_stride, tail, result_stride,
        resumes, n_streams,
    )  # fmt: skip

    def body(b: Builder, left: Value, right: Value, result: Value, n: Value, *streams: Value) -> None:
        vector = kind.of(lanes)
        mask = b.vector([lane < tail for lane in range(lanes)], Type("i", 1)) if tail else None
        places = [r * result_stride + j * lanes for r in range(rows) for j in range(vectors)]
        zero = b.constant(0.0, vector)
        sums = [b.load(b.offset(result, place, kind), vector) if resumes else zero for place in places]

        def step(a: Value, p: Value, sums: list[Value]) -> list[Value]:
            row = [
                b.load(b.offset(p, j * vector_stride, kind), vector, mask if j == vectors - 1 else None)
                for j in range(vectors)
            ]
            out = []
            for r in range(rows):
                x = b.splat(b.load(b.offset(a, r * row_stride, kind), kind), lanes)
                out += [b.fma(x, row[j], sums[r * vectors + j]) for j in range(vectors)]
            return out

        def several(_: Value, a: Value, p: Value, *carried: Value) -> list[Value]:
            ahead, found = [*carried[:n_streams]], [*carried[n_streams:]]
            for u in range(UNROLL):
                if ahead:
                    line = ahead.pop(0)
                    b.prefetch(line, write=True)
                    ahead.append(b.offset(line, lanes, kind))
                found = step(b.offset(a, u * k_stride, kind), b.offset(p, u * right_stride, kind), found)
            return [b.offset(a, UNROLL * k_stride, kind), b.offset(p, UNROLL * right_stride, kind), *ahead, *found]

        def one(_: Value, a: Value, p: Value, *sums: Value) -> list[Value]:
            found = step(a, p, list(sums))
            return [b.offset(a, k_stride, kind), b.offset(p, right_stride, kind), *found]

        whole = b.binary("sub", n, b.binary("urem", n, UNROLL))
        left, right, *sums = b.loop(0, whole, several, step=UNROLL, carry=[left, right, *streams, *sums])
        sums = sums[n_streams:]
        _, _, *sums = b.loop(whole, n, one, carry=[left, right, *sums])
        for place, total in zip(places, sums, strict=True):
            b.store(b.offset(result, place, kind), total)

    return module.shared(key, VOID, [PTR, PTR, PTR, I64, *[PTR] * n_streams], body)
