"""Numbers and dates become inputs of about the same size; missing ones become the middle.

The robust scaling with smooth clipping is that of Holzmüller, Grinsztajn & Steinwart 2024, "Better by default: strong
pre-tuned MLPs and boosted trees on tabular data" (arXiv 2407.04491), section 3, which replaces missing numbers not at
all; here they become the median.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memograd.errors import BadSetting
from memograd.table.settings import EncoderSettings

Numbers = NDArray[np.float64]
Fit = tuple[float, float, float]
"""Center, scale, and what a missing number becomes after both."""

_LARGEST = float(np.finfo(np.float64).max)

_LARGEST_SCALE = _LARGEST / 4
"""Of a column whose numbers differ by less than the inverse of what float64 can hold."""

_FAR = 1e9
"""Beyond this many units, numbers are clipped hard first: the smooth clip is flat there, and its square is finite."""


@dataclass(frozen=True, slots=True, eq=False)
class NumberScaling:
    """Columns of numbers are shifted, multiplied, and clipped smoothly; missing numbers are filled in.

    Parameters
    ----------
    center, scale, fill : (n_columns,) float64
        A number x becomes (x − center)·scale, and a missing one `fill`. A column of scale 0 carries nothing.
    bound : float
        The scaled numbers z become z/√(1 + (z/bound)²), which stays within ±bound; infinite for no clipping.

    Raises
    ------
    BadSetting
        When they have another shape or dtype, are not finite, or a scale is negative.

    Examples
    --------
    >>> scaling = NumberScaling.fit([np.array([0.0, 1.0, 2.0, 3.0, 4.0])], EncoderSettings())
    >>> scaling.center, scaling.scale
    (array([2.]), array([0.5]))
    >>> scaling.apply(np.array([[2.0, 4.0, 1e300, np.nan]])).round(3)
    array([[0.   , 0.949, 3.   , 0.   ]])
    """

    center: Numbers
    scale: Numbers
    fill: Numbers
    bound: float

    def __post_init__(self) -> None:
        for name in ("center", "scale", "fill"):
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.ndim != 1:
                raise BadSetting(f"the {name} of a scaling of numbers must be (n_columns,) float64")
            if len(array) != len(self.center) or not np.isfinite(array).all():
                raise BadSetting(f"the {name} of a scaling of numbers must be {len(self.center)} finite numbers")
        if (self.scale < 0).any():
            raise BadSetting("a scale of a scaling of numbers is negative")
        if not self.bound > 0:
            raise BadSetting(f"the bound of a scaling of numbers is {self.bound}; it must be positive")

    @classmethod
    def fit(cls, columns: Sequence[Numbers], settings: EncoderSettings) -> NumberScaling:
        """Choose the scaling of columns of (n_rows,) float64 with NaN for what is missing; their order is nothing.

        A column without a number, or with one number only, carries nothing (but with `numeric="none"`).
        """
        method = _METHODS[settings.numeric]
        fits = np.array([method(in_order(column)) for column in columns], dtype=np.float64).reshape(-1, 3)
        center, scale, fill = (np.ascontiguousarray(part) for part in fits.T)
        return cls(center, scale, fill, settings.smooth_clip if settings.numeric == "robust" else math.inf)

    def apply(self, values: Numbers) -> Numbers:
        """Scale values : (n_columns, n) in place and return them; infinite if float64 cannot hold the result.

        Every number is computed by itself, with operations that round correctly: others beside it change no bit.
        """
        missing = np.isnan(values)
        with np.errstate(over="ignore", invalid="ignore"):
            values -= self.center[:, None]
            np.clip(values, -_LARGEST, _LARGEST, out=values)  # for a scale of 0, which makes NaN of an infinite number
            values *= self.scale[:, None]
            if math.isfinite(self.bound):
                _clip(values, self.bound)
        np.copyto(values, self.fill[:, None], where=missing)
        return values


def in_order(column: Numbers) -> Numbers:
    """Return the numbers of a column that are there, ascending, whatever the order of its rows.

    To sort a column is faster than to partition it by three quantiles: 0.5 of 2 ms for 100,000 rows.

    Examples
    --------
    >>> in_order(np.array([3.0, np.nan, -0.0, 1.0]))
    array([0., 1., 3.])
    """
    ordered = np.sort(column)  # NaN come last
    ordered += 0.0  # makes 0 of −0, which are equal, so that either could come first
    return ordered[: len(ordered) - int(np.isnan(ordered).sum())]


def mean_and_deviation(ordered: Numbers) -> tuple[float, float]:
    """Return mean and standard deviation of sorted numbers; the deviation is 0 if all are equal but for rounding.

    Parameters
    ----------
    ordered : (n,) float64
        At least one, ascending: sorted first, the same numbers have the same sum.

    Examples
    --------
    >>> mean_and_deviation(np.array([1e308, 1.5e308])) == (1.25e308, 2.5e307)
    True
    """
    if ordered[0] == ordered[-1]:
        return float(ordered[0]), 0.0
    exponent = int(np.frexp(max(abs(ordered[0]), abs(ordered[-1])))[1])
    small = np.ldexp(ordered, -exponent)  # exact, and no sum of these overflows
    mean = small.mean()
    distance = float(max(mean - small[0], small[-1] - mean))
    # Relative, for the deviation of a constant column is rounding, not 0.
    if distance <= 1e-12 * max(abs(small[0]), abs(small[-1])):
        return float(np.ldexp(mean, exponent)), 0.0
    # Divided before it is squared, so that small numbers do not vanish.
    deviation = distance * float(np.sqrt((((small - mean) / distance) ** 2).mean()))
    return float(np.ldexp(mean, exponent)), float(np.ldexp(deviation, exponent))


def _robust(ordered: Numbers) -> Fit:
    """Median 0 and the middle half 1 wide; without such a width, the range 2 wide; without a range, nothing."""
    if not len(ordered):
        return 0.0, 0.0, 0.0
    low, median, high = (_quantile(ordered, q) for q in (0.25, 0.5, 0.75))
    return median, _inverse(low, high, 1.0) or _inverse(float(ordered[0]), float(ordered[-1]), 2.0), 0.0


def _standard(ordered: Numbers) -> Fit:
    """Mean 0 and standard deviation 1; without a deviation, nothing."""
    if not len(ordered):
        return 0.0, 0.0, 0.0
    mean, deviation = mean_and_deviation(ordered)
    return mean, min(1.0 / deviation, _LARGEST_SCALE) if deviation else 0.0, 0.0


def _none(ordered: Numbers) -> Fit:
    """As it is, and the median for what is missing."""
    return 0.0, 1.0, _quantile(ordered, 0.5) if len(ordered) else 0.0


_METHODS: Mapping[str, Callable[[Numbers], Fit]] = {"robust": _robust, "standard": _standard, "none": _none}


def _quantile(ordered: Numbers, q: float) -> float:
    """The quantile of sorted numbers, interpolated linearly."""
    index, part = divmod((len(ordered) - 1) * q, 1.0)
    low, high = float(ordered[int(index)]), float(ordered[min(int(index) + 1, len(ordered) - 1)])
    difference = high - low
    return low + difference * part if math.isfinite(difference) else low * (1 - part) + high * part


def _inverse(low: float, high: float, width: float) -> float:
    """What makes an interval `width` wide; 0 if it is empty. Halves, for the difference of two float64 can overflow."""
    half = high / 2 - low / 2
    return min(width / 2 / half, _LARGEST_SCALE) if half > 0 else 0.0


def _clip(values: Numbers, bound: float) -> None:
    """Replace z by z/√(1 + (z/bound)²), in place; NaN stays."""
    far = _FAR * bound
    np.clip(values, -far, far, out=values)
    root = values / bound
    root *= root
    root += 1.0
    np.sqrt(root, out=root)
    values /= root
