"""The emitted module: what it claims is true, a person can run it, and it takes the memory that was planned."""

from __future__ import annotations

import ast
import gc
import linecache
import os
import subprocess
import sys
import textwrap
import traceback
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import memograd as mg
from memograd.engine.numpy.emit import emit
from memograd.engine.numpy.engine import NumpyProgram
from memograd.engine.numpy.lowerings import LOWERINGS
from memograd.errors import NanFound
from memograd.graph.node import Node
from memograd.graph.ops import BINARY, OPS, UNARY, make, make_constant, make_input
from memograd.graph.tracing import Graph
from memograd.plan.from_graph import plan_graph

from . import tanh_network
from .cases import FUNCTIONS
from .random_graphs import RandomGraph, random_graphs
from .reader import complaints

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"


def hvp_of(f: Callable[..., Any]) -> Callable[..., Any]:
    def product(*args: Any) -> Any:
        return mg.hvp(f, args, args)

    return product


def all_arguments(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: mg.value_and_grad(f, tuple(range(len(args))))(*args)


TRANSFORMED: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "value": lambda f: f,
    "grad": mg.grad,
    "value_and_grad": all_arguments,
    "hvp": hvp_of,
}


@pytest.mark.parametrize("transform", TRANSFORMED)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_careful_reader_finds_nothing_wrong(name: str, transform: str) -> None:
    """In a module every name is assigned once and before it is read, nothing is written twice, nothing is read after
    its memory was overwritten, and the comments are true."""
    f, args = FUNCTIONS[name](np.float64)
    assert complaints(mg.compile(TRANSFORMED[transform](f), *args).source) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_careful_reader_of_donated_arguments(name: str) -> None:
    """What overwrites arguments overwrites only what is not read again."""
    f, args = FUNCTIONS[name](np.float64)
    assert complaints(mg.compile(all_arguments(f), *args, donate=range(len(args))).source) == []


@given(random_graphs())
def test_a_careful_reader_of_random_graphs(graph: RandomGraph) -> None:
    """The same holds for any graph."""
    assert complaints(source_of(graph.inputs, graph.outputs)) == []


FRAME = '''"""broken"""
import numpy as np
from memograd.engine.numpy import kernels

def bind(arena, constants):
    buffers = (
        kernels.buffer(arena, 0, (3,), 'float64'),  # b0
        kernels.buffer(arena, 16, (3,), 'float64'),  # b1
    )

    def run(inputs):
        (b0, b1) = buffers
        (x, y) = inputs
{}
        return (z,)

    return run
'''


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        pytest.param("z = np.add(x, y)\nz = np.exp(z)", "z is assigned again", id="name assigned twice"),
        pytest.param("x = np.exp(y)\nz = np.add(x, y)", "x is assigned again", id="argument assigned"),
        pytest.param(
            "a = np.exp(x, out=b1)\nb = np.exp(x, out=b0)\nz = np.add(a, b)", "written twice", id="computed twice"
        ),
        pytest.param("z = np.add(x, a)\na = np.exp(x)", "a is read before", id="read before it is there"),
        pytest.param("a = np.exp(x, out=b0)\nb = np.exp(y, out=b1)\nz = np.add(a, b)", "a is read, and", id="overlap"),
        pytest.param(
            "a = np.exp(x, out=b0)\nv = np.transpose(a)\nb = np.exp(y, out=b0)\nz = np.add(v, b)",
            "v is read, and was overwritten",
            id="view of what was overwritten",
        ),
        pytest.param("a = np.exp(x, out=b0)\nz = np.matmul(a, y, out=b0)", "matmul overwrites a", id="not elementwise"),
        pytest.param(
            "a = np.exp(x, out=b0)\nv = a[::-1]\nz = np.add(y, v, out=b0)", "add overwrites v", id="in another order"
        ),
        pytest.param("a = np.exp(x, out=b0)\nz = np.add(y, a, out=b1)", "add overwrites a", id="half in place"),
        pytest.param("a = np.exp(x)\nz = np.multiply(a, a)", "a is used 2 times, not 1", id="use not said"),
        pytest.param(
            "a = np.exp(x)  # used 3 times\nz = np.multiply(a, a)", "a is used 2 times, not 3", id="use not so"
        ),
        pytest.param("a = np.exp(x)\nz = np.add(x, y)", "a is used 0 times", id="never used"),
        pytest.param("z = np.add(x, y)  # ∂L/∂w", "there is no w", id="adjoint of nothing"),
        pytest.param("a = np.exp(x, out=y)\nz = np.add(a, y)", "y is read, and was", id="argument overwritten"),
    ],
)
def test_the_careful_reader_reads(body: str, complaint: str) -> None:
    """Each thing that can be wrong with a module is found."""
    found = complaints(FRAME.format(textwrap.indent(body, " " * 8)))
    assert any(complaint in line for line in found), found


def test_every_op_has_a_lowering() -> None:
    """The table of lowerings has a row for each op, and no other."""
    assert LOWERINGS.keys() == OPS.keys()


def test_golden_source(refresh_golden: bool) -> None:
    """The gradient of a network of 2-2-2-1 nodes is emitted as the golden file has it, letter by letter."""
    path = GOLDEN / "value_and_grad_2_2_2_1_tanh.py.txt"
    source = mg.compile(mg.value_and_grad(tanh_network.loss), *tanh_network.arguments()).source
    if refresh_golden:
        path.write_text(source, "utf-8")
    assert source == path.read_text("utf-8"), "pytest --refresh-golden writes the file anew, if the change is meant"


SCRIPT = """
import numpy as np
import emitted

constants = tuple(np.load("constants.npz").values())
inputs = tuple(np.load("inputs.npz").values())
run = emitted.bind(np.empty({arena_bytes}, np.uint8), constants)
run(inputs)
np.savez("results.npz", *run(inputs))
"""


@pytest.mark.parametrize("name", ["perceptron", "pieces", "numbers"])
def test_a_person_can_run_the_module(name: str, tmp_path: Path) -> None:
    """Written to a file, a module is imported and run by a script of a few lines, as its docstring tells."""
    f, args = FUNCTIONS[name](np.float64)
    compiled = mg.compile(all_arguments(f), *args)
    arena_bytes = compiled.plan.schedule.arena_bytes
    docstring = ast.get_docstring(ast.parse(compiled.source)) or ""
    assert f"run = bind(np.empty({arena_bytes}, np.uint8), constants)\n" in docstring
    (tmp_path / "emitted.py").write_text(compiled.source, "utf-8")
    (tmp_path / "script.py").write_text(SCRIPT.format(arena_bytes=arena_bytes), "utf-8")
    np.savez(tmp_path / "constants.npz", *compiled.run.constants)
    np.savez(tmp_path / "inputs.npz", *flat(args))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "script.py"], cwd=tmp_path, env=environment, check=True)
    with np.load(tmp_path / "results.npz") as results:
        assert [x.tobytes() for x in results.values()] == [np.asarray(x).tobytes() for x in flat(compiled(*args))]


def test_a_person_can_debug_the_module() -> None:
    """A traceback through a module quotes its lines, the user's function by name, and survives a check of the files."""
    table, rows = np.ones((3, 2)), np.array([0, 1])

    def pick_rows(table: Any, rows: Any) -> Any:
        return np.take(np.exp(table), rows, axis=0)

    compiled = mg.compile(pick_rows, table, rows)
    linecache.checkcache()
    with pytest.raises(IndexError) as caught:
        compiled(table, np.array([0, 3]))
    text = "".join(traceback.format_exception(caught.value))
    assert "pick_rows" in text
    assert "take = np.take(exp, rows, axis=0)" in text


def test_the_text_of_a_module_goes_with_it() -> None:
    """A program that is forgotten leaves no text behind."""
    before = set(linecache.cache)
    compiled = mg.compile(np.sin, 1.0)
    (added,) = (name for name in set(linecache.cache) - before if name.startswith("<memograd"))
    assert linecache.getlines(added) == compiled.source.splitlines(keepends=True)
    del compiled
    gc.collect()
    assert added not in linecache.cache


PROGRAM = """
import numpy as np
import memograd as mg

def loss(params, x):
    for key in sorted(params):
        x = np.tanh(x @ params[key]) + x
    return np.mean(x * x) + np.sum(np.exp(x)[np.array([0, 0])])

params = {key: np.zeros((3, 3)) for key in "abcdef"}
print(mg.compile(mg.value_and_grad(loss), params, np.zeros((4, 3))).source)
"""


def test_same_source_for_every_hash_seed(tmp_path: Path) -> None:
    """The source does not depend on the order in which sets and dicts happen to be read."""
    (tmp_path / "program.py").write_text(PROGRAM, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    found = {
        subprocess.run(
            [sys.executable, tmp_path / "program.py"],
            env={**environment, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(found) == 1
    assert "d_params_f" in found.pop()


def test_names_are_the_users() -> None:
    """A result is called what the user's line calls it, and an argument as one would write it, as far as Python can."""

    def f(params: Any, **options: Any) -> Any:
        hidden = np.tanh(params["W"] * options["1²"])
        lambda_ = hidden + options["class"]
        return lambda_ * params["W"]

    compiled = mg.compile(f, {"W": np.ones(3)}, **{"1²": 2.0, "class": 3.0})
    assert "(params_W, argument_1, class_) = inputs" in compiled.source
    assert "hidden = np.tanh(" in compiled.source
    assert "lambda_ = np.add(" in compiled.source
    assert complaints(compiled.source) == []


def test_names_that_clash_are_numbered() -> None:
    """Two lines that assign the same name, numbers in names, and names that the module needs give different names."""

    def f(x: Any, np_: Any, b0: Any, x_2: Any, inputs: Any) -> Any:
        a = x + np_ + b0 + x_2 + inputs
        a_2 = np.exp(a)
        a = np.sin(a_2)
        kernels = a * a_2
        return np.sum(kernels) + np.sum(np.cos(kernels))

    compiled = mg.compile(f, *[np.ones(3)] * 5)
    assert complaints(compiled.source) == []
    assert compiled(*[np.ones(3)] * 5) == f(*[np.ones(3)] * 5)


def test_comments_quote_the_users_lines() -> None:
    """Where the computation moves on to another of the user's lines, that line is quoted, for a derivative as such."""
    source = mg.compile(mg.value_and_grad(tanh_network.loss), *tanh_network.arguments()).source
    assert "# tanh_network.py:14  O1 = np.tanh(x @ W1 + b1)\n" in source
    assert "# derivative of tanh_network.py:14  O1 = np.tanh(x @ W1 + b1)\n" in source


def test_scipy_is_imported_when_needed() -> None:
    """A module imports what it uses."""
    functions = (np.tanh, OPS["erf"].meaning, OPS["logistic"].meaning)
    imports = ["\nimport scipy.special\n" in mg.compile(f, 1.0).source for f in functions]
    assert imports == [False, True, True]


# NaN


def forward_nan(x: Any) -> Any:
    """A line that makes a NaN, between others that do not."""
    y = np.exp(x) - 1
    z = np.log(y)  # the first NaN
    return np.sum(z * 2)


def backward_nan(x: Any) -> Any:
    """A line whose derivative at 0 is infinite, times 0."""
    y = np.sqrt(x)
    return np.sum(y * 0.0)


def line_of(f: Callable[..., Any], text: str) -> int:
    """The number of the line of a function that starts with a text."""
    first = f.__code__.co_firstlineno
    lines = Path(__file__).read_text("utf-8").splitlines()[first - 1 :]
    return first + next(i for i, line in enumerate(lines) if line.strip().startswith(text))


def test_nan_is_found_where_it_is_made() -> None:
    """The message names value, element, file, line and text of the line that produced the first NaN."""
    compiled = mg.compile(forward_nan, np.zeros(3), check_nan=True)
    with pytest.raises(NanFound) as caught:
        compiled(np.array([1.0, -1.0, -2.0]))
    line = line_of(forward_nan, "z = np.log")
    assert str(caught.value) == (
        f"z became NaN at [1] (2 of 3 elements), in {__file__}:{line} in forward_nan: `z = np.log(y)  # the first NaN`"
    )


def test_nan_of_a_derivative_names_the_primal_line() -> None:
    """A NaN on the way back names the line that was differentiated."""
    compiled = mg.compile(mg.grad(backward_nan), np.ones(3), check_nan=True)
    with pytest.raises(NanFound) as caught:
        compiled(np.array([1.0, 0.0, 4.0]))
    line = line_of(backward_nan, "y = np.sqrt")
    assert f"the derivative of {__file__}:{line} in backward_nan: `y = np.sqrt(x)`" in str(caught.value)
    assert "at [1] (1 of 3 elements)" in str(caught.value)


def test_nan_in_an_argument_is_named() -> None:
    """A NaN that was there before names the argument, as one would write it."""
    compiled = mg.compile(lambda p, x: p["w"] * x, {"w": np.ones(2)}, 1.0, check_nan=True)
    with pytest.raises(NanFound, match=r"the argument p\['w'\] holds NaN before anything is computed"):
        compiled({"w": np.array([1.0, np.nan])}, 1.0)
    with pytest.raises(NanFound, match="the argument x holds NaN"):
        compiled({"w": np.ones(2)}, np.nan)


def test_nan_in_a_scalar_has_no_position() -> None:
    """Of a number there is no element to name."""
    with pytest.raises(NanFound, match=r"log became NaN \(1 of 1 elements\)"):
        mg.compile(lambda x: np.log(x), 1.0, check_nan=True)(-1.0)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_checking_changes_nothing(name: str) -> None:
    """Without a NaN the checked function gives what the unchecked one gives, infinities included."""
    f, args = FUNCTIONS[name](np.float64)
    checked, unchecked = (mg.compile(all_arguments(f), *args, check_nan=check) for check in (True, False))
    assert [np.asarray(x).tobytes() for x in flat(checked(*args))] == [
        np.asarray(x).tobytes() for x in flat(unchecked(*args))
    ]
    assert mg.compile(lambda x: 1 / x, 1.0, check_nan=True)(0.0) == np.inf


def test_checking_leaves_integers_alone() -> None:
    """Integers and bools hold no NaN."""
    compiled = mg.compile(lambda x, n: (np.isnan(x), n + 1, np.where(x > 0, n, 0)), 1.0, np.arange(3), check_nan=True)
    assert not compiled(1.0, np.arange(3))[0]


# Memory: tracemalloc counts what NumPy allocates.

# NumPy's iterators keep buffers of 8,192 elements an operand, however large the arrays; the rest are frames and views,
# measured at up to 10 kB. A copy of the smallest array here would take 262 kB.
SLACK_BYTES = 2 * 8192 * 8 + 16384
SIDE = 512
SQUARE = np.random.default_rng(0).uniform(0.1, 0.9, (SIDE, SIDE))
EVERY = np.arange(SIDE)


def allocated_bytes(run: Callable[[], Any]) -> int:
    """The most that a call holds at one time, beyond what was held before."""
    run()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        run()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def big_temporaries(w: Any, x: Any) -> Any:
    """Many results of the size of the arguments, of all kinds, and small outputs."""
    h = np.tanh(x @ w + w[0])
    h = np.where(h > 0.1, h, 0.2 * h) + np.cumsum(h, axis=1)
    h = np.concatenate([h[::2], h[1::2]]) / np.sqrt(1 + np.sum(h * h, axis=1, keepdims=True))
    h = np.exp(h.T - np.max(h)).astype(np.float32).astype(np.float64)
    return np.mean((h[:, EVERY[::-1]] - x) ** 2)


@pytest.mark.parametrize("transform", ["value", "value_and_grad"])
def test_a_call_allocates_its_outputs_alone(transform: str) -> None:
    """Once the arena is there, a call allocates no more than what it returns, however many temporaries it has."""
    f = big_temporaries if transform == "value" else mg.value_and_grad(big_temporaries, (0, 1))
    compiled = mg.compile(f, SQUARE, SQUARE)
    outputs = sum(np.asarray(x).nbytes for x in flat(compiled(SQUARE, SQUARE)))
    assert compiled.plan.schedule.arena_bytes > 3 * SQUARE.nbytes
    assert allocated_bytes(lambda: compiled(SQUARE, SQUARE)) <= outputs + SLACK_BYTES


def test_the_first_call_allocates_the_arena() -> None:
    """What is predicted for temporaries is what a first call takes for them."""
    compiled = mg.compile(big_temporaries, SQUARE, SQUARE)
    tracemalloc.start()
    try:
        compiled(SQUARE, SQUARE)
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held >= compiled.plan.schedule.arena_bytes
    assert most <= compiled.plan.schedule.arena_bytes + SLACK_BYTES


def test_donated_arguments_take_the_outputs() -> None:
    """A result that lies in an argument's memory costs nothing."""
    compiled = mg.compile(lambda w, g: (w - 0.1 * g).reshape(-1), SQUARE, SQUARE, donate=(0,))
    w = SQUARE.copy()
    assert compiled.plan.schedule.arena_bytes == SQUARE.nbytes
    # The view that is returned is copied: what the caller gets is the caller's alone.
    assert allocated_bytes(lambda: compiled(w, SQUARE)) <= SQUARE.nbytes + SLACK_BYTES


ATTRIBUTES: dict[str, list[dict[str, Any]]] = {
    "cast": [{"dtype": np.dtype(np.float32)}],
    **{op: [{"axes": (0,)}, {"axes": (1,)}, {"axes": (0, 1)}] for op in ("sum", "max", "min")},
    # Along any other axis than the last NumPy copies the operand.
    **{op: [{"axes": (1,)}] for op in ("argmax", "argmin")},
    "cumsum": [{"axis": 0}, {"axis": 1}],
    "broadcast_to": [{"shape": (2, SIDE, SIDE)}],
    "reshape": [{"shape": (SIDE * SIDE,)}],
    "transpose": [{"axes": (1, 0)}],
    "slice": [{"ranges": ((0, SIDE, 1), (0, SIDE // 2, 2))}],
    "unslice": [{"shape": (SIDE, 2 * SIDE), "ranges": ((0, SIDE, 1), (1, SIDE, 2))}],
    "take": [{"axis": 0}, {"axis": 1}],
    "scatter_add": [{"axis": 0, "length": SIDE}, {"axis": 1, "length": SIDE}],
    "concatenate": [{"axis": 0}, {"axis": 1}],
}
# NumPy's generator makes the bits elsewhere first.
ALLOCATING = {"random_bits"}


@pytest.mark.parametrize("op", [op for op in OPS if OPS[op].kind != "leaf" and op not in ALLOCATING])
def test_an_op_allocates_nothing(op: str) -> None:
    """Predicted bytes are measured bytes, op by op: into memory that it is given, an op writes without taking more."""
    for attributes in ATTRIBUTES.get(op, [{}]):
        inputs, values = operands_of(op)
        result = make("cast", make(op, *inputs, **attributes), dtype=np.dtype(np.float64))
        outputs = [make("max", result, axes=tuple(range(result.ndim)))]
        run = NumpyProgram(graph_of(inputs, outputs), plan_graph(inputs, outputs), title=op)
        assert allocated_bytes(partial(run, values)) <= SLACK_BYTES


def operands_of(op: str) -> tuple[list[Any], list[Any]]:
    """Inputs and values of an op, all of one size; positions are constant."""
    values = [SQUARE] * (2 if op == "concatenate" else OPS[op].arity)
    if op == "where":
        values = [SQUARE > 0.5, SQUARE, SQUARE.T.copy()]
    if op in UNARY | BINARY and op.startswith("logical_"):
        values = [x > 0.5 for x in values]
    positions = op in ("take", "scatter_add")
    values = values[:1] if positions else values
    inputs = [make_input(1, i, x.shape, x.dtype) for i, x in enumerate(values)]
    return ([*inputs, make_constant(EVERY)] if positions else inputs), values


def graph_of(inputs: Sequence[Node], outputs: Sequence[Node]) -> Graph:
    given = tuple(x for x in inputs if x.op == "input")
    return Graph(given, tuple(outputs), tuple(f"x{i}" for i in range(len(given))), {})


def source_of(inputs: Sequence[Node], outputs: Sequence[Node]) -> str:
    return emit(graph_of(inputs, outputs), plan_graph(inputs, outputs), title="random").source


def flat(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in flat(tree[key])]
    return [leaf for part in tree for leaf in flat(part)] if isinstance(tree, (list, tuple)) else [tree]
