"""`memograd train`: what it writes and says, and what it refuses before it trains."""

from __future__ import annotations

import gzip
import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memograd.cli.target import MIN_ROWS
from memograd.table.text import FLOAT32_MAX
from memograd.train.model_file import load_model

GENERATOR = random.Random(0)
ROWS = [(f"{GENERATOR.gauss(0, 1):.4f}", f"{GENERATOR.gauss(0, 1):.4f}", "xy"[index % 2]) for index in range(40)]


def csv_text(rows: list[tuple[str, ...]], header: tuple[str, ...] = ("a", "b", "y"), separator: str = ",") -> str:
    """Return rows as the text of a table."""
    return "".join(separator.join(row) + "\n" for row in [header, *rows])


def with_cell(row: int, column: int, text: str) -> str:
    """Return the table with one other cell, counted from 1."""
    rows = [list(cells) for cells in ROWS]
    rows[row - 1][column - 1] = text
    return csv_text([tuple(cells) for cells in rows])


def test_json(run: Callable, table: Path) -> None:
    """With --json all of standard output is one object that says what was trained, on what, and how well."""
    outcome = run("train", table, "--target", "kind", "--epochs", "30", "--json", "--seed", "5")
    record = outcome.record
    assert (outcome.status, outcome.err) == (0, "")
    assert {key: record[key] for key in ("task", "target", "rows", "rows_trained", "rows_held_out", "columns")} == {
        "task": "classification", "target": "kind", "rows": 60, "rows_trained": 48, "rows_held_out": 12, "columns": 2,
    }  # fmt: skip
    assert record["classes"] == ["down", "up"]
    assert record["network"] == [2, 256, 256, 256, 2]
    assert record["seed"] == 5
    assert 1 <= record["best_epoch"] <= record["epochs"] <= 30
    assert record["stopped"] in {"finished", "early"}
    assert 0.5 < record["metrics"]["validation"]["accuracy"] <= 1
    assert record["metrics"]["validation"]["loss"] > 0
    assert record["seconds"] > 0
    assert record["model"] == "t.model"
    assert sorted(os.listdir()) == ["t.csv", "t.model"]


def test_text(run: Callable, table: Path) -> None:
    """Without it, people are told the task, the rows, the score and the file, and nothing runs to standard error."""
    outcome = run("train", table, "--target", "kind", "--epochs", "30")
    assert (outcome.status, outcome.err) == (0, "")
    for part in (
        "classification of kind",
        "2 classes",
        "48 to train, 12 held out",
        "2-256-256-256-2",
        "accuracy",
        "t.model",
    ):
        assert part in outcome.out
    assert all(line == line.rstrip() for line in outcome.out.splitlines())


def test_regression(run: Callable, table: Path) -> None:
    """A target of numbers is a regression, scored by R², with the loss of the scaled target."""
    record = run("train", table, "--target", "b", "--ignore", "kind", "--json").record
    assert record["task"] == "regression"
    assert record["classes"] == []
    assert record["network"][-1] == 1
    assert set(record["metrics"]["validation"]) == {"r2", "loss"}


OPTIONS = [
    [], ["--hidden", "8"], ["--hidden", "none"], ["--activation", "relu"], ["--dropout", "0.5"], ["--seed", "1"],
    ["--epochs", "3"], ["--batch-size", "5"], ["--learning-rate", "0.1"], ["--ignore", "a"], ["--schedule", "constant"],
    ["--preset", "sklearn"], ["--folds", "2"], ["--val", "v.csv"], ["--category", "a"],
]  # fmt: skip


def test_settings(run: Callable, table: Path) -> None:
    """Every option reaches the training: each alone gives another model."""
    Path("v.csv").write_text(table.read_text())
    files = set()
    for option in OPTIONS:
        arguments = ("--hidden", "4", *option) if "--hidden" not in option else option
        assert run("train", table, "--target", "kind", "--epochs", "4", "--model", "m", *arguments).status == 0
        files.add(Path("m").read_bytes())
    assert len(files) == len(OPTIONS)


def test_patience(run: Callable, table: Path) -> None:
    """With patience the training stops when it gains no more, and says so."""
    unlearnable = ("train", table, "--target", "b", "--ignore", "kind", "--epochs", "100", "--hidden", "8")
    patient, hasty = (run(*unlearnable, "--patience", n, "--json").record for n in ("99", "1"))
    assert patient["epochs"] > hasty["epochs"]
    assert hasty["stopped"] == "early"
    assert "stopped gaining" in run(*unlearnable, "--patience", "1").out


def test_same_seed_same_file(run: Callable, table: Path) -> None:
    """The same seed gives the same model, byte for byte."""
    files = set()
    for name in ("one", "two"):
        assert run("train", table, "--target", "kind", "--epochs", "5", "--model", name).status == 0
        files.add(Path(name).read_bytes())
    assert len(files) == 1


def test_where_the_model_goes(run: Callable, table: Path, folder: Path) -> None:
    """Without --model the model is named after the table, and lies in the working folder, not beside the table."""
    (folder / "far").mkdir()
    other = table.rename(folder / "far" / "my.table.csv")
    assert run("train", other, "--target", "kind", "--epochs", "1", "--json").record["model"] == "my.table.model"
    assert sorted(os.listdir()) == ["far", "my.table.model"]


def test_an_old_model_is_replaced_when_the_new_one_is_whole(run: Callable, refused: Callable, table: Path) -> None:
    """A model that is there is replaced by a new one, and stays when the training fails."""
    Path("m").write_text("old")
    refused("train", table, "--target", "kind", "--model", "m", "--learning-rate", "1e38")
    assert Path("m").read_text() == "old"
    assert run("train", table, "--target", "kind", "--model", "m", "--epochs", "1").status == 0
    assert load_model("m").task == "classification"


def test_divergence(refused: Callable, table: Path) -> None:
    """A learning rate far too large ends in one line that names the epoch, the loss and the remedy."""
    line = refused("train", table, "--target", "kind", "--learning-rate", "1e30")
    assert re.search(r"(loss became (nan|inf)|no longer finite) in epoch \d+; train with a smaller learning rate", line)


GOOD = {
    "semicolons": (csv_text(ROWS, separator=";"), []),
    "tabs": (csv_text(ROWS, separator="\t"), []),
    "Windows": ("\ufeff" + csv_text(ROWS).replace("\n", "\r\n"), []),
    "no line end": (csv_text(ROWS).rstrip(), []),
    "blank lines": (csv_text(ROWS).replace("\n", "\n\n"), []),
    "quoted names": (csv_text(ROWS, ('"a, ""b"""', '"two\nlines"', "y")), []),
    "strange names": (csv_text(ROWS, ("[red]", ":smile:", "y")), []),
    "large numbers": (with_cell(3, 1, "3e38"), []),
    "a text column, ignored": (with_cell(3, 1, "high"), ["--ignore", "a"]),
    "more columns than rows": (
        csv_text([(*row[:2], *row[:2] * 30, row[2]) for row in ROWS], (*(f"c{i}" for i in range(62)), "y")), []
    ),
    "a class of one row": (with_cell(7, 3, "z"), []),
    "classes of a row each, but one": (
        csv_text([(*row[:2], f"c{max(i, 5)}") for i, row in enumerate(ROWS)]), []
    ),
    "the least rows": (csv_text(ROWS[:MIN_ROWS]), []),
    "signs as classes": (csv_text([(*row[:2], "+-"[row[2] == "x"]) for row in ROWS]), []),
    "the same rows again": (csv_text(ROWS[:2] * 20), []),
    "a missing cell": (with_cell(3, 2, ""), []),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_tables_that_can_be_used(run: Callable, name: str) -> None:
    """What is odd but clear is trained on without a word."""
    text, options = GOOD[name]
    Path("t.csv").write_text(text, "utf-8", newline="")
    outcome = run("train", "t.csv", "--target", "y", "--epochs", "2", *options)
    assert (outcome.status, outcome.err) == (0, "")
    assert run("predict", "t.model", "t.csv").out.count("\n") == 1 + n_rows_of(text)


def n_rows_of(text: str) -> int:
    """Return how many rows a table has below its header, lines that are blank or in quotes left out."""
    return sum(bool(re.match(r"[-0-9]|high", line)) for line in text.splitlines())


def test_constant_columns(run: Callable) -> None:
    """Columns of one value are noted in one line, even if their names are not, and trained with."""
    rows = [(row[0], "7", "7.0", row[2]) for row in ROWS]
    Path("t.csv").write_text(csv_text(rows, ("a", '"two\nlines"', "c", "y")))
    outcome = run("train", "t.csv", "--target", "y", "--epochs", "2", "--json")
    assert outcome.status == 0
    assert outcome.err == "2 of 3 columns hold one value only and tell nothing: 'two\\nlines', 'c'\n"
    assert outcome.record["columns"] == 3


def test_only_constant_columns(run: Callable) -> None:
    """Nothing but constant columns is noted too, and the model predicts the likeliest class."""
    Path("t.csv").write_text(csv_text([("1", "2", "xxy"[index % 3]) for index in range(30)]))
    outcome = run("train", "t.csv", "--target", "y", "--epochs", "20")
    assert outcome.status == 0
    assert outcome.err.startswith("2 of 2 columns hold one value only")
    assert set(run("predict", "t.model", "t.csv").out.splitlines()[1:]) == {"x"}


def test_wide_table(run: Callable) -> None:
    """10,000 columns of 20 rows are trained on."""
    rows = [(*(f"{GENERATOR.random():.3f}" for _ in range(10_000)), "ab"[index % 2]) for index in range(20)]
    Path("t.csv").write_text(csv_text(rows, (*(f"c{index}" for index in range(10_000)), "y")))
    assert run("train", "t.csv", "--target", "y", "--epochs", "2", "--json").record["columns"] == 10_000
    assert run("predict", "t.model", "t.csv").status == 0


BAD: dict[str, tuple[bytes | str, list[str], list[str]]] = {
    "empty": ("", [], ["t.csv", "is empty", "header"]),
    "header only": ("a,b,y\n", [], ["t.csv", "no rows", "add"]),
    "no such column": (csv_text(ROWS, ("a", "b", "Y")), [], ["no column 'y'", "'Y'?"]),
    "no such column to ignore": (csv_text(ROWS), ["--ignore", "c"], ["no column 'c'", "'a', 'b', 'y'"]),
    "nothing left": (csv_text(ROWS), ["--ignore", "a", "--ignore", "b"], ["no column is left"]),
    "text among many numbers": (
        with_cell(3, 2, "high"), [], ["row 3 (line 4)", "column 'b'", "'high' is not a number", "--ignore 'b'"]
    ),
    "infinity": (with_cell(5, 1, "-inf"), [], ["row 5", "'-inf' is infinite"]),
    "too large": (with_cell(5, 1, "1e39"), [], ["row 5", "'1e39' is too large", "rescale"]),
    "decimal comma": (with_cell(2, 1, '"1,5"'), [], ["row 2", "'1,5'", "decimal point"]),
    "decimal comma, unquoted": (with_cell(2, 1, "1,5"), [], ["row 2 (line 3)", "found 4 cells, expected 3"]),
    "decimal commas and semicolons": (
        csv_text(ROWS, separator=";").replace(".", ","), [], ["row 1 (line 2)", "column 'a'", "decimal point"]
    ),
    "decimal commas to predict": (
        csv_text([(*row[:2], f"{i},5") for i, row in enumerate(ROWS)], separator=";"), [],
        ["row 1", "column 'y'", "'0,5'", "decimal point"],
    ),
    "ragged": (csv_text([*ROWS, ("1", "2")]), [], ["row 41 (line 42)", "found 2 cells, expected 3"]),
    "one class": (csv_text([(*row[:2], "x") for row in ROWS]), [], ["column 'y'", "every row has 'x'"]),
    "one number": (csv_text([(*row[:2], "1.5") for row in ROWS]), [], ["column 'y'", "every row has '1.5'"]),
    "two rows": (csv_text(ROWS[:2] * 2), [], ["at least 10 rows", "has 4"]),
    "all different": (csv_text([(*row[:2], f"id{i}") for i, row in enumerate(ROWS)]), [], ["column 'y'", "identifier"]),
    "missing target": (with_cell(9, 3, ""), [], ["row 9 (line 10)", "column 'y'", "missing value"]),
    "text to regress on": (csv_text(ROWS), ["--task", "regression"], ["row 1", "'x' is not a number", "--task"]),
    "a number too large to regress on": (
        csv_text([(*row[:2], f"{i}e37") for i, row in enumerate(ROWS)]), [], ["row 36", "column 'y'", "too large"]
    ),
    "the same name": (csv_text(ROWS, ("a", "a", "y")), [], ["line 1", "'a'", "rename"]),
    "no name": (csv_text(ROWS, ("a", "", "y")), [], ["line 1", "column 2 has no name"]),
    "UTF-16": (csv_text(ROWS).encode("utf-16"), [], ["UTF-16", "UTF-8"]),
    "UTF-16 without mark": (csv_text(ROWS).encode("utf-16-le"), [], ["NUL"]),
    "Latin-1": (with_cell(2, 3, "é").encode("latin-1"), [], ["line 3", "UTF-8"]),
    "gzip": (gzip.compress(csv_text(ROWS).encode()), [], ["gzip", "gunzip"]),
    "a model": ("t.model", [], ["NUL byte", "binary"]),
    "random bytes": (bytes(GENERATOR.randbytes(2000)), [], ["t.csv"]),
    "an unclosed quote": (with_cell(4, 3, '"x'), [], ["row 4 (line 5)", "never closes"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_tables_that_cannot_be_used(refused: Callable, run: Callable, table: Path, name: str) -> None:
    """A table that cannot be learned from is refused in one line that says what, where and what to do."""
    content, options, parts = BAD[name]
    if content == "t.model":
        assert run("train", table, "--target", "kind", "--epochs", "1").status == 0
        content = Path("t.model").read_bytes()
        Path("t.model").unlink()
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = refused("train", table, "--target", "y", *options)
    for part in parts:
        assert part in line


@pytest.mark.parametrize(
    ("path", "part"), [("no.csv", "no.csv: does not exist"), (".", "is a directory"), ("no/no.csv", "does not exist")]
)
def test_paths_of_no_table(refused: Callable, path: str, part: str) -> None:
    """A table that is not there is named."""
    assert part in refused("train", path, "--target", "y")


PLACES = [
    ("no/m", "No such file or directory"),
    ("no/", "no such folder"),
    (".", "it is a directory"),
    ("folder", "it is a directory"),
    ("folder/", "it is a directory"),
    ("t.csv", "is the table itself"),
    ("./folder/../t.csv", "is the table itself"),
    ("t.csv/m", "Not a directory"),
    ("x" * 300, "File name too long"),
    ("/dev/null", "it is not a regular file"),
    ("/proc/m", "No such file or directory"),
]


@pytest.mark.skipif(os.name != "posix", reason="these paths are those of POSIX")
@pytest.mark.parametrize(("place", "reason"), PLACES)
def test_places_of_no_model(
    refused: Callable, table: Path, monkeypatch: pytest.MonkeyPatch, place: str, reason: str
) -> None:
    """Where the model cannot be written, that is said before anything is read or trained."""
    Path("folder").mkdir()
    monkeypatch.setattr("memograd.cli.train.command.read_bytes", lambda path: pytest.fail("the table was read"))
    line = refused("train", table, "--target", "kind", "--model", place)
    assert place in line
    assert reason in line
    assert "--model" in line


def test_a_disk_that_fills_up(refused: Callable, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full after the training, that is said in one line, and no half of a file is left."""

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    assert "No space left" in refused("train", table, "--target", "kind", "--epochs", "1", "--no-store")


def test_numbers_at_the_limit(run: Callable) -> None:
    """The largest numbers that float32 has are scaled, learned and predicted without overflow."""
    sign = np.random.default_rng(0).choice([-1.0, 1.0], 40)
    rows = [(f"{FLOAT32_MAX * s!s}", f"{-1e-300 * s!s}", f"{FLOAT32_MAX * s!s}") for s in sign]
    Path("t.csv").write_text(csv_text(rows))
    record = run("train", "t.csv", "--target", "y", "--task", "regression", "--json").record
    assert record["metrics"]["validation"]["r2"] > 0.9
    predicted = [float(line) for line in run("predict", "t.model", "t.csv").out.splitlines()[1:]]
    assert np.sign(predicted).tolist() == sign.tolist()


CELLS = ["0", "1", "-1", "2.5", "1e38", "-3.4e38", "1e-300", "x", "", "NA", "inf", "1,5", "1e39", "é", '"', " 3 "]
USABLE = CELLS[:7]


@st.composite
def tables(draw: st.DrawFn) -> str:
    """Draw a table that may have anything wrong with it, or nothing."""
    kinds = [st.sampled_from(draw(st.sampled_from([USABLE, USABLE, CELLS]))) for _ in range(draw(st.integers(1, 4)))]
    rows = draw(st.lists(st.tuples(*kinds), min_size=draw(st.sampled_from([0, 10, 10])), max_size=15))
    return csv_text(rows, (*(f"c{index}" for index in range(len(kinds) - 1)), "y"), draw(st.sampled_from(",;")))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(text=tables(), task=st.sampled_from([[], ["--task", "classification"], ["--task", "regression"]]))
def test_any_table(run: Callable, folder: Path, text: str, task: list[str]) -> None:
    """Whatever a table holds, there is a model of it that predicts, or one line that says why not."""
    Path("t.model").unlink(missing_ok=True)
    Path("t.csv").write_text(text, newline="")
    outcome = run("train", "t.csv", "--target", "y", "--epochs", "2", "--hidden", "2", *task)
    if outcome.status == 0:
        assert run("predict", "t.model", "t.csv").status == 0
    else:
        assert outcome.status == 2
        assert outcome.err.splitlines()[-1].startswith("memograd: ")
        assert all("hold one value only" in line for line in outcome.err.splitlines()[:-1])
        assert os.listdir() == ["t.csv"]
