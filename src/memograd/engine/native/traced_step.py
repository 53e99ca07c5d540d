"""A step of training, as the engine is given it: a graph, and what each argument is."""

from __future__ import annotations

from dataclasses import dataclass

from memograd.graph.tracing import Graph
from memograd.plan.from_graph import Plan

STATE, ROWS, PROGRESS, KEY, COUNTER = "state", "rows", "progress", "key", "counter"


@dataclass(frozen=True, slots=True)
class TracedStep:
    """A step of training as a graph.

    The outputs are the new state, in the order of the state among the inputs; then the sum of the loss over the rows,
    and what it is to be divided by: two scalars of float64.

    Attributes
    ----------
    graph : Graph
    plan : Plan
    roles : tuple of str
        Of each input: part of the state; rows of the data; the progress of the training; key and counter of the
        random numbers.
    """

    graph: Graph
    plan: Plan
    roles: tuple[str, ...]
