"""Does a node cost the same in a long chain as in a short one? Times each stage per node, from 10³ to 10⁵ nodes.

Run ``python benchmarks/chain.py``; ``--json FILE`` keeps the numbers. Exits with 1 when building and differentiating
together take more than twice as long per node at one size as at another.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from memograd.engine.numpy.emit import emit
from memograd.gradient.reverse import reverse
from memograd.graph.evaluate import evaluate
from memograd.graph.ops import make_constant
from memograd.graph.tracing import Graph, take_apart, trace
from memograd.plan.from_graph import plan_graph

SIZES = (1_000, 10_000, 100_000)
STAGES = ("build", "reverse", "evaluate", "plan+emit", "compile")
# Of these two together one size may take so many times as long per node as another.
JUDGED = ("build", "reverse")
LARGEST_RATIO = 2.0

Seconds = dict[str, float]


def chain(n_nodes: int) -> Callable[[Any], Any]:
    """A function of `n_nodes` sines, one inside the other."""

    def f(x: Any) -> Any:
        for _ in range(n_nodes):
            x = np.sin(x)
        return x

    return f


def stages(n_nodes: int) -> Iterator[tuple[str, float]]:
    """Run each stage once, on what the one before it made, and yield its name and its seconds."""
    f = chain(n_nodes)
    arguments = take_apart(f, (0.5,), {})
    began = time.perf_counter()
    graph, _ = trace(f, arguments)
    yield "build", time.perf_counter() - began

    began = time.perf_counter()
    derived = reverse(graph.outputs, [make_constant(np.ones(()))], graph.inputs, graph.origins)
    yield "reverse", time.perf_counter() - began

    outputs = (derived.table[graph.inputs[0]],)
    began = time.perf_counter()
    evaluate(outputs, {graph.inputs[0]: np.float64(0.5)})
    yield "evaluate", time.perf_counter() - began

    whole = Graph(graph.inputs, outputs, graph.names, {**derived.origins, **graph.origins})
    began = time.perf_counter()
    module = emit(whole, plan_graph(whole.inputs, whole.outputs), title="chain")
    yield "plan+emit", time.perf_counter() - began

    began = time.perf_counter()
    compile(module.source, "<chain>", "exec")
    yield "compile", time.perf_counter() - began


def measure(sizes: Sequence[int], n_rounds: int) -> dict[int, Seconds]:
    """The least seconds of each stage at each size; the sizes take turns, so that a slow minute hits all of them."""
    least: dict[int, Seconds] = {size: {} for size in sizes}
    for _ in range(n_rounds):
        for size in sizes:
            gc.collect()
            for stage, seconds in stages(size):
                least[size][stage] = min(seconds, least[size].get(stage, seconds))
    return least


def per_node(least: dict[int, Seconds]) -> dict[str, list[float]]:
    """Microseconds per node of the chain, for each stage in the order of the sizes, and for those judged together."""
    rows = {stage: [1e6 * seconds[stage] / size for size, seconds in least.items()] for stage in STAGES}
    together = [sum(parts) for parts in zip(*(rows[stage] for stage in JUDGED), strict=True)]
    return {**rows, "+".join(JUDGED): together}


def ratio(row: Sequence[float]) -> float:
    """The largest over the smallest: 1 means that a node costs the same at every size."""
    return max(row) / min(row)


def as_table(rows: dict[str, list[float]], sizes: Sequence[int]) -> Table:
    """The numbers for a terminal."""
    table = Table(title="µs per node of the chain")
    table.add_column("stage")
    for size in sizes:
        table.add_column(f"{size:,} nodes", justify="right")
    table.add_column("largest / smallest", justify="right")
    for stage, row in rows.items():
        table.add_row(stage, *(f"{value:.1f}" for value in row), f"{ratio(row):.2f}")
    return table


def as_record(rows: dict[str, list[float]], sizes: Sequence[int], n_rounds: int) -> dict[str, Any]:
    """The numbers for a file."""
    return {
        "sizes": list(sizes),
        "rounds": n_rounds,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "microseconds_per_node": rows,
        "ratio": {stage: ratio(row) for stage, row in rows.items()},
    }


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="nodes of the chains")
    parser.add_argument("--rounds", type=int, default=3, help="how often each size has its turn")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to a file")
    options = parser.parse_args()
    rows = per_node(measure(options.sizes, options.rounds))
    Console().print(as_table(rows, options.sizes))
    if options.json:
        record = as_record(rows, options.sizes, options.rounds)
        options.json.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return int(ratio(rows["+".join(JUDGED)]) > LARGEST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
