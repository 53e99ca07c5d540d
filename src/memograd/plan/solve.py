"""The schedule without a budget: an order, every value freed after its last use, results put in place of operands.

Finding the order of least memory is NP-hard (Sethi 1975 for registers; the same problem). Two orders are tried,
each with the exact bytes that liveness gives it: as given, and a greedy one.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from heapq import heapify, heappop, heappush

from memograd.plan.arena import Arena, aligned
from memograd.plan.problem import Compute, Free, Problem, Schedule

# The order as given reads like the user's code; another one must save this part of the peak to be worth it.
WORTH_REORDERING = 0.05


def solve(problem: Problem) -> Schedule:
    """The schedule of the order as given, or of the greedy order when that needs clearly less memory.

    Deterministic; n log n in the number of steps.
    """
    given = schedule(problem, range(len(problem.steps)))
    greedy = schedule(problem, greedy_order(problem))
    return greedy if greedy.peak_bytes < (1 - WORTH_REORDERING) * given.peak_bytes else given


def schedule(problem: Problem, order: Sequence[int]) -> Schedule:
    """The schedule of an order.

    Parameters
    ----------
    order : sequence of int
        All steps, each after its inputs. Sources may stand anywhere before their uses.
    """
    steps, roots = problem.steps, problem.roots()
    remaining = _uses(problem, roots)
    kept = {roots[i] for i in problem.outputs}
    donated = {i for i, step in enumerate(steps) if step.donated}
    arena, places = Arena(), dict[int, int]()
    actions: list[Compute | Free] = []
    in_use = peak = 0
    for i in order:
        step = steps[i]
        if step.source:
            continue
        reads = {roots[j] for j in step.inputs}
        for root in reads:
            remaining[root] -= 1
        if step.view_of is not None:
            actions.append(Compute(i))
        else:
            # What the caller gets may only lie where the caller's own memory was.
            taken = _place(problem, i, roots, remaining, (donated,) if i in kept else (donated, places))
            if taken is not None:
                offset = places.pop(taken, None)
                if taken in donated:
                    donated.add(i)
            elif i in kept:
                offset = None
            else:
                offset = arena.take(step.size_bytes)
                in_use += aligned(step.size_bytes)
                peak = max(peak, in_use)
            if offset is not None:
                places[i] = offset
            actions.append(Compute(i, offset, taken))
        for root in sorted(reads | {roots[i]}):
            if not remaining[root] and root in places:
                arena.release(places.pop(root), steps[root].size_bytes)
                in_use -= aligned(steps[root].size_bytes)
                actions.append(Free(root))
    return Schedule(tuple(actions), arena.size_bytes, peak, sum(step.cost for step in steps))


def greedy_order(problem: Problem) -> list[int]:
    """Among the steps that are ready, always the one after which the fewest bytes are held.

    A step that becomes the last reader of a value grows more attractive; it is pushed again, and the older entry is
    skipped. Views cost nothing and go at once.
    """
    steps, roots = problem.steps, problem.roots()
    remaining = _uses(problem, roots)
    waiting = [len(set(step.inputs)) for step in steps]
    readers: list[list[int]] = [[] for _ in steps]
    root_readers: list[set[int]] = [set() for _ in steps]
    for i, step in enumerate(steps):
        for j in set(step.inputs):
            readers[j].append(i)
            root_readers[roots[j]].add(i)

    def growth(i: int) -> int:
        freed = sum(
            steps[root].size_bytes
            for root in {roots[j] for j in steps[i].inputs}
            if remaining[root] == 1 and not steps[root].source
        )
        return (steps[i].size_bytes if steps[i].view_of is None and not steps[i].source else 0) - freed

    ready = [(growth(i), i) for i, count in enumerate(waiting) if not count]
    heapify(ready)
    done = [False] * len(steps)
    order: list[int] = []
    while ready:
        _, i = heappop(ready)
        if done[i]:
            continue
        done[i] = True
        order.append(i)
        for root in {roots[j] for j in steps[i].inputs}:
            remaining[root] -= 1
            root_readers[root].discard(i)
            if remaining[root] == 1:
                for k in root_readers[root]:
                    if not waiting[k]:
                        heappush(ready, (growth(k), k))
        for k in readers[i]:
            waiting[k] -= 1
            if not waiting[k]:
                heappush(ready, (growth(k), k))
    return order


def _uses(problem: Problem, roots: Sequence[int]) -> list[int]:
    """How many steps read each root, through whatever view; outputs are read once more, at the end."""
    uses = [0] * len(problem.steps)
    for step in problem.steps:
        for root in {roots[j] for j in step.inputs}:
            uses[root] += 1
    for i in problem.outputs:
        uses[roots[i]] += 1
    return uses


def _place(
    problem: Problem, i: int, roots: Sequence[int], remaining: Sequence[int], lent: Sequence[Container[int]]
) -> int | None:
    """The root whose memory step i takes over, if there is one among those that are lent."""
    step = problem.steps[i]
    for j in step.in_place:
        root = roots[j]
        alone = all(roots[k] != root or k == j for k in step.inputs)
        fits = problem.steps[root].size_bytes == step.size_bytes
        if any(root in roots_lent for roots_lent in lent) and alone and fits and not remaining[root]:
            return root
    return None
