"""What does it cost to remember a training, and what does it save? Runs with and without a store take turns.

Run ``python benchmarks/resume.py``; ``--quick`` takes half a minute and judges nothing, ``--json FILE`` keeps the
numbers. Exits with 1 when checkpoints take more than 3 % of a run of over 10 seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from rich.console import Console
from rich.table import Table

from memograd.nn.mlp import MLP
from memograd.store.disk import DiskStore
from memograd.store.protocol import Store
from memograd.train.checkpoints import Checkpoints
from memograd.train.loop import Fit, Rows, fit
from memograd.train.settings import Settings

RUN_SECONDS, QUICK_SECONDS = 12.0, 2.0
LIMIT = 0.03
N_CALIBRATION = 5


@dataclass(frozen=True, slots=True)
class Network:
    """What is trained: sizes, rows, and rows of a minibatch."""

    sizes: tuple[int, ...]
    n_rows: int
    batch_size: int

    def data(self) -> tuple[Rows, Rows]:
        """Rows to train and to validate on, of classes that can be learned."""
        rng = np.random.default_rng(0)
        X = rng.normal(size=(self.n_rows + self.n_rows // 5, self.sizes[0])).astype(np.float32)
        y = np.argmax(X @ rng.normal(size=(self.sizes[0], self.sizes[-1])), axis=1)
        return Rows(X[: self.n_rows], y[: self.n_rows]), Rows(X[self.n_rows :], y[self.n_rows :])

    def fit(self, epochs: int, data: tuple[Rows, Rows], store: Store | None) -> tuple[float, Fit]:
        """Train; the seconds that it took, too."""
        # A constant rate, so that what was calibrated is the beginning of what is measured.
        settings = Settings(epochs=epochs, batch_size=self.batch_size, schedule="constant", patience=None)
        began = time.perf_counter()
        fitted = fit(MLP(self.sizes, "relu", "cross_entropy"), *data, settings=settings, store=store)
        return time.perf_counter() - began, fitted


NETWORKS = (
    Network((8, 16, 2), 2_000, 64),
    Network((20, 64, 64, 2), 10_000, 128),
    Network((100, 256, 256, 256, 10), 10_000, 256),
    Network((784, 512, 512, 10), 10_000, 128),
)


class Writing:
    """How often states are written, and how long that takes: copying, digesting and all."""

    def __init__(self) -> None:
        self.count, self.seconds = 0, 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what is written within."""
        keep = Checkpoints.keep

        def timed(*args: Any, **kwargs: Any) -> None:
            began = time.perf_counter()
            keep(*args, **kwargs)
            self.seconds += time.perf_counter() - began
            self.count += 1

        with mock.patch.object(Checkpoints, "keep", timed):
            yield


@dataclass(frozen=True, slots=True)
class Result:
    """What a network came to.

    Attributes
    ----------
    sizes : tuple of int
    epochs : int
    plain_seconds, stored_seconds : float
        Without a store, and with one.
    writing_seconds : float
        What writing took of the latter; of several rounds, where it was the least share.
    n_writes, stored_bytes : int
    recall_seconds : float
        The same fit, asked again.
    longer_seconds : float
        A tenth more epochs.
    """

    sizes: tuple[int, ...]
    epochs: int
    plain_seconds: float
    stored_seconds: float
    writing_seconds: float
    n_writes: int
    stored_bytes: int
    recall_seconds: float
    longer_seconds: float

    @property
    def overhead(self) -> float:
        """What checkpoints add, as a share of the run.

        Of the seconds within them, and not of the difference of two runs: that is mostly the machine's other work.
        """
        return self.writing_seconds / (self.stored_seconds - self.writing_seconds)

    @property
    def is_missed(self) -> bool:
        """Whether they add too much to a run that is long enough to judge."""
        return self.plain_seconds > 10 and self.overhead > LIMIT


def measured(network: Network, n_rounds: int, run_seconds: float) -> Result:
    """Train with and without a store in turns, and ask again."""
    data = network.data()
    epochs = _epochs_that_take(network, data, run_seconds)
    plain, stored = [], []
    for _ in range(n_rounds):
        plain.append(network.fit(epochs, data, None)[0])
        with tempfile.TemporaryDirectory() as root:
            writing = Writing()
            with writing.counted():
                seconds, _ = network.fit(epochs, data, DiskStore(root))
            stored.append((writing.seconds / seconds, seconds, writing))
            size = DiskStore(root).stats().size_bytes
            recall, fitted = network.fit(epochs, data, DiskStore(root))
            assert fitted.memo.epochs_trained == 0
            longer, fitted = network.fit(epochs + max(epochs // 10, 1), data, DiskStore(root))
            assert fitted.memo.epochs_recalled == epochs
    _, seconds, writing = min(stored, key=lambda each: each[:2])
    return Result(network.sizes, epochs, min(plain), seconds, writing.seconds, writing.count, size, recall, longer)


def _epochs_that_take(network: Network, data: tuple[Rows, Rows], run_seconds: float) -> int:
    """How many epochs take about so long: extrapolated twice, and compilation is the same for all numbers of them."""
    few, more = 1, 1 + N_CALIBRATION
    least, _ = network.fit(few, data, None)
    for share in (0.1, 1.0):
        seconds, _ = network.fit(more, data, None)
        more = max(int(share * run_seconds * (more - few) / max(seconds - least, 1e-3)), 2)
    return more


def results(n_rounds: int, run_seconds: float) -> Iterator[Result]:
    """Measure one network after the other."""
    for network in NETWORKS:
        yield measured(network, n_rounds, run_seconds)


def as_table(found: Sequence[Result]) -> Table:
    """The numbers for a terminal."""
    table = Table(title="a training without a store, with one, asked again, and with a tenth more epochs")
    for name in ("network", "epochs", "without", "with", "overhead", "writes", "in them", "MB", "again", "longer"):
        table.add_column(name, justify="left" if name == "network" else "right")
    table.add_column("aim missed", style="red")
    for result in found:
        table.add_row(
            "-".join(map(str, result.sizes)),
            f"{result.epochs:,}",
            f"{result.plain_seconds:.2f} s",
            f"{result.stored_seconds:.2f} s",
            f"{result.overhead:.1%}",
            str(result.n_writes),
            f"{result.writing_seconds:.3f} s",
            f"{result.stored_bytes / 1e6:.1f}",
            f"{result.recall_seconds * 1e3:.1f} ms",
            f"{result.longer_seconds:.2f} s",
            f"≤ {LIMIT:.0%}" if result.is_missed else "",
        )
    return table


def as_record(found: Sequence[Result], n_rounds: int) -> dict[str, Any]:
    """The numbers for a file."""
    return {
        "rounds": n_rounds,
        "python": platform.python_version(),
        "n_cpus": os.cpu_count(),
        "versions": {name: version(name) for name in ("memograd", "numpy", "llvmlite")},
        "rows": [{**asdict(result), "overhead": result.overhead, "aim_missed": result.is_missed} for result in found],
    }


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each has its turn")
    parser.add_argument("--quick", action="store_true", help=f"one round of {QUICK_SECONDS:g} seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to a file")
    options = parser.parse_args()
    n_rounds = 1 if options.quick else options.rounds
    found = list(results(n_rounds, QUICK_SECONDS if options.quick else RUN_SECONDS))
    Console().print(as_table(found))
    if options.json:
        options.json.write_text(json.dumps(as_record(found, n_rounds), indent=2) + "\n", "utf-8")
    return int(any(result.is_missed for result in found))


if __name__ == "__main__":
    sys.exit(main())
