"""Methods: the instance counts, and other decorators stand above."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import Any

from memograd.memo.memoize import memoize
from memograd.store.memory import MemoryStore

STORE = MemoryStore(1 << 24)


class Log(list[Any]):
    """What was computed; told by its class, so that it is no part of the code."""

    __memo_key__ = "log"


LOG = Log()


@dataclasses.dataclass
class Scale:
    """Has memoized methods of all kinds."""

    factor: int

    @memoize(store=STORE)
    def of(self, x: int, /) -> int:
        """Scaled."""
        LOG.append(x)
        return self.factor * x

    @staticmethod
    @memoize(store=STORE)
    def plain(x: int) -> int:
        """Without an instance."""
        LOG.append(x)
        return x + 1

    @classmethod
    @memoize(store=STORE)
    def named(cls, x: int) -> tuple[str, int]:
        """With the class."""
        LOG.append(x)
        return cls.__name__, x

    @property
    @memoize(store=STORE)
    def half(self) -> float:
        """As an attribute."""
        LOG.append(0)
        return self.factor / 2

    @functools.cached_property
    @memoize(store=STORE)
    def third(self) -> float:
        """As an attribute that is kept."""
        return self.factor / 3


class Other(Scale):
    """Another class."""


def test_the_instance_counts_by_what_it_holds() -> None:
    """Equal instances share results; a changed one does not."""
    LOG.clear()
    scale = Scale(2)
    assert [scale.of(3), Scale(2).of(3), Scale(5).of(3)] == [6, 6, 15]
    scale.factor = 5
    assert scale.of(3) == 15
    assert len(LOG) == 2
    assert scale.of.is_cached(3)
    assert scale.of.why(3) == ["it is stored"]
    assert scale.of.invalidate(3)


def test_other_decorators_stand_above() -> None:
    """Static methods, class methods and properties work; classes differ."""
    LOG.clear()
    for _ in range(2):
        assert (Scale.plain(1), Scale(1).plain(1)) == (2, 2)
        assert (Scale.named(1), Other.named(1)) == (("Scale", 1), ("Other", 1))
        assert (Scale(4).half, Scale(3).third) == (2.0, 1.0)
    assert len(LOG) == 4


def test_a_bound_method_looks_like_one() -> None:
    """It has the name and the signature of the method without its instance."""
    scale = Scale(2)
    assert scale.of.__name__ == "of"
    assert list(inspect.signature(scale.of).parameters) == ["x"]
    assert scale.of.__self__ is scale
