"""The command line, run in this process, in a folder of its own."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from memograd.cli.main import main


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command came to."""

    status: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """The JSON object that is all of standard output."""
        (line,) = self.out.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found


Run = Callable[..., Outcome]


@pytest.fixture
def remembered(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where trainings of this test are remembered: a folder that is not there yet."""
    place = tmp_path_factory.mktemp("cache") / "store"
    monkeypatch.setenv("MEMOGRAD_STORE", str(place))
    return place


@pytest.fixture
def folder(tmp_path: Path, remembered: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the working folder, with a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with these arguments."""

    def command(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        status = main(list(map(str, arguments)))
        return Outcome(status, *capsys.readouterr())

    return command


@pytest.fixture
def refused(run: Run, folder: Path) -> Callable[..., str]:
    """Run a command that must be refused: status 2, one line, no file touched; give the line."""

    def command(*arguments: str | Path) -> str:
        before = contents(folder)
        outcome = run(*arguments)
        assert outcome.status == 2
        assert outcome.out == ""
        (line,) = outcome.err.splitlines()
        assert line.startswith("memograd: ")
        assert contents(folder) == before
        return line

    return command


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return everything below a folder, by path."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def table(folder: Path) -> Path:
    """A table of two columns and a target of two classes that depends on them."""
    generator = random.Random(0)
    rows = [(generator.gauss(0, 1), generator.gauss(0, 1)) for _ in range(60)]
    lines = ["a,b,kind", *(f"{a:.4f},{b:.4f},{'up' if a + b > 0 else 'down'}" for a, b in rows)]
    path = folder / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def model(run: Run, table: Path) -> Path:
    """A model of that table."""
    assert run("train", table, "--target", "kind", "--model", "t.model", "--epochs", "30").status == 0
    return table.with_name("t.model")
