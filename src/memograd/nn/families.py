"""Families of interchangeable things: looked up by name, written to and read from JSON.

Owns the message for a name that is in no table. Knows nothing of what the members do.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeGuard, TypeVar

from memograd.errors import ModelFileError, UnknownName

T = TypeVar("T")


def look_up(kind: str, table: Mapping[str, T], name: object) -> T:
    """The row of that name.

    Raises
    ------
    UnknownName
        With close matches and all names.

    Examples
    --------
    >>> look_up("fruit", {"apple": 1, "pear": 2}, "aple")
    Traceback (most recent call last):
        ...
    memograd.errors.UnknownName: there is no fruit 'aple'; did you mean 'apple'? There are: apple, pear
    """
    if isinstance(name, str) and name in table:
        return table[name]
    close = " or ".join(map(repr, difflib.get_close_matches(str(name), table)))
    question = f"; did you mean {close}?" if close else "."
    raise UnknownName(f"there is no {kind} {name!r}{question} There are: {', '.join(sorted(table))}")


def is_function(x: object) -> TypeGuard[Callable[..., Any]]:
    """Whether something is a user's function; a class is none, for calling it would make a record of its settings.

    Examples
    --------
    >>> is_function(len), is_function(str), is_function("len")
    (True, False, False)
    """
    return callable(x) and not isinstance(x, type)


@dataclass(frozen=True, slots=True)
class Family(Generic[T]):
    """Classes of frozen records with settings, by name.

    Attributes
    ----------
    kind : str
        What a member is called in messages.
    members : mapping of str to type
        Each can be made without arguments, but for those that have no sensible default.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Square:
    ...     side: float = 1.0
    >>> shapes = Family("shape", {"square": Square})
    >>> shapes.to_config(Square(2.0)), shapes.from_config({"name": "square", "side": 3.0})
    ({'name': 'square', 'side': 2.0}, Square(side=3.0))
    """

    kind: str
    members: Mapping[str, type[T]]

    def make(self, name: object) -> T:
        """The member of that name with its default settings."""
        return look_up(self.kind, self.members, name)()

    def to_config(self, record: T) -> dict[str, Any]:
        """The name of a member and its settings, as JSON has them.

        Raises
        ------
        ModelFileError
            When the record is no member, such as a user's function.
        """
        for name, member in self.members.items():
            if type(record) is member:
                return {"name": name, **dataclasses.asdict(record)}  # type: ignore[call-overload]
        raise refusal(self.kind, record, self.members)

    def from_config(self, config: Mapping[str, Any]) -> T:
        """The member that `to_config` described.

        Raises
        ------
        UnknownName
            When there is no such member.
        ModelFileError
            When it has no such settings.
        """
        settings = dict(config)
        member = look_up(self.kind, self.members, str(settings.pop("name", None)))
        known = {field.name for field in dataclasses.fields(member)}  # type: ignore[arg-type]
        if unknown := sorted(settings.keys() - known):
            raise ModelFileError(f"the {self.kind} {config['name']!r} has no setting {', '.join(unknown)}")
        return member(**settings)


def refusal(kind: str, found: object, table: Mapping[str, Any]) -> ModelFileError:
    """The error that says why something that is in no table cannot be written to a file."""
    return ModelFileError(
        f"the {kind} {found!r} is code, and a model file holds only names and numbers: use one of "
        f"{', '.join(sorted(table))}; or save the parameters alone and make the network in Python"
    )
