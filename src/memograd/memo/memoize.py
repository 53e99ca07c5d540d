"""`memoize`: chooses what stands before a function of its kind."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Collection
from typing import Any

from memograd.errors import BadSetting
from memograd.memo.coroutines import MemoizedCoroutine
from memograd.memo.default import default_store
from memograd.memo.functions import MemoizedFunction
from memograd.memo.generators import MemoizedGenerator
from memograd.memo.memoized import Memoized
from memograd.memo.settings import OnRefuse, Settings
from memograd.store.named import NamedStore
from memograd.store.open import MEMORY, open_store
from memograd.store.protocol import Store


def memoize(
    function: Callable[..., Any] | None = None,
    *,
    store: Store | str | os.PathLike[str] | None = None,
    ignore: Collection[str] = (),
    version: Any = None,
    pickle: bool = False,
    on_refuse: OnRefuse = "raise",
    bypass: bool = True,
) -> Any:
    """Never call twice: remember results by the meaning of the code and of the arguments.

    The key covers the function's code and that of every project function that it calls, its closures, defaults and
    globals, the versions of the packages that it uses, the environment, and the arguments bound to its signature. What
    it cannot see: files and variables that the function reads; code that is found by computed names. Say what changed
    there with `version`.

    A result is stored when it is certain that it is all that the call does as far as can be seen: exceptions are not
    stored, nor results of calls that change their arguments, or globals that the function uses. A store that fails
    costs a warning, never a result. Stored results come back as values of their own: what a caller does to one changes
    no other. Arrays in them are read-only, on the first call as on every later one; ``.copy()`` what is to be changed.

    Threads and processes that make one call at one time compute it once. Coroutines run in asyncio; tasks that wait do
    not block the loop. Generators are stored when they are drained, and then replayed; two that run at one time both
    run. Asynchronous generators are refused.

    With other decorators, `memoize` comes first, next to the function: below ``@staticmethod``, ``@classmethod`` and
    ``@property``. A method's key covers its instance: the attributes of a plain class, the fields of a dataclass, or
    what ``__memo_key__`` says.

    Parameters
    ----------
    function : callable
        A function or method that returns what its arguments determine.
    store : Store or path, optional
        Where results are kept; by default in memory, and on disk in the user's cache directory. One that is named by
        its path is opened at the first call, and made again if it was deleted.
    ignore : collection of str
        Parameters that do not change the result, such as ``verbose``.
    version : object
        Counts; change it to compute anew. With a version, the code may depend on things that nothing is known of: the
        version stands for them.
    pickle : bool
        Store results by pickle, which runs code when it is read: only for stores that nobody else can write to.
    on_refuse : {"raise", "call"}
        When an argument has no digest: raise CannotDigest, or make the call without memo.
    bypass : bool
        Stop looking when a call takes less than a millisecond, and less than remembering it. `stats` tells.

    Returns
    -------
    Memoized
        A callable with `call_info`, `why`, `is_cached`, `invalidate`, `clear` and `stats`.

    Raises
    ------
    BadSetting
        When a setting cannot be; when what is to be memoized is no function, or one in C that does not say what
        parameters it has and has no version, or no name in a module.

    Examples
    --------
    >>> from memograd.store.open import open_store
    >>> @memoize(store=open_store("memory:"))
    ... def square(x):
    ...     print("computed")
    ...     return x * x
    >>> square(3), square(x=3)
    computed
    (9, 9)
    """
    if function is None:
        return functools.partial(
            memoize, store=store, ignore=ignore, version=version, pickle=pickle, on_refuse=on_refuse, bypass=bypass
        )
    make = _flavour(function)
    return make(function, Settings(_opened(store), ignore, version, pickle, on_refuse, bypass))


_DESCRIPTORS = (staticmethod, classmethod, property, functools.cached_property)

_FLAVOURS: tuple[tuple[Callable[[Any], bool], type[Memoized]], ...] = (
    (inspect.iscoroutinefunction, MemoizedCoroutine),
    (inspect.isgeneratorfunction, MemoizedGenerator),
    (callable, MemoizedFunction),
)


def _flavour(function: Any) -> type[Memoized]:
    reason = _reason_against(function)
    if reason:
        raise BadSetting(f"{function!r:.100} cannot be memoized: {reason}")
    return next(made for holds, made in _FLAVOURS if holds(function))


def _reason_against(function: Any) -> str:
    if isinstance(function, _DESCRIPTORS):
        return f"put @memoize below @{type(function).__name__}, next to the function"
    if isinstance(function, Memoized):
        return "it is memoized already"
    if inspect.isasyncgenfunction(function):
        return "it is an asynchronous generator; collect what it yields in a coroutine and memoize that"
    if isinstance(function, type):
        return "it is a class; memoize a function that makes its instances"
    return "" if callable(function) else "it is no function"


def _opened(store: Store | str | os.PathLike[str] | None) -> Store:
    if store is None:
        return default_store()
    if not isinstance(store, str | os.PathLike):
        return store
    return open_store(store) if os.fsdecode(store) == MEMORY else NamedStore(store)
