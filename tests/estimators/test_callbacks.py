"""scikit-learn's callbacks: told of the fit and of each epoch, may end it, are torn down whatever happens."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from memograd.errors import DataError
from memograd.estimators.classifier import MLPClassifier

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn < 1.9 has no callbacks")

SMALL: dict[str, Any] = {"width": 4, "n_layers": 1, "max_iter": 6}
X, y = load_iris(return_X_y=True)


class Witness:
    """Writes down what it is told; asks to stop after some epochs."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.told: list[str] = []
        self.weights: list[Any] = []

    def setup(self, estimator: Any, context: Any) -> None:
        self.told.append("setup")

    def teardown(self, estimator: Any, context: Any) -> None:
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator: Any, context: Any, *, metadata: Any = None) -> None:
        self.told.append(f"begin {context.task_name}")
        self.weights.append(metadata["sample_weight"])

    def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any = None) -> bool:
        self.told.append(f"end {context.task_name}")
        return self.told.count("end epoch") == self.stop_after


@pytest.mark.parametrize("n_ens", [1, 2])
def test_told(n_ens: int) -> None:
    """A callback is told of the fit, of each epoch in it, and of the end."""
    witness = Witness()
    MLPClassifier(**SMALL, n_ens=n_ens).set_callbacks(witness).fit(X, y, sample_weight=y + 1.0)
    assert witness.told == ["setup", "begin fit", *["begin epoch", "end epoch"] * 6, "end fit", "teardown"]
    assert all((weight == y + 1.0).all() for weight in witness.weights)


def test_partial_fit() -> None:
    """Each call of `partial_fit` is a fit of one epoch."""
    witness = Witness()
    MLPClassifier(**SMALL).set_callbacks(witness).partial_fit(X, y, classes=[0, 1, 2])
    assert witness.told == ["setup", "begin fit", "begin epoch", "end epoch", "end fit", "teardown"]


def test_stopped() -> None:
    """A callback can end the training after an epoch, without a warning; what was trained is there."""
    witness = Witness(stop_after=3)
    fitted = MLPClassifier(**SMALL).set_callbacks(witness).fit(X, y)
    assert fitted.n_iter_ == 3
    assert witness.told[-2:] == ["end fit", "teardown"]
    assert fitted.predict(X).shape == (150,)


def test_torn_down_after_an_error() -> None:
    """A fit that fails tears its callbacks down, and the next one sets them up again."""
    witness = Witness()
    estimator = MLPClassifier(**SMALL).set_callbacks(witness)
    with pytest.raises(DataError):
        estimator.fit(X, y, sample_weight=y * 0)
    assert witness.told == ["setup", "begin fit", "teardown"]
    estimator.fit(X, y)
    assert witness.told[-1] == "teardown"


def test_same_without() -> None:
    """To be watched changes nothing."""
    plain = MLPClassifier(**SMALL).fit(X, y).predict_proba(X)
    watched = MLPClassifier(**SMALL).set_callbacks(Witness()).fit(X, y).predict_proba(X)
    assert (plain == watched).all()


def test_progress_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """scikit-learn's progress bar shows the fit, alone and below a search."""
    pytest.importorskip("rich")
    MLPClassifier(**SMALL).set_callbacks(callback.ProgressBar()).fit(X, y)
    assert "MLPClassifier" in capsys.readouterr().out
    search = GridSearchCV(
        make_pipeline(StandardScaler(), MLPClassifier(**SMALL)), {"mlpclassifier__width": [2, 3]}, cv=2
    )
    search.set_callbacks(callback.ProgressBar()).fit(X, y)
    assert "GridSearchCV" in capsys.readouterr().out


@pytest.mark.parametrize("options", [{"solver": "lbfgs"}, {"solver": "sgd", "learning_rate": "adaptive"}])
def test_members_one_after_the_other(options: dict[str, str]) -> None:
    """Members that are trained apart report each for itself, and a callback is told of all their epochs."""
    witness = Witness()
    MLPClassifier(**SMALL, n_ens=2, **options).set_callbacks(witness).fit(X, y)
    assert witness.told.count("begin epoch") == witness.told.count("end epoch") > 6
    assert witness.told[-2:] == ["end fit", "teardown"]
