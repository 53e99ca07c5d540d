"""The command as a whole: help, arguments that cannot be, and what it says when things go wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from memograd.cli import explain
from memograd.cli.main import COMMANDS

DEFAULTS = {
    "train": ["tuned", "0", "a fifth of the table", "DATA.model", "by its values", "on a terminal", "$MEMOGRAD_STORE"],
    "predict": ["standard output"],
    "evaluate": ["the one that the model does not learn from"],
    "explain": ["1,1,1", "4", "tanh", "0"],
    "memo": [],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_help(run: Callable, command: str) -> None:
    """Help fits into 80 columns, and tells every default and where the result goes."""
    outcome = run(command, "--help")
    assert (outcome.status, outcome.err) == (0, "")
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert COMMANDS[command].description in " ".join(outcome.out.split())
    for value in DEFAULTS.get(command, []):
        assert f"(default: {value}" in " ".join(outcome.out.split())


def test_help_of_all(run: Callable) -> None:
    """The help of the command itself names the commands."""
    outcome = run("--help")
    assert outcome.status == 0
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert all(command in outcome.out for command in COMMANDS)


def test_version(run: Callable) -> None:
    """The version is that of the installed package."""
    assert run("--version").out == f"memograd {version('memograd')}\n"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], ["COMMAND", "--help"]),
        (["fly"], ["'fly'", "train", "predict", "explain"]),
        (["train"], ["DATA.csv", "--target", "memograd train --help"]),
        (["train", "t.csv"], ["--target"]),
        (["train", "t.csv", "--target"], ["--target", "expected one argument"]),
        (["train", "t.csv", "u.csv", "--target", "kind"], ["u.csv"]),
        (["train", "t.csv", "--target", "kind", "--speed", "9"], ["--speed"]),
        (["train", "t.csv", "--target", "kind", "--task", "rank"], ["'rank'", "regression"]),
        (["train", "t.csv", "--target", "kind", "--hidden", "x"], ["--hidden", "'x'", "such as 64,64"]),
        (["train", "t.csv", "--target", "kind", "--hidden", "0,-3"], ["--hidden", "'0,-3'", "from 1 to"]),
        (["train", "t.csv", "--target", "kind", "--hidden", "3,,4"], ["--hidden"]),
        (["train", "t.csv", "--target", "kind", "--hidden", "9" * 50], ["--hidden"]),
        (["train", "t.csv", "--target", "kind", "--hidden", "1000000,1000000"], ["1,000,00", "limit", "--hidden"]),
        (["train", "t.csv", "--target", "kind", "--epochs", "0"], ["--epochs", "'0'", "at least 1"]),
        (["train", "t.csv", "--target", "kind", "--epochs", "1.5"], ["--epochs", "'1.5'", "whole number"]),
        (["train", "t.csv", "--target", "kind", "--patience", "-1"], ["--patience"]),
        (["train", "t.csv", "--target", "kind", "--batch-size", "0"], ["--batch-size"]),
        (["train", "t.csv", "--target", "kind", "--seed", "-1"], ["--seed", "'-1'", "at least 0"]),
        (["train", "t.csv", "--target", "kind", "--seed", str(2**63)], ["--seed"]),
        (["train", "t.csv", "--target", "kind", "--dropout", "1"], ["--dropout", "'1'", "below 1"]),
        (["train", "t.csv", "--target", "kind", "--dropout", "nan"], ["--dropout"]),
        (["train", "t.csv", "--target", "kind", "--learning-rate", "0"], ["--learning-rate", "above 0"]),
        (["train", "t.csv", "--target", "kind", "--learning-rate", "inf"], ["--learning-rate"]),
        (["train", "t.csv", "--target", "kind", "--activation", "swish"], ["--activation", "silu"]),
        (["train", "t.csv", "--target", "kind", "--preset", "best"], ["--preset", "'best'", "tuned", "sklearn"]),
        (["train", "t.csv", "--target", "kind", "--schedule", "sine"], ["--schedule", "'sine'", "cosine"]),
        (["train", "t.csv", "--target", "kind", "--folds", "1"], ["--folds", "'1'", "at least 2"]),
        (["train", "t.csv", "--target", "kind", "--folds", "3", "--val", "t.csv"], ["--val", "--folds"]),
        (["train", "t.csv", "--target", "kind", "--curve", "loss.txt"], ["--curve", "'loss.txt'", ".csv", ".png"]),
        (["train", "t.csv", "--target", "kind", "--curve", "t.csv"], ["t.csv", "is the table", "--curve"]),
        (["train", "t.csv", "--target", "kind", "--curve", "no/t.csv"], ["no/t.csv", "No such file", "--curve"]),
        (["train", "t.csv", "--target", "kind", "--val", "no.csv"], ["no.csv: does not exist"]),
        (["evaluate", "t.model"], ["DATA.csv"]),
        (["predict"], ["MODEL", "DATA.csv"]),
        (["predict", "t.model"], ["DATA.csv"]),
        (["explain"], ["SIZES"]),
        (["explain", "2"], ["'2'", "one layer", "such as 2-1"]),
        (["explain", "2-x-1"], ["'2-x-1'", "such as 2-2-2-1"]),
        (["explain", "2-0-1"], ["from 1 to"]),
        (["explain", "2--1"], ["such as"]),
        (["explain", "2-1000001-1"], ["from 1 to 1,000,000"]),
        (["explain", "2-2-2-1", "--weight", "9,9,9"], ["w(9, 9, 9)", "from 1 to 3"]),
        (["explain", "2-2-2-1", "--weight", "1,3,1"], ["w(1, 3, 1)"]),
        (["explain", "2-2-2-1", "--weight", "1,1"], ["'1,1'", "2 numbers"]),
        (["explain", "2-2-2-1", "--weight", "1,1,1,1"], ["4 numbers"]),
        (["explain", "2-2-2-1", "--weight", "a"], ["'a'"]),
        (["explain", "2-2-2-1", "--weight", "0,1,1"], ["from 1"]),
        (["explain", "2-2-2-1", "--terms", "0"], ["--terms", "at least 1"]),
        (["explain", "2-2-2-1", "--terms", "1" * 9], ["--terms", f"at most {explain.MAX_TERMS:,}"]),
        (["explain", "2-2-2-1", "--latex", "--json"], ["--json", "--latex"]),
    ],
    ids=" ".join,
)
def test_bad_arguments(refused: Callable, table: Path, arguments: list[str], parts: list[str]) -> None:
    """Arguments that cannot be are refused in one line that says which, what was found and what is wanted."""
    line = refused(*arguments)
    for part in parts:
        assert part in line


def test_interrupted(run: Callable, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a table is read ends with status 130, one line and no file."""

    def press(path: str, data: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("memograd.cli.train.problem.read_csv", press)
    outcome = run("train", table, "--target", "kind")
    assert outcome.status == 130
    assert outcome.out == ""
    assert outcome.err == "memograd: interrupted before there was anything to keep\n"
    assert list(table.parent.iterdir()) == [table]


def test_out_of_memory(refused: Callable, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When memory runs out, that is said in one line."""

    def fill(path: str, data: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr("memograd.cli.train.problem.read_csv", fill)
    assert "more memory than there is" in refused("train", table, "--target", "kind")


def test_a_defect_is_not_hidden(run: Callable, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw is not dressed up as bad input."""

    def fail(path: str, data: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("memograd.cli.train.problem.read_csv", fail)
    with pytest.raises(ZeroDivisionError):
        run("train", table, "--target", "kind")


@pytest.mark.parametrize("how", [["-m", "memograd"], ["-m", "memograd.cli.main"]])
def test_as_a_module(how: list[str]) -> None:
    """Python runs the package as a command."""
    found = subprocess.run([sys.executable, *how, "--version"], capture_output=True, check=True, text=True)
    assert (found.stdout, found.stderr) == (f"memograd {version('memograd')}\n", "")
