"""What both estimators share: parameters become a recipe, a table is trained on, what came out becomes attributes."""

from __future__ import annotations

import copy
import dataclasses
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, check_cv
from sklearn.utils import check_random_state

from memograd.errors import BadSetting, DataError
from memograd.estimators.callbacks import CallbackSupportMixin, FitTasks, with_callbacks
from memograd.estimators.inputs import check_columns, table_of, text_names
from memograd.estimators.parameters import recipe_of
from memograd.estimators.results import Fitted
from memograd.estimators.scoring import judge_of
from memograd.nn.arrays import Array
from memograd.store.disk import DiskStore
from memograd.store.named import NamedStore
from memograd.store.open import MEMORY, open_store
from memograd.store.protocol import Store
from memograd.table.columns import Table
from memograd.train.history import Epoch
from memograd.train.members import Folds
from memograd.train.model_file import save_model
from memograd.train.recipe import Recipe, Task
from memograd.train.tabular import Labelled, Trained, train_table

STORE_VARIABLE = "MEMOGRAD_STORE"
LOG = logging.getLogger("memograd")

Validation = tuple[Any, Any, Any]
"""X_val, y_val and sample_weight_val."""


class MLPEstimator(Fitted, CallbackSupportMixin, BaseEstimator):  # type: ignore[misc]
    """Fits by `train_table`. Subclasses hold the parameters and say what is predicted."""

    # Of the parameters, those that are read here.
    categorical_features: Any
    cv: Any
    preset: Any
    random_state: Any
    scoring: Any
    shuffle: Any
    solver: Any
    store: Any
    verbose: Any
    warm_start: Any

    n_features_in_: int

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Self:
        """Train.

        Parameters
        ----------
        X : (n_rows, n_features) array, sparse matrix, frame of pandas or polars, list of rows, or dict of columns
        y : (n_rows,) or (n_rows, n_outputs)
        sample_weight : (n_rows,) float, optional
            A row of weight 2 counts as two rows, one of weight 0 not at all.
        X_val, y_val, sample_weight_val : optional
            Rows to judge epochs by, instead of holding some out.
        groups : (n_rows,), optional
            Rows of one group are held out together. Also handed to the splitter `cv`.

        Returns
        -------
        self

        Raises
        ------
        DataError, BadSetting, UnknownName
            ValueErrors all: what cannot be used, and why.
        TrainingDiverged
        """
        given = X_val is not None or y_val is not None
        validation = (X_val, y_val, sample_weight_val) if given else None
        return self._train(X, y, sample_weight, validation=validation, groups=groups)

    def _train(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        validation: Validation | None = None,
        groups: Any = None,
        classes: Any = None,
        is_one_epoch: bool = False,
    ) -> Self:
        start = getattr(self, "_trained", None) if is_one_epoch or self.warm_start else None
        table = self._read(X, is_new=start is None)
        task, y = self._target_of(y)
        recipe = self._recipe(task, table.n_rows, y if classes is None else classes)
        if is_one_epoch:
            recipe = _of_one_epoch(recipe)
        if validation is not None:
            recipe = dataclasses.replace(recipe, keeps="best")
        # Members that are trained one after the other report each for itself.
        is_apart = recipe.lbfgs is not None or recipe.lowers_rate or start is not None
        n_epochs = recipe.settings.epochs * (recipe.n_members if is_apart else 1)
        tasks = FitTasks(self, n_epochs, X=X, y=y, metadata={"sample_weight": sample_weight})
        with self._reporting(tasks) as on_epoch:
            trained = train_table(
                table,
                y,
                task=task,
                recipe=recipe,
                sample_weight=self._weights(sample_weight, y),
                validation=None if validation is None else self._labelled(*validation, task=task),
                folds=None if validation is not None else self._folds(table.n_rows, y, groups, recipe),
                classes=classes,
                judge=None if self.scoring is None else judge_of(self.scoring),
                store=_opened(self.store),
                on_epoch=on_epoch,
                start=start,
            )
        self._note(trained, start)
        if not is_one_epoch:
            _warn_of_its_end(trained, recipe, self.preset, tasks)
        tasks.end()
        return self

    def _target_of(self, y: Any) -> tuple[Task, Array]:
        """The task, and the target as an array."""
        raise NotImplementedError

    def _weights(self, sample_weight: Any, y: Array) -> Any:
        """The weights of rows."""
        return np.full(len(y), sample_weight) if np.isscalar(sample_weight) else sample_weight

    def _read(self, X: Any, *, is_new: bool) -> Table:
        """The table; its columns are noted, or must be those that are."""
        table = table_of(X, type(self).__name__, self.categorical_features)
        if not is_new:
            return self._checked(X, table)
        self.n_features_in_ = len(table.columns)
        names = text_names(X)
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return table

    def _to_predict(self, X: Any) -> Table:
        """The table to predict, of the columns of the training."""
        return self._checked(X, table_of(X, type(self).__name__, self.categorical_features))

    def _checked(self, X: Any, table: Table) -> Table:
        check_columns(X, table, self.n_features_in_, getattr(self, "feature_names_in_", None), type(self).__name__)
        return table

    def _labelled(self, X_val: Any, y_val: Any, weight: Any, *, task: Task) -> Labelled:
        if X_val is None or y_val is None:
            raise DataError(f"{'X_val' if X_val is None else 'y_val'} is missing; give X_val and y_val, or neither")
        table = self._to_predict(X_val)
        found, y = self._target_of(y_val)
        if found != task:
            raise DataError(f"y_val is one of a {found}, and y of a {task}; give targets of one kind")
        return Labelled(table, y, self._weights(weight, y))

    def _recipe(self, task: Task, n_rows: int, y: Array) -> Recipe:
        if not self.shuffle:
            raise BadSetting(
                f"shuffle={self.shuffle!r}: the order of rows is drawn in each epoch; only True is offered"
            )
        n_classes = len(np.unique(y)) if task == "classification" else None
        parameters = self.get_params(deep=False)
        return recipe_of(parameters, task, n_rows=n_rows, n_classes=n_classes, seed=_seed(self.random_state))

    def _folds(self, n_rows: int, y: Array, groups: Any, recipe: Recipe) -> Folds | None:
        """The rows to hold out, as the splitter says or as the groups do; None if neither is there."""
        if (recipe.validation_fraction == 0 and self.cv is None) or recipe.lbfgs is not None:
            return None
        if self.cv is not None:
            splitter = check_cv(self.cv, y, classifier=is_classifier(self))
        elif groups is not None:
            n_folds = max(2, round(1 / recipe.validation_fraction))
            splitter = GroupKFold(min(n_folds, len(np.unique(groups))))
        else:
            return None
        folds = list(splitter.split(np.zeros((n_rows, 1)), y, groups))
        # Of splits in time the last one knows most.
        return folds if recipe.n_members > 1 else folds[-1:]

    @contextmanager
    def _reporting(self, tasks: FitTasks) -> Iterator[Callable[[Epoch], None] | None]:
        """What is to be told of each epoch; None if nobody listens."""
        if not self.verbose and not tasks.are_watched:
            yield None
            return

        def report(epoch: Epoch) -> None:
            if self.verbose:
                LOG.info("%s", _line(epoch))
            if tasks.epoch():
                # The loop ends as by Ctrl-C: whole epochs only, and the best one is kept.
                raise KeyboardInterrupt

        handler = logging.StreamHandler()
        level = LOG.level
        if self.verbose:
            LOG.addHandler(handler)
            LOG.setLevel(logging.INFO)
        try:
            yield report
        finally:
            LOG.removeHandler(handler)
            LOG.setLevel(level)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, which `memograd.load` reads; it holds no code.

        Raises
        ------
        NotFittedError
        ModelFileError
            When the file cannot be written, or the network holds a function of yours.
        """
        save_model(self._checked_model(), path)

    def __sklearn_clone__(self) -> Self:
        # A store is shared: it cannot be copied, and a copy would miss what it is for.
        bare = copy.copy(self)
        bare.store = None
        cloned: Self = super(MLPEstimator, bare).__sklearn_clone__()
        cloned.store = self.store
        return cloned

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if isinstance(self.store, DiskStore):
            state["store"] = None  # an open one stays in its process
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        return tags


def is_stochastic(estimator: Any) -> bool:
    """Whether the solver has steps, so that there is a `partial_fit`."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit is for solvers that take minibatches; solver='lbfgs' takes all rows")
    return True


def _of_one_epoch(recipe: Recipe) -> Recipe:
    if recipe.n_members > 1:
        raise BadSetting(f"n_ens={recipe.n_members}: partial_fit trains one network; set n_ens=1")
    settings = dataclasses.replace(recipe.settings, epochs=1, patience=None)
    return dataclasses.replace(recipe, validation_fraction=0.0, keeps="last", settings=settings)


def _seed(random_state: Any) -> int:
    """A number. That of None is 0: what is fitted twice is the same, and can be recalled."""
    if random_state is None:
        return 0
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _opened(store: Any) -> Store | None:
    """A store from what was given; None, and no variable of the environment, is none."""
    if store is None:
        store = os.environ.get(STORE_VARIABLE) or None
    if store == MEMORY:
        return open_store(MEMORY)
    if isinstance(store, (str, os.PathLike)):
        return NamedStore(store)
    found: Store | None = store
    return found


def _line(epoch: Epoch) -> str:
    parts = [f"epoch {epoch.number}: loss {epoch.loss:.6g}"]
    if epoch.validation_loss is not None:
        parts.append(f"validation loss {epoch.validation_loss:.6g}")
    if epoch.validation_score is not None:
        parts.append(f"score {epoch.validation_score:.6g}")
    return ", ".join(parts) + (" *" if epoch.is_best else "")


def _warn_of_its_end(trained: Trained, recipe: Recipe, preset: str, tasks: FitTasks) -> None:
    """Warn as scikit-learn does when a training was cut short."""
    stops = {fit.stopped for fit in trained.fits}
    if "interrupted" in stops and not tasks.are_watched:
        warnings.warn("Training interrupted by user; the best epoch so far is kept", stacklevel=5)
    awaited = recipe.settings.patience is not None or recipe.lbfgs is not None
    if preset == "sklearn" and awaited and "finished" in stops:
        warnings.warn(
            f"{recipe.settings.epochs} epochs were trained, and the loss was still falling; raise max_iter",
            ConvergenceWarning,
            stacklevel=5,
        )
