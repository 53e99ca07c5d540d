"""What the arrays of Arrow hold: where values are missing, and the values with a filler there.

How they are cut in chunks, and what memory holds under a missing value, does not count. Nested types, extension
types and dictionaries are refused.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from memograd.errors import CannotDigest


def arrow_content(chunks: Any) -> Sequence[Any]:
    """Where values are missing, and all values.

    Parameters
    ----------
    chunks : pyarrow.ChunkedArray
        Its type is to be told besides.

    Raises
    ------
    CannotDigest
        When the type is nested, an extension, or a dictionary.
    """
    types = sys.modules["pyarrow"].types
    values = chunks.combine_chunks()
    kind = values.type
    if types.is_primitive(kind) and not types.is_interval(kind):
        content = np.asarray(_as_integers(values, kind, types))
    elif any(test(kind) for test in (types.is_string, types.is_large_string, types.is_binary, types.is_decimal)):
        content = values.to_pylist()
    else:
        raise CannotDigest(f"the Arrow type {kind} is not told by its values; convert the column to a dtype of NumPy")
    return [np.asarray(values.is_null()), content]


def _as_integers(values: Any, kind: Any, types: Any) -> Any:
    # As integers, the bits of a float stay what they are.
    if types.is_boolean(kind):
        return values.fill_null(False)
    return values.view(f"int{kind.bit_width}").fill_null(0)
