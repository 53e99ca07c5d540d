"""A problem is right from the start, and knows where its values lie."""

from __future__ import annotations

import pytest
from hypothesis import given

from memograd.errors import PlanError
from memograd.plan.problem import Compute, Free, Problem, Schedule, Step

from .problems import EXAMPLE, problems
from .replay import root

A = Step((), 8, source=True)


@pytest.mark.parametrize(
    ("steps", "outputs", "message"),
    [
        pytest.param((Step((0,), 8),), (), "step 0 reads", id="reads itself"),
        pytest.param((A, Step((2,), 8), A), (), "step 1 reads", id="reads a later one"),
        pytest.param((A, Step((-1,), 8)), (), "step 1 reads", id="reads before the first"),
        pytest.param((A, A, Step((0,), 8, view_of=1)), (), "step 2 is a view of 1", id="view of what it does not read"),
        pytest.param(
            (A, A, Step((0,), 8, in_place=(1,))), (), "step 2 may take over", id="in place of what it does not"
        ),
        pytest.param((A, Step((0,), 8, source=True)), (), "step 1 is a source", id="source that reads"),
        pytest.param((A, Step((0,), 8, donated=True)), (), "step 1 is donated", id="donated and computed"),
        pytest.param((A,), (1,), "outputs", id="output beyond the last step"),
        pytest.param((A,), (-1,), "outputs", id="output before the first step"),
    ],
)
def test_malformed_problem_cannot_exist(steps: tuple[Step, ...], outputs: tuple[int, ...], message: str) -> None:
    """A problem that contradicts itself is refused where it is made, and the message says which step is wrong."""
    with pytest.raises(PlanError, match=message):
        Problem(steps, outputs)


@given(problems())
def test_roots_end_every_chain_of_views(problem: Problem) -> None:
    """The root of a value is what one finds by walking from view to viewed."""
    assert problem.roots() == [root(problem, i) for i in range(len(problem.steps))]


def test_empty_problem_exists() -> None:
    """Nothing to do is a problem, too."""
    assert Problem((), ()).roots() == []


def test_example_has_one_of_everything() -> None:
    """The example that other tests corrupt holds sources, donated ones, views, results in place, repeated outputs."""
    steps = EXAMPLE.steps
    assert any(step.source and not step.donated for step in steps)
    assert any(step.donated for step in steps)
    assert any(step.in_place for step in steps)
    assert any(step.view_of is not None for step in steps)
    assert len(set(EXAMPLE.outputs)) < len(EXAMPLE.outputs)


def test_order_of_a_schedule() -> None:
    """The order lists what is computed, and not what is freed."""
    assert Schedule((Compute(2, 0), Compute(1), Free(2)), 64, 64, 0).order == (2, 1)
