"""A file written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file beside its place, flush it to disk, and rename it into place.

    What was there stays until the new file is complete. Through a link, the file that it points at is replaced.

    Raises
    ------
    OSError
        When the file cannot be written, or what is there is no regular file: renaming would replace a device or pipe.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder, "a"), b"whole")
    ...     Path(folder, "a").read_bytes(), os.listdir(folder)
    (b'whole', ['a'])
    """
    with atomic_file(path) as file:
        file.write(data)


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file to write it as `write_atomically` does; it gets its name at the end of the block, unless that fails.

    Raises
    ------
    OSError
        As `write_atomically`, and what the block raises.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_file(Path(folder, "a")) as file:
    ...         n_bytes = file.write(b"piece by "), file.write(b"piece")
    ...     Path(folder, "a").read_bytes(), os.listdir(folder)
    (b'piece by piece', ['a'])
    """
    place = _place(path)
    beside = _beside(place)
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(place)
    finally:
        with contextlib.suppress(OSError):  # it is gone if all went well
            beside.unlink()


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out whether a file could be written, without writing it; for what would be lost if it could not.

    Raises
    ------
    OSError
        Where `write_atomically` would raise it, but for a disk that is full by then.

    Examples
    --------
    >>> check_writable(os.curdir)
    Traceback (most recent call last):
    IsADirectoryError: [Errno 21] it is a directory: '.'
    """
    beside = _beside(_place(path))
    beside.open("xb").close()
    beside.unlink()


def _place(path: str | os.PathLike[str]) -> Path:
    """The path of the file itself, links followed; an OSError where none can be."""
    place = Path(os.path.realpath(path))
    with contextlib.suppress(FileNotFoundError):
        # Not `exists`, which hides that a name is too long.
        mode = place.stat().st_mode
        if stat.S_ISDIR(mode):
            raise OSError(errno.EISDIR, "it is a directory", os.fspath(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file", os.fspath(path))
    if os.fspath(path).endswith(os.sep):  # `realpath` drops it, and the file would stand where a folder is meant
        raise OSError(errno.ENOENT, "there is no such folder", os.fspath(path))
    return place


def _beside(place: Path) -> Path:
    """A name in the same folder, and so on the same disk, that no other file has."""
    return place.with_name(f".{os.urandom(8).hex()}.tmp")
