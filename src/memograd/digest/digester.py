"""The digest of a value: what to call.

Two values have one digest when they are of one type and cannot be told apart by what they hold, in every process
and on every machine; the rows say for each type what that means. Nothing is sampled and nothing guessed: a value
of which anything is unknown is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from blake3 import blake3

from memograd.digest.encoding import FORMAT
from memograd.digest.node import Code
from memograd.digest.walk import token_of
from memograd.errors import BadSetting


@dataclass(frozen=True, slots=True)
class Digester:
    """How to digest: what stands for code, and whose digests they are.

    Attributes
    ----------
    code : callable, optional
        Is given each function, class, or other callable, also the class of an instance, and returns a value that
        stands for it, which is digested in its place; or NotImplemented when it knows none. Without it, functions
        and classes are refused, the class of an instance is told by its name, and an instance of a class that says
        nothing of itself is refused.
    key : bytes, optional
        32 secret bytes. Only who knows them can make, or check, the digest of a value.

    Raises
    ------
    BadSetting
        When the key is not of 32 bytes.

    Examples
    --------
    >>> Digester(code=lambda function: function.__name__).digest(max) == Digester().digest(max)
    True
    >>> Digester(key=b"k" * 32).digest(1) == Digester().digest(1)
    False
    """

    code: Code | None = None
    key: bytes | None = None

    def __post_init__(self) -> None:
        if self.key is not None and len(self.key) != blake3.key_size:
            raise BadSetting(f"the key must have {blake3.key_size} bytes, not {len(self.key)}")

    def digest(self, value: Any, *, path: str = "value") -> str:
        """The digest of a value as 64 hexadecimal digits; see the function `digest`."""
        return self.digest_bytes(value, path=path).hex()

    def digest_bytes(self, value: Any, *, path: str = "value") -> bytes:
        """The 32 bytes of the digest of a value."""
        hasher = blake3(FORMAT) if self.key is None else blake3(FORMAT, key=self.key)
        return hasher.update(self.encode(value, path=path)).digest()

    def encode(self, value: Any, *, path: str = "value") -> bytes:
        """The bytes under the digest of a value: at most 128, and different for different values.

        They depend neither on the key nor on the format: whoever keeps them keeps `FORMAT` beside them.
        """
        return token_of(value, code=self.code, path=path)


def digest(value: Any, *, code: Code | None = None, key: bytes | None = None, path: str = "value") -> str:
    """The digest of a value: BLAKE3 of an encoding that is different for different values.

    Parameters
    ----------
    value : object
        Of plain Python, the standard library, NumPy, SciPy's sparse formats, pandas or polars; an enum member,
        dataclass, named tuple or subclass of a built-in type; or of a class with `__memo_key__`, a method or property
        that returns a value to digest in its place. With `code`, also an instance of any other class whose attributes
        are all that it is (see `memograd.digest.plain`). Is not changed.
    code : callable, optional
        What stands for a function or class; see `Digester`.
    key : bytes, optional
        32 secret bytes, for digests that nobody else can make.
    path : str
        How the value is called in errors.

    Returns
    -------
    str
        64 hexadecimal digits; the same in every process, on every machine and in every version with this format.

    Raises
    ------
    CannotDigest
        When a part of the value is unknown, can change by being read, or holds itself; with the path to it.
    BadSetting
        When the key is not of 32 bytes.

    Notes
    -----
    What == cannot see does not count: the order of dicts and sets, how an array lies in memory. Give a function that
    minds the order an `OrderedDict` or a list of pairs. All else counts, also where == looks away: the type of a
    number, the sign of a zero, the bits of a NaN, a time zone, a field that is not compared, byte order.

    Complexity: linear in the size of what is held in memory, but for dicts and sets, which are sorted; a part that is
    held many times is looked at once. Elements of arrays are hashed where they lie, by several threads if many.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    >>> len({digest(value) for value in (1, 1.0, True, "1", b"1", [1], (1,), {1}, None)})
    9
    >>> digest([1, {"model": iter(())}])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
      ...
    memograd.errors.CannotDigest: value[1]['model']: cannot digest ...
    """
    return Digester(code, key).digest(value, path=path)


def digest_bytes(value: Any, *, code: Code | None = None, key: bytes | None = None, path: str = "value") -> bytes:
    """The 32 bytes of `digest`.

    Examples
    --------
    >>> digest_bytes(1).hex() == digest(1)
    True
    """
    return Digester(code, key).digest_bytes(value, path=path)


def encode(value: Any, *, code: Code | None = None, path: str = "value") -> bytes:
    """The bytes under a digest; see `Digester.encode`.

    Examples
    --------
    >>> encode(True)
    b'k\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x00True'
    """
    return Digester(code).encode(value, path=path)
