"""What is said when the operating system refuses something: what the store was doing, and what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from memograd.errors import StoreError

_ADVICE = {
    errno.ENOSPC: "free some space, or give the store a smaller max_bytes",
    errno.EDQUOT: "free some space, or give the store a smaller max_bytes",
    errno.EFBIG: "the system limits how large a file may be",
    errno.EROFS: "it can be read, and not written",
    errno.EACCES: "ask its owner for permission",
    errno.EPERM: "ask its owner for permission",
    errno.EMFILE: "this process has too many files open",
    errno.ENOENT: "was it deleted? open the store again",
}


@contextmanager
def told(root: str, doing: str) -> Iterator[None]:
    """Turn an error of the operating system into one that says what the store was doing, and what to do.

    Examples
    --------
    >>> with told("/memo", "store an entry"):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
    memograd.errors.StoreError: /memo: cannot store an entry (No space left on device); free some space, or give ...
    """
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise refusal(root, doing, error) from error


def refusal(root: str, doing: str, error: OSError) -> StoreError:
    """Return the error of a store for one of the operating system, which may be one of a store already."""
    if isinstance(error, StoreError):
        return error
    advice = _ADVICE.get(error.errno or 0, "see whether the disk is well")
    return StoreError(f"{root}: cannot {doing} ({error.strerror or error}); {advice}")
