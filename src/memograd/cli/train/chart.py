"""A curve as text: two by four dots a character, in Unicode's Braille patterns. Knows nothing of trainings."""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDTH, HEIGHT = 30, 6
"""Of a panel, in characters."""

_BLANK = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""By row and column within a character, the bit of a dot."""

Points = Sequence[tuple[float, float]]


def panels(curves: Sequence[tuple[str, Points]], *, width: int = WIDTH, height: int = HEIGHT) -> list[str]:
    """Return lines that show curves side by side, on the same axes, so that their heights can be compared.

    Parameters
    ----------
    curves : sequence of (title, points)
        Points are (x, y), all finite; there is at least one. Where all y are positive, their axis is logarithmic.
    width, height : int
        Of a panel, in characters.

    Examples
    --------
    >>> for line in panels([("fall", [(1, 8), (2, 4), (3, 2), (4, 1)])], width=4, height=2):
    ...     print(line)
       fall
    8  ⠑⢄⠀⠀
    1  ⠀⠀⠑⢄
    """
    xs, ys = zip(*(point for _, points in curves for point in points), strict=True)
    scale = math.log if min(ys) > 0 else float
    labels = [f"{max(ys):.3g}", *[""] * (height - 2), f"{min(ys):.3g}"]
    margin = max(map(len, labels))
    drawn = []
    for _, points in curves:
        raster = _Raster(width, height, (min(xs), max(xs)), (scale(min(ys)), scale(max(ys))))
        raster.line([(x, scale(y)) for x, y in points])
        drawn.append(raster.lines())
    titles = "  ".join([" " * margin, *(title.ljust(width) for title, _ in curves)]).rstrip()
    rows = zip(labels, zip(*drawn, strict=True), strict=True)
    return [titles, *("  ".join([label.rjust(margin), *row]) for label, row in rows)]


class _Raster:
    """Dots of a panel, and where on it a point lies."""

    def __init__(self, width: int, height: int, x_range: tuple[float, float], y_range: tuple[float, float]) -> None:
        self._cells = [[_BLANK] * width for _ in range(height)]
        self._n_columns, self._n_rows = 2 * width, 4 * height
        self._x_range, self._y_range = x_range, y_range

    def line(self, points: Points) -> None:
        """Draw a line through points, which are in order of x; several in one column as the span that they take."""
        column_before, row_before = self._place(points[0])
        for point in points:
            column, row = self._place(point)
            n_steps = max(column - column_before, abs(row - row_before), 1)
            for step in range(1, n_steps + 1):
                part = step / n_steps
                across, down = part * (column - column_before), part * (row - row_before)
                self._dot(round(column_before + across), round(row_before + down))
            column_before, row_before = column, row

    def lines(self) -> list[str]:
        """The panel as text."""
        return ["".join(map(chr, row)) for row in self._cells]

    def _place(self, point: tuple[float, float]) -> tuple[int, int]:
        x, y = (_part(value, bounds) for value, bounds in zip(point, (self._x_range, self._y_range), strict=True))
        return round(x * (self._n_columns - 1)), round((1 - y) * (self._n_rows - 1))

    def _dot(self, column: int, row: int) -> None:
        self._cells[row // 4][column // 2] |= _DOTS[row % 4][column % 2]


def _part(value: float, bounds: tuple[float, float]) -> float:
    """Where a value lies between two others, from 0 to 1."""
    low, high = bounds
    return (value - low) / (high - low) if high > low else 0.5
