r"""A derivation in LaTeX, for math mode; no package is needed.

It owns how a name is spelled there: `∂O₍₂,₁₂₎/∂w¹₁₁` is `\frac{\partial O_{2,12}}{\partial w^{1}_{11}}`.
"""

from __future__ import annotations

import re

from memograd.explain.formula import Spelling, write
from memograd.gradient.paths.derivation import Derivation

_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹", "01234567890123456789", "₍₎")


def to_latex(derivation: Derivation) -> str:
    r"""Write the derivative as the sum over all paths, what they share before a bracket.

    Returns
    -------
    str
        For use in math mode. Terms that are left out, and the middle of very long ones, are `\cdots`.

    Examples
    --------
    >>> from memograd.gradient.paths.derivation import derive
    >>> print(to_latex(derive((1, 1), (1, 1, 1))))
    \frac{\partial L}{\partial w^{1}_{11}} = \frac{\partial L}{\partial \hat{y}} \frac{\partial \hat{y}}{\partial w^{1}_{11}}
    """  # noqa: E501
    return write(derivation, _LATEX)


def factor(name: str) -> str:
    r"""Spell a derivative in LaTeX.

    Examples
    --------
    >>> print(factor("∂ŷ₁/∂O₍₂,₁₂₎"))
    \frac{\partial \hat{y}_{1}}{\partial O_{2,12}}
    """
    of, by = (_symbol(part.removeprefix("∂")) for part in name.split("/"))
    return rf"\frac{{\partial {of}}}{{\partial {by}}}"


def _symbol(name: str) -> str:
    raised = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]+", r"^{\g<0>}", name)
    lowered = re.sub("₍[₀-₉,]+₎|[₀-₉]+", r"_{\g<0>}", raised)
    return lowered.translate(_PLAIN).replace("ŷ", r"\hat{y}")


_LATEX = Spelling(factor, (r"\left[", r"\right]"), r"\cdots", lambda n_terms: r"\cdots")
