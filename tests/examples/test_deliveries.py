"""The made-up table is what its script writes, and holds what a table holds that nobody prepared."""

from __future__ import annotations

import csv
import runpy
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
TEXT = (EXAMPLES / "deliveries.csv").read_text("utf-8")


def test_made_again() -> None:
    """The script writes the file that is there, byte for byte."""
    made = runpy.run_path(str(EXAMPLES / "make_deliveries.py"))
    assert made["deliveries"]() == TEXT


def test_contents() -> None:
    """There are gaps, categories, truth values and dates; of the two outcomes none is rare."""
    rows = list(csv.DictReader(TEXT.splitlines()))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    gaps = {name for name, cells in columns.items() if "" in cells}
    assert gaps == {"ordered", "carrier", "distance_km", "weight_kg", "insured"}
    assert {"true", "false"} == set(columns["express"])
    assert len(set(columns["town"])) > 10 > len(set(columns["carrier"]))
    assert 0.3 < columns["outcome"].count("late") / len(rows) < 0.7
