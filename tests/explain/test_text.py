"""The text for a terminal: what it says, to the letter, and that it fits."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.explain.text import to_text
from memograd.gradient.paths.derivation import Values, derive

SMALLEST = """\
Network 2-2-2-1, weight w(1, 1, 1): 2 paths lead to the loss.

∂L/∂w¹₁₁ = ∂L/∂ŷ [ ∂ŷ/∂O₂₁ ∂O₂₁/∂O₁₁ ∂O₁₁/∂w¹₁₁ + ∂ŷ/∂O₂₂ ∂O₂₂/∂O₁₁ ∂O₁₁/∂w¹₁₁ ]

Both paths share ∂L/∂ŷ and ∂O₁₁/∂w¹₁₁.

Multiplications         path by path          each stored once                     saved
  this weight                      6                         5                         1
  all weights                     34                        16                        18

∂L/∂w¹₁₁ in numbers
  sum over the paths   1/3
  each stored once     1/3
  finite differences   0.333333333333"""

TWO_OUTPUTS = """\
∂L/∂w¹₁₁ = ∂L/∂ŷ₁ [ ∂ŷ₁/∂O₂₁ ∂O₂₁/∂O₁₁ ∂O₁₁/∂w¹₁₁
      + ∂ŷ₁/∂O₂₂ ∂O₂₂/∂O₁₁ ∂O₁₁/∂w¹₁₁ ]
  + ∂L/∂ŷ₂ [ ∂ŷ₂/∂O₂₁ ∂O₂₁/∂O₁₁ ∂O₁₁/∂w¹₁₁
      + ∂ŷ₂/∂O₂₂ ∂O₂₂/∂O₁₁ ∂O₁₁/∂w¹₁₁ ]"""

cases = st.lists(st.integers(1, 200), min_size=2, max_size=40).flatmap(
    lambda sizes: st.integers(1, len(sizes) - 1).flatmap(
        lambda k: st.tuples(
            st.just(tuple(sizes)),
            st.tuples(st.just(k), st.integers(1, sizes[k - 1]), st.integers(1, sizes[k])),
        )
    )
)


def sections(sizes: tuple[int, ...], weight: tuple[int, int, int], max_terms: int = 4) -> list[str]:
    return to_text(derive(sizes, weight, max_terms=max_terms)).split("\n\n")


def test_the_smallest_example() -> None:
    """2-2-2-1 and its first weight, with values, to the letter."""
    values = Values(Fraction(1, 3), Fraction(1, 3), 1 / 3)
    assert to_text(derive((2, 2, 2, 1), (1, 1, 1), values=values)) == SMALLEST


def test_each_output_has_its_bracket() -> None:
    """With several outputs the derivative of the loss by each stands before the paths over it."""
    assert sections((2, 2, 2, 2), (1, 1, 1))[1] == TWO_OUTPUTS


def test_a_single_path_has_no_bracket_and_shares_nothing() -> None:
    """A weight of the last layer is two factors."""
    headline, formula, sharing, _ = sections((2, 2, 2, 1), (3, 2, 1))
    assert headline.endswith("1 path leads to the loss.")
    assert formula == "∂L/∂w³₂₁ = ∂L/∂ŷ ∂ŷ/∂w³₂₁"
    assert sharing == "A single path shares nothing: there is nothing to store for it alone."


def test_terms_left_out_are_counted_within_the_bracket_they_belong_to() -> None:
    """With one output every term begins with ∂L/∂ŷ, those left out as well; with several they do not."""
    assert sections((1, 1, 12, 1), (1, 1, 1))[1].endswith("\n      + … (8 more) ]")
    assert sections((1, 1, 12, 2), (1, 1, 1))[1].endswith(" ]\n  + … (20 more)")


def test_no_terms_at_all_leaves_the_count() -> None:
    """Asked for no term, the formula still says how many there are."""
    assert sections((2, 2, 2, 1), (1, 1, 1), max_terms=0)[1] == "∂L/∂w¹₁₁ = … (2 more)"


def test_what_only_some_paths_share_is_counted() -> None:
    """All paths over one output share what is above it; others do not."""
    assert sections((2, 2, 2, 2), (1, 1, 1))[2] == (
        "All 4 paths share ∂O₁₁/∂w¹₁₁. 4 more factors are shared by several of them."
    )


def test_a_number_of_paths_beyond_reading_is_written_all_the_same() -> None:
    """The exact number stands under the rounded one, though Python itself would refuse to write it."""
    headline = sections((2, *[8] * 10_000, 1), (1, 1, 1))[0]
    first, *digits = headline.split("\n")
    assert first == "Network 2-8×10000-1, weight w(1, 1, 1): about 9.93×10⁹⁰²⁹ paths lead to the loss. Exactly:"
    number = 0
    for group in "".join(digits).replace(" ", "").split(","):
        number = 1000 * number + int(group)
    assert number == 8**9_999


def test_long_products_keep_their_ends() -> None:
    """The first terms of a deep network are told apart by what is written of them."""
    lines = sections((2, *[64] * 1_000, 1), (1, 1, 1))[1].split("\n")
    assert lines[1].endswith("… ∂O₄₁/∂O₃₁ ∂O₃₁/∂O₂₂ ∂O₂₂/∂O₁₁ ∂O₁₁/∂w¹₁₁")
    assert len(set(lines)) == 5


def test_what_was_not_computed_is_said() -> None:
    """Where there were too many paths, the other values stand alone."""
    text = to_text(derive((2, 2, 2, 1), (1, 1, 1), values=Values(None, 0.5, 0.5)))
    assert "  sum over the paths   too many paths to take them one by one\n  each stored once     0.5\n" in text


def test_a_difference_of_zero_is_explained() -> None:
    """Where the derivative is too small for the loss to show it, the text says so instead of contradicting itself."""
    text = to_text(derive((2, 2, 1), (1, 1, 1), values=Values(1e-30, 1e-30, 0.0)))
    assert text.endswith(
        "  each stored once     1e-30\n  finite differences   0, for the loss changes in none of its digits"
    )
    flat = to_text(derive((2, 2, 1), (1, 1, 1), values=Values(0.0, -0.0, 0.0)))
    assert flat.endswith("  each stored once     0\n  finite differences   0")


def test_a_line_broken_within_a_term_is_told_from_the_next_term() -> None:
    """What continues a term stands further in than any plus sign."""
    lines = sections((2, *[8] * 600, 2), (500, 8, 7))[1].split("\n")
    margins = {line.lstrip()[0] == "+": len(line) - len(line.lstrip()) for line in lines[1:-1]}
    assert margins == {True: 6, False: 10}


@pytest.mark.parametrize("sizes", [(2, *[8] * 10_000, 3), tuple(range(1, 500)), (1,) * 50 + (2, 2)])
def test_large_networks_fit_into_the_lines(sizes: tuple[int, ...]) -> None:
    """No line of any network has a hundred columns."""
    assert max(map(len, to_text(derive(sizes, (1, 1, 1))).split("\n"))) < 100


@given(cases, st.integers(0, 9), st.fractions() | st.floats())
def test_every_line_fits(case: tuple[tuple[int, ...], tuple[int, int, int]], max_terms: int, value: float) -> None:
    """No line has a hundred columns, and none ends in a space."""
    values = Values(value, value, value)
    lines = to_text(derive(*case, max_terms=max_terms, values=values)).split("\n")
    assert max(map(len, lines)) < 100
    assert lines == [line.rstrip() for line in lines]
