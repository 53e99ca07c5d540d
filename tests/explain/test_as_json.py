"""The derivation as data: its keys, its numbers, and that the `json` module writes it."""

from __future__ import annotations

import json
from fractions import Fraction

from memograd.explain.as_json import to_json
from memograd.explain.latex import to_latex
from memograd.gradient.paths.derivation import Values, derive

SMALLEST = {
    "network": [2, 2, 2, 1],
    "weight": [1, 1, 1],
    "paths": 2,
    "terms": [
        ["∂L/∂ŷ", "∂ŷ/∂O₂₁", "∂O₂₁/∂O₁₁", "∂O₁₁/∂w¹₁₁"],
        ["∂L/∂ŷ", "∂ŷ/∂O₂₂", "∂O₂₂/∂O₁₁", "∂O₁₁/∂w¹₁₁"],
    ],
    "shared": {"∂L/∂ŷ": 2, "∂O₁₁/∂w¹₁₁": 2},
    "multiplications": {"naive": 6, "memoized": 5, "all_weights": {"naive": 34, "memoized": 16}},
    "latex": to_latex(derive((2, 2, 2, 1), (1, 1, 1))),
    "values": {"path_sum": 0.5, "memoized": 0.5, "finite_difference": 0.25},
}


def test_the_smallest_example() -> None:
    """2-2-2-1 and its first weight, key by key, in order."""
    form = to_json(derive((2, 2, 2, 1), (1, 1, 1), values=Values(0.5, 0.5, 0.25)))
    assert form == SMALLEST
    assert [*form] == [*SMALLEST]


def test_it_survives_being_written_and_read() -> None:
    """What the `json` module writes is read as the same data."""
    form = to_json(derive((3, 4, 5, 2), (1, 2, 3), values=Values(None, 0.1, 0.1)))
    assert json.loads(json.dumps(form)) == form


def test_without_numbers_there_are_no_values() -> None:
    """The key is there all the same."""
    assert to_json(derive((2, 2, 1), (1, 1, 1)))["values"] is None


def test_fractions_are_written_exactly() -> None:
    """JSON has no fractions, and a float would not be exact."""
    values = to_json(derive((2, 2, 1), (1, 1, 1), values=Values(Fraction(2, 6), Fraction(4, 2), 0.5)))["values"]
    assert values == {"path_sum": "1/3", "memoized": "2", "finite_difference": 0.5}


def test_large_counts_stay_whole_numbers() -> None:
    """A number of paths of 1,805 digits is written and read without loss."""
    form = to_json(derive((2, *[64] * 1_000, 1), (1, 1, 1)))
    assert json.loads(json.dumps(form))["paths"] == 64**999


def test_larger_counts_are_exact_too() -> None:
    """Beyond 4,300 digits, where Python stops to write ints unless told to, the data is exact."""
    assert to_json(derive((2, *[8] * 10_000, 1), (1, 1, 1)))["paths"] == 8**9_999
