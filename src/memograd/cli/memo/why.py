"""`memograd memo why`: what an entry was made from, and how the nearest other one differs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, TypeAlias

from memograd.cli.memo.action import Action, Answer, Job
from memograd.cli.memo.choice import described, found, is_description, key_prefix
from memograd.cli.memo.words import safe, table
from memograd.errors import CannotDigest, DataError
from memograd.memo.report import differences
from memograd.memo.shelf import code_key
from memograd.store.disk import DiskStore
from memograd.store.protocol import Record

Parts: TypeAlias = dict[str, list[str]]


def _add_why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", type=key_prefix, help="a key, or how one begins")


def _why(job: Job) -> Answer:
    store = job.store()
    record = found(store, job.arguments.key)
    parts_of_code = cache(partial(_parts_of_code, store))
    parts = _made_from(record, parts_of_code)
    if parts is None:
        raise DataError(f"{record.key[:12]}: the entry does not say what it was made from")
    others = [
        (other, _made_from(other, parts_of_code))
        for other in store.scan(record.group)
        if is_description(other) == is_description(record) and other.key != record.key
    ]
    nearest = _nearest(parts, others)
    rows = table("part", "what", "digest")
    for name, (known, shown) in parts.items():
        rows.add_row(safe(name), safe(shown), safe(known[:12]))
    head = f"beside {nearest[0].key[:12]}, the nearest other entry:" if nearest else "no other entry of the function"
    lines = nearest[1] if nearest else []
    answer = {
        **described(record),
        "parts": parts,
        "nearest": nearest[0].key if nearest else None,
        "differences": lines,
    }
    return answer, [f"{safe(record.group)}  {record.key}", rows, "", head, *map(safe, lines)]


def _made_from(record: Record, parts_of_code: Callable[[str], Parts | None]) -> Parts | None:
    """What an entry was made from: the code, the version that was told, and the arguments; None if it is unsaid."""
    known = record.metadata
    if is_description(record):
        return _known_parts(known["parts"])
    code, version, arguments = known.get("code"), known.get("version"), _known_parts(known.get("arguments"))
    if arguments is None or not (isinstance(code, str) and isinstance(version, str)):
        return None
    told = {f"argument {name}": row for name, row in arguments.items()}
    return {**(parts_of_code(code) or {}), "version=": [version, version], **told}


def _parts_of_code(store: DiskStore, code: str) -> Parts | None:
    """What code was made from, as the description says that is stored beside its results."""
    try:
        description = store.peek(code_key(code))
    except (CannotDigest, ValueError):  # of what is no digest
        return None
    return _known_parts(description.metadata.get("parts")) if description else None


def _known_parts(parts: Any) -> Parts | None:
    """Parts, when they have the form that is known: names, each with a digest and a description."""
    if not isinstance(parts, dict):
        return None
    known = all(
        isinstance(row, list) and len(row) == 2 and all(isinstance(x, str) for x in row) for row in parts.values()
    )
    return parts if known else None


def _nearest(parts: Parts, others: Iterable[tuple[Record, Parts | None]]) -> tuple[Record, list[str]] | None:
    """The entry that differs in the fewest parts, the newest of equal ones, and how."""
    known = ((other, differences(parts, old)) for other, old in others if old is not None)
    return min(known, key=lambda pair: (len(pair[1]), -pair[0].created_seconds), default=None)


ACTIONS = {"why": Action("tell what an entry was made from, and how the nearest other differs", _add_why, _why)}
