"""Which entry a full store gives up first: the one that saves the fewest seconds for each byte it takes.

GreedyDual-Size with frequency: Cherkasova 1998, "Improving WWW proxies performance with GreedyDual-Size-Frequency
caching policy", after Cao & Irani 1997. The worth of an entry is floor + seconds × uses / bytes. The floor is the worth
of the last entry that was evicted, taken when an entry is stored or used: an entry that nobody asks for any more, such
as that of an older version of a function, is overtaken by newer ones however often it was used in its day. As long as
nothing was evicted it is zero, and the order is that of seconds × uses / bytes.
"""

from __future__ import annotations


def worth(cost_seconds: float, uses: int, size_bytes: int, floor: float = 0.0) -> float:
    """Return what it is worth to keep an entry; the least is evicted first, among equals the oldest.

    Parameters
    ----------
    cost_seconds : float
        What a use saves.
    uses : int
        The computation itself counts as the first.
    size_bytes : int
        What the entry takes; at least 1.
    floor : float
        The worth of the last entry that was evicted before this one was stored or used last.

    Examples
    --------
    >>> worth(cost_seconds=2.0, uses=3, size_bytes=100)
    0.06
    """
    return floor + cost_seconds * uses / size_bytes
