"""Values as entries, and back; pickles only for those who asked."""

from __future__ import annotations

import os
import pickle
from typing import Any

import numpy as np
import pytest

from memograd.errors import StoreError
from memograd.memo.codecs.packing import CannotStore
from memograd.memo.values import PICKLE, PLAIN, blobs_of, entry_of, is_immutable, value_of
from memograd.store.protocol import Entry

KEY = "ab" * 32


class Hostile:
    """Runs something when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("/nonexistent/would be made",)


def stored(value: Any, *, pickled: bool = False) -> Entry:
    """A value as an entry."""
    blobs = blobs_of(value, pickled=pickled)
    return entry_of(KEY, blobs, group="f", metadata={"a": 1}, cost_seconds=0.5, pickled=pickled)


@pytest.mark.parametrize("value", [None, 1.5, -0.0, "é", b"\0", (1, [2], {"x": {3}}), "x" * 5_000])
@pytest.mark.parametrize("pickled", [False, True])
def test_a_value_comes_back_with_its_types(value: Any, pickled: bool) -> None:
    """By codec or by pickle; what is known of it says which."""
    entry = stored(value, pickled=pickled)
    found = value_of(entry, allow_pickle=pickled)
    assert repr(found) == repr(value)
    assert dict(entry.metadata) == {"a": 1, "codec": PICKLE if pickled else PLAIN}


def test_a_pickle_is_read_only_by_who_asked() -> None:
    """Neither without asking, nor where the metadata do not say that it is one: nothing runs."""
    entry = stored(Hostile(), pickled=True)
    with pytest.raises(StoreError, match="'pickle', which is not read here"):
        value_of(entry)
    (blob,) = entry.blobs
    claimed = Entry(KEY, (blob,), metadata={"codec": PLAIN})
    for allow in (False, True):
        with pytest.raises(StoreError, match="not read here"):
            value_of(claimed, allow_pickle=allow)


@pytest.mark.parametrize("blobs", [(), (b"",), (b"plain 1",), (b"plain 1 ",), (b"plain 1 \xff",), (b"plain 2 []",)])
def test_what_holds_no_value_is_an_error(blobs: tuple[bytes, ...]) -> None:
    """Whatever the blobs and the metadata are."""
    for metadata in ({}, {"codec": PLAIN}, {"codec": PICKLE}):
        with pytest.raises(StoreError):
            value_of(Entry(KEY, blobs, metadata=metadata))


def test_what_cannot_be_stored_says_why() -> None:
    """The path for a codec, the reason for a pickle."""
    with pytest.raises(CannotStore, match=r"the result\[1\] is builtins.object"):
        blobs_of([1, object()])
    with pytest.raises(CannotStore, match="cannot be pickled"):
        blobs_of(lambda: 1, pickled=True)


def test_a_truncated_pickle_is_an_error() -> None:
    """Such as one of a class that is gone."""
    entry = Entry(KEY, (pickle.dumps([1, 2])[:-2],), metadata={"codec": PICKLE})
    with pytest.raises(StoreError, match="cannot be read here"):
        value_of(entry, allow_pickle=True)


def test_what_nobody_can_change() -> None:
    """May be handed out twice; anything else may not, nor what holds it."""

    class Text(str):
        pass

    immutable = (None, 1, 1.5, 1j, "a", b"a", True, np.float32(1), np.str_("a"), (1, (2.0, "x")))
    mutable = ([], {}, np.zeros(1), (1, []), Text("a"), object(), frozenset(), np.array([(1,)], "i4,")[0])
    assert all(map(is_immutable, immutable))
    assert not any(map(is_immutable, mutable))
