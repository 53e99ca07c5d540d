"""`memograd train`: from a CSV file to a model file and a held-out score."""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from pathlib import Path

from memograd.cli.arguments import at_least, hidden_sizes, positive, share
from memograd.cli.cells import listed
from memograd.cli.table import read_table
from memograd.cli.target import constant_columns, features, infer_target
from memograd.cli.terminal import Terminal
from memograd.cli.textfile import file_error, same_file
from memograd.errors import BadSetting, DataError, ModelFileError
from memograd.nn.activations import ACTIVATIONS
from memograd.store.atomic import check_writable
from memograd.train.model_file import save_model
from memograd.train.settings import Settings, default_optimizer
from memograd.train.tabular import SCORES, Problem, Trained, train_table

DESCRIPTION = "Train a network on a table. A fifth of the rows is held out, to stop at the best epoch and to score it."

# Training holds six copies of the weights and more: this many fill 3 GB. A slip of the keyboard should not.
MAX_WEIGHTS = 100_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "data", metavar="DATA.csv", help="a CSV file with a header; columns other than the target must be numbers"
    )
    parser.add_argument("--target", required=True, metavar="COL", help="the column to predict")
    parser.add_argument("--task", choices=sorted(SCORES), help="what to make of the target (default: by its values)")
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="COL", help="leave a column out; may be repeated"
    )
    parser.add_argument("--model", metavar="OUT", help="where to write the model (default: DATA.model, here)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    _add_network_arguments(parser.add_argument_group("the network"))
    _add_training_arguments(parser.add_argument_group("its training"))


def _add_network_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--hidden", type=hidden_sizes, default=(64, 64), metavar="N,N",
        help="nodes of each hidden layer, or none (default: 64,64)",
    )  # fmt: skip
    group.add_argument(
        "--activation", choices=sorted(ACTIVATIONS), default="silu", metavar="NAME",
        help=f"of the hidden layers: {', '.join(sorted(ACTIVATIONS))} (default: silu)",
    )  # fmt: skip
    group.add_argument(
        "--dropout", type=share, default=0.2, metavar="RATE",
        help="share of hidden outputs dropped in training (default: 0.2)",
    )  # fmt: skip


def _add_training_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--epochs",
        type=at_least(1),
        default=200,
        metavar="N",
        help="at most so many passes over the rows (default: 200)",
    )
    group.add_argument(
        "--patience", type=at_least(1), default=40, metavar="N",
        help="stop after so many epochs without a smaller held-out loss (default: 40)",
    )  # fmt: skip
    group.add_argument(
        "--batch-size", type=at_least(1), metavar="N", help="rows of a minibatch (default: 32, more for large tables)"
    )
    group.add_argument(
        "--learning-rate", type=positive, default=1e-3, metavar="RATE", help="at the start (default: 0.001)"
    )
    group.add_argument(
        "--seed", type=at_least(0), default=0, metavar="S", help="the same seed gives the same model (default: 0)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    terminal = Terminal(as_json=arguments.json)
    path = arguments.model or f"{Path(arguments.data).stem}.model"
    _check_place(path, arguments.data)
    problem = _read(arguments, terminal)
    _check_size(problem, arguments.hidden)
    start = time.perf_counter()
    trained = _train(problem, arguments, terminal)
    seconds = time.perf_counter() - start
    save_model(trained.model, path)
    terminal.result(_record(trained, arguments.seed, seconds, path), _rows(trained, seconds, path))
    return 0


def _train(problem: Problem, arguments: argparse.Namespace, terminal: Terminal) -> Trained:
    settings = Settings(
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        patience=arguments.patience,
        seed=arguments.seed,
        optimizer=default_optimizer(arguments.learning_rate),
    )
    try:
        with terminal.training(settings.epochs, SCORES[problem.task][0]) as advance:
            return train_table(
                problem,
                hidden=arguments.hidden,
                settings=settings,
                activation=arguments.activation,
                dropout=arguments.dropout,
                on_epoch=advance,
            )
    except DataError as error:
        raise file_error(arguments.data, str(error)) from error


def _read(arguments: argparse.Namespace, terminal: Terminal) -> Problem:
    table = read_table(arguments.data)
    target = infer_target(table, arguments.target, arguments.task)
    columns, X = features(table, arguments.target, arguments.ignore)
    constant = constant_columns(columns, X)
    if constant:
        terminal.note(
            f"{len(constant)} of {len(columns)} columns hold one value only and tell nothing: {listed(constant)}"
        )
    return Problem(X, target.values, target.task, target.classes, columns, arguments.target)


def _check_place(path: str, data: str) -> None:
    """Training is long: that the model cannot be written is better known before."""
    if same_file(path, data):
        raise ModelFileError(f"{path}: is the table itself; name another file with --model")
    try:
        check_writable(path)
    except OSError as error:
        raise ModelFileError(
            f"{path}: the model cannot be written there ({error.strerror}); name a file elsewhere with --model"
        ) from error


def _check_size(problem: Problem, hidden: tuple[int, ...]) -> None:
    sizes = (len(problem.columns), *hidden, len(problem.classes) or 1)
    n_weights = sum(n_in * n_out for n_in, n_out in pairwise(sizes))
    if n_weights > MAX_WEIGHTS:
        raise BadSetting(
            f"{sizes[0]} columns and these hidden layers make {n_weights:,} weights, and {MAX_WEIGHTS:,} is the limit; "
            "give smaller layers with --hidden"
        )


def _record(trained: Trained, seed: int, seconds: float, path: str) -> dict[str, object]:
    best = trained.fit.best
    return {
        "task": trained.model.task,
        "target": trained.model.target,
        "rows": trained.n_train + trained.n_validation,
        "rows_trained": trained.n_train,
        "rows_held_out": trained.n_validation,
        "columns": len(trained.model.columns),
        "classes": list(trained.model.classes),
        "network": list(trained.model.network.sizes),
        "seed": seed,
        "epochs": len(trained.fit.history),
        "best_epoch": best.number,
        "stopped": trained.fit.stopped,
        "metrics": {"validation": {trained.score_name: best.validation_score, "loss": best.validation_loss}},
        "seconds": round(seconds, 3),
        "model": path,
    }


_STOPPED = {
    "finished": "",
    "early": ", then it stopped gaining",
    "interrupted": ", then it was interrupted",
}


def _rows(trained: Trained, seconds: float, path: str) -> list[tuple[str, str]]:
    model, fit = trained.model, trained.fit
    classes = f", {len(model.classes)} classes" if model.classes else ""
    return [
        ("task", f"{model.task} of {model.target}{classes}"),
        ("rows", f"{trained.n_train} to train, {trained.n_validation} held out"),
        ("network", "-".join(map(str, model.network.sizes))),
        ("epochs", f"{len(fit.history)} in {seconds:.1f} s{_STOPPED[fit.stopped]}; best: {fit.best.number}"),
        (trained.score_name, f"{fit.best.validation_score:.4f} on the rows held out"),
        ("model", path),
    ]
