"""Settings: what is accepted, what it becomes, and what is said of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from memograd.errors import MemogradError
from memograd.nn.settings import (
    BELOW_ONE,
    COUNT,
    FLAG,
    INSIDE_UNIT,
    NOT_NEGATIVE,
    POSITIVE,
    WORD,
    BadSetting,
    Requirement,
    checked,
    settle,
)

GOOD: list[tuple[Requirement, Any]] = [
    (POSITIVE, 1e-300), (POSITIVE, 3), (POSITIVE, np.float32(0.5)),
    (NOT_NEGATIVE, 0), (NOT_NEGATIVE, np.int64(2)),
    (BELOW_ONE, 0.0), (BELOW_ONE, 0.999),
    (INSIDE_UNIT, 0.5),
    (COUNT, 1), (COUNT, np.uint8(200)),
    (WORD, 0), (WORD, 2**64 - 1),
    (FLAG, True), (FLAG, np.False_),
]  # fmt: skip

BAD: list[tuple[Requirement, Any]] = [
    (POSITIVE, 0), (POSITIVE, -1.0), (POSITIVE, np.inf), (POSITIVE, np.nan), (POSITIVE, "1"), (POSITIVE, True),
    (POSITIVE, None), (POSITIVE, 1j), (POSITIVE, np.ones(1)),
    (NOT_NEGATIVE, -1e-300),
    (BELOW_ONE, 1), (BELOW_ONE, -0.1),
    (INSIDE_UNIT, 0), (INSIDE_UNIT, 1),
    (COUNT, 0), (COUNT, -3), (COUNT, 2.0), (COUNT, "2"), (COUNT, True),
    (WORD, -1), (WORD, 2**64), (WORD, 0.5),
    (FLAG, 1), (FLAG, "yes"), (FLAG, None),
]  # fmt: skip


@pytest.mark.parametrize(("requirement", "value"), GOOD)
def test_good_values_become_python_values(requirement: Requirement, value: Any) -> None:
    """A value that will do is equal to what is stored, which is a plain int, float or bool."""
    plain = checked("owner", "name", value, requirement)
    assert plain == value
    assert type(plain) in (int, float, bool)


@pytest.mark.parametrize(("requirement", "value"), BAD)
def test_bad_values_are_refused_with_what_they_must_be(requirement: Requirement, value: Any) -> None:
    """The message has the owner, the name, the value and the requirement."""
    with pytest.raises(BadSetting) as caught:
        checked("Owner", "name", value, requirement)
    assert str(caught.value) == f"Owner(name={value!r}): name must be {requirement.text}"


def test_the_error_is_what_callers_expect() -> None:
    """A bad setting is caught as memograd's error and as a ValueError."""
    assert issubclass(BadSetting, MemogradError)
    assert issubclass(BadSetting, ValueError)


def test_a_numpy_number_cannot_widen_float32() -> None:
    """A setting from a grid in float64 does not turn float32 arrays into float64."""

    @dataclass(frozen=True)
    class Scale:
        factor: float

        def __post_init__(self) -> None:
            settle(self, factor=POSITIVE)

    assert (Scale(np.float64(0.1)).factor * np.ones(2, np.float32)).dtype == np.float32
