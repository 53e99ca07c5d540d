"""Training by L-BFGS on all rows at once: SciPy's minimizer on a compiled loss and gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from memograd.engine.compiled import compile
from memograd.errors import CannotLower, EngineUnavailable
from memograd.gradient.transforms import value_and_grad
from memograd.graph.tree import flatten, map_leaves, unflatten
from memograd.nn.arrays import is_weight
from memograd.nn.mlp import MLP
from memograd.nn.settings import COUNT, NOT_NEGATIVE, settle
from memograd.train.epochs import State
from memograd.train.history import Epoch, check_finite
from memograd.train.loop import Fit, Recall
from memograd.train.rows import Rows, check_rows
from memograd.train.settings import Settings

Vector = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class LBFGS:
    """How far L-BFGS goes.

    Attributes
    ----------
    max_evaluations : int
        At most so many times loss and gradient are computed.
    tolerance : float
        It stops when no element of the gradient is larger than this.

    Raises
    ------
    BadSetting
        When a number is out of range.

    Examples
    --------
    >>> LBFGS(max_evaluations=100)
    LBFGS(max_evaluations=100, tolerance=0.0001)
    """

    max_evaluations: int = 15_000
    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        settle(self, max_evaluations=COUNT, tolerance=NOT_NEGATIVE)


def fit_lbfgs(
    network: MLP,
    rows: Rows,
    *,
    settings: Settings,
    lbfgs: LBFGS,
    on_epoch: Callable[[Epoch], None] | None = None,
    start: State | None = None,
) -> Fit:
    """Minimize the mean loss over all rows, and the penalty of `Settings.l2`, in float64.

    Source: Byrd, Lu, Nocedal, Zhu 1995, "A limited memory algorithm for bound constrained optimization", as SciPy has
    it; here without bounds. An iteration counts as an epoch. Nothing is stored: the history of gradients that it keeps
    is SciPy's own, so a training cannot go on where another one ended, only start from its parameters.

    Parameters
    ----------
    network : MLP
    rows : Rows
    settings : Settings
        Of which the number of epochs, the seed, the engine and the penalty count.
    lbfgs : LBFGS
    on_epoch : callable, optional
        Is given each iteration.
    start : State, optional
        Whose parameters to start from.

    Returns
    -------
    Fit
        With float32 parameters, and an optimiser's state of None.

    Raises
    ------
    DataError, TrainingDiverged
        As `fit`.

    Examples
    --------
    >>> network = MLP((1, 1))
    >>> X = np.array([[0.0], [1.0], [2.0]], np.float32)
    >>> fitted = fit_lbfgs(network, Rows(X, 3 * X + 1), settings=Settings(), lbfgs=LBFGS())
    >>> fitted.parameters[0]["W"].round(3), fitted.stopped
    (array([[3.]], dtype=float32), 'early')
    """
    check_rows(rows, "to train on")
    first = network.init(settings.seed, np.float64) if start is None else map_leaves(_doubled, start.parameters)
    objective = _Objective(network, rows, first, settings)
    history: list[Epoch] = []
    n_before = 0 if start is None else start.epoch

    def note(intermediate_result: Any) -> None:
        loss = objective.data_loss
        check_finite(loss, n_before + len(history) + 1, "loss")
        is_best = not history or loss < min(epoch.loss for epoch in history)
        history.append(Epoch(n_before + len(history) + 1, loss, None, None, is_best))
        if on_epoch is not None:
            on_epoch(history[-1])

    found = minimize(
        objective,
        objective.packed(first),
        jac=True,
        method="L-BFGS-B",
        callback=note,
        options={"maxiter": settings.epochs, "maxfun": lbfgs.max_evaluations, "gtol": lbfgs.tolerance},
    )
    if not history:  # it started where the gradient is 0
        note(found)
    parameters = map_leaves(_halved, objective.unpacked(found.x))
    best = min(history, key=lambda epoch: epoch.loss)
    state = State(parameters, None, n_before + len(history))
    stopped = "early" if found.status == 0 else "finished"
    return Fit(parameters, tuple(history), best, stopped, state, Recall(0, len(history)))


class _Objective:
    """The loss and its gradient as functions of one vector."""

    def __init__(self, network: MLP, rows: Rows, parameters: Any, settings: Settings) -> None:
        X = rows.X.astype(np.float64)
        y = rows.y.astype(np.float64) if rows.y.dtype.kind == "f" else rows.y
        weight = None if rows.weight is None else rows.weight.astype(np.float64)
        self._rows = (X, y, weight)
        leaves, self._structure = flatten(parameters)
        self._shapes = [leaf.shape for leaf in leaves]
        self._l2 = settings.l2
        self._penalized = self.packed(map_leaves(lambda leaf: np.full(leaf.shape, float(is_weight(leaf))), parameters))
        self._function = _compiled(value_and_grad(network.loss_value), settings.engine, parameters, *self._rows)
        self.data_loss = np.inf

    def __call__(self, vector: Vector) -> tuple[float, Vector]:
        """The loss with its penalty, and the gradient."""
        with np.errstate(all="ignore"):
            loss, gradients = self._function(self.unpacked(vector), *self._rows)
        self.data_loss = float(loss)
        penalized = self._penalized * vector
        return self.data_loss + 0.5 * self._l2 * float(penalized @ penalized), (
            self.packed(gradients) + self._l2 * penalized
        )

    def packed(self, parameters: Any) -> Vector:
        """Parameters as a vector."""
        leaves, _ = flatten(parameters)
        return np.concatenate([np.ravel(leaf) for leaf in leaves])

    def unpacked(self, vector: Vector) -> Any:
        """A vector as parameters."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes])[:-1]
        leaves = [part.reshape(shape) for part, shape in zip(np.split(vector, ends), self._shapes, strict=True)]
        return unflatten(self._structure, leaves)


def _compiled(function: Callable[..., Any], engine: str, *examples: Any) -> Callable[..., Any]:
    """The function in machine code where there is some, and in NumPy where not."""
    if engine != "numpy":
        try:
            return compile(function, *examples, engine="native")
        except (CannotLower, EngineUnavailable):
            if engine == "native":
                raise
    return compile(function, *examples, engine="numpy")


def _doubled(leaf: Any) -> Any:
    return leaf.astype(np.float64)


def _halved(leaf: Any) -> Any:
    return leaf.astype(np.float32)
