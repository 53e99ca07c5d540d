"""The rows of a step, copied to where its kernels read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memograd.engine.native.access import Place
from memograd.engine.native.elementwise import memory_type
from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.ir_types import I1, I32, I64, PTR
from memograd.engine.native.nests import Share
from memograd.graph.node import Node


@dataclass(frozen=True, slots=True)
class Gathered:
    """An argument whose rows are copied.

    Attributes
    ----------
    node : Node
    source : int
        The slot of the array that they are taken from.
    place : Place
        Where they go.
    by_all : bool
        Whether each thread copies all of them to a place of its own, or those that it goes on with.
    """

    node: Node
    source: int
    place: Place
    by_all: bool


def gather(
    b: Builder,
    table: Value,
    arguments: Sequence[Gathered],
    numbers: int,
    share: Share,
    threads: tuple[Value, Value],
    lanes: int,
) -> None:
    """Copy the rows of a step.

    Parameters
    ----------
    table : Value
        Of pointers.
    numbers : int
        The slot of the numbers of the rows (int32).
    share : Share
        How rows are shared.
    threads : pair of Value
        This thread, and how many there are.
    lanes : int
    """
    own, whole = share.rows_of(b, *threads), (b.constant(0, I64), b.constant(share.length, I64))
    places = b.load(b.offset(table, numbers, PTR), PTR)
    parts: dict[bool, list[tuple[Gathered, Value, Value]]] = {False: [], True: []}
    for each in arguments:
        source, target = (b.load(b.offset(table, slot, PTR), PTR) for slot in (each.source, each.place.slot))
        parts[each.by_all].append((each, source, target))
    for by_all, (first, last) in ((False, own), (True, whole)):

        def row(r: Value, part: Sequence[tuple[Gathered, Value, Value]] = parts[by_all]) -> None:
            number = b.convert(b.load(b.offset(places, r, I32), I32), "zext", I64)
            for each, source, target in part:
                _copy(b, each, number, source, r, target, lanes)

        if parts[by_all]:
            b.loop(first, last, row)


def _copy(b: Builder, each: Gathered, number: Value, source: Value, r: Value, target: Value, lanes: int) -> None:
    node, kind = each.node, memory_type(each.node.dtype)
    width = node.size // node.shape[0]
    source = b.offset(source, number * width, kind)
    target = b.offset(target, r * each.place.strides[0], kind)
    if width == 1:
        b.store(target, b.load(source, kind))
        return
    whole = width // lanes * lanes

    def vector(c: Any, mask: Value | None = None) -> None:
        b.store(b.offset(target, c, kind), b.load(b.offset(source, c, kind), kind.of(lanes), mask))

    b.loop(0, whole, vector, step=lanes)
    if whole < width:
        vector(whole, b.vector([lane < width - whole for lane in range(lanes)], I1))
