"""Canonical, type-tagged, length-prefixed bytes of a value, and their digest; owns the format version."""

from memograd.digest.content import freeze
from memograd.digest.digester import Digester, digest, digest_bytes, encode
from memograd.digest.encoding import FORMAT
from memograd.digest.instances import KEY_METHOD
from memograd.digest.node import Code

__all__ = ["FORMAT", "KEY_METHOD", "Code", "Digester", "digest", "digest_bytes", "encode", "freeze"]
