"""The bridge from a graph to a planner's integers; the only file here that sees nodes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from memograd.graph.count import count_node
from memograd.graph.node import Node
from memograd.graph.ops import OPS
from memograd.graph.walk import topological
from memograd.plan.judge import judge
from memograd.plan.problem import Problem, Schedule, Step
from memograd.plan.solve import solve


@dataclass(frozen=True, slots=True)
class Plan:
    """A planned graph.

    Attributes
    ----------
    nodes : tuple of Node
        Node i is value i of the problem.
    problem : Problem
    schedule : Schedule
        Checked by the judge.
    """

    nodes: tuple[Node, ...]
    problem: Problem
    schedule: Schedule

    def __repr__(self) -> str:
        computed = sum(not step.source and step.view_of is None for step in self.problem.steps)
        in_place = sum(getattr(action, "place_of", None) is not None for action in self.schedule.actions)
        return (
            f"Plan({computed} results, {in_place} of them in place of an operand; "
            f"peak {self.schedule.peak_bytes:,} bytes in an arena of {self.schedule.arena_bytes:,})"
        )


def plan_graph(inputs: Sequence[Node], outputs: Sequence[Node], donated: Collection[Node] = ()) -> Plan:
    """Plan a graph.

    Parameters
    ----------
    donated : collection of Node
        The inputs whose memory results may take over.
    """
    order = topological([*inputs, *outputs])
    position = {node: i for i, node in enumerate(order)}
    contiguous: dict[Node, bool] = {}
    lent = frozenset(donated)
    steps = []
    for node in order:
        view = is_view(node, contiguous)
        contiguous[node] = not view or (contiguous[node.inputs[0]] and _stays_in_order(node))
        steps.append(_step(node, position, view, contiguous, node in lent))
    problem = Problem(tuple(steps), tuple(position[node] for node in outputs))
    schedule = solve(problem)
    judge(problem, schedule)
    return Plan(tuple(order), problem, schedule)


def is_view(node: Node, contiguous: dict[Node, bool]) -> bool:
    """Whether the result shares its operand's memory; a reshape does only when the operand lies in C order."""
    return OPS[node.op].kind == "view" and (node.op != "reshape" or contiguous[node.inputs[0]])


def _stays_in_order(view: Node) -> bool:
    """Whether the elements of a view follow each other in C order, given that the operand's do."""
    (x,) = view.inputs
    if view.op == "broadcast_to":
        return view.size == x.size
    if view.op == "transpose":
        axes = [axis for axis in view["axes"] if x.shape[axis] != 1]
        return axes == sorted(axes)
    if view.op == "slice":
        # One position along the first axes, a stretch of the next one, and the others whole.
        ranges = list(zip(view["ranges"], x.shape, strict=True))
        while ranges and ranges[0][0][1] == 1:
            del ranges[0]
        return all(step == 1 for (_, _, step), _ in ranges[:1]) and all(r == (0, n, 1) for r, n in ranges[1:])
    return True


def _step(node: Node, position: dict[Node, int], view: bool, contiguous: dict[Node, bool], donated: bool) -> Step:
    row = OPS[node.op]
    counts = count_node(node)
    return Step(
        inputs=tuple(position[source] for source in node.inputs),
        size_bytes=node.size_bytes,
        cost=counts.operations,
        view_of=position[node.inputs[0]] if view else None,
        in_place=tuple(
            position[source]
            for source in node.inputs
            if row.kind == "elementwise"
            and contiguous[source]
            and (source.shape, source.size_bytes) == (node.shape, node.size_bytes)
        ),
        source=row.kind == "leaf",
        donated=donated,
    )
