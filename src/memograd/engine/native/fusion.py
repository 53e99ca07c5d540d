"""From a planned graph to kernels: what is computed in one loop, and which results are stored at all.

A kernel is a product, a reduction or another op that needs a loop of its own, together with the elementwise ops that
follow it at the same indices; or such elementwise ops alone. What no kernel takes (views, and cheap values of what is
stored anyway) is computed where it is read. Numbers of no axes are scalars: each thread computes them for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from memograd.engine.native.elementwise import COSTLY, ELEMENTWISE
from memograd.engine.native.parts import PARTS
from memograd.engine.native.views import VIEWS
from memograd.graph.node import Node, Shape
from memograd.graph.ops import OPS

LOOPS = OPS.keys() - ELEMENTWISE.keys() - VIEWS.keys() - {"input"} | PARTS
"""The ops that need a loop of their own."""

MAX_MEMBERS = 256
"""Larger kernels are cut: the time that LLVM takes grows faster than their length."""

MAX_PULLED = 24
"""So many ops in a row are computed where they are read; then one of them is stored."""


@dataclass(slots=True)
class Kernel:
    """What is computed in one loop.

    Attributes
    ----------
    node : Node or None
        The op that needs the loop; None if all of it is elementwise.
    shape : tuple of int
        Of the results.
    members : list of Node
        The elementwise ops computed there, in order.
    stored : list of Node
        What of all that is written to memory.
    """

    node: Node | None
    shape: Shape
    members: list[Node] = field(default_factory=list)
    stored: list[Node] = field(default_factory=list)

    @property
    def is_scalar(self) -> bool:
        """Whether it computes single numbers, with no loop."""
        return self.node is None and not long_axes(self.shape)

    @property
    def results(self) -> list[Node]:
        """All that it computes."""
        return self.members if self.node is None else [self.node, *self.members]


@dataclass(frozen=True, slots=True)
class _Reach:
    """How a value depends on kernels: the last of them, and whether at the same index alone."""

    kernel: int
    is_aligned: bool
    # How many ops are computed anew where it is read, and whether a costly one is among them.
    pulled: int = 0
    is_costly: bool = False


def long_axes(shape: Shape) -> Shape:
    """The lengths other than 1."""
    return tuple(n for n in shape if n != 1)


class Fusion:
    """The kernels of a graph.

    Parameters
    ----------
    nodes : sequence of Node
        All of them, operands first.
    outputs : collection of Node
        What must be stored in the end.
    overwritten : mapping of Node to Node
        Of outputs: the argument whose place they take.

    Attributes
    ----------
    kernels : list of Kernel
        In an order in which they can run: what reads an argument before what overwrites it, if that can be.
    """

    def __init__(self, nodes: Sequence[Node], outputs: Collection[Node], overwritten: Mapping[Node, Node]) -> None:
        self.kernels: list[Kernel] = []
        self._home: dict[Node, int] = {}
        self._reach: dict[Node, _Reach] = {}
        self._uses: dict[Node, int] = {}
        for node in nodes:
            for x in set(node.inputs):
                self._uses[x] = self._uses.get(x, 0) + 1
        for node in nodes:
            self._place(node)
        for node in outputs:
            self.store_copy(node)
        self._order(self._complete(), overwritten)

    def home_of(self, node: Node) -> int | None:
        """The kernel that computes a node; None for leaves, and what is computed where it is read."""
        return self._home.get(node)

    def sources(self, nodes: Iterable[Node], number: int) -> set[Node]:
        """The stored results of earlier kernels that nodes of a kernel depend on."""
        return {node for node in self._reads(nodes, number) if self._home.get(node, number) < number}

    def _reads(self, nodes: Iterable[Node], number: int) -> Iterator[Node]:
        """The results of earlier kernels, and the arguments, that nodes of a kernel are computed from."""
        seen: set[Node] = set()
        waiting = [x for node in nodes for x in node.inputs]
        while waiting:
            node = waiting.pop()
            home = self._home.get(node)
            if node in seen or home == number:
                continue
            seen.add(node)
            # What is stored only later is computed here once more.
            if node.op == "input" or (home is not None and home < number):
                yield node
            else:
                waiting.extend(node.inputs)

    def store(self, node: Node) -> None:
        """See that a node lies in memory; leaves do."""
        if node.op not in ("input", "constant") or node in self._home:
            self.store_copy(node)

    def store_copy(self, node: Node) -> None:
        """See that a node lies in memory as a result of a kernel, also if it is a leaf."""
        if node not in self._home:
            self._found(Kernel(None, node.shape), node)
        kernel = self.kernels[self._home[node]]
        if node not in kernel.stored:
            kernel.stored.append(node)

    def _found(self, kernel: Kernel, node: Node) -> None:
        self.kernels.append(kernel)
        if node is not kernel.node:
            kernel.members.append(node)
        self._home[node] = len(self.kernels) - 1
        self._reach[node] = _Reach(len(self.kernels) - 1, True)

    def _place(self, node: Node) -> None:
        if node.op in ("input", "constant"):
            self._reach[node] = _Reach(-1, True)
        elif node.op in LOOPS:
            for i, x in enumerate(node.inputs):
                self._settle(node, i, x)
            self._found(Kernel(node, node.shape), node)
        elif node.op in VIEWS:
            self._reach[node] = self._seen_through(node)
        elif node.size == 1:
            self._place_scalar(node)
        else:
            self._place_elementwise(node)

    def _settle(self, node: Node, i: int, x: Node) -> None:
        """Store an operand of a loop, unless it is a cheap view or can be computed in passing."""
        if node.op in ("matmul", "matmul_in_parts"):
            # The micro-kernel reads vectors along the rows of the right operand.
            is_tiled = len(long_axes(node.shape)) == 2 or node.op != "matmul"
            is_right = i == 1 and node.dtype.kind == "f" and is_tiled
            while x.op in _STRIDED and _is_strided(x) and not (is_right and _moves_last(x)):
                x = x.inputs[0]
            self.store(x)
        elif self._reach[x].pulled > MAX_PULLED or x.op in ("take", "concatenate"):
            self.store(x)

    def _seen_through(self, node: Node) -> _Reach:
        found = [self._reach[x] for x in node.inputs]
        last = max(reach.kernel for reach in found)
        (x, *_) = node.inputs
        aligned = (
            node.op in ("reshape", "broadcast_to")
            and long_axes(node.shape) == long_axes(x.shape)
            and all(reach.is_aligned for reach in found if reach.kernel == last)
        )
        pulled = 1 + sum(reach.pulled for reach in found)
        if pulled > MAX_PULLED and long_axes(node.shape):
            for x in node.inputs:
                self.store(x)
            pulled = 1
            last = max(self._reach[x].kernel for x in node.inputs)
        return _Reach(last, aligned, pulled, any(reach.is_costly for reach in found))

    def _place_scalar(self, node: Node) -> None:
        last = max((self._reach[x].kernel for x in node.inputs), default=-1)
        if last < 0 and self.kernels and self.kernels[0].is_scalar:
            last = 0
        if last >= 0 and self.kernels[last].is_scalar:
            self.kernels[last].members.append(node)
            self._home[node] = last
            self._reach[node] = _Reach(last, True)
        else:
            self._found(Kernel(None, ()), node)

    def _complete(self) -> list[set[Node]]:
        """Store what one kernel computes and another reads; what each kernel reads, arguments among it."""
        read: list[set[Node]] = []
        for number, kernel in enumerate(self.kernels):
            # In order: of equal graphs the code must be equal, or it would be compiled again.
            found = list(self._reads(kernel.results, number))
            for node in found:
                if self._home.get(node, number) < number:
                    self.store(node)
            read.append(set(found))
        return read

    def _order(self, read: Sequence[Set[Node]], overwritten: Mapping[Node, Node]) -> None:
        """Sort the kernels: results before what reads them, and readers of an argument before what overwrites it."""
        after: list[set[int]] = [
            {self._home[node] for node in nodes if self._home.get(node, number) < number}
            for number, nodes in enumerate(read)
        ]
        wished = [set(numbers) for numbers in after]
        for output, argument in overwritten.items():
            writer = self._home[output]
            wished[writer] |= {number for number, nodes in enumerate(read) if argument in nodes and number != writer}
        order: list[int] = []
        done: set[int] = set()
        left = list(range(len(self.kernels)))
        while left:
            # Where wishes run in a circle, the first that can run does.
            ready = [k for k in left if wished[k] <= done] or [k for k in left if after[k] <= done][:1]
            order += ready
            done.update(ready)
            left = [k for k in left if k not in done]
        place = {old: new for new, old in enumerate(order)}
        self.kernels = [self.kernels[old] for old in order]
        self._home = {node: place[old] for node, old in self._home.items()}

    def _place_elementwise(self, node: Node) -> None:
        found = [self._reach[x] for x in node.inputs]
        last = max(reach.kernel for reach in found)
        aligned = all(reach.is_aligned for reach in found if reach.kernel == last)
        pulled = 1 + sum(reach.pulled for reach in found)
        costly = node.op in COSTLY or any(reach.is_costly for reach in found)
        if last >= 0 and aligned and self._can_join(node, self.kernels[last], costly):
            self.kernels[last].members.append(node)
            self._home[node] = last
            # What has a home is stored if it is read elsewhere.
            self._reach[node] = _Reach(last, True)
        elif pulled > MAX_PULLED or (node.op in COSTLY and self._uses.get(node, 0) > 1):
            self._found(Kernel(None, node.shape), node)
        else:
            self._reach[node] = _Reach(last, aligned and last >= 0, pulled, costly)

    def _can_join(self, node: Node, kernel: Kernel, costly: bool) -> bool:
        return (
            not kernel.is_scalar
            and long_axes(kernel.shape) == long_axes(node.shape)
            and len(kernel.members) < MAX_MEMBERS
            and (kernel.node is None or kernel.node.op not in ("scatter_add", "cumsum", "random_bits"))
            and not (costly and kernel.node is not None and ends_in_lanes(kernel.node))
        )


def ends_in_lanes(node: Node) -> bool:
    """Whether a reduction adds up the lanes of a vector, so that its results come one by one."""
    if node.op not in ("sum", "max", "min"):
        return False
    (x,) = node.inputs
    long = [axis for axis, n in enumerate(x.shape) if n != 1]
    return bool(long) and long[-1] in node["axes"]


_STRIDED = ("transpose", "reshape", "broadcast_to")


def _moves_last(view: Node) -> bool:
    """Whether what follows each other in a view does not in its operand."""
    (x,) = view.inputs
    long = [axis for axis, n in enumerate(view.shape) if n != 1]
    if not long:
        return False
    if view.op == "transpose":
        return bool(view["axes"][long[-1]] != max(axis for axis, n in enumerate(x.shape) if n != 1))
    return view.op == "broadcast_to" and (not x.ndim or x.shape[-1] != view.shape[-1])


def _is_strided(view: Node) -> bool:
    """Whether a view only strides over its operand."""
    return view.op != "reshape" or long_axes(view.shape) == long_axes(view.inputs[0].shape)
