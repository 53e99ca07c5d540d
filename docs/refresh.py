"""Writes docs/numpy.md: the NumPy and SciPy functions that memograd traces. Run it after adding a row."""

from __future__ import annotations

from pathlib import Path

from memograd.graph.traced import known_functions

PAGE = Path(__file__).parent / "numpy.md"

HEAD = """\
# What can be traced
Plain NumPy code can be traced when it uses these functions, the operators that stand for them, indexing with integers,
slices, `None`, `...`, integer arrays and concrete masks, and the methods of arrays that are the same functions
(`x.sum(axis=0)`, `x.T`, `x.reshape(...)`, `x.astype(...)`). Anything else is an error that names the line.

| functions | |
|---|---|
"""


def page() -> str:
    """The text of the page."""
    names = sorted(name for name in known_functions() if name != "getitem")
    groups: dict[str, list[str]] = {}
    for name in names:
        bare = name.removeprefix("np.").removeprefix("linalg.")
        groups.setdefault(bare[0].upper(), []).append(f"`{name}`")
    return HEAD + "".join(f"| {letter} | {', '.join(group)} |\n" for letter, group in sorted(groups.items()))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
