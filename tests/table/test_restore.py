"""What comes out of a file is checked: no description and no array makes an encoder or a target that is broken."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import BadSetting
from memograd.table.columns import as_table
from memograd.table.encoder import Encoder
from memograd.table.target import ClassTarget, LabelTarget, NumberTarget, restore_target

TABLE = as_table({"n": [1.0, None, 2.0, 3.0], "t": [True, False, True, None], "c": ["a", "b", "c", None]})
ENCODER = Encoder.fit(TABLE)
TARGETS = [ClassTarget.fit([1, 2, 3]), NumberTarget.fit([[1.0, 2.0], [3.0, 5.0]]), LabelTarget.fit([[0, 1], [1, 1]])]
JUNK = [None, True, 0, -1, 10**9, 1.5, float("nan"), float("inf"), "", "x", [], {}, [1], [None], ["a", "a"], {"a": 1}]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to everything in a description."""
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*path, key))


def changed(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """Return a description with something else in one place."""
    if not path:
        return junk
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = junk
    return value


def without(value: Any, path: tuple[Any, ...]) -> Any:
    """Return a description without something."""
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return value


@pytest.mark.parametrize("path", list(places(ENCODER.describe())), ids=str)
def test_hostile_description(path: tuple[Any, ...]) -> None:
    """Whatever stands in one place of a description, it is refused, or makes an encoder that works."""
    descriptions = [changed(ENCODER.describe(), path, junk) for junk in JUNK]
    for description in descriptions + ([without(ENCODER.describe(), path)] if path else []):
        try:
            encoder = Encoder.restore(description, ENCODER.arrays())
        except BadSetting:
            continue
        assert encoder.transform(as_table(np.full((2, len(encoder.names)), None))).shape == (2, encoder.n_inputs)
        assert json.loads(json.dumps(encoder.describe())) == encoder.describe()


@pytest.mark.parametrize(
    "array",
    [
        np.array([np.nan]),
        np.array([np.inf]),
        np.zeros(0),
        np.zeros(2),
        np.zeros((1, 1)),
        np.zeros(1, dtype=np.float32),
        np.zeros(1, dtype=object),
        np.zeros(1, dtype=">f8"),
        [1.0],
        None,
        1.0,
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["center", "scale", "fill"])
def test_hostile_arrays(name: str, array: Any) -> None:
    """An array of another shape or dtype, or with numbers that are none, is refused."""
    with pytest.raises(BadSetting):
        Encoder.restore(ENCODER.describe(), {**ENCODER.arrays(), name: array})


def test_missing_arrays() -> None:
    """Arrays that are not there are refused by name, and so is a negative scale."""
    with pytest.raises(BadSetting, match="center, scale, fill"):
        Encoder.restore(ENCODER.describe(), {})
    with pytest.raises(BadSetting, match="negative"):
        Encoder.restore(ENCODER.describe(), {**ENCODER.arrays(), "scale": np.array([-1.0])})


@pytest.mark.parametrize(
    ("path", "junk", "message"),
    [
        (("columns",), [], "no columns"),
        (("columns", 1, "name"), "n", "same name"),
        (("columns", 0, "kind"), "category", "wrong kind of encoding"),
        (("columns", 0, "kind"), "colour", "kind"),
        (("columns", 1, "categories"), ["a", "b"], "truth values"),
        (("columns", 2, "categories"), ["b", "a", "c"], "not in order"),
        (("columns", 2, "categories"), ["a", "a", "b"], "not all different"),
        (("columns", 2, "categories"), ["a"], "takes 3"),
        (("columns", 2, "categories"), [1.0, "b", "c"], "cannot be a category"),
        (("columns", 2, "categories"), [float("nan"), "b", "c"], "cannot be a category"),
        (("columns", 2, "style"), "hash", "one of"),
        (("columns", 2, "extra"), 1, "does not describe"),
        (("bound",), -1.0, "positive"),
        (("bound",), float("nan"), "positive"),
        (("has_names",), 1, "'has_names' is 1"),
    ],
)
def test_messages(path: tuple[Any, ...], junk: Any, message: str) -> None:
    """The message says what is wrong with a description."""
    with pytest.raises(BadSetting, match=message):
        Encoder.restore(changed(ENCODER.describe(), path, junk), ENCODER.arrays())


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
def test_hostile_targets(target: Any) -> None:
    """Whatever stands in one place of a target's description, it is refused, or makes a target that works."""
    for path in places(target.describe()):
        for junk in JUNK:
            try:
                found = restore_target(changed(target.describe(), path, junk), target.arrays())
            except BadSetting:
                continue
            assert found.n_outputs >= 1
            assert json.loads(json.dumps(found.describe())) == found.describe()
        if len(path) == 1:
            with pytest.raises(BadSetting):
                restore_target(without(target.describe(), path), target.arrays())


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
def test_round_trip(target: Any) -> None:
    """A target comes back from JSON and arrays as it was."""
    found = restore_target(json.loads(json.dumps(target.describe())), target.arrays())
    assert type(found) is type(target)
    assert found.describe() == target.describe()
    assert {name: array.tolist() for name, array in found.arrays().items()} == {
        name: array.tolist() for name, array in target.arrays().items()
    }


@pytest.mark.parametrize("name", ["mean", "scale", "lowest", "highest"])
@pytest.mark.parametrize(
    "array", [np.zeros(1), np.zeros((2, 1)), np.array([1.0, np.nan]), np.zeros(2, dtype="f4"), None], ids=repr
)
def test_hostile_numbers(name: str, array: Any) -> None:
    """The arrays of a target of numbers are checked, too."""
    target = TARGETS[1]
    with pytest.raises(BadSetting):
        restore_target(target.describe(), {**target.arrays(), name: array})
    with pytest.raises(BadSetting):
        restore_target(target.describe(), {key: value for key, value in target.arrays().items() if key != name})
    for key, value in [("scale", [0.0, 1.0]), ("lowest", [100.0, 0.0])]:
        with pytest.raises(BadSetting):
            restore_target(target.describe(), {**target.arrays(), key: np.array(value)})


@pytest.mark.parametrize(
    ("classes", "dtype"),
    [
        ([1, 2], "str"),
        (["a", "b"], "int64"),
        (["a", "b"], "U1000000000"),
        (["a", "b"], "bool"),
        ([1, 300], "int8"),
        ([-1, 300], "uint16"),
        ([1, 100000], "float16"),
        ([1, 2**60 + 1], "float64"),
        ([1, 2**70], "int64"),
        ([False, 1], "object_"),
        (["1", "2"], "float64"),
        ([2, 1], "int64"),
        (["a"], "str"),
        ([], "str"),
        ([1, 2], "datetime64[s]"),
        ([False, True, 2], "bool"),
    ],
)
def test_hostile_classes(classes: list[Any], dtype: str) -> None:
    """Classes that are out of order, too few, or not of their dtype are refused, and nothing large is made of them."""
    with pytest.raises(BadSetting):
        restore_target({"target": "classes", "classes": classes, "dtype": dtype}, {})


@given(st.recursive(st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=3)), st.lists, max_leaves=5))
def test_junk(junk: Any) -> None:
    """What is no description at all is refused."""
    for description in (
        junk,
        {"columns": junk},
        {"target": junk},
        {"target": "classes", "classes": junk, "dtype": "str"},
    ):
        with pytest.raises(BadSetting):
            Encoder.restore(description, ENCODER.arrays())
        if not (isinstance(junk, list) and len(junk) > 1):
            with pytest.raises(BadSetting):
                restore_target(description, {})
