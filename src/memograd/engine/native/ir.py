"""A small builder of LLVM's textual IR, in which a kernel reads like the loops it emits.

A `Value` stands for a number that the machine code will hold; Python's operators emit instructions. Python ints stay
Python ints for as long as they meet no Value, so sizes that are known cost nothing, and one generator serves both.

The text is written here and not by `llvmlite.ir`, which has no words for atomic stores, vectors of pointers or splatted
constants, and would have to be loaded. LLVM's own parser checks every line.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from memograd.engine.native.ir_types import I1, I32, I64, PTR, VOID, Type, literal


class Value:
    """A number, or a vector of them, in machine code."""

    __slots__ = ("at", "text", "type")

    def __init__(self, at: Builder, kind: Type, text: str) -> None:
        self.at, self.type, self.text = at, kind, text

    def __str__(self) -> str:
        return f"{self.type} {self.text}"

    def __add__(self, other: Any) -> Value:
        return self.at.binary("fadd" if self.type.kind == "f" else "add", self, other)

    def __radd__(self, other: Any) -> Value:
        return self.__add__(other)

    def __sub__(self, other: Any) -> Value:
        return self.at.binary("fsub" if self.type.kind == "f" else "sub", self, other)

    def __rsub__(self, other: Any) -> Value:
        return self.at.constant(other, self.type) - self

    def __mul__(self, other: Any) -> Value:
        return self.at.binary("fmul" if self.type.kind == "f" else "mul", self, other)

    def __rmul__(self, other: Any) -> Value:
        return self.__mul__(other)

    def __truediv__(self, other: Any) -> Value:
        return self.at.binary("fdiv", self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return self.at.constant(other, self.type) / self

    def __floordiv__(self, other: Any) -> Value:
        return self.at.binary("udiv", self, other)

    def __mod__(self, other: Any) -> Value:
        return self.at.binary("urem", self, other)

    def __and__(self, other: Any) -> Value:
        return self.at.binary("and", self, other)

    def __or__(self, other: Any) -> Value:
        return self.at.binary("or", self, other)

    def __xor__(self, other: Any) -> Value:
        return self.at.binary("xor", self, other)

    def __lshift__(self, other: Any) -> Value:
        return self.at.binary("shl", self, other)

    def __rshift__(self, other: Any) -> Value:
        """Shifts zeros in."""
        return self.at.binary("lshr", self, other)

    def __neg__(self) -> Value:
        if self.type.kind == "f":
            return self.at.emit(self.type, f"fneg {self}")
        return self.at.constant(0, self.type) - self

    def __lt__(self, other: Any) -> Value:
        return self.at.compare("<", self, other)

    def __le__(self, other: Any) -> Value:
        return self.at.compare("<=", self, other)

    def __gt__(self, other: Any) -> Value:
        return self.at.compare(">", self, other)

    def __ge__(self, other: Any) -> Value:
        return self.at.compare(">=", self, other)

    def equals(self, other: Any) -> Value:
        """Lane by lane; `==` is left to Python."""
        return self.at.compare("==", self, other)


# Of floats: ordered, so that a NaN compares false, but for !=.
_FLOAT_TESTS = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une", "is_nan": "uno"}
_SIGNED_TESTS = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}
_UNSIGNED_TESTS = {"<": "ult", "<=": "ule", ">": "ugt", ">=": "uge", "==": "eq", "!=": "ne"}


# Index arithmetic is full of these.
_NEUTRAL = {0: ("add", "sub", "or", "xor", "shl", "lshr"), 1: ("mul", "udiv")}


class Module:
    """Functions and tables, as one text."""

    def __init__(self) -> None:
        self._functions: list[str] = []
        self._declared: dict[str, str] = {}
        self._names: dict[Hashable, str] = {}
        self._tables: dict[bytes, str] = {}

    def __str__(self) -> str:
        return "\n".join([*self._declared.values(), *self._functions]) + "\n"

    @property
    def n_functions(self) -> int:
        """How many functions are defined."""
        return len(self._functions)

    def declare(self, name: str, result: Type, parameters: Sequence[Type]) -> None:
        """A function that is defined elsewhere: an intrinsic of LLVM, or one of the C library."""
        if name not in self._declared:
            self._declared[name] = f"declare {result} @{name}({', '.join(map(str, parameters))})"

    def table(self, data: bytes, alignment: int = 64) -> str:
        """The name of a constant that holds these bytes."""
        name = self._tables.get(data)
        if name is None:
            name = self._tables[data] = f"table.{len(self._tables)}"
            text = "".join(f"\\{byte:02X}" for byte in data)
            self._declared[name] = f'@{name} = internal constant [{len(data)} x i8] c"{text}", align {alignment}'
        return name

    def define(
        self,
        name: str,
        result: Type,
        parameters: Sequence[Type],
        body: Callable[..., Value | None],
        *,
        exported: bool = False,
        inlined: bool = False,
    ) -> str:
        """Define a function: `body` takes the builder and the parameters, and returns the result."""
        at = Builder(self)
        values = [Value(at, kind, f"%a{i}") for i, kind in enumerate(parameters)]
        # No two of a kernel's pointers are told apart by LLVM, so loads stay where they are written.
        head = f"define {'' if exported else 'internal '}{result} @{name}({', '.join(map(str, values))})"
        returned = body(at, *values)
        at.line(f"ret {returned}" if returned is not None else "ret void")
        attributes = "nounwind alwaysinline" if inlined else "nounwind noinline" if not exported else "nounwind"
        entry = ["entry:", *at.allocas]
        self._functions.append("\n".join([f"{head} {attributes} {{", *entry, *at.lines, "}"]))
        return name

    def shared(self, key: Hashable, result: Type, parameters: Sequence[Type], body: Callable[..., Value | None]) -> str:
        """The function of a key, defined on first use; the key's first item names it."""
        if key not in self._names:
            first = key[0] if isinstance(key, tuple) else key
            name = f"{first}.{len(self._names)}"
            self._names[key] = name
            self.define(name, result, parameters, body)
        return self._names[key]


class Builder:
    """Emits the instructions of one function, in order."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.allocas: list[str] = []
        self.lines: list[str] = []
        # What is around the innermost loop: the text before it is still open, for what does not change in it.
        self._outer: list[list[str]] = []
        self._count = 0
        self._block = "entry"

    @property
    def depth(self) -> int:
        """How many loops the next instruction lies in."""
        return len(self._outer)

    @contextmanager
    def hoisted(self, depth: int) -> Iterator[None]:
        """Emit straight-line code before the loops below a depth: it runs once for all their rounds."""
        if depth >= self.depth:
            yield
            return
        levels = [*self._outer, self.lines]
        self._outer, self.lines = levels[:depth], levels[depth]
        try:
            yield
        finally:
            self._outer, self.lines = levels[:-1], levels[-1]

    def line(self, text: str) -> None:
        """An instruction without a result."""
        self.lines.append("  " + text)

    def emit(self, kind: Type, text: str) -> Value:
        """An instruction and its result."""
        self._count += 1
        name = f"%v{self._count}"
        self.lines.append(f"  {name} = {text}")
        return Value(self, kind, name)

    def start(self, label: str) -> None:
        """Begin a block."""
        self.lines.append(f"{label}:")
        self._block = label

    def label(self, name: str) -> str:
        """A new name for a block."""
        self._count += 1
        return f"{name}{self._count}"

    # Numbers

    def constant(self, number: Any, kind: Type) -> Value:
        """A number of that type; a Value of it is returned as it is, or splatted."""
        if isinstance(number, Value):
            return self.splat(number, kind.lanes) if kind.lanes and not number.type.lanes else number
        return Value(self, kind, literal(number, kind))

    def vector(self, numbers: Sequence[Any], kind: Type) -> Value:
        """A constant with other lanes each."""
        lanes = ", ".join(f"{kind.scalar} {literal(number, kind.scalar)}" for number in numbers)
        return Value(self, kind.of(len(numbers)), f"<{lanes}>")

    def lane_numbers(self, lanes: int, kind: Type = I64) -> Value:
        """0, 1, 2, …"""
        return self.vector(range(lanes), kind)

    def binary(self, operation: str, x: Value, y: Any) -> Value:
        """An instruction of two operands of one type; a scalar meets a vector splatted."""
        if isinstance(y, Value):
            if x.type.lanes and not y.type.lanes:
                y = self.splat(y, x.type.lanes)
            elif y.type.lanes and not x.type.lanes:
                x = self.splat(x, y.type.lanes)
        elif isinstance(y, int) and x.type.kind == "i" and operation in _NEUTRAL.get(y, ()):
            return x
        other = y.text if isinstance(y, Value) else literal(y, x.type)
        return self.emit(x.type, f"{operation} {x}, {other}")

    def compare(self, test: str, x: Value, y: Any, *, signed: bool = True) -> Value:
        """A comparison; of floats false for NaN, but for ``!=``."""
        if isinstance(y, Value) and y.type.lanes != x.type.lanes:
            lanes = max(x.type.lanes, y.type.lanes)
            x, y = self.splat(x, lanes), self.splat(y, lanes)
        y = self.constant(y, x.type)
        if x.type.kind == "f":
            operation = f"fcmp {_FLOAT_TESTS[test]}"
        else:
            operation = f"icmp {(_SIGNED_TESTS if signed else _UNSIGNED_TESTS)[test]}"
        return self.emit(I1.of(x.type.lanes), f"{operation} {x}, {y.text}")

    def select(self, condition: Value, x: Any, y: Any) -> Value:
        """x where the condition holds, y elsewhere; the lanes of the widest of the three."""
        values = [v for v in (x, y) if isinstance(v, Value)]
        lanes = max(v.type.lanes for v in [condition, *values])
        kind = values[0].type.of(lanes)
        x, y = self.constant(x, kind), self.constant(y, kind)
        return self.emit(kind, f"select {condition}, {x}, {y}")

    def convert(self, x: Value, operation: str, kind: Type) -> Value:
        """``sext``, ``bitcast``, …; the lanes stay."""
        kind = kind.of(x.type.lanes)
        return x if kind == x.type else self.emit(kind, f"{operation} {x} to {kind}")

    def splat(self, x: Value, lanes: int) -> Value:
        """The same number in all lanes."""
        if x.type.lanes or not lanes:
            return x
        kind = x.type.of(lanes)
        if not x.text.startswith("%") and not x.text.startswith("@"):
            zero = x.text in ("0", "false", "0x0000000000000000")
            return Value(self, kind, "zeroinitializer" if zero else f"splat ({x})")
        first = self.emit(kind, f"insertelement {kind} poison, {x}, i32 0")
        return self.emit(kind, f"shufflevector {first}, {kind} poison, <{lanes} x i32> zeroinitializer")

    def shuffle(self, x: Value, y: Value, lanes: Sequence[int]) -> Value:
        """Lanes of two vectors, counted through both."""
        mask = ", ".join(f"i32 {lane}" for lane in lanes)
        return self.emit(x.type.of(len(lanes)), f"shufflevector {x}, {y}, <{len(lanes)} x i32> <{mask}>")

    def lane(self, x: Value, index: int) -> Value:
        """One lane."""
        return self.emit(x.type.scalar, f"extractelement {x}, i32 {index}") if x.type.lanes else x

    def with_lane(self, x: Value, index: int, number: Value) -> Value:
        """The vector with one lane replaced."""
        return self.emit(x.type, f"insertelement {x}, {number}, i32 {index}")

    def intrinsic(self, name: str, *arguments: Value, result: Type | None = None, suffix: str = "") -> Value:
        """An intrinsic of LLVM that is overloaded on the type of its first argument."""
        kind = result or arguments[0].type
        found: Value = self.call(f"llvm.{name}.{suffix or arguments[0].type.suffix}", kind, *arguments)
        return found

    def call(self, name: str, result: Type, *arguments: Value, declared: bool = False) -> Any:
        """Call a function; None for one without result."""
        if not declared:
            self.module.declare(name, result, [x.type for x in arguments])
        text = f"call {result} @{name}({', '.join(map(str, arguments))})"
        if result == VOID:
            return self.line(text)
        return self.emit(result, text)

    def invoke(self, name: str, result: Type, *arguments: Value) -> Any:
        """Call a function of this module."""
        return self.call(name, result, *arguments, declared=True)

    def fma(self, x: Any, y: Any, z: Any) -> Value:
        """x y + z, rounded once where the machine can."""
        kinds = [v.type for v in (x, y, z) if isinstance(v, Value)]
        kind = max(kinds, key=lambda t: t.lanes)
        return self.intrinsic("fmuladd", *(self.constant(v, kind) for v in (x, y, z)))

    def reduce(self, x: Value, combine: Callable[[Value, Value], Value], count: int | None = None) -> Value:
        """All lanes as one, or the first `count`, whose neighbours then change nothing.

        Halves first: the order is the same on every machine of one width.
        """
        lanes = x.type.lanes
        while lanes > 1:
            lanes //= 2
            low = self.shuffle(x, x, range(lanes))
            needs_high = count is None or count > lanes
            x = combine(low, self.shuffle(x, x, range(lanes, 2 * lanes))) if needs_high else low
        return self.lane(x, 0)

    # Memory

    def offset(self, pointer: Value, index: Any, kind: Type) -> Value:
        """The address of an element; of a vector of indices, a vector of addresses."""
        if isinstance(index, int) and index == 0:
            return pointer
        index = self.constant(index, I64)
        return self.emit(PTR.of(index.type.lanes), f"getelementptr {kind.scalar}, {pointer}, {index}")

    def load(self, pointer: Value, kind: Type, mask: Value | None = None) -> Value:
        """A number or a vector, of elements that follow each other; lanes that are masked are 0."""
        size = max(kind.bits // 8, 1)
        if mask is None:
            return self.emit(kind, f"load {kind}, {pointer}, align {size}")
        zero = self.constant(0, kind)
        alignment = self.constant(size, I32)
        found: Value = self.call(f"llvm.masked.load.{kind.suffix}.p0", kind, pointer, alignment, mask, zero)
        return found

    def store(self, pointer: Value, x: Value, mask: Value | None = None) -> None:
        """The reverse of `load`; lanes that are masked are left alone."""
        size = max(x.type.bits // 8, 1)
        if mask is None:
            self.line(f"store {x}, {pointer}, align {size}")
        else:
            alignment = self.constant(size, I32)
            self.call(f"llvm.masked.store.{x.type.suffix}.p0", VOID, x, pointer, alignment, mask)

    def gather(self, pointers: Value, kind: Type, mask: Value | None = None) -> Value:
        """A number from each of some addresses."""
        lanes = pointers.type.lanes
        result, size = kind.of(lanes), self.constant(max(kind.bits // 8, 1), I32)
        mask = mask or self.constant(1, I1.of(lanes))
        name = f"llvm.masked.gather.{result.suffix}.v{lanes}p0"
        found: Value = self.call(name, result, pointers, size, mask, self.constant(0, result))
        return found

    def stack(self, kind: Type, count: int) -> Value:
        """Memory of this call's own, aligned to a cache line."""
        self._count += 1
        name = f"%s{self._count}"
        # At the function's entry: inside a loop it would grow with each round.
        self.allocas.append(f"  {name} = alloca {kind.scalar}, i64 {count}, align 64")
        return Value(self, PTR, name)

    def prefetch(self, pointer: Value, *, write: bool = False) -> None:
        """Ask for a cache line ahead of its use."""
        flags = [self.constant(flag, I32) for flag in (int(write), 3, 1)]
        self.call("llvm.prefetch.p0", VOID, pointer, *flags)

    # Control

    def loop(
        self,
        start: Any,
        stop: Any,
        body: Callable[..., Sequence[Value] | None],
        *,
        step: int = 1,
        carry: Sequence[Value] = (),
    ) -> list[Value]:
        """Run `body(i, *carried)` for i from start to below stop; it returns what is carried on. The last of that."""
        if isinstance(start, int) and isinstance(stop, int):
            rounds = len(range(start, stop, step))
            if rounds <= 1:
                return list(body(start, *carry) or ()) if rounds else list(carry)
        is_certain = isinstance(start, int) and isinstance(stop, int)
        head, done = self.label("loop"), self.label("done")
        first, last = self.constant(start, I64), self.constant(stop, I64)
        before = self._block
        index, *carried = (self._fresh(v.type) for v in (first, *carry))
        self._outer.append(self.lines)
        self.lines, self._block = [], head
        out = list(body(index, *carried) or ())
        after = index + step
        tail = self._block
        self.line(f"br {self.compare('<', after, last)}, label %{head}, label %{done}")
        inside, self.lines = self.lines, self._outer.pop()
        if is_certain:
            self.line(f"br label %{head}")
        else:
            self.line(f"br {self.compare('<', first, last)}, label %{head}, label %{done}")
        joins = [
            f"  {phi.text} = phi {phi.type} [ {v.text}, %{before} ], [ {w.text}, %{tail} ]"
            for phi, v, w in zip([index, *carried], [first, *carry], [after, *out], strict=True)
        ]
        self.lines += [f"{head}:", *joins, *inside]
        self.start(done)
        if is_certain:
            return out
        return [
            self.emit(v.type, f"phi {v.type} [ {v.text}, %{before} ], [ {w.text}, %{tail} ]")
            for v, w in zip(carry, out, strict=True)
        ]

    def _fresh(self, kind: Type) -> Value:
        self._count += 1
        return Value(self, kind, f"%p{self._count}")

    def branch(self, condition: Any, yes: Callable[[], None], no: Callable[[], None] | None = None) -> None:
        """Either or; decided now if the condition is Python's."""
        if not isinstance(condition, Value):
            if condition:
                yes()
            elif no is not None:
                no()
            return
        labels = [self.label(name) for name in ("then", "else", "join")]
        then, other, join = labels
        self.line(f"br {condition}, label %{then}, label %{other if no is not None else join}")
        self.start(then)
        yes()
        self.line(f"br label %{join}")
        if no is not None:
            self.start(other)
            no()
            self.line(f"br label %{join}")
        self.start(join)

    @contextmanager
    def forever(self) -> Iterator[Callable[[Value], None]]:
        """A loop that is left where the given function is told a condition that holds."""
        head, done = self.label("again"), self.label("left")
        self.line(f"br label %{head}")
        self.start(head)

        def leave(condition: Value) -> None:
            on = self.label("on")
            self.line(f"br {condition}, label %{done}, label %{on}")
            self.start(on)

        yield leave
        self.line(f"br label %{head}")
        self.start(done)

    # Atomics, on 64-bit integers

    def atomic_load(self, pointer: Value) -> Value:
        """What another thread has released."""
        return self.emit(I64, f"load atomic i64, {pointer} acquire, align 8")

    def atomic_store(self, pointer: Value, number: Value) -> None:
        """Release what was written before."""
        self.line(f"store atomic {number}, {pointer} release, align 8")

    def atomic_add(self, pointer: Value, number: Any) -> Value:
        """Add; the value before."""
        return self.emit(I64, f"atomicrmw add {pointer}, {self.constant(number, I64)} acq_rel")
