"""A training is a function of its arguments and its seed, in this process and in any other."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from memograd.graph.tree import flatten
from memograd.nn.mlp import MLP
from memograd.train.loop import Fit, Rows, fit
from memograd.train.settings import Settings

SCRIPT = """
import hashlib
import numpy as np
from memograd.graph.tree import flatten
from memograd.nn.mlp import MLP
from memograd.train.loop import Rows, fit
from memograd.train.settings import Settings

rng = np.random.default_rng(0)
rows = Rows(rng.normal(size=(50, 4)).astype(np.float32), rng.integers(0, 3, 50))
fitted = fit(MLP((4, 16, 16, 3), "silu", "cross_entropy", dropout=0.3), rows, rows, settings=Settings(epochs=4, seed=3))
print(hashlib.sha256(b"".join(leaf.tobytes() for leaf in flatten(fitted.parameters)[0])).hexdigest(), fitted.history)
"""


def once(seed: int, dropout: float = 0.3, batch_size: int = 16) -> Fit:
    """Train a network with dropout, on rows that are always the same."""
    rng = np.random.default_rng(0)
    rows = Rows(rng.normal(size=(50, 4)).astype(np.float32), rng.integers(0, 3, 50))
    network = MLP((4, 16, 16, 3), "silu", "cross_entropy", dropout=dropout)
    return fit(network, rows, rows, settings=Settings(epochs=4, seed=seed, batch_size=batch_size))


def bits(fitted: Fit) -> list[bytes]:
    """Return the bytes of every parameter."""
    return [leaf.tobytes() for leaf in flatten(fitted.parameters)[0]]


def test_in_one_process() -> None:
    """The same seed gives the same bits and history, whatever NumPy's own generator was asked in between."""
    first = once(3)
    np.random.default_rng().normal(size=7)
    second = once(3)
    assert bits(first) == bits(second)
    assert first.history == second.history


@pytest.mark.parametrize("change", [{"seed": 4}, {"dropout": 0.31}, {"dropout": 0.0}, {"batch_size": 17}])
def test_what_changes_the_result(change: dict[str, Any]) -> None:
    """Another seed, rate of dropout or batch size gives other parameters."""
    assert bits(once(**{"seed": 3, **change})) != bits(once(3))


@pytest.mark.parametrize("seed", [0, 2**63, 2**64 - 1])
def test_all_seeds(seed: int) -> None:
    """Every seed of 64 bits can be trained with, and none stands for another."""
    assert bits(once(seed)) == bits(once(seed))
    assert bits(once(seed)) != bits(once(seed ^ 1))


def test_in_two_processes() -> None:
    """Neither the process nor the seed of Python's own hashes is part of the result."""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
