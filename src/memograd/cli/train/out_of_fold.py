"""The score of an ensemble over folds: every row is predicted by the member that did not see it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from memograd.cli.target import Target
from memograd.nn.losses import resolve_loss
from memograd.table.columns import Table
from memograd.table.target import NumberTarget
from memograd.train.model import decided
from memograd.train.scores import accuracy, r2
from memograd.train.tabular import Trained


def out_of_fold(trained: Trained, table: Table, target: Target) -> dict[str, float | None]:
    """Return the score and the loss of all rows, each while it was held out.

    Parameters
    ----------
    trained : Trained
        One member for each fold; every row was held out once.
    table : Table
    target : Target
    """
    model, loss = trained.model, resolve_loss(trained.model.network.loss)
    scores = np.empty((table.n_rows, model.network.sizes[-1]), np.float32)
    for parameters, member in zip(model.members, trained.members, strict=True):
        assert member.validation is not None
        alone = replace(model, members=(parameters,))
        scores[member.validation] = alone.scores(table.take(member.validation))[0]
    if isinstance(model.target, NumberTarget):
        score = r2(target.y, model.target.decode(loss.predict(scores), clip=model.clip))
    else:
        assert hasattr(loss, "probabilities")
        score = accuracy(target.y, decided(model.target, loss.probabilities(scores.astype(np.float64))))
    return {trained.score_name: score, "loss": _mean_loss(trained)}


def _mean_loss(trained: Trained) -> float | None:
    losses = [fit.best.validation_loss for fit in trained.fits]
    n_rows = [0 if member.validation is None else len(member.validation) for member in trained.members]
    if None in losses or not sum(n_rows):
        return None
    return float(np.average(np.array(losses, np.float64), weights=n_rows))
