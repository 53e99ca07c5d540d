"""The loops of each op that needs loops of its own: a row for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from memograd.engine.native.kernels.elementwise import elementwise
from memograd.engine.native.kernels.emission import Emission
from memograd.engine.native.kernels.moves import cumsum, scatter_add
from memograd.engine.native.kernels.products import matmul, matmul_in_parts
from memograd.engine.native.kernels.random import random_bits
from memograd.engine.native.kernels.reductions import position, reduction, sum_in_parts
from memograd.errors import CannotLower

LOOPS_OF: Mapping[str, Callable[[Emission], None]] = {
    "matmul": matmul,
    "matmul_in_parts": matmul_in_parts,
    "sum_in_parts": sum_in_parts,
    "sum": reduction,
    "max": reduction,
    "min": reduction,
    "argmax": position,
    "argmin": position,
    "cumsum": cumsum,
    "scatter_add": scatter_add,
    "random_bits": random_bits,
}


def emit(e: Emission) -> None:
    """The body of a kernel."""
    node = e.kernel.node
    if node is None:
        elementwise(e)
    elif node.op in LOOPS_OF:
        LOOPS_OF[node.op](e)
    else:
        raise CannotLower(f"the native engine has no loops for {node!r}")
