"""`memograd memo`: every action on a store on disk, for people and for machines, and what is refused."""

from __future__ import annotations

import io
import json
import os
import pickle
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memograd.cli.memo import ACTIONS, DAMAGED, size
from memograd.memo.default import default_directory
from memograd.memo.memoize import memoize
from memograd.memo.shelf import _code_key
from memograd.memo.values import PICKLE, PLAIN, blobs_of, value_of
from memograd.store.blobs import digest, part
from memograd.store.disk import DiskStore
from memograd.store.protocol import Entry
from memograd.store.record import MAX_RECORD_BYTES, encode
from memograd.store.seal import Seal

ARRAY = np.arange(2000.0)
KEYS = ("aa" * 32, "ab" + "0" * 62, "cd" * 32)
MARKER = "memograd-export-1"


CODE = "c0de" * 16
DESCRIPTION = Entry(
    _code_key(CODE), (), group="lab.scale", metadata={"parts": {"function lab.scale": ["f0", "lab.py"]}}
)


def made(key: str, value: Any, group: str = "lab.scale", *, pickled: bool = False) -> Entry:
    """An entry as a memoized function stores it."""
    metadata = {
        "code": CODE,
        "version": "None",
        "arguments": {"x": [f"d{key[:4]}", repr(value)[:9]]},
        "codec": PICKLE if pickled else PLAIN,
    }
    return Entry(key, blobs_of(value, pickled=pickled), group=group, metadata=metadata, cost_seconds=0.25)


@pytest.fixture
def store(folder: Path) -> Path:
    """A store of three entries of two functions, and what the code of one was made from."""
    path = folder / "store"
    with DiskStore(path) as opened:
        opened.put(made(KEYS[0], 1.5))
        opened.put(made(KEYS[1], 2.5))
        opened.put(made(KEYS[2], ARRAY, group="lab.grid"))
        opened.put(DESCRIPTION)
    return path


@pytest.fixture
def memo(run: Callable, store: Path) -> Callable:
    """Run an action on that store."""
    return lambda action, *arguments: run("memo", action, *arguments, "--store", store)


@pytest.fixture
def found(memo: Callable) -> Callable[..., dict[str, Any]]:
    """Run an action on that store that must succeed; give its JSON object."""

    def command(*arguments: str | Path) -> dict[str, Any]:
        outcome = memo(*arguments, "--json")
        assert (outcome.status, outcome.err) == (0, "")
        record: dict[str, Any] = outcome.record
        assert record["damage"] == []
        return record

    return command


def only(folder: Path, suffix: str) -> Path:
    """The one file in a store with this suffix."""
    (path,) = folder.glob(f"*/*{suffix}")
    return path


def overwrite(path: Path, data: bytes) -> None:
    """Write into a file that is not meant to be written to."""
    path.chmod(0o644)
    path.write_bytes(data)


@pytest.mark.parametrize("action", ACTIONS)
def test_help(run: Callable, action: str) -> None:
    """The help of an action fits into 80 columns and says what it does."""
    outcome = run("memo", action, "--help")
    assert outcome.status == 0
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert ACTIONS[action].help[1:] in " ".join(outcome.out.split())


def test_ls(memo: Callable, found: Callable) -> None:
    """Entries are listed by function, with size, cost and age."""
    record = found("ls")
    assert record["n_entries"] == 3
    assert [entry["function"] for entry in record["entries"]] == ["lab.grid", "lab.scale", "lab.scale"]
    assert set(record["entries"][0]) == {"key", "function", "size_bytes", "cost_seconds", "created_seconds"}
    lines = memo("ls").out.splitlines()
    assert lines[0].split() == ["function", "size", "cost", "age", "key"]
    assert lines[1].split()[:5] == ["lab.grid", "16.0", "kB", "250", "ms"]
    assert lines[1].endswith(KEYS[2][:12])


def test_ls_of_a_function(memo: Callable, found: Callable) -> None:
    """A function and a limit choose entries, and the number of all is told."""
    assert [entry["key"] for entry in found("ls", "lab.grid")["entries"]] == [KEYS[2]]
    record = found("ls", "lab.scale", "--limit", "1")
    assert (len(record["entries"]), record["n_entries"]) == (1, 2)
    assert memo("ls", "--limit", "1").out.splitlines()[-1] == "and 2 more; see --limit"


def test_names_steer_no_terminal(memo: Callable, store: Path) -> None:
    """What a name could do to a terminal is escaped, and markup is text."""
    DiskStore(store).put(made("ee" * 32, 1, group="lab.\x1b[31m[red]\nname"))
    out = memo("ls").out
    assert "lab.\\x1b[31m[red]\\nname" in out
    assert "\x1b" not in out


def test_stats(memo: Callable, found: Callable) -> None:
    """Entries are counted and summed, in all and for each function."""
    record = found("stats")
    assert (record["n_entries"], record["n_descriptions"]) == (4, 1)
    assert record["size_bytes"] > ARRAY.nbytes
    assert [(row["function"], row["n_entries"]) for row in record["functions"]] == [("lab.grid", 1), ("lab.scale", 2)]
    assert record["functions"][1]["cost_seconds"] == 0.5
    assert memo("stats").out.splitlines()[-1].startswith("4 entries, 1 of which tell")


def test_why(memo: Callable, found: Callable) -> None:
    """An entry tells what it was made from, and how the nearest other of its function differs."""
    record = found("why", KEYS[0][:6])
    assert record["parts"]["function lab.scale"] == ["f0", "lab.py"]
    assert record["nearest"] == KEYS[1]
    assert record["differences"] == ["argument x was 2.5 and is 1.5"]
    assert memo("why", KEYS[0]).out.splitlines()[-1] == "argument x was 2.5 and is 1.5"
    assert found("why", DESCRIPTION.key)["parts"] == DESCRIPTION.metadata["parts"]
    alone = found("why", "cd")
    assert (alone["nearest"], alone["differences"]) == (None, [])


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"code": CODE},
        {"code": 5, "version": "None", "arguments": {}},
        {"code": CODE, "version": None, "arguments": {}},
        {"code": CODE, "version": "None", "arguments": {"x": "y"}},
        {"code": CODE, "version": "None", "arguments": {"x": [1, 2]}},
        {"parts": 5},
    ],
)
def test_why_of_foreign_metadata(refused: Callable, found: Callable, store: Path, metadata: dict[str, Any]) -> None:
    """An entry that does not say what it was made from is named, and is no neighbour of others."""
    key = "ee" * 32
    DiskStore(store).put(Entry(key, (b"",), group="lab.grid", metadata=metadata))
    assert "does not say" in refused("memo", "why", key, "--store", store)
    assert found("why", KEYS[2])["nearest"] is None


def test_why_of_a_lost_description(found: Callable, store: Path) -> None:
    """When what the code was made from was evicted, the arguments are told all the same."""
    DiskStore(store).delete(DESCRIPTION.key)
    record = found("why", KEYS[0])
    assert set(record["parts"]) == {"version=", "argument x"}
    assert record["differences"] == ["argument x was 2.5 and is 1.5"]


def test_why_of_a_memoized_function(run: Callable, folder: Path) -> None:
    """What a memoized function stores is understood."""
    scale = memoize(lambda x: 2 * x, store="made")
    assert [scale(1), scale(2)] == [2, 4]
    outcome = run("memo", "why", scale.call_info(2).key, "--store", "made", "--json")
    assert outcome.record["function"] == scale.group
    assert outcome.record["differences"] == ["argument x was 1 and is 2"]
    assert [name for name in outcome.record["parts"] if name.startswith("function")]
    assert run("memo", "ls", "--store", "made", "--json").record["n_entries"] == 2


@pytest.mark.parametrize("options", [[], ["--rebuild"]])
def test_verify(memo: Callable, found: Callable, store: Path, options: list[str]) -> None:
    """A whole store is found whole; damage is told, set aside, and gives another exit status."""
    assert found("verify", *options)["n_entries"] == 4
    overwrite(only(store, ".blob"), bytes(16000))
    outcome = memo("verify", *options, "--json")
    assert outcome.status == DAMAGED
    assert outcome.record["n_damaged"] >= 1
    assert outcome.record["n_entries"] == 3
    assert "changed since it was written" in outcome.record["damage"][0]["reason"]
    assert outcome.err.startswith("damaged: ")


def test_verify_makes_the_index_again(memo: Callable, found: Callable, store: Path) -> None:
    """An index that is gone or damaged is made again, and nothing is lost by it."""
    (store / "index.sqlite").unlink()
    assert found("verify", "--rebuild")["n_entries"] == 4
    overwrite(store / "index.sqlite", b"no database" * 100)
    outcome = memo("verify", "--rebuild", "--json")
    assert outcome.record["n_entries"] == 4
    assert found("ls")["n_entries"] == 3


def test_gc(memo: Callable, found: Callable) -> None:
    """The store is emptied down to a size, and tells what it freed."""
    assert found("gc")["freed_bytes"] == 0
    record = found("gc", "--max-size", "10kB")
    assert record["n_entries"] == 2
    assert record["freed_bytes"] > ARRAY.nbytes
    assert memo("gc", "--max-size", "0").out.endswith("0 entries left, 0 bytes\n")


def test_rm(memo: Callable, found: Callable) -> None:
    """Entries go by key, by function, or all of them."""
    assert memo("rm", "aa").out == "removed 1 entry\n"
    assert found("rm", "--function", "lab.grid", "--yes")["n_removed"] == 1
    assert found("rm", "--all", "--yes")["n_removed"] == 2
    assert found("ls")["entries"] == []
    assert memo("ls").out == "no entries\n"
    assert memo("stats").out == "0 entries, 0 bytes on disk\n"


@pytest.mark.parametrize(("answer", "n_left"), [("yes\n", 0), ("no\n", 3), ("\n", 3)])
def test_rm_asks(memo: Callable, found: Callable, monkeypatch: pytest.MonkeyPatch, answer: str, n_left: int) -> None:
    """Without --yes a question is asked, and only yes is yes."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    outcome = memo("rm", "--all")
    assert outcome.status == 0
    assert "Remove 4 entries?" in outcome.err
    assert found("ls")["n_entries"] == n_left


def test_rm_without_anyone_to_ask(memo: Callable, found: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can answer, nothing is removed."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    outcome = memo("rm", "--all")
    assert (outcome.status, outcome.out) == (2, "")
    assert "--yes" in outcome.err
    assert found("ls")["n_entries"] == 3


def test_export_and_import(run: Callable, found: Callable, store: Path, folder: Path) -> None:
    """What is exported comes back in another store exactly as it was, and is added only once."""
    assert found("export", "all.zip")["n_entries"] == 4
    outcome = run("memo", "import", "all.zip", "--store", "other", "--json")
    assert (outcome.record["n_imported"], outcome.record["n_present"]) == (4, 0)
    old, new = DiskStore(store), DiskStore("other")
    for key in (*KEYS, DESCRIPTION.key):
        assert new.get(key) == old.get(key)
    assert np.array_equal(value_of(new.get(KEYS[2])), ARRAY)
    again = run("memo", "import", "all.zip", "--store", "other", "--json").record
    assert (again["n_imported"], again["n_present"]) == (0, 4)
    assert run("memo", "export", "again.zip", "--store", "other").status == 0
    assert Path("again.zip").read_bytes() == Path("all.zip").read_bytes()


def test_import_changes_nothing_that_is_there(run: Callable, folder: Path, store: Path) -> None:
    """An entry of a file does not take the place of one that is there under its key."""
    write_archive(folder / "in.zip", records_of(made(KEYS[0], 99.0)))
    assert run("memo", "import", "in.zip", "--store", store).out == "0 entries imported, 1 were there\n"
    assert value_of(DiskStore(store).get(KEYS[0])) == 1.5


def test_export_holds_no_code(memo: Callable, store: Path) -> None:
    """A pickle stays where it is, and that is said."""
    DiskStore(store).put(made("ee" * 32, 1, pickled=True))
    outcome = memo("export", "all.zip", "--json")
    assert outcome.record["left_out"] == ["ee" * 32]
    assert "1 entry left out" in outcome.err
    assert not [name for name in zipfile.ZipFile("all.zip").namelist() if "ee" * 32 in name]


def test_export_that_cannot_be_written(memo: Callable, refused: Callable, store: Path) -> None:
    """A directory, a pipe, and a folder that is not there are refused."""
    for place in (".", "no such folder/a.zip", os.devnull, "a\0b"):
        assert "cannot be written" in refused("memo", "export", place, "--store", store)


def records_of(*entries: Entry) -> dict[str, bytes]:
    """The members of an archive of small entries."""
    return {MARKER: b"", **{f"entries/{e.key}.entry": encode(e, e.blobs, Seal(None)) for e in entries}}


def write_archive(path: Path, members: dict[str, bytes], **options: Any) -> None:
    """An archive with whatever members."""
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


class Bomb:
    """Leaves a mark when its pickle is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("exploded"),)


GOOD = records_of(made(KEYS[0], 1.5))
NAME = f"entries/{KEYS[0]}.entry"
BLOB = bytes(5000)
POISONED = {
    "pickle": (records_of(made(KEYS[0], Bomb(), pickled=True)), "may run code"),
    "unknown codec": (records_of(Entry(KEYS[0], (), metadata={"codec": "module"})), "'module'"),
    "up": ({**GOOD, "../../evil": b""}, "does not write"),
    "up by blob": ({**GOOD, f"blobs/../{'a' * 61}.blob": b""}, "does not write"),
    "absolute": ({**GOOD, "/etc/passwd": b""}, "does not write"),
    "foreign": ({"holiday.jpg": b"pixels"}, "does not write"),
    "no marker": ({NAME: GOOD[NAME]}, MARKER),
    "later version": ({"memograd-export-2": b"", NAME: GOOD[NAME]}, "does not write"),
    "changed": ({**GOOD, NAME: GOOD[NAME][:-1] + b"!"}, "changed since it was written"),
    "no record": ({**GOOD, NAME: pickle.dumps(Bomb())}, "it is no entry"),
    "another key": ({**GOOD, f"entries/{KEYS[1]}.entry": GOOD[NAME]}, "another key"),
    "unused blob": ({**GOOD, f"blobs/{digest(BLOB)}.blob": BLOB}, "no entry uses"),
    "good and bad": ({**GOOD, f"entries/{KEYS[1]}.entry": b"junk"}, "it is no entry"),
}


@pytest.mark.parametrize("name", POISONED)
def test_import_of_a_poisoned_file(refused: Callable, folder: Path, name: str) -> None:
    """A file with a member that no export writes is refused as a whole: nothing is stored, and nothing runs."""
    members, words = POISONED[name]
    write_archive(folder / "in.zip", members)
    line = refused("memo", "import", "in.zip", "--store", "new")
    assert line.startswith("memograd: in.zip: is not imported: ")
    assert words in line
    assert not Path("exploded").exists()


def with_blob(data: bytes, name: str) -> dict[str, bytes]:
    """The members of an archive of one entry with a large blob, that blob as given."""
    entry = Entry(KEYS[0], (BLOB,))
    record = encode(entry, (part(BLOB),), Seal(None))
    return {MARKER: b"", NAME: record, f"blobs/{name}.blob": data}


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (BLOB[:-1], digest(BLOB), "not as long"),
        (BLOB[:-1] + b"!", digest(BLOB), "has changed"),
        (BLOB, digest(b""), "is not there"),
    ],
)
def test_import_of_a_changed_blob(refused: Callable, folder: Path, data: bytes, name: str, words: str) -> None:
    """A blob that is cut, changed or missing is refused."""
    write_archive(folder / "in.zip", with_blob(data, name))
    assert words in refused("memo", "import", "in.zip", "--store", "new")


def test_import_of_links(refused: Callable, folder: Path) -> None:
    """A member that says it is a link is refused."""
    info = zipfile.ZipInfo(NAME)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(folder / "in.zip", "w") as archive:
        archive.writestr(MARKER, b"")
        archive.writestr(info, "/etc/passwd")
    assert "is a link" in refused("memo", "import", "in.zip", "--store", "new")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_import_of_duplicates(refused: Callable, folder: Path) -> None:
    """Two members of one name are refused."""
    with zipfile.ZipFile(folder / "in.zip", "w") as archive:
        for name, data in (*GOOD.items(), *GOOD.items()):
            archive.writestr(name, data)
    assert "twice" in refused("memo", "import", "in.zip", "--store", "new")


def test_import_of_compressed_members(refused: Callable, folder: Path) -> None:
    """What could grow when it is read is refused."""
    write_archive(folder / "in.zip", {**GOOD, NAME: bytes(1 << 20)}, compression=zipfile.ZIP_DEFLATED)
    assert "compressed" in refused("memo", "import", "in.zip", "--store", "new")


@pytest.mark.parametrize("claim", [1 << 20, MAX_RECORD_BYTES + 1, 0xFFFFFFF0])
def test_import_of_a_huge_claim(refused: Callable, folder: Path, claim: int) -> None:
    """A member that claims to be longer than the file is refused before anything is read."""
    path = folder / "in.zip"
    write_archive(path, GOOD)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")  # the directory's last row: both lengths lie 20 bytes on
    data[at + 20 : at + 28] = claim.to_bytes(4, "little") * 2
    path.write_bytes(data)
    assert "bytes" in refused("memo", "import", "in.zip", "--store", "new")


@pytest.mark.parametrize("cut", [0, 1, 50, -1, -30])
def test_import_of_a_cut_file(refused: Callable, folder: Path, cut: int) -> None:
    """A file that is not all there is refused."""
    path = folder / "in.zip"
    write_archive(path, GOOD)
    path.write_bytes(path.read_bytes()[:cut])
    assert "is not imported" in refused("memo", "import", "in.zip", "--store", "new")


def test_import_of_flipped_bits(run: Callable, folder: Path) -> None:
    """Whatever byte is changed: the file is refused, or says what it said before."""
    path = folder / "in.zip"
    write_archive(path, GOOD)
    data = path.read_bytes()
    for at in range(0, len(data), 7):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :])
        outcome = run("memo", "import", "in.zip", "--store", f"new{at}")
        assert outcome.status in (0, 2)
        if outcome.status == 0:
            assert value_of(DiskStore(f"new{at}").get(KEYS[0])) == 1.5


@pytest.mark.parametrize("place", ["no such file", ".", os.devnull, "a\0b"])
def test_import_of_no_file(refused: Callable, place: str) -> None:
    """What is no file is refused, and no store is made."""
    assert "is not imported" in refused("memo", "import", place, "--store", "new")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "ACTION"),
        (["fly"], "'fly'"),
        (["why"], "KEY"),
        (["why", "xyz"], "hexadecimal"),
        (["why", "../../etc"], "hexadecimal"),
        (["why", "0" * 65], "hexadecimal"),
        (["why", "ff"], "no key begins with ff"),
        (["why", "f" * 64], "no key begins"),
        (["why", "a"], "2 keys begin with a"),
        (["rm", "a"], "2 keys begin with a"),
        (["rm", "ff"], "no key begins"),
        (["rm", "--function", "lab.none", "--yes"], "'lab.none'"),
        (["rm"], "required"),
        (["rm", "aa", "--all"], "not allowed"),
        (["ls", "lab.none"], "'lab.none'"),
        (["ls", "--limit", "0"], "at least 1"),
        *(
            [["gc", "--max-size", text], f"{text!r} is no size"]
            for text in ("-3", "ten", "", "1XB", "1ib", "1e9", "inf")
        ),
        (["gc", "--max-size", "9" * 40], "is no size"),
        (["gc", "--max-size", "٣MB"], "is no size"),
    ],
)
def test_refused(refused: Callable, store: Path, arguments: list[str], words: str) -> None:
    """Keys, names and sizes that cannot be are one line."""
    options = ["--store", store] if len(arguments) > 1 else []
    assert words in refused("memo", *arguments, *options)


@pytest.mark.parametrize("action", ["ls", "stats", "verify", "gc", "export", "rm", "why"])
def test_no_store(refused: Callable, folder: Path, action: str) -> None:
    """A directory that is missing, empty, foreign, a file, or of a later version is one line, and is left as it is."""
    rest = {"export": ["out.zip"], "rm": ["--all", "--yes"], "why": ["aa"]}.get(action, [])
    for name, file in (("empty", None), ("foreign", "thesis.tex"), ("later", "memograd-store-2")):
        (folder / name).mkdir()
        if file:
            (folder / name / file).touch()
    Path("file").touch()
    words = {"missing": "does not exist", "empty": "no store", "foreign": "no store", "later": "version 2"}
    for name, said in {**words, "file": "no directory", "a\0b": "no path"}.items():
        assert said in refused("memo", action, *rest, "--store", name)


def test_import_into_a_foreign_directory(refused: Callable, folder: Path) -> None:
    """A directory that holds something else is not made a store."""
    write_archive(folder / "in.zip", GOOD)
    (folder / "foreign").mkdir()
    (folder / "foreign/thesis.tex").touch()
    assert "thesis.tex" in refused("memo", "import", "in.zip", "--store", "foreign")


def test_damaged_entries_are_told(memo: Callable, store: Path) -> None:
    """A listing tells of an entry that is damaged, and lists the others."""
    overwrite(next(store.glob(f"aa/{KEYS[0]}.entry")), b"torn")
    outcome = memo("ls", "--json")
    assert outcome.status == 0
    assert len(outcome.record["entries"]) == 2
    assert outcome.record["damage"][0]["file"] == f"aa/{KEYS[0]}.entry"
    assert "damaged: " in outcome.err


def test_default_store(run: Callable, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Without --store it is the directory where memoized functions keep results."""
    monkeypatch.setenv("HOME", str(folder / "home"))
    DiskStore(default_directory()).put(made(KEYS[0], 1.5))
    outcome = run("memo", "ls", "--json")
    assert outcome.record["store"] == str(default_directory())
    assert outcome.record["n_entries"] == 1


def test_sizes() -> None:
    """Units are decimal or binary, in capitals or not."""
    texts = ["12", "12B", "1kb", "1KiB", "1.5MB", "2GiB", "1TB", " 3 MiB "]
    assert [size(text) for text in texts] == [12, 12, 1000, 1024, 1_500_000, 2 << 30, 10**12, 3 << 20]


def test_json_is_one_line(memo: Callable) -> None:
    """For machines, every action prints one object that names the store."""
    for action in (["ls"], ["stats"], ["why", "cd"], ["verify"], ["gc"], ["export", "a.zip"], ["rm", "cd"]):
        (line,) = memo(*action, "--json").out.splitlines()
        assert json.loads(line)["store"].endswith("store")
