"""The loss and the score on held-out rows: what the network itself says, on either engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memograd.nn.mlp import MLP
from memograd.train.rows import Rows
from memograd.train.validation import Validation

RNG = np.random.default_rng(0)
NETWORK = MLP((4, 20, 3), "silu", "cross_entropy", dropout=0.5)
PARAMETERS = NETWORK.init(0)
ROWS = Rows(RNG.normal(size=(50, 4)).astype(np.float32), RNG.integers(0, 3, 50))
WEIGHTED = Rows(ROWS.X, ROWS.y, RNG.uniform(0, 2, 50).astype(np.float32))


def spread(scores: Any, rows: Rows) -> float:
    """A score that depends on all scores."""
    return float(np.std(scores)) + float(np.mean(rows.y))


@pytest.mark.parametrize("engine", ["native", "numpy"])
@pytest.mark.parametrize("rows", [ROWS, WEIGHTED, ROWS[::3], ROWS[:1]], ids=["plain", "weighted", "strided", "one"])
def test_loss_and_score(engine: str, rows: Rows) -> None:
    """They are those of the network without dropout, up to the rounding of float32."""
    validate = Validation(NETWORK, spread, engine)
    loss, score = validate(PARAMETERS, rows.laid_out())
    assert loss == pytest.approx(float(NETWORK.loss_value(PARAMETERS, *rows.arrays)), rel=1e-5)
    assert score == pytest.approx(spread(NETWORK(PARAMETERS, rows.X), rows), rel=1e-5)
    assert Validation(NETWORK, None, engine)(PARAMETERS, rows.laid_out()) == (loss, None)


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_other_rows_of_one_shape(engine: str) -> None:
    """Rows of one shape share the program, and not the numbers; those of another shape have their own."""
    validate = Validation(NETWORK, None, engine)
    found = [validate(PARAMETERS, rows) for rows in (ROWS[:20], ROWS[20:40], WEIGHTED[:20], ROWS[:7])]
    assert len(set(found)) == 4
    for rows, each in zip((ROWS[:20], ROWS[20:40], WEIGHTED[:20], ROWS[:7]), found, strict=True):
        assert Validation(NETWORK, None, engine)(PARAMETERS, rows) == each


def test_losses_that_overflow_make_no_noise() -> None:
    """What overflows is infinite, without a warning: whoever asked decides what that means."""
    huge = Rows(np.full((2, 1), 1e30, np.float32), np.full((2, 1), -1e30, np.float32))
    network = MLP((1, 1))
    for engine in ("native", "numpy"):
        assert Validation(network, None, engine)(network.init(0), huge)[0] == np.inf
