"""Places in one block of memory: best fit among the gaps, neighbours joined on release."""

from __future__ import annotations

from bisect import bisect_left, insort

from memograd.plan.problem import ALIGNMENT_BYTES


class Arena:
    """Hands out offsets of a block that grows as needed.

    Best fit (Knuth, The Art of Computer Programming 1, §2.5): the smallest gap that is large enough, the first of
    equal ones. Taking and releasing cost a search in sorted lists of the gaps.
    """

    def __init__(self) -> None:
        self.size_bytes = 0
        self._by_size: list[tuple[int, int]] = []
        self._starts: dict[int, int] = {}
        self._ends: dict[int, int] = {}

    def take(self, size_bytes: int) -> int:
        """The offset of a free place, which is now taken."""
        wanted = aligned(size_bytes)
        position = bisect_left(self._by_size, (wanted, -1))
        if position < len(self._by_size):
            size, start = self._by_size[position]
            self._remove(start, size)
            if size > wanted:
                self._add(start + wanted, size - wanted)
            return start
        # The gap at the end is the one that may grow.
        size = self._ends.get(self.size_bytes, 0)
        start = self.size_bytes - size
        if size:
            self._remove(start, size)
        self.size_bytes = start + wanted
        return start

    def release(self, start: int, size_bytes: int) -> None:
        """Give a place back."""
        size = aligned(size_bytes)
        before = self._ends.get(start)
        if before is not None:
            self._remove(start - before, before)
            start, size = start - before, size + before
        after = self._starts.get(start + size)
        if after is not None:
            self._remove(start + size, after)
            size += after
        self._add(start, size)

    def _add(self, start: int, size: int) -> None:
        insort(self._by_size, (size, start))
        self._starts[start] = size
        self._ends[start + size] = size

    def _remove(self, start: int, size: int) -> None:
        del self._by_size[bisect_left(self._by_size, (size, start))]
        del self._starts[start]
        del self._ends[start + size]


def aligned(size_bytes: int) -> int:
    """Rounded up to the alignment; nothing still takes one unit, so that no two places coincide."""
    return max(-(-size_bytes // ALIGNMENT_BYTES), 1) * ALIGNMENT_BYTES
