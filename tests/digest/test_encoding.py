"""The encoding can be read back: no two values have the same bytes, if no bytes are replaced by their hash."""

from __future__ import annotations

import ast
import struct
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from memograd.digest import encode, encoding

from .oracle import canonical, plain_trees


@pytest.fixture(scope="module", autouse=True)
def nothing_is_hashed() -> Iterator[None]:
    """Let every token be the whole frame."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "LONG_BYTES", 2**40)
        yield


def frames(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The tags and payloads in a run of frames."""
    place = 0
    while place < len(data):
        start = place + encoding.HEAD_BYTES
        end = start + int.from_bytes(data[place + 1 : start], "little")
        assert end <= len(data)
        yield data[place : place + 1], data[start:end]
        place = end


def read(data: bytes) -> Hashable:
    """The canonical form of the only value in some bytes."""
    [value] = read_all(data)
    return value


def read_all(data: bytes) -> list[Any]:
    """The canonical forms of the values in a column, or in a run of tokens."""
    result: list[Any] = []
    for tag, payload in frames(data):
        result += COLUMNS[tag](payload) if tag in COLUMNS else [READERS[tag](payload)]
    return result


def read_texts(payload: bytes) -> list[Any]:
    """The canonical forms of the texts in a column."""
    (_, lengths), start = next(frames(payload)), encoding.HEAD_BYTES
    text = payload[start + len(lengths) :].decode("utf-8", "surrogatepass")
    ends = [sum(lengths[: index + 1]) for index in range(len(lengths))]
    assert ends[-1] == len(text)
    return [canonical(text[end - length : end]) for length, end in zip(lengths, ends, strict=True)]


def read_dict(payload: bytes) -> Hashable:
    """The canonical form of a dict: columns of keys and values, or keys and values by turns."""
    items = read_all(payload)
    half = len(items) // 2 if payload[:1] in COLUMNS else None
    keys, values = (items[:half], items[half:]) if half else (items[::2], items[1::2])
    pairs = zip(keys, values, strict=True)
    return ("dict", frozenset(Counter(pairs).items()))


def unordered(kind: str) -> Callable[[bytes], Hashable]:
    """The reader of a set."""
    return lambda payload: (kind, frozenset(Counter(read_all(payload)).items()))


COLUMNS: dict[bytes, Callable[[bytes], list[Any]]] = {
    encoding.INTEGERS: lambda payload: [canonical(number) for (number,) in struct.iter_unpack("<q", payload)],
    encoding.FLOATS: lambda payload: [canonical(number) for (number,) in struct.iter_unpack("<d", payload)],
    encoding.BOOLEANS: lambda payload: [canonical(bool(byte)) for byte in payload],
    encoding.TEXTS: read_texts,
}

READERS: dict[bytes, Callable[[bytes], Hashable]] = {
    encoding.CONSTANT: lambda payload: canonical({b"None": None, b"True": True, b"False": False}[payload]),
    encoding.INTEGER: lambda payload: canonical(int.from_bytes(payload, "little", signed=True)),
    encoding.FLOAT: lambda payload: canonical(*struct.unpack("<d", payload)),
    encoding.COMPLEX: lambda payload: canonical(complex(*struct.unpack("<dd", payload))),
    encoding.TEXT: lambda payload: canonical(payload.decode("utf-8", "surrogatepass")),
    encoding.BYTES: canonical,
    encoding.BYTEARRAY: lambda payload: canonical(bytearray(payload)),
    encoding.LIST: lambda payload: ("list", tuple(read_all(payload))),
    encoding.TUPLE: lambda payload: ("tuple", tuple(read_all(payload))),
    encoding.DICT: read_dict,
    encoding.SET: unordered("set"),
    encoding.FROZENSET: unordered("frozenset"),
}


@settings(max_examples=200, deadline=None)
@given(plain_trees)
def test_what_was_encoded_can_be_read(value: Any) -> None:
    """A reader that knows only frames and tags gets back the value, types and bits included."""
    assert read(encode(value)) == canonical(value)


@settings(max_examples=100, deadline=None)
@given(st.lists(plain_trees, max_size=6), st.binary(max_size=5))
def test_no_token_is_the_beginning_of_another(drawn: list[Any], rest: bytes) -> None:
    """A run of tokens can be cut in one way only, whatever comes after it."""
    tokens = [encode(value) for value in drawn]
    assert [tag + len(payload).to_bytes(8, "little") + payload for tag, payload in frames(b"".join(tokens))] == tokens
    assert not any(first != second and second.startswith(first) for first in tokens for second in tokens)


def test_tags_are_distinct() -> None:
    """No two kinds of frames have one tag, and each is one byte."""
    tags = [value for value in vars(encoding).values() if type(value) is bytes and len(value) == 1]
    assert len(tags) == len(set(tags)) == 21


@pytest.mark.parametrize("size", [0, 1, 118, 119, 120, 1000])
@pytest.mark.parametrize("n_chunks", [1, 2, 3])
def test_chunks_are_one_payload(size: int, n_chunks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """How a payload is cut, and how many threads hash it, does not matter."""
    monkeypatch.setattr(encoding, "LONG_BYTES", 128)
    payload = bytes(range(256)) * 4
    payload = payload[:size]
    cuts = [payload[size * i // n_chunks : size * (i + 1) // n_chunks] for i in range(n_chunks)]
    expected = encoding.token(encoding.RAW, payload)
    assert encoding.token_of_chunks(encoding.RAW, size, cuts) == expected
    assert encoding.token_of_chunks(encoding.RAW, size, cuts, n_threads=2) == expected
    frame = encoding.framed(encoding.RAW, payload)
    assert expected == (frame if len(frame) <= 128 else encoding.framed(encoding.HASH, blake3(frame).digest()))
    assert encoding.is_hash(expected) == (len(frame) > 128)


MAKERS = ("record", "record_row", "attributes_row", "record_head", "_maker_of_nodes", "_reduced")


def test_forms_are_distinct() -> None:
    """No two kinds of records begin with one name."""
    sources = [path.read_text("utf-8") for path in Path(encoding.__file__).parent.glob("*.py")]
    calls = [node for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    forms = [
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in MAKERS and isinstance(call.args[0], ast.Constant)
    ]
    assert len(forms) > 40
    assert [form for form, count in Counter(forms).items() if count > 1] == []
