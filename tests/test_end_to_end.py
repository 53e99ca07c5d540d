"""The whole of it, as a user meets it: train on a shipped table, predict with the model, explain a derivative."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

import memograd

COMMAND = shutil.which("memograd", path=sysconfig.get_path("scripts"))
EXAMPLES = Path(__file__).parents[1] / "examples"


def memograd_command(folder: Path, *arguments: str) -> str:
    """Run the installed command in a folder; what it writes to standard output."""
    assert COMMAND, "the command is installed beside Python, as by `pip install -e .`"
    found = subprocess.run([COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
    return found.stdout


def test_train_predict_explain(tmp_path: Path) -> None:
    """A model of a shipped table is trained, predicts that table well in a file, and opens in Python."""
    shutil.copy(EXAMPLES / "wine.csv", tmp_path)
    out = memograd_command(tmp_path, "train", "wine.csv", "--target", "cultivar", "--json")
    record = json.loads(out.splitlines()[-1])
    assert (record["task"], record["rows"], record["model"]) == ("classification", 178, "wine.model")
    assert record["metrics"]["validation"]["accuracy"] > 0.9

    memograd_command(tmp_path, "predict", "wine.model", "wine.csv", "--out", "predicted.csv")
    with (tmp_path / "wine.csv").open() as table, (tmp_path / "predicted.csv").open() as predicted:
        pairs = zip(csv.DictReader(table), csv.DictReader(predicted), strict=True)
        right = [row["cultivar"] == prediction["prediction"] for row, prediction in pairs]
    assert sum(right) > 0.95 * 178

    model = memograd.load(tmp_path / "wine.model")
    assert model.classes == ("class_0", "class_1", "class_2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["predicted.csv", "wine.csv", "wine.model"]


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
