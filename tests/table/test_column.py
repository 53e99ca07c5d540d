"""One column: what its values are, and what a category is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import DataError
from memograd.table.column import Column, factorized

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(-(2**80), 2**80),
    st.floats(allow_infinity=False),
    st.text(max_size=2),
    st.sampled_from(["1", "True", "1.0", ""]),
)


def same(one: Any, two: Any) -> bool:
    """Whether two scalars are the same category, by the rule and not by the code."""
    if isinstance(one, str) or isinstance(two, str) or isinstance(one, bool) or isinstance(two, bool):
        return type(one) is type(two) and one == two
    return bool(one == two)


@given(st.lists(SCALARS, max_size=20))
def test_factorized(values: list[Any]) -> None:
    """Two rows have the same code if and only if their values are equal and both text, truth values, or numbers."""
    codes, categories = factorized("x", values)
    missing = [value is None or value != value for value in values]
    assert [code < 0 for code in codes] == missing
    for one, code, gap in zip(values, codes, missing, strict=True):
        assert gap or same(one, categories[code])
    assert not any(same(a, b) for i, a in enumerate(categories) for b in categories[:i])
    assert set(codes.tolist()) - {-1} == set(range(len(categories)))


@pytest.mark.parametrize(
    ("value", "category"),
    [
        (np.float32(0.5), 0.5),
        (np.int8(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (-0.0, 0),
        (3.0, 3),
        (Decimal("1.5"), 1.5),
        (2**70, 2**70),
        (1e300, int(1e300)),
    ],
)
def test_categories_are_plain(value: Any, category: Any) -> None:
    """NumPy's scalars become Python's, and whole floats integers."""
    found = factorized("x", [value])[1][0]
    assert (found, type(found)) == (category, type(category))


@pytest.mark.parametrize("value", [float("inf"), -np.inf, [1], b"a", 1j, object(), Decimal("Infinity")])
def test_no_category(value: Any) -> None:
    """What cannot be a category is refused with its column and row."""
    with pytest.raises(DataError, match="column 'size', row 2 of 3"):
        factorized("size", ["a", value, value])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Column("a", "number", np.array([1.0, np.inf])), "column 'a', row 2 of 2: the value is infinite"),
        (lambda: Column("a", "date", np.array([-np.inf])), "column 'a', row 1 of 1: the value is infinite"),
        (lambda: Column("a", "number", np.zeros((2, 2))), r"\(2, 2\)"),
        (lambda: Column("a", "text", np.zeros(2)), "kinds are number"),  # type: ignore[arg-type]
        (lambda: Column("a", "category", np.array([0, 2]), ("x", "y")), "codes"),
        (lambda: Column("a", "category", np.array([-2, 0]), ("x", "y")), "codes"),
        (lambda: Column("a", "category", np.array([0.5]), ("x", "y")), "codes"),
        (lambda: Column("a", "number", np.array([0.5]), ("x",)), "categories"),
    ],
)
def test_bad_columns(make: Any, message: str) -> None:
    """A column that cannot be is never made."""
    with pytest.raises(DataError, match=message):
        make()


def test_take_keeps_categories() -> None:
    """The codes of some rows mean the same as those of all, even if a category no longer occurs."""
    column = Column("a", "category", np.array(["x", None, "y"], dtype=object))
    assert column.take(np.array([2, 1])).values.tolist() == ["y", None]
    assert column.take(np.array([2])).categories == ("x", "y")
    assert column.take(np.array([], dtype=int)).values.tolist() == []
