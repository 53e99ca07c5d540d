"""What a kernel is emitted with: its values, its share of the work, and what follows an op at the same index."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memograd.engine.native.access import ZERO, Frame, Indices, Place
from memograd.engine.native.fusion import Kernel, long_axes
from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.nests import Cuts, Share
from memograd.graph.node import Node, Shape


@dataclass(slots=True)
class Emission:
    """What a kernel is emitted with.

    Attributes
    ----------
    frame : Frame
    kernel : Kernel
    share : Share
        Whose units first to last are to be done.
    first, last : Value
    targets : mapping of Node to the places where it is to be written
    cuts : Cuts
    sums : Place or None
        Where a product that is too large for registers and caches keeps its sums.
    """

    frame: Frame
    kernel: Kernel
    share: Share
    first: Value
    last: Value
    targets: Mapping[Node, Sequence[Place]]
    cuts: Cuts
    sums: Place | None = None

    @property
    def b(self) -> Builder:
        """The builder."""
        return self.frame.b

    def span(self, shape: Shape | None = None) -> tuple[Any, Any]:
        """The rows to do, of an array that is like the result unless a shape is given."""
        if self.share.kind in ("all", "first"):
            return 0, next(iter(long_axes(self.kernel.shape if shape is None else shape)), 1)
        return self.share.start(self.b, self.first), self.share.start(self.b, self.last)

    def parts(self, body: Callable[[Value, Value, Value], None]) -> None:
        """Run `body(number, first row, row after the last)` for each part of a minibatch that is to be done."""
        n = self.share.n_units // self.share.n_parts

        def part(number: Value) -> None:
            self.frame.enter()
            body(number, self.share.start(self.b, number * n), self.share.start(self.b, number * n + n))

        self.b.loop(self.first // n, self.last // n, part)

    def finish(self, index: Indices, value: Value | None = None) -> None:
        """Compute what is fused with the op at an index, and store what is to be stored."""
        kernel, frame = self.kernel, self.frame
        if kernel.node is not None and value is not None:
            frame.put(kernel.node, index, value)
        frame.here = tuple(i.key for n, i in zip(kernel.shape, index, strict=True) if n != 1)
        # In the order of the members, so that no evaluation is deep. All of it before anything is stored: a result may
        # take the place of an argument that another one reads.
        found = []
        for node in kernel.results:
            at = _like(index, kernel.shape, node.shape)
            found.append((node, at, frame.value(node, at)))
        for node, at, computed in found:
            for place in self.targets.get(node, ()):
                frame.store(node, at, computed, place)
        frame.here = None


def _like(index: Indices, source: Sequence[int], target: Sequence[int]) -> Indices:
    """An index into an array of the same long axes."""
    rest = iter([i for n, i in zip(source, index, strict=True) if n != 1])
    return tuple(ZERO if n == 1 else next(rest) for n in target)


def strided(node: Node, places: Mapping[Node, Place]) -> tuple[Node, tuple[int, ...]] | None:
    """What a node strides over, and its strides along the node's axes; None when it does not lie in memory so."""
    place = places.get(node)
    if place is not None:
        return None if place.panel else (node, place.strides)
    if node.op not in ("transpose", "reshape", "broadcast_to"):
        return None
    (x,) = node.inputs
    found = strided(x, places)
    if found is None:
        return None
    base, strides = found
    if node.op == "transpose":
        return base, tuple(strides[axis] for axis in node["axes"])
    if node.op == "broadcast_to":
        new = len(node.shape) - len(x.shape)
        return base, (*(0,) * new, *(0 if n == 1 else s for n, s in zip(x.shape, strides, strict=True)))
    if long_axes(node.shape) != long_axes(x.shape):
        return None
    rest = iter([s for n, s in zip(x.shape, strides, strict=True) if n != 1])
    return base, tuple(0 if n == 1 else next(rest) for n in node.shape)
