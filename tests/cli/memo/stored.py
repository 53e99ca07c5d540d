"""Entries as memoized functions store them."""

from __future__ import annotations

from typing import Any

import numpy as np

from memograd.memo.shelf import code_key
from memograd.memo.values import PICKLE, PLAIN, blobs_of
from memograd.store.protocol import Entry

ARRAY = np.arange(2000.0)
KEYS = ("aa" * 32, "ab" + "0" * 62, "cd" * 32)
CODE = "c0de" * 16
DESCRIPTION = Entry(code_key(CODE), (), group="lab.scale", metadata={"parts": {"function lab.scale": ["f0", "lab.py"]}})


def made(key: str, value: Any, group: str = "lab.scale", *, pickled: bool = False) -> Entry:
    """An entry as a memoized function stores it."""
    metadata = {
        "code": CODE,
        "version": "None",
        "arguments": {"x": [f"d{key[:4]}", repr(value)[:9]]},
        "codec": PICKLE if pickled else PLAIN,
    }
    return Entry(key, blobs_of(value, pickled=pickled), group=group, metadata=metadata, cost_seconds=0.25)
