"""The files of a store: below one directory, in which others may write too.

A file has a `Place`. No link to a file is followed, and no file is changed where it lies: a new one is written beside
and renamed. What a file says is not known here.

It takes a POSIX system: files are opened relative to their directory, which must not be a link either. One way of
reading does without that, and without looking whether the file is a regular one: `Folder.glance`, by which most hits
come. It is for what is sealed; whatever it gives that does not fit its seal is read again with care.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import final

from memograd.errors import StoreError
from memograd.store.contents import Contents, View, judged, map_file, odd, read_all
from memograd.store.place import Place
from memograd.store.protocol import Blob, is_key

QUARANTINE = "quarantine"
QUARANTINE_FILES = 64
"""So many damaged files are kept to look at; the oldest go first."""

ABANDONED_SECONDS = 3600.0
"""A file beside its place that nobody wrote to for so long was left by a process that died."""

GLANCE_BYTES, LONG_GLANCE_BYTES = 1024, 8192
"""What is read of a file before it is known how long it is: more than the records of most calls, and of nearly all.

At once the larger would cost 0.5 µs more, for the memory that is asked for and not used.
"""

WRITE_BYTES = 1 << 20
"""What is handed to the system at once. Measured on ext4: 8 MiB at once take up to 25 ms, in such pieces 1.7 ms."""

_TEMPORARY = ".tmp"
_FAN_OUT = tuple(f"{i:02x}" for i in range(256))
_DIRECTORY = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # or opening a pipe would wait for its other end
_READING = os.O_RDONLY | _FILE


@final
class Directory:
    """A directory that is open inside of a ``with``."""

    # Half a dozen times in every put, and a generator as context manager takes three times as long.
    __slots__ = ("_fd", "_flags", "_path")

    def __init__(self, path: str, flags: int) -> None:
        self._path = path
        self._flags = flags

    def __enter__(self) -> int:
        self._fd = os.open(self._path, self._flags)
        return self._fd

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._fd)


@final
class Folder:
    """A store's directory.

    Every method may raise OSError for what the system refuses, and those that read DamageFound for what is there and
    cannot be what was written.
    """

    __slots__ = ("root",)

    def __init__(self, root: str | os.PathLike[str]) -> None:
        # Absolute, because the process may change its directory later.
        self.root = os.path.abspath(os.fsdecode(root))

    def directory(self, name: str) -> Directory:
        """A directory directly below, or with "" this one itself; open as a number inside of a ``with``."""
        return Directory(f"{self.root}/{name}", _DIRECTORY if name else getattr(os, "O_DIRECTORY", 0))

    def make(self, name: str, *, durable: bool = True) -> None:
        """Make a directory directly below, unless it is there."""
        try:
            os.mkdir(f"{self.root}/{name}")
        except FileExistsError:
            return
        if durable:
            with self.directory("") as root:
                os.fsync(root)

    def glance(self, directory: str, name: str) -> bytes | None:
        """Return the bytes of a small file, at the price of little more than asking the system for them.

        None when there is none; no bytes, or not all of them, when anything is not as usual: `read` tells what it is.
        That the directory is no link is not looked at, which takes as long as all the rest: only for what is sealed.
        """
        try:
            fd = os.open(f"{self.root}/{directory}/{name}", _READING)
            try:
                data = os.read(fd, GLANCE_BYTES)
                return data if len(data) < GLANCE_BYTES else data + os.read(fd, LONG_GLANCE_BYTES)
            finally:
                os.close(fd)
        except FileNotFoundError:
            return None
        except OSError:
            return b""

    def read(self, place: Place, max_bytes: int) -> Contents | None:
        """Return all bytes of a file, or None when there is none; longer than that is damage."""
        fd = self._open(place)
        if fd is None:
            return None
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
                raise odd(status, place)
            return Contents(read_all(fd, status.st_size), status.st_ino)
        except OSError as error:
            raise judged(error, place) from error
        finally:
            os.close(fd)

    def view(self, place: Place, size_bytes: int, *, mapped: bool) -> View | None:
        """Return the bytes of a file that must be so long, mapped or copied into memory; None when there is none."""
        fd = self._open(place)
        if fd is None:
            return None
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_size != size_bytes:
                raise odd(status, place)
            return View((map_file(fd, size_bytes) if mapped else None) or read_all(fd, size_bytes), status.st_ino)
        except OSError as error:
            raise judged(error, place) from error
        finally:
            os.close(fd)

    def size_bytes(self, place: Place) -> int | None:
        """Return how long a regular file is; None when there is none."""
        status = self.status(place)
        return status.st_size if status and stat.S_ISREG(status.st_mode) else None

    def status(self, place: Place) -> os.stat_result | None:
        """Return what the system knows of whatever lies at a place; None when nothing does."""
        try:
            with self.directory(place.directory) as fd:
                return os.stat(place.name, dir_fd=fd, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    @contextmanager
    def beside(
        self, directory: str, chunks: Sequence[Blob], mode: int = 0o444, *, durable: bool = True
    ) -> Iterator[str]:
        """Write a file under a name of its own in a directory, which is made if need be.

        Inside of the block `publish` must give it the name under which it stays. When the block fails it is removed.

        Parameters
        ----------
        durable : bool
            Whether it is flushed to the disk, so that it is whole after a loss of power.
        """
        name = f".{os.urandom(8).hex()}{_TEMPORARY}"
        try:
            try:
                self._write(directory, name, chunks, mode, durable)
            except FileNotFoundError:
                self.make(directory, durable=durable)
                self._write(directory, name, chunks, mode, durable)
            yield name
        except BaseException:
            with suppress(OSError):
                self.remove(Place(directory, name))
            raise

    def publish(self, beside: str, place: Place, *, durable: bool = True) -> None:
        """Rename a file that was written beside a place to it; flush the directory if it is to be durable."""
        with self.directory(place.directory) as at:
            os.rename(beside, place.name, src_dir_fd=at, dst_dir_fd=at)
            if durable:
                os.fsync(at)

    def remove(self, place: Place) -> bool:
        """Remove a file; return whether there was one."""
        try:
            with self.directory(place.directory) as at:
                os.unlink(place.name, dir_fd=at)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def clear(self, place: Place) -> None:
        """Make a place free. What is no regular file goes into quarantine, whatever it holds."""
        if self.size_bytes(place) is not None:
            self.remove(place)
        elif self.status(place) is not None:
            self.set_aside(place)

    def set_aside(self, place: Place, inode: int | None = None) -> str | None:
        """Move whatever lies at a place into quarantine; return where it lies now, or None when it cannot be moved.

        With an inode, another file that lies there by now stays.
        """
        name = f"{time.time_ns():020d}-{os.urandom(4).hex()}-{place.name}"
        try:
            self.make(QUARANTINE)
            with self.directory(place.directory) as source, self.directory(QUARANTINE) as target:
                os.rename(place.name, name, src_dir_fd=source, dst_dir_fd=target)
                # Looked at after the move, because before it another could still slip in between.
                if inode is not None and os.stat(name, dir_fd=target, follow_symlinks=False).st_ino != inode:
                    os.rename(name, place.name, src_dir_fd=target, dst_dir_fd=source)
                    return None
                _prune(target)
        except OSError:
            return None
        return f"{QUARANTINE}/{name}"

    def open_to_lock(self, place: Place) -> int:
        """Open a file that is never read or written, made if need be; the caller closes it."""
        with self.directory(place.directory) as at:
            fd = os.open(place.name, os.O_RDWR | os.O_CREAT | _FILE, 0o666, dir_fd=at)
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return fd
        os.close(fd)
        raise StoreError(f"{self.root}/{place} is no regular file, and nothing that memograd made; remove it")

    def is_at(self, place: Place, fd: int) -> bool:
        """Whether the file that is open is still the one that lies at a place."""
        status = self.status(place)
        return status is not None and os.path.samestat(status, os.fstat(fd))

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory, in order; none when it is not there, or is no directory."""
        try:
            with self.directory(directory) as fd:
                return sorted(os.listdir(fd))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def digests(self, suffix: str) -> Iterator[str]:
        """Yield the digests that name files with a suffix, in order."""
        for directory in _FAN_OUT:
            for name in self.names(directory):
                digest = name.removesuffix(suffix)
                if digest != name and name.startswith(directory) and is_key(digest):
                    yield digest

    def sweep(self) -> int:
        """Remove what writers that died left behind; return how many files."""
        before = time.time() - ABANDONED_SECONDS
        places = [Place(directory, name) for directory in ("", *_FAN_OUT) for name in self.names(directory)]
        return sum(self._sweep(place, before) for place in places if place.name.endswith(_TEMPORARY))

    def _sweep(self, place: Place, before: float) -> bool:
        status = self.status(place)
        return status is not None and status.st_mtime < before and self.remove(place)

    def _write(self, directory: str, name: str, chunks: Sequence[Blob], mode: int, durable: bool) -> None:
        with self.directory(directory) as at:
            fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, mode, dir_fd=at)
        try:
            for chunk in chunks:
                rest = memoryview(chunk)
                while rest:
                    rest = rest[os.write(fd, rest[:WRITE_BYTES]) :]
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)

    def _open(self, place: Place) -> int | None:
        """Open a file to read it, below a directory that is no link; None when there is none."""
        try:
            with self.directory(place.directory) as at:
                return os.open(place.name, _READING, dir_fd=at)
        except FileNotFoundError:
            return None
        except OSError as error:
            # Only the directory can be no directory.
            culprit = Place("", place.directory) if error.errno == errno.ENOTDIR else place
            raise judged(error, culprit) from error


def _prune(quarantine: int) -> None:
    """Remove the oldest files of the quarantine; a directory that someone put there stays."""
    for name in sorted(os.listdir(quarantine))[:-QUARANTINE_FILES]:
        with suppress(OSError):
            os.unlink(name, dir_fd=quarantine)
