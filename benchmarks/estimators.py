"""How well, how fast and in how much memory do estimators fit raw tables? memograd beside scikit-learn and RealMLP.

Run ``python benchmarks/estimators.py``; it takes an hour or more, ``--quick`` some minutes. pytabkit's RealMLP-TD-S
takes part where it is installed. ``--json FILE`` keeps the numbers, ``--picture FILE`` draws them. Each fit has a
process of its own, and the contenders take turns. Exits with 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console

from fits import EQUAL, QUICK_EQUAL, Equal
from raw_tables import NAMES, problem
from rivals import CONTENDERS
from showing import draw, equal_table, score_table, summary_table
from standing import OURS, SPEED_AIMS, best_seconds, lead, others_cores, summary

DEFAULT = ("memograd", "scikit-learn MLP", "HistGradientBoosting", "RealMLP-TD-S")
NEEDED = {"RealMLP-TD-S": "pytabkit"}
QUICK_NAMES = ("wine", "breast cancer", "linnerud", "additive")
QUICK_ROWS = 2_000
LIMIT_SECONDS = 3600.0
QUIET_CORES = 0.1  # with a core busy elsewhere, OpenMP's threads made fits of RealMLP-TD-S 30 to 100 times as long
Record = dict[str, Any]


class Fitter:
    """Has fits done, each by a new process; all of them share one home, whose code cache is empty at the start."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._console = Console(stderr=True)

    def ask(self, n_threads: int, **question: Any) -> Record:
        """The question with its answer; with an `error` where the process failed."""
        asked = {**question, "n_threads": n_threads}
        self._console.print(", ".join(str(value) for value in question.values() if value is not None), highlight=False)
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(n_threads))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MEMOGRAD_")}
        command = [sys.executable, str(Path(__file__).with_name("fits.py")), json.dumps(asked)]
        env = {**kept, **threads, "HOME": str(self._home)}
        try:
            done = subprocess.run(command, env=env, check=True, capture_output=True, text=True, timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            return {**asked, "error": f"took longer than {LIMIT_SECONDS:g} s"}
        except subprocess.CalledProcessError as error:
            return {**asked, "error": (error.stderr.strip().splitlines() or [f"exit {error.returncode}"])[-1]}
        return {**asked, **json.loads(done.stdout.splitlines()[-1])}


def turns(contenders: Sequence[str], number: int) -> list[str]:
    """The contenders in the order of a round: each comes first in turn."""
    start = number % len(contenders)
    return [*contenders[start:], *contenders[:start]]


def scored(
    fitter: Fitter, names: Sequence[str], contenders: Sequence[str], *, seeds: int, n_threads: int, n_rows: int | None
) -> Iterator[Record]:
    """Fit all contenders on the same rows, seed after seed."""
    for name in names:
        for seed in range(seeds):
            for contender in turns(contenders, seed):
                yield fitter.ask(n_threads, data=name, n_rows=n_rows, seed=seed, contender=contender)


def timed(
    fitter: Fitter, cases: Sequence[Equal], contenders: Sequence[str], *, rounds: int, threads: Sequence[int]
) -> Iterator[Record]:
    """Train equal networks; a contender takes part with each number of threads."""
    for case in cases:
        if case.contenders[1] in contenders:
            for number in range(rounds):
                for contender in turns(case.contenders, number):
                    for n_threads in threads:
                        yield fitter.ask(n_threads, case=case.label, seed=number, contender=contender)


def missed(records: Sequence[Record], times: Sequence[Record], cases: Sequence[Equal]) -> list[str]:
    """The aims that are missed, in words; what was not measured is not judged."""
    found = []
    names = list(dict.fromkeys(r["data"] for r in records))
    if lost := summary(records, "RealMLP-TD-S").lost:
        found.append(f"worse than RealMLP-TD-S beyond one standard error on {', '.join(lost)}")
    leads = [lead(records, name, "scikit-learn MLP").value for name in names]
    judged = [x for x in leads if not math.isnan(x)]
    if judged and 2 * sum(x > 0 for x in judged) <= len(judged):
        found.append(f"better than scikit-learn's MLP on {sum(x > 0 for x in judged)} of {len(judged)} only")
    for case in cases:
        ours, theirs = (best_seconds(times, case.label, contender)[0] for contender in case.contenders)
        aim = SPEED_AIMS[case.contenders[1]]
        if theirs / ours < aim:
            found.append(f"{case.label}: {theirs / ours:.2g}× as fast as {case.contenders[1]}, not {aim:g}×")
    if failed := [r for r in [*records, *times] if "error" in r and r["contender"].startswith(OURS)]:
        found.append(f"{len(failed)} fits of memograd failed; the first: {failed[0]['error']}")
    return found


def surroundings() -> dict[str, Any]:
    """What the numbers depend on."""
    versions = {}
    for name in ("memograd", "scikit-learn", "pytabkit", "torch", "numpy", "pandas"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "–"
    return {"python": platform.python_version(), "n_cpus": os.cpu_count(), "versions": versions}


def parsed() -> argparse.Namespace:
    """The options."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"2 seeds, some tables, of each {QUICK_ROWS:,} rows")
    parser.add_argument("--seeds", type=int, help="by default 5, or 2 with --quick")
    parser.add_argument(
        "--rounds", type=int, help="of equal networks; by default 3, or 2 with --quick; 0 leaves them out"
    )
    parser.add_argument("--rows", type=int, metavar="N", help="only the first rows of each table")
    parser.add_argument("--threads", type=int, default=cores, help="by default all cores; equal networks also with 1")
    parser.add_argument("--data", nargs="*", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument(
        "--contenders", nargs="*", choices=CONTENDERS, metavar="NAME", help=f"of {'; '.join(CONTENDERS)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the numbers here")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw them here")
    return parser.parse_args()


def main() -> int:
    """Measure, show, keep, and judge."""
    options = parsed()
    names = (QUICK_NAMES if options.quick else NAMES) if options.data is None else options.data
    n_rows = options.rows or (QUICK_ROWS if options.quick else None)
    seeds = options.seeds or (2 if options.quick else 5)
    rounds = (2 if options.quick else 3) if options.rounds is None else options.rounds
    absent = [name for name, module in NEEDED.items() if importlib.util.find_spec(module) is None]
    contenders = [name for name in options.contenders or DEFAULT if name not in absent]
    cases = (
        [] if rounds == 0 else [c for c in (QUICK_EQUAL if options.quick else EQUAL) if c.contenders[1] in contenders]
    )
    console = Console(width=max(Console().width, 140))
    records: list[Record] = []
    times: list[Record] = []
    threads = [options.threads] if options.quick else sorted({1, options.threads})
    with tempfile.TemporaryDirectory() as home:
        fitter = Fitter(Path(home))
        fits = scored(fitter, names, contenders, seeds=seeds, n_threads=options.threads, n_rows=n_rows)
        for record in itertools.chain(fits, timed(fitter, cases, contenders, rounds=rounds, threads=threads)):
            (times if "case" in record else records).append(record)
            if options.json:  # each time: a long run may be stopped
                kept = {**surroundings(), "scored": records, "equal": times}
                options.json.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    labels = {name: problem(name, n_rows).label for name in names}
    if names:
        console.print(score_table(records, contenders, labels))
        console.print(summary_table(records, contenders))
    if cases:
        console.print(equal_table(times, cases))
    for name in absent:
        console.print(f"{name} takes no part: pip install {NEEDED[name]}")
    if (busy := others_cores([*records, *times])) > QUIET_CORES:
        console.print(
            f"[red]other work took {busy:.2g} cores meanwhile: no time here is to be quoted;[/red] contenders whose "
            "threads wait for each other by spinning suffer most",
            highlight=False,
        )
    aims = missed(records, times, cases)
    for aim in aims:
        console.print(f"[red]aim missed:[/red] {aim}", highlight=False)
    if options.picture and names:
        draw(records, contenders, labels, options.picture)
    return int(bool(aims))


if __name__ == "__main__":
    sys.exit(main())
