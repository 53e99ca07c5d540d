"""Derivatives of functions: grad, value_and_grad, vjp, jvp, hvp, jacobian, hessian.

Each takes a function of plain NumPy code and works on nested lists, tuples, dicts and dataclasses of arrays. The
function is traced anew at each call, so what it closes over may change in between; `memograd.compile` traces once.
All of them can be nested, and all can be traced themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

import numpy as np

from memograd.errors import Disconnected, DtypeError, NotDifferentiable, ShapeError, UnknownName
from memograd.gradient.forward import forward
from memograd.gradient.reverse import Derived, reverse
from memograd.gradient.run import Origins, Staged, run
from memograd.graph.node import Node, describe
from memograd.graph.ops import make, make_constant, make_input
from memograd.graph.traced import cast
from memograd.graph.tracing import Arguments, Graph, is_array, take_apart, trace
from memograd.graph.tree import Structure, flatten, leaves_like, unflatten

Function = Callable[..., Any]
WhenDisconnected = Literal["zero", "none", "error"]


def grad(
    f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False, disconnected: WhenDisconnected = "zero"
) -> Function:
    """The gradient of a scalar function.

    Parameters
    ----------
    f : callable
        Plain NumPy code; returns a scalar, or `(scalar, anything)` with `has_aux`.
    argnums : int or sequence of int
        The positional arguments to differentiate for; their leaves are float arrays or Python floats.
    disconnected : {"zero", "none", "error"}
        What the gradient of a leaf is that the result does not depend on: zeros, None, or `Disconnected`.

    Returns
    -------
    callable
        Takes the arguments of `f`; returns a tree like the argument (a tuple of them for a sequence of argnums),
        and with `has_aux` the pair of that and the rest of what `f` returned.

    Raises
    ------
    ShapeError
        When the result is not a scalar.
    DtypeError
        When a leaf to differentiate for is not floating.

    Examples
    --------
    >>> import numpy as np
    >>> grad(lambda p: p["a"] ** 2 * p["b"])({"a": 3.0, "b": 2.0})
    {'a': np.float64(12.0), 'b': np.float64(9.0)}
    """
    pair = value_and_grad(f, argnums, has_aux=has_aux, disconnected=disconnected)

    @_named("grad", f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradients = pair(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return gradient


def value_and_grad(
    f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False, disconnected: WhenDisconnected = "zero"
) -> Function:
    """The value and the gradient of a scalar function, in one sweep; parameters and errors as `grad`.

    Examples
    --------
    >>> value_and_grad(lambda x: x * x)(3.0)
    (np.float64(9.0), np.float64(6.0))
    """

    @_named("value_and_grad", f)
    def both(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = _Call.of(f, argnums, args, kwargs)
        output = call.scalar_output(has_aux)
        seed = make_constant(np.ones((), output.dtype))
        derived = reverse([output], [seed], call.graph.inputs, call.graph.origins)
        gradients = call.gradients(derived, disconnected)
        wanted = [node for node in gradients if node is not None]
        results = iter(run([*call.graph.outputs, *wanted], call.values, call.origins(derived)))
        value = unflatten(call.result, [next(results) for _ in call.graph.outputs])
        return value, call.like_arguments([None if node is None else next(results) for node in gradients])

    return both


def vjp(f: Function, *primals: Any, disconnected: WhenDisconnected = "zero") -> tuple[Any, Callable[[Any], Any]]:
    """The value of a function, and its vector–Jacobian product.

    Returns
    -------
    value : tree
    pullback : callable
        Takes a cotangent, a tree like the value, and returns a tuple with a tree for each primal. The forward
        values are kept: each call repeats only what depends on the cotangent.

    Examples
    --------
    >>> value, pullback = vjp(lambda x, y: x * y, 3.0, 4.0)
    >>> pullback(10.0)
    (np.float64(40.0), np.float64(30.0))
    """
    call = _Call.of(f, range(len(primals)), primals, {})
    seeds = [make_input(SEED_LEVEL, i, o.shape, o.dtype) for i, o in enumerate(call.graph.outputs)]
    derived = reverse(call.graph.outputs, seeds, call.graph.inputs, call.graph.origins)
    gradients = call.gradients(derived, disconnected)
    wanted = [node for node in gradients if node is not None]
    value = unflatten(call.result, run(call.graph.outputs, call.values, call.graph.origins))
    staged = Staged(wanted, call.values, seeds, call.origins(derived))

    def pullback(cotangent: Any) -> Any:
        cotangents = _matching(call.result, call.graph.outputs, cotangent, "the cotangent")
        results = iter(staged(cotangents))
        return call.like_arguments([None if node is None else next(results) for node in gradients])

    return value, pullback


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of a function, and its Jacobian–vector product, in forward mode.

    Parameters
    ----------
    primals : sequence
        The positional arguments.
    tangents : sequence
        Their directions: trees like the primals.

    Examples
    --------
    >>> jvp(lambda x, y: x * y, (3.0, 4.0), (1.0, 0.0))
    (np.float64(12.0), np.float64(4.0))
    """
    call = _Call.of(f, range(len(primals)), tuple(primals), {})
    moves = [make_input(SEED_LEVEL, i, x.shape, x.dtype) for i, x in enumerate(call.graph.inputs)]
    derived = forward(call.graph.outputs, dict(zip(call.graph.inputs, moves, strict=True)), call.graph.origins)
    structure = flatten(tuple(primals))[1]
    directions = _matching(structure, call.graph.inputs, tuple(tangents), "the tangents")
    values = {**call.values, **dict(zip(moves, directions, strict=True))}
    outputs = call.graph.outputs
    results = run([*outputs, *(derived.table.get(o) or _zeros(o) for o in outputs)], values, call.origins(derived))
    return unflatten(call.result, results[: len(outputs)]), unflatten(call.result, results[len(outputs) :])


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian of a scalar function times a vector, forward over reverse: about the price of two gradients.

    Returns
    -------
    tree, or tuple of trees
        Like the primal if there is one, else one for each.

    Examples
    --------
    >>> hvp(lambda x: x**3, (2.0,), (1.0,))
    np.float64(12.0)
    """
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(f, argnums), primals, tangents)[1]


def jacobian(
    f: Function, argnums: int | Sequence[int] = 0, *, mode: Literal["auto", "reverse", "forward"] = "auto"
) -> Function:
    """All partial derivatives of all results.

    Parameters
    ----------
    mode : {"auto", "reverse", "forward"}
        Row by row, column by column, or whichever needs fewer sweeps. The primal values are computed once.

    Returns
    -------
    callable
        Takes the arguments of `f`; returns a tree like the result, each leaf replaced by a tree like the
        argument, whose leaves have the shape ``result.shape + argument.shape``.

    Examples
    --------
    >>> import numpy as np
    >>> jacobian(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0]))
    array([[3., 0., 1.],
           [0., 3., 2.]])
    """
    if mode not in ("auto", "reverse", "forward"):
        raise UnknownName(f"there is no mode {mode!r}; there are auto, reverse and forward")

    @_named("jacobian", f)
    def matrix(*args: Any, **kwargs: Any) -> Any:
        call = _Call.of(f, argnums, args, kwargs)
        n_rows = sum(node.size for node in call.graph.outputs)
        n_columns = sum(node.size for node in call.graph.inputs)
        by_rows = mode == "reverse" or (mode == "auto" and n_rows <= n_columns)
        blocks = _rows(call) if by_rows else _columns(call)
        return unflatten(call.result, [call.like_arguments(row) for row in blocks])

    return matrix


def hessian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The matrix of second derivatives of a scalar function, forward over reverse.

    Returns
    -------
    callable
        Takes the arguments of `f`; returns a tree of trees, whose leaves have the shape ``x.shape + y.shape``.

    Examples
    --------
    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    return jacobian(grad(f, argnums), argnums, mode="forward")


# Seeds and directions are inputs of no trace.
SEED_LEVEL = 0


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a function, traced."""

    arguments: Arguments
    graph: Graph
    result: Structure
    single: bool
    argnums: tuple[int, ...]
    name: str

    @classmethod
    def of(cls, f: Function, argnums: int | Sequence[int], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Call:
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        if any(not -len(args) <= i < len(args) for i in numbers):
            raise NotDifferentiable(
                f"argnums={argnums} of {_name(f)}, which was called with {len(args)} positional arguments"
            )
        positions = tuple(i % len(args) for i in numbers)
        arguments = take_apart(f, args, kwargs, only=positions)
        _check_floating(f, arguments, positions)
        graph, result = trace(f, arguments)
        return cls(arguments, graph, result, isinstance(argnums, int), positions, _name(f))

    @property
    def values(self) -> dict[Node, Any]:
        """The value of each input."""
        return dict(zip(self.graph.inputs, self.arguments.values, strict=True))

    def origins(self, derived: Derived) -> Origins:
        """Where all nodes came from, the derived ones included."""
        return {**derived.origins, **self.graph.origins}

    def scalar_output(self, has_aux: bool) -> Node:
        """The output to differentiate.

        Raises
        ------
        ShapeError, DtypeError
            When it is not one floating scalar.
        """
        outputs = self.graph.outputs
        root = self.result.program[-1]
        if has_aux and (root is None or root.keys != (0, 1) or self.result.paths[:1] != ("[0]",)):
            raise ShapeError(f"grad with has_aux=True needs a pair (loss, rest), and {self.name} returned none")
        if not outputs or (len(outputs) > 1 and not has_aux):
            raise ShapeError(
                f"grad needs one scalar, and {self.name} returned {len(outputs)} arrays; "
                "return the loss alone, or (loss, rest) with has_aux=True"
            )
        if outputs[0].shape != ():
            raise ShapeError(
                f"grad needs a scalar, and {self.name} returned {describe(outputs[0])}; "
                "sum it, or use memograd.jacobian or memograd.vjp"
            )
        if outputs[0].dtype.kind != "f":
            raise DtypeError(f"grad needs a floating result, and {self.name} returned {describe(outputs[0])}")
        return outputs[0]

    def gradients(self, derived: Derived, disconnected: WhenDisconnected) -> list[Node | None]:
        """The adjoint of each input; zeros where the derivative is zero or, if so asked, disconnected."""
        return [
            self._gradient(node, name, derived, disconnected)
            for node, name in zip(self.graph.inputs, self.graph.names, strict=True)
        ]

    def _gradient(self, node: Node, name: str, derived: Derived, disconnected: WhenDisconnected) -> Node | None:
        found = derived.table.get(node)
        if found is not None:
            return found
        if disconnected == "zero" or node in derived.flat:
            return _zeros(node)
        if disconnected == "error":
            raise Disconnected(f"the result of {self.name} does not depend on {name}")
        return None

    def like_arguments(self, leaves: Sequence[Any]) -> Any:
        """Leaves for the traced inputs, put into trees like the arguments that were differentiated for."""
        filled = [None] * len(self.arguments.leaves)
        for i, leaf in zip(self.arguments.dynamic, leaves, strict=True):
            filled[i] = leaf
        args, _ = unflatten(self.arguments.structure, filled)
        return args[self.argnums[0]] if self.single else tuple(args[i] for i in self.argnums)


def _rows(call: _Call) -> Iterator[list[Any]]:
    """For each output a block for each input, row by row in reverse mode."""
    inputs = call.graph.inputs
    for output in call.graph.outputs:
        seed = make_input(SEED_LEVEL, 0, output.shape, output.dtype)
        derived = reverse([output], [seed], inputs, call.graph.origins)
        adjoints = [derived.table.get(node) or _zeros(node) for node in inputs]
        staged = Staged(adjoints, call.values, [seed], call.origins(derived))
        rows = [staged([direction]) for direction in _basis(output)]
        yield [_stacked(column, output, node, axis=0) for column, node in _by_leaf(rows, inputs)]


def _columns(call: _Call) -> Iterator[list[Any]]:
    """For each output a block for each input, column by column in forward mode."""
    outputs = call.graph.outputs
    blocks: list[list[Any]] = [[] for _ in outputs]
    for node in call.graph.inputs:
        move = make_input(SEED_LEVEL, 0, node.shape, node.dtype)
        derived = forward(outputs, {node: move}, call.graph.origins)
        tangents = [derived.table.get(output) or _zeros(output) for output in outputs]
        staged = Staged(tangents, call.values, [move], call.origins(derived))
        columns = [staged([direction]) for direction in _basis(node)]
        for row, (leaf, output) in zip(blocks, _by_leaf(columns, outputs), strict=True):
            row.append(_stacked(leaf, output, node, axis=-1))
    return iter(blocks)


def _basis(node: Node) -> Iterator[Any]:
    for i in range(node.size):
        unit = np.zeros(node.size, node.dtype)
        unit[i] = 1
        yield unit.reshape(node.shape)


def _by_leaf(sweeps: list[list[Any]], nodes: Sequence[Node]) -> Iterator[tuple[list[Any], Node]]:
    for i, node in enumerate(nodes):
        yield [results[i] for results in sweeps], node


def _stacked(parts: list[Any], output: Node, node: Node, axis: int) -> Any:
    shape = output.shape + node.shape
    return np.reshape(np.stack(parts, axis=axis), shape) if parts else np.zeros(shape, output.dtype)


def _zeros(node: Node) -> Node:
    zero = make_constant(np.zeros((), node.dtype))
    return make("broadcast_to", zero, shape=node.shape) if node.shape else zero


def _matching(structure: Structure, nodes: Sequence[Node], tree: Any, what: str) -> list[Any]:
    leaves = leaves_like(structure, tree)
    for leaf, node, path in zip(leaves, nodes, structure.paths, strict=True):
        if np.shape(leaf) != node.shape:
            raise ShapeError(f"{what}{path} has shape {np.shape(leaf)}; {describe(node)} needs {node.shape}")
    return [cast(leaf, node.dtype) for leaf, node in zip(leaves, nodes, strict=True)]


def _check_floating(f: Function, arguments: Arguments, positions: Sequence[int]) -> None:
    for leaf, name, path in zip(arguments.leaves, arguments.names, arguments.structure.paths, strict=True):
        wanted = any(path.startswith(f"[0][{i}]") for i in positions)
        if not wanted or isinstance(leaf, (str, bytes)) or callable(leaf):
            continue
        dtype = leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype
        if not is_array(leaf) or dtype.kind != "f":
            raise DtypeError(
                f"{_name(f)} cannot be differentiated for {name}, which is {type(leaf).__name__} of {dtype}; "
                "pass floats (2.0, x.astype(float)), or leave it out of argnums"
            )


def _named(transform: str, f: Function) -> Callable[[Function], Function]:
    def decorate(wrapper: Function) -> Function:
        named = wraps(f, updated=())(wrapper)
        named.__name__ = f"{transform}({_name(f)})"
        return named

    return decorate


def _name(f: Function) -> str:
    return getattr(f, "__name__", repr(f))
