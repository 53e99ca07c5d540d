"""States in a store: when they are written, and that a store that fails costs time and a warning, never a result."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memograd.errors import StoreError
from memograd.memo.complaints import MemoWarning
from memograd.memo.values import blobs_of, entry_of, value_of
from memograd.nn.mlp import MLP
from memograd.nn.optimizers import Adam
from memograd.store.damage import DamagedEntry
from memograd.store.disk import DiskStore
from memograd.store.memory import MemoryStore
from memograd.store.protocol import Entry, Record
from memograd.train import checkpoints, loop
from memograd.train.chain import Chains
from memograd.train.checkpoints import GROUP, is_landmark
from memograd.train.course import Course
from memograd.train.epochs import Pace
from memograd.train.loop import Epoch, Fit, Rows, fit
from memograd.train.settings import Settings

from .trainings import outcome

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 2)).astype(np.float32)
TRAIN, HELD = Rows(X[:12], X[:12, :1] ** 2), Rows(X[12:], X[12:, :1])
NETWORK = MLP((2, 3, 1), "tanh")
SETTINGS = Settings(
    epochs=10, batch_size=5, optimizer=Adam(0.03), schedule="constant", engine="numpy", patience=None
)  # fmt: skip


def fitted(store: Any = None, on_epoch: Any = None, network: Any = NETWORK, train: Rows = TRAIN, **others: Any) -> Fit:
    """Train on a few rows."""
    return fit(network, train, HELD, settings=replace(SETTINGS, **others), store=store, on_epoch=on_epoch)


@pytest.fixture(scope="module")
def whole() -> Any:
    """What the training comes to."""
    return outcome(fitted())


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """States are written after every epoch."""
    monkeypatch.setattr(checkpoints, "SHARE", 1e9)
    monkeypatch.setattr(checkpoints, "PASSING_SECONDS", 0.0)


def states(store: Any) -> list[int]:
    """The epochs after which there are states."""
    return sorted(record.metadata["epochs"] for record in store.scan(GROUP) if "epochs" in record.metadata)


@pytest.mark.usefixtures("always")
def test_landmarks_and_the_end_stay(whole: Any) -> None:
    """Of states after every epoch those after 1, 2, 4, 8, … epochs and the last one stay in the store."""
    store = MemoryStore(1 << 24)
    assert outcome(fitted(store)) == whole
    assert states(store) == [1, 2, 4, 8, 10]
    for epochs in range(1, 11):
        memo = fitted(store, epochs=epochs).memo
        assert memo.epochs_recalled >= epochs / 2, epochs


@pytest.mark.usefixtures("always")
def test_a_failed_report_keeps_what_was_done(whole: Any) -> None:
    """When a callback raises, the state after its epoch is there, and goes when the training went on."""
    store = MemoryStore(1 << 24)

    def fail(epoch: Epoch) -> None:
        if epoch.number == 7:
            raise RuntimeError("a user's own")

    with pytest.raises(RuntimeError, match="a user's own"):
        fitted(store, fail)
    assert states(store) == [1, 2, 4, 7]
    last = fitted(store)
    assert (last.memo.epochs_recalled, last.memo.epochs_trained) == (7, 3)
    assert outcome(last) == whole
    assert states(store) == [1, 2, 4, 8, 10]


def test_pressing_ctrl_c_keeps_what_was_done(whole: Any) -> None:
    """An interrupted training goes on where it was, although nothing was written on the way."""
    store = MemoryStore(1 << 24)

    def press(epoch: Epoch) -> None:
        if epoch.number == 6:
            raise KeyboardInterrupt

    assert fitted(store, press).stopped == "interrupted"
    last = fitted(store)
    assert (last.memo.epochs_recalled, last.memo.epochs_trained) == (6, 4)
    assert outcome(last) == whole


def test_writing_is_rare() -> None:
    """In a short training only the last state is written, since more would take too long."""
    store = MemoryStore(1 << 24)
    fitted(store, epochs=3)
    assert states(store) == [3]


@pytest.mark.parametrize("cost_seconds", [0.001, 0.1])
def test_writing_takes_its_share(cost_seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a write costs, all of them but the last take no more than the share of the time that was trained."""
    clock = [0.0]

    class Slow(MemoryStore):
        """A store that takes its time."""

        def put(self, entry: Entry) -> bool:
            clock[0] += cost_seconds
            return super().put(entry)

    class Stepper:
        """Epochs of 5 ms."""

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def epoch(self) -> float:
            clock[0] += 0.005
            return float(self.inner.epoch())

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    start = Course.start
    monkeypatch.setattr(Course, "start", lambda *args: Stepper(start(*args)))
    for module in (loop, checkpoints):
        monkeypatch.setattr(module.time, "perf_counter", lambda: clock[0])
    store = Slow(1 << 24)
    fitted(store, epochs=2000)
    seconds = 2000 * 0.005
    spent = clock[0] - seconds
    # A first write that takes longer than was guessed, the last one, and what is noted of each.
    assert spent <= checkpoints.SHARE * seconds + 4 * cost_seconds + 1e-9
    assert spent >= 2 * cost_seconds
    if cost_seconds == 0.001:
        assert len(states(store)) >= 3


class Broken(MemoryStore):
    """A store of which some methods fail."""

    __slots__ = ("fails", "n_failed")

    def __init__(self, *fails: str) -> None:
        super().__init__(1 << 24)
        self.fails = fails
        self.n_failed = 0

    def _fail(self, name: str) -> None:
        if name in self.fails:
            self.n_failed += 1
            raise StoreError(f"{name} fails")

    def get(self, key: str) -> Any:
        self._fail("get")
        return super().get(key)

    def put(self, entry: Any) -> bool:
        self._fail("put")
        return super().put(entry)

    def lock(self, key: str, timeout_seconds: float | None = None) -> Any:
        self._fail("lock")
        return super().lock(key, timeout_seconds)

    def delete(self, key: str) -> bool:
        self._fail("delete")
        return super().delete(key)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("fails", [("get",), ("put",), ("lock",), ("delete",), ("get", "put", "lock", "delete")])
def test_a_store_that_fails_costs_one_warning(fails: tuple[str, ...], whole: Any) -> None:
    """Whatever of a store fails, the training comes to its end, and it is said once."""
    store = Broken(*fails)
    with pytest.warns(MemoWarning, match="fails") as told:
        assert outcome(fitted(store)) == whole
    assert len(told) == 1
    assert store.n_failed > 0


def test_a_store_that_is_too_small(whole: Any) -> None:
    """A state that is larger than the store is not kept, and it is said once."""
    with pytest.warns(MemoWarning, match="too small"):
        assert outcome(fitted(MemoryStore(1000))) == whole


def test_a_store_that_evicts(whole: Any) -> None:
    """A store with room for one state: what was evicted is trained again."""
    store = MemoryStore(9000)
    for _ in range(2):
        for epochs in (10, 7, 3, 10):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MemoWarning)
                last = fitted(store, epochs=epochs)
        assert outcome(last) == whole


def test_a_full_disk(whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk without room never stops a training."""
    store = DiskStore(tmp_path)

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.warns(MemoWarning, match="not stored"):
        assert outcome(fitted(store)) == whole


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write everywhere")
def test_a_directory_that_can_only_be_read(whole: Any, tmp_path: Path) -> None:
    """A read-only store is read; what is new is not kept, with a warning."""
    fitted(DiskStore(tmp_path), epochs=6)
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    with pytest.warns(MemoWarning, match="not stored"):
        last = fitted(DiskStore(tmp_path))
    assert (outcome(last), last.memo.epochs_recalled) == (whole, 6)


def test_a_directory_that_is_gone(whole: Any, tmp_path: Path) -> None:
    """A store whose directory was deleted never stops a training."""
    store = DiskStore(tmp_path / "store")
    for path in sorted((tmp_path / "store").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "store").rmdir()
    (tmp_path / "store").write_text("a file in its place")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert outcome(fitted(store)) == whole
    assert MemoWarning in {each.category for each in told}


@pytest.mark.usefixtures("always")
def test_damage_is_a_miss(whole: Any, tmp_path: Path) -> None:
    """A file of which one byte changed is told and set aside; the training goes on from an earlier state."""
    fitted(DiskStore(tmp_path), epochs=9)
    for number, path in enumerate(sorted(tmp_path.rglob("*.entry"))):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            last = fitted(DiskStore(tmp_path), epochs=9)
        assert outcome(last) == outcome(fitted(epochs=9)), number
        assert all(issubclass(each.category, DamagedEntry) for each in told)
    last = fitted(DiskStore(tmp_path), epochs=10)
    assert outcome(last) == whole


def changed(store: MemoryStore, change: Callable[[Record, Any], Any]) -> MemoryStore:
    """A store whose values were changed by somebody who knows how entries are written."""
    other = MemoryStore(1 << 24)
    for record in store.scan():
        entry = store.get(record.key)
        assert entry is not None
        value = change(record, value_of(entry))
        other.put(
            entry_of(record.key, blobs_of(value), group=GROUP, metadata=dict(record.metadata), cost_seconds=1.0)
        )  # fmt: skip
    return other


def state(name: str, new: Callable[[Any], Any]) -> Callable[[Record, Any], Any]:
    """What changes one part of all states."""
    return lambda record, value: {**value, name: new(value[name])} if "epochs" in record.metadata else value


FORGERIES: dict[str, Callable[[Record, Any], Any]] = {
    "no state": lambda record, value: 7,
    "nothing": lambda record, value: None,
    "a part is missing": lambda record, value: {} if "epochs" in record.metadata else value,
    "too few epochs": state("losses", lambda losses: losses[:-1]),
    "losses of another dtype": state("losses", lambda losses: losses.astype(np.float32)),
    "losses that are no array": state("losses", list),
    "no losses": state("losses", lambda losses: None),
    "a loss that is not finite": state("losses", lambda losses: losses * np.nan),
    "a time that is none": state("seconds", lambda seconds: -1.0),
    "parameters that are no arrays": state("parameters", lambda parameters: ["W", "b"]),
    "best parameters that are no arrays": state("best", lambda best: "best"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_makes_no_sense_is_a_miss(name: str, whole: Any) -> None:
    """An entry that is sealed, and holds no state, is told once and trained again."""
    store = MemoryStore(1 << 24)
    fitted(store)
    forged = changed(store, FORGERIES[name])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        last = fitted(forged)
    assert outcome(last) == whole
    assert last.memo.epochs_recalled == 0
    assert len(told) <= 1
    assert outcome(fitted(forged)) == whole


LEDGERS: dict[str, Any] = {
    "empty": {},
    "another type": [1, 2],
    "odd keys": {"x": [1], 0: "ten", 2.5: [3]},
    "epochs that are none": {0: [0, -1, 1.5, "7", None, True, 10**30, 10]},
    "states that are not there": {0: list(range(1, 10))},
}


@pytest.mark.parametrize("name", LEDGERS)
def test_a_wrong_ledger_costs_time_only(name: str, whole: Any) -> None:
    """The list of what is stored is a hint: the end that was asked for is found without it."""
    store = MemoryStore(1 << 24)
    fitted(store)
    forged = changed(store, lambda record, value: value if "epochs" in record.metadata else LEDGERS[name])
    assert fitted(forged).memo.epochs_trained == 0
    last = fitted(forged, epochs=12)
    assert outcome(last) == outcome(fitted(epochs=12))
    assert outcome(fitted(forged)) == whole


def test_data_that_change_meanwhile() -> None:
    """When the data are written to while they are trained on, nothing is kept under the key that they had."""
    store, train = MemoryStore(1 << 24), Rows(TRAIN.X.copy(), TRAIN.y.copy())

    def write(epoch: Epoch) -> None:
        train.X[0, 0] += 1

    with pytest.warns(MemoWarning, match="changed while"):
        fitted(store, write, train=train)
    assert fitted(store).memo.epochs_recalled == 0


FACTOR = 1.0


def activation(x: Any) -> Any:
    """A user's activation with a global."""
    return np.tanh(FACTOR * x)


def test_code_that_changes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """When code is another one at the end, nothing is kept under the key that it had."""
    store, network = MemoryStore(1 << 24), MLP((2, 3, 1), activation)

    def edit(epoch: Epoch) -> None:
        monkeypatch.setitem(globals(), "FACTOR", 2.0)

    with pytest.warns(MemoWarning, match="changed while"):
        fitted(store, edit, network=network)
    assert store.stats().n_entries == 0


def test_equal_arrays_are_stored_once(tmp_path: Path) -> None:
    """Parameters of the best epoch, and of the state after it, take the room of one; also if states share them."""
    network = MLP((2, 64, 64, 1), "tanh")
    one, two = DiskStore(tmp_path / "one"), DiskStore(tmp_path / "two")
    number = fitted(network=network, epochs=12).best.number
    fitted(one, network=network, epochs=number)
    fitted(two, network=network, epochs=number)
    fitted(two, network=network, epochs=12)
    large = 64 * 64 * 4
    # The state after the best epoch: parameters and two sums. Later: those, and no second copy of the best.
    assert len(list((tmp_path / "one").rglob("*.blob"))) == 3
    assert len(list((tmp_path / "two").rglob("*.blob"))) == (6 if number < 12 else 3)
    assert all(path.stat().st_size == large for path in tmp_path.rglob("*.blob"))


def test_two_at_a_time(tmp_path: Path, whole: Any) -> None:
    """Two that train the same at one time, each with its own view of the store, do each other no harm."""
    one, two = DiskStore(tmp_path), DiskStore(tmp_path)

    def meanwhile(epoch: Epoch) -> None:
        if epoch.number in (3, 7):
            assert outcome(fitted(two, epochs=epoch.number + 2)) == outcome(fitted(epochs=epoch.number + 2))

    assert outcome(fitted(one, meanwhile)) == whole
    assert states(one) == [5, 9, 10]
    assert fitted(two, epochs=9).memo.epochs_trained == 0


def test_keys_of_segments() -> None:
    """A key follows from the first one and the epochs that were trained; none is another's."""
    course = Course(NETWORK, TRAIN, SETTINGS, None)
    chain = Chains(course, SETTINGS).chain("numpy", Pace(5, 10, 0), None, None)
    keys = {chain.first, chain.ledger, *(chain.key(epoch) for epoch in range(100))}
    assert len(keys) == 102
    assert chain == Chains(course, SETTINGS).chain("numpy", Pace(5, 99, 0), None, None)


def test_landmarks() -> None:
    """A training of *n* epochs has at most log₂ *n* + 1 landmarks."""
    assert sum(map(is_landmark, range(1, 10_001))) == 14
