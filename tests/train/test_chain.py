"""The keys of states: everything that decides a number is in them, and nothing else is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy

from memograd.errors import CannotDigest
from memograd.memo.complaints import MemoWarning
from memograd.nn.layers import Dense, Sequential
from memograd.nn.mlp import MLP
from memograd.nn.network import Network
from memograd.nn.optimizers import SGD, Adam, AdamW
from memograd.nn.schedules import FlatCosine
from memograd.store.memory import MemoryStore
from memograd.store.protocol import Store
from memograd.train import numerics
from memograd.train.bagging import Member, fit_members
from memograd.train.loop import Fit, Rows, fit
from memograd.train.settings import Settings

RATE = 0.5


@dataclass(frozen=True)
class Asked:
    """The arguments of `fit`."""

    network: Any
    train: Rows
    validation: Rows | None
    settings: Settings
    score: Callable[[Any, Rows], float] | None = None
    start: Any = None

    def fit(self, store: Store) -> Fit:
        """Train, or recall."""
        return fit(
            self.network, self.train, self.validation,
            settings=self.settings, score=self.score, store=store, start=self.start,
        )  # fmt: skip


def mean_score(scores: Any, rows: Rows) -> float:
    """Some score."""
    return -float(np.mean(np.square(scores - rows.y)))


def asked() -> Asked:
    """What is asked first."""
    rng = np.random.default_rng(0)
    X, held = rng.normal(size=(12, 2)).astype(np.float32), rng.normal(size=(5, 2)).astype(np.float32)
    train = Rows(X, X[:, :1] ** 2, np.linspace(0.5, 1.5, 12, dtype=np.float32))
    settings = Settings(epochs=3, batch_size=5, optimizer=Adam(0.01), schedule="constant", engine="numpy")
    return Asked(MLP((2, 3, 1), "tanh"), train, Rows(held, held[:, :1]), settings, mean_score)


def flipped(array: Any) -> Any:
    """The array with the last bit of its last number turned."""
    changed = array.copy()
    changed.view(np.uint32 if array.dtype == np.float32 else np.uint64).reshape(-1)[-1] ^= 1
    return changed


def with_settings(**others: Any) -> Callable[[Asked], Asked]:
    """Return what asks for other settings."""
    return lambda first: replace(first, settings=replace(first.settings, **others))


def with_network(network: Any) -> Callable[[Asked], Asked]:
    """Return what asks for another network."""
    return lambda first: replace(first, network=network)


def with_train(change: Callable[[Rows], Rows]) -> Callable[[Asked], Asked]:
    """Return what asks for a training on other rows."""
    return lambda first: replace(first, train=change(first.train))


def with_held(change: Callable[[Rows], Rows | None]) -> Callable[[Asked], Asked]:
    """Return what asks for other rows to validate on."""
    return lambda first: replace(first, validation=change(first.validation))


CHANGES: dict[str, Callable[[Asked], Asked]] = {
    "one bit of X": with_train(lambda rows: Rows(flipped(rows.X), rows.y, rows.weight)),
    "one bit of y": with_train(lambda rows: Rows(rows.X, flipped(rows.y), rows.weight)),
    "one bit of a weight": with_train(lambda rows: Rows(rows.X, rows.y, flipped(rows.weight))),
    "no weights": with_train(lambda rows: Rows(rows.X, rows.y)),
    "order of rows": with_train(lambda rows: rows[::-1]),
    "one row less": with_train(lambda rows: rows[:-1]),
    "columns in another order": with_train(lambda rows: Rows(rows.X[:, ::-1], rows.y, rows.weight)),
    "dtype": lambda first: replace(
        first,
        train=Rows(*(a.astype(np.float64) for a in first.train.arrays)),
        validation=Rows(*(None if a is None else a.astype(np.float64) for a in first.validation.arrays)),
    ),
    "one bit of a held-out X": with_held(lambda rows: Rows(flipped(rows.X), rows.y)),
    "one bit of a held-out y": with_held(lambda rows: Rows(rows.X, flipped(rows.y))),
    "weights of held-out rows": with_held(lambda rows: Rows(rows.X, rows.y, np.ones(5, np.float32))),
    "nothing held out": with_held(lambda rows: None),
    "sizes": with_network(MLP((2, 4, 1), "tanh")),
    "depth": with_network(MLP((2, 3, 3, 1), "tanh")),
    "activation": with_network(MLP((2, 3, 1), "relu")),
    "a setting of the activation": with_network(MLP((2, 3, 1), lambda x: np.tanh(2 * x))),
    "loss": with_network(MLP((2, 3, 1), "tanh", "absolute_error")),
    "a user's loss": with_network(MLP((2, 3, 1), "tanh", lambda scores, y: np.sum((scores - y) ** 2, axis=1))),
    "dropout": with_network(MLP((2, 3, 1), "tanh", dropout=0.1)),
    "layer norm": with_network(MLP((2, 3, 1), "tanh", layer_norm=True)),
    "class of the network": with_network(Network(Sequential(Dense(2, 3, "tanh"), Dense(3, 1)))),
    "seed": with_settings(seed=1),
    "batch size": with_settings(batch_size=6),
    "l2": with_settings(l2=1e-9),
    "optimiser": with_settings(optimizer=SGD(0.01)),
    "decay of 0, by another optimiser": with_settings(optimizer=AdamW(0.01, weight_decay=0.0)),
    "a parameter of the optimiser": with_settings(optimizer=Adam(0.01, beta2=0.9990000001)),
    "schedule": with_settings(schedule="cosine"),
    "a user's schedule": with_settings(schedule=lambda progress: 1.0),
    "monitor": with_settings(monitor="score"),
    "ties": with_settings(ties="last"),
    "engine": with_settings(engine="native"),
    "score": lambda first: replace(first, score=lambda scores, rows: 0.0),
    "no score": lambda first: replace(first, score=None),
}


@pytest.fixture(scope="module")
def trained() -> MemoryStore:
    """A store that holds what is asked first."""
    store = MemoryStore(1 << 24)
    assert asked().fit(store).memo.epochs_trained == 3
    return store


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_decides_is_in_the_key(name: str, trained: MemoryStore) -> None:
    """A training of which any one ingredient is another is trained, and not recalled."""
    assert CHANGES[name](asked()).fit(trained).memo.epochs_recalled == 0
    assert asked().fit(trained).memo.epochs_trained == 0


NO_CHANGES: dict[str, Callable[[Asked], Asked]] = {
    "nothing": lambda first: first,
    "patience": with_settings(patience=17),
    "no patience": with_settings(patience=None),
    "tolerance": with_settings(tolerance=0.1),
    "threads": with_settings(n_threads=3),
    "fewer threads": with_settings(n_threads=1),
    "how the data lie in memory": with_train(lambda rows: Rows(np.asfortranarray(rows.X), rows.y.copy(), rows.weight)),
    "data that cannot be written to": with_held(lambda rows: Rows(frozen(rows.X), frozen(rows.y))),
    "the same activation, as a record": with_network(MLP((2, 3, 1), MLP((2, 3, 1), "tanh").activation)),
    "the optimiser by keyword": with_settings(optimizer=Adam(learning_rate=0.01)),
}


def frozen(array: Any) -> Any:
    """A copy that cannot be written to."""
    copied = array.copy()
    copied.setflags(write=False)
    return copied


@pytest.mark.parametrize("name", NO_CHANGES)
def test_what_decides_nothing_is_not_in_the_key(name: str, trained: MemoryStore) -> None:
    """What changes no number leads to what is stored."""
    memo = NO_CHANGES[name](asked()).fit(trained).memo
    assert (memo.epochs_recalled, memo.epochs_trained) == (3, 0)
    assert memo.seconds_saved > 0


def activation_of(source: str) -> Any:
    """A user's module: an activation with a helper, a global and a closure."""
    space: dict[str, Any] = {"np": np, "__name__": "users_module"}
    exec(compile(source, "<user>", "exec"), space)
    return space["activation"]


SOURCE = """
factor = 2.0
def helper(x):
    return np.tanh(x)
def make(shift):
    def activation(x):
        return factor * helper(x) + shift
    return activation
activation = make(0.25)
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [("factor = 2.0", "factor = 2.5"), ("np.tanh(x)", "np.sin(x)"), ("make(0.25)", "make(0.5)"), (" + shift", "")],
)
def test_code_of_a_users_own(old: str, new: str) -> None:
    """An edit of a user's activation, of what it calls, of a global or of a closure is another training."""
    store, first = MemoryStore(1 << 24), asked()

    def fitted(source: str) -> Fit:
        return replace(first, network=MLP((2, 3, 1), activation_of(source))).fit(store)

    assert fitted(SOURCE).memo.epochs_trained == 3
    assert fitted(SOURCE.replace("\n", "\n\n# a comment\n", 1)).memo.epochs_recalled == 3
    assert fitted(SOURCE.replace(old, new)).memo.epochs_recalled == 0


class Slope:
    """A user's own network."""

    def __init__(self, power: int) -> None:
        self.power = power

    def init(self, seed: int, dtype: Any = np.float32) -> Any:
        """Parameters to start from."""
        return {"slope": np.ones((1, 1), dtype)}

    def loss_value(self, parameters: Any, X: Any, y: Any, weight: Any = None, noise: Any = None) -> Any:
        """A loss."""
        return np.mean(np.square(X[:, :1] ** self.power * parameters["slope"] - y))


def test_a_users_own_network() -> None:
    """A network of a user's class is told by its code and its attributes."""
    store, first = MemoryStore(1 << 24), replace(asked(), score=None)
    assert replace(first, network=Slope(1)).fit(store).memo.epochs_recalled == 0
    assert replace(first, network=Slope(1)).fit(store).memo.epochs_recalled == 3
    assert replace(first, network=Slope(2)).fit(store).memo.epochs_recalled == 0


NUMERICS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "version of numpy": lambda patch: patch.setattr(np, "__version__", "99.0"),
    "version of scipy": lambda patch: patch.setattr(scipy, "__version__", "99.0"),
    "version of Python": lambda patch: patch.setattr(numerics, "PYTHON", "99.0"),
    "memograd's own code": lambda patch: patch.setattr(numerics, "sources", lambda: "other"),
    "processor": lambda patch: patch.setattr(numerics, "_processor", lambda: ("other",)),
    "BLAS": lambda patch: patch.setattr(numerics, "_blas", lambda: {"name": "other"}),
    "what products come to": lambda patch: patch.setattr(numerics, "_probe", lambda: b"other"),
}


@pytest.mark.parametrize("name", NUMERICS)
def test_numerics(name: str, trained: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version, machine or library is another training, and coming back finds what was there."""
    with monkeypatch.context() as patch:
        NUMERICS[name](patch)
        assert asked().fit(trained).memo.epochs_recalled == 0
    assert asked().fit(trained).memo.epochs_recalled == 3


def test_numerics_of_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another LLVM is another training in machine code."""
    before = numerics.numerics("native")
    assert numerics.numerics("native") == before != numerics.numerics("numpy")
    monkeypatch.setattr(numerics, "_llvm", lambda: b"other")
    assert numerics.numerics("native") != before


def test_without_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where memograd's own code cannot be read nothing is recalled, since nothing tells versions apart."""
    monkeypatch.setattr(numerics, "sources", numerics.sources.__wrapped__)
    monkeypatch.setattr(numerics, "_PACKAGE", tmp_path)
    with pytest.raises(CannotDigest, match="no sources"):
        numerics.sources()
    with pytest.warns(MemoWarning, match="no sources"):
        assert asked().fit(MemoryStore(1 << 24)).memo.epochs_trained == 3


def test_horizon() -> None:
    """A schedule that depends on the number of epochs starts anew for another number, and says so; others go on."""
    store = MemoryStore(1 << 24)
    for schedule in ("cosine", FlatCosine(0.5), lambda progress: 1.0 - 0.5 * progress):
        first = with_settings(schedule=schedule, epochs=4)(asked())
        longer = with_settings(schedule=schedule, epochs=6)(asked())
        assert first.fit(store).memo.note is None
        memo = longer.fit(store).memo
        assert (memo.epochs_recalled, memo.epochs_trained) == (0, 6)
        assert memo.note is not None
        assert "of 4 epochs" in memo.note
        for again in (first, longer):
            memo = again.fit(store).memo
            assert (memo.epochs_trained, memo.note) == (0, None)
    constant = lambda progress: math.sqrt(RATE)  # noqa: E731
    with_settings(schedule=constant, epochs=4)(asked()).fit(store)
    memo = with_settings(schedule=constant, epochs=6)(asked()).fit(store).memo
    assert (memo.epochs_recalled, memo.epochs_trained, memo.note) == (4, 2, None)


def test_start_is_an_ingredient() -> None:
    """A training that goes on from a state is recalled for that state only."""
    store, first = MemoryStore(1 << 24), asked()
    state = first.fit(store).state
    more = with_settings(epochs=5)(replace(first, start=state))
    assert more.fit(store).memo.epochs_recalled == 0
    memo = more.fit(store).memo
    assert (memo.epochs_recalled, memo.epochs_trained) == (2, 0)
    state.parameters[0]["W"][0, 0] = np.nextafter(state.parameters[0]["W"][0, 0], np.float32(9))
    assert more.fit(store).memo.epochs_recalled == 0


def test_members() -> None:
    """Each member of an ensemble has its own chain: rows to train on, to validate on, and seed are in its key."""
    store, first = MemoryStore(1 << 24), asked()
    rows = np.arange(12)

    def recalled(*members: Member) -> list[int]:
        fits = fit_members(first.network, first.train, members, settings=first.settings, store=store)
        return [fitted.memo.epochs_recalled for fitted in fits]

    member = Member(rows[:8], rows[8:], 0)
    assert recalled(member, Member(rows[4:], rows[:4], 0)) == [0, 0]
    assert recalled(member, Member(rows[8:], rows[:8], 0), Member(rows[4:], rows[:4], 0)) == [3, 0, 3]
    others = [replace(member, seed=1), replace(member, train=rows[:8][::-1]), replace(member, validation=rows[7:])]
    others += [replace(member, validation=None), replace(member, train=np.append(rows[:7], 6))]
    assert recalled(*others) == [0] * len(others)


def test_what_has_no_digest_is_trained(tmp_path: Path) -> None:
    """A network that depends on something unknown is trained every time, and a warning says what it is."""
    with open(tmp_path / "file", "w") as file:
        handle = SimpleNamespace(file=file)

        def activation(x: Any) -> Any:
            assert handle.file
            return np.tanh(x)

        store = MemoryStore(1 << 24)
        for _ in range(2):
            with pytest.warns(MemoWarning, match="cannot be told from others"):
                memo = replace(asked(), network=MLP((2, 3, 1), activation)).fit(store).memo
            assert memo.epochs_trained == 3
        assert store.stats().n_entries == 0
