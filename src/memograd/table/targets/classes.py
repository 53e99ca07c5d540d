"""Classes of any scalar type, each row of one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memograd.errors import BadSetting, DataError
from memograd.table.categories import CategoryEncoding
from memograd.table.column import Array, Column, Scalar, identity, sort_key
from memograd.table.description import entry
from memograd.table.targets.reading import read_target
from memograd.table.wording import listed, place, shown

_DTYPES = re.compile("str|object|bool|u?int(8|16|32|64)|float(16|32|64)")


@dataclass(frozen=True, slots=True, eq=False)
class ClassTarget:
    """Which class each row is of.

    Parameters
    ----------
    classes : tuple of (n_outputs,) str, int, float or bool
        At least two, in order, as np.unique has them.
    dtype : str
        Of the classes as they came: "str", "object", "bool", or the name of a dtype of numbers.

    Raises
    ------
    BadSetting
        When the classes are not in order, not all different, fewer than two, or not of the dtype.

    Examples
    --------
    >>> target = ClassTarget.fit(np.array(["no", "yes", "no"]))
    >>> target.classes, target.encode(["yes", "no"]), target.decode(np.array([0, 1]))
    (('no', 'yes'), array([1, 0]), array(['no', 'yes'], dtype='<U3'))
    """

    classes: tuple[Scalar, ...]
    dtype: str

    def __post_init__(self) -> None:
        CategoryEncoding(self.classes, "embedding" if len(self.classes) > 2 else "sign")  # in order, all different
        if len(self.classes) < 2:
            raise BadSetting("a target of one class; it must be two or more")
        if not isinstance(self.dtype, str) or not _DTYPES.fullmatch(self.dtype):
            raise BadSetting(f"classes of the dtype {shown(self.dtype)}; it must be str, object, bool, or of numbers")
        if not _holds(self.dtype, self.classes):
            raise BadSetting(f"classes {listed(self.classes)} of the dtype {self.dtype}, which cannot hold them")

    @classmethod
    def fit(cls, y: Any, name: str = "y") -> ClassTarget:
        """Find the classes.

        Parameters
        ----------
        y : (n_rows,) or (n_rows, 1) array, list, or series or frame of pandas or polars
            Text, whole numbers or truth values.
        name : str
            For messages.

        Raises
        ------
        DataError
            When a value is missing or no class, or all rows are of one class.
        """
        column = _read(y, name)
        assert column.categories is not None
        used = np.bincount(column.data, minlength=len(column.categories))
        classes = sorted((c for c, count in zip(column.categories, used, strict=True) if count), key=sort_key)
        if len(classes) < 2:
            found = f"only one class, {shown(classes[0])}" if classes else "no class, for there are no rows"
            raise DataError(f"{shown(name)} has {found}; two classes are needed to tell them apart")
        return cls(tuple(classes), _dtype_of(y, classes))

    @property
    def n_outputs(self) -> int:
        """The number of classes."""
        return len(self.classes)

    @property
    def labels(self) -> Array:
        """The classes : (n_outputs,) of the dtype that they had."""
        return _array(self.dtype, self.classes)

    def encode(self, y: Any, name: str = "y") -> NDArray[np.int64]:
        """Return the index of each row's class : (n_rows,) int64.

        Numbers and truth values that are equal are the same class, whatever their types.

        Raises
        ------
        DataError
            When a value is missing, or a class that is not known; the message names it.
        """
        column = _read(y, name)
        assert column.categories is not None
        exact = {identity(known): index for index, known in enumerate(self.classes)}
        equal: dict[Scalar, int] = {known: index for index, known in enumerate(self.classes)}
        table = [exact.get(identity(found), equal.get(found, -1)) for found in column.categories]
        indices = np.array(table, dtype=np.int64)[column.data]
        unknown = np.flatnonzero(indices < 0)
        if len(unknown):
            found = column.categories[column.data[unknown[0]]]
            raise DataError(
                f"{place(name, int(unknown[0]), len(column))}: the class {shown(found)} was not there in the training, "
                f"whose classes are {listed(self.classes)}"
            )
        return indices

    def decode(self, indices: Array) -> Array:
        """Return the classes with some indices : (n_rows,) of integers, in the dtype that they had."""
        return self.labels[indices]

    def describe(self) -> dict[str, Any]:
        """Return everything, as JSON."""
        return {"target": "classes", "classes": list(self.classes), "dtype": self.dtype}

    def arrays(self) -> dict[str, Array]:
        """Return nothing: there are no arrays."""
        return {}

    @classmethod
    def restore(cls, description: Any, arrays: Mapping[str, Array]) -> ClassTarget:
        """Return the target that a description was made from.

        Raises
        ------
        BadSetting
            When it is none, whatever it is.
        """
        return cls(tuple(entry(description, "classes", list)), entry(description, "dtype", str))


def _read(y: Any, name: str) -> Column:
    """The classes of the rows as a column without gaps."""
    column = read_target(y, name, is_category=True)
    missing = np.flatnonzero(column.missing)
    if len(missing):
        raise DataError(f"{place(name, int(missing[0]), len(column))}: the class is missing (NaN); leave the row out")
    broken = next((c for c in column.categories or () if isinstance(c, float)), None)
    if broken is not None:
        row_index = int(np.flatnonzero(column.data == (column.categories or ()).index(broken))[0])
        raise DataError(
            f"Unknown label type: continuous. {place(name, row_index, len(column))}: {broken!r} is no class; classes "
            "are text, whole numbers or truth values. Numbers to be predicted as such are a regression"
        )
    return column


def _dtype_of(y: Any, classes: Sequence[Scalar]) -> str:
    """The dtype of classes as they came: that of an array, else the one that fits them."""
    kinds = {type(value) for value in classes}
    if kinds == {str}:
        return "str" if isinstance(y, list | tuple) or (isinstance(y, np.ndarray) and y.dtype.kind == "U") else "object"
    dtype = np.asarray(y).dtype
    natural = "bool" if kinds == {bool} else "int64"
    usual = "object" if isinstance(y, np.ndarray) or len(kinds) > 1 else natural
    return next(name for name in (dtype.name, usual, "object") if _DTYPES.fullmatch(name) and _holds(name, classes))


def _holds(dtype: str, classes: Sequence[Scalar]) -> bool:
    """Whether classes keep their values in a dtype."""
    try:
        with np.errstate(over="ignore"):
            held = _array(dtype, classes).tolist()
        return list(map(identity, held)) == list(map(identity, classes))  # 1 is not True, but 1.0 is 1
    except (OverflowError, ValueError, TypeError):
        return False


def _array(dtype: str, classes: Sequence[Scalar]) -> Array:
    """The classes as an array."""
    if dtype == "object":
        array = np.empty(len(classes), dtype=object)
        array[:] = classes
        return array
    if dtype == "str" and not all(isinstance(value, str) for value in classes):
        raise TypeError("text only")
    return np.array(classes, dtype=dtype)
