"""The types of LLVM that the engine uses, and how their constants are written."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np


class Type(NamedTuple):
    """A type of LLVM.

    Attributes
    ----------
    kind : {"i", "f", "ptr", "void"}
    bits : int
        Of one lane.
    lanes : int
        0 for a scalar.
    """

    kind: str
    bits: int = 0
    lanes: int = 0

    def __str__(self) -> str:
        return f"<{self.lanes} x {self.scalar}>" if self.lanes else _NAMES.get(self[:2]) or f"i{self.bits}"

    @property
    def scalar(self) -> Type:
        """The type of one lane."""
        return self._replace(lanes=0)

    def of(self, lanes: int) -> Type:
        """The vector of so many lanes; the scalar for 0."""
        return self._replace(lanes=lanes)

    @property
    def suffix(self) -> str:
        """How intrinsics name it: ``v16f32``."""
        return (f"v{self.lanes}" if self.lanes else "") + (f"{self.kind}{self.bits}" if self.kind != "ptr" else "p0")


_NAMES = {("f", 32): "float", ("f", 64): "double", ("ptr", 64): "ptr", ("void", 0): "void"}

I1, I8, I16, I32, I64 = (Type("i", bits) for bits in (1, 8, 16, 32, 64))
F32, F64 = Type("f", 32), Type("f", 64)
PTR, VOID = Type("ptr", 64), Type("void")
I128 = Type("i", 128)


def literal(number: Any, kind: Type) -> str:
    """A constant as text."""
    if kind.kind == "ptr":
        return "null"
    if kind.kind == "f":
        exact = float(np.float32(number)) if kind.bits == 32 else float(number)
        text = "0x" + struct.pack(">d", exact).hex().upper()
    elif kind.bits == 1:
        text = "true" if number else "false"
    else:
        wrapped = int(number) & ((1 << kind.bits) - 1)
        text = str(wrapped - (1 << kind.bits) if wrapped >> (kind.bits - 1) else wrapped)
    if not kind.lanes:
        return text
    return "zeroinitializer" if text in ("0", "false", "0x0000000000000000") else f"splat ({kind.scalar} {text})"
