"""How two contenders stand after several seeds: paired differences and their standard errors. Measures nothing.

A *record* is a mapping that says which contender was fitted on which data with which seed, and either its `score` and
what the fit took, or the `error` that stopped it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Record = Mapping[str, Any]
Verdict = Literal["ahead", "even", "LOST"]

OURS = "memograd"
SPEED_AIMS = {"RealMLP-TD-S": 2.0, "scikit-learn MLP": 5.0}
"""How many times as fast as another memograd should train an equal network."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean and its standard error; of fewer than two values the error is not a number, of none the mean neither.

    Examples
    --------
    >>> Mean.of([1.0, 2.0, 3.0])
    Mean(value=2.0, error=0.5773502691896258)
    """

    value: float
    error: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Mean:
        """From the values."""
        found = list(values)
        if not found:
            return cls(math.nan, math.nan)
        error = statistics.stdev(found) / math.sqrt(len(found)) if len(found) > 1 else math.nan
        return cls(statistics.fmean(found), error)


def pick(records: Iterable[Record], **wanted: Any) -> list[Record]:
    """The records of fits that came to an end and agree with what is wanted."""
    return [r for r in records if "error" not in r and all(r[key] == value for key, value in wanted.items())]


def lead(records: Sequence[Record], data: str, theirs: str) -> Mean:
    """By how much memograd's score is above another's: the mean over the seeds that both have, of the difference."""
    ours = {r["seed"]: r["score"] for r in pick(records, data=data, contender=OURS)}
    others = {r["seed"]: r["score"] for r in pick(records, data=data, contender=theirs)}
    return Mean.of(ours[seed] - others[seed] for seed in sorted(ours.keys() & others.keys()))


def verdict(found: Mean) -> Verdict | None:
    """What a lead says: nothing within one standard error. None where there are fewer than two seeds.

    Examples
    --------
    >>> verdict(Mean(0.02, 0.01)), verdict(Mean(-0.02, 0.01)), verdict(Mean(0.01, 0.01)), verdict(Mean(0.0, 0.0))
    ('ahead', 'LOST', 'even', 'even')
    """
    if math.isnan(found.error):
        return None
    # Of two seeds of which one differs, mean and error are the same number: rounding must not decide.
    if abs(found.value) <= found.error * (1 + 1e-9):
        return "even"
    return "ahead" if found.value > 0 else "LOST"


def median(records: Sequence[Record], key: str) -> float:
    """The median over seeds; not a number of none."""
    return statistics.median(r[key] for r in records) if records else math.nan


def ratio(records: Sequence[Record], data: str, theirs: str, key: str) -> float:
    """How many times as much of something another takes as memograd, by the medians."""
    ours = median(pick(records, data=data, contender=OURS), key)
    return median(pick(records, data=data, contender=theirs), key) / ours if ours > 0 else math.nan


def geometric_mean(ratios: Iterable[float]) -> float:
    """Of the ratios that are numbers and positive; not a number of none.

    Examples
    --------
    >>> round(geometric_mean([2.0, 8.0, float("nan")]), 6)
    4.0
    """
    logs = [math.log(x) for x in ratios if x > 0]
    return math.exp(statistics.fmean(logs)) if logs else math.nan


@dataclass(frozen=True, slots=True)
class Summary:
    """How memograd stands to one contender over all data."""

    contender: str
    ahead: tuple[str, ...]
    even: tuple[str, ...]
    lost: tuple[str, ...]
    fit_ratio: float
    memory_ratio: float


def summary(records: Sequence[Record], theirs: str) -> Summary:
    """Wins, draws and losses by name of data, and how many times as long as memograd the other takes to fit."""
    names = list(dict.fromkeys(r["data"] for r in records))
    verdicts = {name: verdict(lead(records, name, theirs)) for name in names}
    kinds = {kind: tuple(name for name in names if verdicts[name] == kind) for kind in ("ahead", "even", "LOST")}
    fits, memories = (
        geometric_mean(ratio(records, name, theirs, key) for name in names) for key in ("fit_seconds", "memory_mb")
    )
    return Summary(theirs, kinds["ahead"], kinds["even"], kinds["LOST"], fits, memories)


def best_seconds(records: Sequence[Record], case: str, contender: str) -> tuple[float, int]:
    """The least seconds of a fit over all rounds and numbers of threads, and that number; (nan, 0) of none."""
    found = [(r["fit_seconds"], r["n_threads"]) for r in pick(records, case=case, contender=contender)]
    return min(found, default=(math.nan, 0))


def others_cores(records: Sequence[Record]) -> float:
    """Cores that other work took on average while fits ran, weighted by their seconds; not a number if nobody knows."""
    found = [(r["fit_seconds"], r["others_cores"]) for r in pick(records) if not math.isnan(r["others_cores"])]
    seconds = sum(s for s, _ in found)
    return sum(s * cores for s, cores in found) / seconds if seconds else math.nan
