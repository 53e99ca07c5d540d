"""The judge: every kind of broken schedule is rejected, wherever in a schedule it is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given

from memograd.errors import PlanError
from memograd.plan.judge import judge
from memograd.plan.problem import Compute, Free, Problem, Schedule, Step
from memograd.plan.solve import schedule, solve

from .problems import EXAMPLE, problems
from .replay import is_output, root, units

Corruption = Callable[[Problem, Schedule], Iterator[Schedule]]


def read_before_it_is_computed(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """Two steps change places, one of which reads the other."""
    at = positions(right)
    for later, step in enumerate(problem.steps):
        for earlier in step.inputs:
            if earlier in at and later in at:
                yield swapped(right, at[earlier], at[later])


def needed_step_missing(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A step is left out that some other step reads, or that the caller wants."""
    for step, at in positions(right).items():
        if step in problem.outputs or any(step in other.inputs for other in problem.steps):
            yield without(right, at)


def step_computed_twice(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A step is repeated while its value is there."""
    for at in positions(right).values():
        yield inserted(right, at + 1, right.actions[at])


def step_that_does_not_exist(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A step is computed that is not in the problem, or that is given."""
    given_ones = [i for i, step in enumerate(problem.steps) if step.source]
    for i in (-1, len(problem.steps), *given_ones):
        yield inserted(right, 0, Compute(i, None))


def never_freed(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A value is held to the end."""
    for at in frees(right):
        yield without(right, at)


def freed_twice(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A value is given up, and once more."""
    for at in frees(right):
        yield inserted(right, at, right.actions[at])


def freed_too_early(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A value is given up before its last reader."""
    for at in frees(right):
        of = right.actions[at].step
        last = max((k for k in range(at) if reads(problem, right.actions[k], of)), default=None)
        if last is not None:
            yield inserted(without(right, at), last, right.actions[at])


def freed_and_not_of_the_arena(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """Memory of the caller is given up."""
    for i, step in enumerate(problem.steps):
        if step.source:
            yield inserted(right, 0, Free(i))
        elif is_output(problem, i):
            yield inserted(right, len(right.actions), Free(root(problem, i)))


def shifted_into_a_neighbour(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A result is written where a value lies that is needed afterwards."""
    for at, action in placed(right):
        for other, offset in live_at(right, at):
            overlaps = offset if action.offset != offset else None
            if action.place_of != other and overlaps is not None:
                yield with_action(right, at, replace(action, offset=overlaps))


def shifted_a_little(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A result does not start at the beginning of a unit, or before the arena."""
    for at, action in placed(right):
        yield with_action(right, at, replace(action, offset=action.offset + 8))
        yield with_action(right, at, replace(action, offset=action.offset - right.arena_bytes - 64))


def hidden_outside_of_the_arena(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A temporary lies nowhere, and all promises are corrected for it."""
    for _, action in placed(right):
        if action.place_of is None and not any(other.place_of == action.step for _, other in computes(right)):
            actions = tuple(a for a in right.actions if a != Free(action.step))
            hidden = with_action(replace(right, actions=actions), actions.index(action), Compute(action.step))
            yield remeasured(problem, hidden)


def output_in_the_arena(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """What the caller gets lies where the next call writes."""
    for at, action in computes(right):
        if action.offset is None and action.place_of is None and problem.steps[action.step].view_of is None:
            moved = replace(action, offset=right.arena_bytes)
            more = units(problem.steps[action.step].size_bytes)
            promised = replace(right, arena_bytes=right.arena_bytes + more)
            yield with_action(promised, at, moved)


def memory_for_a_view(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A view is given a place, or another's."""
    for at, action in computes(right):
        if problem.steps[action.step].view_of is not None:
            yield with_action(right, at, replace(action, offset=right.arena_bytes))
            yield with_action(right, at, replace(action, place_of=root(problem, action.step)))


def in_place_of_the_callers(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A result overwrites a source that was not given away, though the problem would let it overwrite that operand."""
    for at, of in could_take_over(problem, right):
        if problem.steps[of].source and not problem.steps[of].donated:
            yield taking_over(problem, right, at, of)


def in_place_of_what_it_may_not(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A result overwrites an operand that it reads in another order, or something that it does not read."""
    for at, action in computes(right):
        step = problem.steps[action.step]
        for of in {root(problem, i) for i in range(len(problem.steps))}:
            if step.view_of is None and all(root(problem, j) != of for j in step.in_place):
                yield taking_over(problem, right, at, of)


def in_place_of_another_size(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A result overwrites an operand whose memory is too small, or larger."""
    for at, of in could_take_over(problem, right):
        if problem.steps[of].size_bytes != problem.steps[right.actions[at].step].size_bytes:
            yield taking_over(problem, right, at, of)


def in_place_of_what_is_read_again(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A result overwrites an operand that a later step, or the caller, still needs."""
    for at, of in could_take_over(problem, right):
        if is_output(problem, of) or any(reads(problem, other, of) for other in right.actions[at + 1 :]):
            yield taking_over(problem, right, at, of)


def in_place_and_elsewhere(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """A result takes over an operand, and lies somewhere else."""
    for at, action in computes(right):
        if action.place_of is not None:
            yield remeasured(problem, with_action(right, at, replace(action, offset=right.arena_bytes)))
        if action.place_of is not None and action.offset is not None:
            hidden = with_action(right, at, replace(action, offset=None))
            kept = tuple(other for other in hidden.actions if other != Free(action.step))
            yield remeasured(problem, replace(hidden, actions=kept))


def wrong_promise(problem: Problem, right: Schedule) -> Iterator[Schedule]:
    """Peak, arena or work are more or less than promised."""
    for more in (-64, 64):
        yield replace(right, peak_bytes=right.peak_bytes + more)
        yield replace(right, arena_bytes=right.arena_bytes + more)
        yield replace(right, cost=right.cost + more)


CORRUPTIONS: tuple[Corruption, ...] = (
    read_before_it_is_computed,
    needed_step_missing,
    step_computed_twice,
    step_that_does_not_exist,
    never_freed,
    freed_twice,
    freed_too_early,
    freed_and_not_of_the_arena,
    shifted_into_a_neighbour,
    shifted_a_little,
    hidden_outside_of_the_arena,
    output_in_the_arena,
    memory_for_a_view,
    in_place_of_the_callers,
    in_place_of_what_it_may_not,
    in_place_of_another_size,
    in_place_of_what_is_read_again,
    in_place_and_elsewhere,
    wrong_promise,
)

by_kind = pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.__name__)


@by_kind
def test_example_is_rejected_when_corrupted(corruption: Corruption) -> None:
    """There is a place where the example can be broken in this way, and wherever it is, the judge finds it."""
    right = solve(EXAMPLE)
    broken = list(corruption(EXAMPLE, right))
    assert broken
    for wrong in broken:
        with pytest.raises(PlanError):
            judge(EXAMPLE, wrong)


@by_kind
@given(problem=problems(max_steps=9))
def test_any_schedule_is_rejected_when_corrupted(corruption: Corruption, problem: Problem) -> None:
    """However a problem looks, its schedule, broken in this way anywhere, is rejected."""
    for wrong in corruption(problem, solve(problem)):
        with pytest.raises(PlanError):
            judge(problem, wrong)


def test_in_place_of_what_is_also_read_through_a_view() -> None:
    """A result may not overwrite what the same step reads through a view in another order."""
    steps = (Step((), 640, source=True), Step((0,), 640), Step((1,), 640, view_of=1), Step((1, 2), 640, in_place=(1,)))
    problem = Problem((*steps, Step((3,), 64)), (4,))
    right = solve(problem)
    assert [action for action in right.actions if isinstance(action, Compute)][2] == Compute(3, 640)
    wrong = Schedule((Compute(1, 0), Compute(2), Compute(3, 0, 1), Compute(4), Free(3)), 640, 640, 0)
    with pytest.raises(PlanError, match="takes the memory of 1, which it may not"):
        judge(problem, wrong)


def test_recomputed_after_it_was_freed() -> None:
    """A value may be computed again once it is gone: it costs its work twice, and that is what is promised."""
    source = Step((), 64, source=True)
    problem = Problem((source, Step((0,), 640, 5), Step((1,), 64, 1), Step((1, 2), 64, 1)), (3,))
    actions = (Compute(1, 0), Compute(2, 640), Free(1), Compute(1, 0), Compute(3), Free(1), Free(2))
    judge(problem, Schedule(actions, arena_bytes=704, peak_bytes=704, cost=12))


def test_larger_places_than_needed_are_accepted() -> None:
    """Gaps in the arena are allowed, and count for the arena, not for the peak."""
    problem = Problem((Step((), 64, source=True), Step((0,), 64), Step((1,), 64)), (2,))
    judge(problem, Schedule((Compute(1, 640), Compute(2), Free(1)), arena_bytes=704, peak_bytes=64, cost=0))


def test_messages_say_which_value() -> None:
    """A rejection names the step or the value that is wrong."""
    right = schedule(EXAMPLE, range(len(EXAMPLE.steps)))
    with pytest.raises(PlanError, match=r"step 3 reads \[2\], which are not there"):
        judge(EXAMPLE, without(right, 0))
    with pytest.raises(PlanError, match=r"values \[7\] hold memory of the arena at the end"):
        judge(EXAMPLE, replace(right, actions=tuple(action for action in right.actions if action != Free(7))))
    with pytest.raises(PlanError, match="output 10 lies in the arena"):
        judge(EXAMPLE, with_action(right, positions(right)[10], Compute(10, 6400)))
    with pytest.raises(PlanError, match="promises a peak of 960 of 960 bytes and 1 operations; replayed it takes 960"):
        judge(EXAMPLE, replace(right, cost=1))


def positions(of: Schedule) -> dict[int, int]:
    return {action.step: at for at, action in computes(of)}


def computes(of: Schedule) -> list[tuple[int, Compute]]:
    return [(at, action) for at, action in enumerate(of.actions) if isinstance(action, Compute)]


def placed(of: Schedule) -> list[tuple[int, Compute]]:
    return [(at, action) for at, action in computes(of) if action.offset is not None]


def frees(of: Schedule) -> list[int]:
    return [at for at, action in enumerate(of.actions) if isinstance(action, Free)]


def reads(problem: Problem, action: Compute | Free, of: int) -> bool:
    inputs = problem.steps[action.step].inputs if isinstance(action, Compute) else ()
    return any(root(problem, j) == of for j in inputs)


def could_take_over(problem: Problem, of: Schedule) -> Iterator[tuple[int, int]]:
    """Where a result is computed, and each root that the problem would let it take over were it free."""
    for at, action in computes(of):
        if problem.steps[action.step].view_of is None:
            yield from ((at, r) for r in {root(problem, j) for j in problem.steps[action.step].in_place})


def taking_over(problem: Problem, of: Schedule, at: int, taken: int) -> Schedule:
    """The schedule with one result in place of another; all else, places, releases and promises, is put right."""
    action = Compute(of.actions[at].step, dict(live_at(of, at)).get(taken), taken)
    changed = with_action(of, at, action)
    unheld = {Free(taken)} if action.offset is not None else {Free(taken), Free(action.step)}
    return remeasured(problem, replace(changed, actions=tuple(a for a in changed.actions if a not in unheld)))


def live_at(of: Schedule, at: int) -> list[tuple[int, int]]:
    """What lies in the arena just before an action: the value and its offset."""
    live: dict[int, int] = {}
    for action in of.actions[:at]:
        if isinstance(action, Free):
            del live[action.step]
        elif action.offset is not None:
            live[action.step] = action.offset
            live.pop(action.place_of, None)
    return list(live.items())


def swapped(of: Schedule, a: int, b: int) -> Schedule:
    actions = list(of.actions)
    actions[a], actions[b] = actions[b], actions[a]
    return replace(of, actions=tuple(actions))


def without(of: Schedule, at: int) -> Schedule:
    return replace(of, actions=of.actions[:at] + of.actions[at + 1 :])


def inserted(of: Schedule, at: int, action: Compute | Free) -> Schedule:
    return replace(of, actions=(*of.actions[:at], action, *of.actions[at:]))


def with_action(of: Schedule, at: int, action: Compute | Free) -> Schedule:
    return inserted(without(of, at), at, action)


def remeasured(problem: Problem, of: Schedule) -> Schedule:
    """The schedule with the bytes that it really holds of the arena as its promise."""
    live: dict[int, int] = {}
    peak = end = 0
    for action in of.actions:
        if isinstance(action, Free):
            live.pop(action.step, None)
        elif action.offset is not None:
            size = units(problem.steps[action.step].size_bytes)
            live.pop(action.place_of, None)
            live[action.step] = size
            end = max(end, action.offset + size)
            peak = max(peak, sum(live.values()))
    return replace(of, peak_bytes=peak, arena_bytes=end)
