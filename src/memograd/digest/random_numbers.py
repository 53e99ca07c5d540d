"""Rows for NumPy's sources of random numbers: told by their state."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from memograd.digest.node import Row, attributes_row, record_row

_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


def random_rows(random: ModuleType) -> Mapping[type, Row]:
    """The rows of `numpy.random`, which takes 5 ms to import and is handed over when somebody has."""
    return {
        random.Generator: attributes_row("numpy.random.Generator", "bit_generator"),
        random.RandomState: record_row("numpy.random.RandomState", lambda source: [source.get_state(legacy=False)]),
        random.SeedSequence: attributes_row(
            "numpy.random.SeedSequence", "entropy", "spawn_key", "pool_size", "n_children_spawned"
        ),
        **{getattr(random, name): _bit_generator(name) for name in _BIT_GENERATORS},
    }


def _bit_generator(name: str) -> Row:
    return record_row(f"numpy.random.{name}", lambda source: [source.state, source.seed_seq], [".state", ".seed_seq"])
