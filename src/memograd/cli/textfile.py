"""A text file, read whole and written whole; what goes wrong becomes one line that names the file.

Owns the words for files that are missing, of another format or not UTF-8. Knows nothing of tables.
"""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

from memograd.errors import DataError
from memograd.store.atomic import write_atomically

_FOREIGN = (
    (b"PK\x03\x04", "a spreadsheet or a zip archive", "export the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls)", "export the sheet as CSV"),
    (b"\x1f\x8b", "compressed by gzip", "decompress it with gunzip"),
    (b"BZh", "compressed by bzip2", "decompress it with bunzip2"),
    (b"\xfd7zXZ\x00", "compressed by xz", "decompress it with unxz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "decompress it with unzstd"),
    (b"PAR1", "a Parquet file", "export it as CSV"),
    (b"ARROW1", "an Arrow file", "export it as CSV"),
    (b"\x89HDF", "an HDF5 file", "export the table as CSV"),
    (b"SQLite format 3\x00", "an SQLite database", "export the table as CSV"),
    (b"\x93NUMPY", "a NumPy array", "write it as CSV with a header line"),
    (b"%PDF", "a PDF", "export the table as CSV"),
    (codecs.BOM_UTF16_LE, "encoded in UTF-16", "save it as UTF-8"),
    (codecs.BOM_UTF16_BE, "encoded in UTF-16", "save it as UTF-8"),
)
"""How files of other formats begin, what they are, and how to make plain text of them."""

_UNREADABLE = (
    (FileNotFoundError, "does not exist; check the path"),
    (IsADirectoryError, "is a directory; name a file in it"),
    (PermissionError, "may not be read; check its permissions"),
    (OSError, "cannot be read; check the path"),
)


def file_error(path: str | os.PathLike[str], message: str, *where: str) -> DataError:
    """Return an error of one line: the file, where in it, and the message.

    Examples
    --------
    >>> print(file_error("t.csv", "missing value", "line 3", "column 'age'"))
    t.csv: line 3, column 'age': missing value
    """
    parts = [os.fspath(path), *([", ".join(where)] if where else []), message]
    return DataError(" ".join(": ".join(parts).splitlines()))


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return what a file or pipe holds.

    Raises
    ------
    DataError
        If it cannot be read, or never ends.

    Examples
    --------
    >>> read_bytes(os.devnull)
    Traceback (most recent call last):
    memograd.errors.DataError: /dev/null: is a device; name a file
    """
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):  # some never end
            raise file_error(path, "is a device; name a file")
        return Path(path).read_bytes()
    except OSError as error:
        message = next(message for kind, message in _UNREADABLE if isinstance(error, kind))
        raise file_error(path, message) from error


def read_text(path: str | os.PathLike[str], data: bytes | None = None) -> str:
    """Return the text of a UTF-8 file, without its byte-order mark.

    Parameters
    ----------
    path : path
    data : bytes, optional
        What it holds, where that is known already.

    Raises
    ------
    DataError
        If the file cannot be read, is of another format, holds a NUL byte or is not UTF-8.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "t.csv")
    ...     write_text(path, "size")
    ...     read_text(path)
    'size'
    """
    data = read_bytes(path) if data is None else data
    for start, what, fix in _FOREIGN:
        if data.startswith(start):
            raise file_error(path, f"is {what}; {fix}")
    if b"\0" in data:
        message = "there is a NUL byte; the file is binary or damaged, export it again"
        raise file_error(path, message, _line(data, data.index(b"\0")))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        offset = len(data) - len(error.object) + error.start  # the object lacks the mark
        message = f"byte {data[offset]:#04x} at offset {offset} is not UTF-8; save the file as UTF-8"
        raise file_error(path, message, _line(data, offset)) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 file, whole or not at all: beside its place, flushed to disk, then renamed.

    Raises
    ------
    DataError
        If the file cannot be written, or what is there is not a regular file; what was there then stays.

    Examples
    --------
    >>> write_text(os.curdir, "size")
    Traceback (most recent call last):
    memograd.errors.DataError: .: cannot be written (it is a directory); name a file in a folder that can be written to
    """
    write_bytes(path, text.encode())


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file of any kind as `write_text` does.

    Raises
    ------
    DataError
        As `write_text`.
    """
    try:
        write_atomically(path, data)
    except OSError as error:
        message = f"cannot be written ({error.strerror}); name a file in a folder that can be written to"
        raise file_error(path, message) from error


def same_file(path: str, other: str) -> bool:
    """Whether two paths lead to one file that is there.

    Examples
    --------
    >>> same_file(os.devnull, os.path.join(os.curdir, os.devnull)), same_file("no such file", "no such file")
    (True, False)
    """
    return os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other)


def same_place(path: str, other: str) -> bool:
    """Whether two paths lead to one place, where there may be a file or not.

    Examples
    --------
    >>> same_place("t.csv", os.path.join(os.curdir, "t.csv"))
    True
    """
    return os.path.realpath(path) == os.path.realpath(other) or same_file(path, other)


def _line(data: bytes, offset: int) -> str:
    """Return the line on which a byte lies, counted from 1, as text."""
    ends = data[:offset].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n")
    return f"line {ends + 1}"
