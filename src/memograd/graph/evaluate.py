"""The meaning of a graph: every op in NumPy, one after the other. Slow and plain; engines are measured against it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from memograd.graph.node import Node
from memograd.graph.ops import OPS
from memograd.graph.walk import count_uses, dependents, topological


def evaluate(outputs: Sequence[Node], values: Mapping[Node, Any]) -> list[Any]:
    """The values of some nodes, given the values of others; each node is computed once and dropped after its last use.

    NumPy's floating-point warnings are silent here: derivatives compute branches that a `where` then discards.

    Parameters
    ----------
    outputs : sequence of Node
    values : mapping
        Of every input that the outputs depend on, and of any other node that is already known.

    Returns
    -------
    list of ndarray or NumPy scalar
        Each one writeable and shared with nothing.
    """
    # The dtype of the node: Python floats become arrays, and the other byte order is converted here, once.
    computed = {node: np.asarray(value, node.dtype) for node, value in values.items()}
    order = topological(outputs, known=computed.keys())
    uses = count_uses(order, outputs)
    with np.errstate(all="ignore"):
        for node in order:
            operands = [computed[source] for source in node.inputs]
            computed[node] = OPS[node.op].meaning(*operands, **dict(node.attributes))
            for source in node.inputs:
                uses[source] -= 1
                if not uses[source] and source not in values:
                    del computed[source]
    return [_owned(computed[output]) for output in outputs]


def boundary(outputs: Sequence[Node], late: Collection[Node]) -> list[Node]:
    """The nodes that do not depend on the `late` inputs and are needed together with them.

    Compute these once; then `evaluate(outputs, known)` repeats only what depends on the late inputs.
    """
    order = topological(outputs)
    changing = dependents(order, late)
    wanted = [source for node in order if node in changing for source in node.inputs]
    wanted += outputs
    return [node for node in dict.fromkeys(wanted) if node not in changing]


def _owned(value: Any) -> Any:
    # An array of no axes becomes a scalar, as NumPy's own functions return it.
    return np.array(value) if np.ndim(value) else np.asarray(value)[()]
