"""Names for the variables of an emitted module, taken from the user's own code where it has any."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping

from memograd.graph.node import Node
from memograd.graph.trace import Origin

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\s*(?::[^=]+)?=(?!=)")
# Names that the module itself uses.
RESERVED = frozenset({"np", "scipy", "kernels", "arena", "bind", "run", "inputs", "constants"})


class Names:
    """One name for each node, each used once.

    A node is called as the line of code that made it calls its result, an adjoint ``d_`` and the name of its
    primal, everything else as its op; equal names are numbered.
    """

    def __init__(self, origins: Mapping[Node, Origin]) -> None:
        self._used = set(RESERVED)
        self._tried: dict[str, int] = {}
        self._names: dict[Node, str] = {}
        self._origins = origins
        self._assigned = _assigned(origins)

    def __getitem__(self, node: Node) -> str:
        """The name of a node."""
        name = self._names.get(node)
        if name is None:
            name = self._names[node] = self.fresh(self._wish(node))
        return name

    def give(self, node: Node, wish: str) -> str:
        """Name a node as someone else wishes."""
        self._names[node] = self.fresh(identifier(wish))
        return self._names[node]

    def fresh(self, wish: str) -> str:
        """A name that nothing else has: as wished, or with the first number that is free."""
        name = wish
        while name in self._used:
            self._tried[wish] = self._tried.get(wish, 1) + 1
            name = f"{wish}_{self._tried[wish]}"
        self._used.add(name)
        return name

    def _wish(self, node: Node) -> str:
        origin = self._origins.get(node)
        if origin is None:
            return node.op
        if origin.adjoint_of is not None:
            return f"d_{self[origin.adjoint_of]}"
        assigned = self._assigned.get(node)
        return assigned if assigned is not None else ("d_" if origin.derivative else "") + node.op


def identifier(text: str) -> str:
    """A path such as ``params[0]['W']`` as an identifier: ``params_0_W``."""
    name = "_".join(re.findall(r"\w+", text))
    if keyword.iskeyword(name):
        return f"{name}_"
    # Keys of dicts may be any text, digits and superscripts included.
    return name if name.isidentifier() else "_".join(["argument", *re.findall(r"[A-Za-z0-9_]+", name)])


# Inside one call these come before the node that is its result.
_HALFWAY = frozenset({"broadcast_to", "reshape", "cast", "sum", "transpose", "slice"})


def _assigned(origins: Mapping[Node, Origin]) -> dict[Node, str]:
    """The node that each run of a line of the form ``name = …`` ended with, and the name."""
    named: dict[Node, str] = {}
    last: dict[tuple[str, int], tuple[Node, int]] = {}
    for node, origin in origins.items():
        match = None if origin.derivative else _ASSIGNMENT.match(origin.source)
        if match is None or keyword.iskeyword(match.group(1)):
            continue
        line = (origin.filename, origin.line)
        before, offset = last.get(line, (None, -1))
        again = origin.offset < offset or (before is not None and origin.offset == offset and before.op not in _HALFWAY)
        if before is not None and not again:
            named.pop(before, None)
        named[node] = match.group(1)
        last[line] = node, origin.offset
    return named
