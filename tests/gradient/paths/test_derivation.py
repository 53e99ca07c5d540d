"""The derivation: one record with everything that an explanation shows."""

from __future__ import annotations

import pytest

from memograd.errors import ShapeError, UnknownName
from memograd.gradient.paths.derivation import MAX_SHARED, derive
from memograd.gradient.paths.layer_counts import Multiplications


def test_the_smallest_example() -> None:
    """2-2-2-1 and its first weight, as on paper."""
    derivation = derive((2, 2, 2, 1), (1, 1, 1))
    assert derivation.derivative == "∂L/∂w¹₁₁"
    assert derivation.paths == 2
    assert derivation.terms == (
        ("∂L/∂ŷ", "∂ŷ/∂O₂₁", "∂O₂₁/∂O₁₁", "∂O₁₁/∂w¹₁₁"),
        ("∂L/∂ŷ", "∂ŷ/∂O₂₂", "∂O₂₂/∂O₁₁", "∂O₁₁/∂w¹₁₁"),
    )
    assert derivation.terms_omitted == 0
    assert derivation.shared == {"∂L/∂ŷ": 2, "∂O₁₁/∂w¹₁₁": 2}
    assert derivation.multiplications == Multiplications(naive=6, memoized=5)
    assert derivation.all_weights == Multiplications(naive=34, memoized=16)


def test_only_the_first_terms_are_written() -> None:
    """The others are counted, not built."""
    derivation = derive((2, *[64] * 1_000, 1), (1, 1, 1), max_terms=3)
    assert len(derivation.terms) == 3
    assert derivation.terms_omitted == 64**999 - 3


def test_shared_factors_have_an_end() -> None:
    """Of millions of shared factors those are kept that most paths share, and the others are counted."""
    derivation = derive((2, *[64] * 1_000, 1), (1, 1, 1))
    assert len(derivation.shared) == MAX_SHARED
    assert derivation.shared_omitted == 2 + 64 * 2 + 64 * 64 * 998 - MAX_SHARED
    assert [*derivation.shared][:2] == ["∂L/∂ŷ", "∂O₁₁/∂w¹₁₁"]


def test_what_is_not_there_is_refused() -> None:
    """No network, or no such weight in it."""
    with pytest.raises(ShapeError):
        derive((2,), (1, 1, 1))
    with pytest.raises(UnknownName):
        derive((2, 2, 1), (1, 1, 3))
