"""What a record is sealed with: a checksum, or with a secret key an authentication code that nobody else can make.

BLAKE3 (O'Connor, Aumasson, Neves & Wilcox-O'Hearn 2020) has a mode for each: its key derivation with a context of our
own, so that no other use of BLAKE3 gives the same, and its keyed hash.
"""

from __future__ import annotations

import hmac
from typing import final

from blake3 import blake3

from memograd.errors import BadSetting

SEAL_BYTES = 32
MIN_KEY_BYTES = 16

_PLAIN = "memograd store 1: checksum of a record"
_KEYED = "memograd store 1: key that authenticates records"
_NAMED = "memograd store 1: name of a key"


@final
class Seal:
    """Seals and checks bytes.

    Attributes
    ----------
    keyed : bool
    name : str
        Ten hexadecimal digits from which the key cannot be found; empty without a key.

    Raises
    ------
    BadSetting
        When the key is no bytes, or has less than 16.

    Examples
    --------
    >>> seal = Seal(b"sixteen bytes...")
    >>> seal.fits(seal.of(b"data"), b"data"), Seal(None).fits(seal.of(b"data"), b"data")
    (True, False)
    >>> Seal(b"secret")
    Traceback (most recent call last):
    memograd.errors.BadSetting: the key has 6 bytes; give at least 16, such as secrets.token_bytes(32)
    """

    __slots__ = ("_empty", "keyed", "name")

    def __init__(self, key: bytes | None) -> None:
        if key is not None and not isinstance(key, bytes):
            raise BadSetting(f"a key is bytes, not {type(key).__name__}")
        if key is not None and len(key) < MIN_KEY_BYTES:
            raise BadSetting(
                f"the key has {len(key)} bytes; give at least {MIN_KEY_BYTES}, such as secrets.token_bytes(32)"
            )
        self.keyed = key is not None
        self.name = "" if key is None else blake3(key, derive_key_context=_NAMED).hexdigest(length=5)
        # Setting up costs more than sealing a small record; a copy of what is set up does not.
        self._empty = (
            blake3(derive_key_context=_PLAIN)
            if key is None
            else blake3(key=blake3(key, derive_key_context=_KEYED).digest())
        )

    def of(self, data: bytes | memoryview) -> bytes:
        """Return the seal of some bytes."""
        return self._empty.copy().update(data).digest()

    def fits(self, seal: bytes, data: bytes | memoryview) -> bool:
        """Whether a seal is that of some bytes."""
        return hmac.compare_digest(seal, self._empty.copy().update(data).digest())
