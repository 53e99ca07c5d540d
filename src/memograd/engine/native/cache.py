"""The code cache: machine code that an earlier process compiled. It is executable, and never shared.

A directory of the user alone, refused when anybody else could write into it; each file begins with the digest of the
rest. What cannot be read or trusted is compiled anew.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from blake3 import blake3

DIGEST_BYTES = 32
MAX_BYTES = 256 * 2**20
"""The least recently made files go when there is more."""


class CodeCache:
    """Object files by key.

    Parameters
    ----------
    root : Path
        Made, for this user alone, when the first file is kept.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, key: str) -> bytes | None:
        """The object file of a key; None when there is none that can be trusted."""
        try:
            with open(self.root / key, "rb", opener=_opened) as file:
                found = os.fstat(file.fileno())
                if not (stat.S_ISREG(found.st_mode) and _is_private(found) and self._root_is_private()):
                    return None
                data = file.read()
        except OSError:
            return None
        digest, code = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
        return code if digest == blake3(code, derive_key_context=_CONTEXT).digest() else None

    def put(self, key: str, code: bytes) -> None:
        """Keep an object file, if that can be done safely."""
        with suppress(OSError):
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._root_is_private():
                return
            descriptor, beside = tempfile.mkstemp(dir=self.root)
            try:
                with open(descriptor, "wb") as file:
                    file.write(blake3(code, derive_key_context=_CONTEXT).digest() + code)
                os.replace(beside, self.root / key)
            except OSError:
                os.unlink(beside)
                raise
            # Looking at all files takes longer than writing one.
            if key.startswith("00"):
                self._trim()

    def _root_is_private(self) -> bool:
        try:
            found = os.stat(self.root, follow_symlinks=False)
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and _is_private(found)

    def _trim(self) -> None:
        with os.scandir(self.root) as entries:
            kept = [(entry.stat(), entry.path) for entry in entries if entry.is_file(follow_symlinks=False)]
        files = sorted(kept, key=lambda file: -file[0].st_mtime)
        total = 0
        for found, path in files:
            total += found.st_size
            if total > MAX_BYTES:
                os.unlink(path)


_CONTEXT = "memograd code cache, version 1"


def _opened(path: str, flags: int) -> int:
    """Open without following a link, or waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _is_private(found: os.stat_result) -> bool:
    """Whether nobody but this user can have written it."""
    if not hasattr(os, "getuid"):
        return True
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
