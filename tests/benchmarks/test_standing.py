"""Paired differences between contenders, and what is concluded from them."""

from __future__ import annotations

import doctest
import math
import statistics

import pytest

import standing
from standing import Mean, best_seconds, geometric_mean, lead, median, others_cores, ratio, summary, verdict


def _record(contender: str, seed: int, score: float, *, seconds: float = 1.0, data: str = "a") -> dict[str, object]:
    return {
        "data": data, "contender": contender, "seed": seed, "score": score, "fit_seconds": seconds, "memory_mb": 1.0,
    }  # fmt: skip


def test_examples() -> None:
    """The examples in the docstrings are right."""
    assert doctest.testmod(standing).failed == 0


def test_lead_is_of_pairs() -> None:
    """The error is that of the differences seed by seed: what varies with the seed for both does not count."""
    ours, theirs = [0.5, 0.7, 0.9], [0.4, 0.61, 0.79]
    records = [_record("memograd", seed, x) for seed, x in enumerate(ours)]
    records += [_record("other", seed, x) for seed, x in reversed(list(enumerate(theirs)))]
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    found = lead(records, "a", "other")
    assert found.value == pytest.approx(statistics.fmean(differences))
    assert found.error == pytest.approx(statistics.stdev(differences) / math.sqrt(3))


def test_lead_leaves_out_what_failed() -> None:
    """A seed of which one fit failed counts for neither; without a common seed there is no lead and no verdict."""
    records = [_record("memograd", 0, 0.5), _record("memograd", 1, 0.5), _record("other", 1, 0.25)]
    records.append({"data": "a", "contender": "other", "seed": 0, "error": "killed"})
    assert lead(records, "a", "other").value == 0.25
    assert verdict(lead(records, "a", "other")) is None
    assert math.isnan(lead(records, "a", "third").value)
    assert verdict(lead(records, "b", "other")) is None


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [(0.1, 0.05, "ahead"), (-0.1, 0.05, "LOST"), (0.1, 0.1, "even"), (0.0, 0.0, "even"), (-1e-9, 0.0, "LOST")],
)
def test_verdict(value: float, error: float, expected: str) -> None:
    """A lead counts when it is larger than its standard error, in either direction."""
    assert verdict(Mean(value, error)) == expected


@pytest.mark.parametrize("difference", [1 / 45, -1 / 45, 0.028, -0.1])
def test_one_of_two_seeds_is_no_verdict(difference: float) -> None:
    """When two seeds agree but for one, the mean is as large as its error: even, however it is rounded."""
    records = [_record("memograd", 0, 0.9), _record("memograd", 1, 0.9 + difference)]
    records += [_record("other", seed, 0.9) for seed in range(2)]
    assert verdict(lead(records, "a", "other")) == "even"


def test_summary() -> None:
    """Each table is counted once, and ratios are averaged geometrically."""
    records = []
    for data, ours, theirs, seconds in [("a", 0.9, 0.5, 2.0), ("b", 0.5, 0.9, 8.0), ("c", 0.7, 0.7, 4.0)]:
        for seed in range(3):
            records.append(_record("memograd", seed, ours + 0.01 * (seed - 1), data=data))
            records.append(_record("other", seed, theirs, data=data, seconds=seconds))
    alone = [_record("memograd", seed, 0.5, data="d") for seed in range(2)]
    found = summary([*records, *alone], "other")
    assert (found.ahead, found.even, found.lost) == (("a",), ("c",), ("b",))
    assert found.fit_ratio == pytest.approx(4.0)
    assert found.memory_ratio == pytest.approx(1.0)


def test_nothing_is_not_a_number() -> None:
    """Where nothing was measured, no number is made up."""
    assert all(math.isnan(x) for x in (median([], "score"), geometric_mean([]), ratio([], "a", "other", "fit_seconds")))
    assert math.isnan(geometric_mean([0.0, math.nan]))
    assert math.isnan(best_seconds([], "case", "memograd")[0])


def test_others_cores() -> None:
    """A long fit counts for more than a short one; where nobody knows, nothing is said."""
    records = [{"fit_seconds": s, "others_cores": cores} for s, cores in [(9.0, 0.0), (1.0, 1.0), (5.0, math.nan)]]
    assert others_cores(records) == pytest.approx(0.1)
    assert math.isnan(others_cores(records[2:]))


def test_best_seconds() -> None:
    """The least of all rounds and numbers of threads counts, and failed rounds do not."""
    records = [
        {"case": "c", "contender": "memograd", "fit_seconds": seconds, "n_threads": n}
        for seconds, n in [(3.0, 1), (2.0, 2), (2.5, 1)]
    ]
    records.append({"case": "c", "contender": "memograd", "n_threads": 1, "error": "killed"})
    assert best_seconds(records, "c", "memograd") == (2.0, 2)
