"""What a directory is: a store of which version, written with which key. The name of an empty file says it.

A name cannot be half-written or damaged, and is read with the directory. The next version of the format takes another
number here and other suffixes for its files: an older memograd then refuses the store when it opens it, and finds
nothing, rather than damage, if it had it open before.
"""

from __future__ import annotations

import re

from memograd.errors import NotAuthentic, StoreError
from memograd.store.folder import Folder
from memograd.store.locks import file_lock
from memograd.store.place import Place
from memograd.store.seal import Seal

VERSION = 1

LOCK = Place("", "store.lock")
"""The file whose lock is held by whoever changes which files there are."""

_MARKER = re.compile(r"memograd-store-([1-9]\d*)(?:-key-([0-9a-f]+))?")
_OURS = re.compile(r"[0-9a-f]{2}|index\..*|store\.lock|locks|quarantine|\..*\.tmp|memograd-store-.*")


def enter(folder: Folder, seal: Seal) -> None:
    """Check that a directory is a store for this version and key; make it one if it is empty.

    Raises
    ------
    StoreError
        When it holds something else, or the store of a later version.
    NotAuthentic
        When the store was made with another key, or with one and none is given, or the other way round.
    OSError
        When it cannot be read or made.
    """
    if not (is_marked(folder, seal) and len(_markers(folder)) == 1):
        _check(folder, seal)
        with file_lock(folder, LOCK, keep_file=True):  # somebody else may make it, with another key
            settle(folder, seal)


def settle(folder: Folder, seal: Seal) -> None:
    """Do what `enter` does, while the store is locked."""
    if not _check(folder, seal):
        with folder.beside("", ()) as beside:
            folder.publish(beside, _place(seal))


def is_marked(folder: Folder, seal: Seal) -> bool:
    """Whether the store still is what it was when it was opened."""
    return folder.status(_place(seal)) is not None


def _check(folder: Folder, seal: Seal) -> bool:
    """Whether the directory is marked as it should be; an error when it is marked otherwise, or is something else."""
    markers = _markers(folder)
    for version, key in markers:
        if version > VERSION:
            raise StoreError(
                f"{folder.root}: is a store of version {version}, and this memograd knows {VERSION}; upgrade it, or "
                "name another directory"
            )
        if key != seal.name:
            raise NotAuthentic(f"{folder.root}: {_MISMATCH[bool(key), seal.keyed]}")
    foreign = [name for name in folder.names("") if not _OURS.fullmatch(name)]
    if foreign and not markers:
        raise StoreError(f"{folder.root}: is no store, and holds {foreign[0]!r}; name a new or empty directory")
    return bool(markers)


def _markers(folder: Folder) -> list[tuple[int, str]]:
    found = map(_MARKER.fullmatch, folder.names(""))
    return [(int(match[1]), match[2] or "") for match in found if match]


def _place(seal: Seal) -> Place:
    return Place("", f"memograd-store-{VERSION}" + (f"-key-{seal.name}" if seal.keyed else ""))


_MISMATCH = {
    (True, True): "was made with another key; open it with that one",
    (True, False): "was made with a key; open it with that key",
    (False, True): "was made without a key, so anyone may have written to it; name another directory",
}
