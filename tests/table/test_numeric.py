"""How numbers are scaled and clipped, and what becomes of missing ones."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memograd.errors import BadSetting, UnknownName
from memograd.table.numeric import NumberScaling, mean_and_deviation
from memograd.table.settings import EncoderSettings

FINITE = st.floats(allow_nan=False, allow_infinity=False)
COLUMNS = st.lists(
    st.one_of(FINITE, st.just(math.nan), st.sampled_from([0.0, -0.0, 1.0, 5e-324, 1.7e308, -1.7e308])), min_size=1
)
SETTINGS = [EncoderSettings(), EncoderSettings("standard"), EncoderSettings("none")]
BOTH = SETTINGS[:2]


def scaled(column: list[float] | NDArray[Any], settings: EncoderSettings = SETTINGS[0], at: Any = None) -> Any:
    """Return a column as the scaling that is fitted to it makes it, or others."""
    numbers = np.array(column, dtype=np.float64)
    scaling = NumberScaling.fit([numbers], settings)
    return scaling.apply(np.array(numbers if at is None else at, dtype=np.float64)[None].copy())[0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(-1e7, 1e7))
def test_robust(column: list[float], x: float) -> None:
    """The robust scaling is that of the paper: median, quartiles or else range, and the smooth clip at 3."""
    low, median, high = np.quantile(column, [0.25, 0.5, 0.75])
    span = max(column) - min(column)
    factor = 1 / (high - low) if high > low else 2 / span if span else 0.0
    z = (x - median) * factor
    expected = z / math.sqrt(1 + (z / 3) ** 2) if abs(z) < 1e100 else math.copysign(3, z)
    # np.quantile interpolates in another order, so its quartiles may differ in the last bits of a large number.
    slack = 1e-9 * (1 + factor * max(map(abs, column)))
    assert scaled(column, at=[x])[0] == pytest.approx(expected, rel=1e-9, abs=min(slack, 6.0))


@given(COLUMNS, COLUMNS)
@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.numeric)
def test_any_numbers(settings: EncoderSettings, column: list[float], others: list[float]) -> None:
    """Whatever the numbers are, what they were fitted to is scaled to finite numbers, and others are never NaN."""
    found = scaled(column, settings)
    assert np.isfinite(found).all()
    if settings.numeric == "robust":
        assert (np.abs(found) <= 3).all()
        assert (np.abs(scaled(column, settings, at=others)) <= 3).all()
    assert not np.isnan(scaled(column, settings, at=others)).any()


@given(COLUMNS, st.randoms())
@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.numeric)
def test_order_of_rows(settings: EncoderSettings, column: list[float], random: Any) -> None:
    """The scaling is the same, bit for bit, in whatever order the rows stand."""
    shuffled = random.sample(column, len(column))
    one, two = (NumberScaling.fit([np.array(values)], settings) for values in (column, shuffled))
    for name in ("center", "scale", "fill"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


@pytest.mark.parametrize("settings", BOTH, ids=lambda settings: settings.numeric)
@pytest.mark.parametrize("column", [[0.1] * 7, [math.nan, 1e300, math.nan], [math.nan] * 3, [5e-324], [-0.0, 0.0]])
def test_nothing_to_learn(settings: EncoderSettings, column: list[float]) -> None:
    """A column of one number, or of none, is zero, for that number and all others."""
    np.testing.assert_array_equal(scaled(column, settings, at=[*column, 1.0, -1e308]), np.zeros(len(column) + 2))


@pytest.mark.parametrize(
    ("settings", "fill"), list(zip(SETTINGS, [0.0, 0.0, 2.0], strict=True)), ids=lambda value: str(value)[:30]
)
def test_missing(settings: EncoderSettings, fill: float) -> None:
    """Missing numbers become what the middle becomes, and take no part in what the middle is."""
    found = scaled([1.0, math.nan, 2.0, 3.0, math.nan], settings)
    assert found[1] == found[4] == fill == found[2]


def test_standard() -> None:
    """The standard scaling gives mean 0 and deviation 1, without a clip."""
    column = np.random.default_rng(0).normal(size=1000) * 1e5 + 1e9
    found = scaled(column, SETTINGS[1])
    assert (found.mean(), found.std()) == pytest.approx((0, 1), abs=1e-9)
    assert scaled(column, SETTINGS[1], at=[2e9])[0] > 9000


@given(st.lists(FINITE, min_size=1, max_size=8))
def test_mean_and_deviation(numbers: list[float]) -> None:
    """Mean and deviation are those of exact arithmetic, to rounding, for whatever float64 holds."""
    mean, deviation = mean_and_deviation(np.sort(np.array(numbers)))
    exact = list(map(Fraction, numbers))
    size = max(map(abs, exact))
    assert abs(Fraction(mean) - statistics.mean(exact)) <= size * Fraction(1e-15) + Fraction(5e-324)
    assert min(numbers) <= mean <= max(numbers)
    if deviation:  # else they differ by less than 1e-12 of their size
        variance = sum((x - statistics.mean(exact)) ** 2 for x in exact) / len(exact)
        assert abs(Fraction(deviation) ** 2 - variance) <= variance * Fraction(1e-2) + Fraction(5e-324)
    else:
        assert max(exact) - min(exact) <= size * Fraction(2e-12)


def test_clip_of_ones_own() -> None:
    """Another bound clips there, and an infinite one not at all."""
    column = [0.0, 1.0, 2.0, 3.0, 4.0]
    assert scaled(column, EncoderSettings(smooth_clip=10.0), at=[1e30])[0] == 10
    assert scaled(column, EncoderSettings(smooth_clip=math.inf), at=[1e30])[0] == pytest.approx(5e29)
    assert 2.99 < scaled(column, at=[100.0])[0] < 3


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"numeric": "minmax"}, UnknownName, "robust, standard, none"),
        ({"smooth_clip": 0.0}, BadSetting, "smooth_clip"),
        ({"smooth_clip": math.nan}, BadSetting, "smooth_clip"),
        ({"smooth_clip": True}, BadSetting, "smooth_clip"),
        ({"smooth_clip": "3"}, BadSetting, "smooth_clip"),
        ({"one_hot_up_to": 1}, BadSetting, "one_hot_up_to"),
        ({"one_hot_up_to": 2.5}, BadSetting, "one_hot_up_to"),
        ({"one_hot_up_to": 10**9}, BadSetting, "one_hot_up_to"),
        ({"numeric": ["robust"]}, UnknownName, "robust, standard, none"),
    ],
)
def test_bad_settings(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    """A setting that cannot be is refused by name."""
    with pytest.raises(error, match=message):
        EncoderSettings(**changes)
