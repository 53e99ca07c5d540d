"""From a table to a trained model: which rows count, what is learned from them, and what is never trained twice."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from memograd.errors import BadSetting, DataError, UnknownName
from memograd.graph.tree import flatten
from memograd.store.memory import MemoryStore
from memograd.table.columns import Table, as_table
from memograd.train.history import Epoch
from memograd.train.lbfgs import LBFGS
from memograd.train.recipe import Recipe, Task, preset
from memograd.train.tabular import Labelled, Trained, train_table

RNG = np.random.default_rng(0)
N = 240
SIZE = RNG.normal(size=N)
KIND = RNG.choice(["a", "b", "c"], N)
GAPS = np.where(RNG.random(N) < 0.2, np.nan, SIZE * 2)
TABLE = as_table({"size": SIZE.tolist(), "kind": KIND.tolist(), "gaps": GAPS.tolist()})
NUMBERS = SIZE * 3 + (KIND == "b") * 5 + 100
CLASSES = np.where(NUMBERS > 103, "high", np.where(NUMBERS > 98, "middle", "low"))
LABELS = np.stack([SIZE > 0, KIND == "a", SIZE < 1], axis=1).astype(int)
TARGETS: dict[Task, np.ndarray] = {"classification": CLASSES, "regression": NUMBERS, "multilabel": LABELS}


def recipe_of(task: Task, epochs: int = 6, **changes: Any) -> Recipe:
    """Return the tuned recipe, small; changes of settings by their names, too."""
    recipe = preset("tuned", task)
    fields = {field.name for field in dataclasses.fields(recipe)}
    of_settings = {name: value for name, value in changes.items() if name not in fields}
    settings = dataclasses.replace(recipe.settings, epochs=epochs, batch_size=64, **of_settings)
    own = {name: value for name, value in changes.items() if name in fields}
    return dataclasses.replace(recipe, **{"hidden": (24,), "settings": settings, **own})


def train(task: Task = "classification", table: Table = TABLE, y: Any = None, **arguments: Any) -> Trained:
    """Train a small network."""
    recipe = arguments.pop("recipe", None) or recipe_of(task)
    return train_table(table, TARGETS[task] if y is None else y, task=task, recipe=recipe, **arguments)


def parameters_of(trained: Trained) -> list[bytes]:
    """Return the bits of all parameters of the model."""
    return [leaf.tobytes() for member in trained.model.members for leaf in flatten(member)[0]]


@pytest.mark.parametrize("task", TARGETS)
def test_learns(task: Task) -> None:
    """From a raw table with text and gaps it learns what is in it."""
    trained = train(task, recipe=recipe_of(task, epochs=60))
    predicted = trained.model.predict(TABLE)
    assert trained.model.task == task
    if task == "regression":
        assert np.mean((predicted - NUMBERS) ** 2) < 0.05 * np.var(NUMBERS)
    else:
        assert np.mean(predicted == TARGETS[task]) > 0.9


@pytest.mark.parametrize("task", TARGETS)
def test_reproducible(task: Task) -> None:
    """The same training twice gives the same bits, and another seed others."""
    first, again, other = (train(task, recipe=recipe_of(task, seed=seed)) for seed in (1, 1, 2))
    assert parameters_of(first) == parameters_of(again) != parameters_of(other)


def test_rows_held_out() -> None:
    """A fifth of the rows is held out, of each class its share, and nothing is learned from it."""
    trained = train()
    (member,) = trained.members
    assert (trained.n_train, trained.n_validation) == (192, 48)
    for name, count in zip(*np.unique(CLASSES, return_counts=True), strict=True):
        assert np.sum(CLASSES[member.validation] == name) == pytest.approx(count / 5, abs=1)
    moved = SIZE.copy()
    moved[member.validation] += 1e6
    other = train(table=as_table({"size": moved.tolist(), "kind": KIND.tolist(), "gaps": GAPS.tolist()}))
    first, second = ([leaf.tobytes() for leaf in flatten(t.fit.state.parameters)[0]] for t in (trained, other))
    assert first == second


def test_target_is_of_rows_trained_on() -> None:
    """Mean, deviation and range of numbers are those of the rows that are trained on."""
    trained = train("regression")
    y = NUMBERS[trained.members[0].train]
    assert trained.model.target.mean[0] == pytest.approx(y.mean())
    assert trained.model.target.highest[0] == y.max()


def test_best_epoch() -> None:
    """The model is that of the epoch that did best on the rows held out, the last of equals."""
    trained = train(recipe=recipe_of("classification", epochs=30))
    scores = [epoch.validation_score for epoch in trained.fit.history]
    best = max(number for number, score in enumerate(scores, 1) if score == max(scores))
    assert trained.fit.best.number == best
    held = trained.members[0].validation
    predicted = trained.model.predict(TABLE.take(held))
    assert np.mean(predicted == CLASSES[held]) == pytest.approx(max(scores))


def test_last_epoch() -> None:
    """A recipe can keep the last epoch; where nothing is held out it is kept in any case."""
    for changes in ({"keeps": "last"}, {"validation_fraction": 0.0}):
        trained = train(recipe=recipe_of("classification", **changes))
        state = [leaf.tobytes() for leaf in flatten(trained.fit.state.parameters)[0]]
        assert parameters_of(trained) == state
    assert trained.n_validation == 0


@pytest.mark.parametrize("task", TARGETS)
def test_rows_of_no_weight(task: Task) -> None:
    """Rows of weight 0 are as rows that are not there, to the last bit; equal weights as none."""
    weight = (RNG.random(N) < 0.7) * 3.0
    rows = np.flatnonzero(weight)
    weighted = train(task, sample_weight=weight)
    assert parameters_of(weighted) == parameters_of(train(task, TABLE.take(rows), TARGETS[task][rows]))


def test_weights() -> None:
    """Weights count: what weighs next to nothing is not learned. Only their ratios do, however large they are."""
    y = np.where(np.arange(N) % 2, NUMBERS, -NUMBERS)
    weight = np.where(np.arange(N) % 2, 1.0, 1e-6)
    trained = train("regression", y=y, sample_weight=weight, recipe=recipe_of("regression", epochs=40))
    assert np.median(trained.model.predict(TABLE)) > 80
    large = train("regression", y=y, sample_weight=weight * 2.0**1000, recipe=recipe_of("regression", epochs=40))
    assert parameters_of(large) == parameters_of(trained)


def test_rows_to_validate_on() -> None:
    """Given rows to validate on, all others are trained on; and they are encoded as those were."""
    rows, held = np.arange(200), np.arange(200, N)
    table = TABLE.take(rows)
    validation = Labelled(TABLE.take(held), CLASSES[held], np.arange(1.0, 41.0))
    trained = train(table=table, y=CLASSES[rows], validation=validation)
    assert (trained.n_train, trained.n_validation) == (200, 40)
    right = trained.model.predict(TABLE.take(held)) == CLASSES[held]
    assert trained.fit.best.validation_score == pytest.approx(np.average(right, weights=np.arange(1, 41)))


def test_unseen_category_to_validate_on() -> None:
    """A category that only the rows to validate on have is one that was not seen, which is no error."""
    other = as_table({"size": [0.0], "kind": ["new"], "gaps": [None]})
    assert train(validation=Labelled(other, np.array(["low"]))).n_validation == 1


def test_unseen_class_to_validate_on() -> None:
    """A class that only the rows to validate on have is an error that names it."""
    with pytest.raises(DataError, match="'huge' was not there in the training"):
        train(validation=Labelled(TABLE.take([0]), np.array(["huge"])))


def test_folds() -> None:
    """Given folds say which rows are held out; rows of weight 0 are not in them."""
    folds = [(np.arange(100, N), np.arange(100))]
    assert train(folds=folds).n_validation == 100
    weight = np.ones(N)
    weight[50:60] = 0
    trained = train(folds=folds, sample_weight=weight)
    assert (trained.n_train, trained.n_validation) == (140, 90)
    with pytest.raises(BadSetting, match="give one of the two"):
        train(folds=folds, validation=Labelled(TABLE, CLASSES))


@pytest.mark.parametrize("task", TARGETS)
def test_ensembles(task: Task) -> None:
    """Members see other rows and start from other seeds; the prediction is the mean of theirs."""
    trained = train(task, recipe=recipe_of(task, n_members=3))
    assert len(trained.fits) == len(trained.model.members) == 3
    assert len({member.seed for member in trained.members}) == 3
    alone = [dataclasses.replace(trained.model, members=(member,)) for member in trained.model.members]
    predict = "predict" if task == "regression" else "predict_proba"
    parts = [getattr(model, predict)(TABLE) for model in alone]
    np.testing.assert_allclose(getattr(trained.model, predict)(TABLE), np.mean(parts, axis=0))
    assert trained.memo.epochs_trained == sum(len(fit.history) for fit in trained.fits)


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("task", TARGETS)
def test_recalled(task: Task, n_members: int) -> None:
    """The second time everything is recalled, and nothing is trained: the same model, to the last bit."""
    store, recipe = MemoryStore(1 << 24), recipe_of(task, n_members=n_members)
    told: list[Epoch] = []
    first, second = (train(task, recipe=recipe, store=store, on_epoch=told.append) for _ in range(2))
    assert parameters_of(first) == parameters_of(second)
    assert (first.memo.epochs_recalled, second.memo.epochs_trained) == (0, 0)
    assert second.memo.epochs_recalled == first.memo.epochs_trained == 6 * n_members
    assert len(told) == 6


@pytest.mark.parametrize("n_members", [1, 2])
def test_continued(n_members: int) -> None:
    """Some epochs, and from there some more, are all of them at once, to the last bit; by a constant schedule."""
    recipes = [
        recipe_of("regression", epochs, schedule="constant", keeps="last", n_members=n_members) for epochs in (3, 4, 7)
    ]
    first = train("regression", recipe=recipes[0])
    second = train("regression", recipe=recipes[1], start=first)
    assert parameters_of(second) == parameters_of(train("regression", recipe=recipes[2]))
    assert [epoch.number for epoch in second.fit.history] == [4, 5, 6, 7]


def test_continued_on_other_rows() -> None:
    """What goes on on other rows keeps encoder, target and network of the first; a new class is an error."""
    first = train(recipe=recipe_of("classification", validation_fraction=0.0))
    second = train(table=TABLE.take(range(9)), y=CLASSES[:9], start=first)
    assert second.model.encoder is first.model.encoder
    assert second.model.target is first.model.target
    with pytest.raises(DataError, match="'none' was not there"):
        train(y=np.where(CLASSES == "low", "none", CLASSES), start=first)
    with pytest.raises(BadSetting, match="2 members cannot go on from 1"):
        train(recipe=recipe_of("classification", n_members=2), start=first)


def test_lbfgs() -> None:
    """A recipe can ask for L-BFGS; also for an ensemble."""
    for n_members in (1, 2):
        recipe = recipe_of("classification", 50, lbfgs=LBFGS(), keeps="last", n_members=n_members)
        trained = train(recipe=recipe)
        assert np.mean(trained.model.predict(TABLE) == CLASSES) > 0.9


def test_all_classes_named() -> None:
    """Classes that the target lacks can be named; they have probabilities, too."""
    trained = train(classes=["huge", "high", "middle", "low"])
    assert trained.model.target.classes == ("high", "huge", "low", "middle")
    assert trained.model.predict_proba(TABLE).shape == (N, 4)


def test_counts() -> None:
    """A Poisson loss is of the counts themselves: means are positive, and of their size."""
    counts = np.random.default_rng(1).poisson(np.exp(SIZE + 1))
    trained = train("regression", y=counts, recipe=recipe_of("regression", 60, loss="poisson", clips=False))
    assert trained.model.predict(TABLE).min() > 0
    assert trained.model.predict(TABLE).mean() == pytest.approx(counts.mean(), rel=0.2)


def test_judged_by_another_score() -> None:
    """Another score has its name, and decides."""

    def worst(network: Any, target: Any) -> Any:
        return lambda scores, rows: -float(np.mean(scores.argmax(axis=1) == rows.y))

    trained = train(judge=("error", worst))
    scores = [epoch.validation_score for epoch in trained.fit.history]
    assert (trained.score_name, trained.fit.best.validation_score) == ("error", max(scores))


@pytest.mark.parametrize("n_rows", [2, 3, 4, 6])
def test_few_rows(n_rows: int) -> None:
    """With so few rows that none would be held out, all are trained on, and the last epoch is kept."""
    trained = train(table=TABLE.take(range(n_rows)), y=np.arange(n_rows) % 2)
    assert trained.n_train + trained.n_validation == n_rows
    assert trained.model.predict(TABLE).shape == (N,)


def test_one_row_of_numbers() -> None:
    """One row is enough to learn one number."""
    trained = train("regression", TABLE.take([0]), [5.0])
    assert trained.model.predict(TABLE).tolist() == [5.0] * N


def test_constant_numbers() -> None:
    """A constant target is predicted exactly."""
    assert set(train("regression", y=np.full(N, 7.5)).model.predict(TABLE)) == {7.5}


def test_several_numbers() -> None:
    """Several outputs are each scaled by their own numbers."""
    y = np.stack([NUMBERS, -1000 * NUMBERS], axis=1)
    predicted = train("regression", y=y, recipe=recipe_of("regression", epochs=60)).model.predict(TABLE)
    assert (np.mean((predicted - y) ** 2, axis=0) < 0.1 * np.var(y, axis=0)).all()


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "task": ({"task": "ranking"}, UnknownName, "no task 'ranking'"),
    "rows": ({"y": CLASSES[:-1]}, DataError, "239 rows, and the table 240"),
    "no rows": ({"table": TABLE.take([]), "y": []}, DataError, "no rows"),
    "one class": ({"y": ["a"] * N}, DataError, "one class"),
    "missing class": ({"y": [None, *CLASSES[1:]]}, DataError, "the class is missing"),
    "missing number": ({"task": "regression", "y": np.r_[np.nan, NUMBERS[1:]]}, DataError, "row 1"),
    "infinite number": ({"task": "regression", "y": np.r_[NUMBERS[1:], np.inf]}, DataError, "row 240"),
    "text": ({"task": "regression", "y": CLASSES}, DataError, "y"),
    "no label": ({"task": "multilabel", "y": LABELS * 2}, DataError, "neither 0 nor 1"),
    "no weight": ({"sample_weight": np.zeros(N)}, DataError, "all zero"),
    "negative": ({"sample_weight": np.r_[-1.0, np.ones(N - 1)]}, DataError, "negative"),
    "infinite": ({"sample_weight": np.r_[np.inf, np.ones(N - 1)]}, DataError, "not finite"),
    "shape": ({"sample_weight": np.ones((N, 1))}, DataError, r"shape \(240, 1\)"),
    "text weights": ({"sample_weight": ["1"] * N}, DataError, "must be 240 numbers"),
}


@pytest.mark.parametrize(("arguments", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """What cannot be learned from is an error that says why, before anything is trained."""
    task = arguments.pop("task", "classification") if "task" in arguments else "classification"
    recipe = recipe_of("regression" if task == "ranking" else task)
    with pytest.raises(error, match=message):
        train(**{"task": task, "recipe": recipe, "y": CLASSES, **arguments})
