"""Schedules: their values along training, against formulas piece by piece."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import BadSetting, UnknownName
from memograd.gradient.transforms import grad
from memograd.nn.schedules import (
    SCHEDULES,
    Constant,
    CosLog,
    Exponential,
    FlatCosine,
    Schedule,
    WarmupCosine,
    reads_progress,
    resolve_schedule,
)


def half_cosine(share: float) -> float:
    """From 1 at 0 to 0 at 1."""
    return (1 + math.cos(math.pi * share)) / 2


def waves(progress: float, n_waves: int) -> float:
    """A whole wave, from 0 to 0, in each piece; every piece is twice as long as the one before."""
    length = 1 / (2**n_waves - 1)
    start = 0.0
    while progress >= start + length and length < 0.4:
        start, length = start + length, 2 * length
    # Within a piece that begins at s and is s + l₀ long, the logarithm runs from 0 to 1.
    return (1 - math.cos(2 * math.pi * math.log2(1 + (progress - start) / length))) / 2


REFERENCES: list[tuple[Schedule, Callable[[float], float]]] = [
    (SCHEDULES.make("constant"), lambda p: 1.0),
    (SCHEDULES.make("linear"), lambda p: 1 - p),
    (SCHEDULES.make("cosine"), half_cosine),
    (WarmupCosine(0.25), lambda p: p / 0.25 if p < 0.25 else half_cosine((p - 0.25) / 0.75)),
    (FlatCosine(0.6), lambda p: 1.0 if p < 0.6 else half_cosine((p - 0.6) / 0.4)),
    (FlatCosine(0.0), half_cosine),
    (Exponential(1e-3), lambda p: 1e-3**p),
    (SCHEDULES.make("coslog4"), lambda p: waves(p, 4)),
    (CosLog(2), lambda p: waves(p, 2)),
]


def test_every_schedule_has_its_reference() -> None:
    """No schedule is without a test of its values."""
    assert {type(schedule) for schedule, _ in REFERENCES} == set(SCHEDULES.members.values())


@pytest.mark.parametrize(("schedule", "reference"), REFERENCES)
@given(progress=st.floats(0, 1))
def test_values(schedule: Schedule, reference: Callable[[float], float], progress: float) -> None:
    """The factor is that of the formula, and in [0, 1] up to rounding."""
    # Where a wave touches 0, ½ − ½ cos cancels.
    assert schedule(progress) == pytest.approx(reference(progress), rel=1e-12, abs=1e-13)
    assert -1e-15 <= schedule(progress) <= 1 + 1e-15


@pytest.mark.parametrize("name", SCHEDULES.members)
def test_float32_stays(name: str) -> None:
    """A float32 progress gives a float32 factor, or a Python number."""
    found = SCHEDULES.make(name)(np.float32(0.3))
    assert getattr(found, "dtype", np.float32) == np.float32


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in REFERENCES if schedule != Constant()])
def test_schedules_can_be_traced(schedule: Any) -> None:
    """The slope that memograd finds is that of a small difference."""
    h = 1e-6
    expected = (schedule(0.8 + h) - schedule(0.8 - h)) / (2 * h)
    # A central difference in float64 is good to about h² + 10⁻¹⁶/h.
    assert grad(schedule)(0.8) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_resolving() -> None:
    """A name gives the schedule with its defaults; a function is one already."""
    assert resolve_schedule("flat_cosine") == FlatCosine(0.7)
    assert resolve_schedule(np.sqrt) is np.sqrt
    with pytest.raises(UnknownName, match="there is no schedule 'cosin'; did you mean 'cosine'"):
        resolve_schedule("cosin")


def test_coslog_is_the_published_formula() -> None:
    """½ (1 − cos(2π log₂(1 + 15 t))): at 0 where 1 + 15 t is 1, 2, 4, 8 or 16, and 1 halfway in between."""
    schedule = SCHEDULES.make("coslog4")
    for wave in range(5):
        assert schedule((2**wave - 1) / 15) == pytest.approx(0.0, abs=1e-12)
    for wave in range(4):
        assert schedule((2 ** (wave + 0.5) - 1) / 15) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("name", SCHEDULES.members)
def test_only_the_constant_one_does_not_read_the_progress(name: str) -> None:
    """All other schedules change along training."""
    assert reads_progress(name) == reads_progress(SCHEDULES.make(name)) == (name != "constant")


def branching(progress: float) -> float:
    """A schedule that decides by the progress itself, which no trace can follow."""
    return 1.0 if progress < 0.5 else 0.1


@pytest.mark.parametrize(("schedule", "expected"), [
    (lambda progress: 0.5, False),
    (lambda progress: np.float32(0.5), False),
    (lambda progress: np.asarray(0.5), False),
    (lambda progress: np.sqrt(progress), True),
    (lambda progress: progress, True),
    (np.sqrt, True),
    (branching, True),
    (lambda progress: math.cos(progress), True),
])  # fmt: skip
def test_whether_a_function_reads_the_progress(schedule: Any, expected: bool) -> None:
    """A user's function is traced; one that cannot be is taken to read it, for that is never wrong."""
    assert reads_progress(schedule) is expected


def test_an_unknown_schedule_reads_nothing() -> None:
    """A name that is in no table is an error, and not a schedule."""
    with pytest.raises(UnknownName, match="there is no schedule 'coslog'; did you mean 'coslog4'"):
        reads_progress("coslog")


@pytest.mark.parametrize(("make", "text"), [
    (lambda: CosLog(0), r"CosLog\(cycles=0\): cycles must be an integer from 1 to 32"),
    (lambda: CosLog(2.5), "cycles must be an integer from 1 to 32"),  # type: ignore[arg-type]
    (lambda: CosLog(10_000), "cycles must be an integer from 1 to 32"),
    (lambda: WarmupCosine(0.0), r"WarmupCosine\(warmup=0.0\): warmup must be a number in \(0, 1\)"),
    (lambda: FlatCosine(1.0), r"FlatCosine\(flat=1.0\): flat must be a number in \[0, 1\)"),
    (lambda: Exponential(0.0), r"Exponential\(last=0.0\): last must be a number in \(0, 1\)"),
])  # fmt: skip
def test_bad_settings(make: Callable[[], Schedule], text: str) -> None:
    """A schedule that makes no sense cannot be made."""
    with pytest.raises(BadSetting, match=text):
        make()
