"""What does a remembered call cost, beside joblib.Memory, diskcache and functools.lru_cache? Hits, misses, import.

Run ``python benchmarks/memo.py``; ``--quick`` takes some seconds, ``--json FILE`` keeps the numbers. A time is that of
one call, the least of several rounds in which the contenders take turns. Exits with 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import functools
import gc
import hashlib
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import diskcache
import joblib
import numpy as np
from rich.console import Console
from rich.table import Table

from memograd.digest.content import freeze
from memograd.memo.memoize import memoize
from memograd.store.disk import DiskStore
from memograd.store.open import MEMORY, open_store
from memograd.store.protocol import Entry
from memograd.store.record import encode
from memograd.store.seal import Seal

FLOATS = 1 << 20  # 8 MiB
N_FULL, N_FULL_QUICK = 100_000, 5_000
JOBLIB_FACTOR = 3.0
MEMORY_SECONDS = 5e-6
ROW_SECONDS = 3.0  # short rounds go on for so long: seven of them fit into one busy moment of the machine

Call = Callable[..., Any]
Seconds = dict[str, float]


def scalars(x: int, y: float, name: str) -> float:
    """Something cheap of three scalars."""
    return x * y + len(name)


def first(x: Any) -> float:
    """Something cheap of an array."""
    return float(x[0])


def ramp(start: int) -> Any:
    """8 MiB of numbers."""
    return np.arange(start, start + FLOATS, dtype=np.float64)


# The contenders: each wraps a function so that its results are kept in a directory, or in this process


def _memograd(function: Call, root: Path) -> Call:
    wrapped: Call = memoize(function, store=DiskStore(root), bypass=False)
    return wrapped


def _memograd_memory(function: Call, root: Path) -> Call:
    wrapped: Call = memoize(function, store=open_store(MEMORY), bypass=False)
    return wrapped


def _joblib(function: Call, root: Path) -> Call:
    wrapped: Call = joblib.Memory(root, verbose=0).cache(function)
    return wrapped


def _diskcache(function: Call, root: Path) -> Call:
    # Nothing is evicted, as with the others.
    wrapped: Call = diskcache.Cache(str(root), eviction_policy="none", size_limit=1 << 40).memoize()(function)
    return wrapped


def _lru_cache(function: Call, root: Path) -> Call:
    return functools.lru_cache(maxsize=None)(function)


ON_DISK = {"memograd": _memograd, "joblib": _joblib, "diskcache": _diskcache}
IN_MEMORY = {"memograd": _memograd_memory, "lru_cache": _lru_cache}
CONTENDERS = ("memograd", "joblib", "diskcache", "lru_cache")


@dataclass(frozen=True, slots=True)
class Row:
    """What is timed.

    Attributes
    ----------
    name : str
    function : callable
    calls : callable
        Given the number of a round: the arguments of the calls that are timed.
    contenders : mapping
    is_hit : bool
        Whether the calls were made before.
    is_anew : bool
        Whether each round has a new wrapper, as a new process would.
    n_others : int
        How many other entries the store holds.
    aims : mapping of str to float
        How many times as long the other is to take at least.
    limit_seconds : float or None
        How long memograd is to take at most.
    """

    name: str
    function: Call
    calls: Callable[[int], list[tuple[Any, ...]]]
    contenders: dict[str, Callable[[Call, Path], Call]]
    is_hit: bool = True
    is_anew: bool = True
    n_others: int = 0
    aims: tuple[tuple[str, float], ...] = (("joblib", JOBLIB_FACTOR),)
    limit_seconds: float | None = None


def rows(n_full: int) -> list[Row]:
    """All that is timed in this process."""
    array = np.arange(FLOATS, dtype=np.float64)
    frozen = freeze(array.copy())
    hits = [(i, 0.5, "name") for i in range(200)]
    disk_aims = (("joblib", JOBLIB_FACTOR), ("diskcache", 1.0))
    return [
        Row(
            "hit, scalars, in memory", scalars, lambda _: [(1, 0.5, "name")] * 5_000, IN_MEMORY,
            is_anew=False, aims=(), limit_seconds=MEMORY_SECONDS,
        ),
        Row("hit, scalars, on disk", scalars, lambda _: hits, ON_DISK, aims=disk_aims),
        Row(f"hit, scalars, among {n_full:,}", scalars, lambda _: hits, ON_DISK, n_others=n_full, aims=disk_aims),
        Row("hit, 8 MiB argument", first, lambda _: [(array,)] * 3, ON_DISK),
        Row("hit, 8 MiB argument, frozen", first, lambda _: [(frozen,)] * 50, ON_DISK, is_anew=False),
        Row("hit, 8 MiB result", ramp, lambda _: [(0,)] * 3, ON_DISK),
        Row(
            "miss, scalars", scalars, lambda round_: [(i, float(round_), "new") for i in range(40)], ON_DISK,
            is_hit=False, is_anew=False,
        ),
        Row("miss, 8 MiB result", ramp, lambda round_: [(round_ + 1,)], ON_DISK, is_hit=False, is_anew=False),
    ]  # fmt: skip


def measure(row: Row, n_rounds: int, root: Path) -> Seconds:
    """The least seconds of a call of each contender."""
    places = {name: root / name for name in row.contenders}
    wrapped = {name: wrap(row.function, places[name]) for name, wrap in row.contenders.items()}
    for name, call in wrapped.items():
        if row.is_hit:
            for arguments in row.calls(0):
                call(*arguments)
        if row.n_others:
            _FILL[name](call, places[name], row.n_others)
    least = dict.fromkeys(row.contenders, float("inf"))
    began = time.perf_counter()
    rounds = itertools.takewhile(
        lambda n_done: n_done < n_rounds or time.perf_counter() < began + ROW_SECONDS, itertools.count()
    )
    for round_ in rounds:
        calls = row.calls(round_)
        for name, wrap in row.contenders.items():
            call = wrap(row.function, places[name]) if row.is_anew else wrapped[name]
            if row.is_hit:
                call(*calls[0])  # what is set up once is not what a hit costs
            timed = calls[1:] or calls
            least[name] = min(least[name], _seconds(call, timed) / len(timed))
    return least


def _seconds(call: Call, calls: Sequence[tuple[Any, ...]]) -> float:
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    for arguments in calls:
        call(*arguments)
    seconds = time.perf_counter() - began
    gc.enable()
    return seconds


# Entries that lie around: written as files of the same form, because a hundred thousand calls would take minutes


def _fill_memograd(call: Any, root: Path, n_entries: int) -> None:
    store = DiskStore(root)
    known = next(store.scan())
    for i in range(256):
        (root / f"{i:02x}").mkdir(exist_ok=True)
    for key in _names(n_entries, 64):
        entry = Entry(key, (b"0" * 32,), group=known.group, metadata=known.metadata, cost_seconds=1.0)
        (root / key[:2] / f"{key}.entry").write_bytes(encode(entry, entry.blobs, Seal(None)))
    store.rebuild()


def _fill_joblib(call: Any, root: Path, n_entries: int) -> None:
    known = next(root.rglob("output.pkl")).parent
    result = (known / "output.pkl").read_bytes()
    for name in _names(n_entries, 32):
        folder = known.with_name(name)
        folder.mkdir()
        (folder / "output.pkl").write_bytes(result)


def _fill_diskcache(call: Any, root: Path, n_entries: int) -> None:
    cache = diskcache.Cache(str(root))
    with cache.transact():
        for name in _names(n_entries, 32):
            cache.set((name, 0, 0.5, "name"), 1.0)
    cache.close()


_FILL = {"memograd": _fill_memograd, "joblib": _fill_joblib, "diskcache": _fill_diskcache}


def _names(n_entries: int, length: int) -> Iterator[str]:
    return (hashlib.sha256(str(i).encode()).hexdigest()[:length] for i in range(n_entries))


IMPORTS = {
    "memograd": "from memograd.memo.memoize import memoize",
    "joblib": "from joblib import Memory",
    "diskcache": "from diskcache import Cache",
    "lru_cache": "from functools import lru_cache",
    "(NumPy alone)": "import numpy",
}


def import_seconds(n_rounds: int) -> Seconds:
    """The least seconds that an import takes in a new process, the start of the interpreter not counted."""
    least = dict.fromkeys(IMPORTS, float("inf"))
    for _ in range(n_rounds):
        for name, statement in IMPORTS.items():
            code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
            done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
            least[name] = min(least[name], float(done.stdout))
    return least


@dataclass(frozen=True, slots=True)
class Result:
    """A row and what it came to."""

    name: str
    seconds: Seconds
    aims: tuple[tuple[str, float], ...]
    limit_seconds: float | None

    def ratio(self, name: str) -> float | None:
        """How many times as long as memograd a contender takes."""
        return self.seconds[name] / self.seconds["memograd"] if name in self.seconds else None

    @property
    def lost_to(self) -> list[str]:
        """The contenders that are faster."""
        return [name for name in CONTENDERS[1:] if (self.ratio(name) or 1.0) < 1]

    @property
    def missed(self) -> list[str]:
        """The aims that are missed."""
        found = [f"{name} ×{aim:g}" for name, aim in self.aims if (self.ratio(name) or 0.0) < aim]
        if self.limit_seconds is not None and self.seconds["memograd"] > self.limit_seconds:
            found.append(f"≤ {_time(self.limit_seconds)}")
        return found


def results(n_rounds: int, n_full: int) -> Iterator[Result]:
    """Measure one row after the other."""
    for row in rows(n_full):
        with tempfile.TemporaryDirectory() as root:
            yield Result(row.name, measure(row, n_rounds, Path(root)), row.aims, row.limit_seconds)
    yield Result("import", import_seconds(n_rounds), (("joblib", JOBLIB_FACTOR),), None)


def as_table(found: Sequence[Result]) -> Table:
    """The numbers for a terminal; in brackets, how many times as long as memograd."""
    table = Table(title="a call (how many times as long as memograd; * is faster)")
    table.add_column("")
    for name in CONTENDERS:
        table.add_column(name, justify="right")
    table.add_column("aim missed", style="red")
    for result in found:
        cells = [_cell(result, name) for name in CONTENDERS]
        table.add_row(result.name, *cells, ", ".join(result.missed))
    return table


def _cell(result: Result, name: str) -> str:
    ratio = result.ratio(name)
    if ratio is None:
        return "–"
    mark = " *" if name in result.lost_to else ""
    return _time(result.seconds[name]) + (f" ({_digits(ratio)}×){mark}" if name != "memograd" else "")


def _digits(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2g}"


def _time(seconds: float) -> str:
    unit, factor = next((pair for pair in (("s", 1), ("ms", 1e3), ("µs", 1e6)) if seconds * pair[1] >= 1), ("ns", 1e9))
    return f"{seconds * factor:.3g} {unit}"


def as_record(found: Sequence[Result], n_rounds: int) -> dict[str, Any]:
    """The numbers for a file."""
    return {
        "rounds": n_rounds,
        "python": platform.python_version(),
        "n_cpus": os.cpu_count(),
        "versions": {name: version(name) for name in ("memograd", "joblib", "diskcache", "numpy")},
        "rows": [
            {
                "name": result.name,
                "seconds": result.seconds,
                "ratios": {name: result.ratio(name) for name in result.seconds},
                "lost_to": result.lost_to,
                "aims_missed": result.missed,
            }
            for result in found
        ],
    }


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each contender has its turn")
    parser.add_argument("--quick", action="store_true", help=f"3 rounds, and {N_FULL_QUICK:,} entries in a full store")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to a file")
    options = parser.parse_args()
    n_rounds = 3 if options.quick else options.rounds
    found = list(results(n_rounds, N_FULL_QUICK if options.quick else N_FULL))
    Console().print(as_table(found))
    Console().print(f"import of NumPy alone: {_time(found[-1].seconds['(NumPy alone)'])}", highlight=False)
    if options.json:
        options.json.write_text(json.dumps(as_record(found, n_rounds), indent=2) + "\n", "utf-8")
    return int(any(result.missed for result in found))


if __name__ == "__main__":
    sys.exit(main())
