"""A file written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


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
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_file():
        raise OSError(f"{os.fspath(path)} is not a regular file; name another file to write to")
    beside = place.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(place)
    finally:
        with contextlib.suppress(OSError):  # it is gone if all went well
            beside.unlink()
