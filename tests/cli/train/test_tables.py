"""Raw tables: what `memograd train` makes of columns as they come, of rows to hold out, and of folds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memograd.cli.metrics import of_classes
from memograd.train.model_file import load_model

from .conftest import RAW_HEADER, raw_lines

RAW = ("train", "raw.csv", "--target", "kind", "--epochs", "40", "--hidden", "16")


def write(path: str, lines: list[str], header: str = RAW_HEADER) -> None:
    """Write lines as a table."""
    Path(path).write_text("\n".join([header, *lines]) + "\n")


def test_raw_columns(run: Callable, raw: Path) -> None:
    """Numbers, categories, truth values and dates, with gaps, are learned from without preparation."""
    record = run(*RAW, "--json").record
    assert record["columns"] == 4
    assert record["metrics"]["validation"]["accuracy"] > 0.6
    assert run("predict", "raw.model", raw).out.count("\n") == 61
    kinds = dict(zip(load_model("raw.model").encoder.names, load_model("raw.model").encoder.kinds, strict=True))
    assert kinds == {"size": "number", "colour": "category", "new": "boolean", "day": "date"}


def test_rows_to_hold_out(run: Callable, raw: Path) -> None:
    """Rows of another file are those that are held out, whatever the order of its columns; the table is trained on."""
    write("val.csv", [",".join(line.split(",")[::-1]) for line in raw_lines(30, seed=1)], "kind,day,new,colour,size")
    record = run(*RAW, "--val", "val.csv", "--json").record
    assert (record["rows"], record["rows_trained"], record["rows_held_out"]) == (60, 60, 30)
    evaluated = run("evaluate", "raw.model", "val.csv", "--json").record
    assert evaluated["metrics"]["accuracy"] == pytest.approx(record["metrics"]["validation"]["accuracy"], abs=1e-9)


VAL = {
    "renamed": (["1,red,true,2024-01-01,up"], "Size,colour,new,day,kind", ["1 is missing: 'size'"]),
    "missing": (["1,red,up"], "size,colour,kind", ["2 are missing: 'new', 'day'"]),
    "no target": (["1,red,true,2024-01-01"], "size,colour,new,day", ["no column 'kind'"]),
    "another type": (["high,red,true,2024-01-01,up"], RAW_HEADER, ["row 1 (line 2)", "'size'", "'high' is not a num"]),
    "no date": (["1,red,true,soon,up"], RAW_HEADER, ["row 1 (line 2)", "'day'", "'soon' is no date"]),
    "unseen class": (["1,red,true,2024-01-01,left"], RAW_HEADER, ["row 1", "'kind'", "'left' is none", "'down', 'up'"]),
    "missing class": (["1,red,true,2024-01-01,"], RAW_HEADER, ["row 1 (line 2)", "'kind'", "missing value"]),
    "infinite": (["inf,red,true,2024-01-01,up"], RAW_HEADER, ["row 1 (line 2)", "'inf' is infinite"]),
    "no rows": ([], RAW_HEADER, ["no rows"]),
}


@pytest.mark.parametrize("name", VAL)
def test_rows_that_cannot_be_held_out(refused: Callable, raw: Path, name: str) -> None:
    """Rows to hold out that do not fit the table are refused in one line that names their file, column and class."""
    lines, header, parts = VAL[name]
    write("val.csv", lines, header)
    line = refused(*RAW, "--val", "val.csv")
    for part in ("val.csv", *parts):
        assert part in line


def test_unseen_categories_to_hold_out(run: Callable, raw: Path) -> None:
    """A category that the table does not have may be among the rows held out, as it may be among those to predict."""
    write("val.csv", [line.replace("red", "violet") for line in raw_lines(30, seed=1)])
    assert run(*RAW, "--val", "val.csv").status == 0
    assert run("predict", "raw.model", "val.csv").status == 0


def test_folds(run: Callable, raw: Path) -> None:
    """With folds every row is held out once, the score is of all rows while held out, and predictions are a mean."""
    record = run(*RAW, "--folds", "3", "--json").record
    assert (record["folds"], record["epochs"], record["best_epoch"]) == (3, 120, None)
    score = record["metrics"]["validation"]["accuracy"]
    assert score * 60 == pytest.approx(round(score * 60))  # of 60 rows, not of a fold's 20
    assert 0.5 < score <= 1
    assert len(load_model("raw.model").members) == 3
    assert "each held out once in 3 folds" in run(*RAW, "--folds", "3").out


def test_folds_of_numbers(run: Callable, raw: Path) -> None:
    """The out-of-fold score of numbers is R² in the target's own unit, and below that of the rows that were seen."""
    arguments = ("train", raw, "--target", "size", "--folds", "4", "--epochs", "30", "--hidden", "8", "--json")
    write("raw.csv", [line for line in raw_lines(80) if not line.startswith(",")])
    record = run(*arguments).record
    seen = run("evaluate", "raw.model", "raw.csv", "--json").record["metrics"]["r2"]
    assert -2 < record["metrics"]["validation"]["r2"] <= seen


def test_as_many_folds_as_rows(run: Callable, refused: Callable, raw: Path) -> None:
    """There may be as many folds as rows, and not more."""
    write("raw.csv", raw_lines(12))
    arguments = ("train", "raw.csv", "--target", "kind", "--epochs", "2", "--hidden", "2", "--folds")
    assert "--folds 13 of 12 rows" in refused(*arguments, "13")
    record = run(*arguments, "12", "--json").record
    assert record["epochs"] == 24
    assert run("predict", "raw.model", "raw.csv").status == 0


def test_all_missing_columns(run: Callable, raw: Path) -> None:
    """A column without a value is noted, and does no harm; later it may have values."""
    write("raw.csv", [f",{line}" for line in raw_lines()], f"void,{RAW_HEADER}")
    outcome = run(*RAW)
    assert outcome.status == 0
    assert outcome.err == "1 of 5 columns hold one value only and tell nothing: 'void'\n"
    assert run("predict", "raw.model", "raw.csv").status == 0


def test_many_categories(run: Callable, raw: Path) -> None:
    """10,000 categories are learned from, and an unseen one is predicted."""
    lines = [f"{line.replace('red', f'r{index}')}" for index, line in enumerate(raw_lines(10_000))]
    write("raw.csv", [f"id{index},{line}" for index, line in enumerate(lines)], f"id,{RAW_HEADER}")
    assert run(*RAW[:-4], "--epochs", "1", "--hidden", "4").status == 0
    write("one.csv", [f"new,{lines[0]}"], f"id,{RAW_HEADER}")
    assert run("predict", "raw.model", "one.csv").out.count("\n") == 2


def test_one_row(run: Callable, refused: Callable, raw: Path) -> None:
    """One row is too few to learn from, and enough to predict."""
    run(*RAW)
    write("one.csv", raw_lines(1))
    assert "nothing to learn" in refused("train", "one.csv", "--target", "kind")
    assert run("predict", "raw.model", "one.csv").out.count("\n") == 2


@pytest.mark.parametrize(
    ("lines", "header", "parts"),
    [
        (["1,red,true,2024-01-01"], "size,color,new,day", ["one.csv", "1 is missing: 'colour'"]),
        (["x,red,true,2024-01-01"], "size,colour,new,day", ["row 1 (line 2), column 'size'", "'x' is not a number"]),
        (["1,red,maybe,2024-01-01"], "size,colour,new,day", ["row 1 (line 2), column 'new'", "'maybe'"]),
        (["1,red,true,01.02.2024"], "size,colour,new,day", ["row 1 (line 2), column 'day'", "'01.02.2024'"]),
        (["inf,red,true,2024-01-01"], "size,colour,new,day", ["row 1 (line 2), column 'size'", "infinite"]),
    ],
)
def test_tables_that_cannot_be_predicted(
    run: Callable, refused: Callable, raw: Path, lines: list[str], header: str, parts: list[str]
) -> None:
    """Columns that are missing, renamed or of another type are named with file and row, and nothing is predicted."""
    run(*RAW)
    write("one.csv", lines, header)
    for options in ([], ["--proba"], ["--out", "p.csv"]):
        line = refused("predict", "raw.model", "one.csv", *options)
        assert all(part in line for part in parts)


def test_reordered_columns(run: Callable, raw: Path) -> None:
    """The order of columns is nothing, and gaps may be where none was."""
    run(*RAW)
    expected = run("predict", "raw.model", raw).out
    write("turned.csv", [",".join(line.split(",")[::-1]) for line in raw_lines()], "kind,day,new,colour,size")
    assert run("predict", "raw.model", "turned.csv").out == expected
    write("gaps.csv", [",,,"], "size,colour,new,day")
    assert run("predict", "raw.model", "gaps.csv").status == 0


def test_presets(run: Callable, raw: Path) -> None:
    """A preset is another network, held to rows that it did not see, too."""
    tuned = run("train", raw, "--target", "kind", "--epochs", "3", "--json").record
    plain = run("train", raw, "--target", "kind", "--epochs", "3", "--preset", "sklearn", "--json").record
    assert tuned["network"][1:-1] == [256, 256, 256]
    assert plain["network"][1:-1] == [100]
    assert plain["rows_held_out"] == tuned["rows_held_out"] == 12
    assert plain["metrics"]["validation"]["accuracy"] is not None


def test_the_score_is_of_the_model(run: Callable, raw: Path) -> None:
    """What is told of a model is how well it does, whichever epoch the preset keeps."""
    write("val.csv", raw_lines(30, seed=1))
    for preset in ("tuned", "sklearn"):
        record = run(*RAW, "--val", "val.csv", "--preset", preset, "--json").record
        model = load_model("raw.model")
        evaluated = run("evaluate", "raw.model", "val.csv", "--json").record["metrics"]
        assert record["metrics"]["validation"]["accuracy"] == pytest.approx(evaluated["accuracy"], abs=1e-9)
        assert set(evaluated) == set(of_classes(np.array([0]), np.ones((1, len(model.target.classes)))))  # type: ignore[union-attr]
