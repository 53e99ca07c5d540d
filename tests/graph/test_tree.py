"""Nested containers: taken apart and put together again, whatever they are made of and however deep."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import StructureError
from memograd.graph.tree import describe_difference, flatten, leaves_like, map_leaves, unflatten


@dataclass
class Plain:
    W: Any
    b: Any = 0.0


@dataclass(frozen=True, slots=True)
class Frozen:
    W: Any
    rest: Any = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Checked:
    """Refuses what is no number, as validating records do."""

    rate: Any

    def __post_init__(self) -> None:
        if not isinstance(self.rate, (int, float, str)):
            raise TypeError("a rate is a number")


class Pair(NamedTuple):
    left: Any
    right: Any


scalars = st.integers() | st.floats(allow_nan=False) | st.text(max_size=3) | st.booleans()


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Every kind of container around what is inside."""
    return (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.dictionaries(st.integers(), inner, max_size=3)
        | st.builds(Pair, inner, inner)
        | st.builds(Plain, inner, inner)
        | st.builds(Frozen, inner, rest=inner)
    )


trees = st.recursive(scalars | st.none(), containers, max_leaves=12)


def types_of(tree: Any) -> Any:
    """The containers of a tree and the types of its leaves, as something that tells 1 from True."""
    leaves, structure = flatten(tree)
    kinds = [None if part is None else part.kind for part in structure.program]
    return kinds, [type(leaf) for leaf in leaves]


@given(trees)
def test_unflatten_undoes_flatten(tree: Any) -> None:
    """What is put together again is equal to what was taken apart, in values and in types."""
    leaves, structure = flatten(tree)
    again = unflatten(structure, leaves)
    assert again == tree
    assert types_of(again) == types_of(tree)


@given(trees)
def test_a_structure_has_one_path_for_each_leaf(tree: Any) -> None:
    """Paths are distinct, and evaluating one on the tree gives the leaf."""
    leaves, structure = flatten(tree)
    assert structure.n_leaves == len(leaves) == len(set(structure.paths))
    for leaf, path in zip(leaves, structure.paths, strict=True):
        assert eval(f"tree{path}", {"tree": tree}) is leaf


@given(trees)
def test_a_structure_forgets_the_leaves(tree: Any) -> None:
    """Trees that differ in leaves only have one structure; one container more makes it another."""
    structure = flatten(tree)[1]
    assert flatten(map_leaves(lambda leaf: "leaf", tree))[1] == structure
    assert flatten([tree])[1] != structure


def test_equal_dicts_have_one_structure() -> None:
    """String keys are read in their order, other keys in the order of insertion."""
    assert flatten({"b": 1, "a": 2}) == flatten({"a": 2, "b": 1})
    assert flatten({"b": 1, "a": 2})[0] == [2, 1]
    assert flatten({2: "two", 1: "one"})[0] == ["two", "one"]


@pytest.mark.parametrize(
    "tree", [OrderedDict(b=1, a=2), defaultdict(list, {"a": 1}), Counter({"a": 3}), OrderedDict(), Counter()]
)
def test_kinds_of_dict_stay(tree: Any) -> None:
    """A subclass of dict is made again as what it is, with the values it had."""
    leaves, structure = flatten(tree)
    again = unflatten(structure, leaves)
    assert type(again) is type(tree)
    assert dict(again) == dict(tree)


def test_a_dataclass_is_filled_without_its_own_checks() -> None:
    """A record that checks for numbers can hold what stands for one."""
    stands_for_a_number = object()
    _, structure = flatten(Checked(0.1))
    assert unflatten(structure, [stands_for_a_number]).rate is stands_for_a_number


def test_a_dataclass_type_is_a_leaf() -> None:
    """Only instances are opened."""
    assert flatten(Plain)[0] == [Plain]


def test_none_is_an_empty_container() -> None:
    """None has no leaf, and comes back."""
    assert flatten(None)[0] == []
    assert unflatten(flatten([None, 1])[1], [2]) == [None, 2]


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: (x, None), lambda x: {"a": x}, Frozen])
def test_depth_is_no_limit(wrap: Any) -> None:
    """Ten thousand containers, one in the other, are taken apart, mapped and put together."""
    tree: Any = 1.0
    for _ in range(10_000):
        tree = wrap(tree)
    doubled = map_leaves(lambda leaf: 2 * leaf, tree)
    leaves, structure = flatten(doubled)
    assert leaves == [2.0]
    assert structure == flatten(tree)[1]
    # The containers' own == and destructors are recursive; take them off one by one.
    for pile in (tree, doubled):
        n_layers = 0
        while not isinstance(pile, float):
            pile = next(iter(pile.values())) if isinstance(pile, dict) else getattr(pile, "W", None) or pile[0]
            n_layers += 1
        assert n_layers == 10_000


def test_a_wrong_number_of_leaves_is_refused() -> None:
    """The error says how many there should be."""
    with pytest.raises(StructureError, match="has 2 leaves, not 1"):
        unflatten(flatten([1, 2])[1], [1])


@pytest.mark.parametrize(
    ("expected", "found", "message"),
    [
        ({"a": 1}, {"b": 1}, r"missing \['a'\]; unexpected \['b'\]"),
        ([1, [2]], [1, 2], r"missing \[1\]\[0\]; unexpected \[1\]"),
        ([1], (1,), "tuple where list was expected"),
        (1, [1], "missing the leaf itself; unexpected \\[0\\]"),
        ([], None, "NoneType where list was expected"),
        (Plain(1, 2), [1, 2], r"missing \.W, \.b; unexpected \[0\], \[1\]"),
    ],
)
def test_differences_are_named(expected: Any, found: Any, message: str) -> None:
    """A tree of another structure is refused with the paths, or the containers, that differ."""
    with pytest.raises(StructureError, match=message):
        leaves_like(flatten(expected)[1], found)


def test_differences_of_wide_trees_are_found_in_linear_time() -> None:
    """Only the first paths are written, and not every path is compared with every other, which would take minutes."""
    wide, other = flatten([0] * 50_000)[1], flatten({"a": [0] * 50_000})[1]
    assert describe_difference(wide, other) == (
        "the structures differ: missing [0], [1], [2]; unexpected ['a'][0], ['a'][1], ['a'][2]"
    )
