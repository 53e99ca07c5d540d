"""Every op has its rows: a table without one would fail when a graph holds the op, and not before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from memograd.engine.native.elementwise import ELEMENTWISE
from memograd.engine.native.kernels.table import LOOPS_OF
from memograd.engine.native.parts import PARTS
from memograd.engine.native.views import VIEWS
from memograd.engine.numpy.lowerings import LOWERINGS
from memograd.gradient.rules import RULES
from memograd.graph.count import COSTS
from memograd.graph.ops import OPS

TABLES: dict[str, Mapping[str, Any]] = {
    "gradient.rules.RULES": RULES,
    "graph.count.COSTS": COSTS,
    "engine.numpy.lowerings.LOWERINGS": LOWERINGS,
    # Three kinds of lowering; an argument is only loaded. Two ops are the engine's own.
    "engine.native": {
        op: row for op, row in {**ELEMENTWISE, **VIEWS, **LOOPS_OF, "input": None}.items() if op not in PARTS
    },
}


@pytest.mark.parametrize("name", TABLES)
def test_every_op_has_its_row(name: str) -> None:
    """No op is absent from a table."""
    assert sorted(OPS.keys() - TABLES[name].keys()) == []


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_an_op(name: str) -> None:
    """No table has a row for an op that does not exist."""
    assert sorted(TABLES[name].keys() - OPS.keys()) == []


def test_the_tables_are_found() -> None:
    """The checks read full tables, not empty ones."""
    assert {"input", "constant", "add", "matmul", "random_bits"} <= OPS.keys()
