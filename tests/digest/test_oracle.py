"""Digests against an oracle: equal exactly when the values are, for values nobody thought of."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memograd.digest import digest

from .oracle import canonical, hashables, values

thorough = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@thorough
@given(st.lists(values, min_size=2, max_size=12))
def test_digests_are_equal_when_values_are(drawn: list[Any]) -> None:
    """Among any values, the same are equal by digest and by the oracle."""
    pairs = {(digest(value), canonical(value)) for value in drawn}
    assert len(pairs) == len({first for first, _ in pairs}) == len({second for _, second in pairs})


WRAPPERS: list[Callable[[Any], Any]] = [
    lambda value: value,
    lambda value: [value],
    lambda value: {value: value},
    lambda value: (value, "x" * 200),
]


@thorough
@given(st.lists(hashables, min_size=2, max_size=30))
def test_small_values_that_differ_little(drawn: list[Any]) -> None:
    """The same, for many small values, alone and wrapped."""
    for wrap in (
        lambda value: value,
        lambda value: [value],
        lambda value: {value: value},
        lambda value: (value, "x" * 200),
    ):
        pairs = {(digest(wrap(value)), canonical(value)) for value in drawn}
        assert len(pairs) == len({first for first, _ in pairs}) == len({second for _, second in pairs})


@thorough
@given(values)
def test_copies_share_a_digest(value: Any) -> None:
    """A copy, and a copy of a copy in which nothing is shared with the first, have the digest of the value."""
    first = digest(value)
    assert first == digest(copy.deepcopy(value)) == digest(copy.copy(value))
    assert digest([value, value]) == digest([value, copy.deepcopy(value)])
    assert digest(rebuilt(value)) == first


def rebuilt(value: Any) -> Any:
    """A copy with dicts and sets filled in the opposite order."""
    if type(value) is dict:
        return {key: rebuilt(part) for key, part in reversed(value.items())}
    if type(value) in (set, frozenset):
        return type(value)(reversed(list(value)))
    if type(value) in (list, tuple):
        return type(value)(map(rebuilt, value))
    return value


@thorough
@given(values)
def test_digesting_changes_nothing(value: Any) -> None:
    """What is digested is afterwards what it was before."""
    before = pickle.dumps(value), canonical(value)
    digest(value)
    assert (pickle.dumps(value), canonical(value)) == before
