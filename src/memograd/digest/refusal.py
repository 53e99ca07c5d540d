"""What is said of a value that has no digest: what it is, in human words, and the ways out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from memograd.errors import CannotDigest

WAYS_OUT = (
    "Give its class a __memo_key__, convert it to plain data (numbers, arrays, dicts, a dataclass), "
    "or leave it out with ignore="
)

_ITERATOR = "an iterator, which is used up by reading it; pass a list"
_FILE = "an open file; pass its path, or what it holds"
_LOCK = "a lock"
_ZONE = "a time zone that is not of the standard library; use zoneinfo.ZoneInfo"
_CODE = "pass code= to say what stands for code"

WORDS: Mapping[str, str] = {
    "_io._IOBase": _FILE,
    "tempfile._TemporaryFileWrapper": _FILE,
    "_thread.lock": _LOCK,
    "_thread.RLock": _LOCK,
    "threading.Condition": _LOCK,
    "threading.Event": "an event between threads",
    "threading.Semaphore": _LOCK,
    "builtins.generator": "a generator, which is used up by reading it; pass a list",
    "builtins.coroutine": "a coroutine; await it and pass its result",
    "builtins.async_generator": "an asynchronous generator; read it and pass a list",
    "builtins.module": "a module",
    "builtins.frame": "a stack frame",
    "builtins.code": "a code object",
    "builtins.traceback": "a traceback",
    "builtins.BaseException": "an exception",
    "_socket.socket": "a socket",
    "threading.Thread": "a thread",
    "_thread._local": "data of one thread",
    "concurrent.futures._base.Executor": "an executor",
    "concurrent.futures._base.Future": "a future; pass its result",
    "subprocess.Popen": "a running process",
    "multiprocessing.process.BaseProcess": "a process",
    "sqlite3.Connection": "a connection to a database",
    "logging.Logger": "a logger",
    "weakref.ReferenceType": "a weak reference; pass what it refers to",
    "weakref.finalize": "a finalizer",
    "_contextvars.ContextVar": "a context variable; pass its value",
    "builtins.function": f"a function; {_CODE}",
    "builtins.builtin_function_or_method": f"a built-in function; {_CODE}",
    "builtins.type": f"a class; {_CODE}",
    "builtins.dict_keys": "a view of a dict; pass a list or set of it",
    "builtins.dict_values": "a view of a dict; pass a list of it",
    "builtins.dict_items": "a view of a dict; pass a list or dict of it",
    "numpy.random.bit_generator.BitGenerator": "a bit generator that is not NumPy's own",
    "pytz.tzinfo.BaseTzInfo": _ZONE,
    "dateutil.tz._common._tzinfo": _ZONE,
    "polars.lazyframe.frame.LazyFrame": "a query that has not been run; pass what .collect() gives",
    "polars.expr.expr.Expr": "an expression of polars; pass the name of a column, or data",
    "torch.Tensor": "a tensor of torch; pass .numpy(force=True)",
    "jax.Array": "an array of JAX; pass numpy.asarray of it",
}
"""What to say of the instances of a class, and of those derived from it, by the name of the class."""

SIGNS_OF_MORE = (
    *("__next__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getattr__", "__getattribute__"),
    *("__enter__", "__aenter__", "__del__", "__anext__", "__await__", "close", "fileno"),
)
"""Methods of classes whose instances may be more than their attributes: handles, iterators, what is copied its own
way, what stands before something else."""


def refusal(value: Any) -> CannotDigest:
    """The error for a value of which nothing is known; whoever raises it adds the path."""
    kind = type(value)
    words = words_for(kind)
    sign = sign_of_more(kind)
    if words is None and sign is not None:
        words = _ITERATOR if sign == "__next__" else f"of which nothing is known but that its class has {sign}"
    return CannotDigest(
        f"cannot digest a value of type {_name(kind)}, {words or 'of which nothing is known'}. {WAYS_OUT}"
    )


def words_for(kind: type) -> str | None:
    """What to say of the instances of a class that is known for having no digest; None for all others."""
    return next((WORDS[_name(base)] for base in kind.__mro__ if _name(base) in WORDS), None)


def sign_of_more(kind: type) -> str | None:
    """The method of a class that is a sign that its instances are more than their attributes; None without one.

    Examples
    --------
    >>> class Connection:
    ...     def close(self): ...
    >>> sign_of_more(Connection)
    'close'
    """
    defined = {name for base in kind.__mro__ if base is not object for name in vars(base)}
    return next((name for name in SIGNS_OF_MORE if name in defined), None)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def refusal_row(value: Any) -> NoReturn:
    """The row of every type that has none."""
    raise refusal(value)
