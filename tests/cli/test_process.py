"""The command as a process: Ctrl-C, pipes that close, streams that cannot be written, output without a terminal."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import pytest

MEMOGRAD = [sys.executable, "-m", "memograd"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="these signals, pipes and devices are those of POSIX")


def ran(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    stdout: int | IO[bytes] = subprocess.PIPE,
) -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end, without a terminal, its output buffered as it is by default."""
    command = [*MEMOGRAD, *map(str, arguments)]
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(command, env={**plain, **(env or {})}, stdout=stdout, stderr=subprocess.PIPE, check=False)


ENDLESS = ["train", "t.csv", "--target", "kind", "--json", "--hidden", "8", "--epochs", str(10**9)]


def interrupted(*arguments: str, after: str) -> tuple[int, bytes, str]:
    """Run the command with errors on a terminal, and press Ctrl-C when a pattern shows; the status and both outputs."""
    ours, theirs = os.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen([*MEMOGRAD, *arguments], stdout=subprocess.PIPE, stderr=theirs, env=env)
    os.close(theirs)
    shown, pressed = "", False
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and select.select([ours], [], [], 60)[0]:
        try:
            shown += os.read(ours, 1000).decode(errors="replace")
        except OSError:  # the command has ended, and its end of the terminal is closed
            break
        if not pressed and re.search(after, shown):
            process.send_signal(signal.SIGINT)
            pressed = True
    else:
        process.kill()
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    return process.returncode, out, shown


def test_interrupted_in_training(table: Path) -> None:
    """Ctrl-C in mid-training keeps the best model: status 0, a model that predicts, and JSON that says so."""
    status, out, _ = interrupted(*ENDLESS, after=r"epoch [1-9]\d*/")
    assert status == 0
    record = json.loads(out)
    assert record["stopped"] == "interrupted"
    assert 1 <= record["best_epoch"] <= record["epochs"] < 10**6
    assert sorted(os.listdir()) == ["t.csv", "t.model"]
    assert ran("predict", "t.model", "t.csv").stdout.count(b"\n") == 61


def test_what_was_interrupted_goes_on(table: Path) -> None:
    """After Ctrl-C the same training, asked for more epochs, trains only what is new, as if it had never stopped."""
    endless = [*ENDLESS, "--schedule", "constant"]
    _, out, _ = interrupted(*endless, after=r"epoch [1-9]\d\d*/")
    n_epochs = json.loads(out)["epochs"] + 5
    longer = [*endless, "--epochs", str(n_epochs), "--model"]
    memo = json.loads(ran(*longer, "one").stdout)["memo"]
    assert memo["epochs_recalled"] >= n_epochs / 2 - 5  # at the latest since the last power of two
    assert memo["epochs_recalled"] + memo["epochs_trained"] == n_epochs
    ran(*longer, "two", "--no-store")
    assert Path("one").read_bytes() == Path("two").read_bytes()


def test_interrupted_before_the_first_epoch(table: Path) -> None:
    """Ctrl-C before there is a model ends with status 130, one line, and no file."""
    deep = ",".join(["8"] * 200)  # the first epoch takes a second, most of it to compile
    status, out, shown = interrupted(*ENDLESS, "--hidden", deep, after="epoch 0/")
    assert status == 130
    assert out == b""
    assert "memograd:" in shown
    assert "interrupted" in shown
    assert "Traceback" not in shown
    assert os.listdir() == ["t.csv"]


@pytest.mark.parametrize(
    "arguments", [["predict", "t.model", "t.csv"], ["explain", "9-9-9", "--terms", "99"], ["--help"]]
)
def test_closed_pipe(model: Path, arguments: list[str]) -> None:
    """When the reader of standard output has left, as `head` does, the command ends without a word."""
    source, sink = os.pipe()
    os.close(source)
    with open(sink, "wb") as closed:
        found = ran(*arguments, stdout=closed)
    assert (found.returncode, found.stderr) == (0, b"")


def test_head(model: Path, table: Path) -> None:
    """The first line of many predictions can be had, and nothing else is said."""
    lines = table.read_text().splitlines(keepends=True)
    table.write_text(lines[0] + "".join(lines[1:]) * 500)  # more than a pipe holds
    command = f"{sys.executable} -m memograd predict t.model t.csv | head -1"
    found = subprocess.run(["sh", "-c", command], capture_output=True, check=True)
    assert (found.stdout, found.stderr) == (b"prediction\n", b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
@pytest.mark.parametrize("arguments", [["predict", "t.model", "t.csv"], ["explain", "2-2-1"], ["--help"]])
def test_full_disk(model: Path, arguments: list[str]) -> None:
    """When standard output cannot be written, that is said in one line."""
    with open("/dev/full", "wb") as full:
        found = ran(*arguments, stdout=full)
    assert found.returncode == 2
    assert found.stderr == b"memograd: standard output cannot be written (No space left on device); send it elsewhere\n"


def test_no_standard_output(model: Path) -> None:
    """Without a standard output there is nothing to write to, and no complaint."""
    found = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m memograd predict t.model t.csv >&-"], capture_output=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, b"")


def test_nobody_reads_the_errors(table: Path) -> None:
    """When nobody reads standard error, notes are lost, and the training and its result are not."""
    header, *rows = table.read_text().split()
    table.write_text("\n".join([f"{header},constant", *(f"{row},7" for row in rows)]))
    source, sink = os.pipe()
    os.close(source)
    command = [*MEMOGRAD, "train", "t.csv", "--target", "kind", "--epochs", "2", "--json"]
    found = subprocess.run(command, stdout=subprocess.PIPE, stderr=sink, check=False)
    os.close(sink)
    assert found.returncode == 0
    assert json.loads(found.stdout)["model"] == "t.model"


def test_encodings(table: Path) -> None:
    """An encoding that lacks a sign is named with the remedy; errors, LaTeX and JSON need none."""
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    found = ran("explain", "2-2-1", env=ascii_only)
    assert found.returncode == 2
    assert len(found.stderr.splitlines()) == 1
    assert b"'\\u2202'; set PYTHONIOENCODING=utf-8" in found.stderr
    for form in ("--latex", "--json"):
        assert ran("explain", "2-2-1", form, env=ascii_only).returncode == 0
    missing = ran("train", "ŷ\udcff.csv", "--target", "kind", env=ascii_only)
    assert missing.returncode == 2
    assert len(missing.stderr.splitlines()) == 1
    assert b"does not exist" in missing.stderr


def test_without_a_terminal(table: Path) -> None:
    """Where nobody watches, as in a log, no progress is drawn, and nothing is in colour."""
    found = ran("train", "t.csv", "--target", "kind", "--epochs", "20")
    assert (found.returncode, found.stderr) == (0, b"")
    assert b"\x1b" not in found.stdout + ran("train", "no.csv", "--target", "kind").stderr


def test_a_table_from_a_pipe(table: Path) -> None:
    """A table can come from a pipe, as from a program that decompresses it."""
    command = f"cat t.csv | {sys.executable} -m memograd train /dev/stdin --target kind --epochs 2 --model t.model"
    assert subprocess.run(["sh", "-c", command], capture_output=True, check=True).stderr == b""
    assert sorted(os.listdir()) == ["t.csv", "t.model"]


def test_hash_seeds(table: Path) -> None:
    """The same seed gives the same file in processes whose hashes differ."""
    files = set()
    for seed in ("1", "2"):
        ran("train", "t.csv", "--target", "kind", "--epochs", "5", env={"PYTHONHASHSEED": seed})
        files.add(Path("t.model").read_bytes())
    assert len(files) == 1
