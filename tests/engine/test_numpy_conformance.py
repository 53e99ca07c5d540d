"""The NumPy engine does what every engine must do, bit for bit."""

from __future__ import annotations

import pytest

from .conformance import EngineConformance


@pytest.fixture(scope="module")
def engine() -> str:
    """The engine's name."""
    return "numpy"


class TestNumpy(EngineConformance):
    """NumPy's own functions, called one by one or in emitted source, give the same bits."""
