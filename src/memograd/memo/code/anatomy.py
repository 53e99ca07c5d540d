"""What a code object says by itself: its meaning and what it reads, worked out once for each.

Owns the memory of both, which lasts as long as the code object.
"""

from __future__ import annotations

import functools
import weakref
from dataclasses import dataclass
from types import CodeType
from typing import Any

from memograd.memo.code.references import Reading, reading_of
from memograd.memo.code.source import meaning_of


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What is fixed in a code object: the digest of what it says, and what it reads."""

    meaning: str
    reading: Reading


def anatomy_of(code: CodeType, namespace: dict[str, Any], *, read_source: bool) -> Anatomy:
    """Return the anatomy of a code object; the arguments are those of `meaning_of`.

    Equal code objects have one each: which source is found first must not decide for another file.
    """
    known = _anatomies.get(id(code))
    if known is not None and known[0]() is code:
        return known[1]
    anatomy = Anatomy(meaning_of(code, namespace, read_source=read_source), reading_of(code))
    key = id(code)
    # Not a WeakKeyDictionary: that compares by value.
    _anatomies[key] = (weakref.ref(code, functools.partial(_anatomies.pop, key)), anatomy)
    return anatomy


_anatomies: dict[int, tuple[weakref.ref[CodeType], Anatomy]] = {}
