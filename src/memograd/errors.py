"""Every error that memograd raises on purpose.

Each inherits `MemogradError` and the builtin that a caller expects. A message says what was asked, what was
found, where, and what to do next. A miss is a value and never an error.
"""

from __future__ import annotations


class MemogradError(Exception):
    """The base of all errors that memograd raises on purpose."""


class LocatedError(MemogradError):
    """An error that learns, on its way up, which line of the user's code it is about.

    Attributes
    ----------
    where : str or None
        The line; part of the message once it is known.
    """

    where: str | None = None

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}, at {self.where}" if self.where else message


class ShapeError(LocatedError, ValueError):
    """Shapes do not fit the op; the message names the op and the shapes."""


class DtypeError(LocatedError, TypeError):
    """Dtypes do not fit the op; the message names the op and the dtypes."""


class TraceError(MemogradError, TypeError):
    """Code did to a traced array what tracing cannot follow; the message names the line and what to write instead."""


class MalformedGraph(MemogradError, ValueError):
    """A graph breaks a rule of well-formedness; always a defect of memograd or of a hand-made node."""


class StructureError(MemogradError, ValueError):
    """Two nested containers that should have the same structure do not; the message names the path."""


class NotDifferentiable(MemogradError, TypeError):
    """A derivative was asked for where none is defined."""


class Disconnected(MemogradError, ValueError):
    """The output does not depend on an argument, and the caller asked for that to be an error."""


class NotRational(LocatedError, ArithmeticError):
    """A computation in fractions came to what is no fraction; the message names the op and the line."""


class TooManyPaths(MemogradError, ValueError):
    """More paths than the caller is ready to take one by one; the message says how many there are."""


class GradientMismatch(MemogradError, AssertionError):
    """A derivative disagrees with finite differences."""


class NanFound(MemogradError, FloatingPointError):
    """A NaN appeared; the message names the primal line that produced the first one."""


class PlanError(MemogradError, ValueError):
    """A schedule does not do what it promises; the judge found out."""


class UnknownName(MemogradError, ValueError):
    """A name (activation, loss, engine, ...) that is not in its table; the message lists the table."""


class BadSetting(MemogradError, ValueError):
    """A setting that cannot be; the message names it, what was found and what is allowed."""


class DataError(MemogradError, ValueError):
    """A table or array cannot be used; the message says what, where (row and column) and what to do."""


class ModelFileError(MemogradError, ValueError):
    """A model file is damaged, of another format, or cannot be written; the message says which."""


class TrainingDiverged(MemogradError, ArithmeticError):
    """The loss became NaN or infinite; the message gives the epoch, the loss and a suggestion."""


class EngineUnavailable(MemogradError, RuntimeError):
    """An engine cannot run on this machine; the message says why."""


class EngineFallback(UserWarning):
    """Something runs on another engine than was wished; the message says why."""


class CannotLower(LocatedError, NotImplementedError):
    """An engine has no way to run an op; the message names the op and the reason."""


class CannotDigest(MemogradError, TypeError):
    """A value has no digest; the message gives the path to it and the ways out.

    Attributes
    ----------
    path : str
        As one would write it: ``args[1]['cfg'].model``.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class StoreError(MemogradError, OSError):
    """A store cannot be opened or written; the message says where, why and what to do."""


class NotAuthentic(StoreError):
    """An entry, or a store, was not written with the key that it was opened with."""


class LockTimeout(StoreError, TimeoutError):
    """Another owner held a lock for longer than the caller was ready to wait."""
