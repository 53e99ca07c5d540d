"""Semirings: the laws that a sweep relies on, and the expressions of the free one."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.gradient.paths.semirings import (
    COUNT,
    REACHES,
    REAL,
    SEMIRINGS,
    STRONGEST,
    WRITTEN,
    Expression,
    Factor,
    Semiring,
    Strongest,
    terms,
)

expressions = st.recursive(
    st.sampled_from([WRITTEN.zero, WRITTEN.one]) | st.sampled_from("abc").map(Factor),
    lambda smaller: st.builds(WRITTEN.add, smaller, smaller) | st.builds(WRITTEN.multiply, smaller, smaller),
    max_leaves=6,
)

magnitudes = st.fractions(min_value=0, max_value=10, max_denominator=10)

ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "real": st.fractions(max_denominator=100),
    "count": st.integers(min_value=0),
    "reaches": st.booleans(),
    "strongest": st.builds(Strongest, magnitudes, st.sampled_from("abc").map(Factor)),
    "written": expressions,
}


def monomials(expression: Expression) -> Counter[tuple[str, ...]]:
    return Counter(terms(expression))


def same(semiring: Semiring[Any], left: Any, right: Any) -> bool:
    """Formal polynomials are equal when their terms are; everything else knows by itself."""
    return monomials(left) == monomials(right) if semiring is WRITTEN else bool(left == right)


def test_every_semiring_has_elements_to_be_tested_with() -> None:
    """A row of the table without a strategy here would go untested."""
    assert ELEMENTS.keys() == SEMIRINGS.keys()


@pytest.mark.parametrize("name", SEMIRINGS)
@given(data=st.data())
def test_laws(name: str, data: st.DataObject) -> None:
    """Both operations are associative with their neutral elements, addition commutes, and they distribute."""
    semiring = SEMIRINGS[name]
    a, b, c = (data.draw(ELEMENTS[name]) for _ in range(3))
    add, multiply, zero, one = semiring.add, semiring.multiply, semiring.zero, semiring.one
    laws = [
        (add(a, b), add(b, a)),
        (add(add(a, b), c), add(a, add(b, c))),
        (add(a, zero), a),
        (add(zero, a), a),
        (multiply(multiply(a, b), c), multiply(a, multiply(b, c))),
        (multiply(a, one), a),
        (multiply(one, a), a),
        (multiply(a, zero), zero),
        (multiply(zero, a), zero),
        (multiply(a, add(b, c)), add(multiply(a, b), multiply(a, c))),
        (multiply(add(a, b), c), add(multiply(a, c), multiply(b, c))),
    ]
    assert [same(semiring, left, right) for left, right in laws] == [True] * len(laws)


def test_the_numbers_decide_whether_real_is_exact() -> None:
    """A third times three is one in fractions, and a float stays a float."""
    assert REAL.multiply(Fraction(1, 3), 3) == 1
    assert isinstance(REAL.multiply(Fraction(1, 3), 3), Fraction)
    assert isinstance(REAL.add(0.5, 0.5), float)


def test_counts_never_overflow() -> None:
    """Counts are whole numbers of any size."""
    assert COUNT.add(2**64, 1) == 2**64 + 1
    assert REACHES.add(False, True)


@given(expressions, expressions)
def test_written_terms_are_those_of_the_parts(left: Expression, right: Expression) -> None:
    """The terms of a sum are those of both sides; those of a product are all pairs, the left factor to the left."""
    assert list(terms(WRITTEN.add(left, right))) == [*terms(left), *terms(right)]
    pairs = [a + b for a in terms(left) for b in terms(right)]
    assert list(terms(WRITTEN.multiply(left, right))) == pairs


def test_of_equal_magnitudes_the_first_is_kept() -> None:
    """A tie is decided by order, so that the answer is the same on every run."""
    first, second = Strongest(2, Factor("first")), Strongest(2, Factor("second"))
    assert STRONGEST.add(first, second).factors() == ("first",)
    assert STRONGEST.add(second, first).factors() == ("second",)


def test_no_path_has_no_factors() -> None:
    """The zero of the strongest path has no path to show, and the one has the empty path."""
    assert STRONGEST.zero.factors() == ()
    assert STRONGEST.one.factors() == ()
    assert STRONGEST.zero != STRONGEST.one


def test_zero_leaves_no_dead_ends() -> None:
    """A product with zero is zero itself, so that an enumeration never searches for terms that are not there."""
    a = Factor("a")
    assert WRITTEN.multiply(WRITTEN.zero, a) is WRITTEN.multiply(a, WRITTEN.zero) is WRITTEN.zero
    assert WRITTEN.add(WRITTEN.zero, a) is WRITTEN.add(a, WRITTEN.zero) is a


def test_the_first_terms_of_a_googol_are_at_hand() -> None:
    """A product of 400 shared sums has 2**400 terms; the first few are enumerated without the others."""
    either, product = WRITTEN.add(Factor("a"), Factor("b")), WRITTEN.one
    for _ in range(400):
        product = WRITTEN.multiply(product, either)
    first, second = islice(terms(product), 2)
    assert first == ("a",) * 400
    assert second == ("a",) * 399 + ("b",)


def test_a_product_of_a_hundred_thousand_factors_is_read() -> None:
    """Depth costs no stack, neither to read an expression nor to drop it."""
    product = WRITTEN.one
    for _ in range(100_000):
        product = WRITTEN.multiply(product, Factor("a"))
    assert len(next(terms(product))) == 100_000
    del product


def test_a_sum_of_a_hundred_thousand_terms_is_read() -> None:
    """Width costs no stack either."""
    total = WRITTEN.zero
    for number in range(100_000):
        total = WRITTEN.add(total, Factor(str(number)))
    assert sum(1 for _ in terms(total)) == 100_000
