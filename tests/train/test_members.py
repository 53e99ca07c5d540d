"""Which rows members hold out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import DataError
from memograd.train.members import held_out, of_folds, renumbered


@given(st.integers(2, 200), st.floats(0.05, 0.5), st.integers(1, 12), st.integers(0, 3), st.booleans())
def test_held_out(n_rows: int, fraction: float, n_members: int, seed: int, is_of_classes: bool) -> None:
    """Every member trains on one part of the rows and is judged by the rest, or trains on all if they are few."""
    labels = np.random.default_rng(seed).integers(0, 3, n_rows) if is_of_classes else None
    members = held_out(n_rows, fraction, seed=seed, n_members=n_members, labels=labels)
    assert [member.seed for member in members] == list(range(seed, seed + n_members))
    for member in members:
        held = [] if member.validation is None else member.validation.tolist()
        assert sorted([*member.train.tolist(), *held]) == list(range(n_rows))
        assert len(member.train)
        assert member.validation is None or held


@pytest.mark.parametrize("n_members", [5, 10, 3])
def test_folds_in_turn(n_members: int) -> None:
    """Five members hold each row out once, ten twice, three not more than once; and the second five other parts."""
    labels = np.arange(50) % 2
    members = held_out(50, 0.2, seed=1, n_members=n_members, labels=labels)
    counts = np.bincount(np.concatenate([member.validation for member in members]), minlength=50)
    assert counts.max() - counts.min() <= (0 if n_members % 5 == 0 else 1)
    assert all(labels[member.validation].sum() == 5 for member in members)
    if n_members == 10:
        assert {tuple(m.validation) for m in members[:5]}.isdisjoint({tuple(m.validation) for m in members[5:]})


def test_same_seed() -> None:
    """The rows held out are a function of the seed."""
    for n_members in (1, 7):
        first, again, other = (held_out(40, 0.25, seed=seed, n_members=n_members) for seed in (3, 3, 4))
        assert all(np.array_equal(a.validation, b.validation) for a, b in zip(first, again, strict=True))
        assert not all(np.array_equal(a.validation, b.validation) for a, b in zip(first, other, strict=True))


def test_too_few() -> None:
    """Where the share comes to no row, or no class has a row to spare, nothing is held out."""
    assert held_out(1, 0.5, seed=0)[0].validation is None
    assert held_out(2, 0.2, seed=0)[0].validation is None
    assert held_out(10, 0.0, seed=0)[0].validation is None
    assert held_out(3, 0.3, seed=0, labels=np.arange(3))[0].validation is None


def test_of_folds() -> None:
    """Members take given folds in turn."""
    folds = [(np.array([0, 1]), np.array([2])), (np.array([2]), np.array([0, 1]))]
    members = of_folds(folds, 3, seed=5, n_members=3)
    assert [member.train.tolist() for member in members] == [[0, 1], [2], [0, 1]]
    assert [member.seed for member in members] == [5, 6, 7]


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ([], "gave no folds"),
        ([(np.array([0]), np.array([], int))], "must be one or more row numbers"),
        ([(np.array([0]), np.array([3]))], "names row 3 of 3"),
        ([(np.array([-1]), np.array([0]))], "counted from 0"),
        ([(np.array([True, False, True]), np.array([1]))], "must be one or more row numbers"),
    ],
)
def test_bad_folds(folds: list[tuple[np.ndarray, np.ndarray]], message: str) -> None:
    """Folds that cannot be used are an error that says why."""
    with pytest.raises(DataError, match=message):
        of_folds(folds, 3, seed=0, n_members=1)


def test_renumbered() -> None:
    """Rows that are left out are no longer in the folds, and the others keep their sides."""
    folds = [(np.array([3, 0, 2]), np.array([1, 4]))]
    ((train, validation),) = renumbered(folds, np.array([0, 3, 4]), 5)
    assert (train.tolist(), validation.tolist()) == ([1, 0], [2])
