"""The store that is used when none is named: memory in front of a directory in the user's cache."""

from __future__ import annotations

import os
from functools import cache

from memograd.caches import user_cache
from memograd.errors import StoreError
from memograd.memo.complaints import Complaints
from memograd.store.memory import MemoryStore
from memograd.store.named import NamedStore
from memograd.store.protocol import Store
from memograd.store.tiers import Tier, Tiers

MEMORY_BYTES = 256 << 20
DISK_BYTES = 10 << 30


@cache
def default_store() -> Store:
    """The store of this process: opened once.

    Where the directory cannot be used there is a warning, and results are kept in memory; one that can only be read is
    read.
    """
    memory = Tier(MemoryStore(MEMORY_BYTES))
    try:
        directory = user_cache("memo")
        disk = NamedStore(directory, max_bytes=DISK_BYTES)
        disk.open()
    except (StoreError, RuntimeError) as error:
        Complaints().tell("default", f"results are kept in memory only, until the process ends: {error}")
        return Tiers(memory)
    is_writable = os.access(directory, os.W_OK)
    if not is_writable:
        Complaints().tell("default", f"new results are kept in memory only: {directory} can only be read")
    return Tiers(memory, Tier(disk, writes=is_writable))
