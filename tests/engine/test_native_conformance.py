"""The native engine does what every engine must do, but for the last bits of sums, products and functions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from memograd.errors import EngineFallback

from .conformance import EngineConformance


@pytest.fixture(scope="module")
def engine() -> str:
    """The engine's name: what it refuses must be served by NumPy."""
    return "auto"


REFUSED = ".*(has no float16|no powers of integers|positions are computed|is out of bounds)"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What has no code may fall back to NumPy; what else does fails, since it would only test NumPy."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", EngineFallback)
        warnings.filterwarnings("ignore", REFUSED, EngineFallback)
        yield


class TestNative(EngineConformance):
    """Machine code against NumPy."""

    def assert_same(self, found: Any, expected: Any) -> None:
        """Floats to a few units in the last place of the largest of the array: sums cancel."""
        found, expected = np.asarray(found), np.asarray(expected)
        if expected.dtype.kind != "f" or expected.dtype.itemsize < 4:
            super().assert_same(found, expected)
            return
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
        infinite = np.isinf(expected)
        np.testing.assert_array_equal(found[infinite], expected[infinite])
        kept = np.isfinite(expected)
        scale = np.abs(expected[kept]).max(initial=0.0)
        eps = np.finfo(expected.dtype).eps
        np.testing.assert_allclose(found[kept], expected[kept], rtol=64 * eps, atol=64 * eps * scale)
