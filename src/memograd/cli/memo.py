"""`memograd memo`: what memoized functions keep on disk: to look at, check, bound, remove, carry elsewhere.

Owns the words and tables, and the file that entries travel in. What an entry is, and whether it is whole,
the store knows.

The file is a zip archive, nothing in it compressed, that unzip and Python's zipfile read:

    memograd-export-1          an empty file whose name tells the version
    entries/KEY.entry          what a store writes of an entry: sealed, with its small blobs
    blobs/DIGEST.blob          a large blob, named by the digest of its content

Nothing in it can run: an entry whose value is a pickle is neither exported nor imported.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import secrets
import stat
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from memograd.cli.arguments import at_least
from memograd.cli.terminal import Terminal
from memograd.cli.textfile import file_error
from memograd.errors import BadSetting, CannotDigest, DataError, StoreError
from memograd.memo.default import DISK_BYTES, default_directory
from memograd.memo.report import differences
from memograd.memo.shelf import _code_key
from memograd.memo.values import PLAIN
from memograd.store.atomic import check_writable
from memograd.store.blobs import digest, part
from memograd.store.damage import Damage
from memograd.store.disk import DiskStore
from memograd.store.protocol import Blob, Entry, Record, is_key, json_text
from memograd.store.record import MAX_RECORD_BYTES, Reference, decode, encode
from memograd.store.seal import Seal

DESCRIPTION = "Look at, check, bound and move the results that memoized functions keep."

DAMAGED = 1
"""The exit status of `verify` when something was damaged."""

_SHOWN = 100
_MARKER = "memograd-store-"
_VERSION = "memograd-export-1"
_MEMBER = re.compile(r"entries/(?P<key>[0-9a-f]{64})\.entry|blobs/(?P<digest>[0-9a-f]{64})\.blob")
_WITHOUT_CODE = (None, PLAIN)
"""Codecs of values that can be read without running anything; None is bytes that somebody put into the store."""

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same entries make the same file
_UNREADABLE = (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, ValueError)

Parts: TypeAlias = dict[str, list[str]]
Answer: TypeAlias = tuple[dict[str, Any], list[Table | str]]


@dataclass(frozen=True, slots=True)
class _Job:
    """One call of the command: what was asked, and what was found damaged on the way."""

    arguments: argparse.Namespace
    terminal: Terminal
    damage: list[Damage] = field(default_factory=list)

    @property
    def directory(self) -> Path:
        return Path(self.arguments.store or default_directory())

    def store(self) -> DiskStore:
        """The store that is there: one that is not is never made by looking at it."""
        try:
            names = os.listdir(self.directory)
        except OSError as error:
            reason = {FileNotFoundError: "does not exist", NotADirectoryError: "is no directory"}.get(type(error))
            raise StoreError(f"{self.directory}: {reason or error.strerror}; name a store with --store") from error
        except ValueError as error:
            raise StoreError(f"{str(self.directory)!r} is no path; name a store with --store") from error
        if not any(name.startswith(_MARKER) for name in names):
            raise StoreError(f"{self.directory}: is no store; name one with --store")
        return DiskStore(self.directory, report=self.damage.append)


@dataclass(frozen=True, slots=True)
class _Action:
    """One of the things that the command does."""

    help: str
    add: Callable[[argparse.ArgumentParser], object]
    run: Callable[[_Job], Answer]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, action in ACTIONS.items():
        sub = actions.add_parser(name, help=action.help, description=f"{action.help[0].upper()}{action.help[1:]}.")
        action.add(sub)
        sub.add_argument("--store", metavar="DIR", help="the store's directory (default: that of memoized functions)")
        sub.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    job = _Job(arguments, Terminal(as_json=arguments.json))
    record, shown = ACTIONS[arguments.action].run(job)
    for damage in job.damage:
        job.terminal.note(f"damaged: {damage}")
    if arguments.json:
        # A lone surrogate in what a foreign file says is escaped by JSON, too.
        job.terminal.json({"store": str(job.directory), **record, "damage": [asdict(found) for found in job.damage]})
    else:
        job.terminal.text("\n".join(item if isinstance(item, str) else _drawn(item) for item in shown))
    return DAMAGED if arguments.action == "verify" and job.damage else 0


def size(text: str) -> int:
    """``500MB`` or ``2GiB`` as bytes.

    Examples
    --------
    >>> size("500MB"), size("2GiB"), size("1.5 kB"), size("0")
    (500000000, 2147483648, 1500, 0)
    """
    found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?(?:([kmgt]?)(i?)b)?", text.strip(), re.IGNORECASE)
    if found is None or (found[3] and not found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no size, such as 500MB or 2GiB")
    unit = (1024 if found[3] else 1000) ** " kmgt".index((found[2] or " ").lower())
    return int(float(found[1]) * unit) if "." in found[1] else int(found[1]) * unit


# What each action takes


def _add_ls(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("group", metavar="FUNCTION", nargs="?", help="only the entries of this function")
    parser.add_argument(
        "--limit", type=at_least(1), default=_SHOWN, metavar="N", help="show so many (default: %(default)s)"
    )


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", type=_key_prefix, help="a key, or how one begins")


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rebuild", action="store_true", help="make the index again from the entries, and remove what nobody uses"
    )


def _add_gc(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-size", type=size, default=DISK_BYTES, metavar="SIZE",
        help="what may stay, such as 500MB or 2GiB (default: 10GiB)",
    )  # fmt: skip


def _add_rm(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("key", metavar="KEY", nargs="?", type=_key_prefix, help="a key, or how one begins")
    which.add_argument("--function", metavar="FUNCTION", help="all entries of a function")
    which.add_argument("--all", action="store_true", help="all entries")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a zip archive of entries; nothing in it can run")


def _key_prefix(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{1,64}", text.lower()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no key: up to 64 hexadecimal digits, as `memograd memo ls` shows"
        )
    return text.lower()


# What each action does


def _ls(job: _Job) -> Answer:
    found = _of_function(job.store(), job.arguments.group)
    records = [record for record in found if not _is_description(record)]
    records.sort(key=lambda record: (record.group, -record.created_seconds, record.key))
    shown = records[: job.arguments.limit]
    table = _table("function", ">size", ">cost", ">age", "key")
    for record in shown:
        table.add_row(
            _safe(record.group),
            decimal(record.size_bytes),
            _duration(record.cost_seconds),
            _duration(time.time() - record.created_seconds),
            record.key[:12],
        )
    more = len(records) - len(shown)
    lines = [f"and {more} more; see --limit"] if more else []
    return {"n_entries": len(records), "entries": [_described(record) for record in shown]}, [
        *([table] if shown else ["no entries"]),
        *lines,
    ]


def _stats(job: _Job) -> Answer:
    store = job.store()
    functions: dict[str, list[Record]] = {}
    n_descriptions = 0
    for record in store.scan():
        n_descriptions += _is_description(record)
        if not _is_description(record):
            functions.setdefault(record.group, []).append(record)
    total = store.stats()
    rows = [_summed(group, functions[group]) for group in sorted(functions)]
    table = _table("function", ">entries", ">size", ">cost")
    for row in rows:
        table.add_row(
            _safe(row["function"]), str(row["n_entries"]), decimal(row["size_bytes"]), _duration(row["cost_seconds"])
        )
    of_code = f", {n_descriptions} of which tell what code was made from" if n_descriptions else ""
    line = f"{_counted(total.n_entries)}{of_code}, {decimal(total.size_bytes)} on disk"
    return {
        "n_entries": total.n_entries,
        "n_descriptions": n_descriptions,
        "size_bytes": total.size_bytes,
        "functions": rows,
    }, [
        *([table] if rows else []),
        line,
    ]


def _why(job: _Job) -> Answer:
    store = job.store()
    record = _found(store, job.arguments.key)
    parts_of_code = cache(partial(_parts_of_code, store))
    parts = _made_from(record, parts_of_code)
    if parts is None:
        raise DataError(f"{record.key[:12]}: the entry does not say what it was made from")
    others = (other for other in store.scan(record.group) if _is_description(other) == _is_description(record))
    found = _nearest(parts, ((other, _made_from(other, parts_of_code)) for other in others if other.key != record.key))
    table = _table("part", "what", "digest")
    for name, (known, shown) in parts.items():
        table.add_row(_safe(name), _safe(shown), _safe(known[:12]))
    lines = [_safe(line) for line in found[1]] if found else []
    head = f"beside {found[0].key[:12]}, the nearest other entry:" if found else "no other entry of the function"
    answer = {
        **_described(record),
        "parts": parts,
        "nearest": found[0].key if found else None,
        "differences": found[1] if found else [],
    }
    return answer, [f"{_safe(record.group)}  {record.key}", table, "", head, *lines]


def _verify(job: _Job) -> Answer:
    store = job.store()
    if job.arguments.rebuild:
        audit = store.verify()
        n_whole, record = audit.n_entries, {"n_unused": audit.n_unused, "n_abandoned": audit.n_abandoned}
    else:
        n_whole, record = sum(store.get(found.key) is not None for found in store.scan()), {}
    removed = [f"removed {count} {what}" for what, count in zip(_WASTE, record.values(), strict=False) if count]
    lines = [f"{_counted(n_whole)} whole, {len(job.damage)} damaged", *removed]
    return {"n_entries": n_whole, "n_damaged": len(job.damage), **record}, list(lines)


_WASTE = ("blobs that no entry used", "files that were left half-written")


def _gc(job: _Job) -> Answer:
    store = job.store()
    freed = store.gc(job.arguments.max_size)
    left = store.stats()
    line = f"freed {decimal(freed)}; {_counted(left.n_entries)} left, {decimal(left.size_bytes)}"
    return {"freed_bytes": freed, "n_entries": left.n_entries, "size_bytes": left.size_bytes}, [line]


def _rm(job: _Job) -> Answer:
    store, asked = job.store(), job.arguments
    if asked.key is not None:
        keys = [_found(store, asked.key).key]
    else:
        keys = [record.key for record in _of_function(store, asked.function)]
        if keys and not asked.yes and not _agreed(job.terminal, len(keys), asked.function):
            return {"n_removed": 0}, ["nothing was removed"]
    if asked.all:
        store.gc(0)  # one change of the index instead of one for each
        removed = keys
    else:
        removed = [key for key in keys if store.delete(key)]
    return {"n_removed": len(removed)}, [f"removed {_counted(len(removed))}"]


def _export(job: _Job) -> Answer:
    store, path = job.store(), job.arguments.file
    n_entries, left_out = 0, []
    with _new_archive(path) as archive:
        archive.writestr(_member(_VERSION), b"")
        for record in store.scan():
            if not _is_without_code(record.metadata):
                left_out.append(record.key)
            elif (entry := store.get(record.key)) is not None:
                _write_entry(archive, entry)
                n_entries += 1
    if left_out:
        job.terminal.note(f"{_counted(len(left_out))} left out, because reading a pickle runs code")
    size_bytes = os.path.getsize(path)
    line = f"{_counted(n_entries)} in {_safe(path)}, {decimal(size_bytes)}"
    return {"file": path, "n_entries": n_entries, "size_bytes": size_bytes, "left_out": left_out}, [line]


def _import(job: _Job) -> Answer:
    path = job.arguments.file
    with _archive(path) as (archive, members):
        for _ in _entries(archive, members):  # all of it, before any of it is stored
            pass
        with DiskStore(job.directory, report=job.damage.append) as store:
            # What is there stays: a key names its content, so a file can add to a store and never change it.
            new = [
                entry.key for entry in _entries(archive, members) if store.get(entry.key) is None and store.put(entry)
            ]
    n_entries = len([name for name in members if name.startswith("entries/")])
    line = f"{_counted(len(new))} imported, {n_entries - len(new)} were there"
    return {"file": path, "n_imported": len(new), "n_present": n_entries - len(new)}, [line]


ACTIONS = {
    "ls": _Action("list the entries, by function", _add_ls, _ls),
    "stats": _Action("tell how full the store is, and of what", lambda _: None, _stats),
    "why": _Action("tell what an entry was made from, and how the nearest other differs", _add_key, _why),
    "verify": _Action("check every byte; exit status 1 when something is damaged", _add_verify, _verify),
    "gc": _Action("remove the entries that are worth least", _add_gc, _gc),
    "rm": _Action("remove entries", _add_rm, _rm),
    "export": _Action("write all entries into one file", _add_file, _export),
    "import": _Action("add the entries of a file that was exported", _add_file, _import),
}


# Entries


def _of_function(store: DiskStore, group: str | None) -> list[Record]:
    """The entries of a function, or with None all; a function that has none is a slip."""
    records = list(store.scan(group))
    if group is not None and not records:
        raise DataError(f"no entry is of the function {group!r}; `memograd memo stats` lists those that have some")
    return records


def _found(store: DiskStore, prefix: str) -> Record:
    """The one entry whose key begins so."""
    exact = store.peek(prefix) if is_key(prefix) else None
    found = [exact] if exact else [record for record in store.scan() if record.key.startswith(prefix)]
    if not found:
        raise DataError(f"no key begins with {prefix}; `memograd memo ls` lists them")
    if len(found) > 1:
        raise DataError(f"{len(found)} keys begin with {prefix}, such as {found[0].key} and {found[1].key}; give more")
    return found[0]


def _is_description(record: Record) -> bool:
    """Whether an entry is no result, and tells what the code was made from that made some."""
    return "code" not in record.metadata and "parts" in record.metadata


def _made_from(record: Record, parts_of_code: Callable[[str], Parts | None]) -> Parts | None:
    """What an entry was made from: the code, the version that was told, and the arguments; None if it is unsaid."""
    known = record.metadata
    if _is_description(record):
        return _known_parts(known["parts"])
    code, version, arguments = known.get("code"), known.get("version"), _known_parts(known.get("arguments"))
    if arguments is None or not (isinstance(code, str) and isinstance(version, str)):
        return None
    told = {f"argument {name}": row for name, row in arguments.items()}
    return {**(parts_of_code(code) or {}), "version=": [version, version], **told}


def _parts_of_code(store: DiskStore, code: str) -> Parts | None:
    """What code was made from, as the description says that is stored beside its results."""
    try:
        described = store.peek(_code_key(code))
    except (CannotDigest, ValueError):  # of what is no digest
        return None
    return _known_parts(described.metadata.get("parts")) if described else None


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


def _is_without_code(metadata: Any) -> bool:
    return metadata.get("codec") in _WITHOUT_CODE


def _agreed(terminal: Terminal, n_entries: int, group: str | None) -> bool:
    terminal.note(f"Remove {_counted(n_entries)}{f' of {group}' if group else ''}? Type yes to do it.")
    answer = sys.stdin.readline() if sys.stdin else ""
    if not answer:
        raise BadSetting("nobody answered; say --yes to remove without a question")
    return answer.strip().lower() in ("y", "yes")


# The file that entries travel in


@contextmanager
def _new_archive(path: str) -> Iterator[zipfile.ZipFile]:
    """A new archive, which gets its name only when it is complete."""
    try:
        check_writable(path)
        place = Path(os.path.realpath(path))
        beside = place.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            with beside.open("xb") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                    yield archive
                file.flush()
                os.fsync(file.fileno())
            beside.replace(place)
        finally:
            with suppress(OSError):  # it is gone if all went well
                beside.unlink()
    except StoreError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise file_error(
            path, f"cannot be written ({reason}); name a file in a folder that can be written to"
        ) from error


def _write_entry(archive: zipfile.ZipFile, entry: Entry) -> None:
    parts = tuple(map(part, entry.blobs))
    archive.writestr(_member(f"entries/{entry.key}.entry"), encode(entry, parts, Seal(None)))
    for found, blob in zip(parts, entry.blobs, strict=True):
        if isinstance(found, Reference) and (name := _blob_name(found)) not in archive.NameToInfo:
            archive.writestr(_member(name), blob)


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _LONG_AGO)
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


def _blob_name(reference: Reference) -> str:
    return f"blobs/{reference.digest}.blob"


Members: TypeAlias = dict[str, zipfile.ZipInfo]


@contextmanager
def _archive(path: str) -> Iterator[tuple[zipfile.ZipFile, Members]]:
    """An archive that somebody else may have made, and its members by name, none of which can be more than it holds."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is no file")
        with zipfile.ZipFile(path) as archive:
            yield archive, _members(archive.infolist(), status.st_size)
    except StoreError:  # of the store, and not of the file
        raise
    except _UNREADABLE as error:
        reason = getattr(error, "strerror", None) or error
        raise file_error(path, f"is not imported: {reason}") from error


def _members(infos: Iterable[zipfile.ZipInfo], size_bytes: int) -> Members:
    """The members by name; a ValueError for what no export writes."""
    members: Members = {}
    for info in infos:
        name = info.orig_filename
        if name in members:
            raise ValueError(f"{name!r} is in it twice")
        if name != _VERSION and not _MEMBER.fullmatch(name):
            raise ValueError(f"it holds {name!r}, which `memograd memo export` does not write")
        _check_member(name, info)
        members[name] = info
    if _VERSION not in members:
        raise ValueError(f"it holds no {_VERSION}, so `memograd memo export` of this version did not write it")
    declared = sum(info.file_size for info in members.values())
    if declared > size_bytes:
        raise ValueError(f"its members claim {declared} bytes, and it has {size_bytes}")
    return members


def _check_member(name: str, info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ValueError(f"{name!r} is a link, or no file")
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.file_size != info.compress_size:
        raise ValueError(f"{name!r} is compressed or encrypted")
    if name.startswith("entries/") and info.file_size > MAX_RECORD_BYTES:
        raise ValueError(f"{name!r} has {info.file_size} bytes, which no record has")


def _entries(archive: zipfile.ZipFile, members: Members) -> Iterator[Entry]:
    """Yield every entry, each byte checked; a ValueError for the first that is not as it was written."""
    used = {_VERSION}
    for name, info in members.items():
        found = _MEMBER.fullmatch(name)
        if found is None or found["key"] is None:
            continue
        try:
            header = decode(archive.read(info), found["key"], Seal(None))
            entry = header.entry(tuple(_blob(archive, members, known) for known in header.parts))
            json_text(entry.metadata)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        if not _is_without_code(entry.metadata):
            raise ValueError(f"{name}: its value is of codec {entry.metadata['codec']!r}, and reading it may run code")
        used |= {name, *map(_blob_name, header.references)}
        yield entry
    if unused := members.keys() - used:
        raise ValueError(f"no entry uses {min(unused)}")


def _blob(archive: zipfile.ZipFile, members: Members, known: Blob | Reference) -> Blob:
    if not isinstance(known, Reference):
        return known
    info = members.get(_blob_name(known))
    if info is None or info.file_size != known.size_bytes:
        raise ValueError("one of its blobs is not there, or not as long as it was")
    data = archive.read(info)
    if digest(data) != known.digest:
        raise ValueError("one of its blobs has changed since it was written")
    return data


# Words and tables


def _described(record: Record) -> dict[str, Any]:
    return {
        "key": record.key,
        "function": record.group,
        "size_bytes": record.size_bytes,
        "cost_seconds": record.cost_seconds,
        "created_seconds": record.created_seconds,
    }


def _summed(group: str, records: list[Record]) -> dict[str, Any]:
    return {
        "function": group,
        "n_entries": len(records),
        "size_bytes": sum(record.size_bytes for record in records),
        "cost_seconds": sum(record.cost_seconds for record in records),
    }


def _counted(n_entries: int) -> str:
    return f"{n_entries} {'entry' if n_entries == 1 else 'entries'}"


def _duration(seconds: float) -> str:
    """Seconds in a unit of which there are a few.

    Examples
    --------
    >>> _duration(0.00025), _duration(90), _duration(7300), _duration(3e6)
    ('0.25 ms', '90 s', '2.0 h', '34.7 d')
    """
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{max(seconds, 0) * 1e3:.3g} ms"


def _safe(text: str) -> str:
    """Text in one line, with escapes for what would steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _table(*columns: str) -> Table:
    """A table without lines; a column that begins with > stands to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        right = name.startswith(">")
        table.add_column(name.removeprefix(">"), justify="right" if right else "left", overflow="fold", no_wrap=right)
    return table


def _drawn(table: Table) -> str:
    """A table as text; as wide as the terminal, and elsewhere as wide as it needs to be."""
    width = Console().width if sys.stdout.isatty() else 1_000
    console = Console(file=io.StringIO(), width=width, highlight=False, emoji=False, markup=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
