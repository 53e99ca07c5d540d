"""The node: one op on some operands; and the one constructor through which every node is made.

The constructor interns: an equal node *is* the node, so a common subexpression cannot exist and equality is
identity. Nodes live as long as something refers to them. Knows which op a node names, not what ops mean.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]
DType = np.dtype[Any]
Attributes = tuple[tuple[str, Hashable], ...]

# Above this size a constant's bytes are compared only with the constants of one trace, never hashed.
SMALL_BYTES = 4096


class FrozenArray:
    """The value of a constant node: a private, read-only copy of an array.

    Small ones are equal when dtype, shape and bytes are (so −0.0 and 0.0, or two NaNs of other bits, are
    different); a large one equals only itself.
    """

    __slots__ = ("_key", "array")

    array: Array
    _key: Hashable

    def __init__(self, value: Array) -> None:
        array = np.array(value, order="C", copy=True)
        array.setflags(write=False)
        small = array.nbytes <= SMALL_BYTES
        self.array = array
        self._key = (array.dtype.str, array.shape, array.tobytes()) if small else object()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrozenArray) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return repr(self.array.item()) if self.array.ndim == 0 else f"<{self.array.nbytes} bytes>"


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class Node:
    """An op, its operands, its attributes, and the shape and dtype of its result.

    Never call it: `memograd.graph.ops.make` checks and interns.
    """

    op: str
    inputs: tuple[Node, ...]
    attributes: Attributes
    shape: Shape
    dtype: DType

    def __getitem__(self, name: str) -> Any:
        """The attribute of that name."""
        for key, value in self.attributes:
            if key == name:
                return value
        raise KeyError(f"{self.op} has no attribute {name!r}")

    @property
    def size(self) -> int:
        """The number of elements of the result."""
        # Python integers: a product of int64 would overflow silently on hostile shapes.
        size = 1
        for length in self.shape:
            size *= length
        return size

    @property
    def size_bytes(self) -> int:
        """The bytes of the result, stored without gaps."""
        return self.size * self.dtype.itemsize

    @property
    def ndim(self) -> int:
        """The number of axes of the result."""
        return len(self.shape)

    def __repr__(self) -> str:
        operands = [describe(node) for node in self.inputs]
        attributes = [f"{name}={value}" for name, value in self.attributes]
        return f"{self.op}({', '.join(operands + attributes)}) -> {describe(self)}"


def describe(node: Node) -> str:
    """Dtype and shape of a result as text: ``float64[32, 10]``."""
    return f"{node.dtype}[{', '.join(map(str, node.shape))}]"


_Key = tuple[str, tuple[Node, ...], Attributes, Shape, DType]
_interned: weakref.WeakValueDictionary[_Key, Node] = weakref.WeakValueDictionary()
# Reentrant: collecting garbage inside the section may run user code that builds nodes.
_lock = threading.RLock()


def intern(op: str, inputs: tuple[Node, ...], attributes: Attributes, shape: Shape, dtype: DType) -> Node:
    """The node with these five parts: the one that exists, or a new one.

    Prior art: hash-consing (Ershov 1958, "On programming of arithmetic operations"); tinygrad's `ucache`.
    """
    key = (op, inputs, attributes, shape, dtype)
    with _lock:
        node = _interned.get(key)
        if node is None:
            node = _interned[key] = Node(op, inputs, attributes, shape, dtype)
        return node


def is_interned(node: Node) -> bool:
    """Whether this very object is the one that the constructor hands out for its parts."""
    return _interned.get((node.op, node.inputs, node.attributes, node.shape, node.dtype)) is node
