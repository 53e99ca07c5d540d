"""What a memoized function is told: one record, checked when it is made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

from memograd.errors import BadSetting
from memograd.store.protocol import Store
from memograd.store.tiers import Tiers

OnRefuse = Literal["raise", "call"]


@dataclass(frozen=True, slots=True)
class Settings:
    """See the parameters of `memoize`.

    Raises
    ------
    BadSetting
        When a setting cannot be.
    """

    store: Store
    ignore: Collection[str] = ()
    version: Any = None
    pickle: bool = False
    on_refuse: OnRefuse = "raise"
    bypass: bool = True

    def __post_init__(self) -> None:
        if self.on_refuse not in get_args(OnRefuse):
            raise BadSetting(f"on_refuse={self.on_refuse!r}; it is 'raise' or 'call'")
        if isinstance(self.ignore, str):
            raise BadSetting(f"ignore={self.ignore!r}; give a list of names")
        if self.pickle and _is_shared(self.store):
            raise BadSetting(
                "pickle=True with a store that others write to would run their code; leave one of them out"
            )


def _is_shared(store: Store) -> bool:
    return isinstance(store, Tiers) and any(tier.shared or _is_shared(tier.store) for tier in store.tiers)
