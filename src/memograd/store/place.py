"""Where files of a store lie, and what they take."""

from __future__ import annotations

from typing import NamedTuple

BLOCK_BYTES = 4096
"""What a file system gives away at a time: a file of one byte takes this much."""


class Place(NamedTuple):
    """Where a file lies: a directory directly below the store's, or "" for that one itself, and a name in it.

    Examples
    --------
    >>> str(Place("ab", "abcd.entry"))
    'ab/abcd.entry'
    """

    directory: str
    name: str

    def __str__(self) -> str:
        return f"{self.directory}/{self.name}" if self.directory else self.name


def fan_out(digest: str, suffix: str) -> Place:
    """Return the place of a file named by a digest: its first two digits are the directory.

    Examples
    --------
    >>> str(fan_out("abcd", ".blob"))
    'ab/abcd.blob'
    """
    return Place(digest[:2], digest + suffix)


def on_disk(size_bytes: int) -> int:
    """Return what a file of so many bytes takes, in whole blocks.

    Examples
    --------
    >>> on_disk(1), on_disk(5000)
    (4096, 8192)
    """
    return max(-(-size_bytes // BLOCK_BYTES), 1) * BLOCK_BYTES
