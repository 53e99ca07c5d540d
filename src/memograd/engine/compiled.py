"""`compile`: trace a function once, plan it, and run it on an engine as often as needed."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from memograd.engine.numpy.engine import NumpyProgram
from memograd.errors import (
    CannotLower,
    DtypeError,
    EngineFallback,
    EngineUnavailable,
    PlanError,
    ShapeError,
    StructureError,
    UnknownName,
)
from memograd.graph.count import Counts, count
from memograd.graph.node import Node
from memograd.graph.simplify import simplify
from memograd.graph.traced import TracedArray
from memograd.graph.tracing import Arguments, Graph, Spec, spec_of, take_apart, trace
from memograd.graph.tree import Structure, describe_difference, flatten, unflatten
from memograd.plan.from_graph import Plan, plan_graph


class Program(Protocol):
    """A planned graph that an engine can run."""

    @property
    def source(self) -> str:
        """What runs, as text."""

    def __call__(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """The outputs, given the inputs, both in the order of the graph's."""


def _native(graph: Graph, plan: Plan, **options: Any) -> Program:
    # Imported when it is asked for: the interpreter of a program that never compiles need not load LLVM.
    from memograd.engine.native.program import NativeProgram

    return NativeProgram(graph, plan, **options)


def _auto(graph: Graph, plan: Plan, *, title: str, **options: Any) -> Program:
    try:
        return _native(graph, plan, title=title, **options)
    except (CannotLower, EngineUnavailable) as error:
        warnings.warn(EngineFallback(f"{title} runs on the numpy engine: {error}"), stacklevel=3)
        return NumpyProgram(graph, plan, title=title, **options)


# Each takes (graph, plan, title=, check_nan=).
ENGINES: Mapping[str, Callable[..., Program]] = {"numpy": NumpyProgram, "native": _native, "auto": _auto}


def compile(
    f: Callable[..., Any],
    *examples: Any,
    engine: str = "numpy",
    budget_bytes: int | None = None,
    donate: Sequence[int] = (),
    check_nan: bool = False,
    **keyword_examples: Any,
) -> Compiled:
    """Compile a function of plain NumPy code for arguments of these shapes and dtypes.

    Parameters
    ----------
    f : callable
        May be a transformed function, such as ``grad(loss)``.
    *examples, **keyword_examples
        Arguments like those of later calls. Only shapes and dtypes matter of arrays and Python floats; ints, strings
        and other objects are part of the code, and later calls must pass equal ones.
    engine : {"numpy", "native", "auto"}
        What runs it: NumPy, machine code, or machine code where it can and NumPy where not, with a warning.
    budget_bytes : int, optional
        Refuse to compile when the plan's arena needs more.
    donate : sequence of int
        Positional arguments whose memory results may take over: they are overwritten by the call, and must share no
        memory with another argument.
    check_nan : bool
        Check every value, and raise NanFound naming the line of `f` that produced the first NaN.

    Returns
    -------
    Compiled
        A callable; `.source`, `.plan`, `.counts` and `.graph` say what it does.

    Raises
    ------
    TraceError, ShapeError, DtypeError
        When `f` cannot be traced.
    PlanError
        When the budget is too small.
    CannotLower, EngineUnavailable
        When the native engine has no code for an op, or cannot run on this machine.
    UnknownName
        When there is no such engine, or no argument at a position to donate.

    Examples
    --------
    >>> import numpy as np
    >>> f = compile(lambda x, y: np.exp(x) * y + np.exp(x), np.zeros(3), 1.0)
    >>> f(np.array([0.0, 0.0, 1.0]), 1.0)
    array([2.        , 2.        , 5.43656366])
    >>> f.counts.others
    3
    """
    if engine not in ENGINES:
        raise UnknownName(f"there is no engine {engine!r}; there is {', '.join(ENGINES)}")
    if any(not 0 <= k < len(examples) for k in donate):
        raise UnknownName(f"donate={tuple(donate)} of {len(examples)} positional arguments, counted from 0")
    arguments = take_apart(f, examples, keyword_examples)
    traced, result = trace(f, arguments)
    graph = simplify(traced)
    donated = [
        node
        for node, i in zip(graph.inputs, arguments.dynamic, strict=True)
        # A number has no memory worth taking, and as a NumPy scalar none that could be written.
        if node.shape and any(arguments.structure.paths[i].startswith(f"[0][{k}]") for k in donate)
    ]
    plan = plan_graph(graph.inputs, graph.outputs, donated)
    if budget_bytes is not None and plan.schedule.arena_bytes > budget_bytes:
        raise PlanError(
            f"the plan needs {plan.schedule.arena_bytes:,} bytes, and the budget is {budget_bytes:,}; "
            "pass smaller batches or a larger budget"
        )
    name = getattr(f, "__name__", type(f).__name__)
    program = ENGINES[engine](graph, plan, title=name, check_nan=check_nan)
    return Compiled(name, arguments, graph, result, plan, program, donated)


class Compiled:
    """A function, compiled for arguments of certain shapes and dtypes. Safe to call from several threads.

    Attributes
    ----------
    graph : Graph
        What it computes, simplified.
    plan : Plan
        In which order and where.
    counts : Counts
        How many scalar operations it does.
    source : str
        What runs.
    """

    def __init__(
        self,
        name: str,
        arguments: Arguments,
        graph: Graph,
        result: Structure,
        plan: Plan,
        program: Program,
        donated: Collection[Node] = (),
    ) -> None:
        self.__name__ = name
        self.graph = graph
        self.plan = plan
        self.run = program
        self._arguments = arguments
        self._specs = tuple(spec_of(value) for value in arguments.values)
        # By name: of a dtype that is merely equal NumPy makes a new array object.
        self._dtypes = tuple(np.dtype(spec.dtype.name) for spec in self._specs)
        self._result = result
        lent = frozenset(donated)
        self._donated = tuple(i for i, node in enumerate(graph.inputs) if node in lent)

    @property
    def source(self) -> str:
        """The source of the program."""
        return self.run.source

    @property
    def counts(self) -> Counts:
        """Scalar operations of one call."""
        return count(self.plan.nodes)

    def __repr__(self) -> str:
        return f"<compiled {self.__name__}: {self.plan!r}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As the function, for arguments like the examples.

        Raises
        ------
        ShapeError, DtypeError, StructureError
            When an argument is not like its example; the message names it.
        PlanError
            When an array is donated and is another argument, too.
        """
        leaves, structure = flatten((args, kwargs))
        if structure != self._arguments.structure:
            raise StructureError(
                f"{self.__name__} was compiled for other arguments: "
                f"{describe_difference(self._arguments.structure, structure)}; compile it again"
            )
        inputs = [leaves[i] for i in self._arguments.dynamic]
        for value, spec, name in zip(inputs, self._specs, self.graph.names, strict=True):
            self._check(value, spec, name)
        self._check_code(leaves)
        self._check_donated(inputs)
        return unflatten(self._result, self.run(self._laid_out(inputs)))

    def _laid_out(self, inputs: Sequence[Any]) -> list[Any]:
        """The inputs in C order and this machine's byte order, so that equal values give equal bits."""
        laid_out = [np.asarray(x, dtype, order="C") for x, dtype in zip(inputs, self._dtypes, strict=True)]
        for i in self._donated:
            if not laid_out[i].flags.writeable:
                laid_out[i] = laid_out[i].copy()
        return laid_out

    def _check_donated(self, inputs: Sequence[Any]) -> None:
        counts = Counter(map(id, inputs)) if self._donated else {}
        for i in self._donated:
            if counts[id(inputs[i])] > 1 and isinstance(inputs[i], np.ndarray):
                raise PlanError(
                    f"{self.__name__} overwrites {self.graph.names[i]}, which is another of its arguments, too; "
                    "pass a copy, or donate none"
                )

    def _check(self, value: Any, spec: Spec, name: str) -> None:
        if isinstance(value, TracedArray):
            raise DtypeError(f"{self.__name__} is compiled, and cannot be traced; trace the function itself")
        found = spec_of(value) if isinstance(value, (np.ndarray, np.generic, float)) else None
        if found is None or found.dtype != spec.dtype:
            kind = type(value).__name__ if found is None else found.dtype
            raise DtypeError(f"{self.__name__} was compiled for {name} of {spec.dtype}, not {kind}; convert it")
        if found.shape != spec.shape:
            raise ShapeError(
                f"{self.__name__} was compiled for {name} of shape {spec.shape}, not {found.shape}; "
                "compile it again for this shape"
            )

    def _check_code(self, leaves: Sequence[Any]) -> None:
        dynamic = set(self._arguments.dynamic)
        for i, (leaf, example) in enumerate(zip(leaves, self._arguments.leaves, strict=True)):
            if i not in dynamic and (type(leaf) is not type(example) or not _equal(leaf, example)):
                raise StructureError(
                    f"{self.__name__} was compiled for {self._arguments.names[i]}={example!r}, not {leaf!r}: "
                    "that argument is part of the code; compile it again"
                )


def _equal(a: Any, b: Any) -> bool:
    """Whether two arguments that are no arrays of numbers are the same code."""
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else bool(a == b)
