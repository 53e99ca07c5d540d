"""A CSV file becomes columns of text, and what is wrong with it becomes one line.

Owns the form of a table. Everything wrong with one is a `DataError` of one line that says the file, the row
(counted from 1 below the header), the line of the file, the column, what was found, and what to do. Knows
nothing of targets and networks.
"""

from __future__ import annotations

import csv
import difflib
import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from memograd.cli.textfile import file_error, read_text, write_text
from memograd.errors import DataError
from memograd.table.wording import shown

_DELIMITERS = ",;\t"
_SHOWN_NAMES = 12

_CSV_TROUBLES = (
    ("unexpected end", "a quote that opens here never closes; close it, or double it if it is text"),
    ("expected after", "text follows a closing quote; double a quote that is part of the text"),
    ("field larger", "a cell is longer than a cell can be; look for a quote that never closes"),
    ("", "this is not CSV; quote the cells that hold quotes or line breaks"),
)
"""A part of what the csv module says, and what it means to the file's author; the last row fits all."""


@dataclass(frozen=True, slots=True)
class CsvTable:
    """The cells of a CSV file, column by column, without the white space around them.

    Parameters
    ----------
    path : str
        Where the table came from, for messages.
    columns : tuple of (n_columns,) str
        The names in the header, all different.
    cells : tuple of (n_columns,) tuples of (n_rows,) str
    lines : tuple of (n_rows,) int
        The line of the file on which each row starts, counted from 1.

    Examples
    --------
    >>> table = CsvTable("t.csv", ("size", "kind"), (("1", "2.5"), ("a", "b")), (2, 3))
    >>> table.column("kind")
    ('a', 'b')
    """

    path: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    @property
    def n_rows(self) -> int:
        """The number of rows below the header."""
        return len(self.lines)

    def column(self, name: str) -> tuple[str, ...]:
        """Return the cells of one column.

        Raises
        ------
        DataError
            If there is no such column; the message names those that come close.
        """
        if name not in self.columns:
            raise self.error(f"there is no column {shown(name)}; {_alternatives(name, self.columns)}")
        return self.cells[self.columns.index(name)]

    def error(self, message: str, *, row_index: int | None = None, column: str | None = None) -> DataError:
        """Return, without raising it, an error about this table that says where."""
        row = [] if row_index is None else [_place(row_index + 1, self.lines[row_index])]
        return file_error(self.path, message, *row, *([] if column is None else [f"column {shown(column)}"]))


def read_csv(path: str | os.PathLike[str], data: bytes | None = None) -> CsvTable:
    """Read a CSV file: UTF-8, with a header line, its cells separated by commas, semicolons or tabs.

    The separator is the one that occurs most often in the header, outside quotes. Blank lines are skipped.

    Parameters
    ----------
    path : path
    data : bytes, optional
        What the file holds, where that is known already.

    Raises
    ------
    DataError
        If the file cannot be read, is of another format, or is not a header with rows of its width.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "t.csv")
    ...     _ = path.write_text("size; kind\\n1; a\\n2; b\\n")
    ...     table = read_csv(path)
    >>> table.columns, table.column("size"), table.lines
    (('size', 'kind'), ('1', '2'), (2, 3))
    """
    name = os.fspath(path)
    (header_line, header), *records = _records(name, read_text(name, data))
    columns = tuple(map(str.strip, header))
    _check_header(name, columns, header_line)
    if not records:
        raise file_error(name, "has a header but no rows below it; add rows, or export the table again")
    lines, rows = zip(*records, strict=True)
    cells = tuple(tuple(map(str.strip, column)) for column in zip(*rows, strict=True))
    return CsvTable(name, columns, cells, lines)


def write_csv(path: str | os.PathLike[str], columns: Mapping[str, Sequence[str]]) -> None:
    """Write a CSV file of columns of one length, whole or not at all.

    Raises
    ------
    DataError
        If the file cannot be written; what was there then stays.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "t.csv")
    ...     write_csv(path, {"kind": ["a", "b"]})
    ...     read_text(path)
    'kind\\na\\nb\\n'
    """
    write_text(path, csv_text(columns))


def csv_text(columns: Mapping[str, Sequence[str]]) -> str:
    """Return the CSV text of columns of one length.

    Examples
    --------
    >>> csv_text({"kind": ["a", "b, c"], "size": ["1", "2"]})
    'kind,size\\na,1\\n"b, c",2\\n'
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([list(columns), *zip(*columns.values(), strict=True)])
    return text.getvalue()


def _place(row: int, line: int) -> str:
    """Return a place in a file as text; the header is row 0 and has no number."""
    return f"row {row} (line {line})" if row else f"line {line}"


def _alternatives(name: str, columns: tuple[str, ...]) -> str:
    """Return what to say instead of `name`: the names that come close, else those at both ends of the header."""
    lowered = {column.lower(): column for column in columns}
    close = [shown(lowered[match]) for match in difflib.get_close_matches(name.lower(), lowered)]
    if close:
        return f"did you mean {' or '.join(close)}?"
    names = list(map(shown, columns))
    if len(names) > _SHOWN_NAMES:
        names[_SHOWN_NAMES // 2 : -_SHOWN_NAMES // 2] = ["…"]
    return f"its columns ({len(columns)}) are {', '.join(names)}"


def _records(path: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the header and the rows, all of one width, each with the line on which it starts."""
    delimiter = _delimiter(text)
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    width, row, line = 0, 0, 1
    try:
        for cells in reader:
            if not _is_blank(cells, width):
                width = width or len(cells)
                if len(cells) != width:
                    raise file_error(path, _ragged(len(cells), width, delimiter), _place(row, line))
                yield line, cells
                row += 1
            line = reader.line_num + 1
    except csv.Error as error:
        message = next(message for part, message in _CSV_TROUBLES if part in str(error))
        raise file_error(path, message, _place(row, line)) from error
    if not width:
        raise file_error(path, "is empty; it needs a header line and rows below it")


def _delimiter(text: str) -> str:
    """Return the delimiter that occurs most often in the header outside quotes; a comma wins ties."""
    header, n_quotes = [], 0
    for line in io.StringIO(text, newline=""):
        header.append(line)
        n_quotes += line.count('"')
        if line.strip() and n_quotes % 2 == 0:  # else the line is blank, or ends within a quoted name
            break
    outside = "".join("".join(header).split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _is_blank(cells: list[str], width: int) -> bool:
    """Whether a line holds nothing; white space alone is a missing cell where there is one column."""
    return not cells or (width != 1 and len(cells) == 1 and not cells[0].strip())


def _ragged(n_cells: int, width: int, delimiter: str) -> str:
    """Return what to say about a row that is not as wide as the header."""
    found = f"found {n_cells} cell{'s' if n_cells != 1 else ''}, expected {width} as in the header"
    return f"{found}; look for a missing quote or a stray {delimiter!r}"


def _check_header(path: str, columns: tuple[str, ...], line: int) -> None:
    """Refuse a header with a name that is empty or occurs twice."""
    if "" in columns:
        message = f"column {columns.index('') + 1} has no name; name it, or remove a separator too many"
        raise file_error(path, message, _place(0, line))
    repeated = [shown(name) for name, count in Counter(columns).items() if count > 1]
    if repeated:
        message = f"more than one column is named {', '.join(repeated)}; rename all but one"
        raise file_error(path, message, _place(0, line))
