"""The pages that are made by a program are as the program makes them."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_list_of_functions() -> None:
    """docs/numpy.md lists exactly the functions that have a row; `python docs/refresh.py` writes it."""
    page = runpy.run_path(str(DOCS / "refresh.py"))["page"]
    assert page() == (DOCS / "numpy.md").read_text(encoding="utf-8")
