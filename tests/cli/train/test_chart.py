"""Curves as text: of the size that is asked for, whatever they hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memograd.cli.train.chart import panels

NUMBERS = st.floats(-1e30, 1e30)


@given(
    losses=st.lists(NUMBERS, min_size=1, max_size=50),
    held_out=st.lists(NUMBERS, max_size=50),
    width=st.integers(1, 40),
    height=st.integers(2, 8),
)
def test_any_curve(losses: list[float], held_out: list[float], width: int, height: int) -> None:
    """Any curves make a line of titles and as many lines as asked for, all of one width, with a dot for each curve."""
    curves = [("loss", list(enumerate(losses))), ("held-out loss", list(enumerate(held_out)))][: 1 + bool(held_out)]
    titles, *lines = panels(curves, width=width, height=height)
    assert titles.split() == ["loss", "held-out", "loss"][: 1 if not held_out else 3]
    assert len(lines) == height
    assert len({len(line) for line in lines}) == 1
    margin = len(lines[0]) - len(curves) * (width + 2)
    for index in range(len(curves)):
        start = margin + 2 + index * (width + 2)
        assert any(character != "\u2800" for line in lines for character in line[start : start + width])


def test_axes() -> None:
    """The largest and the smallest value stand at both ends, and curves share them."""
    lines = panels([("a", [(1, 8.0), (2, 4.0)]), ("b", [(1, 2.0), (2, 1.0)])], width=3, height=3)
    assert [line[:3].strip() for line in lines] == ["", "8", "", "1"]


def test_one_point() -> None:
    """A training of one epoch is a dot in the middle."""
    assert len(panels([("a", [(1, 0.0)])])) == 7


def test_a_line_has_no_gaps() -> None:
    """From one point to the next there is a dot in every column."""
    _, *lines = panels([("a", [(0, 1.0), (100, 1000.0)])], width=20, height=5)
    body = [line[-20:] for line in lines]
    assert all(any(row[column] != "\u2800" for row in body) for column in range(20))
