"""The loss and the scores of a network on rows that are held out, in one pass that both share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, final

import numpy as np

from memograd.engine.compiled import Compiled, compile
from memograd.errors import CannotLower, EngineUnavailable
from memograd.graph.node import Array
from memograd.graph.tree import flatten
from memograd.train.rows import Rows

Score = Callable[[Array, Rows], float]
"""From the scores of a network, (n_rows, n_outputs), and the rows, to a number: the larger the better."""


@final
class Validation:
    """What a network comes to on rows; compiled once for all sets of rows of one shape. Safe to use from threads.

    Parameters
    ----------
    network : MLP, Network, or what has their `loss_value`, and with a score their `__call__`
    score : callable or None
    engine : {"auto", "native", "numpy"}
        Where machine code cannot do it NumPy does, whatever is asked for.
    """

    def __init__(self, network: Any, score: Score | None, engine: str) -> None:
        self._network = network
        self._score = score
        self._engine = engine
        self._programs: dict[Any, Compiled] = {}
        self._lock = threading.Lock()

    def __call__(self, parameters: Any, rows: Rows) -> tuple[float, float | None]:
        """The loss, and the score if there is one."""
        leaves, _ = flatten((parameters, *rows.arrays))
        with np.errstate(all="ignore"):
            loss, *scores = self._program(parameters, rows).run(leaves)
            return float(loss), None if self._score is None else float(self._score(scores[0], rows))

    def _program(self, parameters: Any, rows: Rows) -> Compiled:
        shapes = tuple(None if array is None else (array.shape, array.dtype.str) for array in rows.arrays)
        with self._lock:
            if shapes not in self._programs:
                self._programs[shapes] = self._compiled(parameters, rows)
            return self._programs[shapes]

    def _compiled(self, parameters: Any, rows: Rows) -> Compiled:
        def loss_and_scores(parameters: Any, X: Array, y: Array, weight: Any) -> tuple[Any, ...]:
            loss = self._network.loss_value(parameters, X, y, weight)
            # Equal nodes are one node, so the network is computed once.
            return (loss,) if self._score is None else (loss, self._network(parameters, X))

        if self._engine != "numpy":
            try:
                return compile(loss_and_scores, parameters, *rows.arrays, engine="native")
            except (CannotLower, EngineUnavailable):
                pass
        return compile(loss_and_scores, parameters, *rows.arrays, engine="numpy")
