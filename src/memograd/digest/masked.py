"""Rows for NumPy's masked arrays: what lies under a mask does not count, the fill value does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from memograd.digest.attributes import attached
from memograd.digest.node import Row, record_row

_STEPS = (".data", ".mask", ".fill_value", ".hardmask", ".__dict__")


def masked_rows(ma: ModuleType) -> Mapping[type, Row]:
    """The rows of `numpy.ma`, which takes 10 ms to import and is handed over when somebody has."""
    return {
        ma.MaskedArray: record_row("numpy.ma.MaskedArray", _masked, _STEPS),
        type(ma.masked): record_row("numpy.ma.masked", lambda masked: ()),
    }


def _masked(array: np.ma.MaskedArray[Any, Any]) -> Sequence[Any]:
    nothing: Any = np.zeros((), array.dtype)
    shown = array.filled(nothing)
    return [shown, np.ma.getmaskarray(array), array.fill_value, array.hardmask, attached(array)]
