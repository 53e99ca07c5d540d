"""A store as one function sees it: values by the keys of calls. A store that fails costs time, never a result."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, final

from memograd.digest.digester import digest
from memograd.errors import MemogradError, StoreError
from memograd.memo.code.identity import CodeIdentity
from memograd.memo.complaints import Complaints
from memograd.memo.keys import KEY_VERSION, CallKey, KeyMaker
from memograd.memo.report import WHOLE, Parts, Tally
from memograd.memo.settings import Settings
from memograd.memo.values import entry_of, value_of
from memograd.store.protocol import Blob, Entry

MISS: Final = object()
"""What is recalled when nothing is stored. None is a value like any other."""

_STORE = "store"
"""The kind of trouble that is the store's, whatever was asked of it."""


@final
class Shelf:
    """Where the results of one function are.

    Attributes
    ----------
    group : str
        Under which they stand in the store.
    """

    __slots__ = ("_complaints", "_described", "_keys", "_settings", "_tally", "group")

    def __init__(self, group: str, keys: KeyMaker, settings: Settings, tally: Tally, complaints: Complaints) -> None:
        self.group = group
        self._keys = keys
        self._settings = settings
        self._tally = tally
        self._complaints = complaints
        self._described = ""

    def recall(self, key: str) -> tuple[Any, float]:
        """The stored value, or `MISS`, and what it cost in seconds."""
        try:
            entry = self._settings.store.get(key)
        except StoreError as error:
            self.failed("computed again", error)
            return MISS, 0.0
        if entry is None:
            return MISS, 0.0
        try:
            return value_of(entry, allow_pickle=self._settings.pickle), entry.cost_seconds
        except StoreError as error:
            self.complain("value", f"{self.group} is computed again: {error}")
            return MISS, 0.0

    def keep(self, key: CallKey, values: tuple[Any, ...], blobs: tuple[Blob, ...], cost_seconds: float) -> Entry | None:
        """Store the blobs of a result; return the entry, or None when there is a reason not to store it."""
        try:
            reason = self._reason_against(key, values)
            if reason is None:
                self._describe(key.identity, cost_seconds)
                entry = self._entry(key, values, blobs, cost_seconds)
                if self._settings.store.put(entry):
                    return entry
                reason = "room", "the store is too small for it"
        except StoreError as error:
            reason = _STORE, str(error)
        except MemogradError as error:
            reason = "entry", str(error)
        self.not_kept(*reason)
        return None

    def not_kept(self, kind: str, reason: str) -> None:
        """Count a result that is not stored, and say why."""
        self._tally.not_stored += 1
        self._complaints.tell(kind, f"a result of {self.group} is not stored: {reason}")

    def failed(self, doing: str, error: StoreError) -> None:
        """Tell that the store failed. Said once, since what cannot be locked can mostly not be written either."""
        self._complaints.tell(_STORE, f"{self.group} is {doing}: {error}")

    def complain(self, kind: str, message: str) -> None:
        """Tell of something else that went wrong."""
        self._complaints.tell(kind, message)

    def lock(self, key: CallKey) -> AbstractContextManager[None]:
        """The store's lock of a key; when the store fails, no lock."""
        return _Lock(self, key)

    def parts_of(self, identity_digest: str) -> Parts | None:
        """What code was made from that has results here, by name; None when that was lost."""
        record = self._settings.store.peek(code_key(identity_digest))
        return None if record is None else record.metadata.get("parts")

    def _reason_against(self, key: CallKey, values: tuple[Any, ...]) -> tuple[str, str] | None:
        """Why a result should not be stored, though it could be; a kind and a text."""
        if self._keys.plain(values) is None and self._keys.tokens(values) != key.tokens:
            return "arguments", "the call changed its arguments, so its result is not all that it does"
        if self._keys.identity().digest != key.identity.digest:
            return "code", "the code, or data that it refers to, changed during the call"
        return None

    def _entry(self, key: CallKey, values: tuple[Any, ...], blobs: tuple[Blob, ...], cost_seconds: float) -> Entry:
        metadata = {
            "code": key.identity.digest,
            "version": repr(self._settings.version),
            "arguments": self._keys.told(key, values),
        }
        return entry_of(
            key.digest,
            blobs,
            group=self.group,
            metadata=metadata,
            cost_seconds=cost_seconds,
            pickled=self._settings.pickle,
        )

    def _describe(self, identity: CodeIdentity, cost_seconds: float) -> None:
        """Store, once for all results of it, what the code was made from; it is worth as much as the first of them."""
        if self._described == identity.digest:
            return
        key, store = code_key(identity.digest), self._settings.store
        if store.peek(key) is None:
            metadata = {"parts": parts_of(identity)}
            store.put(Entry(key, (), group=self.group, metadata=metadata, cost_seconds=cost_seconds))
        self._described = identity.digest


@final
class _Lock(AbstractContextManager[None]):
    """A lock of a store that, if it fails, lets the call go on without."""

    __slots__ = ("_key", "_lock", "_shelf")

    def __init__(self, shelf: Shelf, key: CallKey) -> None:
        self._shelf = shelf
        self._key = key
        self._lock: AbstractContextManager[None] | None = None

    def __enter__(self) -> None:
        try:
            lock = self._shelf._settings.store.lock(self._key.digest)
            lock.__enter__()
            self._lock = lock
        except StoreError as error:
            self._shelf.failed("computed without a lock, and may not be stored", error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._lock is not None:
                self._lock.__exit__(None, None, None)
        except StoreError as failure:
            self._shelf.failed("computed without a lock to its end", failure)


def code_key(identity_digest: str) -> str:
    """The key under which a store tells what code was made from."""
    return digest(("memo code", KEY_VERSION, identity_digest))


def parts_of(identity: CodeIdentity) -> Parts:
    """What code was made from, by name; things that share one, as two lambdas may, are numbered."""
    plain = ("package", "environment")
    parts = {WHOLE: [identity.digest, ""]}
    met: Counter[str] = Counter()
    for part in identity.parts:
        name = f"{part.kind} {part.name}".strip()
        met[name] += 1
        numbered = name if met[name] == 1 else f"{name} ({met[name]})"
        parts[numbered] = [part.digest, part.digest if part.kind in plain else part.file]
    return parts
