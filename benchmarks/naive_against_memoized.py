"""What the memo saves: one derivative summed path by path, and by the sweep that stores every factor, as depth grows.

Run ``python benchmarks/naive_against_memoized.py``: prints the table, and writes it with its picture to ``docs/``.
``--json FILE`` keeps the numbers. The picture needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import matplotlib as mpl
from rich.console import Console
from rich.table import Table

from memograd.gradient.paths.layer_counts import weight_paths
from memograd.gradient.paths.layered import LOSS, Slopes, weight_graph, weight_name
from memograd.gradient.paths.naive import Counted, memoized_path_sum, naive_path_sum

DOCS = Path(__file__).parents[1] / "docs"
PICTURE = DOCS / "naive_against_memoized.png"
PAGE = DOCS / "naive_against_memoized.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

WEIGHT = (1, 1, 1)
# Far beyond what the naive sum can do, where only its count is known.
DEEP = (100, 1_000)
# The measurement of a short sum repeats it until it has taken this long.
LEAST_SECONDS = 0.05

# Any numbers will do; these differ from edge to edge, and sums of many products of them stay near 1.
SLOPES = Slopes(
    loss=lambda j: 0.5 + j / 7,
    node=lambda k, i, j: (1 + math.sin(k + 2 * i + 3 * j) / 2) / 3,
    weight=lambda k, i, j: 0.5 + i / 5,
)

# Okabe & Ito's palette: told apart with any colour vision, and in grey by the markers.
NAIVE_COLOUR, MEMOIZED_COLOUR = "#D55E00", "#0072B2"


@dataclass(frozen=True, slots=True)
class Row:
    """One depth; seconds are None where the naive sum was not tried."""

    n_layers: int
    n_paths: int
    naive_multiplications: int
    memoized_multiplications: int
    naive_seconds: float | None
    memoized_seconds: float


def sizes_of(n_layers: int, width: int) -> tuple[int, ...]:
    """Two inputs, hidden layers of one width, one output."""
    return (2, *[width] * (n_layers - 1), 1)


def row(n_layers: int, width: int, *, naive: bool) -> Row:
    """Count and measure both sums at one depth, and check that they give one derivative."""
    sizes = sizes_of(n_layers, width)
    graph, name = weight_graph(sizes, WEIGHT, SLOPES), weight_name(WEIGHT)
    counts = weight_paths(sizes, WEIGHT)
    expected = counts.multiplications()
    memoized, memoized_seconds = timed(lambda: memoized_path_sum(graph, name, LOSS))
    assert memoized.multiplications == expected.memoized
    naive_seconds = None
    if naive:
        summed, naive_seconds = timed(lambda: naive_path_sum(graph, name, LOSS, max_paths=counts.count))
        assert summed.multiplications == expected.naive
        # They multiply and add in different orders. All terms are positive, so each step of either loses at most
        # half a unit in the last place, relative to the result.
        assert math.isclose(summed.value, memoized.value, rel_tol=(counts.count + n_layers + 1) * 2.0**-52)
    return Row(n_layers, counts.count, expected.naive, expected.memoized, naive_seconds, memoized_seconds)


def timed(act: Callable[[], Counted[Any]]) -> tuple[Counted[Any], float]:
    """The result, and the least seconds of as many runs as fit."""
    least, spent = math.inf, 0.0
    while spent < LEAST_SECONDS:
        began = time.perf_counter()
        result = act()
        seconds = time.perf_counter() - began
        least, spent = min(least, seconds), spent + seconds
    return result, least


def rows(width: int, most_seconds: float) -> Iterator[Row]:
    """Deeper and deeper, until the next naive sum would take too long; then some depths without it."""
    n_layers, expected_seconds = 1, 0.0
    while expected_seconds <= most_seconds:
        yield (found := row(n_layers, width, naive=True))
        n_layers += 1
        # Each layer has `width` times as many paths, and each path one more factor.
        expected_seconds = (found.naive_seconds or 0.0) * width
    yield from (row(n_layers, width, naive=False) for n_layers in DEEP)


def cells(found: Row) -> tuple[str, ...]:
    """A row as text."""
    return (
        f"{found.n_layers:,}",
        number(found.n_paths),
        number(found.naive_multiplications),
        number(found.memoized_multiplications),
        duration(found.naive_seconds),
        duration(found.memoized_seconds),
    )


HEADER = ("layers", "paths", "× path by path", "× with the memo", "time path by path", "time with the memo")


def number(count: int) -> str:
    """A count: exact up to a billion, three digits beyond."""
    return f"{count:,}" if count < 10**9 else f"{Decimal(count):.2e}".replace("e+", "·10^")


def duration(seconds: float | None) -> str:
    """A time in the unit that suits it."""
    if seconds is None:
        return "–"
    scale, unit = (1e6, "µs") if seconds < 1e-3 else (1e3, "ms") if seconds < 1 else (1, "s")
    return f"{seconds * scale:.3g} {unit}"


def as_table(found: Sequence[Row], width: int) -> Table:
    """The rows for a terminal."""
    table = Table(title=f"∂L/∂{weight_name(WEIGHT)} in layers of {width} nodes")
    for name in HEADER:
        table.add_column(name, justify="right")
    for each in found:
        table.add_row(*cells(each))
    return table


def as_markdown(found: Sequence[Row]) -> str:
    """The rows for the page."""
    lines = [HEADER, ("---:",) * len(HEADER), *map(cells, found)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_page(found: Sequence[Row]) -> None:
    """Put the table between the page's markers; all other text stays."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{as_markdown(found)}\n{END}{after}", "utf-8")


def draw(found: Sequence[Row], width: int) -> None:
    """Two panels over the depth, on logarithmic axes: multiplications and seconds."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    measured = [each for each in found if each.naive_seconds is not None]
    depths = [each.n_layers for each in measured]
    panels = (
        ("multiplications", "naive_multiplications", "memoized_multiplications"),
        ("seconds", "naive_seconds", "memoized_seconds"),
    )
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for axis, (unit, naive, memoized) in zip(axes, panels, strict=True):
        for attribute, label, colour, marker in (
            (naive, "path by path", NAIVE_COLOUR, "o"),
            (memoized, "with the memo", MEMOIZED_COLOUR, "s"),
        ):
            values = [getattr(each, attribute) for each in measured]
            axis.plot(depths, values, color=colour, marker=marker, markersize=4, linewidth=1.8)
            axis.annotate(
                label, (depths[-1], values[-1]), xytext=(-8, 6), textcoords="offset points", ha="right", color=colour
            )
        axis.set_yscale("log")
        axis.set_xlabel("layers")
        axis.set_title(unit, loc="left", fontsize=11)
        axis.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        axis.grid(axis="y", color="0.9")
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"One weight's derivative in a network of {width} nodes a layer", fontsize=12)
    figure.savefig(PICTURE, dpi=150, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Measure, print, and write the page, its picture and the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=3, help="nodes of each hidden layer")
    parser.add_argument("--seconds", type=float, default=10.0, help="the longest naive sum that is tried")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to a file")
    parser.add_argument("--no-docs", action="store_true", help="leave the page and its picture as they are")
    options = parser.parse_args()
    found = list(rows(options.width, options.seconds))
    Console().print(as_table(found, options.width))
    if not options.no_docs:
        write_page(found)
        draw(found, options.width)
    if options.json:
        record = {"width": options.width, "rows": [asdict(each) for each in found]}
        options.json.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
