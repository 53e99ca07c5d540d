"""The tables and the picture of `estimators.py`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from fits import Equal
from standing import OURS, SPEED_AIMS, Mean, Record, best_seconds, lead, median, pick, ratio, summary, verdict


def _number(x: float, form: str = ".3g") -> str:
    return "–" if math.isnan(x) else format(x, form)


def _plus_minus(found: Mean, sign: str = "") -> str:
    error = "" if math.isnan(found.error) else f" ± {found.error:.4f}"
    return "–" if math.isnan(found.value) else f"{found.value:{sign}.4f}{error}"


def score_table(records: Sequence[Record], contenders: Sequence[str], labels: dict[str, str]) -> Table:
    """A row for each contender on each table."""
    table = Table(title="accuracy or R² on rows that were not trained on, mean over seeds ± standard error")
    for head in ("data", "contender", "score", "memograd's lead", "", "log loss / RMSE", "fit s", "×", "MB"):
        table.add_column(head, justify="left" if head in ("data", "contender", "") else "right")
    for name, label in labels.items():
        for position, contender in enumerate(contenders):
            found = pick(records, data=name, contender=contender)
            first = label if position == 0 else ""
            if not found:
                errors = [r["error"] for r in records if (r["data"], r["contender"]) == (name, contender)]
                table.add_row(first, contender, f"failed: {errors[0][:60]}" if errors else "–")
                continue
            ahead = Mean(math.nan, math.nan) if contender == OURS else lead(records, name, contender)
            table.add_row(
                first,
                contender,
                _plus_minus(Mean.of(r["score"] for r in found)),
                _plus_minus(ahead, "+"),
                verdict(ahead) or "",
                _number(Mean.of(r["loss"] for r in found).value, ".4g"),
                _number(median(found, "fit_seconds")),
                "" if contender == OURS else _number(ratio(records, name, contender, "fit_seconds"), ".2g"),
                _number(median(found, "memory_mb"), ".0f"),
            )
        table.add_section()
    return table


def summary_table(records: Sequence[Record], contenders: Sequence[str]) -> Table:
    """How memograd stands to each of the others over all tables."""
    table = Table(
        title="memograd beside each; a difference within one standard error of the paired differences is even"
    )
    for head in ("contender", "ahead", "even", "LOST", "time to fit", "memory", "lost on"):
        table.add_column(head, justify="left" if head in ("contender", "lost on") else "right")
    for contender in contenders:
        if contender != OURS:
            s = summary(records, contender)
            counts = (str(len(names)) for names in (s.ahead, s.even, s.lost))
            table.add_row(
                contender, *counts, f"{_number(s.fit_ratio)}×", f"{_number(s.memory_ratio)}×", ", ".join(s.lost)
            )
    return table


def equal_table(records: Sequence[Record], cases: Sequence[Equal]) -> Table:
    """The seconds of equal networks, each contender with the number of threads that suits it."""
    table = Table(title="the same network, epochs and batch: seconds of a fit, the least of all rounds")
    for head in ("network", "other", "memograd", "other's", "×", "scores", ""):
        table.add_column(head, justify="left" if head in ("network", "other", "") else "right")
    for case in cases:
        found = {contender: pick(records, case=case.label, contender=contender) for contender in case.contenders}
        errors = [r["error"] for r in records if r["case"] == case.label and "error" in r]
        if not all(found.values()):
            table.add_row(case.label, case.contenders[1], *("–",) * 4, f"failed: {errors[0][:60]}" if errors else "")
            continue
        times = [best_seconds(records, case.label, contender) for contender in case.contenders]
        times_as_fast = times[1][0] / times[0][0]
        table.add_row(
            case.label,
            case.contenders[1],
            *(f"{_number(seconds)} ({n_threads} thr.)" for seconds, n_threads in times),
            f"{times_as_fast:.3g}",
            " / ".join(f"{median(of_one, 'score'):.3f}" for of_one in found.values()),
            "" if times_as_fast >= SPEED_AIMS[case.contenders[1]] else "LOST",
        )
    return table


def draw(records: Sequence[Record], contenders: Sequence[str], labels: dict[str, str], path: Path) -> None:
    """Scores beside memograd's with the error of the difference, and the seconds of a fit."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, sharey=True, figsize=(11, 0.5 * len(labels) + 1.6), layout="constrained", width_ratios=(3, 2)
    )
    for position, contender in enumerate(contenders):
        places = [i + (position - (len(contenders) - 1) / 2) * 0.16 for i in range(len(labels))]
        colour = f"C{position}"
        if contender != OURS:
            leads = [lead(records, name, contender) for name in labels]
            errors = [0.0 if math.isnan(x.error) else x.error for x in leads]
            left.errorbar([-x.value for x in leads], places, xerr=errors, fmt="o", ms=4, color=colour, label=contender)
        seconds = [median(pick(records, data=name, contender=contender), "fit_seconds") for name in labels]
        right.plot(seconds, places, "o", ms=4, color=colour, label=contender)
    left.axvline(0.0, color="C0", linewidth=1)
    left.set_xscale("symlog", linthresh=0.01)
    left.set(yticks=range(len(labels)), yticklabels=list(labels.values()))
    left.set_xlabel("accuracy or R² above memograd's (right of the line: better than memograd)")
    left.set_ylim(len(labels) - 0.5, -0.5)
    right.set(xscale="log", xlabel="seconds of a fit")
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper center", ncols=len(contenders), frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=120)
