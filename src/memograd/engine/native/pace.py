"""How many threads a training takes: what was fastest of late."""

from __future__ import annotations

from collections.abc import Sequence

RETRY_CALLS = 40
"""After so many calls another number of threads is tried once more: other programs come and go."""


class Pace:
    """How many threads to take: the number that was fastest of late. Results do not depend on it, only time does.

    Parameters
    ----------
    choices : sequence of int
    """

    def __init__(self, choices: Sequence[int]) -> None:
        self._seconds = dict.fromkeys(choices, 0.0)
        self._calls = 0

    def choose(self) -> int:
        """The number of threads for the next call."""
        self._calls += 1
        choices = sorted(self._seconds, key=lambda n: self._seconds[n])
        # What was never tried counts as fastest.
        if self._calls % RETRY_CALLS == 0 and len(choices) > 1:
            return choices[self._calls // RETRY_CALLS % (len(choices) - 1) + 1]
        return choices[0]

    def note(self, n: int, seconds: float) -> None:
        """Take in what a step has just taken."""
        before = self._seconds[n]
        self._seconds[n] = seconds if not before else min(seconds, 2.0 * before) * 0.5 + before * 0.5
