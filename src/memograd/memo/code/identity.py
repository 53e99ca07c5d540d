"""The identity of a function's code: what to call.

Two functions have one identity when their code means the same, in every process of one minor version of Python. An
edit that changes the meaning gives another identity, and undoing it gives the first one back: nothing depends on paths,
times, line numbers, hash seeds or the order of imports.

What counts
    - The source of the function without comments, formatting and docstrings: its syntax tree (`source.py`).
    - Its defaults and keyword defaults, and the contents of its closure, as they are when it is called.
    - Every global that it reads, also through modules (``prep.RATE``, ``package.module.helper``) and through imports
      inside of it (`references.py`): a function or class of the project is followed further, at any depth and through
      cycles; data is digested, the order of dicts included; a thing of an installed package counts as the name and
      version of the package, one of the standard library as the minor version of Python (`packages.py`).
    - Classes as a whole: bases, metaclass, all members. A method brings the class that it was defined in, so
      ``self.other()`` is covered; what is passed as `self` is an argument and has a digest of its own.
    - What wrappers wrap: decorators of the project are functions like others; `functools.partial`, `lru_cache`,
      properties, static and class methods and decorators of packages are seen through.
    - Functions and instances in lists, dicts, attributes and fields of all these.
    - A whole module where it is used as an object (``getattr(module, name)``), and the function's own module where it
      calls `eval`, `exec` or `globals`.
    - Annotations of functions where something that is reached may read them (it mentions ``__annotations__``,
      `get_type_hints` or `signature`, or is a decorator of an installed package); docstrings likewise (``__doc__``,
      `getdoc`); decorators as they are written, where one of an installed package is reached. The annotations of
      classes always count, for they make fields.
    - The environment (`environment.py`).

What is not seen
    - Names that are computed where the thing that they are looked up in is not known: `importlib.import_module`,
      ``sys.modules``, ``__subclasses__``, text evaluated with names of another module. (What is got by a computed name
      from a module, class or instance of the project is seen, for these count whole.)
    - What a function reads from outside: files, environment variables, the clock, random numbers, the network.
    - State inside of installed packages and C extensions: settings, registries, a package edited in place. Numbers and
      texts that are read by name from a module of a package do count, and so do functions put there by the project.
    - Where code is: line numbers, frames, its own source text. (``__name__`` and ``__file__`` count as they are.)
    - Decorators that leave no trace: a function that is registered somewhere is seen only where the registry is read.

What is refused
    A thing of which nothing is known, since no key is better than a wrong one: an open file, a generator, a connection,
    data of a thread or of a context, weak containers, functions in C that are in no installed package.

`version=` of `memoize` is the way out: it is part of the key, and says what cannot be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from memograd.memo.code.walk import Part, walk


@dataclass(frozen=True, slots=True)
class CodeIdentity:
    """What the code of a function means.

    Attributes
    ----------
    digest : str
        64 hexadecimal digits; equal when everything that counts is equal.
    parts : tuple of Part
        What it was made from, in the order in which it was met, each once. A part has its own digest, which tells
        what the thing is but not what it refers to.
    """

    digest: str
    parts: tuple[Part, ...]


def identify(function: Any) -> CodeIdentity:
    """Return the identity of the code of a function, or of anything else that can be called.

    Parameters
    ----------
    function : callable
        Of the project or of a package; a class, method, partial or instance as well.

    Raises
    ------
    CannotDigest
        When it depends on something of which nothing is known, such as an open file in a global, or a C function
        that is in no installed package. The message names it and the ways out.

    Notes
    -----
    The first time costs about 0.5 ms for each function, with the parsing and compiling of the files that they are in,
    and up to 5 ms for each file of a package; later 0.1 ms for each function. `CodeWatch` avoids also that.

    Examples
    --------
    >>> rate = 2
    >>> def scale(x):
    ...     "Multiply."
    ...     return x * rate
    >>> before = identify(scale)
    >>> rate = 3
    >>> after = identify(scale)
    >>> [part.kind for part in after.parts if part not in before.parts]
    ['global']
    """
    return look(function)[1]


class Guarding(Protocol):
    """Tells whether anything that an identity was made from has changed since."""

    def holds(self) -> bool: ...


def look(function: Any) -> tuple[Guarding, CodeIdentity]:
    """Return the identity of the code of a function, and what guards it; raises what `identify` raises."""
    walked = walk(function)
    return walked.guard, CodeIdentity(walked.digest, walked.parts)


class CodeWatch:
    """The identity of one function's code, made again only when something that it was made from has changed.

    Every call of `current` compares, by identity: all names that were looked up in modules, of helpers too; the code
    and defaults of all functions; the contents of all cells; the members of all classes; the attributes of instances
    and the items of containers. Data that can change in place and is no small container, such as an array, is
    digested again. So a monkeypatched helper, an assigned global and an item added to a global list are noticed at
    the next call. What is on the disk is looked at only when new code is met.

    Parameters
    ----------
    function : callable
    look : callable, optional
        Makes the identity of the function and its guard, where `identify` is not what is wanted.

    Notes
    -----
    1 µs for a function with two helpers and a few globals; 0.05 µs for each further name, 0.15 µs for each further
    function, 1 µs for each class. Safe to use from several threads; what is returned was right when it was looked up.

    Examples
    --------
    >>> watch = CodeWatch(lambda x: x + 1)
    >>> watch.current() is watch.current()
    True
    """

    __slots__ = ("_function", "_last", "_look")

    def __init__(self, function: Any, look: Callable[[Any], tuple[Guarding, CodeIdentity]] = look) -> None:
        self._function = function
        self._look = look
        self._last: tuple[Guarding, CodeIdentity] | None = None

    def current(self) -> CodeIdentity:
        """Return the identity as of now; raises what `identify` raises."""
        last = self._last
        if last is not None and last[0].holds():
            return last[1]
        guard, identity = self._look(self._function)
        # Equal ones are kept one: whoever compares by `is` sees no change where there is none.
        if last is not None and last[1] == identity:
            identity = last[1]
        self._last = (guard, identity)
        return identity
