"""The LaTeX: what it says, to the letter, and that it is well-formed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.explain.latex import factor, to_latex
from memograd.gradient.paths.derivation import derive

SMALLEST = (
    r"\frac{\partial L}{\partial w^{1}_{11}} = \frac{\partial L}{\partial \hat{y}} \left[ "
    r"\frac{\partial \hat{y}}{\partial O_{21}} \frac{\partial O_{21}}{\partial O_{11}} "
    r"\frac{\partial O_{11}}{\partial w^{1}_{11}} + "
    r"\frac{\partial \hat{y}}{\partial O_{22}} \frac{\partial O_{22}}{\partial O_{11}} "
    r"\frac{\partial O_{11}}{\partial w^{1}_{11}} \right]"
)

COMMANDS = {r"\frac", r"\partial", r"\hat", r"\left", r"\right", r"\cdots"}


def test_the_smallest_example() -> None:
    """2-2-2-1 and its first weight, to the letter."""
    assert to_latex(derive((2, 2, 2, 1), (1, 1, 1))) == SMALLEST


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("∂L/∂ŷ₁₂", r"\frac{\partial L}{\partial \hat{y}_{12}}"),
        ("∂O₍₁₂,₃₎/∂O₍₁₁,₁₀₎", r"\frac{\partial O_{12,3}}{\partial O_{11,10}}"),
        ("∂O₍₁₂,₃₎/∂w¹²₍₇₀₀,₃₎", r"\frac{\partial O_{12,3}}{\partial w^{12}_{700,3}}"),
    ],
)
def test_indices_over_nine_are_separated_by_commas(name: str, expected: str) -> None:
    """A pair of indices stays a pair."""
    assert factor(name) == expected


def test_terms_left_out_are_dots_within_the_bracket() -> None:
    """With one output the dots stand for terms that begin with the same factor."""
    assert to_latex(derive((1, 1, 9, 1), (1, 1, 1))).endswith(r"+ \cdots \right]")
    assert to_latex(derive((1, 1, 9, 9), (1, 1, 1))).endswith(r"\right] + \cdots")


@given(st.lists(st.integers(1, 30), min_size=2, max_size=30), st.integers(0, 6))
def test_it_is_well_formed(sizes: list[int], max_terms: int) -> None:
    """Braces and brackets are paired, commands are known, and no character is left that LaTeX cannot set."""
    latex = to_latex(derive(sizes, (1, 1, 1), max_terms=max_terms))
    assert latex.isascii()
    assert set(re.findall(r"\\[a-z]+", latex)) <= COMMANDS
    assert latex.count(r"\left[") == latex.count(r"\right]") == latex.count("[")
    depths = [latex[:n].count("{") - latex[:n].count("}") for n in range(len(latex) + 1)]
    assert min(depths) == depths[-1] == 0
