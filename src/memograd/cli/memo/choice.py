"""Which entries are meant: by key, by how a key begins, by function."""

from __future__ import annotations

import argparse
import re
from typing import Any

from memograd.errors import DataError
from memograd.store.disk import DiskStore
from memograd.store.protocol import Record, is_key


def key_prefix(text: str) -> str:
    """A key, or how one begins, as it was typed.

    Examples
    --------
    >>> key_prefix("AB12")
    'ab12'
    """
    if not re.fullmatch("[0-9a-f]{1,64}", text.lower()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no key: up to 64 hexadecimal digits, as `memograd memo ls` shows"
        )
    return text.lower()


def found(store: DiskStore, prefix: str) -> Record:
    """The one entry whose key begins so.

    Raises
    ------
    DataError
        When there is none, or more than one.
    """
    exact = store.peek(prefix) if is_key(prefix) else None
    records = [exact] if exact else [record for record in store.scan() if record.key.startswith(prefix)]
    if not records:
        raise DataError(f"no key begins with {prefix}; `memograd memo ls` lists them")
    if len(records) > 1:
        raise DataError(
            f"{len(records)} keys begin with {prefix}, such as {records[0].key} and {records[1].key}; give more"
        )
    return records[0]


def of_function(store: DiskStore, group: str | None) -> list[Record]:
    """The entries of a function, or with None all; a function that has none is a slip.

    Raises
    ------
    DataError
        When the function has none.
    """
    records = list(store.scan(group))
    if group is not None and not records:
        raise DataError(f"no entry is of the function {group!r}; `memograd memo stats` lists those that have some")
    return records


def is_description(record: Record) -> bool:
    """Whether an entry is no result, and tells what the code was made from that made some."""
    return "code" not in record.metadata and "parts" in record.metadata


def described(record: Record) -> dict[str, Any]:
    """What machines are told of an entry."""
    return {
        "key": record.key,
        "function": record.group,
        "size_bytes": record.size_bytes,
        "cost_seconds": record.cost_seconds,
        "created_seconds": record.created_seconds,
    }
