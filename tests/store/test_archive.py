"""Archives of entries: what was written comes back, and what an attacker made is refused."""

from __future__ import annotations

import io
import pickle
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from memograd.store.archive import VERSION, Archive, write_archive
from memograd.store.blobs import digest, part
from memograd.store.protocol import Entry
from memograd.store.record import MAX_RECORD_BYTES, encode
from memograd.store.seal import Seal

KEYS = ("aa" * 32, "bb" * 32)
BLOB = bytes(5000)
SMALL = Entry(KEYS[0], (b"value",), group="f", metadata={"codec": "raw"}, cost_seconds=0.5, created_seconds=1.0)
LARGE = Entry(KEYS[1], (BLOB, b"", BLOB), group="g", created_seconds=2.0)


class Bomb:
    """Leaves a mark when its pickle is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("exploded"),)


def archived(*entries: Entry) -> bytes:
    """An archive of entries as it is written."""
    file = io.BytesIO()
    assert write_archive(file, entries) == len(entries)
    return file.getvalue()


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], **options: Any) -> bytes:
    """An archive with whatever members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def read(data: bytes) -> list[Entry]:
    """All entries of an archive."""
    return list(Archive(io.BytesIO(data)).entries())


def test_what_was_written_comes_back() -> None:
    """Entries, small blobs and large ones, in the order in which they were given; equal blobs take room once."""
    data = archived(SMALL, LARGE)
    assert read(data) == [SMALL, LARGE]
    assert Archive(io.BytesIO(data)).n_entries == 2
    assert len(data) < 2 * len(BLOB)
    assert read(archived()) == []


def test_an_archive_beyond_the_old_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the longer fields of large archives comes back as well; the limit is lowered to see it."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    assert read(archived(LARGE, SMALL)) == [LARGE, SMALL]


def test_the_same_entries_make_the_same_file() -> None:
    """Nothing in the file tells when or where it was made."""
    assert archived(SMALL, LARGE) == archived(SMALL, LARGE)


def test_other_programs_read_it() -> None:
    """It is a zip archive, its members named for what they are."""
    with zipfile.ZipFile(io.BytesIO(archived(SMALL, LARGE))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            VERSION, f"entries/{KEYS[0]}.entry", f"entries/{KEYS[1]}.entry", f"blobs/{digest(BLOB)}.blob",
        ]  # fmt: skip


NAME = f"entries/{KEYS[0]}.entry"
RECORD = encode(SMALL, SMALL.blobs, Seal(None))
GOOD = ((VERSION, b""), (NAME, RECORD))
KEYED = encode(SMALL, SMALL.blobs, Seal(b"k" * 32))
POISONED = {
    "up": ([*GOOD, ("../../evil", b"")], "does not write"),
    "up by blob": ([*GOOD, (f"blobs/../{'a' * 61}.blob", b"")], "does not write"),
    "absolute": ([*GOOD, ("/etc/passwd", b"")], "does not write"),
    "backslashes": ([*GOOD, (f"entries\\{KEYS[1]}.entry", b"")], "does not write"),
    "a line end": ([*GOOD, (f"{NAME}\n", b"")], "does not write"),
    "capitals": ([*GOOD, (NAME.upper(), b"")], "does not write"),
    "a folder": ([*GOOD, ("entries/", b"")], "does not write"),
    "foreign": ([("holiday.jpg", b"pixels")], "does not write"),
    "nothing": ([], VERSION),
    "no marker": ([(NAME, RECORD)], VERSION),
    "later version": ([("memograd-export-2", b""), (NAME, RECORD)], "does not write"),
    "changed": ([GOOD[0], (NAME, RECORD[:-1] + b"!")], "changed since it was written"),
    "of a keyed store": ([GOOD[0], (NAME, KEYED)], "changed since it was written"),
    "no record": ([GOOD[0], (NAME, pickle.dumps(Bomb()))], "it is no entry"),
    "empty record": ([GOOD[0], (NAME, b"")], "it is no entry"),
    "another key": ([*GOOD, (f"entries/{KEYS[1]}.entry", RECORD)], "another key"),
    "unused blob": ([*GOOD, (f"blobs/{digest(BLOB)}.blob", BLOB)], "no entry uses"),
    "good and bad": ([*GOOD, (f"entries/{KEYS[1]}.entry", b"junk")], "it is no entry"),
}


@pytest.mark.parametrize("name", POISONED)
def test_what_is_not_written_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that no archive has makes reading fail, and nothing runs."""
    monkeypatch.chdir(tmp_path)
    members, words = POISONED[name]
    with pytest.raises(ValueError, match=words):
        read(zipped(*members))
    assert not list(tmp_path.iterdir())


LARGE_RECORD = encode(LARGE, tuple(map(part, LARGE.blobs)), Seal(None))


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (BLOB[:-1], digest(BLOB), "not as long"),
        (BLOB + b"!", digest(BLOB), "not as long"),
        (BLOB[:-1] + b"!", digest(BLOB), "has changed"),
        (BLOB, digest(b""), "is not there"),
    ],
)
def test_a_changed_blob_is_refused(data: bytes, name: str, words: str) -> None:
    """A blob that is cut, longer, changed or missing is refused."""
    members = [GOOD[0], (f"entries/{KEYS[1]}.entry", LARGE_RECORD), (f"blobs/{name}.blob", data)]
    with pytest.raises(ValueError, match=words):
        read(zipped(*members))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFBLK])
def test_links_are_refused(kind: int) -> None:
    """A member that says it is a link, or anything but a file, is refused."""
    info = zipfile.ZipInfo(NAME)
    info.external_attr = (kind | 0o777) << 16
    with pytest.raises(ValueError, match="is a link"):
        read(zipped(GOOD[0], (info, b"/etc/passwd")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicates_are_refused() -> None:
    """Of two members of one name, nobody can say which is meant."""
    with pytest.raises(ValueError, match="twice"):
        read(zipped(*GOOD, GOOD[1]))


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_members_are_refused(compression: int) -> None:
    """What could grow when it is read is refused."""
    with pytest.raises(ValueError, match="compressed"):
        read(zipped(GOOD[0], (NAME, bytes(1 << 20)), compression=compression))


@pytest.mark.parametrize("claim", [1 << 20, MAX_RECORD_BYTES + 1, 0xFFFFFFF0])
def test_a_huge_claim_is_refused(claim: int) -> None:
    """A member that claims to be longer than the file is refused before anything is read."""
    data = bytearray(zipped(*GOOD))
    at = data.rindex(b"PK\x01\x02")  # the directory's last row: both lengths lie 20 bytes on
    data[at + 20 : at + 28] = claim.to_bytes(4, "little") * 2
    with pytest.raises(ValueError, match="bytes"):
        Archive(io.BytesIO(data))


def test_members_that_lie_on_each_other_are_refused() -> None:
    """A thousand rows of the directory that all name the same bytes do not make a thousand values."""
    names = [f"blobs/{number:064x}.blob" for number in range(1000)]
    data = zipped(*GOOD, ("blobs/" + "0" * 64 + ".blob", bytes(10_000)), *((name, b"") for name in names[1:]))
    directory = data.index(b"PK\x01\x02")
    first = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02", directory + 4) + 4)
    row, rest = 46 + len(names[0]), bytearray(data)
    for number in range(1, 1000):
        at = first + number * row
        # The checksum, the lengths and the place of the first.
        rest[at + 16 : at + 28], rest[at + 42 : at + 46] = rest[first + 16 : first + 28], rest[first + 42 : first + 46]
    with pytest.raises(ValueError, match="members claim"):
        Archive(io.BytesIO(rest))


def test_a_name_with_a_nul_is_refused() -> None:
    """A name that zipfile cuts short is taken as it stands in the file."""
    data = zipped(*GOOD).replace(NAME.encode(), NAME.encode()[:-6] + b"\0entry")
    with pytest.raises(ValueError, match="does not write"):
        Archive(io.BytesIO(data))


def test_comments_and_unknown_fields_are_refused() -> None:
    """They could hide the rows of other members."""
    for attribute in ("comment", "extra"):
        info = zipfile.ZipInfo(NAME)
        setattr(info, attribute, b"\xfe\xca\x00\x00")
        with pytest.raises(ValueError, match="a comment"):
            Archive(io.BytesIO(zipped(GOOD[0], (info, RECORD))))


@pytest.mark.parametrize("cut", [0, 1, 50, -1, -30])
def test_a_cut_file_is_refused(cut: int) -> None:
    """A file that is not all there is refused."""
    with pytest.raises(ValueError):
        read(zipped(*GOOD)[:cut])


def test_whatever_byte_is_changed() -> None:
    """The file is refused, or says what it said before."""
    data = archived(SMALL, LARGE)
    n_refused = 0
    for at in range(len(data)):
        if data[at : at + 100] == bytes(100):  # one zero of the blob is as good as the other
            continue
        for flip in (0x01, 0x80):
            try:
                found = read(data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :])
            except ValueError:
                n_refused += 1
            else:
                assert found == [SMALL, LARGE], at
    assert n_refused > 2000
