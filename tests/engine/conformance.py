"""What every engine must do, as tests. An engine's own test file derives a class from `EngineConformance`.

The reference is `memograd.graph.evaluate`: every op as NumPy has it, one after the other. An engine is given each op
in each of the forms in which operands reach it (as arguments, as temporaries that it may overwrite or must keep, as
views, as constants), then gradients, then random graphs; then it is asked whose memory its results lie in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import memograd as mg
from memograd.engine.compiled import ENGINES
from memograd.errors import DtypeError
from memograd.graph.evaluate import evaluate
from memograd.graph.node import Node
from memograd.graph.ops import BINARY, OPS, UNARY, make, make_constant, make_input
from memograd.graph.tracing import Graph
from memograd.plan.from_graph import plan_graph

from .cases import CASES, FUNCTIONS
from .random_graphs import RandomGraph, random_graphs

# How operands come to the op. Each takes the values, and returns what the graph is given and what the op reads.
Given = tuple[list[Any], list[Node], list[Node]]


def as_arguments(values: Sequence[Any]) -> Given:
    """The operands are arguments, the result an output."""
    inputs = [make_input(1, i, x.shape, x.dtype) for i, x in enumerate(values)]
    return list(values), inputs, inputs


def as_temporaries(values: Sequence[Any]) -> Given:
    """The operands are results, which may be overwritten."""
    given, inputs, _ = as_arguments(values)
    return given, inputs, [copy_of(x) for x in inputs]


def as_reshaped(values: Sequence[Any]) -> Given:
    """The operands are temporaries in another shape, which may be overwritten, too."""
    given, inputs, _ = as_arguments([x.reshape(-1) for x in values])
    nodes = [make("reshape", copy_of(x), shape=v.shape) for x, v in zip(inputs, values, strict=True)]
    return given, inputs, nodes


def as_transposed(values: Sequence[Any]) -> Given:
    """The operands are temporaries with their axes reversed."""
    given, inputs, _ = as_arguments([np.ascontiguousarray(x.T).reshape(x.shape[::-1]) for x in values])
    return given, inputs, [make("transpose", copy_of(x), axes=tuple(range(x.ndim))[::-1]) for x in inputs]


def as_slices(values: Sequence[Any]) -> Given:
    """The operands are every second element of temporaries, last first."""
    given, inputs, _ = as_arguments([doubled(x) for x in values])
    ranges = [tuple((2 * n - 1, n, -2) if n else (0, 0, 1) for n in x.shape) for x in values]
    return given, inputs, [make("slice", copy_of(x), ranges=r) for x, r in zip(inputs, ranges, strict=True)]


def as_broadcast(values: Sequence[Any]) -> Given:
    """Each operand but the last repeats its first row, where it has one."""
    rows = [x[:1] if x.ndim and len(x) and i + 1 < len(values) else x for i, x in enumerate(values)]
    given, inputs, _ = as_arguments(rows)
    return given, inputs, [make("broadcast_to", x, shape=v.shape) for x, v in zip(inputs, values, strict=True)]


def as_constants(values: Sequence[Any]) -> Given:
    """Every operand but the first is a constant."""
    given, inputs, _ = as_arguments(values[:1])
    return given, inputs, [*inputs, *(make_constant(x) for x in values[1:])]


def as_scalars(values: Sequence[Any]) -> Given:
    """Every operand but the last repeats a constant number."""
    given, inputs, _ = as_arguments(values[-1:])
    numbers = [make_constant(np.asarray(x.flat[0] if x.size else 0, x.dtype)) for x in values[:-1]]
    spread = [make("broadcast_to", x, shape=v.shape) for x, v in zip(numbers, values[:-1], strict=True)]
    return given, inputs, [*spread, *inputs]


def copy_of(x: Node) -> Node:
    """A temporary with the same elements: a cast to the same dtype."""
    return make("cast", x, dtype=x.dtype)


def doubled(x: Any) -> Any:
    """An array in which each second element, backwards, is that of `x`."""
    out = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
    out[tuple(slice(None, None, -2) for _ in x.shape)] = x
    return out


# What is asked for, besides the result.
def result_alone(result: Node, operands: Sequence[Node]) -> list[Node]:
    """The result is an output."""
    return [result]


def result_consumed(result: Node, operands: Sequence[Node]) -> list[Node]:
    """The result is a temporary."""
    return [copy_of(result)]


def operands_too(result: Node, operands: Sequence[Node]) -> list[Node]:
    """The operands are outputs, and must survive."""
    return [copy_of(result), *operands]


def operands_later(result: Node, operands: Sequence[Node]) -> list[Node]:
    """The operands are read again after the result is there."""
    return [copy_of(result), *(copy_of(x) for x in operands)]


FORMS = (
    as_arguments,
    as_temporaries,
    as_reshaped,
    as_transposed,
    as_slices,
    as_broadcast,
    as_constants,
    as_scalars,
)
WANTED = (result_alone, result_consumed, operands_too, operands_later)


def program(engine: str, inputs: Sequence[Node], outputs: Sequence[Node]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """A graph on an engine."""
    graph = Graph(tuple(inputs), tuple(outputs), tuple(f"x{i}" for i in range(len(inputs))), {})
    return ENGINES[engine](graph, plan_graph(inputs, outputs), title="conformance", check_nan=False)


def attempted(act: Callable[[], Any]) -> Any:
    """What a computation gives, or the type of what it raises."""
    try:
        return act()
    except (ValueError, IndexError) as error:
        return type(error)


# Each engine has a class of its own that inherits the tests.
SEVERAL_ENGINES = (HealthCheck.differing_executors,)


class EngineConformance:
    """The tests. A derived class names its engine in a fixture `engine`, and may relax what is exact.

    Attributes
    ----------
    n_ulps : int
        How many units in the last place a floating result may differ from the reference; 0 is bit for bit.
    """

    n_ulps: ClassVar[int] = 0

    def assert_same(self, found: Any, expected: Any) -> None:
        """Same shape, same dtype, and same bits, or floating numbers close enough."""
        found, expected = np.asarray(found), np.asarray(expected)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        if expected.dtype.kind == "f":
            # Which NaN it is, NumPy does not promise: arcsin(2) has the sign bit or not, depending on strides.
            nan = np.isnan(expected)
            np.testing.assert_array_equal(np.isnan(found), nan)
            found, expected = np.where(nan, 0, found), np.where(nan, 0, expected)
        if self.n_ulps and expected.dtype.kind == "f":
            np.testing.assert_array_max_ulp(found, expected, self.n_ulps)
        else:
            assert found.tobytes() == expected.tobytes()

    def assert_all_same(self, found: Any, expected: Any) -> None:
        """As many results, each the same; or the same error."""
        if isinstance(expected, type):
            assert found is expected
            return
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            self.assert_same(a, b)

    def test_every_op_has_cases(self) -> None:
        """The table of cases has a row for each op, and no other."""
        assert CASES.keys() == OPS.keys()

    @pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
    @pytest.mark.parametrize("op", OPS)
    def test_op(self, engine: str, op: str, form: Callable[[Sequence[Any]], Given]) -> None:
        """An op gives what it means, however its operands come and whatever else is asked for."""
        for values, attributes in CASES[op]():
            given, inputs, operands = form(values)
            result = operands[0] if OPS[op].kind == "leaf" else make(op, *operands, **attributes)
            for wanted in WANTED:
                outputs = wanted(result, operands)
                expected = attempted(partial(evaluate, outputs, dict(zip(inputs, given, strict=True))))
                found = attempted(partial(program(engine, inputs, outputs), given))
                self.assert_all_same(found, expected)

    @pytest.mark.parametrize("op", [*UNARY, *BINARY])
    def test_special_values(self, engine: str, op: str) -> None:
        """NaN, infinities, denormals, −0.0 and the largest numbers go where NumPy sends them."""
        for dtype in (np.float16, np.float32, np.float64):
            values = special_values(dtype)
            grid = [x.copy() for x in np.meshgrid(*[values] * OPS[op].arity)]
            inputs = [make_input(1, i, x.shape, x.dtype) for i, x in enumerate(grid)]
            try:
                result = make(op, *map(copy_of, inputs))
            except DtypeError:
                continue
            outputs = [copy_of(result)]
            expected = evaluate(outputs, dict(zip(inputs, grid, strict=True)))
            self.assert_all_same(program(engine, inputs, outputs)(grid), expected)

    @pytest.mark.parametrize("op", ["sum", "max", "min", "argmax", "argmin", "cumsum", "matmul"])
    def test_special_values_in_reductions(self, engine: str, op: str) -> None:
        """One NaN or infinity among the elements shows in the result as it does in NumPy."""
        for special in (np.nan, np.inf, -np.inf, -0.0, 5e-324):
            x = np.zeros((3, 3))
            x[1, 2] = special
            (node,) = inputs = [make_input(1, 0, x.shape, x.dtype)]
            attributes = {"cumsum": {"axis": 1}, "matmul": {}}.get(op, {"axes": (1,)})
            outputs = [make(op, *[node] * OPS[op].arity, **attributes)]
            self.assert_all_same(program(engine, inputs, outputs)([x]), evaluate(outputs, {node: x}))

    @pytest.mark.parametrize("op", ["add", "where"])
    def test_numbers_of_every_dtype_stay_themselves(self, engine: str, op: str) -> None:
        """A constant number keeps its dtype, its sign of zero and the payload of its NaN."""
        nan = np.array(0x7FF8_0000_0000_1234, np.uint64).view(np.float64)
        numbers = [np.array(v, t) for t in "efdbhilBHI" for v in (0, 1, 100)]
        for number in [*numbers, nan, *(np.array(v) for v in (-0.0, np.inf, -np.inf, np.nan, -np.nan, 1e-320))]:
            x = np.array([1, 0, 1], number.dtype)
            node, condition = make_input(1, 0, (3,), x.dtype), make_input(1, 1, (3,), np.dtype(bool))
            spread = make("broadcast_to", make_constant(number), shape=(3,))
            outputs = [make(op, *([condition] if op == "where" else []), spread, last) for last in (spread, node)]
            given = [x, x.astype(bool)]
            expected = evaluate(outputs, {node: given[0], condition: given[1]})
            found = program(engine, [node, condition], outputs)(given)
            self.assert_all_same(found, expected)
            if op == "where":
                # A choice moves elements, and changes no bit of a NaN.
                assert [x.tobytes() for x in found] == [x.tobytes() for x in expected]

    @given(random_graphs())
    @settings(max_examples=200, suppress_health_check=SEVERAL_ENGINES)
    def test_random_graphs(self, engine: str, graph: RandomGraph) -> None:
        """Any graph gives what it means."""
        expected = evaluate(graph.outputs, dict(zip(graph.inputs, graph.values, strict=True)))
        self.assert_all_same(program(engine, graph.inputs, graph.outputs)(graph.values), expected)

    @given(random_graphs())
    @settings(suppress_health_check=SEVERAL_ENGINES)
    def test_random_graphs_again(self, engine: str, graph: RandomGraph) -> None:
        """A second call gives what the first one gave, and leaves the first one's results and the arguments alone."""
        run = program(engine, graph.inputs, graph.outputs)
        before = copies(graph.values)
        first = run(graph.values)
        kept = copies(first)
        second = run(graph.values)
        self.assert_all_same(first, kept)
        self.assert_all_same(second, kept)
        self.assert_all_same(graph.values, before)
        assert_independent([*first, *second], graph.values)

    @pytest.mark.parametrize("name", FUNCTIONS)
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_functions(self, engine: str, name: str, dtype: Any) -> None:
        """A compiled function gives what the function's graph means."""
        f, args = FUNCTIONS[name](dtype)
        self.assert_function(engine, f, args)

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_gradients(self, engine: str, name: str) -> None:
        """Value and gradient, compiled, are those that are computed without."""
        f, args = FUNCTIONS[name](np.float64)
        both = mg.value_and_grad(f, tuple(range(len(args))))
        self.assert_function(engine, both, args)
        assert_close(mg.compile(both, *args, engine=engine)(*args), both(*args))

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_second_derivatives(self, engine: str, name: str) -> None:
        """A Hessian times a vector, compiled, is the one that is computed without."""
        f, args = FUNCTIONS[name](np.float64)

        def product(*args: Any) -> Any:
            return mg.hvp(f, args, args)

        self.assert_function(engine, product, args)
        assert_close(mg.compile(product, *args, engine=engine)(*args), product(*args))

    def assert_function(self, engine: str, f: Callable[..., Any], args: Sequence[Any]) -> None:
        """Compile, call twice, compare with the traced function's own evaluation."""
        compiled = mg.compile(f, *args, engine=engine)
        graph = compiled.graph
        leaves = [x for x in leaves_of(args) if isinstance(x, (float, np.generic, np.ndarray))]
        expected = evaluate(graph.outputs, dict(zip(graph.inputs, map(np.asarray, leaves), strict=True)))
        first, second = leaves_of(compiled(*args)), leaves_of(compiled(*args))
        self.assert_all_same(first, expected)
        self.assert_all_same(second, expected)
        assert_independent([*first, *second], leaves)

    @pytest.mark.parametrize("layout", ["fortran", "reversed", "strided", "read-only", "foreign", "unaligned"])
    def test_layouts_of_arguments(self, engine: str, layout: str) -> None:
        """Equal arguments give equal bits, however they lie in memory."""

        def f(x: Any, y: Any) -> Any:
            z = np.exp(x) @ y
            return np.sum(x), np.sum(x * y.T), z, np.cumsum(x, axis=1), x.reshape(-1), np.mean(z.T, axis=0), x.T

        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(7, 30)), rng.normal(size=(30, 7))
        compiled = mg.compile(f, x, y, engine=engine)
        self.assert_all_same(compiled(laid_out(x, layout), laid_out(y, layout)), compiled(x, y))

    def test_layouts_of_examples(self, engine: str) -> None:
        """The layout of an example is not part of what is compiled."""
        x = np.random.default_rng(0).normal(size=(7, 30))
        found = [mg.compile(lambda x: np.sum(np.sin(x)), laid_out(x, y), engine=engine)(x) for y in ("fortran", "c")]
        self.assert_same(found[0], found[1])

    def test_outputs_of_every_kind(self, engine: str) -> None:
        """Outputs that are arguments, views, constants, or the same twice are the caller's own, each apart."""
        constant = np.arange(3.0)

        def f(x: Any) -> Any:
            y = np.exp(x)
            return x, x, x[1:], x.T, y, y, y[::-1], y.reshape(3, 1), np.broadcast_to(y, (2, 3)), constant, x * 1.0

        x = np.array([1.0, 2.0, 3.0])
        compiled = mg.compile(f, x, engine=engine)
        first, second = compiled(x), compiled(x)
        self.assert_all_same(first, f(x))
        assert_independent([*first, *second], [x, constant])
        for result in first:
            result[...] = -1
        self.assert_all_same(second, f(x))
        self.assert_all_same(compiled(x), f(x))

    def test_nothing_in_nothing_out(self, engine: str) -> None:
        """Functions without arguments or without results are functions."""
        assert mg.compile(lambda: (), engine=engine)() == ()
        assert mg.compile(lambda x: {"a": []}, 1.0, engine=engine)(2.0) == {"a": []}
        assert mg.compile(lambda: np.float32(3), engine=engine)() == 3

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_donated_arguments(self, engine: str, name: str) -> None:
        """Results are the same when they may overwrite arguments; what was not given away stays as it was."""
        f, args = FUNCTIONS[name](np.float64)
        expected = leaves_of(mg.compile(f, *args, engine=engine)(*args))
        for donated in [(i,) for i in range(len(args))] + [tuple(range(len(args)))]:
            compiled = mg.compile(f, *args, engine=engine, donate=donated)
            passed = [copy_tree(x) for x in args]
            self.assert_all_same(leaves_of(compiled(*passed)), expected)
            for i, (before, after) in enumerate(zip(args, passed, strict=True)):
                if i not in donated:
                    self.assert_all_same(leaves_of(after), leaves_of(before))

    @pytest.mark.parametrize("layout", ["fortran", "reversed", "strided", "read-only", "foreign"])
    def test_donated_arguments_of_any_layout(self, engine: str, layout: str) -> None:
        """An argument that cannot be overwritten as it lies may be donated all the same."""
        x = np.random.default_rng(0).normal(size=(4, 5))
        compiled = mg.compile(lambda x: np.cos(np.sin(x)).reshape(20) * 2, x, engine=engine, donate=(0,))
        self.assert_same(compiled(laid_out(x, layout)), np.cos(np.sin(x)).reshape(20) * 2)

    @pytest.mark.parametrize("number", [2.0, np.float64(2), np.array(2.0)])
    def test_donated_numbers(self, engine: str, number: Any) -> None:
        """A number may be donated like an array."""
        compiled = mg.compile(lambda x: np.exp(x) + 1, number, engine=engine, donate=(0,))
        self.assert_same(compiled(number), np.exp(2.0) + 1)

    @pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.float32])
    def test_donated_to_another_dtype(self, engine: str, dtype: Any) -> None:
        """Memory that was given away may hold other dtypes, of the same size or not."""
        x = np.arange(6.0).reshape(2, 3)

        def f(x: Any) -> Any:
            return np.sin(x).astype(dtype).reshape(3, 2) + np.ones((3, 2), dtype)

        self.assert_same(mg.compile(f, x, engine=engine, donate=(0,))(x.copy()), f(x))

    def test_threads(self, engine: str) -> None:
        """Threads that call one compiled function at the same time get each their own results."""

        def f(x: Any) -> Any:
            for _ in range(20):
                x = np.tanh(x @ x.T @ x) + x
            return np.sum(x), x

        compiled = mg.compile(f, np.zeros((30, 30)), engine=engine)
        args = [np.random.default_rng(i).normal(size=(30, 30)) for i in range(8)]
        expected = [compiled(x) for x in args]
        with ThreadPoolExecutor(8) as threads:
            for found in threads.map(lambda i: (i, compiled(args[i])), [i % 8 for i in range(400)]):
                self.assert_all_same(found[1], expected[found[0]])

    def test_threads_leave_results_alone(self, engine: str) -> None:
        """Results of all calls of all threads are apart from each other."""
        compiled = mg.compile(lambda x: (np.sin(x) * 2, x), np.zeros(50), engine=engine)
        with ThreadPoolExecutor(4) as threads:
            results = [x for pair in threads.map(compiled, [np.full(50, i) * 1.0 for i in range(20)]) for x in pair]
        assert_independent(results, [])

    def test_an_error_leaves_it_usable(self, engine: str) -> None:
        """After a call that failed halfway the next one is right."""
        table = np.arange(12.0).reshape(4, 3)

        def f(rows: Any, x: Any) -> Any:
            return np.sum(np.take(np.exp(x) + 1, rows, axis=0) * 2)

        good, bad = np.array([0, 3]), np.array([0, 4])
        compiled = mg.compile(f, good, table, engine=engine)
        for _ in range(3):
            with pytest.raises(IndexError):
                compiled(bad, table)
            self.assert_same(compiled(good, table), f(good, table))

    def test_warnings_are_silent(self, engine: str) -> None:
        """Like the reference, and whatever the caller's settings, an engine computes through infinities and NaN."""
        compiled = mg.compile(lambda x: np.log(x) / x, np.zeros(2), engine=engine)
        with np.errstate(all="raise"):
            found = compiled(np.array([0.0, -1.0]))
            assert np.geterr()["divide"] == "raise"
        self.assert_same(np.isnan(found), np.array([False, True]))


def special_values(dtype: Any) -> Any:
    """NaN, infinities, zeros of both signs, denormals, the largest, and some plain numbers."""
    info = np.finfo(dtype)
    positive = [0.0, info.smallest_subnormal, info.tiny, info.eps, 0.5, 1.0, 1.5, 2.0, 3.0, info.max, np.inf]
    return np.array([np.nan, *positive, *(-np.array(positive, dtype))], dtype)


def laid_out(x: Any, layout: str) -> Any:
    """The same array, lying otherwise in memory."""
    if layout == "fortran":
        return np.asfortranarray(x)
    if layout == "reversed":
        return x[::-1].copy()[::-1]
    if layout == "strided":
        return np.repeat(x, 2, axis=1)[:, ::2]
    if layout == "foreign":
        return x.astype(x.dtype.newbyteorder(">"))
    if layout == "unaligned":
        block = np.zeros(x.nbytes + 1, np.uint8)
        view = block[1:].view(x.dtype).reshape(x.shape)
        view[...] = x
        return view
    x = x.copy()
    x.setflags(write=layout != "read-only")
    return x


def leaves_of(tree: Any) -> list[Any]:
    """The leaves of nested lists, tuples and dicts."""
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in leaves_of(tree[key])]
    if isinstance(tree, (list, tuple)):
        return [leaf for part in tree for leaf in leaves_of(part)]
    return [tree]


def copy_tree(tree: Any) -> Any:
    """The same tree of arrays in memory of its own."""
    if isinstance(tree, dict):
        return {key: copy_tree(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(copy_tree, tree))
    return tree.copy() if isinstance(tree, np.ndarray) else tree


def copies(values: Sequence[Any]) -> list[Any]:
    """What the values are now."""
    return [np.array(x) for x in values]


def assert_close(found: Any, expected: Any) -> None:
    """The same tree of numbers, but for the last bits.

    What is not compiled is not simplified, and NumPy's power takes another way for an array of twos than for one
    number 2: they differ in the last bit, which cancellation may make a thousand times larger.
    """
    for a, b in zip(leaves_of(found), leaves_of(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def assert_independent(results: Sequence[Any], others: Sequence[Any]) -> None:
    """Every array among the results is writeable, owns its memory, and shares it with nothing."""
    arrays = [x for x in results if isinstance(x, np.ndarray)]
    assert all(x.flags.writeable and x.flags.owndata for x in arrays)
    # Blocks that are owned and whole overlap only if neighbours in the order of addresses do.
    spans = sorted(span(x) for x in [*arrays, *(y for y in others if isinstance(y, np.ndarray))] if x.size)
    theirs = {span(y) for y in others if isinstance(y, np.ndarray)}
    for a, b in pairwise(spans):
        assert a[1] <= b[0] or (a in theirs and b in theirs)


def span(x: Any) -> tuple[int, int]:
    """Where an array lies, first byte to last."""
    return np.lib.array_utils.byte_bounds(x)
