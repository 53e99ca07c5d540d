"""Embeddings: columns of category codes become rows of a table that is trained with the rest."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar, final

import numpy as np

from memograd.errors import BadSetting
from memograd.nn.arrays import Array, DType, Parameters, check_columns
from memograd.nn.layer import Noise
from memograd.nn.settings import COUNT, settle

DEFAULT_WIDTH = 8
"""The width of RealMLP-TD for every column that it embeds (Holzmüller et al. 2024, "Better by default")."""


@final
@dataclass(frozen=True, slots=True)
class Embedding:
    """Replaces each of the last columns, which hold codes, by `width` numbers of its own for each code.

    Codes are whole numbers from 0 to the column's cardinality − 1, held as floats. Code 0 is for what is missing or was
    never seen; its row starts at 0, all others standard normal. What is no code of the column, be it negative, too
    large, not whole or NaN, counts as code 0. One table holds all columns' rows, one column's after the other's, so
    that many columns cost one gather and one step of the optimiser.

    Parameters
    ----------
    n_in : int
        Columns taken, those with codes included.
    cardinalities : tuple of int
        How many codes each of the last columns has, 0 included.
    width : int

    Raises
    ------
    BadSetting
        Unless all are positive integers, and cardinalities at most as many as columns.

    Examples
    --------
    >>> layer = Embedding(2, (3,), width=2)
    >>> table = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
    >>> layer({"embedding": table}, np.array([[0.5, 2.0], [0.5, 7.0]]))
    array([[0.5, 3. , 4. ],
           [0.5, 0. , 0. ]])
    """

    n_streams: ClassVar[int] = 0

    n_in: int
    cardinalities: tuple[int, ...]
    width: int = DEFAULT_WIDTH

    def __post_init__(self) -> None:
        settle(self, n_in=COUNT, width=COUNT)
        object.__setattr__(self, "cardinalities", checked_cardinalities("Embedding", self.cardinalities, self.n_in))

    @property
    def n_plain(self) -> int:
        """Columns that stay as they are."""
        return self.n_in - len(self.cardinalities)

    @property
    def n_out(self) -> int:
        """Columns given."""
        return self.n_plain + self.width * len(self.cardinalities)

    @property
    def starts(self) -> list[int]:
        """The row of the table at which each column's begin, and the number of all."""
        return [0, *accumulate(self.cardinalities)]

    def init(self, generator: np.random.Generator, dtype: DType) -> Parameters:
        """See `Layer.init`."""
        *starts, n_rows = self.starts
        table = generator.standard_normal((n_rows, self.width))
        table[starts] = 0.0
        return {"embedding": table.astype(dtype)}

    def __call__(self, parameters: Parameters, x: Array, noise: Noise | None = None) -> Array:
        """See `Layer`."""
        check_columns(self, x, self.n_in)
        n_samples, n_plain = x.shape[0], self.n_plain
        rows = np.take(parameters["embedding"], self._places(x[:, n_plain:]), axis=0)
        flat = np.reshape(rows, (n_samples, self.width * len(self.cardinalities)))
        return np.concatenate([x[:, :n_plain], flat], axis=1) if n_plain else flat

    def _places(self, codes: Array) -> Array:
        """The row of the table for each code: (n_samples, n_columns) int64, inside the table whatever the codes are."""
        dtype = codes.dtype
        sizes = np.array(self.cardinalities, dtype)
        # A NaN is neither at least 0 nor below the size.
        is_code = (codes >= 0) & (codes < sizes) & (np.floor(codes) == codes)
        return np.where(is_code, codes, 0.0).astype(np.int64) + np.array(self.starts[:-1], np.int64)


def checked_cardinalities(owner: str, cardinalities: Any, n_columns: int) -> tuple[int, ...]:
    """The cardinalities as a tuple of Python integers.

    Raises
    ------
    BadSetting
        Unless they are positive integers, and at most as many as there are columns.
    """
    try:
        found = tuple(cardinalities)
    except TypeError:
        raise BadSetting(f"{owner}: cardinalities must be a sequence of integers, not {cardinalities!r}") from None
    bad = [f"that of embedded column {i} is {x!r}" for i, x in enumerate(found) if not COUNT.accepts(x)]
    if bad:
        raise BadSetting(f"{owner}: cardinalities must be positive integers, and {' and '.join(bad)}")
    if len(found) > n_columns:
        raise BadSetting(f"{owner}: {len(found)} columns are to be embedded, and there are {n_columns}")
    return tuple(map(COUNT.convert, found))
