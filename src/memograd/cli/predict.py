"""`memograd predict`: from a model file and a CSV file to a CSV file of predictions."""

from __future__ import annotations

import argparse

from memograd.cli.cells import listed
from memograd.cli.table import Table, column_text, read_table, write_column
from memograd.cli.terminal import Terminal
from memograd.cli.textfile import file_error, same_file
from memograd.errors import DataError
from memograd.train.model import Model
from memograd.train.model_file import load_model

DESCRIPTION = "Predict a column of a table with a trained model."
COLUMN = "prediction"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("model", metavar="MODEL", help="a file that `memograd train` wrote")
    parser.add_argument(
        "data", metavar="DATA.csv", help="a CSV file with the columns that the model was trained on, in any order"
    )
    parser.add_argument(
        "--out", metavar="OUT.csv", help="where to write the column `prediction` (default: standard output)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object; with --out without the predictions")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    terminal = Terminal(as_json=arguments.json)
    _check_out(arguments)
    model = load_model(arguments.model)
    predictions = _predictions(model, read_table(arguments.data), arguments.model)
    cells = [value if isinstance(value, str) else repr(value) for value in predictions]
    if arguments.out:
        write_column(arguments.out, COLUMN, cells)
    if arguments.out or arguments.json:
        record = {"model": arguments.model, "task": model.task, "target": model.target, "rows": len(cells)}
        place = {"out": arguments.out} if arguments.out else {"predictions": predictions}
        terminal.result({**record, **place}, [("rows", str(len(cells))), ("out", arguments.out or "")])
    else:
        terminal.text(column_text(COLUMN, cells).removesuffix("\n"))
    return 0


def _check_out(arguments: argparse.Namespace) -> None:
    """Predictions in place of what they were made from are a slip."""
    for what, path in (("the model", arguments.model), ("the table", arguments.data)):
        if arguments.out and same_file(path, arguments.out):
            raise file_error(arguments.out, f"is {what} itself; name another file with --out")


def _predictions(model: Model, table: Table, path: str) -> list[str] | list[float]:
    _check_columns(model, table, path)
    X = table.numbers(model.columns)
    try:
        predictions: list[str] | list[float] = model.predict(X).tolist()
    except DataError as error:
        raise file_error(table.path, str(error)) from error
    return predictions


def _check_columns(model: Model, table: Table, path: str) -> None:
    present = set(table.columns)
    missing = [name for name in model.columns if name not in present]
    if missing:
        raise DataError(
            f"{table.path}: of the {len(model.columns)} columns that the model {path} needs, {len(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing: {listed(missing)}; "
            "name the columns as in the table it was trained on"
        )
