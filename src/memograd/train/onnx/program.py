"""What an ONNX file says, as plain records: inputs, constants, instructions, outputs. Knows neither models nor onnx."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from memograd.graph.node import Array, DType

ML_DOMAIN = "ai.onnx.ml"
"""Of the operators that come beside the standard ones."""

TEXT: DType = np.dtype(np.str_)
"""The dtype of text, of any length."""

ROWS = -1
"""The length of an axis along which the rows of the data run; −2 is twice their number, and so on."""

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or an output.

    Attributes
    ----------
    name : str
    dtype : dtype
        Of numbers or truth values, or `TEXT`.
    shape : tuple of int
        With `ROWS` for the number of rows.
    note : str
        For people.
    """

    name: str
    dtype: DType
    shape: Shape
    note: str = ""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operator on some values; it makes one value.

    Attributes
    ----------
    operator : str
    inputs : tuple of str
        Names of values.
    output : str
    domain : str
        "" for the standard operators.
    attributes : mapping
        Integers, dtypes, or lists of integers or text.
    """

    operator: str
    inputs: tuple[str, ...]
    output: str
    domain: str
    attributes: Mapping[str, Any]


class Program:
    """Grows by instructions. Values have names, of which none is made twice.

    Parameters
    ----------
    inputs : iterable of Port
        With different names.

    Attributes
    ----------
    inputs, outputs : list of Port
    instructions : list of Instruction
        Each after those whose values it takes.
    constants : dict of str to array

    Examples
    --------
    >>> program = Program([Port("x", np.dtype(np.float32), (ROWS, 2))])
    >>> program.emit("Add", "x", program.constant(np.ones(2, np.float32)))
    'v1'
    """

    def __init__(self, inputs: Iterable[Port]) -> None:
        self.inputs = list(inputs)
        self.outputs: list[Port] = []
        self.instructions: list[Instruction] = []
        self.constants: dict[str, Array] = {}
        self._taken = {port.name for port in self.inputs}
        self._names = (name for name in map("v{}".format, count()) if name not in self._taken)
        self._found: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def constant(self, value: Array) -> str:
        """The name of a constant; equal numbers are one."""
        if value.dtype == object:
            return self._new_constant(value)
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self._found:
            self._found[key] = self._new_constant(value)
        return self._found[key]

    def integers(self, *values: int) -> str:
        """The name of a constant of integers : (n,) int64, as lengths and axes are given."""
        return self.constant(np.array(values, np.int64))

    def number(self, value: float, dtype: DType) -> str:
        """The name of a constant of no axes."""
        return self.constant(np.asarray(value, dtype))

    def emit(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The name of the value that an operator makes."""
        name = next(self._names)
        self.instructions.append(Instruction(operator, inputs, name, domain, attributes))
        return name

    def give(self, value: str, name: str, dtype: DType, shape: Shape, note: str = "") -> None:
        """Make a value an output; its name gets underscores behind it until no other value has it."""
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        self.instructions.append(Instruction("Identity", (value,), name, "", {}))
        self.outputs.append(Port(name, dtype, shape, note))

    def _new_constant(self, value: Array) -> str:
        name = next(self._names)
        self.constants[name] = value
        return name
