"""The store that is used when none is named: memory in front of a directory in the user's cache."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from memograd.store.disk import DiskStore
from memograd.store.memory import MemoryStore
from memograd.store.protocol import Store
from memograd.store.tiers import Tier, Tiers

MEMORY_BYTES = 256 << 20
DISK_BYTES = 10 << 30

_CACHE = {"darwin": "Library/Caches", "win32": "AppData/Local"}


def default_directory() -> Path:
    """Where results lie by default."""
    return Path.home() / _CACHE.get(sys.platform, ".cache") / "memograd" / "memo"


@cache
def default_store() -> Store:
    """The store of this process: opened once."""
    disk = DiskStore(default_directory(), max_bytes=DISK_BYTES)
    return Tiers(Tier(MemoryStore(MEMORY_BYTES)), Tier(disk))
