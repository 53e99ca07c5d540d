"""`memograd evaluate`: how well a model predicts a table whose target is known."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from memograd.cli.columns import read_for_model
from memograd.cli.csv_table import CsvTable, read_csv
from memograd.cli.metrics import confusion, of_classes, of_numbers
from memograd.cli.target import classes_of, numbers_of
from memograd.cli.terminal import Terminal
from memograd.cli.textfile import file_error
from memograd.errors import BadSetting, DataError
from memograd.table.columns import Table
from memograd.table.target import ClassTarget, NumberTarget
from memograd.table.wording import listed
from memograd.train.model import Model
from memograd.train.model_file import load_model

MAX_SHOWN_CLASSES = 12
"""Of a larger confusion nobody reads the numbers; machines are told all the same."""

Found = tuple[dict[str, Any], list[tuple[str, str]]]
"""What machines are told, and what people are told besides the metrics."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("model", metavar="MODEL", help="a file that `memograd train` wrote")
    parser.add_argument("data", metavar="DATA.csv", help="a CSV file with the columns of the training and the target")
    parser.add_argument(
        "--target", metavar="COL", help="the target's column (default: the one that the model does not learn from)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    terminal = Terminal(as_json=arguments.json)
    model = load_model(arguments.model)
    csv = read_csv(arguments.data)
    target = arguments.target or _only_other(csv, model)
    csv.column(target)
    table = read_for_model(csv, model.encoder)
    try:
        metrics, more, rows = _evaluated(model, csv, table, target)
    except DataError as error:
        raise error if str(error).startswith(csv.path) else file_error(csv.path, str(error)) from error
    record = {"model": arguments.model, "task": model.task, "target": target, "rows": table.n_rows, "metrics": metrics}
    told = [("task", f"{model.task} of {target}"), ("rows", str(table.n_rows))]
    terminal.result({**record, **more}, [*told, *((name, f"{value:.4f}") for name, value in metrics.items()), *rows])
    return 0


def _evaluated(
    model: Model, csv: CsvTable, table: Table, target: str
) -> tuple[dict[str, float], dict[str, Any], list[tuple[str, str]]]:
    """The metrics, and what else machines and people are told."""
    if isinstance(model.target, NumberTarget) and model.target.n_outputs == 1:
        y = numbers_of(csv, target)
        return of_numbers(y, model.predict(table).reshape(-1)), {}, []
    if not isinstance(model.target, ClassTarget):
        raise BadSetting("the model predicts several columns, and one can be evaluated; use the library")
    classes = [str(name) for name in model.target.classes]
    values = classes_of(csv, target, classes)
    probabilities = model.predict_proba(table)
    counts = confusion(values, np.argmax(probabilities, axis=1), len(classes)).tolist()
    more = {"classes": list(model.target.classes), "confusion": counts}
    shown = [("confusion", _drawn(classes, counts))] if len(classes) <= MAX_SHOWN_CLASSES else []
    return of_classes(values, probabilities), more, shown


def _only_other(csv: CsvTable, model: Model) -> str:
    """The only column that the model does not learn from."""
    others = [name for name in csv.columns if name not in set(model.encoder.names)]
    if len(others) != 1:
        found = f"there are {len(others)}: {listed(others)}" if others else "there is none"
        raise csv.error(f"the target is the one column that the model does not learn from, and {found}; name --target")
    return others[0]


def _drawn(classes: list[str], counts: list[list[int]]) -> str:
    """The confusion as text: a row for each class that was, a column for each that was predicted."""
    names = [name if len(name) <= 12 else f"{name[:11]}…" for name in classes]
    cells = [["", *names], *([name, *map(str, row)] for name, row in zip(names, counts, strict=True))]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(["rows are what was, columns what was predicted", *(f"  {line}" for line in lines)])
