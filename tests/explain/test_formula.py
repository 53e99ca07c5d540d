"""The layout that text and LaTeX share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memograd.explain.formula import HEAD, TAIL, Spelling, product, write
from memograd.gradient.paths.derivation import derive

PLAIN = Spelling(str, ("[", "]"), "…", "… ({} more)".format)


@given(st.lists(st.integers(1, 4), min_size=2, max_size=5))
def test_every_term_is_written_once(sizes: list[int]) -> None:
    """Multiplied out, what is written are the terms of the derivation."""
    derivation = derive(sizes, (1, 1, 1), max_terms=10**6)
    _, _, written = write(derivation, PLAIN).partition(" = ")
    terms, first = [], ""
    for summand in written.replace(" ]", "").split(" + "):
        factors = summand.split()
        if factors[0].startswith("∂L/"):
            first = factors.pop(0)
        terms.append((first, *(name for name in factors if name != "[")))
    assert tuple(terms) == derivation.terms


def test_a_product_is_shortened_only_if_that_makes_it_shorter() -> None:
    """One factor is never replaced by an ellipsis of the same length."""
    names = [str(n) for n in range(HEAD + TAIL + 1)]
    assert product(names, PLAIN) == " ".join(names)
    assert product([*names, "last"], PLAIN) == "0 1 … 4 5 6 last"
