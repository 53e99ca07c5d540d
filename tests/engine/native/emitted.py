"""Small functions, emitted and compiled for one test: how the parts of the engine are run alone."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from memograd.engine.native.ir import Builder, Module, Value
from memograd.engine.native.ir_types import PTR, VOID, Type
from memograd.engine.native.jit import Code
from memograd.engine.native.machine import Machine, machine
from memograd.errors import EngineUnavailable

# Returns what the function returns, given the builder and a pointer to each array.
Body = Callable[..., Any]


def _parameter(name: str) -> Any:
    try:
        return pytest.param(machine(name), id=name)
    except EngineUnavailable as error:
        return pytest.param(None, id=name, marks=pytest.mark.skip(reason=str(error)))


MACHINES = [_parameter(name) for name in ("avx512", "avx2", "sse2", "neon")]
"""All kinds of machines, as parameters of a test; those that this one cannot be are skipped."""


def compiled(body: Body, n_arrays: int, target: Machine | None = None) -> Callable[..., None]:
    """A function that is called with so many arrays, and does to them what the body says.

    Parameters
    ----------
    body : callable
        Given the builder and pointers.
    """
    module = Module()

    def whole(b: Builder, *pointers: Value) -> None:
        body(b, *pointers)

    module.define("f", VOID, [PTR] * n_arrays, whole, exported=True)
    function = Code(str(module), target or machine()).function("f", None, *[ctypes.c_void_p] * n_arrays)

    def call(*arrays: Any) -> None:
        assert len(arrays) == n_arrays
        assert all(isinstance(x, np.ndarray) and x.flags.c_contiguous for x in arrays)
        function(*(x.ctypes.data for x in arrays))

    return call


def results(kind: Type, bodies: Sequence[Callable[[Builder], Value]], dtype: Any, target: Machine | None = None) -> Any:
    """What several straight-line computations of one type come to, compiled at once; a row for each.

    Parameters
    ----------
    kind : Type
        Of each value; of bits, they are stored as bytes.
    """

    def body(b: Builder, out: Value) -> None:
        for i, each in enumerate(bodies):
            value = each(b)
            assert value.type == kind, (i, value.type)
            stored = b.convert(value, "zext", Type("i", 8)) if kind.bits == 1 else value
            b.store(b.offset(out, i * max(kind.lanes, 1), stored.type), stored)

    found = np.zeros((len(bodies), kind.lanes) if kind.lanes else len(bodies), dtype)
    compiled(body, 1, target)(found)
    return found
