"""The estimators keep scikit-learn's contract: its own checks, and what its tools do with estimators."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import BaggingClassifier, VotingRegressor
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from memograd.estimators.classifier import MLPClassifier
from memograd.estimators.regressor import MLPRegressor

REPEATED = (
    "a row that is there twice falls into two minibatches, or twice into one; a row of weight 2 into one, once: so "
    "it is for every solver that takes minibatches"
)
SPLIT = "the quantiles by which columns are scaled are of the rows, and weights do not move them"


def expected_failures(estimator: Any) -> dict[str, str]:
    """Return the checks of scikit-learn that cannot pass, with the reason."""
    return {
        "check_sample_weight_equivalence_on_dense_data": f"{REPEATED}; {SPLIT}",
        "check_sample_weight_equivalence_on_sparse_data": f"{REPEATED}; {SPLIT}",
    }


SMALL: dict[str, Any] = {"width": 8, "n_layers": 1, "max_iter": 60, "batch_size": 32}
IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


@parametrize_with_checks(
    [MLPClassifier(max_iter=20), MLPRegressor(max_iter=20)], expected_failed_checks=expected_failures
)
def test_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    """scikit-learn's checks of estimators pass, all but those that are named with their reason."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks warn of what they skip, and of what they do themselves
        check(estimator)


def test_weights_are_repetitions_for_lbfgs() -> None:
    """On all rows at once, and without quantiles, a weight of 2 is a row that is there twice."""
    X, y = IRIS
    weight = np.random.default_rng(0).integers(0, 3, len(X))
    settings: dict[str, Any] = {"preset": "sklearn", "solver": "lbfgs", "max_iter": 500, "hidden_layer_sizes": ()}
    settings.update(alpha=1.0, tol=1e-8)
    weighted = MLPClassifier(**settings).fit(X, y, weight)
    repeated = MLPClassifier(**settings).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    # SciPy stops when the loss gains no more than two parts in 10⁹, which leaves the third digit open.
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=2e-3)


def test_parameters_of_scikit_learn() -> None:
    """Every parameter of scikit-learn's estimators is one here, in the same order where it is positional."""
    from sklearn.neural_network import MLPClassifier as Classifier
    from sklearn.neural_network import MLPRegressor as Regressor

    assert Classifier().get_params().keys() <= MLPClassifier().get_params().keys()
    assert Regressor().get_params().keys() <= MLPRegressor().get_params().keys()
    assert MLPClassifier((5,), "tanh").get_params()["activation"] == "tanh"
    assert MLPRegressor("poisson", (5,), "tanh").get_params()["loss"] == "poisson"


@pytest.mark.filterwarnings("ignore:.*epochs were trained.*:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("preset", ["tuned", "sklearn"])
def test_all_parameters_of_scikit_learn(preset: str) -> None:
    """scikit-learn's own defaults can be given, and estimators with them can be fitted."""
    from sklearn.neural_network import MLPClassifier as Classifier
    from sklearn.neural_network import MLPRegressor as Regressor

    for theirs, ours, (X, y) in ((Classifier, MLPClassifier, IRIS), (Regressor, MLPRegressor, DIABETES)):
        given = {**theirs().get_params(), "max_iter": 3}
        fitted = ours(**given, preset=preset).fit(X, y)
        assert [len(layer) for layer in fitted.coefs_] == [X.shape[1], 100]
        assert fitted.predict(X).shape == y.shape


@pytest.mark.filterwarnings("ignore:.*epochs were trained.*:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_attributes_of_scikit_learn(solver: str) -> None:
    """Every public attribute of a fitted estimator of scikit-learn is one here; shapes are the same."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier as Classifier

    X, y = IRIS
    for rows in (slice(0, 100), slice(None)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            theirs = Classifier(max_iter=5, solver=solver).fit(X[rows], y[rows])
        ours = MLPClassifier(preset="sklearn", max_iter=5, solver=solver).fit(X[rows], y[rows])
        public = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
        assert {name for name in public if not hasattr(ours, name)} - {"no_improvement_count_"} == set()
        assert [w.shape for w in ours.coefs_] == [w.shape for w in theirs.coefs_]
        assert [b.shape for b in ours.intercepts_] == [b.shape for b in theirs.intercepts_]
        for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
            assert getattr(ours, name) == getattr(theirs, name)
        if solver != "lbfgs":
            assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)


@pytest.mark.filterwarnings("ignore:.*epochs were trained.*:sklearn.exceptions.ConvergenceWarning")
def test_coefficients() -> None:
    """With `coefs_` and `intercepts_` the network can be computed by hand, whatever its parametrization."""
    X, y = IRIS
    for preset in ("tuned", "sklearn"):
        fitted = MLPClassifier(**SMALL, preset=preset, activation="tanh").fit(X, y)
        hidden = fitted.model_.encoder.transform(fitted._to_predict(X))
        (W1, W2), (b1, b2) = fitted.coefs_, fitted.intercepts_
        np.testing.assert_allclose(np.tanh(hidden @ W1 + b1) @ W2 + b2, fitted.model_.scores(X)[0], atol=2e-5)


def test_not_fitted() -> None:
    """Before it is fitted it says so, and has no attributes of a fit."""
    for estimator in (MLPClassifier(), MLPRegressor()):
        with pytest.raises(NotFittedError):
            estimator.predict(IRIS[0])
        with pytest.raises(NotFittedError):
            estimator.save("model")
        assert not any(hasattr(estimator, name) for name in ("coefs_", "intercepts_", "model_", "n_iter_"))


def test_pipeline_and_search() -> None:
    """It can be searched over in a pipeline, and its parameters set through it."""
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**SMALL))
    search = GridSearchCV(pipeline, {"mlpclassifier__width": [1, 8], "mlpclassifier__alpha": [None, 0.1]}, cv=3)
    assert search.fit(*IRIS).best_score_ > 0.85
    assert len(search.cv_results_["params"]) == 4


def test_other_meta_estimators() -> None:
    """Ensembles of scikit-learn take it."""
    assert BaggingClassifier(MLPClassifier(**SMALL), n_estimators=2, random_state=0).fit(*IRIS).score(*IRIS) > 0.85
    assert VotingRegressor([("mlp", MLPRegressor(**SMALL))]).fit(*DIABETES).score(*DIABETES) > 0.2


@pytest.fixture
def routing() -> Iterator[None]:
    """Turn metadata routing on."""
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_metadata_routing() -> None:
    """Weights and groups can be routed to `fit`."""
    X, y = IRIS
    groups = np.arange(len(y)) % 5
    estimator = MLPClassifier(**SMALL, cv=GroupKFold(3)).set_fit_request(sample_weight=True, groups=True)
    estimator.set_score_request(sample_weight=True)
    weight = (y != 2) + 1e-9
    params = {"sample_weight": weight, "groups": groups}
    scores = cross_val_score(estimator, X, y, params=params, cv=GroupKFold(3))
    assert scores.min() > 0.9


def test_partial_fit_is_there_for_steps() -> None:
    """There is a `partial_fit` for solvers that take steps, and none for the one that does not."""
    assert hasattr(MLPClassifier(solver="sgd"), "partial_fit")
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")


@pytest.mark.parametrize("dump", ["pickle", "joblib"])
def test_pickled(dump: str, tmp_path: Path) -> None:
    """What comes out of a pickle predicts the same bits, and can be trained on as the original."""
    X, y = IRIS
    estimator = MLPClassifier(**SMALL, learning_rate="constant").partial_fit(X, y, classes=np.unique(y))
    if dump == "pickle":
        again = pickle.loads(pickle.dumps(estimator))
    else:
        joblib.dump(estimator, tmp_path / "model")
        again = joblib.load(tmp_path / "model")
    assert np.array_equal(again.predict_proba(X), estimator.predict_proba(X))
    assert np.array_equal(again.partial_fit(X, y).predict_proba(X), estimator.partial_fit(X, y).predict_proba(X))


def test_containers() -> None:
    """Arrays of either precision, lists, sparse matrices and frames of the same numbers are predicted alike."""
    X, y = IRIS
    X = X.astype(np.float32).astype(np.float64)
    expected = MLPClassifier(**SMALL).fit(X, y).predict_proba(X)
    for same in (X.astype(np.float32), X.tolist(), sp.csr_array(X), sp.csc_matrix(X), np.asfortranarray(X)):
        fitted = MLPClassifier(**SMALL).fit(same, y)
        assert np.array_equal(fitted.predict_proba(same), expected)
        assert np.array_equal(fitted.predict_proba(X), expected)
    frame = pd.DataFrame(X, columns=list("abcd"))
    fitted = MLPClassifier(**SMALL).fit(frame, pd.Series(y))
    assert np.array_equal(fitted.predict_proba(frame), expected)
    assert fitted.feature_names_in_.tolist() == list("abcd")


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["setosa", "virginica", "other"]),
        np.array(["setosa", "virginica", "other"], object),
        np.array([7, -1, 300]),
        np.array([1.0, 2.0, 5.0]),
    ],
    ids=["text", "objects", "integers", "floats"],
)
def test_classes(labels: np.ndarray) -> None:
    """Classes come out as they came in, sorted as by numpy, and of their dtype."""
    X, y = IRIS
    fitted = MLPClassifier(**SMALL).fit(X, labels[y])
    assert fitted.classes_.tolist() == np.unique(labels).tolist()
    assert fitted.predict(X).dtype.kind == labels.dtype.kind
    assert np.mean(fitted.predict(X) == labels[y]) > 0.9


def test_classes_of_truth_values() -> None:
    """Truth values are classes; so are columns of one value, with scikit-learn's warning."""
    X, y = IRIS
    fitted = MLPClassifier(**SMALL).fit(X, y == 0)
    assert fitted.predict(X).dtype == bool
    with pytest.warns(DataConversionWarning):
        assert MLPClassifier(**SMALL).fit(X, y[:, None]).predict(X).shape == (150,)
    with pytest.warns(DataConversionWarning):
        assert MLPRegressor(**SMALL).fit(X, y[:, None]).predict(X).shape == (150,)


def test_clone() -> None:
    """A clone has the parameters, is not fitted, and fits the same; a store is shared, not copied."""
    estimator = MLPClassifier(**SMALL).fit(*IRIS)
    copied = clone(estimator)
    assert not hasattr(copied, "model_")
    assert copied.get_params() == estimator.get_params()
    assert np.array_equal(copied.fit(*IRIS).predict_proba(IRIS[0]), estimator.predict_proba(IRIS[0]))
    for store in ("here", Path("here")):
        assert clone(MLPClassifier(store=store)).store == store


def test_open_store_is_shared(tmp_path: Path) -> None:
    """An open store is the clone's, too, and stays behind when the estimator is pickled."""
    from memograd.store.disk import DiskStore

    with DiskStore(tmp_path / "store") as store:
        estimator = MLPRegressor(**SMALL, store=store).fit(*DIABETES)
        assert clone(estimator).store is store
        assert clone(estimator).fit(*DIABETES).memo_.epochs_trained == 0
        again = pickle.loads(pickle.dumps(estimator))
        assert again.store is None
        assert estimator.store is store
        assert np.array_equal(again.predict(DIABETES[0]), estimator.predict(DIABETES[0]))


def test_set_output() -> None:
    """A transformer's frames reach it, and a score can be asked of it, in a pipeline of frames."""
    X = pd.DataFrame(IRIS[0], columns=list("abcd"))
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**SMALL)).set_output(transform="pandas")
    pipeline.fit(X, IRIS[1])
    assert pipeline[-1].feature_names_in_.tolist() == list("abcd")
    assert pipeline.score(X, IRIS[1]) > 0.9


def test_saved(tmp_path: Path) -> None:
    """`save` writes a file that `memograd.load` reads, and it predicts the same bits."""
    import memograd as mg

    for estimator, (X, y) in ((MLPClassifier(**SMALL), IRIS), (MLPRegressor(**SMALL), DIABETES)):
        path = tmp_path / "model.safetensors"
        estimator.fit(X, y).save(os.fspath(path))
        assert np.array_equal(mg.load(path).predict(X), estimator.predict(X))
