"""Canonical, type-tagged, length-prefixed bytes of a value, and their digest; owns the format version."""

from typing import TYPE_CHECKING

from memograd.lazy import lazily

if TYPE_CHECKING:
    from memograd.digest.content import freeze
    from memograd.digest.digester import Digester, digest, digest_bytes, encode
    from memograd.digest.encoding import FORMAT
    from memograd.digest.instances import KEY_METHOD
    from memograd.digest.node import Code

__all__ = ["FORMAT", "KEY_METHOD", "Code", "Digester", "digest", "digest_bytes", "encode", "freeze"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "FORMAT": "memograd.digest.encoding:FORMAT",
        "KEY_METHOD": "memograd.digest.instances:KEY_METHOD",
        "Code": "memograd.digest.node:Code",
        "Digester": "memograd.digest.digester:Digester",
        "digest": "memograd.digest.digester:digest",
        "digest_bytes": "memograd.digest.digester:digest_bytes",
        "encode": "memograd.digest.digester:encode",
        "freeze": "memograd.digest.content:freeze",
    },
)
