"""`memograd predict`: a column of predictions, from any table that has the model's columns."""

from __future__ import annotations

import csv
import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memograd.train.model_file import load_model

Rows = list[dict[str, str]]


def rows_of(path: Path) -> Rows:
    """Return the rows of a table by name of column."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Rows) -> Path:
    """Write such rows as a table."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def predictions(out: str) -> list[str]:
    """Return what a table of predictions holds."""
    return [row["prediction"] for row in csv.DictReader(io.StringIO(out, newline=""))]


def test_round_trip(run: Callable, model: Path, table: Path) -> None:
    """On the table that it was trained on, most predictions are right, and they are those of the library."""
    outcome = run("predict", model, table)
    assert (outcome.status, outcome.err) == (0, "")
    found = predictions(outcome.out)
    right = [row["kind"] == prediction for row, prediction in zip(rows_of(table), found, strict=True)]
    assert np.mean(right) > 0.9
    X = {name: [float(row[name]) for row in rows_of(table)] for name in ("a", "b")}
    assert found == load_model(model).predict(X).tolist()


def test_other_order_and_more_columns(run: Callable, model: Path, table: Path) -> None:
    """Columns may stand in any order, beside others with text or holes, with or without the target."""
    expected = run("predict", model, table).out
    rows = rows_of(table)
    for row in rows:
        row.pop("kind")
    assert run("predict", model, write(Path("u.csv"), rows)).out == expected
    shuffled = [{"note": "x", "b": row["b"], "hole": "", "a": row["a"], "kind": "?"} for row in rows]
    assert run("predict", model, write(Path("u.csv"), shuffled)).out == expected


def test_any_rows(run: Callable, model: Path, table: Path) -> None:
    """One row will do, and shuffled rows have the predictions of their own."""
    rows = rows_of(table)
    found = predictions(run("predict", model, table).out)
    order = random.Random(0).sample(range(len(rows)), len(rows))
    shuffled = write(Path("u.csv"), [rows[index] for index in order])
    assert predictions(run("predict", model, shuffled).out) == [found[index] for index in order]
    assert predictions(run("predict", model, write(Path("u.csv"), rows[:1])).out) == found[:1]


def test_out(run: Callable, model: Path, table: Path) -> None:
    """With --out the predictions go to that file, in place of what was there, and standard output tells of it."""
    expected = run("predict", model, table).out
    Path("p.csv").write_text("old")
    outcome = run("predict", model, table, "--out", "p.csv")
    assert (outcome.status, outcome.err) == (0, "")
    assert Path("p.csv").read_text() == expected
    assert "60" in outcome.out
    assert "p.csv" in outcome.out
    assert sorted(os.listdir()) == ["p.csv", "t.csv", "t.model"]


def test_json(run: Callable, model: Path, table: Path) -> None:
    """With --json there is one object; it holds the predictions, unless a file does."""
    found = predictions(run("predict", model, table).out)
    whole = run("predict", model, table, "--json").record
    assert whole["predictions"] == found
    assert (whole["task"], whole["rows"], whole["model"]) == ("classification", 60, str(model))
    record = run("predict", model, table, "--json", "--out", "p.csv").record
    assert "predictions" not in record
    assert (record["out"], record["rows"]) == ("p.csv", 60)
    assert predictions(Path("p.csv").read_text()) == found


def test_numbers(run: Callable, table: Path) -> None:
    """Predicted numbers are written so that reading them gives the same ones, in the target's own unit."""
    rows = [{**row, "y": f"{1000 + 10 * float(row['a'])}"} for row in rows_of(table)]
    numbers = write(Path("n.csv"), rows)
    run("train", numbers, "--target", "y", "--ignore", "kind", "--model", "n.model")
    found = [float(cell) for cell in predictions(run("predict", "n.model", numbers).out)]
    assert found == run("predict", "n.model", numbers, "--json").record["predictions"]
    np.testing.assert_allclose(found, [float(row["y"]) for row in rows], atol=15)


def test_classes_that_need_quotes(run: Callable, table: Path) -> None:
    """Classes with separators, quotes, line breaks and other scripts come back as they were."""
    names = {"up": 'a, "b"\nc', "down": "ŷ; 日本"}
    write(table, [{**row, "kind": names[row["kind"]]} for row in rows_of(table)])
    run("train", table, "--target", "kind", "--model", "q.model", "--epochs", "30")
    assert set(predictions(run("predict", "q.model", table).out)) == set(names.values())
    assert set(run("predict", "q.model", table, "--json").record["predictions"]) == set(names.values())


def test_probabilities(run: Callable, model: Path, table: Path) -> None:
    """With --proba there is a column for each class; rows sum to one, and the likeliest class is the prediction."""
    found = predictions(run("predict", model, table).out)
    rows = list(csv.DictReader(run("predict", model, table, "--proba").out.splitlines()))
    assert list(rows[0]) == ["down", "up"]
    numbers = [{name: float(cell) for name, cell in row.items()} for row in rows]
    assert [max(row, key=row.__getitem__) for row in numbers] == found
    np.testing.assert_allclose([sum(row.values()) for row in numbers], 1)
    record = run("predict", model, table, "--proba", "--json").record
    assert record["classes"] == ["down", "up"]
    assert record["probabilities"] == [list(row.values()) for row in numbers]
    run("predict", model, table, "--proba", "--out", "p.csv")
    assert Path("p.csv").read_text() == run("predict", model, table, "--proba").out


def test_no_probabilities_of_numbers(refused: Callable, run: Callable, table: Path) -> None:
    """A model of numbers has no probabilities, and says so."""
    run("train", table, "--target", "b", "--epochs", "1", "--model", "n.model")
    assert "--proba: the model predicts numbers" in refused("predict", "n.model", table, "--proba")


def test_holes(run: Callable, model: Path) -> None:
    """A gap is filled in, also in a column that had none when the model was trained."""
    Path("u.csv").write_text("a,b\n1,\n,NA\n")
    assert len(predictions(run("predict", model, "u.csv").out)) == 2


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("a,B\n1,2\n", ["of the 2 columns", "1 is missing: 'b'", "trained on"], id="renamed"),
        pytest.param("x\n1\n", ["2 are missing: 'a', 'b'"], id="missing"),
        pytest.param("a,b\n1,2\n3,high\n", ["row 2 (line 3)", "column 'b'", "'high' is not a number"], id="text"),
        pytest.param("a,b\n1,1e39\n", ["row 1 (line 2)", "too large"], id="too large"),
        pytest.param("a,b\n1,inf\n", ["row 1 (line 2)", "infinite"], id="infinite"),
        pytest.param("a,b\n", ["no rows"], id="no rows"),
        pytest.param("", ["is empty"], id="empty"),
        pytest.param("a,b\n1,2,3\n", ["row 1 (line 2)", "found 3 cells"], id="ragged"),
        pytest.param("a,a,b\n1,2,3\n", ["more than one column is named 'a'"], id="same name"),
    ],
)
def test_tables_that_cannot_be_used(refused: Callable, model: Path, table: Path, text: str, parts: list[str]) -> None:
    """A table without the columns or numbers that the model needs is refused in one line, and no file is written."""
    table.write_text(text)
    for options in ([], ["--json"], ["--out", "p.csv"]):
        line = refused("predict", model, table, *options)
        assert "--ignore" not in line  # which predict does not have
        for part in ("t.csv", *parts):
            assert part in line


def test_many_missing_columns(refused: Callable, run: Callable, table: Path) -> None:
    """Of many missing columns, six are named."""
    names = [f"c{index}" for index in range(100)]
    rows = [{**dict.fromkeys(names, str(index)), "kind": "xy"[index % 2]} for index in range(20)]
    run("train", write(Path("w.csv"), rows), "--target", "kind", "--epochs", "1")
    line = refused("predict", "w.model", table)
    assert "100 are missing: 'c0', 'c1', 'c2', 'c3', 'c4', 'c5', …; " in line


def test_a_row_without_prediction(refused: Callable, run: Callable) -> None:
    """A row so far from the others that its prediction overflows is named, and not given as nan."""
    names = [f"a{number}" for number in range(60)]
    rows = [{**dict.fromkeys(names, f"{index}e-30"), "y": f"{index}.5"} for index in range(40)]
    run("train", write(Path("s.csv"), rows), "--target", "y", "--epochs", "2", "--preset", "sklearn")
    write(Path("far.csv"), [rows[0], {**dict.fromkeys(names, "3e38"), "y": "0"}])
    for options in ([], ["--json"], ["--out", "p.csv"]):
        assert "far.csv: row 2 has no finite prediction" in refused("predict", "s.model", "far.csv", *options)


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (lambda data: b"", "is no model file, or is damaged"),
        (lambda data: data[:-1], "is no model file, or is damaged"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "is damaged: its content does not match its digest"),
        (lambda data: b"a,b\n1,2\n", "is no model file"),
    ],
)
def test_damaged_models(refused: Callable, model: Path, table: Path, damage: Callable, part: str) -> None:
    """A model file that is damaged, or none, is refused in one line."""
    model.write_bytes(damage(model.read_bytes()))
    assert part in refused("predict", model, table, "--out", "p.csv")


@pytest.mark.parametrize(
    ("path", "part"),
    [("no.model", "no.model: does not exist"), (".", "not a regular file"), ("t.csv", "is no model file")],
)
def test_paths_of_no_model(refused: Callable, table: Path, path: str, part: str) -> None:
    """A model that is not there is named."""
    assert part in refused("predict", path, table)


@pytest.mark.parametrize(
    ("place", "part"),
    [
        ("no/p.csv", "No such file or directory"),
        (".", "it is a directory"),
        ("/dev/null", "not a regular file"),
        ("t.csv", "is the table itself"),
        ("./t.model", "is the model itself"),
        ("x" * 300, "File name too long"),
    ],
)
def test_places_of_no_predictions(refused: Callable, model: Path, table: Path, place: str, part: str) -> None:
    """Where predictions cannot or should not be written, that is said, and nothing is."""
    assert part in refused("predict", model, table, "--out", place)
