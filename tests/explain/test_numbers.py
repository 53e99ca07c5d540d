"""Numbers as they are written."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.explain.numbers import LARGE, grouped, ratio, rounded, value


@given(st.integers(0, 10**40))
def test_groups_are_those_of_python(number: int) -> None:
    """Digits are grouped as Python groups those it writes itself."""
    assert grouped(number) == f"{number:,}"


def test_numbers_longer_than_python_writes() -> None:
    """An int of more than 4,300 digits is written exactly."""
    assert grouped(10**30_000) == "1" + ",000" * 10_000
    assert rounded(1234 * 10**5_000) == "about 1.23×10⁵⁰⁰³"
    assert ratio(Fraction(1, 10**6_000)) == "1/1" + "0" * 6_000


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0"),
        (LARGE - 1, "999,999,999,999,999"),
        (LARGE, "about 1.00×10¹⁵"),
    ],
)
def test_rounding_begins_where_reading_ends(number: int, expected: str) -> None:
    """Readable numbers are exact, others have three digits and a power of ten."""
    assert rounded(number) == expected


@given(st.fractions())
def test_ratios_are_those_of_fractions(number: Fraction) -> None:
    """A fraction is written as Python writes it."""
    assert ratio(number) == str(number)


def test_zero_has_no_sign() -> None:
    """Minus zero is written as zero."""
    assert value(-0.0) == "0"


def test_values_keep_what_their_type_knows() -> None:
    """Twelve digits of a float, and all of an int or a fraction."""
    assert [value(number) for number in (0.1 + 0.2, 2, Fraction(-1, 3), float("nan"))] == ["0.3", "2", "-1/3", "nan"]
