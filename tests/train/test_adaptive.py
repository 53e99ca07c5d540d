"""A learning rate that is lowered when nothing is gained: what is told on the way, and what Ctrl-C leaves."""

from __future__ import annotations

import numpy as np

from memograd.nn.mlp import MLP
from memograd.nn.optimizers import SGD
from memograd.train.adaptive import fit_adaptively
from memograd.train.history import Epoch
from memograd.train.rows import Rows
from memograd.train.settings import Settings

X = np.linspace(-1, 1, 12, dtype=np.float32)[:, None]
ROWS, HELD = Rows(X[::2], 2 * X[::2]), Rows(X[1::2], 2.1 * X[1::2])
SETTINGS = Settings(optimizer=SGD(0.5), schedule="constant", patience=2, epochs=200, tolerance=1e-3)


def test_told_is_kept() -> None:
    told: list[Epoch] = []
    fitted = fit_adaptively(MLP((1, 1)), ROWS, HELD, settings=SETTINGS, on_epoch=told.append)
    assert fitted.stopped == "early"
    assert told == list(fitted.history)
    assert [epoch.number for epoch in told] == list(range(1, len(told) + 1))
    assert fitted.best in told


def test_interrupted_at_any_epoch() -> None:
    """What was trained until then is returned, whichever rate it was; the state is that of the last whole epoch."""
    whole = fit_adaptively(MLP((1, 1)), ROWS, HELD, settings=SETTINGS)
    for last in range(1, len(whole.history) + 1):

        def press(epoch: Epoch, last: int = last) -> None:
            if epoch.number == last:
                raise KeyboardInterrupt

        fitted = fit_adaptively(MLP((1, 1)), ROWS, HELD, settings=SETTINGS, on_epoch=press)
        assert fitted.stopped == "interrupted"
        assert fitted.history == whole.history[: len(fitted.history)]
        assert last - 1 <= len(fitted.history) <= last
        assert fitted.state.epoch == len(fitted.history)
