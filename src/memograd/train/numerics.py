"""What decides the numbers of a training beside its settings and data: this program, its libraries, the machine.

It errs on the safe side: what differs here need not change a number, and is taken to. Nothing is compiled or traced,
and LLVM is not loaded, so that who only recalls need not wait for it.
"""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from blake3 import blake3

from memograd.errors import CannotDigest
from memograd.graph.node import Array
from memograd.memo.code.environment import PYTHON
from memograd.memo.value_digest import digest

_PACKAGE = Path(__file__).parents[1]
_DECIDING = ("graph", "gradient", "plan", "engine", "nn", "train")
"""Folders whose code decides numbers. Not all of it does, but what does changes from version to version."""

_CPUINFO = Path("/proc/cpuinfo")


def numerics(engine: str) -> str:
    """The digest of all that the numbers of an engine depend on.

    Parameters
    ----------
    engine : {"native", "numpy"}

    Raises
    ------
    CannotDigest
        When memograd's own sources cannot be read.

    Notes
    -----
    About 5 ms the first time in a process, then 0.1 ms.
    """
    versions = (PYTHON, np.__version__, scipy.__version__)
    simd = np.show_config(mode="dicts").get("SIMD Extensions")
    machine = (platform.machine(), sys.byteorder, simd, _processor())
    of_engine = _llvm() if engine == "native" else (_blas(), _probe())
    return digest((engine, sources(), versions, machine, of_engine))


@cache
def sources() -> str:
    """The digest of memograd's own code.

    Raises
    ------
    CannotDigest
        When it is not there, as in a distribution of bytecode alone.
    """
    hasher = blake3()
    paths = [path for folder in _DECIDING for path in sorted((_PACKAGE / folder).rglob("*.py"))]
    if not paths:
        raise CannotDigest(f"{_PACKAGE} holds no sources, so that nothing tells this version of memograd from others")
    for path in paths:
        name, text = path.relative_to(_PACKAGE).as_posix().encode(), path.read_bytes()
        hasher.update(len(name).to_bytes(8, "little") + name + len(text).to_bytes(8, "little") + text)
    return hasher.hexdigest()


@cache
def _llvm() -> bytes | None:
    """What tells versions of llvmlite, which brings LLVM, without loading it: 50 ms."""
    spec = find_spec("llvmlite")
    if spec is None or spec.origin is None:
        return None
    try:
        return Path(spec.origin).with_name("_version.py").read_bytes()
    except OSError as error:
        raise CannotDigest(f"the version of llvmlite cannot be read ({error})") from error


def _blas() -> Any:
    """Which BLAS NumPy was built with."""
    return np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas")


@cache
def _probe() -> bytes:
    """What products and functions come to here, in bits.

    A BLAS chooses its kernels by the processor, by variables of the environment and by the number of threads, and
    tells nobody. So it is asked for numbers, large enough to be shared among threads.
    """
    hasher = blake3()
    for dtype in (np.float32, np.float64):
        # Nothing here rounds differently from machine to machine.
        numbers: Array = ((np.arange(160 * 301) * 7919 % 65_521) / 65_536 - 0.5).astype(dtype)
        matrix = numbers.reshape(160, 301)
        results = [matrix @ matrix.T, matrix[:33] @ matrix[0], matrix.sum(axis=0), matrix.mean(axis=1)]
        results += [function(numbers) for function in (np.exp, np.tanh, np.sin, np.cos, np.expm1)]
        results += [function(np.abs(numbers)) for function in (np.log1p, np.sqrt, np.cbrt)]
        for result in results:
            hasher.update(result.tobytes())
    return hasher.digest()


@cache
def _processor() -> tuple[str, ...]:
    """Model and features of the first processor, as Linux tells them; empty elsewhere."""
    try:
        # Only the beginning: of a hundred processors the whole text takes long to make.
        with _CPUINFO.open("rb") as file:
            lines = file.read(8192).decode("utf-8", "replace").split("\n\n")[0].splitlines()
    except OSError:
        return ()
    wanted = ("model name", "flags", "Features", "CPU part")
    return tuple(line.partition(":")[2].strip() for line in lines if line.startswith(wanted))
