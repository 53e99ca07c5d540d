"""Writes deliveries.csv beside this file: a table as it comes from a shop, made up, with nothing prepared for learning.

Every row is drawn from one seed by a rule that is written below, so the file can be made again, byte for byte.
"""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from random import Random

PATH = Path(__file__).with_name("deliveries.csv")

N_ROWS, SEED = 1500, 20
FIRST_DAY = date(2023, 1, 1)
CARRIERS = {"Ardea": -0.6, "Buteo": 0.2, "Corvus": 0.9, "Dryas": -0.2}
"""Each carrier, and how much likelier it is to be late than another, in log-odds."""

TOWNS = tuple(
    f"{start}{end}" for start in ("Al", "Bran", "Cor", "Dun", "El", "Fal") for end in ("burg", "dale", "ford")
)
COLUMNS = ("ordered", "carrier", "town", "distance_km", "weight_kg", "express", "insured", "outcome")


def deliveries(n_rows: int = N_ROWS, seed: int = SEED) -> str:
    """Return the text of the table."""
    random = Random(seed)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(random) for _ in range(n_rows))
    return text.getvalue()


def _row(random: Random) -> list[str]:
    # Of all that `Random` can do, only the sequence of random() is promised to stay the same.
    day = FIRST_DAY + timedelta(days=int(random.random() * 730))
    carrier = list(CARRIERS)[int(random.random() ** 1.5 * len(CARRIERS))]
    town = int(random.random() ** 2 * len(TOWNS))
    distance = 5 + 400 * random.random() ** 2
    weight = 0.2 + 30 * random.random() ** 3
    express, insured = random.random() < 0.3, random.random() < 0.5
    december = 1.5 if day.month == 12 else 0.0
    remote = 1.5 if town % 5 == 3 else 0.0
    log_odds = CARRIERS[carrier] + december + remote + 0.012 * distance - (2.0 if express else 0.0) - 1.4
    is_late = log_odds + 1.2 * (sum(random.random() for _ in range(12)) - 6) > 0
    cells = [
        _known(random, 0.02, day.isoformat()),
        _known(random, 0.03, carrier),
        TOWNS[town],
        _known(random, 0.05, f"{distance:.1f}"),
        _known(random, 0.15, f"{weight:.2f}"),
        "true" if express else "false",
        _known(random, 0.08, "yes" if insured else "no"),
    ]
    return [*cells, "late" if is_late else "on time"]


def _known(random: Random, share_missing: float, cell: str) -> str:
    """The cell, or nothing: someone forgot to write it down."""
    return "" if random.random() < share_missing else cell


if __name__ == "__main__":
    PATH.write_text(deliveries(), encoding="utf-8", newline="")
