"""What fitting does beyond scikit-learn's contract: raw tables, weights, losses, splits, metrics, memory, going on."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import balanced_accuracy_score, log_loss, make_scorer, roc_auc_score
from sklearn.model_selection import GroupKFold, TimeSeriesSplit

from memograd.errors import BadSetting, DataError
from memograd.estimators.classifier import MLPClassifier
from memograd.estimators.regressor import MLPRegressor
from memograd.store.memory import MemoryStore

SMALL: dict[str, Any] = {"width": 8, "n_layers": 1, "max_iter": 8, "batch_size": 32}
IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
RNG = np.random.default_rng(0)
N = 200
FRAME = pd.DataFrame(
    {
        "size": np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(size=N)),
        "kind": RNG.choice(["a", "b", None], N),
        "flag": RNG.random(N) < 0.5,
        "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 900, N), "D"),
        "code": RNG.integers(0, 30, N).astype(str),
    }
)
HIGH = (FRAME["size"].fillna(0) + (FRAME["kind"] == "a") > 0.5).map({True: "high", False: "low"})


@pytest.fixture(autouse=True)
def no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the store of whoever runs the tests."""
    monkeypatch.delenv("MEMOGRAD_STORE", raising=False)


def same(first: Any, second: Any, X: Any = IRIS[0]) -> bool:
    """Return whether two estimators predict the same bits."""
    predict = "predict_proba" if hasattr(first, "predict_proba") else "predict"
    return np.array_equal(getattr(first, predict)(X), getattr(second, predict)(X))


# Raw tables.


def test_frames() -> None:
    """A frame of pandas with gaps, text, truth values and dates is learned from as it is; one of polars the same."""
    fitted = MLPClassifier(width=16, max_iter=60).fit(FRAME, HIGH)
    assert fitted.score(FRAME, HIGH) > 0.9
    assert fitted.feature_names_in_.tolist() == list(FRAME)
    polars = pl.from_pandas(FRAME)
    other = MLPClassifier(width=16, max_iter=60).fit(polars, pl.Series(HIGH.tolist()))
    assert np.array_equal(other.predict_proba(polars), fitted.predict_proba(FRAME))


def test_new_values() -> None:
    """Categories that were not seen, and gaps where there were none, are predicted all the same."""
    fitted = MLPClassifier(**SMALL).fit(FRAME, HIGH)
    odd = FRAME.head(5).assign(kind="new", code="999", flag=None, day=pd.NaT, size=np.nan)
    assert set(fitted.predict(odd)) <= {"high", "low"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="kind"), "now missing:\n- kind"),
        (lambda frame: frame.rename(columns={"kind": "type"}), "unseen at fit time:\n- type"),
        (lambda frame: frame[list(frame)[::-1]], "in the same order"),
        (lambda frame: frame.assign(size="large"), "size"),
        (lambda frame: frame.assign(day="monday"), "day"),
        (lambda frame: frame.assign(size=np.inf), "size"),
    ],
)
def test_other_columns(change: Any, message: str) -> None:
    """Columns that are missing, renamed, reordered or of another type are an error that names them."""
    fitted = MLPClassifier(**SMALL).fit(FRAME, HIGH)
    for method in (fitted.predict, fitted.predict_proba):
        with pytest.raises(DataError, match=message):
            method(change(FRAME))


def test_names_on_one_side() -> None:
    """Names on one side only are warned of, as scikit-learn does, and the place counts."""
    X, y = IRIS
    named = pd.DataFrame(X, columns=list("abcd"))
    fitted = MLPClassifier(**SMALL).fit(named, y)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but MLPClassifier was fitted with"):
        fitted.predict(X)
    with pytest.warns(UserWarning, match="X has feature names, but MLPClassifier was fitted without"):
        MLPClassifier(**SMALL).fit(X, y).predict(named)


def test_numbered_frame() -> None:
    """A frame whose columns have numbers for names is as an array, without a warning."""
    X, y = IRIS
    fitted = MLPClassifier(**SMALL).fit(pd.DataFrame(X), y)
    assert not hasattr(fitted, "feature_names_in_")
    assert np.array_equal(fitted.predict(X), fitted.predict(pd.DataFrame(X)))


def test_numbers_as_categories() -> None:
    """Numbers that only name something can be read as categories."""
    code = RNG.integers(0, 5, 300)
    y = np.isin(code, [0, 2, 4])
    frame = pd.DataFrame({"code": code})
    fitted = MLPClassifier(width=16, max_iter=40, categorical_features=["code"]).fit(frame, y)
    assert fitted.score(frame, y) == 1
    assert fitted.coefs_[0].shape[0] == 5


# Targets.


def test_several_outputs() -> None:
    """Several numbers are predicted together, from arrays and frames."""
    X, y = DIABETES
    both = np.stack([y, -y], axis=1)
    fitted = MLPRegressor(width=32, max_iter=60).fit(X, both)
    assert fitted.predict(X).shape == both.shape
    assert fitted.score(X, both) > 0.4
    assert same(fitted, MLPRegressor(width=32, max_iter=60).fit(X, pd.DataFrame(both)), X)


def test_labels() -> None:
    """Several labels are found together; probabilities are of each label by itself."""
    X, y = IRIS
    labels = np.stack([y > 0, y == 1, X[:, 0] > 6], axis=1).astype(int)
    fitted = MLPClassifier(width=32, max_iter=60).fit(X, labels)
    assert fitted.score(X, labels) > 0.85
    assert fitted.predict_proba(X).shape == labels.shape
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert fitted.out_activation_ == "logistic"
    import scipy.sparse as sp

    assert same(fitted, MLPClassifier(width=32, max_iter=60).fit(X, sp.csr_array(labels)))


LOSSES: dict[str, tuple[dict[str, Any], float]] = {
    "squared_error": ({}, 0.5),
    "absolute_error": ({}, 0.5),
    "huber": ({"delta": 0.5}, 0.5),
    "high quantile": ({"loss": "pinball", "quantile": 0.9}, 0.9),
    "low quantile": ({"loss": "pinball", "quantile": 0.1}, 0.1),
}


@pytest.mark.parametrize(("parameters", "share"), LOSSES.values(), ids=LOSSES)
def test_losses(parameters: dict[str, Any], share: float, request: pytest.FixtureRequest) -> None:
    """Each loss leaves the share of rows below the prediction that it should: half, or its quantile."""
    X = RNG.normal(size=(1000, 2))
    y = X[:, 0] * 10 + RNG.normal(size=1000) * 3
    name = request.node.callspec.id
    given = parameters if "loss" in parameters else {"loss": name, **parameters}
    fitted = MLPRegressor(**given, width=16, max_iter=60, early_stopping=False).fit(X, y)
    assert np.mean(y < fitted.predict(X)) == pytest.approx(share, abs=0.1)


def test_counts() -> None:
    """The Poisson loss predicts means of counts, which are positive, and refuses numbers below 0."""
    X = RNG.normal(size=(500, 2))
    y = RNG.poisson(np.exp(X[:, 0] + 1))
    fitted = MLPRegressor("poisson", width=16, max_iter=60).fit(X, y)
    assert fitted.predict(X).min() >= 0
    assert fitted.score(X, y) > 0.4
    assert fitted.out_activation_ == "exp"
    with pytest.raises(DataError, match="at least 0"):
        MLPRegressor("poisson").fit(X, y - 5)


def test_own_functions() -> None:
    """Activations, a loss and a schedule of one's own are NumPy code."""
    X, y = DIABETES
    fitted = MLPRegressor(
        lambda scores, target: np.mean(np.abs(scores - target) ** 1.5, axis=1),
        activation=[np.sin, "relu"],
        hidden_layer_sizes=(16, 16),
        learning_rate=lambda progress: 1.0 - progress**2,
        max_iter=60,
    ).fit(X, y)
    assert fitted.score(X, y) > 0.3


# Weights.


def test_class_weight() -> None:
    """A class that weighs more is predicted more often; "balanced" weighs each class alike."""
    X = RNG.normal(size=(600, 2))
    y = (X[:, 0] + RNG.normal(size=600) > 1.8).astype(int)
    plain, balanced, heavy = (
        MLPClassifier(width=16, max_iter=30, class_weight=weight).fit(X, y)
        for weight in (None, "balanced", {0: 1.0, 1: 100.0})
    )
    counts = [fitted.predict(X).sum() for fitted in (plain, balanced, heavy)]
    assert counts[0] < counts[1] < counts[2]
    weights = np.where(y == 1, 100.0, 1.0)
    assert same(heavy, MLPClassifier(width=16, max_iter=30).fit(X, y, weights), X)


def test_one_weight_for_all() -> None:
    """A number is the weight of each row, and that is no weight at all."""
    assert same(MLPClassifier(**SMALL).fit(*IRIS, 2.0), MLPClassifier(**SMALL).fit(*IRIS))


# Rows to judge by.


def test_rows_to_validate_on() -> None:
    """Rows that are given judge the epochs; both curves are kept, and the best epoch is the model's."""
    X, y = IRIS
    order = RNG.permutation(150)
    train, held = order[:100], order[100:]
    fitted = MLPClassifier(width=16, max_iter=30).fit(X[train], y[train], X_val=X[held], y_val=y[held])
    assert len(fitted.loss_curve_) == len(fitted.validation_loss_curve_) == len(fitted.validation_scores_) == 30
    assert fitted.score(X[held], y[held]) == pytest.approx(fitted.best_validation_score_)
    assert fitted.t_ == 30 * 100


def test_bad_rows_to_validate_on() -> None:
    """What is wrong with them is said: a class that was never seen, one part missing, other columns."""
    X, y = IRIS
    fit = MLPClassifier(**SMALL).fit
    with pytest.raises(DataError, match="the class 9 was not there in the training"):
        fit(X, y, X_val=X[:2], y_val=[0, 9])
    with pytest.raises(DataError, match="y_val is missing"):
        fit(X, y, X_val=X)
    with pytest.raises(DataError, match="X_val is missing"):
        fit(X, y, y_val=y)
    with pytest.raises(DataError, match="X has 2 features"):
        fit(X, y, X_val=X[:, :2], y_val=y)
    with pytest.raises(DataError, match="149 rows, and the table 150"):
        fit(X, y, X_val=X, y_val=y[1:])
    with pytest.raises(DataError, match="one of a multilabel, and y of a classification"):
        fit(X, y, X_val=X[:4], y_val=np.eye(4, dtype=int))


def test_nothing_held_out() -> None:
    """Without early stopping nothing is held out, and there is one curve."""
    fitted = MLPClassifier(**SMALL, early_stopping=False).fit(*IRIS)
    assert fitted.validation_scores_ is fitted.validation_loss_curve_ is fitted.best_validation_score_ is None
    assert fitted.t_ == 8 * 150


def test_groups() -> None:
    """Rows of one group are held out together, with a splitter or without."""
    X, y = IRIS
    groups = np.arange(150) // 7
    for cv in (None, GroupKFold(4)):
        fitted = MLPClassifier(**SMALL, cv=cv).fit(X, y, groups=groups)
        (member,) = fitted._trained.members
        assert set(groups[member.train]).isdisjoint(groups[member.validation])
    with pytest.raises(ValueError, match="groups"):
        MLPClassifier(**SMALL, cv=GroupKFold(4)).fit(X, y)


def test_time() -> None:
    """Splits in time hold out the last rows; several networks take several of them."""
    X, y = DIABETES
    fitted = MLPRegressor(**SMALL, cv=TimeSeriesSplit(3)).fit(X, y)
    (member,) = fitted._trained.members
    assert member.train.max() < member.validation.min()
    assert member.validation.max() == len(y) - 1
    assert len(MLPRegressor(**SMALL, cv=TimeSeriesSplit(3), n_ens=3).fit(X, y).model_.members) == 3


# Metrics.


@pytest.mark.parametrize(
    ("scoring", "expected"),
    [
        ("balanced_accuracy", lambda model, X, y: balanced_accuracy_score(y, model.predict(X))),
        ("neg_log_loss", lambda model, X, y: -log_loss(y, model.predict_proba(X))),
        ("roc_auc_ovr", lambda model, X, y: roc_auc_score(y, model.predict_proba(X), multi_class="ovr")),
        (balanced_accuracy_score, lambda model, X, y: balanced_accuracy_score(y, model.predict(X))),
        (make_scorer(balanced_accuracy_score), lambda model, X, y: balanced_accuracy_score(y, model.predict(X))),
        (
            lambda estimator, X, y: -np.mean(estimator.predict(X) == y),
            lambda model, X, y: -np.mean(model.predict(X) == y),
        ),
    ],
    ids=["name", "probabilities", "order", "metric", "scorer", "own"],
)
def test_scoring(scoring: Any, expected: Any) -> None:
    """Epochs are judged by any metric, in the classes that were given, and the best by it is kept."""
    X, y = IRIS[0], np.array(["x", "y", "z"])[IRIS[1]]
    held = np.arange(0, 150, 3)
    fitted = MLPClassifier(**SMALL, scoring=scoring).fit(X, y, X_val=X[held], y_val=y[held])
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    assert expected(fitted, X[held], y[held]) == pytest.approx(fitted.best_validation_score_, rel=1e-5)


def test_scoring_of_numbers_and_labels() -> None:
    """Numbers are judged in their own units, and labels as labels."""
    X, y = DIABETES
    fitted = MLPRegressor(**SMALL, scoring="neg_mean_absolute_error").fit(X, y, X_val=X, y_val=y)
    assert -np.mean(np.abs(fitted.predict(X) - y)) == pytest.approx(fitted.best_validation_score_, rel=1e-3)
    X, y = IRIS
    labels = np.stack([y > 0, y == 1], axis=1).astype(int)
    fitted = MLPClassifier(**SMALL, scoring="f1_macro").fit(X, labels)
    assert 0 < fitted.best_validation_score_ <= 1


# Ensembles, memory, going on.


def test_ensembles() -> None:
    """Several networks take turns in what they hold out; curves are their means."""
    fitted = MLPClassifier(**SMALL, n_ens=5).fit(*IRIS)
    held = np.concatenate([member.validation for member in fitted._trained.members])
    assert sorted(held) == list(range(150))
    first = [fit.history[0].loss for fit in fitted._trained.fits]
    assert fitted.loss_curve_[0] == pytest.approx(np.mean(first))
    assert fitted.memo_.epochs_trained == 40


@pytest.mark.parametrize("n_ens", [1, 2])
def test_store(n_ens: int, tmp_path: Path) -> None:
    """What was fitted before is recalled, from a path or an open store; the same bits."""
    for store in (tmp_path / "store", str(tmp_path / "other"), MemoryStore(1 << 24)):
        first, second = (MLPClassifier(**SMALL, n_ens=n_ens, store=store).fit(*IRIS) for _ in range(2))
        assert (first.memo_.epochs_recalled, second.memo_.epochs_trained) == (0, 0)
        assert second.memo_.epochs_recalled == 8 * n_ens
        assert same(first, second)


def test_store_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment can name a store; without it there is none."""
    monkeypatch.setenv("MEMOGRAD_STORE", str(tmp_path / "store"))
    first, second = (MLPRegressor(**SMALL).fit(*DIABETES) for _ in range(2))
    assert second.memo_.epochs_recalled == first.memo_.epochs_trained == 8
    monkeypatch.setenv("MEMOGRAD_STORE", "")
    assert MLPRegressor(**SMALL).fit(*DIABETES).memo_.epochs_recalled == 0


def test_more_epochs(tmp_path: Path) -> None:
    """With a constant schedule only the epochs that are new are trained, and it is as if all had been at once."""
    settings: dict[str, Any] = {**SMALL, "learning_rate": "constant", "store": tmp_path / "store"}
    MLPClassifier(**settings).fit(*IRIS)
    longer = MLPClassifier(**{**settings, "max_iter": 12}).fit(*IRIS)
    assert (longer.memo_.epochs_recalled, longer.memo_.epochs_trained) == (8, 4)
    assert same(longer, MLPClassifier(**{**settings, "max_iter": 12, "store": None}).fit(*IRIS))


@pytest.mark.parametrize("n_ens", [1, 2])
@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd"])
def test_warm_start(solver: str, n_ens: int) -> None:
    """Epochs, and then more, are all of them at once, to the last bit; the curves go on, too."""
    settings: dict[str, Any] = {**SMALL, "learning_rate": "constant", "solver": solver, "dropout": 0.1, "n_ens": n_ens}
    settings["early_stopping"] = False
    warm = MLPClassifier(**settings, warm_start=True).fit(*IRIS)
    warm.set_params(max_iter=5).fit(*IRIS)
    whole = MLPClassifier(**{**settings, "max_iter": 13}).fit(*IRIS)
    assert same(warm, whole)
    assert warm.loss_curve_ == whole.loss_curve_
    assert (warm.n_iter_, warm.t_) == (5, whole.t_)


def test_warm_start_of_other_rows() -> None:
    """Going on with other classes, or other columns, is an error; with other rows it is not."""
    X, y = IRIS
    warm = MLPClassifier(**SMALL, warm_start=True).fit(X, y)
    warm.fit(X[:80], y[:80])
    assert warm.classes_.tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="the class 3 was not there"):
        warm.fit(X, y + 1)
    with pytest.raises(DataError, match="X has 2 features"):
        warm.fit(X[:, :2], y)


def test_partial_fit() -> None:
    """Each call is one epoch, as if all had been at once; the scaling is the first call's."""
    X, y = IRIS
    settings: dict[str, Any] = {**SMALL, "learning_rate": "constant"}
    part = MLPClassifier(**settings)
    for _ in range(8):
        part.partial_fit(X, y, classes=[0, 1, 2])
    assert same(part, MLPClassifier(**settings, early_stopping=False).fit(X, y))
    assert (part.n_iter_, len(part.loss_curve_)) == (1, 8)
    numbers = MLPRegressor(**settings).partial_fit(*DIABETES)
    encoder = numbers.model_.encoder
    assert numbers.partial_fit(DIABETES[0][:9], DIABETES[1][:9]).model_.encoder is encoder


def test_partial_fit_of_classes() -> None:
    """The first call names all classes, and the later ones name no others; rows may lack some."""
    X, y = IRIS
    with pytest.raises(BadSetting, match="classes must be passed on the first call"):
        MLPClassifier(**SMALL).partial_fit(X, y)
    fitted = MLPClassifier(**SMALL).partial_fit(X[:60], y[:60], classes=[0, 1, 2])
    assert fitted.partial_fit(X[:40], y[:40]).predict_proba(X).shape == (150, 3)
    with pytest.raises(BadSetting, match="not the same as on the last call"):
        fitted.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(BadSetting, match="set n_ens=1"):
        MLPClassifier(**SMALL, n_ens=2).partial_fit(X, y, classes=[0, 1, 2])
    labels = np.stack([y > 0, y == 1], axis=1).astype(int)
    assert MLPClassifier(**SMALL).partial_fit(X, labels).predict(X).shape == (150, 2)


def test_adaptive_rate() -> None:
    """SGD whose rate adapts goes on when it no longer gains, at a lower rate, until that is too low."""
    X, y = DIABETES[0] * 20, (DIABETES[1] - 150) / 77
    settings: dict[str, Any] = {
        "preset": "sklearn",
        "solver": "sgd",
        "learning_rate_init": 0.2,
        "tol": 0.01,
        "width": 8,
    }
    constant = MLPRegressor(**settings, n_iter_no_change=2).fit(X, y)
    adaptive = MLPRegressor(**settings, n_iter_no_change=2, learning_rate="adaptive").fit(X, y)
    n = constant.n_iter_
    assert adaptive.loss_curve_[:n] == constant.loss_curve_
    assert adaptive.loss_curve_[-1] < constant.loss_curve_[-1]
    # From 0.1, half of 0.2, it can be divided by 5 seven times before it is below 10⁻⁶.
    assert n + 7 * 2 <= adaptive.n_iter_ < 200


# Bad input.


BAD: dict[str, tuple[Any, Any, dict[str, Any], str]] = {
    "no y": (IRIS[0], None, {}, "y is None"),
    "one class": (IRIS[0], np.zeros(150), {}, "one class"),
    "one row": (IRIS[0][:1], [1], {}, "one class"),
    "gaps in y": (IRIS[0], np.r_[np.nan, np.ones(149)], {}, "NaN"),
    "infinite y": (IRIS[0], np.r_[np.inf, np.ones(149)], {}, "infinity"),
    "numbers": (IRIS[0], np.linspace(0, 1, 150), {}, "Unknown label type"),
    "three dimensions of y": (IRIS[0], np.zeros((150, 2, 2)), {}, "y should be a 1d array"),
    "several classes": (IRIS[0], np.arange(300).reshape(150, 2) % 7, {}, "must have one"),
    "complex X": (IRIS[0] * 1j, IRIS[1], {}, "Complex data not supported"),
    "one dimension": (IRIS[0][:, 0], IRIS[1], {}, "Reshape your data"),
    "no rows": (IRIS[0][:0], IRIS[1][:0], {}, r"0 sample\(s\)"),
    "no columns": (IRIS[0][:, :0], IRIS[1], {}, r"0 feature\(s\)"),
    "infinite X": (np.where(IRIS[0] > 7, np.inf, IRIS[0]), IRIS[1], {}, "infinite"),
    "no weight": (*IRIS, {"sample_weight": np.zeros(150)}, "all zero"),
    "negative weight": (*IRIS, {"sample_weight": -np.ones(150)}, "negative"),
    "few weights": (*IRIS, {"sample_weight": np.ones(149)}, "must be 150 numbers"),
    "rows": (IRIS[0], IRIS[1][1:], {}, "149 rows, and the table 150"),
}


@pytest.mark.parametrize(("X", "y", "arguments", "message"), BAD.values(), ids=BAD)
def test_bad_input(X: Any, y: Any, arguments: dict[str, Any], message: str) -> None:
    """What cannot be fitted is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**SMALL).fit(X, y, **arguments)


def test_columns_without_values() -> None:
    """A column without any value, or with one value only, carries nothing and does no harm."""
    X, y = IRIS
    odd = np.column_stack([X, np.full(150, np.nan), np.full(150, 3.0)])
    assert MLPClassifier(width=16, max_iter=40).fit(odd, y).score(odd, y) > 0.9
    X, y = DIABETES
    assert np.ptp(MLPRegressor(**SMALL).fit(np.full((442, 2), np.nan), y).predict(np.zeros((9, 2)))) == 0


def test_many_categories() -> None:
    """Ten thousand categories are embedded, and others are predicted, too."""
    frame = pd.DataFrame({"id": [f"id{i}" for i in range(10_000)]})
    fitted = MLPRegressor(**{**SMALL, "batch_size": 256, "max_iter": 1}).fit(frame, np.arange(10_000.0))
    assert np.isfinite(fitted.predict(pd.DataFrame({"id": ["id1", "none"]}))).all()


def test_few_rows() -> None:
    """With one row to a class, or two rows in all, nothing is held out."""
    X, y = IRIS
    fitted = MLPClassifier(**SMALL).fit(X[[0, 60, 140]], y[[0, 60, 140]])
    assert fitted.validation_scores_ is None
    assert MLPRegressor(**SMALL).fit(X[:1], [3.0]).predict(X[:2]).tolist() == [3.0, 3.0]


# What is told.


def test_verbose(caplog: pytest.LogCaptureFixture) -> None:
    """Each epoch is told on request, by a logger, and no handler stays behind."""
    MLPClassifier(**SMALL).fit(*IRIS)
    assert not caplog.records
    MLPClassifier(**SMALL, verbose=True).fit(*IRIS)
    assert len(caplog.records) == 8
    assert caplog.records[0].getMessage().startswith("epoch 1: loss ")
    assert not logging.getLogger("memograd").handlers


def test_random_state() -> None:
    """None is 0; a generator of scikit-learn's kind gives other networks in turn."""
    assert same(MLPClassifier(**SMALL).fit(*IRIS), MLPClassifier(**SMALL, random_state=0).fit(*IRIS))
    drawn = np.random.RandomState(0)
    first, second = (MLPClassifier(**SMALL, random_state=drawn).fit(*IRIS) for _ in range(2))
    assert not same(first, second)


def test_declared_categories_are_declared_for_predictions_too() -> None:
    """A column of words and numbers that is declared one of categories is read as such when it is predicted from."""
    table = {"a": [1, "small", 2, "large"] * 10, "b": np.arange(40.0)}
    fitted = MLPClassifier(categorical_features=["a"], max_iter=2).fit(table, [0, 1] * 20)
    assert fitted.predict(table).shape == (40,)
