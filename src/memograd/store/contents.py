"""What an open file holds, read or mapped; and which files hold what no store wrote."""

from __future__ import annotations

import errno
import mmap
import os
import stat
import sys
import weakref
from typing import Any, NamedTuple

from memograd.store.damage import DamageFound
from memograd.store.place import Place
from memograd.store.protocol import Blob

MAX_MAPS = 128
"""Before Python 3.13 a map keeps a file descriptor, of which a process has about a thousand: more files are read."""

_MAPS_KEEP_DESCRIPTORS = sys.version_info < (3, 13)
_maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()

_DAMAGE = {
    errno.ELOOP: "it is a link",
    errno.ENXIO: "it is no regular file",
    errno.ENODEV: "it is no regular file",
    errno.ENOTDIR: "it is no directory",
    errno.EIO: "the device cannot read it",
}
"""What keeps a file from being read, and will for ever."""


class Contents(NamedTuple):
    """What was read, and the file that it was read from, by the number that the system gives to each."""

    data: bytes
    inode: int


class View(NamedTuple):
    """What a file holds, mapped or read, and the number of the file."""

    data: Blob
    inode: int


def odd(status: os.stat_result, place: Place) -> DamageFound:
    """The damage of a file that is no regular one, or not as long as it must be."""
    is_file = stat.S_ISREG(status.st_mode)
    reason = f"it has a wrong length, {status.st_size} bytes" if is_file else "it is no regular file"
    return DamageFound(*place, reason, status.st_ino)


def judged(error: OSError, place: Place) -> Exception:
    """The error as it is, or the damage that it speaks of."""
    reason = _DAMAGE.get(error.errno or 0)
    return DamageFound(*place, reason) if reason else error


def read_all(fd: int, size_bytes: int) -> bytes:
    """As many bytes, or fewer if the file ends before; that is for the checksum to find."""
    data = os.read(fd, size_bytes)
    while len(data) < size_bytes and (more := os.read(fd, size_bytes - len(data))):
        data += more
    return data


def map_file(fd: int, size_bytes: int) -> Blob | None:
    """The file in memory as it is, or None where it is better read."""
    if not _MAPS_KEEP_DESCRIPTORS:
        options: dict[str, Any] = {"trackfd": False}
    elif len(_maps) < MAX_MAPS:
        options = {}
    else:
        return None
    try:
        found = mmap.mmap(fd, size_bytes, access=mmap.ACCESS_READ, **options)
    except OSError:  # the file system knows no maps
        return None
    _maps.add(found)
    return memoryview(found)
