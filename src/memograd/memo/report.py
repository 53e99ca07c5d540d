"""What a memoized function tells of itself: records, and the words for why a call is not stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """What happened to the calls of one function in this process; times in seconds.

    Attributes
    ----------
    hits, misses : int
        Calls that were answered from the store, and calls that were computed.
    bypassed : int
        Calls made without looking, because remembering costs more than calling.
    refused : int
        Calls whose arguments have no digest, made without looking.
    not_stored : int
        Results that were not kept: arguments changed by the call, no codec, or a store that failed.
    computed_seconds, recalled_seconds, overhead_seconds : float
        Spent in the function; that hits would have taken; spent on keys, look-ups and storing.
    """

    hits: int = 0
    misses: int = 0
    bypassed: int = 0
    refused: int = 0
    not_stored: int = 0
    computed_seconds: float = 0.0
    recalled_seconds: float = 0.0
    overhead_seconds: float = 0.0

    @property
    def seconds_saved(self) -> float:
        """What hits saved, less what remembering cost; negative when it cost more."""
        return self.recalled_seconds - self.overhead_seconds


@dataclass(frozen=True, slots=True)
class CallInfo:
    """What is known of one call.

    Attributes
    ----------
    key : str
    is_cached : bool
    cost_seconds, size_bytes, created_seconds : float, int, float or None
        How long it took, what it takes, and when it was made, in seconds since the epoch; None when it is not stored.
    """

    key: str
    is_cached: bool
    cost_seconds: float | None = None
    size_bytes: int | None = None
    created_seconds: float | None = None


Parts = Mapping[str, Sequence[str]]

WHOLE = "code"
"""The part that stands for all of the code: beside things it covers which of them each name refers to."""


def nearest(parts: Parts, known: Iterable[tuple[Parts, float]]) -> list[str] | None:
    """How a call differs from the stored one that differs in the fewest parts of the key; the newest of equal ones.

    Parameters
    ----------
    parts : mapping
        What the key of the call was made from.
    known : iterable of (mapping, float)
        The same of stored calls, and when each was made.

    Returns
    -------
    list of str or None
        A line for each part; None when nothing is stored.
    """
    ranked = [(len(lines := differences(parts, old)), -created, lines) for old, created in known]
    return min(ranked)[2] if ranked else None


def differences(new: Parts, old: Parts) -> list[str]:
    """How two keys differ, a line for each part.

    A part is a name with ``[digest, description]``: ``argument x`` with ``[…, "float64[3]"]``.

    Examples
    --------
    >>> differences({"argument x": ["d1", "float32[3]"]}, {"argument x": ["d2", "float64[3]"]})
    ['argument x was float64[3] and is float32[3]']
    >>> differences({"function prep.scale": ["d1", "prep.py"]}, {"function prep.scale": ["d2", "prep.py"]})
    ['function prep.scale in prep.py changed']
    """
    changed = [name for name in new if name in old and new[name][0] != old[name][0]]
    lines = [_change(name, new[name], old[name]) for name in changed if name != WHOLE]
    lines += [f"{name} is new" for name in new if name not in old]
    lines += [f"{name} is gone" for name in old if name not in new]
    return lines or (["the names in the code refer to each other's things"] if changed else [])


def _change(name: str, new: Sequence[str], old: Sequence[str]) -> str:
    if new[1] != old[1]:
        return f"{name} was {old[1]} and is {new[1]}"
    if name.startswith("argument"):
        return f"{name} has another value, {new[1]} as before"
    return f"{name}{f' in {new[1]}' if new[1] else ''} changed"
