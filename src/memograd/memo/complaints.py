"""What a memoized function tells its user when it cannot remember: once for each kind of trouble."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import final

_HERE = str(Path(__file__).parents[1]) + os.sep


class MemoWarning(UserWarning):
    """A call could not be remembered; its result is right all the same."""


@final
class Complaints:
    """Warns once for each kind of trouble, however many calls it befalls."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, kind: str, message: str) -> None:
        """Warn, if nothing of this kind was told before."""
        if kind not in self._told:
            self._told.add(kind)
            warnings.warn(f"{message} (this is said once)", MemoWarning, stacklevel=_depth_of_caller())


def _depth_of_caller() -> int:
    """How far up the first frame is that does not belong to memograd, as `warnings.warn` counts for `tell`."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame, depth = frame.f_back, depth + 1
    return depth
