"""The key of a call: what the code means, what the arguments are, and what the user says besides."""

from __future__ import annotations

import types
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from memograd.digest.digester import Digester
from memograd.errors import CannotDigest
from memograd.memo.binding import binding_of
from memograd.memo.identity import Identity, Walks, by_version

KEY_VERSION = 1

# Arguments of these types are told apart by themselves, without a digest, and cannot be changed by the call.
_PLAIN = (int, str, bytes, bool, type(None))

Plain = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class CallKey:
    """The key of a call.

    Attributes
    ----------
    digest : str
        What is looked up.
    identity : Identity
        Of the code.
    digests, shown : tuple of str
        Of the arguments, and what they are in a few words.
    """

    digest: str
    identity: Identity
    digests: tuple[str, ...]
    shown: tuple[str, ...]


@final
class KeyMaker:
    """Makes the keys of one function's calls.

    Parameters
    ----------
    function : callable
    ignore : collection of str
        Parameters that do not count.
    version : object
        Counts; anything that has a digest.

    Attributes
    ----------
    bind : callable
        The values of the parameters that count, of the arguments of a call.
    names : tuple of str
        Of those parameters.

    Raises
    ------
    BadSetting
        When a parameter to ignore is none of the function's.
    CannotDigest
        When the version has no digest.
    """

    __slots__ = ("_digester", "_function", "_has_options", "_identity", "_version", "_walks", "bind", "names")

    def __init__(self, function: Callable[..., Any], *, ignore: Collection[str] = (), version: Any = None) -> None:
        binding = binding_of(function, ignore)
        self.bind, self.names = binding.bind, binding.names
        self._function = function
        self._has_options = bool(self.names) and self.names[-1].startswith("**")
        self._version = None if version is None else Digester().digest(version, path="version")
        self._identity: Identity | None = None
        self._walks = Walks()
        self._digester = Digester(code=self._code)

    def identity(self) -> Identity:
        """What the code means now.

        Raises
        ------
        CannotDigest
            When something that the code refers to is unknown, and no version was given.
        """
        identity = self._identity
        if identity is None or not identity.holds():
            identity = self._identity = self._walk()
        return identity

    def plain(self, values: tuple[Any, ...]) -> Plain | None:
        """Values of plain types as something that a dict can look up, equal only when they are the same; else None."""
        if self._has_options:
            if values[-1]:
                return None
            # A dict that is made for each call; any other could be changed by the call.
            values = values[:-1]
        parts: list[Any] = []
        for value in values:
            kind = type(value)
            # By exact type: an enum member that is an int is something else, and so is True.
            if kind in _PLAIN or (kind is tuple and not value):
                parts += (kind, value)
            elif kind is float and value == value:
                # Text tells −0.0 from 0.0, which are equal; NaNs that differ in their bits have one text.
                parts += (kind, value.hex())
            else:
                return None
        return tuple(parts)

    def key(self, values: tuple[Any, ...]) -> CallKey:
        """The key of a call with these bound values.

        Raises
        ------
        CannotDigest
            With the path to the argument, or the part of one, that has no digest.
        """
        identity, digests = self.identity(), self.digests(values)
        key = self._digester.digest((KEY_VERSION, identity.digest, self._version, self.names, digests))
        return CallKey(key, identity, digests, tuple(map(describe, values)))

    def digests(self, values: tuple[Any, ...]) -> tuple[str, ...]:
        """The digests of bound values."""
        return tuple(
            self._digester.digest(value, path=name.lstrip("*")) for name, value in zip(self.names, values, strict=True)
        )

    def _walk(self) -> Identity:
        try:
            return self._walks.of(self._function)
        except CannotDigest:
            if self._version is None or not isinstance(self._function, types.FunctionType):
                raise
            return by_version(self._function)

    def _code(self, thing: Any) -> Any:
        """What stands for a function, class or other callable among the arguments."""
        return self._walks.of(thing).digest if callable(thing) else NotImplemented


def describe(value: Any) -> str:
    """A value in a few words: what kind it is, and for arrays and containers how large."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}[{', '.join(map(str, value.shape))}]"
    if isinstance(value, (list, tuple, dict, set, frozenset, str, bytes)) and len(value) > 8:
        return f"{type(value).__name__} of {len(value)}"
    if type(value) in (int, float, str, bytes, bool, type(None)):
        return repr(value) if type(value) is not int or value.bit_length() < 256 else "a large int"
    return type(value).__name__
