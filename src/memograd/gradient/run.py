"""Derived graphs put to work: on numbers they are evaluated, inside another trace they become part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from memograd.graph.evaluate import boundary, evaluate
from memograd.graph.node import Node
from memograd.graph.ops import make_like
from memograd.graph.trace import Origin, open_depth, open_trace
from memograd.graph.traced import TracedArray, check_open
from memograd.graph.walk import substitute, topological

Origins = Mapping[Node, Origin]


def run(outputs: Sequence[Node], values: Mapping[Node, Any], origins: Origins) -> list[Any]:
    """The outputs, given values of inputs: arrays, or traced arrays when anything traced is involved."""
    level = _level(outputs, values)
    if not level:
        return evaluate(outputs, values)
    owner = open_trace(level)
    nodes = {
        node: value.node if isinstance(value, TracedArray) else owner.constant(np.asarray(value, node.dtype))
        for node, value in values.items()
    }
    results, replaced = substitute(outputs, nodes, make_like)
    for old in topological(outputs, known=values.keys()):
        origin = origins.get(old)
        if origin is not None:
            primal = origin.adjoint_of
            moved = replace(origin, adjoint_of=replaced.get(primal, primal)) if primal is not None else origin
            owner.origins.setdefault(replaced.get(old, old), moved)
    return [TracedArray(node, owner) for node in results]


class Staged:
    """Outputs that will be asked for often, with some inputs new each time: the rest is computed once.

    Parameters
    ----------
    outputs : sequence of Node
    values : mapping of Node to array
        The inputs that stay.
    late : sequence of Node
        The inputs that change.
    """

    def __init__(self, outputs: Sequence[Node], values: Mapping[Node, Any], late: Sequence[Node], origins: Origins):
        self.outputs = outputs
        self.late = late
        self.origins = origins
        level = _level(outputs, values)
        self.owner = open_trace(level) if level else None
        # Inside another trace interning shares the early part anyway.
        kept = boundary(outputs, late) if not level else []
        self.known = dict(zip(kept, run(kept, values, origins), strict=True)) if kept else values

    def __call__(self, late_values: Sequence[Any]) -> list[Any]:
        """The outputs for these values of the late inputs."""
        if self.owner is not None:
            check_open(self.owner)
        return run(self.outputs, {**self.known, **dict(zip(self.late, late_values, strict=True))}, self.origins)


def _level(outputs: Sequence[Node], values: Mapping[Node, Any]) -> int:
    """The depth of the trace that the result belongs to; 0 when everything is concrete."""
    owners = [value.owner for value in values.values() if isinstance(value, TracedArray)]
    for owner in owners:
        check_open(owner)
    if not open_depth():
        return 0
    levels = [owner.level for owner in owners]
    free = (node for node in topological(outputs, known=values.keys()) if node.op == "input")
    return max([*levels, *(node["level"] for node in free)], default=0)
