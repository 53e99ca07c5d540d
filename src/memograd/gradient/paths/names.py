"""How vertices and the derivatives between them are spelled: raised and lowered indices, and ∂y/∂x."""

from __future__ import annotations

_LOWERED = str.maketrans("0123456789()", "₀₁₂₃₄₅₆₇₈₉₍₎")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def factor_name(of: str, by: str) -> str:
    """Name a derivative.

    Examples
    --------
    >>> factor_name("L", "ŷ")
    '∂L/∂ŷ'
    """
    return f"∂{of}/∂{by}"


def subscript(*indices: int) -> str:
    """Lower indices; where they could be mistaken for others, with parentheses and commas.

    Examples
    --------
    >>> subscript(2, 3), subscript(2, 13), subscript(213)
    ('₂₃', '₍₂,₁₃₎', '₂₁₃')
    """
    plain = len(indices) == 1 or max(indices) < 10
    text = "".join(map(str, indices)) if plain else f"({','.join(map(str, indices))})"
    return text.translate(_LOWERED)


def superscript(index: int) -> str:
    """Raise an index.

    Examples
    --------
    >>> superscript(12)
    '¹²'
    """
    return str(index).translate(_RAISED)
