"""`memograd explain`: the derivation as text, as LaTeX and as JSON."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable

import pytest


def test_json(run: Callable) -> None:
    """The JSON object counts paths and multiplications, and names the factors that paths share."""
    record = run("explain", "2-2-2-1", "--weight", "1,1,1", "--json").record
    assert record["paths"] == 2
    assert record["terms"] == [
        ["∂L/∂ŷ", "∂ŷ/∂O₂₁", "∂O₂₁/∂O₁₁", "∂O₁₁/∂w¹₁₁"],
        ["∂L/∂ŷ", "∂ŷ/∂O₂₂", "∂O₂₂/∂O₁₁", "∂O₁₁/∂w¹₁₁"],
    ]
    assert record["shared"] == {"∂L/∂ŷ": 2, "∂O₁₁/∂w¹₁₁": 2}
    assert (record["multiplications"]["naive"], record["multiplications"]["memoized"]) == (6, 5)
    assert record["latex"] == run("explain", "2-2-2-1", "--latex").out.strip()
    values = record["values"]
    assert values["path_sum"] == pytest.approx(values["memoized"], rel=1e-12)
    assert values["finite_difference"] == pytest.approx(values["memoized"], rel=1e-6)


@pytest.mark.parametrize("form", [[], ["--latex"], ["--json"]])
def test_forms(run: Callable, form: list[str]) -> None:
    """Every form goes to standard output alone; LaTeX and JSON are ASCII, which every terminal can carry."""
    outcome = run("explain", "2-2-2-1", *form)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.endswith("\n")
    assert outcome.out.isascii() == bool(form)


def test_weight_and_terms(run: Callable) -> None:
    """Any weight can be asked for, and no more terms are written than wanted."""
    record = run("explain", "3-4-5-2", "--weight", "1,3,4", "--terms", "7", "--json").record
    assert record["weight"] == [1, 3, 4]
    assert record["paths"] == 5 * 2
    assert len(record["terms"]) == 7


def test_seed_and_activation(run: Callable) -> None:
    """The numbers depend on the seed and the activation, and on nothing else."""
    first, again, seed, activation = (
        run("explain", "2-2-1", "--json", *more).record["values"]["memoized"]
        for more in ([], [], ["--seed", "1"], ["--activation", "sigmoid"])
    )
    assert first == again
    assert len({first, seed, activation}) == 3


@pytest.fixture
def _int_limit() -> object:
    """No limit on the digits of numbers, until the test is over."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    yield
    sys.set_int_max_str_digits(before)


@pytest.mark.usefixtures("_int_limit")
@pytest.mark.parametrize("sizes", ["-".join(["99"] * 2300), "100000-100000-100000"])
def test_huge_networks(run: Callable, sizes: str) -> None:
    """Path counts are exact, whatever their size, and a network too large to have numbers has none."""
    record = run("explain", sizes, "--json").record
    assert sys.get_int_max_str_digits() == 0  # as it was
    assert record["paths"] == math.prod(map(int, sizes.split("-")[2:]))
    assert run("explain", sizes).status == 0
    assert json.dumps(record["values"]) == "null" or record["values"]["path_sum"] is None
