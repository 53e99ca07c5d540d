"""Where in the user's cache results lie by default. Kept apart from the store itself, which takes longer to import."""

from __future__ import annotations

import sys
from pathlib import Path

_CACHE = {"darwin": "Library/Caches", "win32": "AppData/Local"}


def default_directory() -> Path:
    """Where results lie by default.

    Raises
    ------
    RuntimeError
        When the user has no home.
    """
    return Path.home() / _CACHE.get(sys.platform, ".cache") / "memograd" / "memo"
