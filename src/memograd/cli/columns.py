"""Columns of a CSV file become the columns of a table that is learned from or predicted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import isnan

from memograd.cli.csv_table import CsvTable
from memograd.errors import DataError
from memograd.table.column import Column, Kind
from memograd.table.columns import Table
from memograd.table.encoder import Encoder
from memograd.table.text import MakeError, number_of, read_cells, trouble
from memograd.table.wording import listed, shown

_ADVICE = "thousands separators"
"""How the advice ends about a number with a decimal comma."""


def read_columns(csv: CsvTable, names: Sequence[str], categorical: Collection[str] = ()) -> Table:
    """Read columns as what their cells say: numbers, truth values, dates or categories, with gaps.

    Parameters
    ----------
    csv : CsvTable
    names : sequence of str
        In the order that they are to have.
    categorical : collection of str
        Those of categories, whatever they look like.

    Raises
    ------
    DataError
        When a cell is infinite, too large for a float of 32 bits, or no number among many numbers.

    Examples
    --------
    >>> csv = CsvTable("t.csv", ("size", "kind"), (("1", "", "2.5"), ("a", "b", "a")), (2, 3, 4))
    >>> [(column.kind, column.values.tolist()) for column in read_columns(csv, ["kind", "size"]).columns]
    [('category', ['a', 'b', 'a']), ('number', [1.0, nan, 2.5])]
    """
    cells = [csv.column(name) for name in names]
    for name in set(categorical) - set(names):
        raise csv.error(f"{shown(name)} is not learned from, so it can be no category; it is ignored or the target")
    error = _error_of(csv, ignorable=True)
    table = read_cells(names, cells, categorical=categorical, error=error)
    for column in table.columns:
        if column.name not in categorical:
            _refuse_decimal_commas(csv, column, error)
    return table


def read_known(csv: CsvTable, names: Sequence[str], kinds: Sequence[Kind]) -> Table:
    """Read the columns that were learned from as what they were then.

    Parameters
    ----------
    csv : CsvTable
        Its columns may stand in any order, beside others.
    names, kinds : sequences of (n_columns,)

    Raises
    ------
    DataError
        When a column is missing, or a cell is not what its column is.

    Examples
    --------
    >>> csv = CsvTable("t.csv", ("size", "kind"), (("1", "2"), ("7", "b")), (2, 3))
    >>> read_known(csv, ["kind"], ["category"]).column("kind").values.tolist()
    ['7', 'b']
    """
    missing = [name for name in names if name not in set(csv.columns)]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise csv.error(
            f"of the {len(names)} columns that were learned from, {len(missing)} {are} missing: {listed(missing)}; "
            "name the columns as in the table that was trained on"
        )
    return read_cells(names, [csv.column(name) for name in names], kinds=kinds, error=_error_of(csv, ignorable=False))


def read_for_model(csv: CsvTable, encoder: Encoder) -> Table:
    """Read the columns that a model knows, as `read_known` does; categories as the model knows them."""
    table = read_known(csv, encoder.names, encoder.kinds)
    columns = zip(table.columns, encoder.columns, strict=True)
    known = [_known(column, () if e.categories is None else e.categories.categories) for column, e in columns]
    return Table(tuple(known), table.n_rows)


def constant_columns(table: Table) -> tuple[str, ...]:
    """The names of the columns in which every row has the same value, or none has one: they carry nothing.

    Examples
    --------
    >>> csv = CsvTable("t.csv", ("a", "b", "c"), (("1", "1"), ("1", ""), ("", "")), (2, 3))
    >>> constant_columns(read_columns(csv, ["a", "b", "c"]))
    ('a', 'c')
    """
    return tuple(column.name for column in table.columns if _is_constant(column))


def looks_numeric(cell: str) -> bool:
    """Whether a cell is a number, or one as it is written with a decimal comma.

    Examples
    --------
    >>> looks_numeric("3.14"), looks_numeric("3,14"), looks_numeric("red")
    (True, True, False)
    """
    return not isnan(number_of(cell)) or trouble(cell, "number").endswith(_ADVICE)


def _refuse_decimal_commas(csv: CsvTable, column: Column, error: MakeError) -> None:
    """Refuse a column of numbers with decimal commas, which would be taken for categories."""
    words = [category for category in column.categories or () if isinstance(category, str)]
    if words and all(map(looks_numeric, words)) and (bad := [word for word in words if isnan(number_of(word))]):
        row_index = csv.column(column.name).index(bad[0])
        raise error(trouble(bad[0], "number"), row_index, column.name)


def _is_constant(column: Column) -> bool:
    missing = column.missing
    return bool(missing.all() or (not missing.any() and (column.data == column.data[0]).all()))


def _known(column: Column, categories: Sequence[object]) -> Column:
    """A column with its categories as a model that was trained elsewhere may know them: numbers, or truth values."""
    if column.categories is None:
        return column
    written = {str(category): category for category in categories}
    found = tuple(written.get(str(category), category) for category in column.categories)
    return Column(column.name, column.kind, column.data, found)  # type: ignore[arg-type]


def _error_of(csv: CsvTable, *, ignorable: bool) -> MakeError:
    """What makes an error of a message, the index of a row, and the name of a column."""

    def error(message: str, row_index: int, column: str) -> DataError:
        otherwise = f", or leave the column out with --ignore {shown(column)}" if ignorable else ""
        return csv.error(message + otherwise, row_index=row_index, column=column)

    return error
