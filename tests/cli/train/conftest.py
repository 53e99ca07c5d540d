"""Raw tables, and ways to see whether anything was trained."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

RAW_HEADER = "size,colour,new,day,kind"


def raw_lines(n_rows: int = 60, seed: int = 0) -> list[str]:
    """Return rows of a table with numbers, categories, truth values and dates, all with gaps, and a class."""
    generator = random.Random(seed)
    lines = []
    for _ in range(n_rows):
        size, colour = generator.gauss(0, 1), generator.choice(["red", "green", "blue"])
        new, day = generator.random() < 0.5, f"2024-0{generator.randint(1, 9)}-1{generator.randint(0, 9)}"
        kind = "up" if size + (colour == "red") - new > 0 else "down"
        cells = [f"{size:.3f}", colour, "true" if new else "false", day]
        lines.append(",".join([*("" if generator.random() < 0.1 else cell for cell in cells), kind]))
    return lines


@pytest.fixture
def raw(folder: Path) -> Path:
    """A table as it comes."""
    path = folder / "raw.csv"
    path.write_text("\n".join([RAW_HEADER, *raw_lines()]) + "\n")
    return path


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, whatever computes fails the test."""

    def forbid() -> None:
        monkeypatch.setattr("memograd.cli.train.training.train", lambda *_, **__: pytest.fail("it was trained"))

    return forbid
