"""The losses of a training as a file and as a picture."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from memograd.cli.train import curve as curves

TRAIN = ("train", "t.csv", "--target", "kind", "--hidden", "4", "--epochs", "6")


def test_csv(run: Callable, table: Path) -> None:
    """As CSV there is a row for each epoch, the best of which is the one that is told."""
    record = run(*TRAIN, "--curve", "loss.csv", "--json").record
    with open("loss.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["member", "epoch", "loss", "held_out_loss", "held_out_accuracy"]
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    best = rows[record["best_epoch"] - 1]
    assert float(best["held_out_accuracy"]) == record["metrics"]["validation"]["accuracy"]
    assert float(best["held_out_loss"]) == record["metrics"]["validation"]["loss"]


def test_json(run: Callable, table: Path) -> None:
    """As JSON there is a list for each column; of folds, all members follow each other."""
    run(*TRAIN, "--folds", "2", "--curve", "loss.json")
    columns = json.loads(Path("loss.json").read_text())
    assert columns["member"] == [1] * 6 + [2] * 6
    assert columns["epoch"] == [1, 2, 3, 4, 5, 6] * 2
    assert all(loss > 0 for loss in columns["held_out_loss"])


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib draws the pictures")
@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")])
def test_pictures(run: Callable, table: Path, suffix: str, start: bytes) -> None:
    """As a picture it is one of the kind that the ending says; recalled it is the same, byte for byte."""
    assert run(*TRAIN, "--curve", f"one{suffix}").status == 0
    assert run(*TRAIN, "--curve", f"two{suffix}", "--folds", "2").status == 0
    data = Path(f"one{suffix}").read_bytes()
    assert data.startswith(start)
    run(*TRAIN, "--curve", f"one{suffix}")
    assert Path(f"one{suffix}").read_bytes() == data


def test_without_matplotlib(refused: Callable, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pictures cannot be drawn, that is said before anything is trained, with what can."""

    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(curves, "import_module", absent)
    line = refused(*TRAIN, "--curve", "loss.png")
    assert "matplotlib, which is not installed" in line
    assert ".csv or .json" in line


def test_curve_in_place_of_another_file(refused: Callable, table: Path) -> None:
    """The curve is not written over the table or the model."""
    for place in ("t.csv", "./t.csv"):
        assert "is the table or the model" in refused(*TRAIN, "--curve", place)
    assert "is the table or the model" in refused(*TRAIN, "--model", "m.json", "--curve", "./m.json")


def test_picture_in_the_terminal(run: Callable, table: Path) -> None:
    """A picture is drawn when that is asked for; in JSON never; and where nobody watches only then."""
    assert "held-out loss" in run(*TRAIN, "--plot").out
    assert "epochs 1 to 6" in run(*TRAIN, "--plot").out
    for options in ([], ["--no-plot"], ["--plot", "--json"]):
        assert "epochs 1 to 6" not in run(*TRAIN, *options).out
