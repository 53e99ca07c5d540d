"""How numbers are written: exactly and at any length, or rounded where nobody would read the digits.

Python refuses to write an int of more than 4,300 digits, unless the whole process is told otherwise. Deep networks
have longer numbers of paths, so ints are written by way of `decimal`, which takes them exactly and at any length.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from memograd.gradient.paths.semirings import Real

# The smallest whole number that is easier read as a power of ten than digit by digit.
LARGE = 10**15

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def grouped(number: int) -> str:
    """Write a whole number exactly, its digits in groups of three.

    Examples
    --------
    >>> grouped(1234567)
    '1,234,567'
    """
    return f"{Decimal(number):,f}"


def rounded(number: int) -> str:
    """Write a whole number exactly while that is readable, else its first digits and its power of ten.

    Examples
    --------
    >>> rounded(34), rounded(64**999)
    ('34', 'about 2.36×10¹⁸⁰⁴')
    """
    if number < LARGE:
        return grouped(number)
    digits, exponent = f"{Decimal(number):.2e}".split("e+")
    return f"about {digits}×10{exponent.translate(_SUPERSCRIPT)}"


def ratio(number: int | Fraction) -> str:
    """Write a whole number or a fraction exactly.

    Examples
    --------
    >>> ratio(-3), ratio(Fraction(6, 8))
    ('-3', '3/4')
    """
    numerator, denominator = (f"{Decimal(part):f}" for part in number.as_integer_ratio())
    return numerator if denominator == "1" else f"{numerator}/{denominator}"


def value(number: Real) -> str:
    """Write a number: twelve digits of a float, and all of a fraction; zero has no sign.

    Examples
    --------
    >>> value(1 / 3), value(Fraction(1, 3))
    ('0.333333333333', '1/3')
    """
    return f"{number + 0.0:.12g}" if isinstance(number, float) else ratio(number)
