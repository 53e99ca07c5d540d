"""What may be chosen about the encoding of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from memograd.errors import BadSetting, UnknownName

Numeric = Literal["robust", "standard", "none"]

_MAX_ONE_HOT = 1_000_000


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How columns become inputs of a network.

    Parameters
    ----------
    numeric : {"robust", "standard", "none"}
        How numbers and dates are scaled. "robust": median 0, the middle half 1 wide, smoothly clipped. "standard":
        mean 0, deviation 1. "none": as they are.
    smooth_clip : float
        Robustly scaled numbers stay within ± this, and small ones as they are; infinite for no clipping.
    one_hot_up_to : int
        Columns of at most so many categories get an input for each; those of more are to be embedded. Two categories
        share one input in any case.

    Raises
    ------
    UnknownName
        When there is no such scaling.
    BadSetting
        When a number is out of range.

    Examples
    --------
    >>> EncoderSettings(numeric="standard")
    EncoderSettings(numeric='standard', smooth_clip=3.0, one_hot_up_to=9)
    """

    numeric: Numeric = "robust"
    smooth_clip: float = 3.0
    one_hot_up_to: int = 9

    def __post_init__(self) -> None:
        if self.numeric not in get_args(Numeric):
            raise UnknownName(f"numeric is {self.numeric!r}; it must be one of {', '.join(get_args(Numeric))}")
        if not _is_number(self.smooth_clip, int | float) or not self.smooth_clip > 0:
            raise BadSetting(f"smooth_clip is {self.smooth_clip!r}; it must be a positive number")
        if not _is_number(self.one_hot_up_to, int) or not 2 <= self.one_hot_up_to <= _MAX_ONE_HOT:
            raise BadSetting(f"one_hot_up_to is {self.one_hot_up_to!r}; it must be an integer from 2 to {_MAX_ONE_HOT}")


def _is_number(value: object, kinds: object) -> bool:
    """Whether a value is of a kind of numbers, which truth values are not."""
    return isinstance(value, kinds) and not isinstance(value, bool)  # type: ignore[arg-type]
