"""From the bytes of a table, and those of rows to hold out, to what is to be learned."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from memograd.cli.columns import constant_columns, read_columns, read_known
from memograd.cli.csv_table import CsvTable, read_csv
from memograd.cli.target import Target, classes_of, feature_names, infer_target, numbers_of
from memograd.cli.train.recall import Files
from memograd.table.columns import Table
from memograd.table.wording import listed
from memograd.train.tabular import Labelled


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is to be learned: the columns of the table, and the target.

    Attributes
    ----------
    path : str
        Of the table, for messages.
    table : Table
    target : Target
    validation : Labelled or None
        Rows of another file to hold out.
    notes : tuple of str
        What is odd about the table.
    """

    path: str
    table: Table
    target: Target
    validation: Labelled | None
    notes: tuple[str, ...]


def read_problem(arguments: argparse.Namespace, files: Files) -> Problem:
    """Make a problem of the bytes of the table, and of those of the rows to hold out if they were given.

    Raises
    ------
    DataError
        When one of them cannot be used.
    """
    data, held_out = files
    csv = read_csv(arguments.data, data)
    target = infer_target(csv, arguments.target, arguments.task)
    names = feature_names(csv, arguments.target, arguments.ignore)
    table = read_columns(csv, names, arguments.category)
    validation = None
    if held_out is not None:
        validation = _validation(read_csv(arguments.val, held_out), table, target, arguments.target)
    return Problem(arguments.data, table, target, validation, _notes(table))


def _validation(csv: CsvTable, table: Table, target: Target, name: str) -> Labelled:
    """The rows of another file, read as those of the first; an error that says which column or class it lacks."""
    values = numbers_of(csv, name) if target.task == "regression" else classes_of(csv, name, target.classes)
    kinds = [column.kind for column in table.columns]
    return Labelled(read_known(csv, table.names, kinds), target.named(values))


def _notes(table: Table) -> tuple[str, ...]:
    constant = constant_columns(table)
    if not constant:
        return ()
    n_columns = len(table.columns)
    return (f"{len(constant)} of {n_columns} columns hold one value only and tell nothing: {listed(constant)}",)
