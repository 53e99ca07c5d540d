"""`memograd predict`: from a model file and a CSV file to a CSV file of predictions."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memograd.cli.columns import read_for_model
from memograd.cli.csv_table import csv_text, read_csv, write_csv
from memograd.cli.terminal import Terminal
from memograd.cli.textfile import file_error, same_file
from memograd.errors import BadSetting, DataError
from memograd.table.target import ClassTarget, LabelTarget
from memograd.train.model import Model
from memograd.train.model_file import load_model

COLUMN = "prediction"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("model", metavar="MODEL", help="a file that `memograd train` wrote")
    parser.add_argument(
        "data", metavar="DATA.csv", help="a CSV file with the columns that the model was trained on, in any order"
    )
    parser.add_argument("--proba", action="store_true", help="tell the probability of each class, one column for each")
    parser.add_argument("--out", metavar="OUT.csv", help="where to write the predictions (default: standard output)")
    parser.add_argument("--json", action="store_true", help="print one JSON object; with --out without the predictions")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    terminal = Terminal(as_json=arguments.json)
    _check_out(arguments)
    model = load_model(arguments.model)
    names = columns_of(model, arguments.proba)
    values = _predicted(model, arguments)
    columns = dict(zip(names, (map(_cell, column) for column in values.T.tolist()), strict=True))
    if arguments.out:
        write_csv(arguments.out, {name: list(cells) for name, cells in columns.items()})
    if arguments.out or arguments.json:
        record = {"model": arguments.model, "task": model.task, "rows": len(values)}
        terminal.result({**record, **_told(arguments, model, values)}, _rows(arguments, len(values)))
    else:
        terminal.text(csv_text({name: list(cells) for name, cells in columns.items()}).removesuffix("\n"))
    return 0


def columns_of(model: Model, proba: bool) -> list[str]:
    """The names of the columns of predictions.

    Raises
    ------
    BadSetting
        When probabilities are asked for, and the model has none.
    """
    target = model.target
    if isinstance(target, ClassTarget):
        return [str(name) for name in target.classes] if proba else [COLUMN]
    if proba and not isinstance(target, LabelTarget):
        raise BadSetting("--proba: the model predicts numbers, and there are no probabilities; leave it out")
    return [COLUMN] if target.n_outputs == 1 else [f"{COLUMN}_{number}" for number in range(target.n_outputs)]


def _predicted(model: Model, arguments: argparse.Namespace) -> NDArray[Any]:
    """The predictions, (n_rows, n_columns)."""
    table = read_for_model(read_csv(arguments.data), model.encoder)
    try:
        values: NDArray[Any] = model.predict_proba(table) if arguments.proba else model.predict(table)
    except DataError as error:
        raise file_error(arguments.data, str(error)) from error
    return values.reshape(len(values), -1)


def _told(arguments: argparse.Namespace, model: Model, values: NDArray[Any]) -> dict[str, Any]:
    """What a machine is told of the predictions: where they are, or what they are."""
    if arguments.out:
        return {"out": arguments.out}
    if not arguments.proba:
        return {"predictions": (values[:, 0] if values.shape[1] == 1 else values).tolist()}
    classes = (
        list(model.target.classes) if isinstance(model.target, ClassTarget) else np.arange(values.shape[1]).tolist()
    )
    return {"classes": classes, "probabilities": values.tolist()}


def _rows(arguments: argparse.Namespace, n_rows: int) -> list[tuple[str, str]]:
    return [("rows", str(n_rows)), ("out", arguments.out or "")]


def _cell(value: Any) -> str:
    """A value as a cell; numbers so that reading them gives the same ones."""
    return value if isinstance(value, str) else repr(value)


def _check_out(arguments: argparse.Namespace) -> None:
    """Predictions in place of what they were made from are a slip."""
    for what, path in (("the model", arguments.model), ("the table", arguments.data)):
        if arguments.out and same_file(path, arguments.out):
            raise file_error(arguments.out, f"is {what} itself; name another file with --out")
