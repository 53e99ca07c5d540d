"""Hostile tables: whatever is wrong with one is said in one line, with its place; whatever is right survives."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.cli.csv_table import CsvTable, read_csv, write_csv
from memograd.errors import DataError

Read = Callable[[bytes | str], CsvTable]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return a function that writes bytes or text to the file t.csv and reads it as a table."""

    def write_and_read(content: bytes | str) -> CsvTable:
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_csv(path)

    return write_and_read


def assert_says(caught: pytest.ExceptionInfo[DataError], *parts: str) -> None:
    """Assert that a message is one line, names its file and holds all parts."""
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    for part in ("t.csv", *parts):
        assert part in message


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_dialects(read: Read, delimiter: str, newline: str, mark: bytes) -> None:
    """Comma, semicolon and tab, every line end, and a byte-order mark all give the same table."""
    rows = [["a", "b b", "c"], ["1", "x", "-2e3"], ["4", "y", ".5"]]
    table = read(mark + newline.join(map(delimiter.join, rows)).encode())
    assert table.columns == ("a", "b b", "c")
    assert table.cells == (("1", "4"), ("x", "y"), ("-2e3", ".5"))
    assert table.lines == (2, 3)


@pytest.mark.parametrize(
    ("header", "row", "columns"),
    [
        ("a,b;c", "1,2", ("a", "b;c")),
        ("a;b,c;d", "1;2;3", ("a", "b,c", "d")),
        ('"a;b;c;d",e', "1,2", ("a;b;c;d", "e")),
        ('"a"";;b",c', "1,2", ('a";;b', "c")),
        ('"two\nlines,,,";b', "1;2", ("two\nlines,,,", "b")),
        ("\n  \na;b", "1;2", ("a", "b")),
    ],
)
def test_delimiter(read: Read, header: str, row: str, columns: tuple[str, ...]) -> None:
    """The separator is the header's most frequent one outside quotes, and a comma where two are as frequent."""
    assert read(f"{header}\n{row}\n").columns == columns


def test_white_space(read: Read) -> None:
    """White space around names and cells is no part of them, inside or outside quotes; within them it is."""
    table = read(' size , "kind of it"\n 1 ,\t a b \n 2,  " c"\n')
    assert table.columns == ("size", "kind of it")
    assert table.cells == (("1", "2"), ("a b", "c"))


def test_lines(read: Read) -> None:
    """A row's line is where it starts: blank lines and line breaks within quotes are counted, but are no rows."""
    table = read('\na,b\n\n1,"x\ny"\n   \n2,z\n\n')
    assert table.lines == (4, 7)
    assert table.cells == (("1", "2"), ("x\ny", "z"))


def test_missing_cell_in_one_column(read: Read) -> None:
    """Where there is one column, a line of white space is a missing cell and does not vanish."""
    assert read('a\n1\n ""\n\n2\n').cells == (("1", "", "2"),)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        pytest.param("", ["is empty"], id="empty"),
        pytest.param(" \n\n", ["is empty"], id="blank"),
        pytest.param("a,b\n", ["no rows", "add"], id="header only"),
        pytest.param("\na,b,a,c,b\n1,2,3,4,5\n", ["line 2", "'a', 'b'", "rename"], id="duplicate names"),
        pytest.param("a, a\n1,2\n", ["line 1", "'a'"], id="duplicate but for space"),
        pytest.param("a,,c\n1,2,3\n", ["line 1", "column 2 has no name"], id="nameless"),
        pytest.param("a,b,\n1,2,\n", ["line 1", "column 3 has no name"], id="trailing comma"),
        pytest.param("a,b\n1,2\n\n3\n", ["row 2 (line 4)", "found 1 cell, expected 2"], id="short row"),
        pytest.param("a;b\n1;2;3\n", ["row 1 (line 2)", "found 3 cells, expected 2", "';'"], id="long row"),
        pytest.param('a,b\n1,"x\n2,y\n', ["row 1 (line 2)", "never closes", "double"], id="unclosed quote"),
        pytest.param('a,"b\n1,2\n', ["line 1", "never closes"], id="unclosed quote in the header"),
        pytest.param('a,b\n1,2\n3,"x"y\n', ["row 2 (line 3)", "closing quote"], id="text after a quote"),
        pytest.param(f'a,b\n1,"{"x" * 200_000}"\n', ["row 1 (line 2)", "longer"], id="endless cell"),
        pytest.param(b"a,b\n1,\xe9\n", ["line 2", "0xe9", "offset 6", "UTF-8"], id="Latin-1"),
        pytest.param(b"\xef\xbb\xbfa\r\n1\r2\n\xff", ["line 4", "0xff", "offset 10"], id="Latin-1 after a mark"),
        pytest.param(b"a,b\n1,\x00\n", ["line 2", "NUL"], id="NUL"),
        pytest.param(b"PK\x03\x04\x14", ["spreadsheet", "export"], id="xlsx"),
        pytest.param(b"\x1f\x8b\x08\x00", ["gzip", "gunzip"], id="gzip"),
        pytest.param(b"PAR1\x15\x04", ["Parquet", "export"], id="parquet"),
        pytest.param("a,b\n".encode("utf-16"), ["UTF-16", "UTF-8"], id="utf-16"),
    ],
)
def test_bad_files(read: Read, content: bytes | str, parts: list[str]) -> None:
    """A file that is no table is refused in one line that says where and what to do."""
    with pytest.raises(DataError) as caught:
        read(content)
    assert_says(caught, *parts)


def test_unreadable_paths(tmp_path: Path) -> None:
    """A missing file, a directory and paths that lead nowhere are told apart."""
    (tmp_path / "t.csv").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "circle-t.csv").symlink_to("circle-t.csv")
    for path, part in [
        ("no/t.csv", "does not exist"),
        ("t.csv", "directory"),
        ("file/t.csv", "cannot be read"),
        ("circle-t.csv", "cannot be read"),
        (f"{'x' * 300}t.csv", "cannot be read"),
    ]:
        with pytest.raises(DataError) as caught:
            read_csv(tmp_path / path)
        assert_says(caught, part)


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has these files")
def test_devices_and_pipes(tmp_path: Path) -> None:
    """A device is refused, for some never end; a pipe is read, for that is how one decompresses."""
    for path in ("/dev/zero", "/dev/null"):
        with pytest.raises(DataError, match="is a device; name a file"):
            read_csv(path)
    source, sink = os.pipe()
    os.write(sink, b"a,b\n1,2\n")
    os.close(sink)
    table = read_csv(f"/dev/fd/{source}")
    os.close(source)
    assert table.columns == ("a", "b")


def test_many_columns(read: Read) -> None:
    """Thousands of columns take no more than their share of time: work per column does not grow with their number."""
    names = [f"c{index}" for index in range(20_000)]
    started = time.perf_counter()
    table = read(",".join(names) + "\n" + "\n".join([",".join(["1.5"] * len(names))] * 2))
    assert [table.cells[index] for index in (0, -1)] == [("1.5", "1.5")] * 2
    assert time.perf_counter() - started < 3  # it takes 0.1 s; comparing all names with all took 6 s


def test_line_breaks_in_names() -> None:
    """Line breaks in a path or in a column's name do not break the line."""
    table = CsvTable("a\nt.csv", ("x\ny",), (("1", "red"),), (3, 4))
    error = table.error("'red' is wrong", row_index=1, column="x\ny")
    assert str(error) == r"a t.csv: row 2 (line 4), column 'x\ny': 'red' is wrong"


def test_unknown_column() -> None:
    """An unknown name is answered by those that come close, whatever their case, else by both ends of the header."""
    names = ("Age", "income", *(f"x{index}" for index in range(30)))
    table = CsvTable("t.csv", names, (("1",),) * 32, (2,))
    for name, parts in [
        ("age", ["'Age'?"]),
        ("incomes", ["'income'?"]),
        ("q\n", [r"'q\n'", "columns (32)", "'x3', …, 'x24'", "'x29'"]),
    ]:
        with pytest.raises(DataError) as caught:
            table.column(name)
        assert_says(caught, *parts)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5).map(str.strip)


@st.composite
def grids(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    """Draw a header of different names and rows of its width."""
    header = draw(st.lists(CELLS.filter(bool), min_size=1, max_size=4, unique=True))
    rows = st.lists(CELLS, min_size=len(header), max_size=len(header))
    return header, draw(st.lists(rows, min_size=1, max_size=4))


@given(grid=grids(), delimiter=st.sampled_from(",;\t"), newline=st.sampled_from(["\n", "\r\n"]))
def test_tables_round_trip(grid: tuple[list[str], list[list[str]]], delimiter: str, newline: str) -> None:
    """Any text in quotes, separators and line breaks included, comes back in its row and column."""
    header, rows = grid
    with TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL)
            writer.writerows([header, *rows])
        table = read_csv(path)
    assert table.columns == tuple(header)
    assert [list(row) for row in zip(*table.cells, strict=True)] == rows


def table_or_message(path: Path) -> CsvTable | str:
    """Return what a file holds, or why it cannot be read."""
    try:
        return read_csv(path)
    except DataError as error:
        return str(error)


@given(st.binary(max_size=40) | st.text('a1,;"\n\r \t', max_size=40).map(str.encode))
def test_any_bytes(content: bytes) -> None:
    """Whatever a file holds, it becomes a table with rows of one width or a DataError of one line."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_bytes(content)
        outcome = table_or_message(path)
    if isinstance(outcome, CsvTable):
        assert all(len(column) == outcome.n_rows > 0 for column in outcome.cells)
        assert len(set(outcome.columns)) == len(outcome.cells)
    else:
        assert len(outcome.splitlines()) == 1


def test_written_columns_are_read(tmp_path: Path) -> None:
    """Written columns come back, in place of what was there, and nothing else is left in the folder."""
    path = tmp_path / "t.csv"
    path.write_text("old")
    values = ["a", "b, c", 'd "e"', "", "f\ng", "ŷ"]
    write_csv(path, {"kind": values, "n": [str(i) for i in range(len(values))]})
    assert read_csv(path).column("kind") == tuple(values)
    assert list(tmp_path.iterdir()) == [path]


def test_written_through_a_link(tmp_path: Path) -> None:
    """A link stays a link, and what it points at is written."""
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "t.csv")
    write_csv(link, {"kind": ["a"]})
    assert link.is_symlink()
    assert (tmp_path / "t.csv").read_text() == "kind\na\n"


@pytest.mark.parametrize("place", ["folder/t.csv", "file/t.csv", "no/t.csv"])
def test_unwritable(tmp_path: Path, place: str) -> None:
    """A directory, a path through a file and a missing folder are refused, and nothing is left behind."""
    (tmp_path / "folder" / "t.csv").mkdir(parents=True)
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError) as caught:
        write_csv(tmp_path / place, {"kind": ["a"]})
    assert_says(caught, "name a")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipe_stays(tmp_path: Path) -> None:
    """A pipe or device is refused: renaming a file over it would replace it for every other program."""
    path = tmp_path / "t.csv"
    os.mkfifo(path)
    with pytest.raises(DataError) as caught:
        write_csv(path, {"kind": ["a"]})
    assert_says(caught, "not a regular file")
    assert path.is_fifo()


@pytest.mark.parametrize("failing", ["os.fsync", "pathlib.Path.replace"])
def test_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """When the disk fails at the last moment, the old file is whole and the new one is gone."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "t.csv"
    path.write_text("old")
    monkeypatch.setattr(failing, fail)
    with pytest.raises(DataError) as caught:
        write_csv(path, {"kind": ["a"]})
    assert_says(caught, "No space left on device")
    assert [(entry, entry.read_text()) for entry in tmp_path.iterdir()] == [(path, "old")]
