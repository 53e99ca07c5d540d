"""A derivation as plain text for a terminal, in lines of fewer than 100 columns.

It owns how numbers, tables and formulas are fitted into lines. Names are already spelled as on paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby
from textwrap import fill

from memograd.explain.formula import Spelling, product, write
from memograd.explain.numbers import LARGE, grouped, rounded, value
from memograd.gradient.paths.derivation import Derivation, Values
from memograd.gradient.paths.layer_counts import Multiplications
from memograd.gradient.paths.semirings import Real

WIDTH = 98

# As many groups of three digits and a comma as fit into a line after its indent.
_GROUPS_A_LINE = 23


def to_text(derivation: Derivation) -> str:
    """Explain a derivative: the formula, what its paths share, what storing saves, and the values.

    Returns
    -------
    str
        Lines of fewer than 100 columns, without a newline at the end.

    Examples
    --------
    >>> from memograd.gradient.paths.derivation import derive
    >>> print(to_text(derive((2, 2, 2, 1), (1, 1, 1))))
    Network 2-2-2-1, weight w(1, 1, 1): 2 paths lead to the loss.
    <BLANKLINE>
    ∂L/∂w¹₁₁ = ∂L/∂ŷ [ ∂ŷ/∂O₂₁ ∂O₂₁/∂O₁₁ ∂O₁₁/∂w¹₁₁ + ∂ŷ/∂O₂₂ ∂O₂₂/∂O₁₁ ∂O₁₁/∂w¹₁₁ ]
    <BLANKLINE>
    Both paths share ∂L/∂ŷ and ∂O₁₁/∂w¹₁₁.
    <BLANKLINE>
    Multiplications         path by path          each stored once                     saved
      this weight                      6                         5                         1
      all weights                     34                        16                        18
    """
    sections = (_headline, _formula, _sharing, _multiplications, _values)
    return "\n\n".join(text for section in sections if (text := section(derivation)))


def _headline(derivation: Derivation) -> str:
    k, i, j = derivation.weight
    begin = f"Network {_network(derivation.sizes)}, weight w({k}, {i}, {j}):"
    if derivation.paths == 1:
        return _filled(f"{begin} 1 path leads to the loss.")
    if derivation.paths < LARGE:
        return _filled(f"{begin} {grouped(derivation.paths)} paths lead to the loss.")
    number = rounded(derivation.paths)
    return "\n".join([_filled(f"{begin} {number} paths lead to the loss. Exactly:"), *_digits(derivation.paths)])


def _network(sizes: Sequence[int]) -> str:
    # 2-8×10000-1 for ten thousand layers of eight nodes, but 2-2-2-1.
    runs = [(str(size), len(list(run))) for size, run in groupby(sizes)]
    return "-".join(f"{size}×{times}" if times > 8 else "-".join([size] * times) for size, times in runs)


def _digits(number: int) -> list[str]:
    groups = grouped(number).split(",")
    lines = [groups[start : start + _GROUPS_A_LINE] for start in range(0, len(groups), _GROUPS_A_LINE)]
    return ["  " + line for line in ",\n".join(map(",".join, lines)).split("\n")]


def _formula(derivation: Derivation) -> str:
    line = write(derivation, _TEXT)
    if len(line) <= WIDTH:
        return line
    first, *others = line.split(" + ")
    depths = accumulate(piece.count("[") - piece.count("]") for piece in (first, *others))
    lower = [f"  {'    ' * depth}+ {piece}" for depth, piece in zip(depths, others, strict=False)]
    # Further in than any term, so that a line broken within one is not taken for the next.
    return "\n".join(_filled(piece, indent=10) for piece in (first, *lower))


def _sharing(derivation: Derivation) -> str:
    if derivation.paths == 1:
        return "A single path shares nothing: there is nothing to store for it alone."
    everyone = _everyone(derivation.paths)
    by_all = [name for name, uses in derivation.shared.items() if uses == derivation.paths]
    by_some = len(derivation.shared) + derivation.shared_omitted - len(by_all)
    others = f" {grouped(by_some)} more {_plural(by_some, 'factor is', 'factors are')} shared by several of them."
    return _filled(f"{everyone} share {_listed(by_all)}." + (others if by_some else ""))


def _everyone(n_paths: int) -> str:
    if n_paths == 2:
        return "Both paths"
    return f"All {grouped(n_paths)} paths" if n_paths < LARGE else "All paths"


def _multiplications(derivation: Derivation) -> str:
    rows = [
        ("Multiplications", "path by path", "each stored once", "saved"),
        ("  this weight", *_costs(derivation.multiplications)),
        ("  all weights", *_costs(derivation.all_weights)),
    ]
    return "\n".join(f"{head:<15}{naive:>21}{memoized:>26}{saved:>26}" for head, naive, memoized, saved in rows)


def _costs(multiplications: Multiplications) -> tuple[str, str, str]:
    naive, memoized = multiplications.naive, multiplications.memoized
    return rounded(naive), rounded(memoized), rounded(naive - memoized)


def _values(derivation: Derivation) -> str:
    values = derivation.values
    if values is None:
        return ""
    rows = [
        ("sum over the paths", _path_sum(values.path_sum)),
        ("each stored once", value(values.memoized)),
        ("finite differences", _difference(values)),
    ]
    lines = [f"  {way:<21}{number}" for way, number in rows]
    return "\n".join(map(_filled, [f"{derivation.derivative} in numbers", *lines]))


def _path_sum(number: Real | None) -> str:
    return "too many paths to take them one by one" if number is None else value(number)


def _difference(values: Values) -> str:
    too_small = values.memoized and not values.finite_difference
    return value(values.finite_difference) + (", for the loss changes in none of its digits" if too_small else "")


def _listed(names: Sequence[str]) -> str:
    if len(names) > 7:
        return product(names, _TEXT)
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _plural(number: int, one: str, many: str) -> str:
    return one if number == 1 else many


def _filled(text: str, indent: int = 6) -> str:
    # Break between words alone: hyphens join the sizes of a network.
    return fill(text, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)


_TEXT = Spelling(str, ("[", "]"), "…", lambda n_terms: f"… ({rounded(n_terms)} more)")
