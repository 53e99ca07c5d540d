"""The sum over all paths as it is written on paper: what stands before a bracket, what in it, and what is left out.

It owns the layout, which text and LaTeX have in common. It does not know how either spells a factor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from memograd.gradient.paths.derivation import Derivation

# Of a long product only the ends are written. The first four terms of a deep network part in the two layers next to
# the weight's at most, and the last four factors show both.
HEAD, TAIL = 2, 4


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a formula looks where it is shown.

    Attributes
    ----------
    factor : callable
        From the name of a derivative to its spelling.
    brackets : tuple of str
        The opening and the closing one.
    ellipsis : str
        For factors that are left out.
    more : callable
        From the number of terms that are left out to what is written for them.
    """

    factor: Callable[[str], str]
    brackets: tuple[str, str]
    ellipsis: str
    more: Callable[[int], str]


def write(derivation: Derivation, spelling: Spelling) -> str:
    """Write the derivative as the sum over its paths, the derivative of the loss with which they begin put in front.

    Examples
    --------
    >>> from memograd.gradient.paths.derivation import derive
    >>> plain = Spelling(str, ("[", "]"), "…", "… ({} more)".format)
    >>> write(derive((2, 2, 1), (1, 1, 1)), plain)
    '∂L/∂w¹₁₁ = ∂L/∂ŷ ∂ŷ/∂O₁₁ ∂O₁₁/∂w¹₁₁'
    >>> write(derive((2, 2, 3), (1, 1, 1), max_terms=1), plain)
    '∂L/∂w¹₁₁ = ∂L/∂ŷ₁ ∂ŷ₁/∂O₁₁ ∂O₁₁/∂w¹₁₁ + … (2 more)'
    """
    more = [spelling.more(derivation.terms_omitted)] if derivation.terms_omitted else []
    # The terms left out go into the bracket if what stands before it is theirs too.
    inside, outside = (more, []) if _begin_alike(derivation) else ([], more)
    groups = groupby(derivation.terms, key=lambda term: term[0])
    written = [_group(first, (term[1:] for term in terms), inside, spelling) for first, terms in groups]
    return f"{spelling.factor(derivation.derivative)} = {' + '.join([*written, *outside])}"


def product(factors: Sequence[str], spelling: Spelling) -> str:
    """Write factors side by side, without the middle of very many.

    Examples
    --------
    >>> product("abcdefghij", Spelling(str.upper, ("[", "]"), "…", str))
    'A B … G H I J'
    """
    if len(factors) <= HEAD + TAIL + 1:
        return " ".join(map(spelling.factor, factors))
    head, tail = map(spelling.factor, factors[:HEAD]), map(spelling.factor, factors[-TAIL:])
    return " ".join([*head, spelling.ellipsis, *tail])


def _begin_alike(derivation: Derivation) -> bool:
    return any(derivation.shared.get(term[0]) == derivation.paths for term in derivation.terms[:1])


def _group(first: str, rests: Iterable[Sequence[str]], more: Sequence[str], spelling: Spelling) -> str:
    summands = [*(product(rest, spelling) for rest in rests), *more]
    opening, closing = spelling.brackets if len(summands) > 1 else ("", "")
    return " ".join(filter(None, [spelling.factor(first), opening, " + ".join(summands), closing]))
