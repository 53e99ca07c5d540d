"""`memograd memo verify`, `gc` and `rm`: what keeps a store whole and small."""

from __future__ import annotations

import argparse
import re
import sys

from rich.filesize import decimal

from memograd.cli.memo.action import Action, Answer, Job
from memograd.cli.memo.choice import found, key_prefix, of_function
from memograd.cli.memo.words import counted
from memograd.cli.terminal import Terminal
from memograd.errors import BadSetting
from memograd.memo.default import DISK_BYTES

_WASTE = ("blobs that no entry used", "files that were left half-written")


def size(text: str) -> int:
    """``500MB`` or ``2GiB`` as bytes.

    Examples
    --------
    >>> size("500MB"), size("2GiB"), size("1.5 kB"), size("0")
    (500000000, 2147483648, 1500, 0)
    """
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?(?:([kmgt]?)(i?)b)?", text.strip(), re.IGNORECASE)
    if match is None or (match[3] and not match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no size, such as 500MB or 2GiB")
    unit = (1024 if match[3] else 1000) ** " kmgt".index((match[2] or " ").lower())
    return int(float(match[1]) * unit) if "." in match[1] else int(match[1]) * unit


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rebuild", action="store_true", help="make the index again from the entries, and remove what nobody uses"
    )


def _verify(job: Job) -> Answer:
    store = job.store()
    if job.arguments.rebuild:
        audit = store.verify()
        n_whole, record = audit.n_entries, {"n_unused": audit.n_unused, "n_abandoned": audit.n_abandoned}
    else:
        n_whole, record = sum(store.check(known.key) is not None for known in store.scan()), {}
    removed = [f"removed {count} {what}" for what, count in zip(_WASTE, record.values(), strict=False) if count]
    lines = [f"{counted(n_whole)} whole, {len(job.damage)} damaged", *removed]
    return {"n_entries": n_whole, "n_damaged": len(job.damage), **record}, list(lines)


def _add_gc(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-size", type=size, default=DISK_BYTES, metavar="SIZE",
        help="what may stay, such as 500MB or 2GiB (default: 10GiB)",
    )  # fmt: skip


def _gc(job: Job) -> Answer:
    store = job.store()
    freed = store.gc(job.arguments.max_size)
    left = store.stats()
    line = f"freed {decimal(freed)}; {counted(left.n_entries)} left, {decimal(left.size_bytes)}"
    return {"freed_bytes": freed, "n_entries": left.n_entries, "size_bytes": left.size_bytes}, [line]


def _add_rm(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("key", metavar="KEY", nargs="?", type=key_prefix, help="a key, or how one begins")
    which.add_argument("--function", metavar="FUNCTION", help="all entries of a function")
    which.add_argument("--all", action="store_true", help="all entries")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _rm(job: Job) -> Answer:
    store, asked = job.store(), job.arguments
    if asked.key is not None:
        keys = [found(store, asked.key).key]
    else:
        keys = [record.key for record in of_function(store, asked.function)]
        if keys and not asked.yes and not _agreed(job.terminal, len(keys), asked.function):
            return {"n_removed": 0}, ["nothing was removed"]
    if asked.all:
        store.gc(0)  # one change of the index instead of one for each
        removed = keys
    else:
        removed = [key for key in keys if store.delete(key)]
    return {"n_removed": len(removed)}, [f"removed {counted(len(removed))}"]


def _agreed(terminal: Terminal, n_entries: int, group: str | None) -> bool:
    terminal.note(f"Remove {counted(n_entries)}{f' of {group}' if group else ''}? Type yes to do it.")
    answer = sys.stdin.readline() if sys.stdin else ""
    if not answer:
        raise BadSetting("nobody answered; say --yes to remove without a question")
    return answer.strip().lower() in ("y", "yes")


ACTIONS = {
    "verify": Action("check every byte; exit status 1 when something is damaged", _add_verify, _verify),
    "gc": Action("remove the entries that are worth least", _add_gc, _gc),
    "rm": Action("remove entries", _add_rm, _rm),
}
