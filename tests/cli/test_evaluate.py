"""`memograd evaluate`: how well a model does on a table, in numbers that are those of its predictions."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


def test_classes(run: Callable, model: Path, table: Path) -> None:
    """Of classes, accuracy, balanced accuracy, log loss and confusion are those of the predictions."""
    record = run("evaluate", model, table, "--json").record
    assert (record["task"], record["target"], record["rows"]) == ("classification", "kind", 60)
    kinds = [row["kind"] for row in csv.DictReader(table.read_text().splitlines())]
    found = [row["prediction"] for row in csv.DictReader(io.StringIO(run("predict", model, table).out))]
    assert record["metrics"]["accuracy"] == pytest.approx(np.mean([a == b for a, b in zip(kinds, found, strict=True)]))
    assert record["classes"] == ["down", "up"]
    counted = [
        [sum(pair == (a, b) for pair in zip(kinds, found, strict=True)) for b in record["classes"]]
        for a in record["classes"]
    ]
    assert record["confusion"] == counted
    proba = run("predict", model, table, "--proba", "--json").record
    likelihood = [row[proba["classes"].index(kind)] for row, kind in zip(proba["probabilities"], kinds, strict=True)]
    assert record["metrics"]["log_loss"] == pytest.approx(-np.log(likelihood).mean())


def test_text(run: Callable, model: Path, table: Path) -> None:
    """People are told the metrics and, of few classes, what was taken for what."""
    out = run("evaluate", model, table).out
    for part in ("classification of kind", "accuracy", "balanced_accuracy", "log_loss", "rows are what was"):
        assert part in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_numbers(run: Callable, table: Path) -> None:
    """Of numbers, R² and errors are in the target's own unit."""
    run("train", table, "--target", "b", "--epochs", "20", "--hidden", "8")
    record = run("evaluate", "t.model", table, "--json").record
    assert set(record["metrics"]) == {"r2", "rmse", "mae"}
    found = np.array(run("predict", "t.model", table, "--json").record["predictions"])
    y = np.array([float(row["b"]) for row in csv.DictReader(table.read_text().splitlines())])
    assert record["metrics"]["mae"] == pytest.approx(np.abs(found - y).mean())
    assert "confusion" not in record


def test_the_target_can_be_named(run: Callable, refused: Callable, model: Path, table: Path) -> None:
    """Where more than one column is unknown to the model, the target must be named; it may be any column."""
    header, *rows = table.read_text().split()
    Path("u.csv").write_text("\n".join([f"{header},note", *(f"{row},x" for row in rows)]))
    line = refused("evaluate", model, "u.csv")
    assert "there are 2: 'kind', 'note'; name --target" in line
    named = run("evaluate", model, "u.csv", "--target", "kind", "--json").record
    assert named["metrics"] == run("evaluate", model, table, "--json").record["metrics"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a,b\n1,2\n", ["there is none", "--target"]),
        ("a,kind\n1,up\n", ["1 is missing: 'b'"]),
        ("a,b,kind\n1,2,left\n", ["row 1 (line 2)", "column 'kind'", "'left' is none of the classes", "'down', 'up'"]),
        ("a,b,kind\n1,2,\n", ["row 1 (line 2)", "missing value"]),
        ("a,b,kind\n1,x,up\n", ["row 1 (line 2)", "column 'b'", "'x' is not a number"]),
        ("a,b,kind\n", ["no rows"]),
    ],
)
def test_tables_that_cannot_be_used(refused: Callable, model: Path, text: str, parts: list[str]) -> None:
    """A table without the target, the columns or the classes is refused in one line."""
    Path("u.csv").write_text(text)
    line = refused("evaluate", model, "u.csv")
    for part in ("u.csv", *parts):
        assert part in line


def test_unknown_target(refused: Callable, model: Path, table: Path) -> None:
    """A target that the table does not have is answered by what comes close."""
    assert "'kind'?" in refused("evaluate", model, table, "--target", "kinds")


def test_one_row(run: Callable, model: Path) -> None:
    """One row can be evaluated, though R² and the like tell nothing of it."""
    Path("one.csv").write_text("a,b,kind\n1,2,up\n")
    assert run("evaluate", model, "one.csv", "--json").record["rows"] == 1
