"""Random planning problems, and an example that holds one of everything."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from memograd.plan.problem import Problem, Step

# Nothing, less than a unit of alignment, one unit, just more than one, and large ones that are often equal.
SIZES = (0, 8, 64, 65, 640, 640, 1000)

Draw = Callable[..., object]


@st.composite
def problems(draw: Draw, max_steps: int = 12, donated: bool = True) -> Problem:
    """Problems with views of views, repeated reads, dead steps, and outputs of any kind, some named twice."""
    steps: list[Step] = []
    for i in range(draw(st.integers(0, max_steps))):
        kinds = ("source", "donated", "view", "compute", "compute", "compute") if i else ("source", "compute")
        kind = draw(st.sampled_from(kinds))
        size, cost = draw(st.sampled_from(SIZES)), draw(st.integers(0, 3))
        if kind in ("source", "donated"):
            steps.append(Step((), size, source=True, donated=donated and kind == "donated"))
            continue
        earlier = st.integers(0, i - 1) if i else st.nothing()
        inputs = tuple(draw(st.lists(earlier, min_size=kind == "view", max_size=3))) if i else ()
        if kind == "view":
            steps.append(Step(inputs, size, cost, view_of=draw(st.sampled_from(inputs))))
            continue
        in_place = tuple(draw(st.lists(st.sampled_from(inputs), unique=True))) if inputs else ()
        # Mostly of a size that fits, or hardly any result would lie in place.
        fitting = st.sampled_from([steps[j].size_bytes for j in in_place] * 3 + [size])
        steps.append(Step(inputs, draw(fitting), cost, in_place=in_place))
    outputs = draw(st.lists(st.integers(0, len(steps) - 1), max_size=4)) if steps else []
    return Problem(tuple(steps), tuple(outputs))


EXAMPLE = Problem(
    (
        Step((), 640, source=True),
        Step((), 640, source=True, donated=True),
        Step((0, 1), 640, 10, in_place=(0, 1)),  # may overwrite only the donated one, and 1 is read again
        Step((1, 2), 640, 10, in_place=(1, 2)),  # overwrites the donated one
        Step((2,), 320, view_of=2),
        Step((4,), 320, 5),
        Step((2, 5), 640, 20, in_place=(2,)),  # in place of a temporary
        Step((6, 3), 65, 7, in_place=(6,)),  # but a smaller one does not fit
        Step((6, 7), 640, 1),
        Step((8,), 640, view_of=8),
        Step((3, 7), 1000, 2),
        Step((), 64, source=True),
        Step((11,), 64, 3, in_place=(11,)),  # may overwrite only what belongs to the caller
    ),
    (3, 9, 8, 8, 10, 0, 12),
)
"""Sources, one donated; views of a temporary and of an output; results in place; repeated outputs."""
