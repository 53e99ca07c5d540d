"""Where LLVM cannot be had, NumPy serves and says so once; who insists on machine code is told why there is none."""

from __future__ import annotations

import platform
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest

import memograd as mg
from memograd.engine.native import jit, machine, program, training_code
from memograd.errors import EngineFallback, EngineUnavailable
from memograd.graph.tree import flatten
from memograd.nn.mlp import MLP
from memograd.train.loop import Rows, fit
from memograd.train.settings import Settings

X = np.linspace(-1, 1, 60).reshape(20, 3)


@pytest.fixture
def without_llvmlite(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Importing llvmlite fails, as where it is not installed; nothing is remembered of before, or of now."""
    for name in [name for name in sys.modules if name.split(".")[0] == "llvmlite"]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("llvmlite", "llvmlite.binding"):
        monkeypatch.setitem(sys.modules, name, None)
    fresh = lru_cache(machine.machine.__wrapped__)
    for module in (machine, program, training_code):
        monkeypatch.setattr(module, "machine", fresh)
    monkeypatch.setattr(jit, "_llvm", lru_cache(1)(jit._llvm.__wrapped__))
    yield
    monkeypatch.undo()


def f(x: Any) -> Any:
    """Something to compile."""
    return np.tanh(x) @ np.ones((3, 2))


def told(act: Callable[[], Any]) -> tuple[Any, list[str]]:
    """What a call gives, and what it warns of."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        result = act()
    assert all(warning.category is EngineFallback for warning in found)
    return result, [str(warning.message) for warning in found]


@pytest.mark.usefixtures("without_llvmlite")
def test_compile_falls_back() -> None:
    """One warning, with the reason; the result is NumPy's own."""
    compiled, messages = told(lambda: mg.compile(f, X, engine="auto"))
    (message,) = messages
    assert "numpy engine" in message
    assert "llvmlite" in message
    np.testing.assert_array_equal(compiled(X), mg.compile(f, X, engine="numpy")(X))
    assert told(lambda: compiled(X))[1] == []


@pytest.mark.usefixtures("without_llvmlite")
def test_compile_for_machine_code_is_refused() -> None:
    """It is not done by another engine."""
    with pytest.raises(EngineUnavailable, match="llvmlite cannot be used here"):
        mg.compile(f, X, engine="native")


@pytest.mark.usefixtures("without_llvmlite")
def test_training_falls_back() -> None:
    """One warning for a whole training; the parameters are those of the numpy engine, bit for bit."""
    rows = Rows(X, np.sum(X, axis=1, keepdims=True))
    network = MLP((3, 4, 1), "tanh")
    found, messages = told(lambda: fit(network, rows, settings=Settings(epochs=3)))
    (message,) = messages
    assert "numpy engine" in message
    assert "llvmlite" in message
    expected, none = told(lambda: fit(network, rows, settings=Settings(epochs=3, engine="numpy")))
    assert none == []
    pairs = zip(flatten(found.parameters)[0], flatten(expected.parameters)[0], strict=True)
    assert all(x.tobytes() == y.tobytes() for x, y in pairs)


@pytest.mark.usefixtures("without_llvmlite")
def test_training_for_machine_code_is_refused() -> None:
    """It is not done by another engine."""
    rows = Rows(X, np.sum(X, axis=1, keepdims=True))
    with pytest.raises(EngineUnavailable, match="llvmlite cannot be used here"):
        fit(MLP((3, 4, 1)), rows, settings=Settings(epochs=3, engine="native"))


@pytest.mark.usefixtures("without_llvmlite")
def test_the_numpy_engine_does_not_ask() -> None:
    """Who asks for NumPy is told nothing."""
    assert told(lambda: mg.compile(f, X, engine="numpy")(X))[1] == []


def test_an_llvm_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation whose library cannot be loaded is as good as none."""

    def broken(*_: Any) -> None:
        raise OSError("libllvmlite.so: cannot open shared object file")

    monkeypatch.setattr(llvm, "get_host_cpu_features", broken)
    fresh = lru_cache(machine.machine.__wrapped__)
    monkeypatch.setattr(program, "machine", fresh)
    with pytest.raises(EngineUnavailable, match="cannot open shared object"):
        mg.compile(f, X, engine="native")
    _, messages = told(lambda: mg.compile(f, X, engine="auto"))
    assert len(messages) == 1


def test_a_processor_without_known_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy serves there, too."""
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(llvm, "get_host_cpu_features", dict)
    monkeypatch.setattr(program, "machine", lru_cache(machine.machine.__wrapped__))
    with pytest.raises(EngineUnavailable, match="vectors"):
        mg.compile(f, X, engine="native")


PROGRAM = """
import sys
sys.modules["llvmlite"] = None
import warnings
import numpy as np, memograd as mg
assert mg.compile(lambda x: x + 1, 1.0)(2.0) == 3.0
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    assert mg.compile(lambda x: x + 1, 1.0, engine="auto")(2.0) == 3.0
print(len(found), found[0].category.__name__)
"""


def test_a_process_without_llvmlite() -> None:
    """The package can be imported and used; compiling for NumPy needs no LLVM."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "1 EngineFallback\n"), done.stderr
