"""Sparse matrices and arrays of SciPy: what is not stored is zero, not missing. They become dense."""

from __future__ import annotations

from typing import Any

import numpy as np

from memograd.errors import DataError
from memograd.table.readers.arrays import read_numbers
from memograd.table.readers.container import Container


def read_sparse(X: Any) -> Container:
    """Take a sparse matrix apart.

    Parameters
    ----------
    X : (n_rows, n_columns) sparse matrix or array of any format, of numbers or truth values

    Raises
    ------
    DataError
        When it is of complex numbers or objects, or has one dimension.
    """
    if X.ndim != 2:
        raise DataError(
            f"a table must have shape (n_rows, n_columns), and this sparse array has shape {X.shape}. Reshape your data"
        )
    if X.dtype.kind not in "biuf":
        raise DataError(f"Complex data not supported: a sparse matrix must hold real numbers, and this is {X.dtype}")
    columns = X.astype(np.float64).tocsc().toarray(order="F").T
    return read_numbers(X, columns)
