"""Where in the user's cache directory each kind of thing lies that can be computed again."""

from __future__ import annotations

import sys
from pathlib import Path

_FOLDERS = {"darwin": "Library/Caches", "win32": "AppData/Local"}


def user_cache(kind: str) -> Path:
    """The directory of a kind: results of calls ("memo"), states of trainings ("train"), machine code ("code").

    Raises
    ------
    RuntimeError
        When the user has no home.

    Examples
    --------
    >>> user_cache("memo").parts[-2:]
    ('memograd', 'memo')
    """
    return Path.home() / _FOLDERS.get(sys.platform, ".cache") / "memograd" / kind
