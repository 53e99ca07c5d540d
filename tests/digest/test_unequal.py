"""Unequal values have unequal digests: well over a thousand pairs that were chosen to collide."""

from __future__ import annotations

from itertools import combinations
from math import comb

import pytest

from memograd.digest import digest

from .confusable import GROUPS, Group, code


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_no_two_of_a_group_share_a_digest(group: Group) -> None:
    """Every value of a group has a digest of its own."""
    values = group()
    digests = [digest(value, code=code) for value in values]
    assert [(values[i], values[j]) for i, j in combinations(range(len(values)), 2) if digests[i] == digests[j]] == []


def test_there_are_enough_pairs() -> None:
    """More than a thousand pairs are compared, of which no group makes up a quarter."""
    pairs = [comb(len(group()), 2) for group in GROUPS]
    assert sum(pairs) >= 1000
    assert max(pairs) < sum(pairs) / 4
