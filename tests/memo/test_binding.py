"""Arguments bound to parameters, as Python itself would bind them."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from memograd.errors import BadSetting
from memograd.memo.binding import binding_of

DEFAULT = object()


def every_kind(a: int, b: Any = DEFAULT, /, c: int = 3, *rest: int, d: int, e: int = 5, **options: int) -> None:
    """Has parameters of all kinds."""


CALLS: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    ((1,), {"d": 4}),
    ((1, 2, 3, 4, 5), {"d": 4, "e": 6}),
    ((1,), {"d": 4, "c": 7, "z": 1, "a": 2}),
    ((), {"d": 4}),
    ((1,), {}),
    ((1, 2), {"d": 4, "c": 1, "e": 2}),
)


@pytest.mark.parametrize(("args", "kwargs"), CALLS)
def test_arguments_are_bound_as_python_binds_them(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """The values are those that `inspect` finds; arguments that do not fit are a TypeError that names the function."""
    binding = binding_of(every_kind)
    assert binding.names == ("a", "b", "c", "*rest", "d", "e", "**options")
    try:
        bound = inspect.signature(every_kind).bind(*args, **kwargs)
    except TypeError:
        with pytest.raises(TypeError, match="every_kind"):
            binding.bind(*args, **kwargs)
        return
    bound.apply_defaults()
    assert binding.bind(*args, **kwargs) == tuple(bound.arguments.values())


def test_defaults_are_the_very_objects() -> None:
    """A default that equals everything, or has no text, is bound as it is."""
    assert binding_of(every_kind).bind(1, d=4)[1] is DEFAULT


def test_what_is_ignored_is_bound_and_left_out() -> None:
    """Also stars; and a name that is no parameter is refused with those that are."""
    binding = binding_of(every_kind, ["rest", "options", "c"])
    assert binding.names == ("a", "b", "d", "e")
    assert binding.bind(1, 2, 3, 4, d=5, z=6) == (1, 2, 5, 5)
    with pytest.raises(BadSetting, match=r"'verbose': every_kind has the parameters a, b, c"):
        binding_of(every_kind, ["verbose"])


def test_functions_without_a_name_of_their_own() -> None:
    """Lambdas, callable objects and functions of C are bound too."""

    class Scale:
        def __call__(self, x: int, factor: int = 2) -> int:
            return x * factor

    assert binding_of(lambda x, y=1: x).bind(3) == (3, 1)
    assert binding_of(Scale()).bind(factor=5, x=1) == (1, 5)
    assert binding_of(divmod).bind(7, 2) == (7, 2)
