"""The functions to call: form, format version and key."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from blake3 import blake3

from memograd.digest import FORMAT, Code, Digester, digest, digest_bytes, encode
from memograd.errors import BadSetting, CannotDigest

from .confusable import GROUPS, code, double


def test_digest_is_64_hexadecimal_digits() -> None:
    """Both forms of a digest are 32 bytes, and the same ones."""
    assert len(digest_bytes([1])) == 32
    assert digest([1]) == digest_bytes([1]).hex()
    assert len(digest([1])) == 64


def test_the_format_is_part_of_every_digest() -> None:
    """A digest is the BLAKE3 hash of the format's name and the encoding."""
    for value in (1, "x" * 1000, [1, {"a": None}]):
        assert digest_bytes(value) == blake3(FORMAT + encode(value)).digest()


@pytest.mark.parametrize("group", GROUPS[:8], ids=lambda group: group.__name__)
def test_encodings_are_short(group: Any) -> None:
    """Whatever is encoded takes at most 128 bytes, and they differ where the digests do."""
    encodings = [encode(value, code=code) for value in group()]
    assert max(map(len, encodings)) <= 128
    assert len(set(encodings)) == len(encodings)


def test_keyed_digests() -> None:
    """With another key, or none, every digest is another; a key gives the same ones again."""
    keys = [None, b"a" * 32, b"b" * 32, bytes(32)]
    for value in (1, "x" * 1000, {"a": [1.5]}):
        digests = {digest(value, key=key) for key in keys}
        assert len(digests) == 4
        assert digests == {Digester(key=key).digest(value) for key in keys}


@pytest.mark.parametrize("key", [b"", b"a", b"a" * 31, b"a" * 33])
def test_a_key_has_32_bytes(key: bytes) -> None:
    """Any other is refused."""
    with pytest.raises(BadSetting, match="must have 32 bytes"):
        digest(1, key=key)


def test_a_digester_is_its_settings() -> None:
    """What it gives is what the functions give with these settings, and it names the value as it is told."""
    digester = Digester(code=code, key=b"k" * 32)
    assert digester == Digester(code, b"k" * 32)
    assert digester.digest([double]) == digest([double], code=code, key=b"k" * 32)
    assert digester.digest_bytes([double]).hex() == digester.digest([double])
    assert digester.encode([double]) == encode([double], code=code)
    with pytest.raises(CannotDigest, match=r"^args\[0\]: "):
        digester.digest([object()], path="args")


def test_the_hook_has_a_type() -> None:
    """A hook is any callable from a value to a value."""
    hook: Code = code
    assert digest(double, code=hook) == digest(double, code=code)


LAZY = """
import sys
from memograd.digest import digest
digest([1, {"a": (2.0, "b")}])
print([name for name in ("pandas", "polars", "pyarrow", "torch", "jax") if name in sys.modules])
"""


def test_nothing_is_imported_for_values_that_are_not_there() -> None:
    """Who uses no frames does not pay for them."""
    result = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
