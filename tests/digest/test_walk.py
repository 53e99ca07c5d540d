"""The walk: any depth, any sharing, no cycle."""

from __future__ import annotations

import time
import types
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from memograd.digest import digest
from memograd.errors import CannotDigest

from .confusable import Items, Keyed, Plain, Point, Slotted

WRAPPERS: list[Callable[[Any], Any]] = [
    lambda inner: [inner],
    lambda inner: (inner,),
    lambda inner: {"a": inner},
    lambda inner: {1.5: inner},
    lambda inner: frozenset({inner}),
    lambda inner: Plain(inner, 1),
    lambda inner: Slotted(1, inner),
    lambda inner: Point(inner, inner),
    lambda inner: Items([inner]),
    lambda inner: Keyed(inner),
    lambda inner: types.SimpleNamespace(a=inner),
    lambda inner: deque([inner]),
    lambda inner: slice(inner),
]


@pytest.mark.parametrize("wrap", WRAPPERS[:6])
def test_depth_is_no_limit(wrap: Callable[[Any], Any]) -> None:
    """A hundred thousand containers, one in the other, have a digest, which counts them."""
    # The destructors of some of these containers are recursive: no more than Python's own stack holds.
    n_layers = 100_000 if wrap is WRAPPERS[0] else 3_000
    pile: Any = 1.0
    for _ in range(n_layers):
        pile = wrap(pile)
    assert digest(pile) != digest(wrap(pile))


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_sharing_costs_nothing(wrap: Callable[[Any], Any]) -> None:
    """A value that written out would have 2 to the 60 leaves is digested at once, and each layer counts."""
    started = time.perf_counter()
    pile: Any = ("a leaf", 1)
    digests = set()
    for _ in range(60):
        inner = wrap(pile)
        pile = (inner, inner)
        digests.add(digest(pile))
    assert len(digests) == 60
    assert time.perf_counter() - started < 5  # seconds; 0.1 is usual, and 2 to the 60 of anything is not


def test_a_long_text_is_hashed_once() -> None:
    """A million times the same megabyte is digested as fast as a million of anything."""
    started = time.perf_counter()
    assert digest(["x" * 10**6] * 10**6) != digest(["x" * 10**6] * (10**6 - 1))
    assert time.perf_counter() - started < 20  # seconds; hashing all of it would take ten minutes


def test_sharing_cannot_be_seen() -> None:
    """Whether two equal parts are one object does not matter."""
    part = [1, 2, [3]]
    assert digest([part, part, {"a": part}]) == digest([[1, 2, [3]], [1, 2, [3]], {"a": [1, 2, [3]]}])


def in_list() -> Any:
    value: list[Any] = [1]
    value.append(value)
    return value


def in_dict() -> Any:
    value: dict[str, Any] = {}
    value["a"] = (1, [value])
    return value


def in_dataclass() -> Any:
    value = Plain(1, None)
    value.y = {"b": value}
    return value


def in_array() -> Any:
    value = np.array([None, 1])
    value[0] = [value]
    return value


def in_key() -> Any:
    value = Keyed(1)
    value.key = [value]
    return value


def below() -> Any:
    return {"a": [0, in_list()]}


@pytest.mark.parametrize(
    ("make", "path", "again"),
    [
        (in_list, "value[1]", "value"),
        (in_dict, "value['a'][1][0]", "value"),
        (in_dataclass, "value.y['b']", "value"),
        (in_array, "value.flat[0][0]", "value"),
        (in_key, "value.__memo_key__[0]", "value"),
        (below, "value['a'][1][1]", "value['a'][1]"),
    ],
)
def test_cycles_are_refused(make: Callable[[], Any], path: str, again: str) -> None:
    """The error has the path at which a container is met inside of itself, and says which one it is."""
    with pytest.raises(CannotDigest) as caught:
        digest(make())
    assert caught.value.path == path
    assert f"it is {again} again" in str(caught.value)


def test_a_mutual_cycle_is_refused() -> None:
    """Two lists that hold each other have no digest, from wherever one starts."""
    first, second = [1], [2]
    first.append(second)  # type: ignore[arg-type]
    second.append(first)  # type: ignore[arg-type]
    for value in (first, second, [first, second]):
        with pytest.raises(CannotDigest, match="again"):
            digest(value)


def test_a_diamond_is_no_cycle() -> None:
    """What is met twice, but not inside of itself, has a digest."""
    part: list[Any] = [object]
    assert digest([part, [part], part]) == digest([[object], [[object]], [object]])


def test_a_deep_path_is_short_in_the_message() -> None:
    """The error has the whole path; its message only the two ends."""
    pile: Any = object()
    for _ in range(10_000):
        pile = [pile]
    with pytest.raises(CannotDigest) as caught:
        digest(pile)
    assert caught.value.path == "value" + "[0]" * 10_000
    assert len(str(caught.value)) < 600


def test_after_a_refusal_nothing_is_left() -> None:
    """A value that was refused has a digest once it is mended."""
    value: list[Any] = [1, object()]
    with pytest.raises(CannotDigest):
        digest(value)
    value[1] = 2
    assert digest(value) == digest([1, 2])


def test_a_value_may_change_between_two_digests() -> None:
    """Nothing is remembered of what can change."""
    value, array = [1, [2] * 100], np.zeros(10_000)
    before = digest([value, array])
    value[1].append(3)  # type: ignore[attr-defined]
    between = digest([value, array])
    array[5000] = 1
    assert len({before, between, digest([value, array])}) == 3


class Fresh:
    """Makes its key anew each time, so that keys of several instances can follow each other in one place of memory."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __memo_key__(self) -> list[Any]:
        return ["a key that is hashed" * 20, self.number]


def test_what_is_gone_is_not_mistaken_for_what_came_after() -> None:
    """A value made during the walk is not taken for an earlier one that had its address."""
    digests = {digest([Fresh(i), Fresh(j)]) for i in range(10) for j in range(10)}
    assert len(digests) == 100
