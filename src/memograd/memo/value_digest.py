"""The digest of any value, functions and classes by what their code means."""

from __future__ import annotations

from typing import Any

from memograd.digest.digester import Digester
from memograd.memo.code.identity import identify


def digest(value: Any) -> str:
    """The digest of a value: equal for equal values, in every process and on every machine.

    Parameters
    ----------
    value : object
        Of plain Python, the standard library, NumPy, SciPy's sparse formats, pandas or polars; a function or class,
        which is told by its code; a dataclass, or an object of a class with `__memo_key__`.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    CannotDigest
        When a part of the value is unknown; with the path to it and the ways out.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    >>> digest(lambda x: x + 1) == digest(lambda x: x + 2)
    False
    """
    return Digester(code=lambda thing: identify(thing).digest).digest(value)
