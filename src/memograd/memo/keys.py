"""The key of a call: what the code means, what the arguments are, and what the user says besides."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple, final

import numpy as np
from blake3 import blake3

from memograd.digest.builtin import LEAVES
from memograd.digest.digester import Digester
from memograd.digest.encoding import FORMAT
from memograd.errors import CannotDigest
from memograd.memo.binding import binding_of
from memograd.memo.code.identity import CodeIdentity, CodeWatch, Guarding
from memograd.memo.identity import Watches, is_told_apart_by_name, look_by_version, look_or_refuse
from memograd.memo.report import Parts

KEY_VERSION = 2
"""Any change of how keys are made must change it, and invalidates stored entries."""

# Arguments of these types are told apart by themselves, without a digest, and cannot be changed by the call.
_PLAIN = frozenset((int, str, bytes, bool, type(None)))

Plain = tuple[Any, ...]


class CallKey(NamedTuple):
    """The key of a call.

    Attributes
    ----------
    digest : str
        What is looked up.
    identity : CodeIdentity
        Of the code.
    tokens : tuple of bytes
        Of the arguments: what is under their digests.
    """

    # A named tuple: one is made for each call that is looked up, and a frozen dataclass takes twice as long.
    digest: str
    identity: CodeIdentity
    tokens: tuple[bytes, ...]


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
    identity : callable
        What the code means now, without arguments. Raises CannotDigest when something that the code refers to is
        unknown, and no version was given.

    Raises
    ------
    BadSetting
        When a parameter to ignore is none of the function's, or it does not say what parameters it has.
    CannotDigest
        When the version has no digest.
    """

    __slots__ = ("_digester", "_has_options", "_paths", "_prefix", "_version", "_watches", "bind", "identity", "names")

    def __init__(self, function: Callable[..., Any], *, ignore: Collection[str] = (), version: Any = None) -> None:
        by_version = version is not None and is_told_apart_by_name(function)
        binding = binding_of(function, ignore, by_version=by_version)
        self.bind, self.names = binding.bind, binding.names
        self._paths = tuple(name.lstrip("*") for name in self.names)
        self._has_options = bool(self.names) and self.names[-1].startswith("**")
        self._version = None if version is None else Digester().digest(version, path="version")
        self._watches = Watches()
        self._digester = Digester(code=self._code)
        self._prefix: tuple[CodeIdentity | None, bytes] = (None, b"")
        # Of a slot, not of a method: it is asked at every call.
        self.identity = CodeWatch(function, _look_as_told if by_version else look_or_refuse).current

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
        identity, tokens = self.identity(), self.tokens(values)
        known, prefix = self._prefix
        if known is not identity:
            prefix = self._digester.digest_bytes((KEY_VERSION, identity.digest, self._version, self.names))
            self._prefix = identity, prefix
        # The prefix is of one length, and tokens are frames: what is joined can be taken apart in one way only.
        return CallKey(blake3(prefix + b"".join(tokens)).hexdigest(), identity, tokens)

    def tokens(self, values: tuple[Any, ...]) -> tuple[bytes, ...]:
        """What stands for bound values: short, and different for different values.

        Raises
        ------
        CannotDigest
            With the path to the argument, or the part of one, that has no digest.
        """
        return tuple(
            [
                # The digester would look into the same table, on a longer way.
                ((leaf(value) if (leaf := LEAVES.get(type(value))) else b"") or self._digester.encode(value, path=path))
                for value, path in zip(values, self._paths, strict=True)
            ]
        )

    def told(self, key: CallKey, values: tuple[Any, ...]) -> Parts:
        """By the name of each argument: its digest, and what it is in a few words."""
        return {
            name: [blake3(FORMAT + token).hexdigest(), describe(value)]
            for name, token, value in zip(self.names, key.tokens, values, strict=True)
        }

    def _code(self, thing: Any) -> Any:
        """What stands for a function, class or other callable among the arguments."""
        return self._watches.identity(thing).digest if callable(thing) else NotImplemented


def _look_as_told(function: Any) -> tuple[Guarding, CodeIdentity]:
    """The identity of a function with a version, which stands for what is unknown."""
    try:
        return look_or_refuse(function)
    except CannotDigest:
        return look_by_version(function)


def describe(value: Any) -> str:
    """A value in a few words: what kind it is, and for arrays and containers how large."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}[{', '.join(map(str, value.shape))}]"
    if isinstance(value, (list, tuple, dict, set, frozenset, str, bytes)) and len(value) > 8:
        return f"{type(value).__name__} of {len(value)}"
    if type(value) in (int, float, str, bytes, bool, type(None)):
        return repr(value) if type(value) is not int or value.bit_length() < 256 else "a large int"
    return type(value).__name__
