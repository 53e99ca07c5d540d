"""Reads an emitted module as a careful person would, and says what is wrong with it.

It knows the module's text alone, and shares no code with what wrote it: names and their order, what `out=` destroys,
and what the comments claim.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Where these lie, a result may be written: element i is read before it is overwritten, and not again.
ELEMENTWISE = frozenset(
    {name for name, f in vars(np).items() if isinstance(f, np.ufunc) and f.signature is None}
    | {"where", "cast", "erf", "expit"}
)
VIEWS = frozenset({"transpose", "reshape", "broadcast_to"})


@dataclass(frozen=True, slots=True)
class Place:
    """Bytes of the arena or of an argument, and whether they are read in another order than they lie in."""

    owner: str
    start: int
    end: int
    moved: bool = False

    def overlaps(self, other: Place) -> bool:
        """Whether some byte is in both."""
        return self.owner == other.owner and self.start < other.end and other.start < self.end

    def is_exactly(self, other: Place) -> bool:
        """Whether the bytes are the same, in the same order."""
        return (self.owner, self.start, self.end) == (other.owner, other.start, other.end) and not self.moved


@dataclass(slots=True)
class Reader:
    """A pass over a module; `complaints` are one line each."""

    source: str
    complaints: list[str] = field(default_factory=list)
    assigned: dict[str, int] = field(default_factory=dict)
    results: dict[str, int] = field(default_factory=dict)
    setup: list[tuple[Any, ...]] = field(default_factory=list)
    buffers: dict[str, Place] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    lies: dict[str, Place | None] = field(default_factory=dict)
    killed: dict[str, str] = field(default_factory=dict)
    reads: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        tree = ast.parse(self.source)
        (bind,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
        for node in bind.body:
            if isinstance(node, ast.Assign):
                calls = [call for call in ast.walk(node.value) if isinstance(call, ast.Call)]
                self.setup = [tuple(map(ast.literal_eval, call.args[1:])) for call in calls]
            elif isinstance(node, ast.FunctionDef):
                self._run(node)
        self._check_comments()

    def _unpack(self, node: ast.Assign, whole: str) -> None:
        """Buffers, constants or inputs get their names."""
        for i, name in enumerate(names_of(node.targets[0])):
            self._assign(name, node)
            self.lies[name] = Place(name, 0, 1) if whole == "inputs" else None
            if whole == "buffers":
                offset, shape, dtype = self.setup[i]
                size = int(np.prod(shape, dtype=int)) * np.dtype(dtype).itemsize
                self.buffers[name] = Place("arena", offset, offset + size)
                self.shapes[name] = shape

    def _run(self, run: ast.FunctionDef) -> None:
        right_sides: Counter[str] = Counter()
        for node in run.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
                self._unpack(node, node.value.id)
            elif isinstance(node, ast.Assign):
                self._statement(node)
                # Copies of one result for several places of the output are meant; and where numbers or rows are
                # spread over a larger `out=`, the same text is another value.
                out = out_of(node.value)
                shape = self.shapes.get(ast.unparse(out)) if out is not None else None
                right_sides[f"{without_out(node.value)}, {shape}"] += "copy=True" not in ast.unparse(node.value)
            elif isinstance(node, ast.Return):
                self._read(node.value, node.lineno)
        self.complaints += [f"written twice: {text}" for text, count in right_sides.items() if count > 1]

    def _assign(self, name: str, node: ast.stmt) -> None:
        if name in self.assigned:
            self.complaints.append(f"line {node.lineno}: {name} is assigned again")
        self.assigned[name] = node.lineno

    def _statement(self, node: ast.Assign) -> None:
        (name,) = names_of(node.targets[0])
        call = node.value
        out = out_of(call)
        operands = self._read(call, node.lineno)
        target = self._place_of(out) if out is not None else None
        if target is not None:
            self._overwrite(target, operands, called(call), node.lineno)
        elif isinstance(call, ast.Subscript) or called(call) in VIEWS:
            base = self.lies.get(operands[0])
            moved = moves(call) or (base is not None and base.moved)
            target = Place(base.owner, base.start, base.end, moved) if base is not None else None
        self._assign(name, node)
        self.results[name] = node.lineno
        self.lies[name] = target

    def _place_of(self, out: ast.expr) -> Place | None:
        """A buffer, or an argument's memory, be it in another shape."""
        (name, *_) = [node.id for node in ast.walk(out) if isinstance(node, ast.Name) and node.id != "kernels"]
        return self.buffers.get(name) or self.lies[name]

    def _overwrite(self, target: Place, operands: list[str], function: str, line: int) -> None:
        for name, place in self.lies.items():
            if place is None or not place.overlaps(target) or name in self.killed:
                continue
            if name in operands and not (function in ELEMENTWISE and place.is_exactly(target)):
                self.complaints.append(f"line {line}: {function} overwrites {name} while it is read")
            self.killed[name] = f"line {line}"

    def _read(self, value: ast.expr | None, line: int) -> list[str]:
        found = [node.id for node in ast.walk(value) if isinstance(node, ast.Name)] if value is not None else []
        out = out_of(value)
        skipped = Counter(node.id for node in ast.walk(out) if isinstance(node, ast.Name)) if out is not None else {}
        read = list((Counter(found) - Counter(skipped)).elements())
        operands = [name for name in read if name not in ("np", "scipy", "kernels")]
        for name in operands:
            if name not in self.assigned:
                self.complaints.append(f"line {line}: {name} is read before it is assigned")
            if name in self.killed:
                self.complaints.append(f"line {line}: {name} is read, and was overwritten in {self.killed[name]}")
        self.reads.update(operands)
        return operands

    def _check_comments(self) -> None:
        lines = self.source.splitlines()
        for name, number in self.results.items():
            text = lines[number - 1]
            claimed = re.search(r"used (\d+) times$", text)
            times = int(claimed.group(1)) if claimed else 1
            if times != self.reads[name]:
                self.complaints.append(f"line {number}: {name} is used {self.reads[name]} times, not {times}")
            adjoint = re.search(r"#.* ∂L/∂([^,\s]+)", text)
            if adjoint and adjoint.group(1) not in self.assigned:
                self.complaints.append(f"line {number}: there is no {adjoint.group(1)}")


def names_of(target: ast.expr) -> list[str]:
    """The names that a target assigns."""
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]


def out_of(value: ast.expr | None) -> ast.expr | None:
    """What a call writes to."""
    keywords = value.keywords if isinstance(value, ast.Call) else []
    return next((keyword.value for keyword in keywords if keyword.arg == "out"), None)


def moves(call: ast.expr) -> bool:
    """Whether a view puts elements elsewhere than they lie: not a reshape, nor all axes in the order they have."""
    if isinstance(call, ast.Subscript):
        cuts = call.slice.elts if isinstance(call.slice, ast.Tuple) else [call.slice]
        return not all(isinstance(cut, ast.Slice) and cut.lower is cut.upper is cut.step is None for cut in cuts)
    if called(call) == "transpose" and isinstance(call, ast.Call) and len(call.args) == 2:
        axes = ast.literal_eval(call.args[1])
        return list(axes) != sorted(axes)
    return called(call) != "reshape"


def called(value: ast.expr) -> str:
    """The last name of what is called: `add` of `np.add`, `reduce` of `np.add.reduce`."""
    return value.func.attr if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) else ""


def without_out(value: ast.expr) -> str:
    """A right-hand side as text, wherever its result is put."""
    if isinstance(value, ast.Call):
        kept = [keyword for keyword in value.keywords if keyword.arg != "out"]
        return ast.unparse(ast.Call(value.func, value.args, kept))
    return ast.unparse(value)


def complaints(source: str) -> list[str]:
    """What is wrong with a module."""
    return Reader(source).complaints
