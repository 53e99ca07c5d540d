"""Who may import whom, as a table; every file of the package is read, none is run.

A part of the package is a folder or a file directly under it; its modules may import each other, and beyond that
what the table says. Imports under `if TYPE_CHECKING` count like all others.
"""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "memograd"

EVERYTHING = frozenset({"*"})

MAY_IMPORT: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "lazy": frozenset(),
    "caches": frozenset(),
    "digest": frozenset({"errors", "lazy"}),
    "store": frozenset({"errors", "digest"}),
    "table": frozenset({"errors"}),
    "memo": frozenset({"errors", "caches", "digest", "store"}),
    "graph": frozenset({"errors", "digest"}),
    "gradient": frozenset({"errors", "graph"}),
    "plan": frozenset({"errors", "graph"}),  # graph in one bridge file only, see below
    "engine": frozenset({"errors", "caches", "graph", "plan"}),
    "nn": frozenset({"errors", "graph", "gradient"}),
    "train": frozenset(
        {"errors", "lazy", "digest", "graph", "gradient", "nn", "plan", "engine", "memo", "store", "table"}
    ),
    "search": frozenset({"errors", "memo", "store"}),
    "explain": frozenset({"errors", "graph", "gradient", "plan"}),
    "estimators": frozenset({"errors", "store", "table", "train", "nn"}),
    "cli": EVERYTHING,
    "__main__": frozenset({"cli"}),
    "": EVERYTHING,  # the top-level facade
}

MUST_NOT_KNOW: dict[str, frozenset[str]] = {"plan": frozenset({"numpy"})}
"""Third-party packages that a part does without, though the project has them."""

OPTIONAL: dict[str, str] = {
    "onnx": "memograd.train.onnx.protobuf",
    "pandas": "memograd.memo.codecs.frames",
    "polars": "memograd.memo.codecs.frames",
    "pyarrow": "memograd.memo.codecs.frames",
    "scipy": "memograd.memo.codecs.arrays",  # always there, but as slow to import as everything else together
    "asyncio": "memograd.memo.coroutines",  # 20 ms, for coroutines only
    "concurrent": "memograd.memo.flight",  # 4 ms, for threads that wait only
    "hmac": "memograd.store.seal",  # 3 ms, for stores with a key only
    "importlib": "memograd.memo.code.packages",  # with `importlib.metadata` 14 ms, for code of packages only
    "urllib": "memograd.memo.code.packages",  # with `urllib.request` 8 ms, for editable installations only
}
"""Packages that may be absent, or are slow to import; and the one module that may import each inside a function."""

LATE: dict[tuple[str, str], str] = {
    ("memograd.engine.compiled", "memograd.engine.native.program"): "who never compiles to machine code loads no LLVM",
    ("memograd.engine.native.jit", "llvmlite"): "it is loaded with the first program, not with what can make one",
    ("memograd.engine.native.machine", "llvmlite"): "the same",
}
"""Other modules that a module imports inside a function, and why."""

SHELL = frozenset({"print", "os.environ", "os.getenv", "sys.argv", "sys.stdout", "sys.stderr", "sys.exit"})
"""What only the command line may use."""

EFFECTS: dict[tuple[str, str], str] = {
    ("memograd.estimators.base", "os.environ"): "the variable MEMOGRAD_STORE turns the store of trainings on",
}
"""What other modules may use of it, and why."""

NAMELESS = frozenset({"utils", "util", "helpers", "helper", "common", "misc"})
"""Names of files that say nothing of what is in them."""


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the package: its dotted name, whether it is an `__init__.py`, and its syntax tree."""

    name: str
    is_facade: bool
    tree: ast.Module

    @property
    def part(self) -> str:
        """The part of the package that it belongs to."""
        return part_of(self.name)


Modules = Mapping[str, Module]
Check = Callable[[Modules], Iterator[str]]


def part_of(name: str) -> str:
    """Return the folder or file directly under the package in which a module is; "" for the package's own facade."""
    return f"{name}.".split(".")[1]


def parsed(sources: Mapping[str, str]) -> Modules:
    """Return the modules by name, from their sources by path below the package."""
    modules = {}
    for path, source in sources.items():
        parts = PurePosixPath("memograd", path).with_suffix("").parts
        is_facade = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_facade else parts)
        modules[name] = Module(name, is_facade, ast.parse(source))
    return modules


def shipped() -> Modules:
    """Return the modules of the package as it is."""
    return parsed({path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8") for path in PACKAGE.rglob("*.py")})


def import_nodes(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield every import statement below a node, wherever it stands."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))


def targets(node: ast.Import | ast.ImportFrom, module: Module, modules: Modules) -> Iterator[str]:
    """Yield the dotted names of the modules that a statement imports, or imports from."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    package = module.name.split(".")[: None if module.is_facade else -1]
    above = package[: len(package) - node.level + 1] if node.level else []
    base = ".".join([*above, *([node.module] if node.module else [])])
    for alias in node.names:
        submodule = f"{base}.{alias.name}"
        yield submodule if submodule in modules else base


def inner_imports(module: Module, modules: Modules) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of every module of the package that a module imports."""
    for node in import_nodes(module.tree):
        for target in targets(node, module, modules):
            if target.split(".")[0] == "memograd":
                yield node.lineno, target


def outer_imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of every package that is not this one."""
    for node in import_nodes(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or "memograd"]
        if isinstance(node, ast.Import) or not node.level:
            yield from ((node.lineno, name.split(".")[0]) for name in names if name.split(".")[0] != "memograd")


def imports_outside_the_table(modules: Modules) -> Iterator[str]:
    """A part imports only what its row allows, and every part has a row."""
    for module in modules.values():
        if module.part not in MAY_IMPORT:
            yield f"{module.name}: the table has no row for {module.part!r}"
            continue
        allowed = MAY_IMPORT[module.part] | {module.part}
        for line, target in inner_imports(module, modules):
            part = part_of(target)
            if part not in allowed and allowed.isdisjoint(EVERYTHING):
                yield f"{module.name}:{line}: {module.part} may not import {target}"


def imports_of_what_must_not_be_known(modules: Modules) -> Iterator[str]:
    """A part does without the third-party packages that it must not know."""
    for module in modules.values():
        for line, name in outer_imports(module.tree):
            if name in MUST_NOT_KNOW.get(module.part, ()):
                yield f"{module.name}:{line}: {module.part} may not import {name}"


def second_bridges(modules: Modules) -> Iterator[str]:
    """One file of plan sees the graph, all others see integers."""
    seen = {
        module.name: {part_of(target) for _, target in inner_imports(module, modules)}
        for module in modules.values()
        if module.part == "plan"
    }
    bridges = sorted(name for name, parts in seen.items() if "graph" in parts)
    if len(bridges) > 1:
        yield f"only one file of plan may import graph, not {', '.join(bridges)}"


def imports_of_facades(modules: Modules) -> Iterator[str]:
    """Inside the package one imports from the defining module; only a facade may import from another facade."""
    for module in modules.values():
        for line, target in inner_imports(module, modules):
            facade = target in modules and modules[target].is_facade
            if target == "memograd" or (facade and not module.is_facade):
                yield f"{module.name}:{line}: import from the module that defines it, not from {target}"


def cycles(modules: Modules) -> Iterator[str]:
    """No module imports itself, directly or through others."""
    graph = {name: {target for _, target in inner_imports(module, modules)} for name, module in modules.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield f"cycle: {' imports '.join(reversed(error.args[1]))}"


def imports_inside_functions(modules: Modules) -> Iterator[str]:
    """An import stands at the top, but for an optional package in its one place."""
    for module in modules.values():
        functions = [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        hidden = {(node, function.name) for function in functions for node in import_nodes(function)}
        for node, function in sorted(hidden, key=lambda pair: pair[0].lineno):
            names = {name for _, name in outer_imports(ast.Module([node], []))}
            names |= {target for target in targets(node, module, modules) if target.split(".")[0] == "memograd"}
            if any(OPTIONAL.get(name) != module.name and (module.name, name) not in LATE for name in names):
                yield f"{module.name}:{node.lineno}: import inside {function}"


def effects_outside_the_shell(modules: Modules) -> Iterator[str]:
    """Only the command line prints, ends the process, or reads its arguments and environment."""
    for module in modules.values():
        if module.part not in {"cli", "__main__"}:
            for line, name in used_names(module.tree):
                if (module.name, name) not in EFFECTS:
                    yield f"{module.name}:{line}: {name} outside cli"


def used_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of everything of the shell that a tree uses or imports."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name):
                found = [name]
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                found = [f"{owner}.{name}"]
            case ast.ImportFrom(module=str(owner), names=names):
                found = [f"{owner}.{alias.name}" for alias in names]
            case _:
                continue
        yield from ((node.lineno, name) for name in found if name in SHELL)


def nameless_files(modules: Modules) -> Iterator[str]:
    """A file or folder is named for what it does."""
    for name in modules:
        if not NAMELESS.isdisjoint(name.split(".")):
            yield f"{name}: name it for what it does"


def facades_with_contents(modules: Modules) -> Iterator[str]:
    """An `__init__.py` holds a docstring, imports and `__all__`."""
    for module in modules.values():
        for index, node in enumerate(module.tree.body if module.is_facade else []):
            if not belongs_in_a_facade(node, index):
                yield f"{module.name}:{node.lineno}: an __init__.py holds a docstring, imports and __all__"


def belongs_in_a_facade(node: ast.stmt, index: int) -> bool:
    """Whether a facade may hold a statement, the first of which has index 0."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body, orelse=[]):
            return all(isinstance(statement, ast.ImportFrom) for statement in body)
        case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="__getattr__"), ast.Name(id="__dir__")])]):
            return True  # names that are imported when they are used first
        case ast.Expr(value=ast.Constant(value=str())):
            return index == 0
        case _:
            return False


BAD: dict[Check, list[dict[str, str]]] = {
    imports_outside_the_table: [
        {"graph/node.py": "from memograd.store.disk import Disk", "store/disk.py": ""},
        {"nn/mlp.py": "import memograd.plan.solver", "plan/solver.py": ""},
        {"nn/mlp.py": "from ..engine import numpy", "engine/numpy.py": ""},
        {"nn/mlp.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n from memograd.train import loop"},
        {"plots/draw.py": ""},
    ],
    imports_of_what_must_not_be_known: [
        {"plan/solver.py": "import numpy as np"},
        {"plan/solver.py": "def solve():\n from numpy.linalg import norm"},
    ],
    second_bridges: [
        {"plan/a.py": "import memograd.graph.node", "plan/b.py": "from memograd.graph import node", "graph/node.py": ""}
    ],
    imports_of_facades: [
        {"gradient/sweep.py": "from memograd.graph import Node", "graph/__init__.py": ""},
        {"graph/node.py": "from . import ops", "graph/__init__.py": "from memograd.graph.ops import ops"},
        {"cli/main.py": "import memograd as mg", "__init__.py": ""},
        {"graph/__init__.py": "from memograd import grad"},
    ],
    cycles: [
        {"graph/a.py": "import memograd.graph.b", "graph/b.py": "from . import c", "graph/c.py": "from .a import x"},
        {"graph/__init__.py": "from memograd.graph.a import x", "graph/a.py": "import memograd.graph"},
        {"graph/a.py": "from memograd.graph.a import x"},
    ],
    imports_inside_functions: [
        {"graph/node.py": "def f():\n import math"},
        {"graph/node.py": "class A:\n async def f(self):\n  from .ops import x"},
        {"graph/node.py": "def f():\n if True:\n  import redis"},
    ],
    effects_outside_the_shell: [
        {"graph/node.py": "print(1)"},
        {"graph/node.py": "import os\nos.environ.get('HOME')"},
        {"graph/node.py": "from os import getenv"},
        {"graph/node.py": "show = print"},
    ],
    nameless_files: [{"graph/utils.py": ""}, {"common/node.py": ""}],
    facades_with_contents: [
        {"graph/__init__.py": "'doc'\nversion = 1"},
        {"graph/__init__.py": "'doc'\ndef f(): ..."},
        {"graph/__init__.py": "'doc'\n'another'"},
        {"graph/__init__.py": "__all__ = []\nif True: import x"},
    ],
}
"""For each check, small packages that must not pass it."""

GOOD = {
    "__init__.py": "'doc'\nfrom memograd.graph import Node\n__all__ = ['Node']",
    "errors.py": "class E(Exception): ...",
    "graph/__init__.py": "'doc'\nfrom memograd.graph.node import Node",
    "graph/node.py": "import numpy\nfrom memograd import errors\nfrom memograd.errors import E\nfrom .ops import x",
    "graph/ops.py": "x = 'print(1)'\nclass A:\n def print(self): return self.print()",
    "plan/bridge.py": "import scipy.optimize\nfrom memograd.graph import node\nfrom memograd.plan import cost",
    "plan/cost.py": "from memograd.errors import E",
    "cli/main.py": "import os\nfrom memograd.graph.node import Node\nprint(os.environ)",
}
"""A small package that must pass every check."""


@pytest.mark.parametrize("check", BAD, ids=lambda check: check.__name__)
def test_package(check: Check) -> None:
    """The package keeps the rule that the check's docstring states."""
    assert list(check(shipped())) == []


@pytest.mark.parametrize("check", BAD, ids=lambda check: check.__name__)
def test_check_passes_what_is_right(check: Check) -> None:
    """A package in which nothing is wrong passes."""
    assert list(check(parsed(GOOD))) == []


@pytest.mark.parametrize(
    ("check", "sources"),
    [
        pytest.param(check, sources, id=f"{check.__name__}-{n}")
        for check, bad in BAD.items()
        for n, sources in enumerate(bad)
    ],
)
def test_check_finds_what_is_wrong(check: Check, sources: dict[str, str]) -> None:
    """A package in which one thing is wrong does not pass, and the message says in which module."""
    found = list(check(parsed(sources)))
    assert found
    assert any(name in message for message in found for name in parsed(sources))


def test_optional_package_has_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """An optional package may be imported inside a function of the module listed for it, and nowhere else."""
    monkeypatch.setitem(OPTIONAL, "redis", "memograd.store.redis")
    source = "def connect():\n import redis.client"
    assert list(imports_inside_functions(parsed({"store/redis.py": source}))) == []
    assert list(imports_inside_functions(parsed({"store/disk.py": source})))


def test_late_imports_are_there() -> None:
    """Each row of the table is of an import that the package has; in another module it would not pass."""
    modules = shipped()
    for name, target in LATE:
        found = [*inner_imports(modules[name], modules), *outer_imports(modules[name].tree)]
        assert target in {name for _, name in found}
    source = "def f():\n from memograd.engine.native.program import NativeProgram"
    assert list(imports_inside_functions(parsed({"engine/other.py": source, "engine/native/program.py": ""})))


def test_package_is_found() -> None:
    """The checks read the package, not an empty folder."""
    assert {"memograd", "memograd.errors", "memograd.graph.node"} <= shipped().keys()


def test_table_is_in_layers() -> None:
    """The table itself has no cycle: there is an order in which the parts can be read."""
    parts = {part: allowed - EVERYTHING for part, allowed in MAY_IMPORT.items()}
    assert set().union(*parts.values()) <= parts.keys()
    graphlib.TopologicalSorter(parts).prepare()
