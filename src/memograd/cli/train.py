"""`memograd train`: from a CSV file to a model file and a held-out score."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from memograd.cli.arguments import at_least, hidden_sizes, share
from memograd.cli.table import read_table
from memograd.cli.target import constant_columns, features, infer_target
from memograd.cli.terminal import Terminal
from memograd.errors import ModelFileError
from memograd.nn.activations import ACTIVATIONS
from memograd.train.model_file import save_model
from memograd.train.settings import Settings
from memograd.train.tabular import SCORES, Problem, Trained, train_table

DESCRIPTION = "Train an MLP on a table. Rows are held out to stop at the best epoch and to score it."
_SHOWN_COLUMNS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "data", metavar="DATA.csv", help="a CSV file with a header; columns other than the target must be numbers"
    )
    parser.add_argument("--target", required=True, metavar="COL", help="the column to predict")
    parser.add_argument(
        "--task", choices=sorted(SCORES), help="what it is; chosen from the target's values if left out"
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="COL", help="leave a column out; may be repeated"
    )
    parser.add_argument(
        "--hidden", type=hidden_sizes, default=(64, 64), metavar="N,N", help="nodes of each hidden layer (64,64)"
    )
    parser.add_argument("--activation", choices=sorted(ACTIVATIONS), default="silu", help="of the hidden layers (silu)")
    parser.add_argument(
        "--dropout", type=share, default=0.2, metavar="RATE", help="share of hidden outputs dropped in training (0.2)"
    )
    parser.add_argument(
        "--epochs", type=at_least(1), default=200, metavar="N", help="at most so many passes over the rows (200)"
    )
    parser.add_argument(
        "--batch-size", type=at_least(1), metavar="N", help="rows of a minibatch (32, more for large tables)"
    )
    parser.add_argument(
        "--patience", type=at_least(1), default=40, metavar="N", help="stop after so many epochs without gain (40)"
    )
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="S", help="same seed, same model (0)")
    parser.add_argument("--model", metavar="OUT", help="where to write the model (DATA.model, here)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    terminal = Terminal(as_json=arguments.json)
    path = arguments.model or f"{Path(arguments.data).stem}.model"
    _check_writable(path)
    problem = _read(arguments, terminal)
    settings = Settings(
        epochs=arguments.epochs, batch_size=arguments.batch_size, patience=arguments.patience, seed=arguments.seed
    )
    start = time.perf_counter()
    with terminal.training(settings.epochs, SCORES[problem.task][0]) as advance:
        trained = train_table(
            problem,
            hidden=arguments.hidden,
            settings=settings,
            activation=arguments.activation,
            dropout=arguments.dropout,
            on_epoch=advance,
        )
    seconds = time.perf_counter() - start
    save_model(trained.model, path)
    terminal.result(_record(trained, settings, seconds, path), _rows(trained, seconds, path))
    return 0


def _read(arguments: argparse.Namespace, terminal: Terminal) -> Problem:
    table = read_table(arguments.data)
    target = infer_target(table, arguments.target, arguments.task)
    columns, X = features(table, arguments.target, arguments.ignore)
    constant = constant_columns(columns, X)
    if constant:
        shown = ", ".join(constant[:_SHOWN_COLUMNS]) + (", …" if len(constant) > _SHOWN_COLUMNS else "")
        terminal.note(f"{len(constant)} of {len(columns)} columns hold one value only and tell nothing: {shown}")
    return Problem(X, target.values, target.task, target.classes, columns, arguments.target)


def _check_writable(path: str) -> None:
    """Training is long: that the model cannot be written is better known before."""
    folder = os.path.dirname(os.path.realpath(path))
    if Path(path).exists() and not Path(path).is_file():
        raise ModelFileError(f"{path}: is not a regular file; name another with --model")
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ModelFileError(
            f"{path}: the model cannot be written there ({error.strerror}); name a file elsewhere with --model"
        ) from error


def _record(trained: Trained, settings: Settings, seconds: float, path: str) -> dict[str, object]:
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
        "seed": settings.seed,
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
