"""Stores one above the other: who is asked, who is filled, and what happens when one of them fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from memograd.errors import BadSetting, StoreError
from memograd.store.damage import Damage, TierFailed
from memograd.store.disk import DiskStore
from memograd.store.memory import MemoryStore
from memograd.store.protocol import Entry, Store
from memograd.store.tiers import Tier, Tiers

from .conformance import entry_of, key_of, same, vanishing

SECRET = b"a secret of some bytes"
ENTRY = entry_of(1, 10, 5_000)


def memory() -> MemoryStore:
    """A store that is large enough."""
    return MemoryStore(1 << 30)


@dataclass
class Broken:
    """A store of which some methods fail."""

    fails: frozenset[str]
    store: MemoryStore = field(default_factory=memory)
    asked: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        if name in self.fails:
            return self.refuse
        return getattr(self.store, name)

    def refuse(self, *_: object) -> Any:
        """What a method does that fails."""
        raise StoreError("the network is down")


def broken(*fails: str) -> Any:
    """A store of which these methods fail."""
    return Broken(frozenset(fails))


def test_the_nearest_answers_and_is_filled() -> None:
    """What is found further down is put into every tier above, and only there."""
    stores = [memory() for _ in range(4)]
    tiers = Tiers(*map(Tier, stores))
    stores[2].put(ENTRY)
    assert same(tiers.get(ENTRY.key), ENTRY)
    assert [store.peek(ENTRY.key) is not None for store in stores] == [True, True, True, False]
    assert same(tiers.get(ENTRY.key), ENTRY)
    assert [store.stats().n_hits for store in stores] == [1, 0, 1, 0]
    assert (tiers.stats().n_hits, tiers.stats().n_misses) == (2, 0)


def test_a_tier_that_is_only_read_stays_as_it_is() -> None:
    """It answers, and is neither filled nor written to nor emptied."""
    near, middle, far = memory(), memory(), memory()
    tiers = Tiers(Tier(near), Tier(middle, writes=False), Tier(far))
    tiers.put(ENTRY)
    assert middle.peek(ENTRY.key) is None
    assert far.peek(ENTRY.key) is not None
    near.delete(ENTRY.key)
    tiers.get(ENTRY.key)
    assert near.peek(ENTRY.key) is not None
    assert middle.peek(ENTRY.key) is None
    middle.put(ENTRY)
    assert tiers.delete(ENTRY.key)
    assert same(tiers.get(ENTRY.key), ENTRY)
    tiers.gc(0)
    assert middle.peek(ENTRY.key) is not None


def test_uses_are_counted_in_every_tier() -> None:
    """What the nearest serves all the time is not what the farthest evicts first."""
    near, far = memory(), memory()
    tiers, keys = Tiers(Tier(near), Tier(far)), [key_of(name) for name in range(3)]
    for name in range(3):
        tiers.put(entry_of(name, 32_768))
    for name in (0, 0, 2):
        tiers.get(keys[name])
    assert vanishing(far, keys, 160_000) == [keys[1], keys[2], keys[0]]


def test_a_tier_that_cannot_be_read_is_passed_over() -> None:
    """When another has the entry it is a warning; when none has, nobody can know, and it is the error."""
    tiers = Tiers(Tier(broken("get", "put")), Tier(memory()))
    with pytest.raises(StoreError, match="network"):
        tiers.put(ENTRY)
    with pytest.warns(TierFailed, match="network"):
        assert same(tiers.get(ENTRY.key), ENTRY)
    with pytest.raises(StoreError, match="network"):
        tiers.get(key_of(2))


def test_all_tiers_are_written_before_an_error_is_raised() -> None:
    """One that fails does not keep an entry from the others."""
    reports: list[StoreError] = []
    last = memory()
    tiers = Tiers(Tier(broken("put")), Tier(broken("put")), Tier(last), report=reports.append)
    with pytest.raises(StoreError, match="network"):
        tiers.put(ENTRY)
    assert same(last.get(ENTRY.key), ENTRY)
    assert len(reports) == 1  # the other is raised


def test_an_entry_too_large_for_one_is_kept_by_another() -> None:
    """The answer is whether any has it."""
    tiers = Tiers(Tier(MemoryStore(100)), Tier(far := memory()))
    assert tiers.put(ENTRY)
    assert same(tiers.get(ENTRY.key), ENTRY)
    assert far.stats().n_hits == 1
    assert Tiers(Tier(MemoryStore(100)), Tier(MemoryStore(100))).put(ENTRY) is False


def test_a_scan_yields_each_entry_once() -> None:
    """In the order of the keys, from all tiers."""
    near, far = memory(), memory()
    for name in range(10):
        far.put(entry_of(name, 10))
        if name % 2:
            near.put(entry_of(name, 20))
    found = list(Tiers(Tier(near), Tier(far)).scan("f"))
    assert [record.key for record in found] == sorted(map(key_of, range(10)))
    assert {record.metadata["name"]: record.size_bytes for record in found} == {
        repr(name): 20 if name % 2 else 10 for name in range(10)
    }


def test_the_lock_is_that_of_the_last(folder: Path) -> None:
    """So that whoever shares any tier with us shares it."""
    far = DiskStore(folder / "far")
    tiers: tuple[Store, Store] = (
        Tiers(Tier(memory()), Tier(far)),
        Tiers(Tier(far), Tier(DiskStore(folder / "read"), writes=False)),
    )
    for store in tiers:
        with store.lock(key_of(1)), pytest.raises(StoreError, match="already"), far.lock(key_of(1)):
            pass


def test_a_shared_tier_has_a_key(folder: Path) -> None:
    """Without one it is an error before anything is read; what others put there is refused then."""
    with pytest.raises(StoreError, match="open it with a key"):
        Tier(DiskStore(folder / "plain"), shared=True)
    reports: list[Damage] = []
    shared = DiskStore(folder / "shared", key=SECRET, report=reports.append)
    tiers = Tiers(Tier(near := memory()), Tier(shared, shared=True))
    tiers.put(ENTRY)
    near.delete(ENTRY.key)
    [path] = (folder / "shared").glob("??/*.entry")
    DiskStore(folder / "plain").put(Entry(ENTRY.key, (b"forged",)))
    [forged] = (folder / "plain").glob("??/*.entry")
    forged.replace(path)
    assert tiers.get(ENTRY.key) is None
    assert len(reports) == 1
    assert near.peek(ENTRY.key) is None


def test_tiers_are_a_store() -> None:
    """They can be a tier of others, and are keyed when all of them are."""
    inner = Tiers(Tier(memory()), Tier(memory()))
    outer = Tiers(Tier(memory()), Tier(inner))
    outer.put(ENTRY)
    assert same(inner.get(ENTRY.key), ENTRY)
    assert outer.keyed is False
    assert outer.stats().max_bytes == 3 << 30


def test_tiers_without_one_to_write_to_are_refused() -> None:
    """Nothing could ever be stored."""
    for tiers in ((), (Tier(memory(), writes=False),)):
        with pytest.raises(BadSetting, match="none that is written to"):
            Tiers(*tiers)
