"""The bytes of an entry's file."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import BadSetting
from memograd.store.blobs import part
from memograd.store.protocol import Blob, Entry
from memograd.store.record import INLINE_BYTES, MAX_RECORD_BYTES, Reference, decode, encode
from memograd.store.seal import Seal

from .conformance import key_of

SEALS = (Seal(None), Seal(b"a secret of some bytes"), Seal(b"another secret of some bytes"))

plain: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
json_values = st.recursive(
    plain.filter(lambda value: value not in {float("inf"), -float("inf")}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
entries = st.builds(
    Entry,
    st.integers().map(key_of),
    st.lists(st.binary(max_size=40) | st.binary(min_size=INLINE_BYTES, max_size=INLINE_BYTES + 5), max_size=4).map(
        tuple
    ),
    group=st.text(st.characters(codec="utf-8")),
    metadata=st.dictionaries(st.text(), json_values, max_size=4),
    cost_seconds=st.floats(0, allow_infinity=False),
    created_seconds=st.floats(allow_nan=False, allow_infinity=False),
)


def encoded(entry: Entry, seal: Seal) -> bytes:
    """The file of an entry."""
    return encode(entry, tuple(map(part, entry.blobs)), seal)


@given(entries, st.sampled_from(SEALS))
def test_what_is_written_is_read(entry: Entry, seal: Seal) -> None:
    """Any entry comes back, with its small blobs, and with the digests of its large ones."""
    header = decode(encoded(entry, seal), entry.key, seal)
    large: dict[Reference, Blob] = {found: blob for blob in entry.blobs if isinstance(found := part(blob), Reference)}
    assert (
        header.entry(tuple(large[found] if isinstance(found, Reference) else found for found in header.parts)) == entry
    )
    assert header.record.size_bytes == entry.size_bytes
    assert set(header.references) == large.keys()


@given(entries, st.sampled_from(SEALS), st.data())
def test_whatever_is_changed_is_noticed(entry: Entry, seal: Seal, data: st.DataObject) -> None:
    """A changed bit, a cut, an addition, another key of the store, or of the entry: it is an error."""
    whole = encoded(entry, seal)
    place, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    flipped = whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]
    for changed in (flipped, whole[:place], whole + b"\0", b"", whole[16:]):
        with pytest.raises(ValueError, match="it "):
            decode(changed, entry.key, seal)
    for other in {*SEALS} - {seal}:
        with pytest.raises(ValueError, match="changed"):
            decode(whole, entry.key, other)
    with pytest.raises(ValueError, match="another key"):
        decode(whole, key_of("another"), seal)


def test_a_record_too_long_is_not_written() -> None:
    """What could not be read is refused with what to do."""
    with pytest.raises(BadSetting, match="put large things into blobs"):
        encoded(Entry(key_of(1), (), metadata={"large": "x" * MAX_RECORD_BYTES}), SEALS[0])
