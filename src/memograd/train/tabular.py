"""From a table and a target to a trained model: rows held out, columns encoded, networks trained by a recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from memograd.errors import BadSetting, DataError, UnknownName
from memograd.graph.node import Array
from memograd.nn.losses import resolve_loss
from memograd.nn.mlp import MLP
from memograd.store.protocol import Store
from memograd.table.columns import Table
from memograd.table.encoder import Encoder
from memograd.table.target import ClassTarget, LabelTarget, NumberTarget, Target
from memograd.train.adaptive import fit_adaptively
from memograd.train.bagging import Member, fit_members
from memograd.train.epochs import State
from memograd.train.history import Epoch
from memograd.train.lbfgs import fit_lbfgs
from memograd.train.loop import Fit, Recall, fit
from memograd.train.members import Folds, held_out, of_folds, renumbered
from memograd.train.model import Model
from memograd.train.recipe import TASKS, Recipe, Task
from memograd.train.rows import Rows
from memograd.train.scores import accuracy, r2
from memograd.train.settings import Settings
from memograd.train.validation import Score

Judge: TypeAlias = Callable[[MLP, Target], Score]
"""From a network and a target to what scores (scores of the network, rows): the larger the better."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Rows of a table with what is to be predicted.

    Attributes
    ----------
    table : Table
    y : (n_rows,) or (n_rows, n_outputs)
        Classes, numbers, or 0 and 1 for each label.
    weight : (n_rows,) float, optional
        A row of weight 2 counts as two rows, one of weight 0 not at all.

    Raises
    ------
    DataError
        When they are not equally many, there are none, or weights are negative, not finite or all 0.
    """

    table: Table
    y: Array
    weight: Array | None = None

    def __post_init__(self) -> None:
        if len(self.y) != self.table.n_rows:
            raise DataError(f"the target has {len(self.y)} rows, and the table {self.table.n_rows}; give one for each")
        if not self.table.n_rows:
            raise DataError("the table has no rows; give at least one")
        if self.weight is not None:
            object.__setattr__(self, "weight", _checked_weight(self.weight, self.table.n_rows))

    def counted(self) -> Labelled:
        """The rows of a weight above 0."""
        if self.weight is None or self.weight.all():
            return self
        rows = np.flatnonzero(self.weight)
        return Labelled(self.table.take(rows), self.y[rows], self.weight[rows])


@final
@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A model, and how it was trained.

    Attributes
    ----------
    model : Model
    fits : tuple of (n_members,) Fit
    members : tuple of (n_members,) Member
        The rows that each was trained on and judged by.
    score_name : str
    """

    model: Model
    fits: tuple[Fit, ...]
    members: tuple[Member, ...]
    score_name: str

    @property
    def fit(self) -> Fit:
        """That of the first member."""
        return self.fits[0]

    @property
    def n_train(self) -> int:
        """Rows that the first member was trained on."""
        return len(self.members[0].train)

    @property
    def n_validation(self) -> int:
        """Rows that the first member was judged by; 0 if there were none."""
        return 0 if self.members[0].validation is None else len(self.members[0].validation)

    @property
    def memo(self) -> Recall:
        """What was recalled and what was trained, of all members together."""
        recalls = [fit.memo for fit in self.fits]
        notes = dict.fromkeys(recall.note for recall in recalls if recall.note)
        return Recall(
            epochs_recalled=sum(recall.epochs_recalled for recall in recalls),
            epochs_trained=sum(recall.epochs_trained for recall in recalls),
            seconds_saved=sum(recall.seconds_saved for recall in recalls),
            note="; ".join(notes) or None,
        )


def train_table(
    table: Table,
    y: Any,
    *,
    task: Task,
    recipe: Recipe,
    sample_weight: Any = None,
    validation: Labelled | None = None,
    folds: Folds | None = None,
    classes: Any = None,
    judge: tuple[str, Judge] | None = None,
    store: Store | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    start: Trained | None = None,
) -> Trained:
    """Train by a recipe.

    Columns are encoded, and numbers to predict standardized, by the rows that are trained on. Rows of weight 0 are left
    out. Rows are held out as the recipe says, unless there are so few that none would be; then the last epoch is kept.

    Parameters
    ----------
    table : Table
    y : (n_rows,) or (n_rows, n_outputs)
    task : {"classification", "regression", "multilabel"}
    recipe : Recipe
    sample_weight : (n_rows,) float, optional
    validation : Labelled, optional
        Rows to judge epochs by, instead of holding some out.
    folds : sequence of (rows to train on, rows to judge by), optional
        Which rows are held out; members take them in turn.
    classes : sequence, optional
        All classes, when `y` may lack some.
    judge : (str, callable), optional
        Name and maker of the score that is shown beside the loss, and by which epochs are judged if the recipe's
        monitor is "score"; by default accuracy or R².
    store : Store, optional
        Where states of trainings are looked up and kept.
    on_epoch : callable, optional
        Is given each epoch. What it raises ends the training.
    start : Trained, optional
        To go on from its last epoch, for as many epochs more as the recipe says, with its encoder, target and network.

    Returns
    -------
    Trained

    Raises
    ------
    DataError
        When table, target or weights cannot be used.
    BadSetting, UnknownName, TrainingDiverged

    Examples
    --------
    >>> from memograd.table.columns import as_table
    >>> from memograd.train.recipe import preset
    >>> table = as_table({"size": [1.0, 2.0, 3.0, 4.0] * 5, "kind": ["a", "b", "b", "a"] * 5})
    >>> recipe = preset("sklearn", "classification")
    >>> trained = train_table(table, ["no", "yes", "yes", "no"] * 5, task="classification", recipe=recipe)
    >>> trained.model.predict(table)[:4].tolist()
    ['no', 'yes', 'yes', 'no']
    """
    if task not in TASKS:
        raise UnknownName(f"there is no task {task!r}; there is {', '.join(TASKS)}")
    given = Labelled(table, y.toarray() if hasattr(y, "toarray") else np.asarray(y), sample_weight)
    rows = given.counted()
    if folds is not None and given.weight is not None:
        folds = renumbered(folds, np.flatnonzero(given.weight), table.n_rows)
    target = _target(task, given.y, recipe, classes) if start is None else start.model.target
    held = None if validation is None else validation.counted()
    members = _members(rows, target, recipe, held, folds)
    trained_on = _rows_of_any(members)
    encoder = Encoder.fit(rows.table.take(trained_on), recipe.encoder) if start is None else start.model.encoder
    if start is None and isinstance(target, NumberTarget):
        target = NumberTarget.fit(rows.y[trained_on], standardize=recipe.standardizes)
    network = recipe.network(encoder, target.n_outputs) if start is None else start.model.network
    everything = _encoded((rows,) if held is None else (rows, held), encoder, target, network)
    name, make_score = judge or JUDGES[task]
    settings = _settings(recipe, rows, members[0])
    fits = _fits(network, everything, members, recipe, settings, make_score(network, target), store, on_epoch, start)
    kept = tuple(_kept(fit, member, recipe) for fit, member in zip(fits, members, strict=True))
    return Trained(Model(network, kept, encoder, target, recipe.clips), fits, members, name)


def _members(
    rows: Labelled, target: Target, recipe: Recipe, validation: Labelled | None, folds: Folds | None
) -> tuple[Member, ...]:
    n_rows, seed, n_members = rows.table.n_rows, recipe.settings.seed, recipe.n_members
    if validation is not None and folds is not None:
        raise BadSetting("rows to validate on are given, and folds that say which to hold out; give one of the two")
    if validation is not None:
        train = np.arange(n_rows)
        held = np.arange(n_rows, n_rows + validation.table.n_rows)
        return tuple(Member(train, held, seed + i) for i in range(n_members))
    if folds is not None:
        return of_folds(folds, n_rows, seed=seed, n_members=n_members)
    labels = target.encode(rows.y) if isinstance(target, ClassTarget) else None
    return held_out(n_rows, recipe.validation_fraction, seed=seed, n_members=n_members, labels=labels)


def _rows_of_any(members: Sequence[Member]) -> NDArray[np.intp]:
    """The rows that any member is trained on, in ascending order."""
    if len(members) == 1:
        return members[0].train
    return np.unique(np.concatenate([member.train for member in members]))


def _target(task: Task, y: Array, recipe: Recipe, classes: Any) -> Target:
    """What is predicted, checked in all rows that were given: all classes count, also those of no weight."""
    if task == "classification":
        return ClassTarget.fit(y if classes is None else classes)
    if task == "multilabel":
        return LabelTarget.fit(y)
    return NumberTarget.fit(y, standardize=recipe.standardizes)


def _encoded(parts: Sequence[Labelled], encoder: Encoder, target: Target, network: MLP) -> Rows:
    """All rows as the network and its loss take them, one part after the other."""
    loss, n_outputs = resolve_loss(network.loss), network.sizes[-1]
    X = [encoder.transform(part.table) for part in parts]
    y = [loss.target_array(target.encode(part.y), n_outputs, np.dtype(np.float32)) for part in parts]
    if len(parts) == 1:  # a large table is not copied for nothing
        return Rows(X[0], y[0], _weights(parts))
    return Rows(np.concatenate(X), np.concatenate(y), _weights(parts))


def _weights(parts: Sequence[Labelled]) -> Array | None:
    """Weights relative to their mean, which float32 can hold; None if all are alike."""
    weight = np.concatenate(
        [np.ones(part.table.n_rows) if part.weight is None else np.asarray(part.weight, np.float64) for part in parts]
    )
    # Divided twice, because the sum of weights near the end of float64 is infinite.
    relative = weight / weight.max()
    relative /= relative.mean()
    return None if (weight == weight[0]).all() else relative.astype(np.float32)


def _settings(recipe: Recipe, rows: Labelled, member: Member) -> Settings:
    """The settings of a member, and of all others, since they have about as many rows."""
    amount = len(member.train) if rows.weight is None else float(np.sum(rows.weight[member.train]))
    settings = recipe.settings_for(len(member.train), amount)
    return settings if member.validation is not None else dataclasses.replace(settings, monitor="loss")


def _fits(
    network: MLP,
    rows: Rows,
    members: Sequence[Member],
    recipe: Recipe,
    settings: Settings,
    score: Score,
    store: Store | None,
    on_epoch: Callable[[Epoch], None] | None,
    start: Trained | None,
) -> tuple[Fit, ...]:
    is_plain = recipe.lbfgs is None and not recipe.lowers_rate
    if start is None and is_plain and len(members) > 1:
        return fit_members(network, rows, members, settings=settings, score=score, on_epoch=on_epoch, store=store)
    states = [None] * len(members) if start is None else [fit.state for fit in start.fits]
    if len(states) != len(members):
        raise BadSetting(f"{len(members)} members cannot go on from {len(states)}; train as many, or start anew")

    def fit_one(member: Member, state: State | None) -> Fit:
        own, train = dataclasses.replace(settings, seed=member.seed), rows[member.train]
        if recipe.lbfgs is not None:
            return fit_lbfgs(network, train, settings=own, lbfgs=recipe.lbfgs, on_epoch=on_epoch, start=state)
        own = own if state is None else dataclasses.replace(own, epochs=own.epochs + state.epoch)
        held = None if member.validation is None else rows[member.validation]
        fit_steps = fit_adaptively if recipe.lowers_rate else fit
        return fit_steps(network, train, held, settings=own, score=score, on_epoch=on_epoch, store=store, start=state)

    return tuple(map(fit_one, members, states))


def _kept(fit: Fit, member: Member, recipe: Recipe) -> Any:
    """The parameters of the best epoch; of the last one where nothing says which is best."""
    return fit.parameters if recipe.keeps == "best" and member.validation is not None else fit.state.parameters


def _checked_weight(weight: Any, n_rows: int) -> NDArray[np.float64]:
    weight = np.asarray(weight)
    if weight.dtype.kind not in "biuf" or weight.shape != (n_rows,):
        raise DataError(f"the weights are {weight.dtype} of shape {weight.shape}; they must be {n_rows} numbers")
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise DataError("a weight is negative or not finite; give numbers of at least 0")
    if not weight.any():
        raise DataError("the weights are all zero, so there is nothing to learn from; give a row a weight above zero")
    checked: NDArray[np.float64] = weight.astype(np.float64)
    return checked


def _accuracy(network: MLP, target: Target) -> Score:
    predict = resolve_loss(network.loss).predict
    return lambda scores, rows: accuracy(rows.y, predict(scores), rows.weight)


def _r2(network: MLP, target: Target) -> Score:
    predict = resolve_loss(network.loss).predict
    return lambda scores, rows: r2(rows.y, predict(scores), rows.weight)


JUDGES: dict[Task, tuple[str, Judge]] = {
    "classification": ("accuracy", _accuracy),
    "multilabel": ("accuracy", _accuracy),
    "regression": ("r2", _r2),
}
"""The name of the score of a task, and what computes it."""
