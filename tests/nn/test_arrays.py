"""Casts, weights and shapes of arrays."""

from __future__ import annotations

import numpy as np
import pytest

from memograd.errors import DtypeError, ShapeError
from memograd.nn.arrays import cast, check_columns, float_dtype, is_weight


def test_cast_leaves_what_has_the_dtype_alone() -> None:
    """An array that has the dtype is returned itself, so that tracing records no op."""
    x = np.ones(3, np.float32)
    assert cast(x, np.dtype(np.float32)) is x


def test_cast_leaves_python_numbers_weak() -> None:
    """A Python number stays one, so that it takes the dtype of what it meets."""
    assert type(cast(0.1, np.dtype(np.float32))) is float


@pytest.mark.parametrize(("shape", "expected"), [((), False), ((3,), False), ((3, 1), True), ((2, 2, 2), True)])
def test_weights_are_arrays_of_two_axes_or_more(shape: tuple[int, ...], expected: bool) -> None:
    """Matrices are weights, whatever their size; vectors and scalars are not."""
    assert is_weight(np.ones(shape)) is expected


@pytest.mark.parametrize("dtype", ["float16", "int64", bool, "complex128"])
def test_parameters_are_float32_or_float64(dtype: str | type) -> None:
    """Any other dtype is refused, with the two that will do."""
    with pytest.raises(DtypeError, match="use float32 or float64"):
        float_dtype(dtype)


@pytest.mark.parametrize(("shape", "n_columns", "text"), [
    ((3,), 2, r"layer takes an array of shape \(n_samples, 2\), not \(3,\)"),
    ((3, 4), 2, r"layer takes an array of shape \(n_samples, 2\), not \(3, 4\)"),
    ((3, 4, 5), None, r"layer takes an array of shape \(n_samples, n_columns\), not \(3, 4, 5\)"),
])  # fmt: skip
def test_columns_that_do_not_fit_are_named(shape: tuple[int, ...], n_columns: int | None, text: str) -> None:
    """The message has the owner, the shape that is wanted and the shape that came."""
    with pytest.raises(ShapeError, match=text):
        check_columns("layer", np.ones(shape), n_columns)
