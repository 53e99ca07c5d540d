"""Threads: how many may run, how they wait for each other, and that results do not tell how many there were."""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memograd.engine.native import machine as machine_module
from memograd.engine.native.ir import Builder, Module, Value
from memograd.engine.native.ir_types import I64, PTR, VOID
from memograd.engine.native.jit import Code
from memograd.engine.native.machine import machine, usable_cores
from memograd.engine.native.threads import WORDS, barrier
from memograd.engine.native.training import NativeTraining
from memograd.engine.native.training_code import TrainingCode
from memograd.nn.layers import Dense, Dropout, LayerNorm, Residual, Sequential
from memograd.nn.mlp import MLP
from memograd.nn.network import Network
from memograd.nn.optimizers import Adam, AdamW

from .programs import Training

# Cores


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the files of control groups, on a machine of 16 cores."""
    monkeypatch.setattr(machine_module, "Path", lambda path: tmp_path / str(path).lstrip("/"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    folder = tmp_path / "sys" / "fs" / "cgroup"
    (folder / "cpu").mkdir(parents=True)
    return folder


def test_cores_without_limits(groups: Path) -> None:
    """Without control groups, as many as the scheduler allows."""
    assert usable_cores() == 16


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("max 100000\n", 16),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("50000 100000\n", 1),
        ("1000 100000\n", 1),
        ("9900000 100000\n", 16),
        ("800000 50000", 16),
        ("", 16),
        ("nonsense\n", 16),
        ("max\n", 16),
        ("1 2 3\n", 16),
    ],
)
def test_cores_of_a_quota(groups: Path, text: str, cores: int) -> None:
    """What a control group of version 2 pays for, rounded up, and never less than one; nonsense is no limit."""
    (groups / "cpu.max").write_text(text, encoding="ascii")
    assert usable_cores() == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", 16), ("300000", 3), ("250000", 3), ("100", 1)])
def test_cores_of_an_older_quota(groups: Path, quota: str, cores: int) -> None:
    """The same of version 1, where −1 is no limit."""
    (groups / "cpu" / "cpu.cfs_quota_us").write_text(quota + "\n", encoding="ascii")
    (groups / "cpu" / "cpu.cfs_period_us").write_text("100000\n", encoding="ascii")
    assert usable_cores() == cores


@pytest.mark.parametrize(
    ("line", "limits", "cores"),
    [
        ("0::/user.slice/job.scope", {"user.slice/job.scope": "200000 100000"}, 2),
        ("0::/user.slice/job.scope", {"user.slice": "300000 100000", "user.slice/job.scope": "max 100000"}, 3),
        ("0::/user.slice/job.scope", {"user.slice": "300000 100000", "user.slice/job.scope": "900000 100000"}, 3),
        ("0::/user.slice", {"user.slice/other.scope": "100000 100000"}, 16),
        ("0::/", {"": "400000 100000"}, 4),
        ("0::/../outside", {"": "400000 100000"}, 4),
        ("nonsense", {"": "400000 100000"}, 4),
        ("", {"": "400000 0"}, 16),
    ],
)
def test_cores_of_nested_groups(groups: Path, line: str, limits: dict[str, str], cores: int) -> None:
    """The group of this process counts, and those that it lies in; the least of them."""
    own = groups.parents[2] / "proc" / "self" / "cgroup"
    own.parent.mkdir(parents=True)
    own.write_text("1:name=systemd:/elsewhere\n" + line + "\n", encoding="ascii")
    for group, limit in limits.items():
        (groups / group).mkdir(parents=True, exist_ok=True)
        (groups / group / "cpu.max").write_text(limit, encoding="ascii")
    assert usable_cores() == cores


def test_cores_of_an_older_nested_group(groups: Path) -> None:
    """In version 1 each controller has a path of its own."""
    own = groups.parents[2] / "proc" / "self" / "cgroup"
    own.parent.mkdir(parents=True)
    own.write_text("7:memory:/a\n4:cpu,cpuacct:/b/c\n", encoding="ascii")
    for group, quota in (("a", "100000"), ("b", "500000"), ("b/c", "-1")):
        (groups / "cpu" / group).mkdir(parents=True)
        (groups / "cpu" / group / "cpu.cfs_quota_us").write_text(quota + "\n", encoding="ascii")
        (groups / "cpu" / group / "cpu.cfs_period_us").write_text("100000\n", encoding="ascii")
    assert usable_cores() == 5


def test_cores_of_an_affinity(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the scheduler forbids is not used, whatever is paid for."""
    (groups / "cpu.max").write_text("800000 100000", encoding="ascii")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 6}, raising=False)
    assert usable_cores() == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(40)), raising=False)
    assert usable_cores() == 8


def test_cores_where_there_is_no_affinity(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems that cannot tell have the cores that Python counts, and at least one."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1


# Barriers


@pytest.mark.parametrize("n_threads", [1, 2, 3, 5])
def test_barriers(n_threads: int) -> None:
    """After a barrier each thread sees what all others wrote before it, also of more threads than cores."""
    n_rounds = 1000 if n_threads <= 2 else 200

    def body(b: Builder, thread: Value, n: Value, control: Value, counts: Value, wrong: Value) -> None:
        def one_round(i: Value) -> None:
            # A cache line for each thread.
            b.store(b.offset(counts, thread * 8, I64), i + 1)
            barrier(b, control, n)

            def look(other: Value, bad: Value) -> list[Value]:
                found = b.load(b.offset(counts, other * 8, I64), I64)
                return [bad + b.convert(b.compare("!=", found, i + 1), "zext", I64)]

            (bad,) = b.loop(0, n, look, carry=[b.constant(0, I64)])
            b.atomic_add(wrong, bad)
            barrier(b, control, n)

        b.loop(0, n_rounds, one_round)

    module = Module()
    module.define("f", VOID, [I64, I64, PTR, PTR, PTR], body, exported=True)
    word, pointer = ctypes.c_int64, ctypes.c_void_p
    run = Code(str(module), machine()).function("f", None, word, word, pointer, pointer, pointer)
    control, counts, wrong = np.zeros(WORDS + 8, np.int64), np.zeros(8 * n_threads, np.int64), np.zeros(1, np.int64)
    with ThreadPoolExecutor(n_threads) as threads:
        jobs = [
            threads.submit(run, thread, n_threads, control.ctypes.data, counts.ctypes.data, wrong.ctypes.data)
            for thread in range(n_threads)
        ]
        for job in jobs:
            job.result(60)
    assert wrong[0] == 0
    assert (counts[::8] == n_rounds).all()


# Trainings


def data(dtype: Any, n_rows: int = 90) -> tuple[Any, Any, Any]:
    """Rows of five classes, with weights."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 20)).astype(dtype)
    return X, rng.integers(0, 5, n_rows), rng.uniform(0.5, 2, n_rows).astype(dtype)


NETWORKS = {
    "wide": MLP((20, 256, 200, 128, 5), "selu", "cross_entropy"),
    "wide and dropped": MLP((20, 256, 256, 5), "relu", "cross_entropy", dropout=0.3),
    "plain": MLP((20, 70, 33, 5), "tanh", "cross_entropy"),
    "dropout": MLP((20, 40, 24, 5), "relu", "cross_entropy", dropout=0.3),
    "residual": Network(
        Sequential(Dense(20, 32), Residual(LayerNorm(32), Dense(32, 32, "gelu"), Dropout(0.2)), Dense(32, 5)),
        "cross_entropy",
    ),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NETWORKS)
def test_bits_do_not_tell_the_number_of_threads(name: str, dtype: Any) -> None:
    """On one to four threads, and twice on each: the same state and the same losses, bit for bit."""
    found = []
    for n_threads in (1, 2, 3, 4, 2):
        training = Training(
            NETWORKS[name], AdamW(0.01), data(dtype), batch=32, epochs=3, n_threads=n_threads, schedule="cosine", l2=0.1
        )
        state, losses = training.run()
        found.append([*(x.tobytes() for x in state), losses])
    assert all(other == found[0] for other in found[1:])


def test_rows_are_drawn_alike_on_any_number_of_threads() -> None:
    """The order of the rows is that of the seed, and another one in each epoch."""
    plain = Training(NETWORKS["plain"], Adam(), data(np.float32), batch=32, epochs=3)
    found = []
    for n_threads, seed in ((1, 0), (2, 0), (3, 0), (2, 1)):
        run = NativeTraining(
            TrainingCode(plain.steps), plain.native.state, data(np.float32), epochs=3, seed=seed, n_threads=n_threads
        )  # fmt: skip
        orders = []
        for _ in range(3):
            run.run(1)
            orders.append(run._order.copy())
        assert all(sorted(order) == list(range(90)) for order in orders)
        assert len({order.tobytes() for order in orders}) == 3
        found.append((np.concatenate(orders).tobytes(), [x.tobytes() for x in run.state]))
    assert found[0] == found[1] == found[2]
    assert found[3][0] != found[0][0]


@pytest.mark.parametrize("name", NETWORKS)
def test_some_of_the_rows(name: str) -> None:
    """To train on some rows is to train on a copy of them, bit for bit; and code serves more than one training."""
    some = np.random.default_rng(0).permutation(90)[:70]
    X, y, _ = data(np.float32)
    plain = Training(NETWORKS[name], Adam(0.01), (X[some], y[some], None), batch=32, epochs=3)
    start = plain.native.state
    found = [
        NativeTraining(plain.code, start, arrays, epochs=3, seed=5, n_threads=n_threads, rows=rows)
        for arrays, rows in (([X[some], y[some]], None), ([X, y], some))
        for n_threads in (1, 2)
    ]
    losses = [run.run(3) for run in found]
    assert all(other == losses[0] for other in losses)
    assert len({b"".join(x.tobytes() for x in run.state) for run in found}) == 1


def test_rows_that_are_not_there() -> None:
    """They are refused before machine code reads them."""
    X, y, _ = data(np.float32)
    plain = Training(NETWORKS["plain"], Adam(0.01), (X, y, None), batch=32)
    for rows in ([90], [0, -1]):
        with pytest.raises(IndexError, match="there is no row"):
            NativeTraining(plain.code, plain.native.state, [X, y], epochs=1, seed=0, rows=np.array(rows * 40))


@pytest.mark.parametrize("name", NETWORKS)
def test_entering_at_a_later_epoch(name: str) -> None:
    """A training that starts where another one stopped goes on as that one would have, bit for bit."""
    plain = Training(NETWORKS[name], AdamW(0.01), data(np.float32), batch=32, epochs=4, schedule="cosine")
    given = [x for x in data(np.float32) if x is not None]
    whole = NativeTraining(plain.code, plain.native.state, given, epochs=4, seed=5)
    losses = whole.run(2)
    later = NativeTraining(plain.code, whole.state, given, epochs=4, seed=5, first_epoch=2, n_threads=2)
    assert whole.run(2) == later.run(2)
    assert len(losses) == 2
    assert [x.tobytes() for x in whole.state] == [x.tobytes() for x in later.state]


def test_trainings_at_once() -> None:
    """Several trainings, each of two threads, in several threads of Python: each as if it were alone."""
    seeds = range(4)

    def trained(seed: int) -> list[bytes]:
        run = Training(
            NETWORKS["dropout"], Adam(0.01), data(np.float32), batch=32, epochs=20, seed=seed, n_threads=2
        )  # fmt: skip
        return [x.tobytes() for x in run.run()[0]]

    alone = [trained(seed) for seed in seeds]
    assert len({tuple(x) for x in alone}) == len(alone)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(trained, seeds)) == alone


def test_more_threads_than_rows() -> None:
    """Threads that have nothing to do wait, and do no harm."""
    X, y, weight = (x[:3] for x in data(np.float32))
    found = []
    for n_threads in (1, 8):
        training = Training(NETWORKS["plain"], Adam(), (X, y, weight), epochs=2, n_threads=n_threads)
        found.append([x.tobytes() for x in training.run()[0]])
    assert found[0] == found[1]


def test_the_number_of_threads_may_change_between_calls() -> None:
    """One training on one thread, then on three, then on two: the same bits as on one."""
    found = []
    for numbers in ((1,), (1, 3, 2)):
        training = Training(NETWORKS["plain"], Adam(0.01), data(np.float32), batch=32, epochs=6, n_threads=3)
        run = training.native
        for epoch in range(6):
            first = epoch * run.steps_an_epoch
            run._call(numbers[epoch % len(numbers)], first, first + run.steps_an_epoch)
        found.append([x.tobytes() for x in run.state])
    assert found[0] == found[1]
