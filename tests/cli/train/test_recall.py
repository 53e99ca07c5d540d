"""What is remembered of a training: asked again it is a look-up, and no store ever stops it."""

from __future__ import annotations

import argparse
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest

from memograd.cli.terminal import Terminal
from memograd.cli.train import recall, stores
from memograd.cli.train.arguments import add_arguments, options_of
from memograd.errors import StoreError
from memograd.store.disk import DiskStore
from memograd.store.memory import MemoryStore
from memograd.store.protocol import Entry

TRAIN = ("train", "t.csv", "--target", "kind", "--hidden", "4", "--epochs", "6", "--json")
MEMOGRAD = [sys.executable, "-m", "memograd"]


def same(record: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two records tell the same but for the time, the place, and what was recalled."""
    varying = {"seconds", "memo", "model"}
    return {k: v for k, v in record.items() if k not in varying} == {k: v for k, v in other.items() if k not in varying}


def test_twice(run: Callable, table: Path, untrained: Callable) -> None:
    """The second time nothing is trained: the same result is told, and the same model written, byte for byte."""
    first = run(*TRAIN, "--model", "one")
    assert first.record["memo"] == {"epochs_recalled": 0, "epochs_trained": 6, "seconds_saved": 0.0}
    untrained()
    second = run(*TRAIN, "--model", "two")
    assert (second.status, second.err) == (0, "")
    assert same(first.record, second.record)
    memo = second.record["memo"]
    assert (memo["epochs_recalled"], memo["epochs_trained"]) == (6, 0)
    assert memo["seconds_saved"] > 0
    assert Path("one").read_bytes() == Path("two").read_bytes()


def test_what_is_said(run: Callable, table: Path) -> None:
    """People are told what was recalled, and with --no-store nothing of it."""
    text = [argument for argument in TRAIN if argument != "--json"]
    assert "nothing to recall" in run(*text).out
    assert "6 epochs recalled, which took" in run(*text).out
    assert "recall" not in run(*text, "--no-store").out


def test_notes_are_said_again(run: Callable, table: Path, untrained: Callable) -> None:
    """What was noted of the table is noted whenever its result is told."""
    header, *rows = table.read_text().split()
    table.write_text("\n".join([f"{header},one", *(f"{row},7" for row in rows)]))
    first = run(*TRAIN)
    untrained()
    assert "hold one value only" in run(*TRAIN).err == first.err


def test_no_store(run: Callable, table: Path, remembered: Path) -> None:
    """With --no-store nothing is recalled, nothing is kept, and the model is the same."""
    assert run(*TRAIN, "--model", "one", "--no-store").record["memo"]["epochs_trained"] == 6
    assert not remembered.exists()
    run(*TRAIN, "--model", "two")
    again = run(*TRAIN, "--model", "three", "--no-store")
    assert again.record["memo"] == {"epochs_recalled": 0, "epochs_trained": 6, "seconds_saved": 0.0}
    assert Path("one").read_bytes() == Path("two").read_bytes() == Path("three").read_bytes()


def test_where(run: Callable, table: Path, remembered: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The option names the store, else the variable does, else the user's cache; a bound has only the last."""
    run(*TRAIN, "--store", "here")
    assert Path("here").is_dir()
    assert not remembered.exists()
    run(*TRAIN)
    assert remembered.is_dir()
    monkeypatch.setenv("MEMOGRAD_STORE", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert run(*TRAIN).record["memo"]["epochs_trained"] == 6
    assert DiskStore(stores.train_directory()).stats().n_entries > 0
    assert stores.train_directory().startswith(str(tmp_path / "home"))
    opened, named = stores.opened(None, Terminal()), stores.opened("here", Terminal())
    assert opened is not None
    assert named is not None
    assert (opened.stats().max_bytes, named.stats().max_bytes) == (stores.MAX_BYTES, None)


def test_files_are_what_they_hold(run: Callable, table: Path, untrained: Callable) -> None:
    """Neither the time nor the place of a file counts, and the order in which options are given does not."""
    run(*TRAIN, "--ignore", "a", "--model", "one")
    untrained()
    os.utime(table, (1, 1))
    assert run(*TRAIN, "--ignore", "a", "--model", "two").record["memo"]["epochs_trained"] == 0
    shutil.copy(table, "u.csv")
    moved = ("train", "--json", "--epochs", "6", "--hidden", "4", "--ignore", "a", "--target", "kind", "u.csv")
    assert run(*moved).record["model"] == "u.model"
    assert Path("u.model").read_bytes() == Path("one").read_bytes()


@pytest.mark.parametrize(
    "option",
    [
        ["--seed", "1"], ["--epochs", "5"], ["--hidden", "5"], ["--dropout", "0.1"], ["--activation", "tanh"],
        ["--batch-size", "7"], ["--learning-rate", "0.01"], ["--schedule", "cosine"], ["--patience", "2"],
        ["--task", "classification"], ["--ignore", "a"], ["--category", "a"], ["--preset", "sklearn"],
        ["--folds", "2"], ["--val", "t.csv"],
    ],
)  # fmt: skip
def test_options_count(run: Callable, table: Path, option: list[str]) -> None:
    """With any other option the look-up misses."""
    data, keys = table.read_bytes(), []
    for given in ([], option):
        arguments = parsed(*TRAIN, *given)
        held_out = None if arguments.val is None else data
        keys.append(recall.key_of(options_of(arguments), (data, held_out)))
    assert None not in keys
    assert keys[0] != keys[1]


def parsed(*given: str) -> argparse.Namespace:
    """Return arguments as the command has them."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(given[1:])


def test_a_changed_table_is_trained_on(run: Callable, table: Path) -> None:
    """A byte of the table, and the training is another one."""
    run(*TRAIN)
    table.write_text(table.read_text().replace("0.9", "0.8", 1))
    assert run(*TRAIN).record["memo"]["epochs_trained"] == 6


def test_a_table_that_is_written_differently(run: Callable, table: Path) -> None:
    """A table that only looks different misses the look-up, and the chain of states has all of it."""
    run(*TRAIN, "--model", "one")
    table.write_text(table.read_text().replace(",", ";"))
    memo = run(*TRAIN, "--model", "two").record["memo"]
    assert (memo["epochs_recalled"], memo["epochs_trained"]) == (6, 0)
    assert Path("one").read_bytes() == Path("two").read_bytes()


def test_more_epochs(run: Callable, table: Path) -> None:
    """With more epochs only the new ones are trained, and the model is that of a training in one go."""
    longer = [*TRAIN[:-2], "10", "--json", "--schedule", "constant"]
    run(*TRAIN, "--schedule", "constant")
    outcome = run(*longer, "--model", "two")
    assert outcome.err == ""
    memo = outcome.record["memo"]
    assert (memo["epochs_recalled"], memo["epochs_trained"]) == (6, 4)
    assert outcome.record["epochs"] == 10
    run(*longer, "--model", "one", "--no-store")
    assert Path("one").read_bytes() == Path("two").read_bytes()


def test_more_epochs_of_a_schedule_with_an_end(run: Callable, table: Path) -> None:
    """A schedule that depends on the number of epochs starts anew, and says so in one line."""
    run(*TRAIN)
    outcome = run(*TRAIN[:-2], "10", "--json")
    assert outcome.record["memo"]["epochs_trained"] == 10
    (line,) = outcome.err.splitlines()
    assert "depends on the number of epochs" in line


def test_damaged_entries(run: Callable, table: Path, remembered: Path) -> None:
    """Damage is said, nothing is taken from it, and the training is done again."""
    run(*TRAIN, "--model", "one")
    for path in [*remembered.glob("??/*.entry"), *remembered.glob("??/*.blob")]:
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    outcome = run(*TRAIN, "--model", "two")
    assert outcome.record["memo"]["epochs_trained"] == 6
    assert outcome.err
    assert all(line.startswith("damaged: ") for line in outcome.err.splitlines())
    assert Path("one").read_bytes() == Path("two").read_bytes()
    assert run(*TRAIN).err == ""


@pytest.mark.parametrize(
    "blobs",
    [
        (), (b"",), (b"", b"no JSON"), (b"", b"[1]"), (b"", b"{}"), (b"", b'{"record": {}, "notes": [], "curve": []}'),
        (b"", b'{"record": {"metrics": {"validation": {}}}, "notes": [], "curve": []}'), (b"", b"{}", b""),
        (b"", b'{"record": {"metrics": {"validation": {"r2": 1}}}, "notes": [], "curve": [[1]]}'),
    ],
)  # fmt: skip
def test_entries_of_something_else(blobs: tuple[bytes, ...]) -> None:
    """What was put under the key by something else is none of ours."""
    store = MemoryStore(1 << 20)
    store.put(Entry("00" * 32, blobs))
    assert recall.find(store, "00" * 32, Terminal()) is None


@pytest.mark.skipif(hasattr(os, "getuid") and os.getuid() == 0, reason="root may write anywhere")
def test_a_store_that_can_only_be_read(run: Callable, table: Path, remembered: Path) -> None:
    """From a store that cannot be written to results are recalled; others are trained, with one line."""
    run(*TRAIN)
    for path in [remembered, *remembered.rglob("*")]:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    try:
        assert run(*TRAIN).record["memo"]["epochs_trained"] == 0
        outcome = run(*TRAIN, "--seed", "1")
        assert outcome.status == 0
        assert len(outcome.err.splitlines()) == 1
    finally:
        for path in [remembered, *remembered.rglob("*")]:
            path.chmod(path.stat().st_mode | stat.S_IWUSR)


def test_a_store_that_fails(run: Callable, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that can be neither read nor written costs one line, and no training."""

    def fail(*_: object, **__: object) -> None:
        raise StoreError("the disk is on fire")

    for method in ("get", "put", "lock"):
        monkeypatch.setattr(DiskStore, method, fail)
    outcome = run(*TRAIN)
    assert outcome.record["memo"]["epochs_trained"] == 6
    (line,) = outcome.err.splitlines()
    assert "the disk is on fire" in line
    assert Path("t.model").exists()


@pytest.mark.parametrize("place", ["t.csv", "t.csv/store", "redis://host", "memory:", "x" * 300])
def test_a_store_that_cannot_be_opened(run: Callable, table: Path, place: str) -> None:
    """A store that cannot be opened is named in one line, and the training goes on without."""
    outcome = run(*TRAIN, "--store", place)
    assert outcome.status == 0
    (line,) = outcome.err.splitlines()
    assert line.startswith("nothing is remembered of this training: ")
    assert place[:5] in line
    assert Path("t.model").exists()


def test_what_failed_is_not_kept(refused: Callable, table: Path, remembered: Path) -> None:
    """A training that fails leaves no result behind."""
    for _ in range(2):
        refused("train", table, "--target", "kind", "--hidden", "4", "--learning-rate", "1e38", "--epochs", "9")
    assert not [record for record in DiskStore(remembered).scan() if record.group == recall.GROUP]


def test_code_that_changes_meanwhile(run: Callable, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is trained while the code is edited is not kept as the result of what was there first."""
    keys = iter(["0" * 64, "1" * 64, "0" * 64, "0" * 64])
    monkeypatch.setattr(recall, "key_of", lambda *_: next(keys))
    run(*TRAIN)
    run(*TRAIN, "--model", "two")
    assert list(keys) == []


def test_waiting_for_another_process(
    run: Callable, table: Path, remembered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds that another trains the same waits, says so, and takes its result."""
    first = run(*TRAIN, "--model", "one").record
    kept = recall.find
    misses = iter([None])
    monkeypatch.setattr(recall, "find", lambda *given: next(misses, kept(*given)))
    (record,) = [record for record in DiskStore(remembered).scan() if record.group == recall.GROUP]
    with ThreadPoolExecutor(1) as other:
        holding, released = Event(), Event()
        held = other.submit(hold, remembered, record.key, holding, released)
        holding.wait()
        Timer(0.2, released.set).start()
        outcome = run(*TRAIN, "--model", "two")
        held.result()
    assert outcome.err == "another process trains the same; waiting for its result\n"
    assert outcome.record["memo"]["epochs_trained"] == 0
    assert same(first, outcome.record)


def hold(store: Path, key: str, holding: Event, released: Event) -> None:
    """Hold the lock of a key for a while."""
    with DiskStore(store).lock(key):
        holding.set()
        released.wait()


def test_two_processes(table: Path, remembered: Path) -> None:
    """Of two processes that are asked for the same, one trains; both tell the same, and both write the model."""
    command = [*MEMOGRAD, *TRAIN, "--epochs", "40", "--model"]
    both = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name in "ab"
    ]
    results = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    assert all(err in {"", "another process trains the same; waiting for its result\n"} for _, err in results)
    assert Path("a").read_bytes() == Path("b").read_bytes()
    records = [record for record in DiskStore(remembered).scan() if record.group == recall.GROUP]
    assert len(records) == 1


def test_nothing_heavy_is_loaded(run: Callable, table: Path) -> None:
    """A result is recalled without NumPy, SciPy, LLVM, rich or matplotlib."""
    run(*TRAIN)
    command = [sys.executable, "-X", "importtime", *MEMOGRAD[1:], *TRAIN, "--plot", "--curve", "loss.csv"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert '"epochs_trained": 0' in found.stdout
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in found.stderr.splitlines()}
    assert "memograd" in loaded
    assert loaded.isdisjoint({"numpy", "scipy", "llvmlite", "rich", "matplotlib", "safetensors", "sklearn"})
