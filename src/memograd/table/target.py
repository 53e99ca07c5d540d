"""What is to be learned: classes, numbers or labels become what a loss takes, and predictions become them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memograd.errors import BadSetting
from memograd.table.column import Array
from memograd.table.targets.classes import ClassTarget
from memograd.table.targets.labels import LabelTarget
from memograd.table.targets.numbers import NumberTarget
from memograd.table.wording import shown

__all__ = ["ClassTarget", "LabelTarget", "NumberTarget", "Target", "restore_target"]

Target = ClassTarget | NumberTarget | LabelTarget

_TARGETS: dict[str, type[ClassTarget] | type[NumberTarget] | type[LabelTarget]] = {
    "classes": ClassTarget,
    "numbers": NumberTarget,
    "labels": LabelTarget,
}


def restore_target(description: Any, arrays: Mapping[str, Array]) -> Target:
    """Return the target that a description and arrays were made from, whichever it is.

    Raises
    ------
    BadSetting
        When they are not such, whatever they are.

    Examples
    --------
    >>> target = ClassTarget.fit(["no", "yes", "no"])
    >>> restore_target(target.describe(), target.arrays()).classes
    ('no', 'yes')
    """
    name = description.get("target") if isinstance(description, Mapping) else None
    if not isinstance(name, str) or name not in _TARGETS:
        raise BadSetting(f"a description of the target {shown(name)}; it must be one of {', '.join(_TARGETS)}")
    return _TARGETS[name].restore(description, arrays)
