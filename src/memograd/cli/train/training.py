"""From the bytes of a table to a trained model: everything of `memograd train` that has to compute.

Loaded only when there is something to train.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

from memograd.cli.progress import drawn
from memograd.cli.terminal import Terminal
from memograd.cli.textfile import file_error
from memograd.cli.train.out_of_fold import out_of_fold
from memograd.cli.train.problem import Problem, read_problem
from memograd.cli.train.recall import TROUBLE, Curve, Files, Outcome
from memograd.cli.train.result import Memo
from memograd.errors import BadSetting, DataError, EngineFallback
from memograd.memo.complaints import MemoWarning
from memograd.store.damage import DamagedEntry, TierFailed
from memograd.store.protocol import Store
from memograd.table.target import ClassTarget
from memograd.train.history import Epoch
from memograd.train.model_file import save_model
from memograd.train.recipe import Recipe, preset
from memograd.train.tabular import JUDGES, Trained, train_table

# Training holds six copies of the weights and more: this many fill 3 GB. A slip of the keyboard should not.
MAX_WEIGHTS = 100_000_000

HELD_OUT = 0.2
"""The share of the rows, whatever the preset: the command tells how well a model does on rows that it did not see."""


def train(
    arguments: argparse.Namespace, files: Files, store: Store | None, *, path: str, terminal: Terminal
) -> tuple[Outcome, Memo]:
    """Train on a table, and write the model.

    Returns
    -------
    Outcome, and what the chain of states in the store had of it.

    Raises
    ------
    DataError, BadSetting, TrainingDiverged, ModelFileError
    """
    problem = read_problem(arguments, files)
    for note in problem.notes:
        terminal.note(note)
    recipe = recipe_of(arguments, problem.target.task)
    _check_size(problem, recipe)
    start = time.perf_counter()
    trained = _trained(problem, recipe, store, terminal)
    found = trained.memo
    outcome = Outcome(
        record=_record(trained, problem, recipe, arguments),
        model=_written(trained, path),
        curve=_curve(trained),
        notes=problem.notes,
        seconds=time.perf_counter() - start + found.seconds_saved,
    )
    if found.note:
        terminal.note(found.note)
    return outcome, Memo(found.epochs_recalled, found.epochs_trained, found.seconds_saved)


def recipe_of(arguments: argparse.Namespace, task: Any) -> Recipe:
    """The preset, with what was given in the place of what it would choose."""
    chosen = preset(arguments.preset, task)
    settings = _replaced(
        chosen.settings,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        is_batch_even=None if arguments.batch_size is None else False,
        patience=arguments.patience,
        schedule=arguments.schedule,
        seed=arguments.seed,
        optimizer=_replaced(chosen.settings.optimizer, learning_rate=arguments.learning_rate),
    )
    recipe: Recipe = _replaced(
        chosen,
        hidden=arguments.hidden,
        activation=arguments.activation,
        dropout=arguments.dropout,
        settings=settings,
        n_members=arguments.folds,
        validation_fraction=1 / arguments.folds if arguments.folds else HELD_OUT,
    )
    return recipe


def _trained(problem: Problem, recipe: Recipe, store: Store | None, terminal: Terminal) -> Trained:
    try:
        with _told(terminal), _progress(terminal, recipe, problem.target.task) as advance:
            return train_table(
                problem.table,
                problem.target.y,
                task=problem.target.task,
                recipe=recipe,
                validation=problem.validation,
                store=store,
                on_epoch=advance,
            )
    except DataError as error:
        raise file_error(problem.path, str(error)) from error


def _written(trained: Trained, path: str) -> bytes:
    """Write the model; what the file holds."""
    save_model(trained.model, path)
    return Path(path).read_bytes()


def _record(trained: Trained, problem: Problem, recipe: Recipe, arguments: argparse.Namespace) -> dict[str, Any]:
    target = trained.model.target
    return {
        "task": problem.target.task,
        "target": arguments.target,
        "rows": problem.table.n_rows,
        "rows_trained": trained.n_train,
        "rows_held_out": trained.n_validation,
        "folds": arguments.folds,
        "columns": len(problem.table.columns),
        "classes": list(target.classes) if isinstance(target, ClassTarget) else [],
        "preset": arguments.preset,
        "network": list(trained.model.network.sizes),
        "seed": arguments.seed,
        "epochs": sum(len(fit.history) for fit in trained.fits),
        "best_epoch": None if arguments.folds else _kept_epoch(trained, recipe).number,
        "stopped": _stopped(trained),
        "metrics": {"validation": _metrics(trained, problem, recipe)},
    }


def _metrics(trained: Trained, problem: Problem, recipe: Recipe) -> dict[str, float | None]:
    if len(trained.fits) > 1:
        found = out_of_fold(trained, problem.table, problem.target)
    else:
        epoch = _kept_epoch(trained, recipe)
        found = {trained.score_name: epoch.validation_score, "loss": epoch.validation_loss}
    return {name: value if value is not None and math.isfinite(value) else None for name, value in found.items()}


def _kept_epoch(trained: Trained, recipe: Recipe) -> Epoch:
    """The epoch that the model is of."""
    return trained.fit.best if recipe.keeps == "best" else trained.fit.history[-1]


def _curve(trained: Trained) -> Curve:
    return tuple(
        (member, epoch.number, epoch.loss, epoch.validation_loss, epoch.validation_score)
        for member, fit in enumerate(trained.fits, start=1)
        for epoch in fit.history
    )


def _stopped(trained: Trained) -> str:
    """How it ended: if any member was interrupted, so was all; else as the first one."""
    reasons = [fit.stopped for fit in trained.fits]
    return "interrupted" if "interrupted" in reasons else reasons[0]


def _check_size(problem: Problem, recipe: Recipe) -> None:
    """Refuse folds without rows, and a network that no machine holds; how many inputs there are is not known yet."""
    n_rows = problem.table.n_rows
    if recipe.n_members > n_rows:
        raise BadSetting(f"--folds {recipe.n_members} of {n_rows} rows: some hold out none; give at most {n_rows}")
    sizes = (len(problem.table.columns), *recipe.hidden, len(problem.target.classes) or 1)
    n_weights = sum(n_in * n_out for n_in, n_out in pairwise(sizes)) * recipe.n_members
    if n_weights > MAX_WEIGHTS:
        raise BadSetting(
            f"{sizes[0]} columns and these hidden layers make {n_weights:,} weights, and {MAX_WEIGHTS:,} is the limit; "
            "give smaller layers with --hidden"
        )


def _replaced(record: Any, **given: Any) -> Any:
    """A frozen record with those of its attributes replaced for which a value is given."""
    return dataclasses.replace(record, **{name: value for name, value in given.items() if value is not None})


@contextmanager
def _told(terminal: Terminal) -> Iterator[None]:
    """Say in one line what the library would warn of."""

    def say(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        text = str(message).removesuffix(" (this is said once)")
        terminal.note(text, once=TROUBLE if issubclass(category, MemoWarning) else "")

    with warnings.catch_warnings():
        for kind in (EngineFallback, MemoWarning, DamagedEntry, TierFailed):
            warnings.simplefilter("always", kind)
        warnings.showwarning = say
        yield


def _progress(terminal: Terminal, recipe: Recipe, task: Any) -> Any:
    """Progress on a terminal that can draw it; elsewhere nothing."""
    if not terminal.can_draw:
        return nullcontext()
    return drawn(recipe.settings.epochs * recipe.n_members, JUDGES[task][0])
