"""The words for why a call is not stored, and what is counted."""

from __future__ import annotations

from memograd.memo.report import Tally, differences, nearest

FORMER = {"function f": ["d1", "f.py"], "package numpy": ["2.1", "2.1"], "argument x": ["d2", "1"]}


def test_each_part_that_differs_has_a_line() -> None:
    """Versions and values in words, code by its file, parts that came and went."""
    new = {"function f": ["d9", "f.py"], "package numpy": ["2.2", "2.2"], "argument y": ["d3", "2"]}
    assert differences(new, FORMER) == [
        "function f in f.py changed",
        "package numpy was 2.1 and is 2.2",
        "argument y is new",
        "argument x is gone",
    ]
    assert differences(FORMER, FORMER) == []


def test_an_argument_that_looks_the_same_has_another_value() -> None:
    """Two arrays of one shape."""
    assert differences({"argument x": ["d1", "float64[3]"]}, {"argument x": ["d2", "float64[3]"]}) == [
        "argument x has another value, float64[3] as before"
    ]


def test_the_nearest_differs_in_the_fewest_parts() -> None:
    """Of equal ones the newest; without any there is no answer, which is not the same as no difference."""
    far = {**FORMER, "function f": ["d8", "f.py"], "argument x": ["d7", "7"]}
    near = {**FORMER, "argument x": ["d5", "5"]}
    newer = {**FORMER, "argument x": ["d6", "6"]}
    known = [(far, 3.0), (near, 1.0), (newer, 2.0)]
    assert nearest(FORMER, known) == ["argument x was 6 and is 1"]
    assert nearest(FORMER, [*known, (FORMER, 0.0)]) == []
    assert nearest(FORMER, []) is None


def test_what_was_saved_is_net_of_what_remembering_cost() -> None:
    """And may be negative."""
    assert Tally(recalled_seconds=2.0, overhead_seconds=0.5).seconds_saved == 1.5
    assert Tally(overhead_seconds=0.5).seconds_saved == -0.5
