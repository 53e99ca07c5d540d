"""The derivation: one record with everything that an explanation shows."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from memograd.errors import ShapeError, UnknownName
from memograd.gradient.derivation import MAX_SHARED, derive, evaluate
from memograd.gradient.layer_counts import Multiplications
from memograd.gradient.scalar_network import ACTIVATIONS, ScalarNetwork


def exact_network(*sizes: int) -> ScalarNetwork:
    layers = list(pairwise(sizes))
    return ScalarNetwork(
        weights=[[[Fraction(i + 1, j + 2) for j in range(above)] for i in range(below)] for below, above in layers],
        biases=[[Fraction(1, 2)] * above for _, above in layers],
        activations=[ACTIVATIONS["square"]] * len(layers),
    )


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


def test_three_values_agree() -> None:
    """Path by path, by the sweep, and by differences: the first two exactly."""
    values = evaluate(exact_network(2, 3, 2), [1, Fraction(1, 3)], [0, 1], (1, 2, 3))
    assert values.path_sum == values.memoized
    assert isinstance(values.memoized, Fraction)
    # The default step is that of floats: about ten digits.
    assert float(values.finite_difference) == pytest.approx(float(values.memoized), rel=1e-8)


def test_too_many_paths_are_not_taken_one_by_one() -> None:
    """The sweep still answers where the naive sum is refused."""
    values = evaluate(exact_network(2, 3, 2), [1, 2], [0, 1], (1, 1, 1), max_paths=1)
    assert values.path_sum is None
    assert values.memoized == evaluate(exact_network(2, 3, 2), [1, 2], [0, 1], (1, 1, 1)).path_sum


def test_what_is_not_there_is_refused() -> None:
    """No network, or no such weight in it."""
    with pytest.raises(ShapeError):
        derive((2,), (1, 1, 1))
    with pytest.raises(UnknownName):
        derive((2, 2, 1), (1, 1, 3))
