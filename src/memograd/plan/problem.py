"""What a planner is told and what it answers, in plain integers.

Step i computes value i. Nothing here knows arrays, ops or engines.
"""

from __future__ import annotations

from dataclasses import dataclass

from memograd.errors import PlanError

# Every block starts at a multiple of this: the widest vector, and a cache line.
ALIGNMENT_BYTES = 64


@dataclass(frozen=True, slots=True)
class Step:
    """One computation.

    Attributes
    ----------
    inputs : tuple of int
        The values it reads; all of earlier steps.
    size_bytes : int
        Of its result.
    cost : int
        Scalar operations.
    view_of : int or None
        The input whose memory the result shares; such a step takes no memory of its own.
    in_place : tuple of int
        The inputs whose memory the result may take over, should this be their last use.
    source : bool
        The value is given, not computed: an argument or a constant.
    donated : bool
        A source whose memory may be taken over.
    """

    inputs: tuple[int, ...]
    size_bytes: int
    cost: int = 0
    view_of: int | None = None
    in_place: tuple[int, ...] = ()
    source: bool = False
    donated: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Steps in an order that respects their inputs, and the values wanted at the end.

    Raises
    ------
    PlanError
        When a step reads a value that is not before it, or takes over or views one that it does not read; when a
        source reads, or what is computed is donated.
    """

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    def __post_init__(self) -> None:
        for i, step in enumerate(self.steps):
            if any(not 0 <= j < i for j in step.inputs):
                raise PlanError(f"step {i} reads {step.inputs}, not all of which come before it")
            if step.view_of is not None and step.view_of not in step.inputs:
                raise PlanError(f"step {i} is a view of {step.view_of}, which it does not read")
            if any(j not in step.inputs for j in step.in_place):
                raise PlanError(f"step {i} may take over {step.in_place}, not all of which it reads")
            if step.source and step.inputs:
                raise PlanError(f"step {i} is a source, and reads {step.inputs}")
            if step.donated and not step.source:
                raise PlanError(f"step {i} is donated, and no source")
        if any(not 0 <= i < len(self.steps) for i in self.outputs):
            raise PlanError(f"the outputs {self.outputs} are not all steps")

    def roots(self) -> list[int]:
        """For each value the one whose memory it lies in: itself, unless it is a view."""
        roots: list[int] = []
        for i, step in enumerate(self.steps):
            roots.append(i if step.view_of is None else roots[step.view_of])
        return roots


@dataclass(frozen=True, slots=True)
class Compute:
    """Compute a value.

    Attributes
    ----------
    step : int
    offset : int or None
        Where in the arena, in bytes; None for views, and for outputs, whose memory belongs to the caller.
    place_of : int or None
        The root whose memory is taken over.
    """

    step: int
    offset: int | None = None
    place_of: int | None = None


@dataclass(frozen=True, slots=True)
class Free:
    """A value that holds memory of the arena is not needed any more."""

    step: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """What to do, in order, and what it takes.

    Attributes
    ----------
    actions : tuple of Compute or Free
    arena_bytes : int
        The bytes of the arena: everything lies below.
    peak_bytes : int
        The most bytes in use at one time; what is lost to alignment and gaps is `arena_bytes - peak_bytes`.
    cost : int
        Scalar operations in total.
    """

    actions: tuple[Compute | Free, ...]
    arena_bytes: int
    peak_bytes: int
    cost: int

    @property
    def order(self) -> tuple[int, ...]:
        """The computed steps, in order."""
        return tuple(action.step for action in self.actions if isinstance(action, Compute))
