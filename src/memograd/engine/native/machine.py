"""What this machine has: how wide its vectors are, how many registers hold them, how many cores may be used."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from memograd.errors import EngineUnavailable, UnknownName


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor as the generator sees it.

    Attributes
    ----------
    name : str
        ``avx512``, ``avx2``, ``sse2`` or ``neon``.
    vector_bytes : int
    tile_rows : int
        Rows of a tile of a matrix product, of two vectors each: they, two vectors of the right operand and one
        element of the left one fill the registers.
    cpu, features : str
        As LLVM calls them.
    """

    name: str
    vector_bytes: int
    tile_rows: int
    cpu: str
    features: str

    def lanes(self, itemsize: int) -> int:
        """How many numbers of so many bytes a vector holds."""
        return self.vector_bytes // itemsize


# name: (bytes of a vector, rows of a tile, cpu for LLVM or None for the host's own)
_KINDS = {
    "avx512": (64, 14, None),
    "avx2": (32, 6, "haswell"),
    "sse2": (16, 6, "x86-64"),
    "neon": (16, 14, None),
}


@lru_cache
def machine(name: str | None = None) -> Machine:
    """The widest kind that this machine has, or the named one.

    Raises
    ------
    EngineUnavailable
        When llvmlite cannot be used, or this machine has not what is named.
    UnknownName
        When nothing is called so.
    """
    try:
        import llvmlite.binding as llvm

        features = llvm.get_host_cpu_features()
        cpu = llvm.get_host_cpu_name()
    except Exception as error:
        raise EngineUnavailable(f"llvmlite cannot be used here ({error})") from error
    is_arm = platform.machine().lower() in ("arm64", "aarch64")
    has = {
        "avx512": bool(features.get("avx512f") and features.get("avx512vl") and features.get("avx512dq")
                       and features.get("avx512bw")),
        "avx2": bool(features.get("avx2") and features.get("fma")),
        "sse2": not is_arm and platform.machine().lower() in ("x86_64", "amd64"),
        "neon": is_arm,
    }  # fmt: skip
    if name is not None and name not in _KINDS:
        raise UnknownName(f"there are no vectors called {name!r}; there are {', '.join(_KINDS)}")
    found = [kind for kind in _KINDS if has[kind]]
    if name is not None:
        found = [name] if has[name] else []
    if not found:
        raise EngineUnavailable(f"this processor ({cpu}) has no {name or 'vectors that are known'}")
    vector_bytes, tile_rows, older = _KINDS[found[0]]
    # LLVM avoids the widest vectors of many processors unless it is told otherwise.
    flags = "" if older else features.flatten() + (",-prefer-256-bit" if found[0] == "avx512" else "")
    return Machine(found[0], vector_bytes, tile_rows, older or cpu, flags)


def usable_cores() -> int:
    """The cores that this process may use: what the scheduler allows it, and its control group pays for."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _quota() or allowed))


def _quota() -> int | None:
    """The cores' worth of time that control groups (version 2, or 1) pay for, rounded up: the least of them counts."""
    try:
        own = Path("/proc/self/cgroup").read_text("ascii").splitlines()
    except (OSError, ValueError):
        own = []
    paths = {"": "/", "cpu": "/"}
    for line in own:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        paths |= {name: path for name in controllers.split(",") if name in paths}
    groups = [(name, group) for name, path in paths.items() for group in (path, *PurePosixPath(path).parents)]
    limits = (_limit(f"/sys/fs/cgroup/{name}/{group}") for name, group in groups)
    return min((limit for limit in limits if limit is not None), default=None)


def _limit(group: str) -> int | None:
    """What one control group pays for; None if it sets no limit, or cannot be read."""
    try:
        quota, period = Path(f"{group}/cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        try:
            quota, period = (Path(f"{group}/cpu.cfs_{x}_us").read_text("ascii").strip() for x in ("quota", "period"))
        except (OSError, ValueError):
            return None
    if not (quota.isdigit() and period.isdigit() and int(period)):
        return None
    return -(-int(quota) // int(period))
