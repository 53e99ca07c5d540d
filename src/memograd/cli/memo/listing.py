"""`memograd memo ls` and `stats`: what is in the store."""

from __future__ import annotations

import argparse
import time
from typing import Any

from rich.filesize import decimal

from memograd.cli.arguments import at_least
from memograd.cli.memo.action import Action, Answer, Job
from memograd.cli.memo.choice import described, is_description, of_function
from memograd.cli.memo.words import counted, duration, safe, table
from memograd.store.protocol import Record

_SHOWN = 100


def _add_ls(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("group", metavar="FUNCTION", nargs="?", help="only the entries of this function")
    parser.add_argument(
        "--limit", type=at_least(1), default=_SHOWN, metavar="N", help="show so many (default: %(default)s)"
    )


def _ls(job: Job) -> Answer:
    records = [record for record in of_function(job.store(), job.arguments.group) if not is_description(record)]
    records.sort(key=lambda record: (record.group, -record.created_seconds, record.key))
    shown = records[: job.arguments.limit]
    rows = table("function", ">size", ">cost", ">age", "key")
    for record in shown:
        rows.add_row(
            safe(record.group),
            decimal(record.size_bytes),
            duration(record.cost_seconds),
            duration(time.time() - record.created_seconds),
            record.key[:12],
        )
    more = len(records) - len(shown)
    lines = [f"and {more} more; see --limit"] if more else []
    answer = {"n_entries": len(records), "entries": [described(record) for record in shown]}
    return answer, [rows if shown else "no entries", *lines]


def _stats(job: Job) -> Answer:
    store = job.store()
    functions: dict[str, list[Record]] = {}
    n_descriptions = 0
    for record in store.scan():
        if is_description(record):
            n_descriptions += 1
        else:
            functions.setdefault(record.group, []).append(record)
    total = store.stats()
    sums = [_summed(group, functions[group]) for group in sorted(functions)]
    rows = table("function", ">entries", ">size", ">cost")
    for row in sums:
        cells = str(row["n_entries"]), decimal(row["size_bytes"]), duration(row["cost_seconds"])
        rows.add_row(safe(row["function"]), *cells)
    of_code = f", {n_descriptions} of which tell what code was made from" if n_descriptions else ""
    line = f"{counted(total.n_entries)}{of_code}, {decimal(total.size_bytes)} on disk"
    answer = {
        "n_entries": total.n_entries,
        "n_descriptions": n_descriptions,
        "size_bytes": total.size_bytes,
        "functions": sums,
    }
    return answer, [*([rows] if sums else []), line]


def _summed(group: str, records: list[Record]) -> dict[str, Any]:
    return {
        "function": group,
        "n_entries": len(records),
        "size_bytes": sum(record.size_bytes for record in records),
        "cost_seconds": sum(record.cost_seconds for record in records),
    }


ACTIONS = {
    "ls": Action("list the entries, by function", _add_ls, _ls),
    "stats": Action("tell how full the store is, and of what", lambda _: None, _stats),
}
