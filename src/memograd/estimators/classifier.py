"""`MLPClassifier`: classes, or several labels at once, by a multilayer perceptron; with scikit-learn's contract."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, column_or_1d, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from memograd.errors import BadSetting
from memograd.estimators.base import MLPEstimator, is_stochastic
from memograd.estimators.callbacks import with_callbacks
from memograd.estimators.inputs import given_target
from memograd.estimators.parameters import set_parameters
from memograd.nn.arrays import Array
from memograd.table.target import ClassTarget
from memograd.train.recipe import Task
from memograd.train.tabular import Trained


class MLPClassifier(ClassifierMixin, MLPEstimator):  # type: ignore[misc]
    """A multilayer perceptron that tells classes apart, or finds labels.

    It takes tables as they are: numbers, text, truth values, dates, gaps. Parameters that are None are chosen by
    `preset`.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, optional
        The nodes of each hidden layer. Three of 256; in scikit-learn one of 100.
    activation : str, callable, or a sequence of them, optional
        Of hidden layers, or of each: "relu", "tanh", "logistic", "identity", "selu", "mish", "gelu", "silu", …, or a
        function of NumPy code. "selu"; in scikit-learn "relu".
    preset : {"tuned", "sklearn"}
        What None means below. "tuned" is RealMLP-TD-S (Holzmüller, Grinsztajn, Steinwart 2024): columns are scaled
        robustly, and a fifth of the rows is held out to judge epochs by. "sklearn" has the defaults of scikit-learn:
        columns as they are, nothing held out, the last epoch kept.
    solver : {"adam", "adamw", "sgd", "lbfgs"}, optional
    alpha : float, optional
        The penalty of squared weights, as scikit-learn scales it. None; in scikit-learn 1e-4.
    batch_size : int or "auto", optional
        256; in scikit-learn 200. At most all rows.
    learning_rate : str or callable, optional
        The schedule: "constant", "linear", "cosine", "warmup_cosine", "flat_cosine", "exponential", "coslog4", or a
        function from the progress of training in [0, 1] to a factor, in NumPy code. With solver="sgd" also
        scikit-learn's "invscaling" and "adaptive". "coslog4"; in scikit-learn "constant".
    learning_rate_init : float, optional
        0.04; in scikit-learn 0.001.
    power_t : float
        Of "invscaling".
    max_iter : int, optional
        Epochs. 256; in scikit-learn 200.
    shuffle : bool
        Must be True: the order of rows is drawn anew in each epoch.
    random_state : int, RandomState or None
        None is 0: what is fitted twice is the same, and can be recalled.
    tol : float, optional
        A gain smaller than this does not count for `n_iter_no_change`; with "lbfgs" the gradient to stop at.
    verbose : bool
        Whether the logger "memograd" tells of each epoch, on standard error.
    warm_start : bool
        Whether `fit` goes on from the last fit, optimiser and all: with a constant schedule n epochs and then m are
        n + m, to the last bit. Columns and target are encoded as they were by the first fit.
    momentum, nesterovs_momentum : float, bool
        Of "sgd".
    early_stopping : bool, optional
        True holds rows out, stops when `n_iter_no_change` epochs brought no gain on them, and keeps the best epoch.
        False holds nothing out, and keeps the last epoch.
    validation_fraction : float, optional
        The share of rows that is held out; of each class the same. 0.2; in scikit-learn 0.1. If it comes to no row, as
        with two or fewer, none is held out and the last epoch is kept.
    beta_1, beta_2, epsilon : float, optional
        Of "adam" and "adamw". 0.9, 0.95 and 1e-8; in scikit-learn beta_2 is 0.999.
    n_iter_no_change : int, optional
        Stop when so many epochs brought no gain. None; in scikit-learn 10.
    max_fun : int
        Of "lbfgs": how often the gradient is computed at most.
    n_layers, width : int, optional
        So many hidden layers of so many nodes, in the place of `hidden_layer_sizes`.
    dropout : float, optional
        The rate at which outputs of hidden layers are dropped in training.
    layer_norm : bool, optional
        Whether hidden layers are normalized before their activation.
    weight_decay : float, optional
        Of "adamw", which it chooses if no solver is named.
    label_smoothing : float, optional
        The share of each target that is spread over all classes. 0.1; in scikit-learn 0.
    class_weight : "balanced" or dict, optional
        What weights are multiplied by.
    scoring : str or callable, optional
        By what epochs are judged: the name of a scorer of scikit-learn, a scorer ``(estimator, X, y) -> float``, or a
        metric ``(y_true, y_pred) -> float``; the larger the better. Accuracy.
    cv : int, splitter or iterable, optional
        Which rows are held out, such as ``TimeSeriesSplit()`` or, with `groups`, ``GroupKFold()``: by the last split
        alone, or by each in turn with `n_ens`.
    n_ens : int
        How many networks are trained, on other folds and from other seeds; predictions are their mean.
    categorical_features : "auto", None, or sequence of names or indices
        Columns to read as categories, besides those of text; None refuses text.
    engine : {"auto", "native", "numpy"}, optional
    n_threads : int, optional
        The result does not depend on it.
    store : path or Store, optional
        Where states of trainings are kept, so that nothing is trained twice. None takes the directory that the
        environment's MEMOGRAD_STORE names, and if there is none, no store. To be pickled, name a path.

    Attributes
    ----------
    model_ : Model
    memo_ : Recall
        Epochs that were recalled, epochs that were trained, and seconds saved.
    loss_curve_, validation_loss_curve_, validation_scores_ : list of float, or None
        For each epoch; None where nothing was held out. Of several networks, the means.
    loss_, best_loss_, best_validation_score_ : float
    coefs_, intercepts_ : list of (n_in, n_out) and (n_out,) float32
        Of the first network: by what the inputs of each layer are multiplied, and what is added.
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_ : int
    out_activation_ : str
    feature_names_in_ : (n_features,) str
        If the columns have names that are text.
    classes_ : (n_classes,)

    Examples
    --------
    >>> X = {"size": [1.0, 2.0, None, 4.0] * 10, "colour": ["red", "red", "blue", None] * 10}
    >>> y = ["no", "no", "yes", "yes"] * 10
    >>> classifier = MLPClassifier(max_iter=30, width=16).fit(X, y)
    >>> classifier.predict(X)[:4].tolist()
    ['no', 'no', 'yes', 'yes']
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = None,
        activation: Any = None,
        *,
        preset: Any = "tuned",
        solver: Any = None,
        alpha: Any = None,
        batch_size: Any = None,
        learning_rate: Any = None,
        learning_rate_init: Any = None,
        power_t: Any = 0.5,
        max_iter: Any = None,
        shuffle: Any = True,
        random_state: Any = None,
        tol: Any = None,
        verbose: Any = False,
        warm_start: Any = False,
        momentum: Any = 0.9,
        nesterovs_momentum: Any = True,
        early_stopping: Any = None,
        validation_fraction: Any = None,
        beta_1: Any = None,
        beta_2: Any = None,
        epsilon: Any = None,
        n_iter_no_change: Any = None,
        max_fun: Any = 15_000,
        n_layers: Any = None,
        width: Any = None,
        dropout: Any = None,
        layer_norm: Any = None,
        weight_decay: Any = None,
        label_smoothing: Any = None,
        class_weight: Any = None,
        scoring: Any = None,
        cv: Any = None,
        n_ens: Any = 1,
        categorical_features: Any = "auto",
        engine: Any = None,
        n_threads: Any = None,
        store: Any = None,
    ) -> None:
        set_parameters(self, locals())

    def predict(self, X: Any) -> Array:
        """The most probable class of each row : (n_rows,), or its labels : (n_rows, n_labels) int64."""
        return self._checked_model().predict(self._to_predict(X))

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class in the order of `classes_`, or of each label : (n_rows, n_classes) float64."""
        return self._checked_model().predict_proba(self._to_predict(X))

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(is_stochastic)  # type: ignore[untyped-decorator]
    @with_callbacks
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch on these rows, going on from the last call; nothing is held out.

        Parameters
        ----------
        X, y, sample_weight
            As `fit`.
        classes : (n_classes,), optional
            All classes; needed by the first call, and by no other.

        Returns
        -------
        self
        """
        is_first = not hasattr(self, "model_")
        if is_first and classes is None and self._target_of(y)[0] == "classification":
            raise BadSetting("classes must be passed on the first call to partial_fit.")
        if not is_first and classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise BadSetting(f"classes={classes!r} is not the same as on the last call to partial_fit: {self.classes_}")
        return self._train(X, y, sample_weight, classes=classes, is_one_epoch=True)

    def _target_of(self, y: Any) -> tuple[Task, Array]:
        y = given_target(y, type(self).__name__)
        if y.dtype.kind in "fc":
            assert_all_finite(y, input_name="y")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        return ("multilabel" if type_of_target(y).startswith("multilabel") else "classification"), y

    def _weights(self, sample_weight: Any, y: Array) -> Any:
        weight = super()._weights(sample_weight, y)
        if self.class_weight is None:
            return weight
        of_class = compute_sample_weight(self.class_weight, y)
        return of_class if weight is None else of_class * np.asarray(weight)

    def _note(self, trained: Trained, start: Trained | None) -> None:
        super()._note(trained, start)
        target = trained.model.target
        self.classes_ = target.labels if isinstance(target, ClassTarget) else np.arange(target.n_outputs)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
