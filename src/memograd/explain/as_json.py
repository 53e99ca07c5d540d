"""A derivation as data for other programs: plain dicts, lists, numbers and strings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction

from memograd.explain.latex import to_latex
from memograd.explain.numbers import ratio
from memograd.gradient.paths.derivation import Derivation


def to_json(derivation: Derivation) -> dict[str, object]:
    """Turn a derivation into what the `json` module writes.

    Returns
    -------
    dict
        `network` (sizes), `weight` (k, i, j), `paths`, `terms` (the first ones, each a list of factors), `shared`
        (factor to the number of paths in which it occurs; the most shared, if there are very many),
        `multiplications` (`naive`, `memoized`, and both again for `all_weights` together), `latex`, and `values`
        (None where no numbers were given; a fraction is written as a string). Whole numbers are exact,
        whatever their size: to write one of more than 4,300 digits, Python itself has to be told
        (`sys.set_int_max_str_digits`).

    Examples
    --------
    >>> from memograd.gradient.paths.derivation import derive
    >>> form = to_json(derive((2, 2, 2, 1), (1, 1, 1)))
    >>> form["paths"], form["shared"]
    (2, {'∂L/∂ŷ': 2, '∂O₁₁/∂w¹₁₁': 2})
    >>> form["multiplications"]
    {'naive': 6, 'memoized': 5, 'all_weights': {'naive': 34, 'memoized': 16}}
    """
    return {form: write(derivation) for form, write in _KEYS.items()}


def _multiplications(derivation: Derivation) -> dict[str, object]:
    return {**asdict(derivation.multiplications), "all_weights": asdict(derivation.all_weights)}


def _values(derivation: Derivation) -> dict[str, object] | None:
    if derivation.values is None:
        return None
    numbers = asdict(derivation.values)
    return {name: ratio(value) if isinstance(value, Fraction) else value for name, value in numbers.items()}


_KEYS: dict[str, Callable[[Derivation], object]] = {
    "network": lambda derivation: list(derivation.sizes),
    "weight": lambda derivation: list(derivation.weight),
    "paths": lambda derivation: derivation.paths,
    "terms": lambda derivation: [list(term) for term in derivation.terms],
    "shared": lambda derivation: dict(derivation.shared),
    "multiplications": _multiplications,
    "latex": to_latex,
    "values": _values,
}
