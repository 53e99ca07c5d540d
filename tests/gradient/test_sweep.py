"""The sweep: every vertex once, after all that adds to it, and whatever adding means."""

from __future__ import annotations

from collections import Counter
from operator import add

from memograd.gradient.sweep import sweep

# Two paths from `L` that meet in `c`, one longer than the other, and a vertex that no path reaches.
INPUTS = {"L": ("a", "c"), "a": ("b",), "b": ("c",), "elsewhere": ("c",), "c": ("w",), "w": ()}


def pull_paths(vertex: str, adjoint: int) -> list[tuple[str, int]]:
    return [(source, adjoint) for source in INPUTS[vertex]]


def test_paths_that_meet_are_added() -> None:
    """The adjoint of a vertex is the sum over all paths to it."""
    assert sweep(INPUTS, {"L": 1}, pull_paths, add) == {"L": 1, "a": 1, "b": 1, "c": 2, "w": 2}


def test_every_reached_vertex_is_pulled_once_with_its_finished_sum() -> None:
    """The table is a memo: what is shared by many paths is asked for once, when all have arrived."""
    pulled: list[tuple[str, int]] = []

    def pull(vertex: str, adjoint: int) -> list[tuple[str, int]]:
        pulled.append((vertex, adjoint))
        return pull_paths(vertex, adjoint)

    sweep(INPUTS, {"L": 1}, pull, add)
    assert Counter(pulled) == Counter([("L", 1), ("a", 1), ("b", 1), ("c", 2), ("w", 2)])


def test_a_vertex_that_nothing_reaches_is_absent() -> None:
    """Disconnected is not zero: no entry is made for it, and it hands on nothing."""
    assert "elsewhere" not in sweep(INPUTS, {"L": 1}, pull_paths, add)
    assert sweep(INPUTS, {"L": 0}, pull_paths, add)["w"] == 0


def test_contributions_are_added_in_order_of_arrival() -> None:
    """The earlier contribution is the left operand, so that sums are reproducible where adding does not commute."""
    adjoint = sweep(
        ["L"],
        {"L": "", "a": "seed "},
        lambda vertex, _: [("a", "first "), ("a", "second")],
        add,
    )
    assert adjoint["a"] == "seed first second"


def test_seeds_are_not_mutated() -> None:
    """The caller's mapping is left as it was."""
    seeds = {"L": 1}
    sweep(INPUTS, seeds, pull_paths, add)
    assert seeds == {"L": 1}


def test_several_seeds_are_swept_at_once() -> None:
    """A seed further down is joined with what comes from above."""
    assert sweep(INPUTS, {"L": 1, "b": 10}, pull_paths, add)["w"] == 12


def test_an_order_may_be_consumed_once() -> None:
    """The order is read in one pass, so that an iterator will do."""
    assert sweep(iter(INPUTS), {"L": 1}, pull_paths, add)["w"] == 2


def test_a_chain_of_a_hundred_thousand_is_swept() -> None:
    """Depth costs no stack."""
    depth = 100_000
    adjoint = sweep(range(depth), {0: 1}, lambda vertex, paths: [(vertex + 1, paths)], add)
    assert adjoint[depth] == 1


def test_ten_thousand_layers_of_eight_are_counted_exactly() -> None:
    """The paths along 640,000 edges that nobody stores are counted to the last digit."""
    width, depth = 8, 10_000
    order = ((layer, node) for layer in range(depth) for node in range(width))

    def pull(vertex: tuple[int, int], paths: int) -> list[tuple[tuple[int, int], int]]:
        return [((vertex[0] + 1, node), paths) for node in range(width)]

    adjoint = sweep(order, {(0, 0): 1}, pull, add)
    assert adjoint[depth, width - 1] == width ** (depth - 1)
