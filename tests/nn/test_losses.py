"""Losses: values, derivatives, stability, predictions, targets and weights, against references of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from memograd.errors import BadSetting, DataError, ShapeError, UnknownName
from memograd.gradient.transforms import grad
from memograd.nn.classification import BinaryCrossEntropy, ClassificationLoss, CrossEntropy, MultiLabelCrossEntropy
from memograd.nn.loss import Loss, weighted_mean
from memograd.nn.losses import LOSSES, FunctionLoss, resolve_loss
from memograd.nn.regression import Huber, Pinball, Poisson, SquaredError

Floats = NDArray[np.floating[Any]]
Reference = Callable[[Any, Any], Any]

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
N_SAMPLES = 7

# A loss, its number of outputs, and its mean over the samples as others define it.
CASES: dict[str, tuple[Loss, int, Callable[[Floats, Floats], float]]] = {
    "squared_error": (LOSSES.make("squared_error"), 3, lambda s, y: sklearn.metrics.mean_squared_error(y, s)),
    "absolute_error": (LOSSES.make("absolute_error"), 3, lambda s, y: sklearn.metrics.mean_absolute_error(y, s)),
    "huber": (Huber(delta=0.7), 3, lambda s, y: scipy.special.huber(0.7, s - y).mean()),
    "pinball": (Pinball(0.8), 3, lambda s, y: sklearn.metrics.mean_pinball_loss(y, s, alpha=0.8)),
    "poisson": (
        LOSSES.make("poisson"),
        1,
        # Half the deviance is the loss less that of a perfect fit, y − y log y.
        lambda s, y: (
            0.5 * sklearn.metrics.mean_poisson_deviance(y.ravel(), np.exp(s.ravel()))
            + (y - scipy.special.xlogy(y, y)).mean()
        ),
    ),
    "binary_cross_entropy": (
        LOSSES.make("binary_cross_entropy"),
        1,
        lambda s, y: sklearn.metrics.log_loss(y, scipy.special.expit(s.ravel())),
    ),
    "cross_entropy": (
        LOSSES.make("cross_entropy"),
        4,
        lambda s, y: sklearn.metrics.log_loss(y, scipy.special.softmax(s, axis=1), labels=range(4)),
    ),
    "multilabel_cross_entropy": (
        LOSSES.make("multilabel_cross_entropy"),
        2,
        lambda s, y: float(
            np.mean([sklearn.metrics.log_loss(y[:, j], scipy.special.expit(s[:, j]), labels=(0, 1)) for j in range(2)])
        ),
    ),
}

ONE_HOT = np.eye(4)

# The same by formulas without care for large scores, in autograd's NumPy: the sum over the samples.
FORMULAS: dict[str, Reference] = {
    "squared_error": lambda s, y: anp.sum((s - y) ** 2) / 3,
    "absolute_error": lambda s, y: anp.sum(anp.abs(s - y)) / 3,
    "huber": lambda s, y: (
        anp.sum(anp.where(anp.abs(s - y) <= 0.7, (s - y) ** 2 / 2, 0.7 * (anp.abs(s - y) - 0.35))) / 3
    ),
    "pinball": lambda s, y: anp.sum(anp.where(y > s, 0.8 * (y - s), 0.2 * (s - y))) / 3,
    "poisson": lambda s, y: anp.sum(anp.exp(s) - y * s),
    "binary_cross_entropy": lambda s, y: anp.sum(anp.log(1 + anp.exp(anp.where(y == 1, -s[:, 0], s[:, 0])))),
    "multilabel_cross_entropy": lambda s, y: anp.sum(anp.log(1 + anp.exp(anp.where(y == 1, -s, s)))) / 2,
    "cross_entropy": lambda s, y: anp.sum(anp.log(anp.sum(anp.exp(s), axis=1)) - anp.sum(ONE_HOT[y] * s, axis=1)),
}


def sample(name: str, dtype: np.dtype[Any] = FLOAT64) -> tuple[Loss, Any, Any]:
    """A loss with scores and a target it takes."""
    loss, n_outputs, _ = CASES[name]
    generator = np.random.default_rng(0)
    scores = generator.normal(0, 2, (N_SAMPLES, n_outputs)).astype(dtype)
    numbers = generator.integers(0, max(n_outputs, 2), (N_SAMPLES, n_outputs))
    y = numbers[:, 0] if isinstance(loss, ClassificationLoss) else numbers
    return loss, scores, loss.target_array(y, n_outputs, dtype)


def slopes(loss: Loss, scores: Any, target: Any) -> Any:
    """The derivative of the sum over the samples."""
    return grad(lambda s: np.sum(loss.per_sample(s, target)))(scores)


def test_every_loss_has_its_references() -> None:
    """No loss is without a test of its value and its derivative."""
    assert CASES.keys() == FORMULAS.keys() == LOSSES.members.keys()


@pytest.mark.parametrize("name", CASES)
def test_values(name: str) -> None:
    """The mean over the samples is what scikit-learn or SciPy computes."""
    loss, scores, target = sample(name)
    assert loss.per_sample(scores, target).shape == (N_SAMPLES,)
    assert np.mean(loss.per_sample(scores, target)) == pytest.approx(CASES[name][2](scores, target), rel=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name: str) -> None:
    """The derivative is the one that autograd finds for the formula."""
    loss, scores, target = sample(name)
    expected = autograd.grad(FORMULAS[name])(scores, target)
    np.testing.assert_allclose(slopes(loss, scores, target), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_float32_stays(name: str) -> None:
    """Value and derivative of float32 scores are float32, for a float64 target too."""
    loss, scores, target = sample(name, FLOAT32)
    wide = target.astype(np.float64) if target.dtype == np.float32 else target
    for y in (target, wide):
        assert loss.per_sample(scores, y).dtype == np.float32
        assert slopes(loss, scores, y).dtype == np.float32


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_extreme_scores(name: str, data: st.DataObject) -> None:
    """Value and derivative are finite in float32 for scores of up to ±10,000."""
    loss, _, target = sample(name, FLOAT32)
    edges = st.sampled_from([-1e4, -100.0, 0.0, 100.0, 1e4])
    shape = (N_SAMPLES, CASES[name][1])
    scores = data.draw(arrays.arrays(np.float32, shape, elements=edges | st.floats(-1e4, 1e4, width=32)))
    assert np.isfinite(loss.per_sample(scores, target)).all()
    assert np.isfinite(slopes(loss, scores, target)).all()


@pytest.mark.parametrize("name", ["binary_cross_entropy", "cross_entropy"])
def test_certainty_costs_what_it_should(name: str) -> None:
    """A score of 10,000 for the right class costs 0; for the wrong one, the distance between the scores."""
    loss, n_outputs, _ = CASES[name]
    scores = np.zeros((2, n_outputs), np.float32)
    scores[:, -1] = 1e4
    target = np.array([max(n_outputs - 1, 1), 0])
    np.testing.assert_array_equal(loss.per_sample(scores, target), np.array([0.0, 1e4], np.float32))


def test_small_probabilities_keep_their_digits() -> None:
    """The loss of a sample that is nearly certain is right to all digits of float32, not lost beside 1."""
    loss = BinaryCrossEntropy().per_sample(np.array([[20.0], [-20.0]], np.float32), np.array([1, 0]))
    np.testing.assert_allclose(loss, np.log1p(np.exp(-20.0)), rtol=1e-6)


def test_poisson_continues_along_the_tangent() -> None:
    """Above 30 the Poisson loss is a line that meets the exponential in value and slope."""
    scores, target = np.array([[30.0], [32.0]]), np.zeros(2)
    np.testing.assert_allclose(Poisson().per_sample(scores, target), [np.exp(30), 3 * np.exp(30)], rtol=1e-12)
    np.testing.assert_allclose(slopes(Poisson(), scores, target), np.exp(30), rtol=1e-12)


def smoothed(n_classes: int, target: Any, share: float) -> Any:
    """The smoothed target as a distribution over the classes."""
    return (1 - share) * np.eye(n_classes)[target] + share / n_classes


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_label_smoothing_of_many_classes(share: float) -> None:
    """The smoothed loss is the cross-entropy against the target mixed with the uniform distribution."""
    _, scores, target = sample("cross_entropy")
    expected = -(smoothed(4, target, share) * scipy.special.log_softmax(scores, axis=1)).sum(axis=1)
    np.testing.assert_allclose(CrossEntropy(share).per_sample(scores, target), expected, rtol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_label_smoothing_of_two_classes(share: float) -> None:
    """One score and two scores of which the first is 0 have the same smoothed loss."""
    _, scores, target = sample("binary_cross_entropy")
    two = np.concatenate([np.zeros_like(scores), scores], axis=1)
    expected = CrossEntropy(share).per_sample(two, target)
    np.testing.assert_allclose(BinaryCrossEntropy(share).per_sample(scores, target), expected, rtol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_each_label_is_a_loss_of_two_classes(share: float) -> None:
    """The loss of many labels is the mean of the losses of two classes, label by label, smoothing included."""
    _, scores, target = sample("multilabel_cross_entropy")
    each = [BinaryCrossEntropy(share).per_sample(scores[:, [j]], target[:, j]) for j in range(scores.shape[1])]
    found = MultiLabelCrossEntropy(share).per_sample(scores, target)
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-12)


def test_labels_are_predicted_one_by_one() -> None:
    """A label is predicted where its score is above 0; its probability is the logistic function, and none sums to 1."""
    scores = np.array([[-0.1, 0.0, 0.1], [50.0, 50.0, -50.0]])
    loss = MultiLabelCrossEntropy()
    found = loss.predict(scores)
    np.testing.assert_array_equal(found, [[0, 0, 1], [1, 1, 0]])
    assert found.dtype == np.int64
    np.testing.assert_array_equal(loss.probabilities(scores), scipy.special.expit(scores))
    assert loss.probabilities(scores.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(("y", "n_labels"), [([[1, 0], [0, 1]], 2), ([[True, False]], 2), ([0, 1, 1], 1)])
def test_targets_of_labels(y: Any, n_labels: int) -> None:
    """Integers and bools, a column alone in one axis, too."""
    found = MultiLabelCrossEntropy().target_array(y, n_labels, FLOAT32)
    np.testing.assert_array_equal(found, np.reshape(np.asarray(y, np.float32), (-1, n_labels)), strict=True)


@pytest.mark.parametrize(("y", "text"), [
    ([[1, 0], [0, 2]], r"the target in row 1 column 1 is 2; it must be 0 or 1, whether .* \(1 of 4 values are not\)"),
    ([[1, 0.5]], "the target in row 0 column 1 is 0.5; it must be 0 or 1"),
    ([[1, np.nan]], "row 0 column 1 is nan"),
    ([[1, -1]], "row 0 column 1 is -1"),
    ([1, 0], r"the target has shape \(2,\), and the network 2 outputs"),
    ([[1, 0, 1]], r"must have shape \(n_samples, 2\)"),
    ([["a", "b"]], "the target must be numbers"),
])  # fmt: skip
def test_bad_targets_of_labels(y: Any, text: str) -> None:
    """What is neither 0 nor 1 is shown with its row and column."""
    with pytest.raises(DataError, match=text):
        MultiLabelCrossEntropy().target_array(y, 2, FLOAT32)


def test_scores_may_be_shifted() -> None:
    """Adding a number to all scores of a sample changes nothing, and the derivatives sum to 0 over the classes."""
    loss, scores, target = sample("cross_entropy")
    np.testing.assert_allclose(loss.per_sample(scores + 5.0, target), loss.per_sample(scores, target), rtol=1e-12)
    np.testing.assert_allclose(slopes(loss, scores, target).sum(axis=1), 0.0, atol=1e-15)


def test_predictions() -> None:
    """Regression predicts the scores, Poisson their exponential, classification the most probable class."""
    scores = np.array([[0.0, 2.0, 2.0], [1.0, -1.0, 0.0]])
    assert SquaredError().predict(scores) is scores
    np.testing.assert_allclose(Poisson().predict(scores), np.exp(scores))
    np.testing.assert_array_equal(CrossEntropy().predict(scores), [1, 0])
    np.testing.assert_array_equal(BinaryCrossEntropy().predict(np.array([[-0.1], [0.0], [0.1]])), [0, 0, 1])
    assert np.isfinite(Poisson().predict(np.array([[1e4]], np.float32))).all()


@given(scores=arrays.arrays(np.float32, (3, 4), elements=st.floats(-1e4, 1e4, width=32)))
def test_probabilities(scores: Any) -> None:
    """The probabilities of a sample are in [0, 1], sum to 1, and are largest for the predicted class."""
    for loss, columns in ((CrossEntropy(), scores), (BinaryCrossEntropy(), scores[:, :1])):
        table = loss.probabilities(columns)
        assert table.dtype == np.float32
        assert ((table >= 0) & (table <= 1)).all()
        np.testing.assert_allclose(table.sum(axis=1), 1.0, rtol=1e-6)
        chosen = np.take_along_axis(table, loss.predict(columns)[:, None], axis=1)[:, 0]
        np.testing.assert_array_equal(chosen, table.max(axis=1))


def test_probabilities_are_those_of_scipy() -> None:
    """The softmax and the logistic function are SciPy's, small probabilities of class 0 included."""
    _, scores, _ = sample("cross_entropy")
    np.testing.assert_allclose(CrossEntropy().probabilities(scores), scipy.special.softmax(scores, axis=1), rtol=1e-12)
    np.testing.assert_allclose(BinaryCrossEntropy().probabilities(np.array([[50.0]]))[0, 0], np.exp(-50.0), rtol=1e-12)


@pytest.mark.parametrize(("name", "n_outputs", "text"), [
    ("binary_cross_entropy", 2, r"BinaryCrossEntropy\(label_smoothing=0.0\) takes exactly 1 outputs a sample, not 2"),
    ("cross_entropy", 1, r"takes at least 2 outputs a sample, not 1"),
])  # fmt: skip
def test_numbers_of_outputs_are_checked(name: str, n_outputs: int, text: str) -> None:
    """A loss says how many outputs it takes."""
    with pytest.raises(BadSetting, match=text):
        LOSSES.make(name).check_outputs(n_outputs)


@pytest.mark.parametrize(("make", "text"), [
    (lambda: Huber(0.0), r"Huber\(delta=0.0\): delta must be a finite number above 0"),
    (lambda: Pinball(1.0), r"Pinball\(quantile=1.0\): quantile must be a number in \(0, 1\)"),
    (lambda: CrossEntropy(1.0), r"CrossEntropy\(label_smoothing=1.0\): label_smoothing must be a number in \[0, 1\)"),
    (lambda: MultiLabelCrossEntropy(1.0), r"MultiLabelCrossEntropy\(label_smoothing=1.0\)"),
    (lambda: BinaryCrossEntropy(-0.1), r"BinaryCrossEntropy\(label_smoothing=-0.1\)"),
])  # fmt: skip
def test_bad_settings(make: Callable[[], Loss], text: str) -> None:
    """A loss that makes no sense cannot be made."""
    with pytest.raises(BadSetting, match=text):
        make()


@pytest.mark.parametrize(("scores", "target"), [((3, 1), (4,)), ((3, 2), (3,)), ((3, 3), (3,)), ((3, 1), (1, 3))])
def test_shapes_never_broadcast(scores: tuple[int, ...], target: tuple[int, ...]) -> None:
    """A target of another shape than the scores is an error, never an outer difference."""
    with pytest.raises(ShapeError, match="the target has shape"):
        SquaredError().per_sample(np.zeros(scores), np.zeros(target))


def test_one_score_means_one() -> None:
    """The binary loss refuses two columns of scores."""
    with pytest.raises(ShapeError, match="are not one output a sample"):
        BinaryCrossEntropy().per_sample(np.zeros((3, 2)), np.zeros(3))


def test_a_function_is_a_loss() -> None:
    """A user's function gives the loss of each sample and is differentiated as any other."""
    loss = resolve_loss(lambda scores, target: np.sum((scores - target) ** 4, axis=1))
    scores, target = np.array([[1.0], [2.0]]), np.zeros((2, 1))
    np.testing.assert_array_equal(loss.per_sample(scores, target), [1.0, 16.0])
    np.testing.assert_array_equal(slopes(loss, scores, target), [[4.0], [32.0]])
    assert loss.predict(scores) is scores


def test_a_function_must_return_one_number_a_sample() -> None:
    """A function that returns another shape is named, with both shapes and what to do."""

    def cubed(scores: Any, target: Any) -> Any:
        return np.abs(scores - target) ** 3

    with pytest.raises(ShapeError, match=r"the loss cubed returned shape \(5, 2\) for 5 samples; .* over axis 1"):
        FunctionLoss(cubed).per_sample(np.zeros((5, 2)), np.zeros((5, 2)))


def test_resolving() -> None:
    """A name gives the loss with its defaults, a loss itself, a function a loss of its own."""
    huber = Huber(2.0)
    assert resolve_loss("huber") == Huber(1.0)
    assert resolve_loss(huber) is huber
    with pytest.raises(UnknownName, match="there is no loss 'hubert'; did you mean 'huber'"):
        resolve_loss("hubert")


@given(
    values=arrays.arrays(np.float64, 5, elements=st.floats(-100, 100)),
    weights=arrays.arrays(np.int64, 5, elements=st.integers(0, 4)),
)
def test_a_weight_counts_a_row_so_often(values: Any, weights: Any) -> None:
    """A weight of n is the row n times, one of 0 the row left out."""
    repeated = np.repeat(values, weights)
    expected = repeated.mean() if len(repeated) else 0.0
    # Sums in another order: a few roundings of the largest term.
    np.testing.assert_allclose(weighted_mean(values, weights), expected, rtol=1e-12, atol=1e-13)


def test_no_weights_are_weights_of_one() -> None:
    """None is the plain mean."""
    values = np.array([1.0, 2.0, 4.0], np.float32)
    assert weighted_mean(values) == weighted_mean(values, np.ones(3)) == np.float32(7 / 3)
    assert weighted_mean(values, np.ones(3)).dtype == np.float32


def test_a_minibatch_without_weight_moves_nothing() -> None:
    """If all weights are 0 the mean and its derivative are 0 and not NaN."""
    values, weight = np.array([1.0, 2.0], np.float32), np.zeros(2, np.float32)
    assert weighted_mean(values, weight) == 0.0
    np.testing.assert_array_equal(grad(weighted_mean)(values, weight), [0.0, 0.0])


def test_weights_must_match() -> None:
    """As many weights as samples, in one axis."""
    with pytest.raises(ShapeError, match=r"3 samples have weights of shape \(2,\)"):
        weighted_mean(np.zeros(3), np.ones(2))
