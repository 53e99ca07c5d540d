"""Whether remembering the calls of a function takes less time than making them."""

from __future__ import annotations

from typing import final

BLOCK = 64
"""So many calls are judged together."""

SPARED = 4
"""So many of them, the dearest to remember, do not count: those that pay for imports and for the first walk."""

SLOW_SECONDS = 1e-3
"""A function that takes longer than that is always remembered: another process, or a later day, may need it."""


@final
class Worth:
    """Compares, block by block, what calls cost and what remembering them costs.

    Remembering is given up when calls of a block took less than `SLOW_SECONDS`, and less than remembering them, on
    average. It is taken up again with the first call that is slow.

    Attributes
    ----------
    is_bypassed : bool

    Examples
    --------
    >>> worth = Worth()
    >>> for _ in range(BLOCK):
    ...     worth.remembered(cost_seconds=1e-6, overhead_seconds=1e-4)
    >>> worth.is_bypassed
    True
    >>> worth.called(cost_seconds=0.5)
    >>> worth.is_bypassed
    False
    """

    __slots__ = ("_costs", "_overheads", "is_bypassed")

    def __init__(self) -> None:
        self.is_bypassed = False
        self._costs: list[float] = []
        self._overheads: list[float] = []

    def remembered(self, cost_seconds: float, overhead_seconds: float) -> None:
        """Count a hit or a miss: what the call takes, or would have taken, and what keys, look-up and storing took."""
        self._costs.append(cost_seconds)
        self._overheads.append(overhead_seconds)
        if len(self._overheads) >= BLOCK:
            self._judge()

    def called(self, cost_seconds: float) -> None:
        """Count a call that was made without looking."""
        if cost_seconds > SLOW_SECONDS:
            self.is_bypassed = False

    def _judge(self) -> None:
        costs, self._costs = self._costs, []
        overheads, self._overheads = sorted(self._overheads), []
        if not costs or not overheads:
            return  # another thread was first
        counted = overheads[: max(len(overheads) - SPARED, 1)]
        cost, overhead = sum(costs) / len(costs), sum(counted) / len(counted)
        self.is_bypassed = cost < min(overhead, SLOW_SECONDS)
