"""How long does a step of training take, beside scikit-learn, PyTorch and JAX? The same network, batch, Adam, float32.

Run ``python benchmarks/training.py``; it takes some minutes, and needs ``pip install '.[peers]'``. ``--quick`` leaves
out the slow ones, ``--json FILE`` keeps the numbers, ``--picture FILE`` draws them. Each contender has a process for
each number of threads; they take turns, round after round, and the least of the rounds counts.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

CASES: tuple[tuple[tuple[int, ...], int, float], ...] = (
    # sizes, batch, how many times as fast as the best peer it should be
    ((2, 2, 2, 1), 32, 15.0),
    ((20, 64, 64, 2), 128, 2.3),
    ((64, 100, 10), 200, 2.9),
    ((100, 256, 256, 10), 256, 1.9),
    ((784, 512, 512, 10), 128, 1.5),
    ((1024, 2048, 2048, 2048, 10), 512, 1.0),
)
# Not tuned for: other widths, ragged ones, a deep one.
OTHERS: tuple[tuple[tuple[int, ...], int, float], ...] = (
    ((5, 7, 3), 16, 1.0),
    ((13, 24, 24, 1), 64, 1.0),
    ((30, 33, 47, 4), 100, 1.0),
    ((54, *(128,) * 6, 7), 256, 1.0),
)
NEEDED = {"jax": "jax", "torch": "torch", "torch.compile": "torch", "scikit-learn": "sklearn"}
SECONDS = 0.3

FIRST_STEP = """
import time
began = time.perf_counter()
import numpy as np
import memograd
from memograd.nn.optimizers import Adam
from memograd.nn.step import training_step
from memograd.train.native import NativeEpochs
network, optimizer = memograd.MLP({sizes}, loss="{loss}"), Adam()
rng = np.random.default_rng(0)
X = rng.normal(size=({batch}, {sizes}[0])).astype(np.float32)
y = rng.normal(size=({batch}, 1)).astype(np.float32) if {sizes}[-1] == 1 else rng.integers(0, {sizes}[-1], {batch})
parameters = network.init(0)
imported = time.perf_counter()
run = NativeEpochs(training_step(network, optimizer), parameters, optimizer.init(parameters), (X, y, None),
                   batch_size={batch}, epochs=1, seed=0, n_threads=None)
run.epochs(1)
print(time.perf_counter() - began, time.perf_counter() - imported)
"""


class Contender:
    """A process that times what it is asked to."""

    def __init__(self, name: str, n_threads: int) -> None:
        self.name, self.n_threads = name, n_threads
        quiet = {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(n_threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("contenders.py")), name, str(n_threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **quiet},
        )

    def ask(self, **question: Any) -> dict[str, float] | None:
        """Its answer; None when it has died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer: dict[str, float] = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            return None
        return answer

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        with suppress(OSError):  # it may have died
            self._process.stdin.close()
        self._process.wait(timeout=60)


def operations(sizes: Sequence[int], batch: int) -> int:
    """Multiplications and additions of the products of a step: value and both derivatives, but that of the data."""
    pairs = [i * o for i, o in itertools.pairwise(sizes)]
    return 2 * batch * (3 * sum(pairs) - pairs[0])


def label(sizes: Sequence[int], batch: int) -> str:
    """A case in words."""
    return f"{'-'.join(map(str, sizes))}, batch {batch}"


def measured(names: Sequence[str], threads: Sequence[int], cases: Sequence[Any], rounds: int) -> list[dict[str, Any]]:
    """A record for each case, contender and number of threads."""
    contenders = [Contender(name, n) for name in names for n in threads]
    console = Console(stderr=True)
    peaks = dict.fromkeys(threads, 0.0)
    for contender in contenders:
        if contender.name in ("memograd", "torch"):
            library = "torch" if contender.name == "torch" else "numpy"
            found = contender.ask(peak=library)
            peaks[contender.n_threads] = max(peaks[contender.n_threads], found["gflops"] if found else 0.0)
    records = []
    for sizes, batch, target in cases:
        best: dict[tuple[str, int], float] = {}
        for number in range(rounds):
            for contender in contenders:
                console.print(f"{label(sizes, batch)}: round {number + 1}, {contender.name}", end="\r")
                answer = contender.ask(sizes=sizes, batch=batch, seconds=SECONDS)
                if answer is not None:
                    key = (contender.name, contender.n_threads)
                    best[key] = min(best.get(key, float("inf")), answer["us_per_step"])
        peer = min((us for (name, _), us in best.items() if name != "memograd"), default=float("nan"))
        for (name, n_threads), us in best.items():
            gflops = operations(sizes, batch) / us / 1e3
            records.append(
                {
                    "case": label(sizes, batch),
                    "engine": name,
                    "threads": n_threads,
                    "us_per_step": us,
                    "gflops": gflops,
                    "ratio_to_best_peer": peer / us,
                    "fraction_of_peak": gflops / peaks[n_threads],
                    "target": target,
                }
            )
    for contender in contenders:
        contender.stop()
    return records


def first_steps(cases: Sequence[Any]) -> list[dict[str, Any]]:
    """From the start of the import to the end of the first step: with an empty code cache, and with a filled one."""
    found = []
    for sizes, batch, _ in cases:
        loss = "squared_error" if sizes[-1] == 1 else "cross_entropy"
        script = FIRST_STEP.format(sizes=tuple(sizes), batch=batch, loss=loss)
        with tempfile.TemporaryDirectory() as home:
            times = []
            for _ in range(4):
                output = subprocess.run(
                    [sys.executable, "-c", script], capture_output=True, text=True, check=True,
                    env={**os.environ, "HOME": home},
                ).stdout  # fmt: skip
                times.append([float(x) for x in output.split()])
        cold, *warm = times
        best = min(warm)
        found.append(
            {
                "case": label(sizes, batch),
                "cold_s": cold[0],
                "cold_without_import_s": cold[1],
                "cached_s": best[0],
                "cached_without_import_s": best[1],
            }
        )
    return found


def predictions() -> list[dict[str, Any]]:
    """`predict` of one row and of 10,000, beside scikit-learn's."""
    import time

    import numpy as np
    from sklearn.neural_network import MLPClassifier

    import memograd as mg

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(10_000, 20)).astype(np.float32), rng.integers(0, 2, 10_000)
    theirs = MLPClassifier(hidden_layer_sizes=(64, 64), max_iter=1).fit(X, y)
    network = mg.MLP((20, 64, 64, 2), loss="cross_entropy")
    parameters = network.init(0)
    found = []
    for n_rows in (1, 10_000):
        rows = X[:n_rows]
        ours = mg.compile(network.predict, parameters, rows, engine="native")
        calls = {"memograd": lambda rows=rows, ours=ours: ours(parameters, rows),
                 "scikit-learn": lambda rows=rows: theirs.predict(rows)}  # fmt: skip
        seconds = {name: float("inf") for name in calls}
        for _ in range(30):
            for name, call in calls.items():
                began = time.perf_counter()
                call()
                seconds[name] = min(seconds[name], time.perf_counter() - began)
        found.append({"rows": n_rows, **{f"{name}_us": s * 1e6 for name, s in seconds.items()}})
    return found


def show(records: Sequence[dict[str, Any]], firsts: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> bool:
    """Print all of it; whether every case is as fast as it should be."""
    console = Console(width=max(Console().width, 110))
    names = list(dict.fromkeys((r["engine"], r["threads"]) for r in records))
    table = Table(title="µs a step; in brackets: how many times as long as memograd's best")
    for head in ("case", "contender", *(f"{n} threads" for n in dict.fromkeys(n for _, n in names)), "of peak"):
        table.add_column(head, justify="left" if head in ("case", "contender") else "right")
    fine = True
    for case in dict.fromkeys(r["case"] for r in records):
        here = {(r["engine"], r["threads"]): r for r in records if r["case"] == case}
        ours = min((r for r in here.values() if r["engine"] == "memograd"), key=lambda r: r["us_per_step"])
        for name in dict.fromkeys(name for name, _ in names):
            own = [here.get((name, n)) for n in dict.fromkeys(n for _, n in names)]
            cells = ["–" if r is None else f"{r['us_per_step']:,.4g}" for r in own]
            if name != "memograd":
                cells = [
                    cell if r is None else f"{cell} ({r['us_per_step'] / ours['us_per_step']:.3g}×)"
                    for cell, r in zip(cells, own, strict=True)
                ]
            part = max((r["fraction_of_peak"] for r in own if r is not None), default=0.0)
            table.add_row(case if name == "memograd" else "", name, *cells, f"{part:.0%}")
        ratio = ours["ratio_to_best_peer"]
        lost = ratio < ours["target"]
        fine &= not lost
        verdict = f"{ratio:.3g}× as fast as the best peer; wanted: {ours['target']:g}×{' LOST' if lost else ''}"
        table.add_row("", verdict, end_section=True)
    console.print(table)
    for title, found in (("the first step, in seconds", firsts), ("predict", rows)):
        if found:
            table = Table(title=title)
            for head in found[0]:
                table.add_column(head.replace("_", " "), justify="right")
            for record in found:
                table.add_row(*(f"{x:.3g}" if isinstance(x, float) else str(x) for x in record.values()))
            console.print(table)
    return fine


def draw(records: Sequence[dict[str, Any]], path: Path) -> None:
    """How many times as long as memograd each takes, at its best number of threads."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    cases = list(dict.fromkeys(r["case"] for r in records))
    names = [name for name in dict.fromkeys(r["engine"] for r in records) if name != "memograd"]
    figure, axes = plt.subplots(figsize=(9, 0.75 * len(cases) + 1.4), layout="constrained")
    for position, name in enumerate(names):
        best = [
            min((r["us_per_step"] for r in records if (r["engine"], r["case"]) == (name, case)), default=float("nan"))
            / min(r["us_per_step"] for r in records if (r["engine"], r["case"]) == ("memograd", case))
            for case in cases
        ]
        places = [i + (position - (len(names) - 1) / 2) * 0.8 / len(names) for i in range(len(cases))]
        bars = axes.barh(places, best, 0.75 / len(names), label=name)
        axes.bar_label(bars, [f"{x:.2g}" for x in best], padding=2, fontsize=7)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set(yticks=range(len(cases)), yticklabels=cases, xscale="log", xlabel="times as long as memograd")
    axes.invert_yaxis()
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def main() -> int:
    """Measure, show, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds, without torch.compile and the largest case")
    parser.add_argument("--rounds", type=int, help="by default 5, or 2 with --quick")
    parser.add_argument("--threads", type=int, nargs="*", help="numbers of threads; by default 1 and all")
    parser.add_argument("--json", type=Path, help="keep the numbers here")
    parser.add_argument("--picture", type=Path, help="draw them here")
    options = parser.parse_args()
    names = ["memograd"] + [name for name, module in NEEDED.items() if importlib.util.find_spec(module)]
    cases: list[Any] = [*CASES, *OTHERS]
    if options.quick:
        names = [name for name in names if name != "torch.compile"]
        cases = [case for case in cases if max(case[0]) < 2000]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = options.threads or sorted({1, cores})
    records = measured(names, threads, cases, options.rounds or (2 if options.quick else 5))
    firsts = first_steps(CASES[:5])
    rows = predictions() if importlib.util.find_spec("sklearn") else []
    fine = show(records, firsts, rows)
    if options.json:
        kept = [{key: value for key, value in record.items() if key != "target"} for record in records]
        options.json.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    if options.picture:
        draw(records, options.picture)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
