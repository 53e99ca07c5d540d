"""Members of an ensemble, side by side: each is what it would be alone, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from memograd.errors import BadSetting, CannotLower, DataError, EngineFallback, TrainingDiverged
from memograd.memo.complaints import MemoWarning
from memograd.nn.mlp import MLP
from memograd.nn.optimizers import SGD, Adam
from memograd.store.disk import DiskStore
from memograd.store.memory import MemoryStore
from memograd.train import bagging, course
from memograd.train.bagging import Member, fit_members
from memograd.train.epochs import NumpyPrograms
from memograd.train.loop import Epoch, Fit, Rows, fit
from memograd.train.native import NativePrograms
from memograd.train.settings import Settings

from .trainings import bits, coarse, outcome

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype(np.float32)
ROWS = Rows(X, (X[:, :1] ** 2 + RNG.normal(size=(60, 1))).astype(np.float32), RNG.uniform(0, 2, 60).astype(np.float32))
NETWORK = MLP((3, 20, 1), "tanh", dropout=0.2)
SETTINGS = Settings(epochs=12, batch_size=7, optimizer=Adam(0.03), patience=4, engine="native")
NUMBERS = np.arange(60)
FOLDS = [(np.delete(NUMBERS, NUMBERS[k::3]), NUMBERS[k::3]) for k in range(3)]
MEMBERS = [Member(*fold, seed) for seed in range(2) for fold in FOLDS]


def alone(member: Member, settings: Settings = SETTINGS, rows: Rows = ROWS) -> Fit:
    """The member, trained by itself."""
    held = None if member.validation is None else rows[member.validation]
    return fit(NETWORK, rows[member.train], held, settings=replace(settings, seed=member.seed), score=coarse)


def together(members: Any = MEMBERS, settings: Settings = SETTINGS, rows: Rows = ROWS, **others: Any) -> Any:
    """All members in one run."""
    return fit_members(NETWORK, rows, members, **{"settings": settings, "score": coarse, **others})


@pytest.fixture(scope="module")
def expected() -> list[Any]:
    """What each member comes to alone."""
    return [outcome(alone(member)) for member in MEMBERS]


@pytest.mark.parametrize("n_threads", [1, 2, 3, 20, None])
def test_as_if_trained_alone(n_threads: int | None, expected: list[Any]) -> None:
    """Parameters, states and histories are those of members trained one by one, for any number of threads."""
    fits = together(settings=replace(SETTINGS, n_threads=n_threads))
    assert list(map(outcome, fits)) == expected
    assert len({repr(bits(fitted.parameters)) for fitted in fits}) == len(MEMBERS)


def test_on_numpy() -> None:
    """The NumPy engine does the same."""
    settings = replace(SETTINGS, engine="numpy", epochs=3)
    fits = together(MEMBERS[:4], settings)
    assert list(map(outcome, fits)) == [outcome(alone(member, settings)) for member in MEMBERS[:4]]


ODD = [
    Member(NUMBERS[:20], NUMBERS[20:], 5),
    Member(NUMBERS[::-1][:33], None, 6),
    Member(np.array([3, 3, 3, 59]), np.array([1], np.int32), 7),
    Member(np.array([8]), np.array([8, 8]), 2**64 - 1),
    Member(NUMBERS[:20].astype(np.uint8), NUMBERS[20:], 5),
]


def test_members_of_different_sizes() -> None:
    """Members of any numbers of rows, of repeated rows, with and without rows to validate on, share a run."""
    fits = together(ODD)
    assert list(map(outcome, fits)) == [outcome(alone(member)) for member in ODD]
    assert outcome(fits[0]) == outcome(fits[4])


@pytest.mark.parametrize("change", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2]])
def test_layouts(change: Any, expected: list[Any]) -> None:
    """How the data lie in memory changes no bit."""
    rows = Rows(*(change(array) for array in ROWS.arrays))
    assert list(map(outcome, together(rows=rows))) == expected


def test_steps_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members of one size share machine code, and none copies the data."""
    made = []
    code = NativePrograms.code

    def counted(self: Any, *args: Any) -> Any:
        found = code(self, *args)
        made.append((id(found), [array.ctypes.data for array in self._data.arrays]))
        return found

    monkeypatch.setattr(NativePrograms, "code", counted)
    together()
    assert len(made) == len(MEMBERS)
    assert {each for each, _ in made} == {made[0][0]}
    assert made[0][1] == [array.ctypes.data for array in ROWS.arrays]


def test_reports() -> None:
    """Epochs are told in order, in the thread that asked, as means over the members that have them."""
    told: list[Epoch] = []
    fits = together(on_epoch=told.append)
    n_epochs = max(len(fitted.history) for fitted in fits)
    assert n_epochs > min(len(fitted.history) for fitted in fits)
    assert [epoch.number for epoch in told] == list(range(1, n_epochs + 1))
    for epoch in told:
        there = [fitted.history[epoch.number - 1] for fitted in fits if len(fitted.history) >= epoch.number]
        assert epoch.loss == pytest.approx(np.mean([each.loss for each in there]))
        assert epoch.validation_loss == pytest.approx(np.mean([each.validation_loss for each in there]))
        assert epoch.validation_score == pytest.approx(np.mean([each.validation_score for each in there]))
    for _ in range(3):
        again: list[Epoch] = []
        together(on_epoch=again.append)
        assert again == told


def test_recall(tmp_path: Any, expected: list[Any]) -> None:
    """What members were trained before is recalled, each by itself; only new epochs are told."""
    together(MEMBERS[1:3], store=DiskStore(tmp_path))
    told: list[Epoch] = []
    fits = together(store=DiskStore(tmp_path), on_epoch=told.append)
    assert list(map(outcome, fits)) == expected
    assert [fitted.memo.epochs_trained == 0 for fitted in fits] == [False, True, True, False, False, False]
    told.clear()
    fits = together(store=DiskStore(tmp_path), on_epoch=told.append)
    assert list(map(outcome, fits)) == expected
    assert {fitted.memo.epochs_trained for fitted in fits} == {0}
    assert told == []


def test_interrupted() -> None:
    """Ctrl-C ends all members after the epochs that are under way; with a store they go on from there."""
    store, constant = MemoryStore(1 << 24), replace(SETTINGS, schedule="constant", patience=None, epochs=60)
    whole = list(map(outcome, together(settings=constant)))

    def press(epoch: Epoch) -> None:
        if epoch.number == 5:
            raise KeyboardInterrupt

    fits = together(settings=constant, on_epoch=press, store=store)
    assert "interrupted" in {fitted.stopped for fitted in fits}
    assert all(len(fitted.history) >= 5 for fitted in fits)
    last = together(settings=constant, store=store)
    assert list(map(outcome, last)) == whole
    assert all(fitted.memo.epochs_recalled >= 5 for fitted in last)


def test_interrupted_before_all_have_begun() -> None:
    """Ctrl-C before each member has an epoch goes on to the caller."""

    def press(epoch: Epoch) -> None:
        raise KeyboardInterrupt

    many = [Member(*FOLDS[0], seed) for seed in range(40)]
    settings = replace(SETTINGS, n_threads=1, patience=None, epochs=300)
    with pytest.MonkeyPatch.context() as patch:
        # As soon as the first member has an epoch.
        patch.setattr(bagging._Telling, "hear", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            together(many, settings, on_epoch=press)


def test_a_report_that_fails() -> None:
    """An error of the callback ends the training, and goes on to the caller."""

    def fail(epoch: Epoch) -> None:
        raise RuntimeError("a user's own")

    with pytest.raises(RuntimeError, match="a user's own"):
        together(on_epoch=fail)


def test_a_member_that_diverges() -> None:
    """The error of a member is the error of all."""
    with pytest.raises(TrainingDiverged, match="smaller learning rate"):
        together(settings=replace(SETTINGS, optimizer=SGD(1e30)))


def test_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no machine code NumPy trains all members, with one warning; and recalls them as NumPy's."""

    def refuse(*_: Any) -> Any:
        raise CannotLower("no code")

    monkeypatch.setattr(NativePrograms, "start", refuse)
    store, settings = MemoryStore(1 << 24), replace(SETTINGS, engine="auto", epochs=2)
    with pytest.warns(EngineFallback) as told:
        fits = together(MEMBERS[:3], settings, store=store)
    assert len(told) == 1
    numpy = replace(settings, engine="numpy")
    assert list(map(outcome, fits)) == [outcome(alone(member, numpy)) for member in MEMBERS[:3]]
    assert {fitted.memo.epochs_trained for fitted in together(MEMBERS[:3], numpy, store=store)} == {0}
    with pytest.warns(EngineFallback):
        assert {fitted.memo.epochs_trained for fitted in together(MEMBERS[:3], settings, store=store)} == {0}
    with pytest.raises(CannotLower):
        together(MEMBERS[:3], replace(settings, engine="native"))


def test_numpy_takes_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the NumPy engine one member trains at a time."""
    running, most = [0], [0]
    epoch = course.NumpyPrograms.program

    def counted(self: NumpyPrograms, *args: Any) -> Any:
        running[0] += 1
        most[0] = max(most[0], running[0])
        found = epoch(self, *args)
        running[0] -= 1
        return found

    monkeypatch.setattr(NumpyPrograms, "program", counted)
    together(MEMBERS, replace(SETTINGS, engine="numpy", epochs=2, n_threads=4))
    assert most == [1]


def test_starts() -> None:
    """Members go on from states as if they had never stopped."""
    constant = replace(SETTINGS, schedule="constant", patience=None)
    begun = together(settings=replace(constant, epochs=5))
    last = together(settings=constant, starts=[fitted.state for fitted in begun])
    whole = together(settings=constant)
    assert [bits(fitted.state.parameters) for fitted in last] == [bits(fitted.state.parameters) for fitted in whole]
    with pytest.raises(BadSetting, match="6 members, and 1 states"):
        together(starts=[None])


def test_a_store_that_fails_is_told_once() -> None:
    """Members that share a store that is too small warn once, and are trained all the same."""
    with pytest.warns(MemoWarning, match="too small") as told:
        together(store=MemoryStore(700))
    assert len(told) == 1


BAD = {
    "no members": ([], "there are no members"),
    "no rows": ([Member(NUMBERS[:0], None, 0)], "there are no rows to train on"),
    "no rows to validate on": ([Member(NUMBERS, NUMBERS[:0], 0)], "there are no rows to validate on"),
    "a row that there is not": ([Member(np.array([60]), None, 0)], "numbered 60 to 60, and there are 60"),
    "a negative number": ([Member(NUMBERS, np.array([-1, 3]), 0)], "validate on are numbered -1 to 3"),
    "a mask": ([Member(NUMBERS > 3, None, 0)], "are bool of shape"),
    "fractions": ([Member(NUMBERS / 2, None, 0)], "are float64 of shape"),
    "two axes": ([Member(NUMBERS[:, None], None, 0)], r"of shape \(60, 1\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_members(name: str) -> None:
    """Rows that cannot be are named before anything is trained."""
    members, says = BAD[name]
    with pytest.raises(DataError, match=says):
        together(members)


def test_weights_of_a_member() -> None:
    """A member all of whose rows have the weight 0 has nothing to train on."""
    weight = np.ones(60, np.float32)
    weight[:20] = 0
    with pytest.raises(DataError, match="are all 0"):
        together([Member(NUMBERS[:20], None, 0)], rows=Rows(ROWS.X, ROWS.y, weight))
