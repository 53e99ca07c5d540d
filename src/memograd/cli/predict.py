"""`memograd predict`: from a model file and a CSV file to a CSV file of predictions."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from memograd.cli.table import Table, column_text, read_table, write_column
from memograd.cli.terminal import Terminal
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
    parser.add_argument("--out", metavar="OUT.csv", help="where to write the column `prediction` (standard output)")
    parser.add_argument("--json", action="store_true", help="print one JSON object; with --out without the predictions")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    terminal = Terminal(as_json=arguments.json)
    model = load_model(arguments.model)
    table = read_table(arguments.data)
    _check_columns(model, table, arguments.model)
    predictions = model.predict(table.numbers(model.columns)).tolist()
    cells = [value if isinstance(value, str) else repr(value) for value in predictions]
    if arguments.out:
        write_column(arguments.out, COLUMN, cells)
    if arguments.out or arguments.json:
        record = {"model": arguments.model, "task": model.task, "target": model.target, "rows": len(cells)}
        place = {"out": arguments.out} if arguments.out else {"predictions": predictions}
        terminal.result({**record, **place}, [("rows", str(len(cells))), ("out", arguments.out or "")])
    else:
        sys.stdout.write(column_text(COLUMN, cells))
    return 0


def _check_columns(model: Model, table: Table, path: str) -> None:
    missing = [name for name in model.columns if Counter(table.columns)[name] == 0]
    if missing:
        shown = ", ".join(repr(name) for name in missing[:5]) + (", …" if len(missing) > 5 else "")
        raise DataError(
            f"{table.path}: of the {len(model.columns)} columns that the model {path} needs, {len(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing: {shown}; "
            "name the columns as in the table it was trained on"
        )
