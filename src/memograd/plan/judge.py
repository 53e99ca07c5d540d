"""The judge: replays a schedule and recounts its bytes and work. It shares no code with any solver."""

from __future__ import annotations

from bisect import bisect_left, insort

from memograd.errors import PlanError
from memograd.plan.problem import ALIGNMENT_BYTES, Compute, Problem, Schedule, Step


def judge(problem: Problem, schedule: Schedule) -> None:
    """Check that a schedule computes the outputs and takes exactly what it says.

    Raises
    ------
    PlanError
        A value is read before it exists or after its memory was given away; two live values overlap; a result takes
        over what it may not, or hides outside of the arena; an output is missing, or memory still held at the end;
        bytes or work are not as promised.
    """
    replay = _Replay(problem)
    for action in schedule.actions:
        if isinstance(action, Compute):
            replay.compute(action)
        else:
            replay.free(action.step)
    replay.check_end()
    promised = (schedule.peak_bytes, schedule.arena_bytes, schedule.cost)
    found = (replay.peak_bytes, replay.end_bytes, replay.cost)
    if found != promised:
        raise PlanError(
            "the schedule promises a peak of {} of {} bytes and {} operations; ".format(*promised)
            + "replayed it takes {} of {} bytes and {} operations".format(*found)
        )


class _Replay:
    """The memory while a schedule runs: which value lies in which root, and where the roots lie."""

    def __init__(self, problem: Problem) -> None:
        self.steps: tuple[Step, ...] = problem.steps
        self.outputs = problem.outputs
        roots = problem.roots()
        self.handed_out = {roots[i] for i in problem.outputs}
        self.root_of: dict[int, int] = {i: i for i, step in enumerate(problem.steps) if step.source}
        self.values_in: dict[int, list[int]] = {i: [i] for i in self.root_of}
        self.blocks: dict[int, tuple[int, int]] = {}
        self.sorted_blocks: list[tuple[int, int]] = []
        self.in_use = self.peak_bytes = self.end_bytes = self.cost = 0

    def compute(self, action: Compute) -> None:
        i, step = action.step, self._step(action.step)
        if i in self.root_of:
            raise PlanError(f"step {i} is computed, and its value is there already")
        missing = [j for j in step.inputs if j not in self.root_of]
        if missing:
            raise PlanError(f"step {i} reads {missing}, which are not there")
        self.cost += step.cost
        if step.view_of is not None:
            if (action.offset, action.place_of) != (None, None):
                raise PlanError(f"step {i} is a view, and is given memory of its own")
            self._settle(i, self.root_of[step.view_of])
            return
        if action.place_of is not None:
            self._check_place(action, step, action.place_of)
            self._forget(action.place_of)
        elif action.offset is None and i not in self.handed_out:
            raise PlanError(f"the result of step {i} is no output, and lies outside of the arena")
        if action.offset is not None:
            self._occupy(i, (action.offset, action.offset + step.size_bytes))
        self._settle(i, i)

    def free(self, root: int) -> None:
        if root not in self.blocks:
            raise PlanError(f"value {root} is freed, and holds no memory of the arena")
        self._forget(root)

    def check_end(self) -> None:
        for i in self.outputs:
            if i not in self.root_of:
                raise PlanError(f"output {i} is not there at the end")
            if self.root_of[i] in self.blocks:
                raise PlanError(f"output {i} lies in the arena, which the next call overwrites")
        if self.blocks:
            raise PlanError(f"values {sorted(self.blocks)} hold memory of the arena at the end")

    def _step(self, i: int) -> Step:
        if not 0 <= i < len(self.steps) or self.steps[i].source:
            raise PlanError(f"there is no step {i} to compute")
        return self.steps[i]

    def _settle(self, value: int, root: int) -> None:
        self.root_of[value] = root
        self.values_in.setdefault(root, []).append(value)

    def _forget(self, root: int) -> None:
        for value in self.values_in.pop(root):
            del self.root_of[value]
        block = self.blocks.pop(root, None)
        if block is not None:
            del self.sorted_blocks[bisect_left(self.sorted_blocks, block)]
            self.in_use -= _rounded(block)

    def _occupy(self, i: int, block: tuple[int, int]) -> None:
        if block[0] < 0 or block[0] % ALIGNMENT_BYTES:
            raise PlanError(f"the result of step {i} lies at {block[0]}, which is no multiple of {ALIGNMENT_BYTES}")
        position = bisect_left(self.sorted_blocks, block)
        before = self.sorted_blocks[position - 1 : position]
        after = self.sorted_blocks[position : position + 1]
        end = block[0] + _rounded(block)
        if any(other[0] + _rounded(other) > block[0] for other in before) or any(other[0] < end for other in after):
            raise PlanError(f"the result of step {i} overlaps a value that is still needed")
        insort(self.sorted_blocks, block)
        self.blocks[i] = block
        self.in_use += _rounded(block)
        self.peak_bytes = max(self.peak_bytes, self.in_use)
        self.end_bytes = max(self.end_bytes, end)

    def _check_place(self, action: Compute, step: Step, root: int) -> None:
        # Read through a view as well, it would be overwritten while it is read.
        reads = {j for j in step.inputs if self.root_of[j] == root}
        if not reads or not reads <= set(step.in_place):
            raise PlanError(f"step {action.step} takes the memory of {root}, which it may not")
        if self.steps[root].source and not self.steps[root].donated:
            raise PlanError(f"step {action.step} overwrites {root}, which belongs to the caller")
        if self.steps[root].size_bytes != step.size_bytes:
            raise PlanError(f"step {action.step} does not fit in the memory of {root}")
        if self.blocks.get(root, (None,))[0] != action.offset:
            raise PlanError(f"step {action.step} takes the memory of {root}, which lies elsewhere")


def _rounded(block: tuple[int, int]) -> int:
    size = block[1] - block[0]
    return max(-(-size // ALIGNMENT_BYTES), 1) * ALIGNMENT_BYTES
