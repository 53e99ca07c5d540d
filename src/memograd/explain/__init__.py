"""The derivation of a derivative, for people: on a terminal, on a page, and as data. It computes nothing."""

from memograd.explain.as_json import to_json
from memograd.explain.explanation import Explanation, explain
from memograd.explain.latex import to_latex
from memograd.explain.text import to_text

__all__ = ["Explanation", "explain", "to_json", "to_latex", "to_text"]
