"""One fit of `estimators.py`, in a process of its own: reads a question, prints what the fit took and came to.

The question is a JSON object, either ``{"contender", "data", "n_rows", "seed", "n_threads"}`` or, for networks of equal
size, ``{"contender", "case", "seed", "n_threads"}``. Every contender first fits a few rows, so that what it imports at
its first call is not counted; `fit_seconds` then begins with the raw table, and `memory_mb` is by how much the memory
of the process rises during the fit at most.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error

from raw_tables import Problem, Task, plain, problem, split
from rivals import CONTENDERS, Plan


@dataclass(frozen=True, slots=True)
class Equal:
    """The same network for two contenders, trained for as many epochs with as large batches."""

    task: Task
    n_rows: int
    n_columns: int
    hidden: tuple[int, ...]
    batch_size: int
    n_epochs: int
    contenders: tuple[str, str]

    @property
    def label(self) -> str:
        """The case in words."""
        network = "-".join(map(str, (self.n_columns, *self.hidden)))
        return f"{self.task}, {self.n_rows:,} rows, {network}, batch {self.batch_size}, {self.n_epochs} epochs"


_SKLEARN = ("memograd, sklearn preset", "scikit-learn MLP")
_REALMLP = ("memograd", "RealMLP-TD-S")
# Rows that leave no partial batch, after a fifth of them is set aside or without: one of the contenders would drop it.
EQUAL = (
    Equal("classes", 2_000, 64, (100,), 200, 100, _SKLEARN),
    Equal("numbers", 20_000, 20, (100,), 200, 20, _SKLEARN),
    Equal("classes", 12_800, 20, (64, 64), 128, 40, _SKLEARN),
    Equal("classes", 25_600, 50, (256, 256, 256), 256, 10, _SKLEARN),
    Equal("classes", 640, 30, (256, 256, 256), 256, 256, _REALMLP),
    Equal("classes", 25_600, 50, (256, 256, 256), 256, 20, _REALMLP),
    Equal("numbers", 25_600, 20, (256, 256, 256), 256, 20, _REALMLP),
    Equal("numbers", 12_800, 20, (64, 64), 128, 40, _REALMLP),
)
QUICK_EQUAL = (
    Equal("classes", 2_000, 64, (100,), 200, 50, _SKLEARN),
    Equal("numbers", 3_200, 20, (256, 256, 256), 256, 40, _REALMLP),
)


# Measuring


class Memory:
    """By how much the memory of this process rises. Where the kernel keeps no mark that can be reset, at least that."""

    def __init__(self) -> None:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the mark falls to what is in use now
        self._before = self._peak_kb()

    @staticmethod
    def _peak_kb() -> float:
        with suppress(OSError):
            lines = Path("/proc/self/status").read_text().splitlines()
            return float(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
        import resource  # which Windows has not

        unit = 1024 if sys.platform == "darwin" else 1
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

    def rise_mb(self) -> float:
        """In megabytes of 2²⁰ bytes, since this was made."""
        return (self._peak_kb() - self._before) / 1024


class Neighbours:
    """How much of the machine other processes take; not a number where the kernel does not tell (other than Linux)."""

    def __init__(self) -> None:
        self._before = time.perf_counter(), self._busy_seconds(), time.process_time()

    @staticmethod
    def _busy_seconds() -> float:
        try:
            user, nice, system, _, _, irq, softirq, steal = Path("/proc/stat").read_text().split()[1:9]
        except OSError:
            return math.nan
        return sum(map(int, (user, nice, system, irq, softirq, steal))) / os.sysconf("SC_CLK_TCK")

    def cores(self) -> float:
        """Cores that were busy with other work on average, since this was made."""
        began, busy, own = self._before
        seconds = time.perf_counter() - began
        return max(0.0, (self._busy_seconds() - busy) - (time.process_time() - own)) / seconds


def warm_up(contender: str, task: Task, n_threads: int) -> None:
    """Fit 60 rows for two epochs: another network than any that is timed."""
    X, y = plain(60, 3, task)
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    CONTENDERS[contender](Plan(task, 0, n_threads, n_epochs=2), table).fit(table, y)


def scores(task: Task, model: Any, X: Any, y: Any) -> dict[str, float]:
    """Accuracy and log loss, or R² (of all outputs, the mean) and the root of the mean squared error."""
    if task == "classes":
        return {
            "score": float(accuracy_score(y, model.predict(X))),
            "loss": float(log_loss(y, np.asarray(model.predict_proba(X), np.float64), labels=np.unique(y))),
        }
    predicted = model.predict(X)
    return {"score": float(r2_score(y, predicted)), "loss": float(root_mean_squared_error(y, predicted))}


def fitted(model: Any, X: Any, y: Any) -> dict[str, Any]:
    """Fit, and say what it took; `n_epochs` is what the estimator says that it did, if it says."""
    memory, neighbours = Memory(), Neighbours()
    began = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - began
    return {
        "fit_seconds": seconds,
        "memory_mb": memory.rise_mb(),
        "n_epochs": getattr(model, "n_iter_", None),
        "others_cores": neighbours.cores(),
    }


def of_table(contender: str, found: Problem, seed: int, n_threads: int) -> dict[str, Any]:
    """Fit a contender on three quarters of a table, and score it on the rest."""
    rows = split(found, seed)
    n_outputs = found.y.shape[1] if found.y.ndim == 2 else 1
    model = CONTENDERS[contender](Plan(found.task, seed, n_threads, n_outputs), rows.X)
    record = fitted(model, rows.X, rows.y)
    began = time.perf_counter()
    model.predict(rows.X_test)
    record["predict_seconds"] = time.perf_counter() - began
    return record | scores(found.task, model, rows.X_test, rows.y_test)


def of_equal(contender: str, case: Equal, seed: int, n_threads: int) -> dict[str, Any]:
    """Train the network of a case; RuntimeError when the estimator says that it trained for fewer or more epochs."""
    X, y = plain(case.n_rows, case.n_columns, case.task)
    plan = Plan(case.task, seed, n_threads, 1, case.n_epochs, case.hidden, case.batch_size)
    model = CONTENDERS[contender](plan, X)
    record = fitted(model, X, y)
    if record["n_epochs"] not in (None, case.n_epochs):
        raise RuntimeError(f"{contender} trained for {record['n_epochs']} epochs, not {case.n_epochs}")
    # On the rows that were trained on: it tells a fit that is fast from one that did nothing.
    return record | {"score": float(model.score(X, y))}


def main(arguments: Sequence[str]) -> None:
    """Answer one question."""
    asked = json.loads(arguments[0])
    contender, seed, n_threads = asked["contender"], asked["seed"], asked["n_threads"]
    warnings.simplefilter("ignore")  # an MLP that did not converge says so in its score
    if "case" in asked:
        case = {each.label: each for each in (*EQUAL, *QUICK_EQUAL)}[asked["case"]]
        warm_up(contender, case.task, n_threads)
        answer = of_equal(contender, case, seed, n_threads)
    else:
        found = problem(asked["data"], asked["n_rows"])
        warm_up(contender, found.task, n_threads)
        answer = of_table(contender, found, seed, n_threads)
    print("\n" + json.dumps(answer), flush=True)  # the last line, whatever the contender printed before


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: json.loads(sys.argv[1])["n_threads"]])
    main(sys.argv[1:])
