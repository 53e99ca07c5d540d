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


def refusal(value: Any) -> CannotDigest:
    """The error for a value of which nothing is known; whoever raises it adds the path."""
    kind = type(value)
    named = f"a value of type {_name(kind)}"
    words = next((WORDS[_name(base)] for base in kind.__mro__ if _name(base) in WORDS), None)
    if words is None and hasattr(kind, "__next__"):
        words = _ITERATOR
    return CannotDigest(f"cannot digest {named}, {words or 'of which nothing is known'}. {WAYS_OUT}")


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def refusal_row(value: Any) -> NoReturn:
    """The row of every type that has none."""
    raise refusal(value)
