"""What stands before the network in the file: the columns of a table come in, the matrix of the encoder comes out.

The encoder is written once more here, in NumPy code that can be traced: its own works in place, and on tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Literal, get_args

import numpy as np

from memograd.errors import ModelFileError
from memograd.graph.node import Array, DType
from memograd.table.categories import CategoryEncoding, Style
from memograd.table.description import ColumnEncoding
from memograd.table.encoder import Encoder
from memograd.table.numeric import NumberScaling
from memograd.table.wording import shown
from memograd.train.onnx.lowering import Value
from memograd.train.onnx.program import ML_DOMAIN, ROWS, TEXT, Port, Program

Entry = Literal["float", "integer", "text"]

X = "X"
"""The input of all columns, where they have no names."""

TABLE = -1
"""Its index among the columns."""

_FLOAT64, _INT64 = np.dtype(np.float64), np.dtype(np.int64)
_LARGEST = float(np.finfo(np.float64).max)
# As in the encoder: the smooth clip is flat beyond this many units.
_FAR = 1e9
_INEXACT = 2.0**53

_NOTES: Mapping[str, str] = {
    "number": "a number, or NaN if it is missing",
    "date": "seconds since 1970 began in UTC, or NaN if it is missing",
    "boolean": "1 or 0, or NaN if it is missing",
    "float": "a category, or NaN if it is missing",
    "integer": "a category; any number that is none is a missing one",
    "text": "a category; any text that is none is a missing one",
}


def ports(encoder: Encoder, dtype: DType) -> list[Port]:
    """The inputs of the file: one for each column, or X if they have no names and are all numbers.

    Raises
    ------
    ModelFileError
        When a column can have no input; the message names it.
    """
    entries = [_entry(column) for column in encoder.columns]
    if not encoder.has_names and "text" not in entries:
        return [Port(X, dtype, (ROWS, len(entries)), "the columns in their order; NaN where a value is missing")]
    return [_port(column, entry, dtype) for column, entry in zip(encoder.columns, entries, strict=True)]


def enter(program: Program, encoder: Encoder) -> dict[int, Value]:
    """Append what makes codes of categories that are text or integers.

    Returns
    -------
    values : dict of int to Value
        Float64 with NaN for what is missing, or int64 codes counted from 1, of each column by its index; at `TABLE`
        the table (n_rows, n_columns) of those columns that have no value of their own.
    """
    if len(program.inputs[0].shape) == 1:
        pairs = zip(encoder.columns, program.inputs, strict=True)
        return {index: _value(program, column, _as_value(port)) for index, (column, port) in enumerate(pairs)}
    table = _as_float64(program, _as_value(program.inputs[0]))
    found = {TABLE: table}
    for index, column in enumerate(encoder.columns):
        if _entry(column) == "integer":
            name = program.emit("Gather", table.name, program.number(index, _INT64), axis=1)
            found[index] = _value(program, column, Value(name, table.dtype, (ROWS,)))
    return found


def encoded(encoder: Encoder, columns: Mapping[int, Array]) -> Array:
    """The matrix of the encoder, in code that can be traced.

    Parameters
    ----------
    encoder : Encoder
    columns : mapping of int to array
        As `enter` says.

    Returns
    -------
    matrix : (n_rows, n_inputs) float32
    """
    numbers = [index for index, column in enumerate(encoder.columns) if column.categories is None]
    gaps = [index for index in numbers if encoder.columns[index].has_gaps]
    groups = []
    if numbers:
        groups.append(_scaled(_selected(encoder, columns, numbers), encoder.scaling).astype(np.float32))
    if gaps:
        groups.append(np.isnan(_selected(encoder, columns, gaps)).astype(np.float32))
    for index, encoding in _by_style(encoder):
        groups.append(_inputs(encoding, columns[index] if index in columns else columns[TABLE][:, index]))
    return np.concatenate(groups, axis=1)


def _entry(column: ColumnEncoding) -> Entry:
    """As what the values of a column come in."""
    if column.categories is None or not column.categories.categories:
        return "float"
    kinds = {type(category) for category in column.categories.categories}
    if kinds == {str}:
        return "text"
    if kinds == {bool} or (kinds <= {int, float} and float in kinds):
        return "float"
    if kinds != {int}:
        raise ModelFileError(
            f"column {shown(column.name)} holds categories of more than one type, and an input of ONNX is of one; make "
            "all of them text, and train again"
        )
    if not all(-(2**63) <= int(category) < 2**63 for category in column.categories.categories):
        raise ModelFileError(f"column {shown(column.name)} holds a category that is no 64-bit integer; make it text")
    return "integer"


def _port(column: ColumnEncoding, entry: Entry, dtype: DType) -> Port:
    if not column.name or not column.name.isprintable():
        raise ModelFileError(f"a column is called {shown(column.name)}, which is no name for an input; rename it")
    own = {"text": TEXT, "integer": _INT64, "float": _FLOAT64 if column.kind == "date" else dtype}
    note = _NOTES[column.kind] if column.kind != "category" else _NOTES[entry]
    return Port(column.name, own[entry], (ROWS,), note)


def _as_value(port: Port) -> Value:
    return Value(port.name, port.dtype, port.shape)


def _as_float64(program: Program, value: Value) -> Value:
    name = value.name if value.dtype == _FLOAT64 else program.emit("Cast", value.name, to=_FLOAT64)
    return Value(name, _FLOAT64, value.shape)


def _value(program: Program, column: ColumnEncoding, value: Value) -> Value:
    """A column as float64, or as codes."""
    encoding, entry = column.categories, _entry(column)
    if entry == "float" or encoding is None:
        return _as_float64(program, value)
    name = _whole(program, value, encoding) if value.dtype.kind == "f" else value.name
    keys = {"keys_strings" if entry == "text" else "keys_int64s": list(encoding.categories)}
    codes = list(range(1, len(encoding.categories) + 1))
    name = program.emit("LabelEncoder", name, domain=ML_DOMAIN, **keys, values_int64s=codes, default_int64=0)
    return Value(name, _INT64, value.shape)


def _whole(program: Program, value: Value, encoding: CategoryEncoding) -> str:
    """Floats as integers; those that are not whole as one that is no category."""
    whole = program.emit("Equal", program.emit("Floor", value.name), value.name)
    size = program.emit("Abs", value.name)
    exact = program.emit("Less", size, program.number(_INEXACT, value.dtype))
    known = set(encoding.categories)
    unseen = program.number(next(number for number in count() if number not in known), value.dtype)
    safe = program.emit("Where", program.emit("And", whole, exact), value.name, unseen)
    return program.emit("Cast", safe, to=_INT64)


def _selected(encoder: Encoder, columns: Mapping[int, Array], indices: Sequence[int]) -> Array:
    """Some columns of numbers : (n_rows, n) float64."""
    if TABLE not in columns:
        return np.stack([columns[index] for index in indices], axis=1)
    if len(indices) == len(encoder.columns):
        return columns[TABLE]
    found: Array = np.take(columns[TABLE], np.array(indices), axis=1)
    return found


def _scaled(table: Array, scaling: NumberScaling) -> Array:
    """As `NumberScaling.apply`, of (n_rows, n_columns)."""
    z = np.clip(table - scaling.center, -_LARGEST, _LARGEST) * scaling.scale
    if math.isfinite(scaling.bound):
        far = _FAR * scaling.bound
        z = np.clip(z, -far, far)
        z = z / np.sqrt(np.square(z / scaling.bound) + 1.0)
    filled: Array = np.where(np.isnan(table), scaling.fill, z)
    return filled


def _by_style(encoder: Encoder) -> Iterator[tuple[int, CategoryEncoding]]:
    """The columns of categories in the order of their inputs."""
    found = [(index, column.categories) for index, column in enumerate(encoder.columns)]
    for style in get_args(Style):
        yield from ((index, encoding) for index, encoding in found if encoding is not None and encoding.style == style)


def _inputs(encoding: CategoryEncoding, column: Array) -> Array:
    """The inputs of a column of categories : (n_rows, n_inputs) float32."""
    if encoding.style == "nothing":
        return np.zeros((column.shape[0], 1), np.float32)
    codes = np.expand_dims(_codes(encoding, column), 1)
    n_categories = len(encoding.categories)
    if encoding.style == "one_hot":
        codes = codes == np.arange(1, n_categories + 1)
    if encoding.style == "sign":
        codes = np.where(codes == n_categories, 1, np.where(codes == 0, 0, -1))
    inputs: Array = codes.astype(np.float32)
    return inputs


def _codes(encoding: CategoryEncoding, column: Array) -> Array:
    """The codes of a column : (n_rows,) int64; those of floats are looked up by comparing."""
    if column.dtype == _INT64:
        return column
    values = np.array(encoding.categories, np.float64)
    is_it = np.expand_dims(column, 1) == values
    codes: Array = np.sum(np.where(is_it, np.arange(1, len(values) + 1), 0), axis=1)
    return codes
