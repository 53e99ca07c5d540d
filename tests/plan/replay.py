"""A second opinion on memory: quadratic, by definition, with nothing kept from one moment to the next."""

from __future__ import annotations

from collections.abc import Sequence

from memograd.plan.problem import ALIGNMENT_BYTES, Compute, Problem, Schedule, Step


def units(size_bytes: int) -> int:
    """The bytes of a block: whole units, at least one."""
    n = 1
    while n * ALIGNMENT_BYTES < size_bytes:
        n += 1
    return n * ALIGNMENT_BYTES


def root(problem: Problem, value: int) -> int:
    """The value whose memory a value lies in."""
    while (viewed := problem.steps[value].view_of) is not None:
        value = viewed
    return value


def readers(problem: Problem, of: int) -> list[int]:
    """The steps that read a root, be it through a view."""
    return [i for i, step in enumerate(problem.steps) if any(root(problem, j) == of for j in step.inputs)]


def is_output(problem: Problem, of: int) -> bool:
    """Whether the caller gets a root, be it through a view."""
    return any(root(problem, i) == of for i in problem.outputs)


def makes_memory(step: Step) -> bool:
    """Whether a step's result takes memory of its own."""
    return not step.source and step.view_of is None


def is_over(problem: Problem, of: int, order: Sequence[int], now: int) -> bool:
    """Whether nobody reads a root after moment `now` of an order."""
    return not is_output(problem, of) and all(order.index(k) <= now for k in readers(problem, of))


def places(problem: Problem, order: Sequence[int]) -> dict[int, int]:
    """Which root each step takes over: the first that it may, at that root's last read."""
    taken: dict[int, int] = {}
    for now, i in enumerate(order):
        step = problem.steps[i]
        if not makes_memory(step):
            continue
        for j in step.in_place:
            r = root(problem, j)
            alone = [k for k in step.inputs if root(problem, k) == r] == [j] * step.inputs.count(j)
            theirs = belongs_to_caller(problem, r, taken)
            lent = is_donated(problem, r, taken) if theirs or is_output(problem, i) else True
            if lent and alone and problem.steps[r].size_bytes == step.size_bytes and is_over(problem, r, order, now):
                taken[i] = r
                break
    return taken


def is_donated(problem: Problem, of: int, taken: dict[int, int]) -> bool:
    """Whether a root lies in memory that the caller gave away."""
    while of in taken:
        of = taken[of]
    return problem.steps[of].donated


def belongs_to_caller(problem: Problem, of: int, taken: dict[int, int]) -> bool:
    """Whether a root lies outside of the arena: in a source, or where an output will stay."""
    return is_output(problem, of) or problem.steps[of].source or is_donated(problem, of, taken)


def peak(problem: Problem, order: Sequence[int]) -> int:
    """The most bytes of the arena in use, moment by moment, when every value is dropped after its last read."""
    taken = places(problem, order)
    most = 0
    for now, current in enumerate(order):
        held = 0
        for r in order[: now + 1]:
            if not makes_memory(problem.steps[r]) or belongs_to_caller(problem, r, taken):
                continue
            needed = r == current or any(order.index(k) >= now for k in readers(problem, r))
            overwritten = any(taken.get(k) == r for k in order[: now + 1])
            held += units(problem.steps[r].size_bytes) if needed and not overwritten else 0
        most = max(most, held)
    return most


def order_of(problem: Problem, schedule: Schedule) -> list[int]:
    """The computed steps, after all sources."""
    sources = [i for i, step in enumerate(problem.steps) if step.source]
    return sources + [action.step for action in schedule.actions if isinstance(action, Compute)]
