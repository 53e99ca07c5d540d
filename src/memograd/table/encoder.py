"""A table becomes the matrix that a network takes, in the same way for every table after the one it was fitted to.

Inputs stand in five groups: numbers and dates, whether each that had gaps is missing, signs, an input for each
category, and last the codes that the network embeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memograd.errors import BadSetting, DataError
from memograd.table.categories import CategoryEncoding
from memograd.table.column import Array, Column, Kind
from memograd.table.columns import Table
from memograd.table.description import ColumnEncoding, described, entry, restored
from memograd.table.matching import as_kind, categories_of_truths, matched
from memograd.table.numeric import NumberScaling
from memograd.table.settings import EncoderSettings
from memograd.table.wording import place, shown

__all__ = ["Encoder", "EncoderSettings"]

_BLOCK_BYTES = 2**19
"""Numbers are scaled so many bytes at a time, which stay in the second cache: 50 columns of 100,000 rows take 31 ms so,
48 ms in blocks an eighth as large, and 60 ms all at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """Makes the matrix of a table.

    Parameters
    ----------
    columns : tuple of ColumnEncoding
        Of the columns that it needs, in order.
    scaling : NumberScaling
        Of those that are numbers or dates.
    has_names : bool
        Whether the names are the user's, so that columns are found by name.

    Raises
    ------
    BadSetting
        When the parts do not fit each other.

    Examples
    --------
    >>> from memograd.table.columns import as_table
    >>> table = as_table({"size": [1.0, 3.0, None, 2.0], "colour": ["red", "blue", "red", None]})
    >>> encoder = Encoder.fit(table, EncoderSettings())
    >>> encoder.inputs
    ('size', 'size is missing', 'colour')
    >>> encoder.transform(table).round(2)
    array([[-0.95,  0.  ,  1.  ],
           [ 0.95,  0.  , -1.  ],
           [ 0.  ,  1.  ,  1.  ],
           [ 0.  ,  0.  ,  0.  ]], dtype=float32)
    >>> Encoder.restore(encoder.describe(), encoder.arrays()).names
    ('size', 'colour')
    """

    columns: tuple[ColumnEncoding, ...]
    scaling: NumberScaling
    has_names: bool

    def __post_init__(self) -> None:
        if not self.columns:
            raise BadSetting("an encoder of no columns")
        if len(set(self.names)) < len(self.columns):
            raise BadSetting("an encoder with two columns of the same name")
        if len(self.scaling.center) != len(self._numbers):
            raise BadSetting(f"a scaling of {len(self.scaling.center)} columns for {len(self._numbers)} of numbers")

    @classmethod
    def fit(cls, table: Table, settings: EncoderSettings | None = None) -> Encoder:
        """Choose the encoding of each column by its values; the order of the rows is nothing.

        A column that is constant or has no value becomes an input of zeros. A number or date with gaps gets another
        input that says where they are; one that had none may have some later, which are filled in all the same.

        Raises
        ------
        DataError
            When the table has no rows.
        """
        if not table.n_rows:
            raise DataError("a table of 0 rows, nothing to learn from; pass at least 1")
        settings = settings or EncoderSettings()
        columns = tuple(_encoding(column, settings) for column in table.columns)
        pairs = zip(columns, table.columns, strict=True)
        numbers = [column.data for encoding, column in pairs if encoding.categories is None]
        return cls(columns, NumberScaling.fit(numbers, settings), table.has_names)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that it needs, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of the columns that it needs; one that had no value is a category."""
        return tuple(column.kind for column in self.columns)

    @property
    def n_inputs(self) -> int:
        """The number of columns of the matrix."""
        n_categorical = sum(column.categories.n_inputs for column in self.columns if column.categories is not None)
        return len(self._numbers) + len(self._gaps) + n_categorical

    @property
    def embedded(self) -> tuple[int, ...]:
        """For each of the last columns of the matrix, which hold codes, how many codes there are.

        Code 0 is what is missing or was not seen, so it is one more than there are categories.
        """
        return tuple(
            len(column.categories.categories) + 1
            for column in self.columns
            if column.categories is not None and column.categories.style == "embedding"
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        """What each column of the matrix is, for people."""
        names = [self.columns[index].name for index in self._numbers]
        names += [f"{self.columns[index].name} is missing" for index in self._gaps]
        for index in self._categorical:
            names += self.columns[index].inputs
        return tuple(names)

    def transform(self, table: Table) -> NDArray[np.float32]:
        """Return the matrix of a table.

        Parameters
        ----------
        table : Table
            Its columns may stand in any order, if it and the encoder have names.

        Returns
        -------
        matrix : (n_rows, n_inputs) float32
            A row depends on that row of the table alone, to the last bit.

        Raises
        ------
        DataError
            When a column is missing, unknown, of another kind, or holds a number that float32 cannot; the message
            names it.
        """
        found = matched(table, self.names, self.has_names)
        columns = [_converted(column, encoding) for column, encoding in zip(found, self.columns, strict=True)]
        matrix = np.zeros((table.n_rows, self.n_inputs), dtype=np.float32)
        self._write_numbers([columns[index] for index in self._numbers], matrix)
        start = len(self._numbers)
        for index in self._gaps:
            matrix[:, start] = columns[index].missing
            start += 1
        for index in self._categorical:
            encoding = self.columns[index].categories
            assert encoding is not None
            encoding.write(columns[index], matrix[:, start : start + encoding.n_inputs])
            start += encoding.n_inputs
        return matrix

    def describe(self) -> dict[str, Any]:
        """Return all but the numbers, as JSON."""
        bound = self.scaling.bound
        return {
            "columns": list(map(described, self.columns)),
            "has_names": self.has_names,
            "bound": float(bound) if np.isfinite(bound) else 0.0,
        }

    def arrays(self) -> dict[str, Array]:
        """Return the numbers: `center`, `scale` and `fill`, each (n_numbers,) float64."""
        return {"center": self.scaling.center, "scale": self.scaling.scale, "fill": self.scaling.fill}

    @classmethod
    def restore(cls, description: Any, arrays: Mapping[str, Array]) -> Encoder:
        """Return the encoder that a description and arrays were made from.

        Raises
        ------
        BadSetting
            When they are not such, whatever they are.
        """
        columns = tuple(map(restored, entry(description, "columns", list)))
        absent = [name for name in ("center", "scale", "fill") if name not in arrays]
        if absent:
            raise BadSetting(f"the numbers {', '.join(absent)} of an encoder are not there")
        bound = entry(description, "bound", float) or np.inf
        scaling = NumberScaling(arrays["center"], arrays["scale"], arrays["fill"], bound)
        return cls(columns, scaling, entry(description, "has_names", bool))

    @property
    def _numbers(self) -> list[int]:
        """The indices of the columns that are scaled."""
        return [index for index, column in enumerate(self.columns) if column.categories is None]

    @property
    def _gaps(self) -> list[int]:
        """The indices of the columns that have an input for gaps."""
        return [index for index, column in enumerate(self.columns) if column.has_gaps]

    @property
    def _categorical(self) -> list[int]:
        """The indices of the other columns, by groups."""
        order = ("nothing", "sign", "one_hot", "embedding")
        found = [(index, column.categories) for index, column in enumerate(self.columns)]
        styles = [(order.index(encoding.style), index) for index, encoding in found if encoding is not None]
        return [index for _, index in sorted(styles)]

    def _write_numbers(self, columns: list[Column], matrix: NDArray[np.float32]) -> None:
        """Write the scaled columns into the first columns of a matrix, block by block of rows."""
        n_columns = len(columns)
        n_rows = max(16, _BLOCK_BYTES // 8 // max(n_columns, 1))
        buffer = np.empty((n_columns, n_rows))
        for start in range(0, len(matrix) if n_columns else 0, n_rows):
            rows = slice(start, min(start + n_rows, len(matrix)))
            block = buffer[:, : rows.stop - rows.start]
            for index, column in enumerate(columns):
                block[index] = column.data[rows]
            with np.errstate(over="ignore"):
                matrix[rows, :n_columns] = self.scaling.apply(block).T
            if not np.isfinite(matrix[rows, :n_columns]).all():
                raise _too_large(columns, matrix[rows, :n_columns], start)


def _encoding(column: Column, settings: EncoderSettings) -> ColumnEncoding:
    """How a column is to be encoded."""
    missing = column.missing
    if missing.all():
        return ColumnEncoding(column.name, "category", False, CategoryEncoding((), "nothing"))
    if column.kind in ("number", "date"):
        return ColumnEncoding(column.name, column.kind, bool(missing.any()))
    categories = categories_of_truths(column, column.name) if column.kind == "boolean" else column
    encoding = CategoryEncoding.fit(categories, settings.one_hot_up_to)
    return ColumnEncoding(column.name, column.kind, False, encoding)


def _converted(column: Column, encoding: ColumnEncoding) -> Column:
    """A column as its encoding takes it."""
    if encoding.categories is None:
        return as_kind(column, encoding.name, encoding.kind)
    if not encoding.categories.categories:
        return column  # it carries nothing
    found = as_kind(column, encoding.name, encoding.kind, encoding.categories.categories)
    return categories_of_truths(found, encoding.name) if found.kind == "boolean" else found


def _too_large(columns: list[Column], block: NDArray[np.float32], start: int) -> DataError:
    """The error about the first number that is infinite in float32."""
    row, index = map(int, np.argwhere(~np.isfinite(block))[0])
    column = columns[index]
    return DataError(
        f"{place(column.name, start + row, len(column))}: {shown(float(column.data[start + row]))} is too large for a "
        "32-bit float, or too far from the numbers of the training; correct it, or rescale the column"
    )
