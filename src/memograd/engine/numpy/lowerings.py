"""How each op is written in NumPy: a row for each, from operands' names to an expression.

A row takes the node, its operands as text, and `out`: ``, out=b0`` or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from memograd.graph.node import Node, Shape
from memograd.graph.ops import BINARY, UNARY, slices_of

Lowering = Callable[[Node, Sequence[str], str], str]


def _call(function: str) -> Lowering:
    return lambda node, x, out: f"{function}({', '.join(x)}{out})"


def _ufunc(ufunc: np.ufunc) -> Lowering:
    module = "np" if getattr(np, ufunc.__name__, None) is ufunc else "scipy.special"
    return _call(f"{module}.{ufunc.__name__}")


def _reduce(ufunc: str) -> Lowering:
    def row(node: Node, x: Sequence[str], out: str) -> str:
        return f"np.{ufunc}.reduce({x[0]}, axis={node['axes']}, dtype={node.dtype.name!r}{out})"

    return row


def _position(function: str) -> Lowering:
    return lambda node, x, out: f"np.{function}({x[0]}, axis={node['axes'][0]}{out})"


def _take(node: Node, x: Sequence[str], out: str) -> str:
    # Where it checks positions, np.take writes to a copy first: those that are known are checked here.
    mode = ', mode="clip"' if _all_inside(node.inputs[1], node.inputs[0].shape[node["axis"]]) else ""
    return f"np.take({x[0]}, {x[1]}, axis={node['axis']}{mode}{out})"


def _all_inside(positions: Node, length: int) -> bool:
    if positions.op != "constant":
        return False
    array = positions["value"].array
    return bool(((array >= 0) & (array < length)).all())


def _unslice(node: Node, x: Sequence[str], out: str) -> str:
    return f"kernels.unslice({x[0]}, {node.shape}, np.s_[{index_text(node['ranges'], node.shape)}]{out})"


def index_text(ranges: tuple[tuple[int, int, int], ...], shape: Shape) -> str:
    """The ranges of a slice op on an array of some shape as an index: ``1:4, ::-1``."""
    parts = [
        ":" if part == (0, length, 1) else _slice_text(cut)
        for part, cut, length in zip(ranges, slices_of(ranges), shape, strict=True)
    ]
    while len(parts) > 1 and parts[-1] == ":":
        parts.pop()
    return ", ".join(parts) or "()"


def _slice_text(part: slice) -> str:
    step = f":{part.step}" if part.step not in (None, 1) else ""
    return f"{part.start or ''}:{'' if part.stop is None else part.stop}{step}"


LOWERINGS: Mapping[str, Lowering] = {
    **{name: _ufunc(ufunc) for name, ufunc in (UNARY | BINARY).items()},
    "matmul": _call("np.matmul"),
    "where": _call("kernels.where"),
    "cast": lambda node, x, out: f"kernels.cast({x[0]}, {node.dtype.name!r}{out})",
    "sum": _reduce("add"),
    "max": _reduce("maximum"),
    "min": _reduce("minimum"),
    "argmax": _position("argmax"),
    "argmin": _position("argmin"),
    "cumsum": lambda node, x, out: f"np.cumsum({x[0]}, axis={node['axis']}, dtype={node.dtype.name!r}{out})",
    "broadcast_to": lambda node, x, out: f"np.broadcast_to({x[0]}, {node.shape})",
    "reshape": lambda node, x, out: f"np.reshape({x[0]}, {node.shape})",
    "transpose": lambda node, x, out: f"np.transpose({x[0]}, {node['axes']})",
    "slice": lambda node, x, out: f"{x[0]}[{index_text(node['ranges'], node.inputs[0].shape)}]",
    "unslice": _unslice,
    "take": _take,
    "scatter_add": lambda node, x, out: f"kernels.scatter_add({x[0]}, {x[1]}, {node['axis']}, {node.shape}{out})",
    "concatenate": lambda node, x, out: f"np.concatenate(({', '.join(x)},), axis={node['axis']}{out})",
    "random_bits": lambda node, x, out: f"kernels.random_bits({x[0]}, {x[1]}, {node.shape}{out})",
    # Leaves are bound, not computed.
    "input": lambda node, x, out: x[0],
    "constant": lambda node, x, out: x[0],
}
