"""Every store does what `conformance.py` says."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from memograd.store.damage import Damage
from memograd.store.disk import DiskStore
from memograd.store.memory import MemoryStore
from memograd.store.named import NamedStore
from memograd.store.protocol import Store
from memograd.store.tiers import Tier, Tiers

from .conformance import CHECKS, Check

UNBOUNDED = 1 << 40
SECRET = b"a secret of some bytes"


def fail(damage: Damage) -> None:
    """No check damages anything."""
    raise AssertionError(str(damage))


def memory(root: Path, max_bytes: int | None) -> Store:
    """In memory."""
    return MemoryStore(max_bytes or UNBOUNDED)


def disk(root: Path, max_bytes: int | None) -> Store:
    """In a directory."""
    return DiskStore(root, max_bytes=max_bytes, report=fail)


def keyed(root: Path, max_bytes: int | None) -> Store:
    """In a directory, with a secret key."""
    return DiskStore(root, max_bytes=max_bytes, key=SECRET, report=fail)


def named(root: Path, max_bytes: int | None) -> Store:
    """In a directory that is opened when it is used first."""
    return NamedStore(root, max_bytes=max_bytes)


def tiers(root: Path, max_bytes: int | None) -> Store:
    """In memory, in a directory, and in a directory that others may write to."""
    return Tiers(
        Tier(memory(root, max_bytes)),
        Tier(disk(root / "near", max_bytes)),
        Tier(keyed(root / "far", max_bytes), shared=True),
    )


STORES: tuple[Callable[[Path, int | None], Store], ...] = (memory, disk, keyed, named, tiers)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("make", STORES, ids=lambda make: make.__name__)
def test_store(make: Callable[[Path, int | None], Store], check: Check, folder: Path) -> None:
    """Every store passes what the check's docstring states."""
    serial = itertools.count()

    def open_store(max_bytes: int | None = None) -> Store:
        return make(folder / str(next(serial)), max_bytes)

    check(open_store)
