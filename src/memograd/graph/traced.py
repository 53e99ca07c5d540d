"""The traced array: what a user's function sees in place of an array. Plain NumPy code runs on it unchanged.

Speaks NumPy's own protocols (NEP 13 `__array_ufunc__`, NEP 18 `__array_function__`), promotes by NumPy's own
rules (NEP 50) and turns each call into a node. What each NumPy function means is a row of
`memograd.graph.numpy_rows`, which fills the two tables here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterator
from difflib import get_close_matches
from functools import lru_cache
from inspect import Parameter, Signature, signature
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from memograd.errors import LocatedError, ShapeError, TraceError
from memograd.graph.node import DType, Node, Shape, describe
from memograd.graph.ops import BINARY, UNARY, make
from memograd.graph.shapes import resolve
from memograd.graph.trace import Trace, is_current, user_line

UFUNC_OPS: dict[np.ufunc, str] = {ufunc: name for name, ufunc in (UNARY | BINARY).items()}
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
OPTIONS: dict[Callable[..., Any], frozenset[str]] = {}

# Python scalars combined with Python scalars stay Python scalars, which take the dtype of what they meet.
_SCALAR_ARITHMETIC = {"add", "subtract", "multiply", "divide", "power", "negative", "absolute"}


class TracedArray(NDArrayOperatorsMixin):
    """Stands for an array of known shape and dtype and unknown values.

    Attributes
    ----------
    node : Node
    owner : Trace
        The trace that it belongs to.
    weak : type or None
        `float` or `int` for a stand-in of a Python scalar, which takes the dtype of what it meets.
    """

    __slots__ = ("node", "owner", "weak")
    __array_priority__ = 1000

    def __init__(self, node: Node, owner: Trace, weak: type | None = None) -> None:
        self.node = node
        self.owner = owner
        self.weak = weak

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """A ufunc met a traced array."""
        out = kwargs.pop("out", None)
        if out is not None:
            target = next((x for x in out if isinstance(x, TracedArray)), None)
            refuse(f"{_called(ufunc)}(..., out=...) writes into {_a_traced(target)}",
                   "drop out= and bind the result to a name: `z = x + y`, not `x += y`")  # fmt: skip
        if method != "__call__" or kwargs:
            rest = f".{method}" if method != "__call__" else f"(..., {', '.join(kwargs)}=)"
            refuse(f"{_called(ufunc)}{rest} of a traced array", _advice(ufunc.__name__, method))
        if ufunc in FUNCTIONS:
            return run(FUNCTIONS[ufunc], *inputs)
        if ufunc in UFUNC_OPS:
            return run(elementwise, ufunc, *inputs)
        return refuse(f"{_called(ufunc)} of a traced array has no row", _known(ufunc.__name__))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """A NumPy function met a traced array."""
        row = FUNCTIONS.get(function)
        if row is None:
            refuse(f"{_called(function)} of a traced array has no row", _known(function.__name__))
        required, options = _by_name(function, args, kwargs)
        unknown = sorted(options.keys() - OPTIONS[row])
        if unknown:
            refuse(f"{_called(function)}({unknown[0]}=...) of a traced array has no row",
                   f"leave {unknown[0]}= out, and bind the result to a name")  # fmt: skip
        return run(row, *required, **options)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        """Values are asked for, and there are none."""
        refuse(f"the values of {_a_traced(self)} are not known while tracing: np.array, np.asarray and functions "
               "that need them cannot run", "use np.stack or np.concatenate to join traced arrays; keep what "
               "needs values outside of the traced function")  # fmt: skip

    # What cannot be traced

    def __bool__(self) -> NoReturn:
        """An `if`, `while`, `and`, `or`, `not` on values."""
        refuse(f"this line branches on the value of {_a_traced(self)}, which is not known while tracing",
               "write np.where(condition, a, b), or np.logical_and/or/not for `and`, `or`, `not`")  # fmt: skip

    def __float__(self) -> NoReturn:
        """A Python number is asked for."""
        refuse(f"float() needs the value of {_a_traced(self)}",
               "leave it an array; for NumPy functions instead of math's: np.exp, not math.exp")  # fmt: skip

    def __int__(self) -> NoReturn:
        """A Python number is asked for."""
        refuse(f"int() needs the value of {_a_traced(self)}", "use .astype(int)")

    def __index__(self) -> NoReturn:
        """A length or position is asked for."""
        refuse(f"{_a_traced(self)} is used as a length or position in Python",
               "pass that argument as a Python int; a table that is no argument is looked up by "
               "np.take_along_axis(table, i, axis)")  # fmt: skip

    def item(self) -> NoReturn:
        """A Python number is asked for."""
        refuse(f".item() needs the value of {_a_traced(self)}", "leave it an array")

    def tolist(self) -> NoReturn:
        """Python numbers are asked for."""
        refuse(f".tolist() needs the value of {_a_traced(self)}", "leave it an array")

    def __format__(self, spec: str) -> str:
        """Shown as it is; digits would need a value."""
        if spec:
            refuse(f"the format {spec!r} needs the value of {_a_traced(self)}",
                   "return the array and print it outside of the traced function")  # fmt: skip
        return repr(self)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        """An assignment in place."""
        refuse(f"this line assigns into {_a_traced(self)}; traced arrays never change",
               "build a new array: np.where(mask, new, old), or np.concatenate of the parts")  # fmt: skip

    # The data model

    def __len__(self) -> int:
        """The length of the first axis."""
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        """The parts along the first axis."""
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        """Slices, integers, None, `...` and integer arrays."""
        return run(FUNCTIONS[operator.getitem], self, index)

    def __repr__(self) -> str:
        return f"TracedArray({describe(self.node)})"

    def __hash__(self) -> int:
        return id(self)

    def __deepcopy__(self, memo: Any) -> TracedArray:
        return self

    # What arrays offer

    @property
    def shape(self) -> Shape:
        """Lengths of the axes."""
        return self.node.shape

    @property
    def dtype(self) -> DType:
        """The dtype."""
        return self.node.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.node.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.node.size

    @property
    def nbytes(self) -> int:
        """The bytes of the values, had they been computed."""
        return self.node.size_bytes

    @property
    def T(self) -> Any:
        """The axes reversed."""
        return np.transpose(self)

    def astype(self, dtype: Any, **ignored: Any) -> Any:
        """The same values in another dtype."""
        return cast(self, np.dtype(dtype))

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        """As ndarray.reshape."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Any:
        """As ndarray.transpose."""
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def copy(self, order: str = "C") -> TracedArray:
        """Itself: a traced array never changes."""
        return self


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: TracedArray, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = function.__name__
    method.__doc__ = f"As np.{function.__name__} of this array."
    return method


# NumPy's functions reach the table through __array_function__, so a method is its function.
for _name in ("sum", "prod", "mean", "max", "min", "var", "std", "argmax", "argmin", "cumsum", "ravel", "squeeze",
              "swapaxes", "take", "dot", "clip", "repeat", "diagonal", "trace"):  # fmt: skip
    setattr(TracedArray, _name, _method(getattr(np, _name)))
TracedArray.flatten = _method(np.ravel)  # type: ignore[attr-defined]


def _in_place(symbol: str, binary: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: TracedArray, other: Any) -> Any:
        # NumPy's scalars are immutable, so `total += x[i]` rebinds the name there too.
        if self.ndim == 0:
            return binary(self, other)
        refuse(f"`{symbol}=` changes {_a_traced(self)} in place; traced arrays never change",
               f"write `x = x {symbol} y` instead of `x {symbol}= y`")  # fmt: skip

    return method


for _name, _symbol in {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**", "matmul": "@",
                       "floordiv": "//", "mod": "%", "and": "&", "or": "|", "xor": "^"}.items():  # fmt: skip
    setattr(TracedArray, f"__i{_name}__", _in_place(_symbol, getattr(operator, f"__{_name}__")))


Row = TypeVar("Row", bound=Callable[..., Any])


def implements(*functions: Callable[..., Any]) -> Callable[[Row], Row]:
    """Make a function the row of these NumPy functions; its parameters are the options that tracing knows."""

    def register(row: Row) -> Row:
        FUNCTIONS.update(dict.fromkeys(functions, row))
        OPTIONS[row] = frozenset(signature(row).parameters)
        return row

    return register


def run(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a row of the table; errors of shape and dtype get the user's line."""
    try:
        return function(*args, **kwargs)
    except LocatedError as error:
        error.where = error.where or _where()
        raise


def apply(op: str, *operands: Any, **attributes: Hashable) -> TracedArray:
    """The op on operands that already have the shapes and dtypes it needs, at least one of them traced."""
    trace = innermost(operands)
    return TracedArray(trace.record(make(op, *(_node(x, trace) for x in operands), **attributes)), trace)


def elementwise(ufunc: np.ufunc, *operands: Any) -> TracedArray:
    """The op of a ufunc, with NumPy's promotion and broadcasting."""
    op = UFUNC_OPS[ufunc]
    trace = innermost(operands)
    kinds = tuple(_kind(x) for x in operands)
    dtypes = resolve(ufunc, kinds)
    nodes = tuple(_node(x, trace, dtype) for x, dtype in zip(operands, dtypes, strict=False))
    node = trace.record(make(op, *_broadcast(op, trace, nodes)))
    scalar = op in _SCALAR_ARITHMETIC and all(isinstance(kind, type) for kind in kinds)
    return TracedArray(node, trace, (float if node.dtype.kind == "f" else int) if scalar else None)


def spread(op: str, *operands: Any) -> tuple[TracedArray, ...]:
    """The operands, traced and broadcast to their common shape.

    Raises
    ------
    ShapeError
        When there is none.
    """
    trace = innermost(operands)
    nodes = _broadcast(op, trace, tuple(_node(x, trace) for x in operands))
    return tuple(TracedArray(node, trace) for node in nodes)


def cast(x: Any, dtype: DType) -> Any:
    """The same values in another dtype; nothing is made when they have it, and a concrete array stays one."""
    if not isinstance(x, TracedArray):
        return np.asarray(x, dtype)
    trace = innermost((x,))
    return TracedArray(_node(x, trace, dtype), trace)


def filled(value: float, like: TracedArray) -> TracedArray:
    """An array of one value, of the shape and dtype of another, stored as a scalar."""
    scalar = like.owner.constant(np.asarray(value, like.dtype))
    return TracedArray(like.owner.record(make("broadcast_to", scalar, shape=like.shape)), like.owner)


def as_traced(x: Any, *others: Any) -> TracedArray:
    """A traced array; a concrete one becomes a constant in the trace of the others."""
    if isinstance(x, TracedArray):
        return x
    trace = innermost(others)
    return TracedArray(_node(x, trace), trace)


def common_dtype(*values: Any) -> DType:
    """The dtype that NumPy gives the values together, Python scalars being weak."""
    kinds = [_kind(x) for x in values]
    return np.result_type(*(kind(0) if isinstance(kind, type) else kind for kind in kinds))


def innermost(operands: tuple[Any, ...]) -> Trace:
    """The innermost trace among the operands, checked to be running."""
    traces = [x.owner for x in operands if isinstance(x, TracedArray)]
    for trace in traces:
        check_open(trace)
    return max(traces, key=lambda trace: trace.level)


def check_open(trace: Trace) -> None:
    """Raise TraceError unless the trace is running, in this thread."""
    if not trace.is_open:
        refuse("an array left over from a finished trace is used",
               "return it from the traced function instead of keeping it elsewhere")  # fmt: skip
    # A thread starts with no trace open, so what it traces could not be told from the traces around it.
    if not is_current(trace):
        refuse("a traced array is used in another thread than the one that traces",
               "stay in one thread, or start the other in a copy of the context: "
               "contextvars.copy_context().run(f, x)")  # fmt: skip


def refuse(what: str, instead: str) -> NoReturn:
    """Raise TraceError: what happened, the user's line, and what to write instead."""
    raise TraceError(f"{what}, at {_where()}\n  Instead: {instead}.")


def _where() -> str:
    line = user_line()
    return f"{line}: `{line.source}`" if line.source else str(line)


def _kind(x: Any) -> DType | type:
    if isinstance(x, TracedArray):
        return x.weak or x.dtype
    # bool is an int to Python and not to NumPy; np.float64 is a float to Python and strong to NumPy.
    if type(x) in (int, float):
        return type(x)
    return np.asarray(x).dtype


def _node(x: Any, trace: Trace, dtype: DType | None = None) -> Node:
    if isinstance(x, TracedArray):
        node = x.node
    elif type(x) in (int, float) and dtype is not None:
        return trace.constant(np.asarray(x, dtype))
    else:
        node = trace.constant(np.asarray(x))
    if dtype is None or node.dtype == dtype:
        return node
    return trace.record(make("cast", node, dtype=dtype))


def _broadcast(op: str, trace: Trace, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    shapes = {node.shape for node in nodes}
    if len(shapes) == 1:
        return nodes
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        operands = " and ".join(describe(node) for node in nodes)
        raise ShapeError(f"{op}: the shapes of {operands} do not broadcast") from None
    return tuple(
        node if node.shape == shape else trace.record(make("broadcast_to", node, shape=shape)) for node in nodes
    )


@lru_cache(maxsize=1024)
def _signature(function: Callable[..., Any]) -> Signature | None:
    try:
        return signature(function)
    except ValueError:  # some of NumPy's functions that are written in C have none
        return None


def _by_name(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a NumPy function as a row takes them: options by name, and only those that change something."""
    form = _signature(function)
    if form is None:
        return list(args), kwargs
    required: list[Any] = []
    options: dict[str, Any] = {}
    for name, value in form.bind(*args, **kwargs).arguments.items():
        parameter = form.parameters[name]
        if parameter.kind is Parameter.VAR_POSITIONAL:
            required.extend(value)
        elif parameter.kind is Parameter.VAR_KEYWORD:
            options.update(value)
        elif parameter.default is Parameter.empty or parameter.kind is Parameter.POSITIONAL_ONLY:
            required.append(value)
        elif not _is_default(value, parameter.default):
            options[name] = value
    return required, options


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, (int, str)) and type(value) is type(default) and value == default)


def _called(function: Callable[..., Any]) -> str:
    """A function as one writes it: np.sum, np.linalg.inv."""
    name = getattr(function, "__name__", str(function))
    if getattr(np, name, None) is function:
        return f"np.{name}"
    module = getattr(function, "__module__", None) or ""
    return f"np{module.removeprefix('numpy')}.{name}" if module.startswith("numpy") else name


def _a_traced(x: TracedArray | None) -> str:
    return f"a traced array {describe(x.node)}" if x is not None else "a traced array"


def _advice(name: str, method: str) -> str:
    if method == "reduce":
        return {"add": "use np.sum", "maximum": "use np.max", "minimum": "use np.min"}.get(name, _known(name))
    return "call the ufunc without keyword arguments; np.where(mask, a, b) replaces where="


def known_functions() -> dict[str, Callable[..., Any]]:
    """Every function that has a row, by the name under which one writes it."""
    functions: list[Callable[..., Any]] = [*UFUNC_OPS, *FUNCTIONS]
    return {_called(f): f for f in functions}


def _known(name: str) -> str:
    known = known_functions()
    close = get_close_matches(name, [other.rpartition(".")[2] for other in known], n=2, cutoff=0.8)
    meant = f"; near to {name} there is {' and '.join(close)}" if close else ""
    return f"write it with the {len(known)} functions that have a row, listed in docs/numpy.md{meant}"
