"""The whole of it, as a user meets it: train on a shipped table, predict and evaluate, train again, explain."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

import memograd

COMMAND = shutil.which("memograd", path=sysconfig.get_path("scripts"))
EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where trainings are remembered: a folder of this test."""
    place = tmp_path_factory.mktemp("cache") / "store"
    monkeypatch.setenv("MEMOGRAD_STORE", str(place))
    return place


def memograd_command(folder: Path, *arguments: str) -> str:
    """Run the installed command in a folder; what it writes to standard output."""
    assert COMMAND, "the command is installed beside Python, as by `pip install -e .`"
    found = subprocess.run([COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
    return found.stdout


def record_of(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the command with --json; what it tells."""
    found: dict[str, Any] = json.loads(memograd_command(folder, *arguments, "--json").splitlines()[-1])
    return found


def test_train_predict_evaluate(tmp_path: Path, store: Path) -> None:
    """A model of a shipped table is trained, predicts that table well in a file, and opens in Python."""
    shutil.copy(EXAMPLES / "wine.csv", tmp_path)
    record = record_of(tmp_path, "train", "wine.csv", "--target", "cultivar")
    assert (record["task"], record["rows"], record["model"]) == ("classification", 178, "wine.model")
    assert record["metrics"]["validation"]["accuracy"] > 0.9

    memograd_command(tmp_path, "predict", "wine.model", "wine.csv", "--out", "predicted.csv")
    with (tmp_path / "wine.csv").open() as table, (tmp_path / "predicted.csv").open() as predicted:
        pairs = zip(csv.DictReader(table), csv.DictReader(predicted), strict=True)
        right = [row["cultivar"] == prediction["prediction"] for row, prediction in pairs]
    assert sum(right) > 0.95 * 178
    metrics = record_of(tmp_path, "evaluate", "wine.model", "wine.csv")["metrics"]
    assert metrics["accuracy"] == pytest.approx(sum(right) / 178)

    model = memograd.load(tmp_path / "wine.model")
    assert model.target.classes == ("class_0", "class_1", "class_2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["predicted.csv", "wine.csv", "wine.model"]


def test_a_table_as_it_comes(tmp_path: Path, store: Path) -> None:
    """A table with gaps, categories, truth values and dates is learned from without preparation."""
    shutil.copy(EXAMPLES / "deliveries.csv", tmp_path)
    record = record_of(tmp_path, "train", "deliveries.csv", "--target", "outcome", "--epochs", "32")
    assert record["columns"] == 7
    assert record["metrics"]["validation"]["accuracy"] > 0.7
    memograd_command(tmp_path, "predict", "deliveries.model", "deliveries.csv", "--proba", "--out", "p.csv")
    with (tmp_path / "p.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["late", "on time"]
    assert len(rows) == 1500


def test_nothing_is_trained_twice(tmp_path: Path, store: Path) -> None:
    """The same command again is a look-up that writes the same model; of more epochs, only the new ones are trained."""
    table = str(EXAMPLES / "wine.csv")
    command = ("train", table, "--target", "cultivar", "--schedule", "constant", "--epochs")
    first = record_of(tmp_path, *command, "20", "--model", "one")
    again = record_of(tmp_path, *command, "20", "--model", "two")
    longer = record_of(tmp_path, *command, "30", "--model", "three")
    trained = [record["memo"]["epochs_trained"] for record in (first, again, longer)]
    assert trained == [20, 0, 10]
    assert longer["memo"]["epochs_recalled"] == 20
    assert again["memo"]["seconds_saved"] > 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    record_of(tmp_path, *command, "30", "--model", "four", "--no-store")
    assert (tmp_path / "three").read_bytes() == (tmp_path / "four").read_bytes()


@pytest.mark.parametrize(
    ("form", "part"),
    [
        ([], "2 paths lead to the loss"),
        (["--latex"], r"\frac{\partial L}{\partial w^{1}_{11}}"),
        (["--json"], '"multiplications": {"naive": 6, "memoized": 5'),
    ],
)
def test_explain(tmp_path: Path, form: list[str], part: str) -> None:
    """The derivative of the smallest network with a shared factor is told as text, as a formula and as data."""
    assert part in memograd_command(tmp_path, "explain", "2-2-2-1", "--weight", "1,1,1", *form)
    assert list(tmp_path.iterdir()) == []
