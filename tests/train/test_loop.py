"""The training loop: the best epoch comes back, whatever stops it, and every number is what it is said to be."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any

import numpy as np
import pytest

from memograd.errors import BadSetting, DataError, TrainingDiverged
from memograd.graph.tree import flatten
from memograd.nn.layers import Dense, Dropout, LayerNorm, Residual, Sequential
from memograd.nn.mlp import MLP
from memograd.nn.network import Network
from memograd.nn.optimizers import SGD, Adam
from memograd.train import epochs, loop
from memograd.train.loop import Epoch, Rows, fit
from memograd.train.settings import Settings


def line(n_rows: int = 60, n_columns: int = 3, seed: int = 0, noise: float = 0.0) -> Rows:
    """Return rows whose target is a sum of the columns, with noise on it."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_columns))
    y = X.sum(axis=1, keepdims=True) + noise * rng.normal(size=(n_rows, 1))
    return Rows(X.astype(np.float32), y.astype(np.float32))


def bits(tree: Any) -> list[bytes]:
    """Return the bytes of every array of a tree."""
    return [np.asarray(leaf).tobytes() for leaf in flatten(tree)[0]]


NETWORK = MLP((3, 8, 1), "tanh")
# Noise that a validation set does not share, and a high rate: the best epoch is not the last one.
NOISY, HELD_OUT = line(30, noise=2.0), line(30, seed=1, noise=2.0)
OVERFITTING = Settings(epochs=60, batch_size=8, patience=60, optimizer=Adam(0.03), schedule="constant")


def test_the_best_epoch_comes_back() -> None:
    """The parameters are those after the epoch with the smallest validation loss, which need not be the last."""
    fitted = fit(NETWORK, NOISY, HELD_OUT, settings=OVERFITTING)
    losses = [epoch.validation_loss for epoch in fitted.history]
    assert fitted.best is fitted.history[int(np.argmin(losses))]
    assert 1 < fitted.best.number < len(losses) == 60
    again = float(NETWORK.loss_value(fitted.parameters, HELD_OUT.X, HELD_OUT.y))
    assert again == pytest.approx(fitted.best.validation_loss, rel=1e-6)
    assert fitted.stopped == "finished"


def test_a_shorter_training_ends_in_the_same_parameters() -> None:
    """With a constant rate, training just up to the best epoch gives the parameters that were kept, bit for bit."""
    fitted = fit(NETWORK, NOISY, HELD_OUT, settings=OVERFITTING)
    shorter = Settings(epochs=fitted.best.number, batch_size=8, optimizer=Adam(0.03), schedule="constant")
    assert bits(fit(NETWORK, NOISY, settings=shorter).parameters) == bits(fitted.parameters)


@pytest.mark.parametrize("patience", [1, 5])
def test_early_stopping(patience: int) -> None:
    """Training ends when the validation loss has not fallen for as many epochs as patience has."""
    settings = Settings(epochs=500, batch_size=8, patience=patience, optimizer=Adam(0.03), schedule="constant")
    fitted = fit(NETWORK, NOISY, HELD_OUT, settings=settings)
    assert fitted.stopped == "early"
    assert len(fitted.history) == fitted.best.number + patience < 500
    waits = np.diff([epoch.number for epoch in fitted.history if epoch.is_best])
    assert (waits <= patience).all()


def test_no_gain_is_no_better_epoch() -> None:
    """Of epochs that are equally good the first is the best, and those after it count as without gain."""
    settings = Settings(epochs=50, patience=4, optimizer=SGD(1e-30))
    fitted = fit(NETWORK, NOISY, HELD_OUT, settings=settings)
    assert (fitted.best.number, len(fitted.history), fitted.stopped) == (1, 5, "early")


def test_history() -> None:
    """Epochs are numbered from 1, reported as they end, and the best so far are marked."""
    reported: list[Epoch] = []
    fitted = fit(NETWORK, NOISY, HELD_OUT, settings=OVERFITTING, on_epoch=reported.append, score=lambda p, rows: 7.0)
    assert fitted.history == tuple(reported)
    assert [epoch.number for epoch in reported] == list(range(1, 61))
    losses = [epoch.validation_loss for epoch in reported]
    assert [epoch.is_best for epoch in reported] == [
        loss < min([math.inf, *losses[:i]]) for i, loss in enumerate(losses)
    ]
    assert {epoch.validation_score for epoch in reported} == {7.0}


def test_without_validation_the_training_loss_decides() -> None:
    """Without rows to validate on, the best epoch is that of the smallest training loss, and there are no others."""
    fitted = fit(NETWORK, line(), settings=Settings(epochs=30))
    losses = [epoch.loss for epoch in fitted.history]
    assert fitted.best.loss == min(losses)
    assert {epoch.validation_loss for epoch in fitted.history} == {None}


def test_the_loss_is_the_mean_over_rows() -> None:
    """An epoch's loss weighs minibatches by their rows: the first epoch of a rate of next to nothing shows it."""
    rows = line(10, noise=3.0)
    settings = Settings(epochs=1, batch_size=7, optimizer=SGD(1e-30))
    loss = float(NETWORK.loss_value(NETWORK.init(0), rows.X, rows.y))
    assert fit(NETWORK, rows, settings=settings).best.loss == pytest.approx(loss, rel=1e-6)  # float32 sums
    weight = np.arange(10, dtype=np.float32)
    weighted = float(NETWORK.loss_value(NETWORK.init(0), rows.X, rows.y, weight))
    found = fit(NETWORK, Rows(rows.X, rows.y, weight), settings=settings).best.loss
    assert found == pytest.approx(weighted, rel=1e-6)
    assert abs(weighted - loss) > 1e-3 * loss


def interrupted_at(number: int) -> Callable[[Epoch], None]:
    """Return what to call after each epoch in order to press Ctrl-C after one."""

    def press(epoch: Epoch) -> None:
        if epoch.number == number:
            raise KeyboardInterrupt

    return press


def test_interrupted_after_an_epoch() -> None:
    """Ctrl-C between epochs ends the training; the history up to it and the best epoch in it come back."""
    fitted = fit(NETWORK, NOISY, HELD_OUT, settings=OVERFITTING, on_epoch=interrupted_at(40))
    assert fitted.stopped == "interrupted"
    assert len(fitted.history) == 40
    whole = fit(NETWORK, NOISY, HELD_OUT, settings=OVERFITTING)
    assert fitted.history == whole.history[:40]
    assert float(NETWORK.loss_value(fitted.parameters, HELD_OUT.X, HELD_OUT.y)) == pytest.approx(
        fitted.best.validation_loss, rel=1e-6
    )


def test_interrupted_within_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between two steps leaves out the unfinished epoch, and what it did to the parameters."""
    clock = epochs.Clock

    def press(progress: float, noise: Any) -> Any:
        if progress > 2.5 / 60:
            raise KeyboardInterrupt
        return clock(progress, noise)

    monkeypatch.setattr(epochs, "Clock", press)
    fitted = fit(NETWORK, NOISY, HELD_OUT, settings=replace(OVERFITTING, engine="numpy"))
    assert (fitted.stopped, len(fitted.history)) == ("interrupted", 2)
    assert float(NETWORK.loss_value(fitted.parameters, HELD_OUT.X, HELD_OUT.y)) == pytest.approx(
        fitted.best.validation_loss, rel=1e-6
    )


def test_interrupted_before_the_first_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before there is an epoch to keep goes on to the caller."""

    def press(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(epochs, "Clock", press)
    with pytest.raises(KeyboardInterrupt):
        fit(NETWORK, NOISY, HELD_OUT, settings=replace(OVERFITTING, engine="numpy"))


def interrupt_on_line(count: int) -> Callable[[FrameType, str, Any], Any]:
    """Return a tracer that presses Ctrl-C when that many lines of the loop have run."""
    remaining = itertools.count(count, -1)

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != loop.__file__:
            return None
        if event == "line" and next(remaining) == 0:
            raise KeyboardInterrupt
        return trace

    return trace


@pytest.mark.parametrize("count", range(0, 280, 10))
def test_interrupted_anywhere(count: int) -> None:
    """Wherever in the loop Ctrl-C comes, the parameters that come back are those of the epoch that is called best."""
    settings = Settings(epochs=6, batch_size=15, optimizer=Adam(0.03), engine="numpy")
    reported: list[Epoch] = []
    before = sys.gettrace()
    sys.settrace(interrupt_on_line(count))
    try:
        fitted = fit(MLP((3, 2, 1)), NOISY, HELD_OUT, settings=settings, on_epoch=reported.append)
    except KeyboardInterrupt:
        assert not reported
        return
    finally:
        sys.settrace(before)
    assert fitted.stopped == "interrupted"
    assert float(MLP((3, 2, 1)).loss_value(fitted.parameters, HELD_OUT.X, HELD_OUT.y)) == pytest.approx(
        fitted.best.validation_loss, rel=1e-6
    )


@pytest.mark.parametrize("batch_size", [1, 7, 60, None])
@pytest.mark.parametrize("n_columns", [1, 3])
def test_learns(batch_size: int | None, n_columns: int) -> None:
    """The training loss falls on what can be learned, for minibatches of one row, ragged ones, and one of all rows."""
    settings = Settings(epochs=60, batch_size=batch_size, optimizer=Adam(0.03))
    fitted = fit(MLP((n_columns, 8, 1), "tanh"), line(n_columns=n_columns), settings=settings)
    assert fitted.best.loss < 0.1 * fitted.history[0].loss


def test_a_batch_larger_than_the_data() -> None:
    """Minibatches of more rows than there are hold all rows once."""
    exact, larger = (fit(NETWORK, line(), settings=Settings(epochs=3, batch_size=size)) for size in (60, 10**9))
    assert exact.history == larger.history
    assert bits(exact.parameters) == bits(larger.parameters)


NETWORKS = {
    "layer norm": MLP((3, 8, 1), "relu", layer_norm=True),
    "linear": MLP((3, 1)),
    "dropout": MLP((3, 32, 1), "silu", dropout=0.1),
    "residual": Network(
        Sequential(Dense(3, 8), Residual(LayerNorm(8), Dense(8, 8, "relu"), Dropout(0.1)), Dense(8, 1))
    ),
    "user's activation": MLP((3, 8, 1), lambda x: np.sin(x) + 0.1 * x),
    "user's loss": MLP((3, 8, 1), "tanh", loss=lambda scores, target: np.sum(np.cosh(scores - target) - 1, axis=1)),
    "huber": MLP((3, 8, 1), "tanh", loss="huber"),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_networks(name: str, dtype: Any) -> None:
    """Any network learns, in the dtype of its data."""
    data = line()
    rows = Rows(data.X.astype(dtype), data.y.astype(dtype))
    fitted = fit(NETWORKS[name], rows, rows, settings=Settings(epochs=40, optimizer=Adam(0.02)))
    assert {leaf.dtype for leaf in flatten(fitted.parameters)[0]} == {np.dtype(dtype)}
    assert fitted.best.validation_loss is not None
    assert fitted.best.validation_loss < 0.4 * fitted.history[0].loss


class Slope:
    """A user's own network: a number without axes, a parameter that the loss does not read, no call."""

    def init(self, seed: int, dtype: Any = np.float32) -> Any:
        """Parameters to start from."""
        return {"slope": np.zeros((), dtype), "unused": np.ones(3, dtype), "nested": [(np.zeros(1, dtype),)]}

    def loss_value(self, parameters: Any, X: Any, y: Any, weight: Any = None, noise: Any = None) -> Any:
        """The mean of squares."""
        return np.mean(np.square(X[:, 0] * parameters["slope"] + parameters["nested"][0][0] - y[:, 0]))


def test_a_users_own_network() -> None:
    """What has `init` and `loss_value` can be trained; parameters keep their shapes, and what is unused its values."""
    X = np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
    fitted = fit(Slope(), Rows(X, 3 * X + 1), settings=Settings(epochs=200, optimizer=SGD(0.3), schedule="constant"))
    assert fitted.parameters["slope"].shape == ()
    assert fitted.parameters["slope"] == pytest.approx(3, abs=1e-3)
    assert fitted.parameters["nested"][0][0] == pytest.approx([1], abs=1e-3)
    np.testing.assert_array_equal(fitted.parameters["unused"], np.ones(3))


def test_weights_count_rows() -> None:
    """In one minibatch of all rows, a weight of 2 is the row twice, and a weight of 0 no row."""
    rows = line(9, noise=1.0)
    weight = np.array([0, 1, 2, 1, 0, 2, 1, 1, 2], np.float32)
    repeated = rows[np.repeat(np.arange(9), weight.astype(int))]
    settings = Settings(epochs=5, batch_size=100, optimizer=SGD(0.1))
    weighted = fit(NETWORK, Rows(rows.X, rows.y, weight), settings=settings)
    plain = fit(NETWORK, repeated, settings=settings)
    assert weighted.best.loss == pytest.approx(plain.best.loss, rel=1e-5)
    for one, other in zip(flatten(weighted.parameters)[0], flatten(plain.parameters)[0], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)  # the rows are added in another order


def test_weights_of_minibatches_without_weight() -> None:
    """A minibatch whose weights are all 0 changes nothing and is no trouble."""
    rows = line(20)
    weight = np.zeros(20, np.float32)
    weight[3] = 1.0
    fitted = fit(NETWORK, Rows(rows.X, rows.y, weight), settings=Settings(epochs=2, batch_size=2, optimizer=SGD(0.1)))
    alone = fit(NETWORK, rows[3:4], settings=Settings(epochs=2, batch_size=2, optimizer=SGD(0.1), schedule="constant"))
    assert fitted.history[0].loss == pytest.approx(alone.history[0].loss, rel=1e-5)


@pytest.mark.parametrize("change", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2], np.copy])
def test_the_layout_of_the_data_is_nothing(change: Callable[[Any], Any]) -> None:
    """Fortran order and strides change no bit of the result, and read-only data can be trained on."""
    rows = line()
    X, y = change(rows.X), change(rows.y)
    X.setflags(write=False)
    y.setflags(write=False)
    settings = Settings(epochs=2)
    found = fit(NETWORK, Rows(X, y), Rows(X, y), settings=settings)
    expected = fit(NETWORK, rows, rows, settings=settings)
    assert bits(found.parameters) == bits(expected.parameters)
    assert found.history == expected.history


def test_the_data_and_first_parameters_are_left_alone() -> None:
    """Training overwrites its own memory, never what it was given."""
    rows = line()
    X, y = rows.X.copy(), rows.y.copy()
    kept = NETWORK.init(0)

    class Given:
        """A network that gives the same arrays out each time."""

        def init(self, seed: int, dtype: Any) -> Any:
            """The arrays themselves."""
            return kept

        loss_value = NETWORK.loss_value

    fitted = fit(Given(), rows, rows, settings=Settings(epochs=3))
    assert bits(kept) == bits(NETWORK.init(0)) != bits(fitted.parameters)
    np.testing.assert_array_equal(rows.X, X)
    np.testing.assert_array_equal(rows.y, y)


@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize("activation", ["identity", "relu", "tanh"])
def test_divergence(activation: str, validated: bool) -> None:
    """A rate far too large ends in an error that names the epoch and the loss, and says what to do."""
    settings = Settings(epochs=50, optimizer=SGD(1e30))
    with pytest.raises(TrainingDiverged, match=r"(inf|nan|no longer finite) in epoch \d+; .*smaller learning rate"):
        fit(MLP((3, 8, 8, 1), activation), line(), line(seed=1) if validated else None, settings=settings)


def test_divergence_in_the_last_step() -> None:
    """Parameters that overflow after the last loss was taken are no model."""
    settings = Settings(epochs=1, batch_size=60, optimizer=SGD(3e38))
    rows = line()
    with pytest.raises(TrainingDiverged, match=r"parameter .* is no longer finite in epoch 1"):
        fit(MLP((3, 1)), Rows(rows.X, 10 * rows.y), settings=settings)


def test_data_that_is_not_finite() -> None:
    """A NaN in the data is not trained on in silence."""
    rows = line()
    rows.X[3, 1] = np.nan
    with pytest.raises(TrainingDiverged, match="nan in epoch 1"):
        fit(NETWORK, rows, settings=Settings(epochs=2))


@pytest.mark.parametrize(("kind", "depth"), [("plain", 1000), ("residual", 500)])
def test_many_layers(kind: str, depth: int) -> None:
    """A network of very many layers takes a step of training; residual ones take LLVM a minute for a thousand."""
    hidden = [Dense(2, 2, "tanh") if kind == "plain" else Residual(Dense(2, 2, "tanh")) for _ in range(depth - 2)]
    network = Network(Sequential(Dense(3, 2), *hidden, Dense(2, 1)))
    fitted = fit(network, line(8), settings=Settings(epochs=1, optimizer=SGD(1e-6)))
    assert len(fitted.parameters) == depth
    assert bits(fitted.parameters[-1]) != bits(network.init(0)[-1])


X, Y = line().X, line().y


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: Rows(X, Y[:-1]), "y has 59 rows, and X has 60", id="fewer targets"),
        pytest.param(lambda: Rows(X, Y, Y[:5, 0]), "weight has 5 rows", id="fewer weights"),
        pytest.param(lambda: Rows(X.tolist(), Y), "X is of type list", id="a list"),
        pytest.param(lambda: fit(NETWORK, Rows(X[:0], Y[:0]), settings=Settings()), "no rows to train", id="no rows"),
        pytest.param(
            lambda: fit(NETWORK, Rows(X, Y), Rows(X[:0], Y[:0]), settings=Settings()),
            "no rows to val",
            id="none held out",
        ),
        pytest.param(
            lambda: fit(NETWORK, Rows(X, Y, -np.ones(60)), settings=Settings()), "not negative", id="negative weights"
        ),
        pytest.param(
            lambda: fit(NETWORK, Rows(X, Y, np.full(60, np.nan)), settings=Settings()), "finite", id="NaN weights"
        ),
        pytest.param(lambda: fit(NETWORK, Rows(X, Y, np.zeros(60)), settings=Settings()), "all 0", id="no weight"),
    ],
)
def test_bad_rows(make: Callable[[], Any], message: str) -> None:
    """Rows that do not fit each other, or are none, are refused before anything is trained."""
    with pytest.raises(DataError, match=message):
        make()


def test_starting_from_a_state() -> None:
    """From a state, epochs are numbered on, and the best one is of those that were trained since."""
    settings = replace(OVERFITTING, epochs=20)
    begun = fit(NETWORK, NOISY, HELD_OUT, settings=replace(settings, epochs=12))
    rest = fit(NETWORK, NOISY, HELD_OUT, settings=settings, start=begun.state)
    assert [epoch.number for epoch in rest.history] == list(range(13, 21))
    assert rest.best in rest.history
    whole = fit(NETWORK, NOISY, HELD_OUT, settings=settings)
    assert bits(rest.state.parameters) == bits(whole.state.parameters)
    assert (begun.memo.epochs_trained, rest.memo.epochs_trained) == (12, 8)
    kept = bits(begun.state.parameters)
    fit(NETWORK, NOISY, HELD_OUT, settings=settings, start=begun.state)
    assert bits(begun.state.parameters) == kept


def test_a_state_with_all_epochs_behind_it() -> None:
    """There is nothing to train after the last epoch, and the error says what to do."""
    state = fit(NETWORK, NOISY, settings=replace(OVERFITTING, epochs=3)).state
    with pytest.raises(BadSetting, match="has 3 epochs behind it"):
        fit(NETWORK, NOISY, settings=replace(OVERFITTING, epochs=3), start=state)


def test_the_score_decides() -> None:
    """With the score as monitor the best epoch is that of the largest score, the last of several if so wished."""
    seen: list[Any] = []

    def score(scores: Any, rows: Rows) -> float:
        seen.append((scores.shape, rows is HELD_OUT or len(rows)))
        return [1.0, 3.0, 2.0, 3.0, 0.0][len(seen) - 1]

    settings = replace(OVERFITTING, epochs=5, monitor="score")
    assert fit(NETWORK, NOISY, HELD_OUT, settings=settings, score=score).best.number == 2
    assert {shape for shape, _ in seen} == {(30, 1)}
    seen.clear()
    assert fit(NETWORK, NOISY, HELD_OUT, settings=replace(settings, ties="last"), score=score).best.number == 4
    for missing in ({"score": score}, {"validation": HELD_OUT}):
        with pytest.raises(BadSetting, match="the score decides"):
            fit(NETWORK, NOISY, settings=settings, **missing)


def test_without_patience() -> None:
    """Without patience all epochs are run."""
    settings = replace(OVERFITTING, patience=None, optimizer=SGD(1e-30))
    fitted = fit(NETWORK, NOISY, HELD_OUT, settings=settings)
    assert (len(fitted.history), fitted.stopped) == (60, "finished")


def test_a_score_that_raises() -> None:
    """An error of the score goes on to the caller."""

    def score(scores: Any, rows: Rows) -> float:
        raise ZeroDivisionError("a user's own")

    with pytest.raises(ZeroDivisionError, match="a user's own"):
        fit(NETWORK, NOISY, HELD_OUT, settings=OVERFITTING, score=score)


def test_the_last_state_comes_back() -> None:
    """The state is that after the last epoch, whichever is best, on either engine."""
    for engine in ("native", "numpy"):
        fitted = fit(NETWORK, NOISY, HELD_OUT, settings=replace(OVERFITTING, engine=engine))
        assert fitted.state.epoch == 60
        last = float(NETWORK.loss_value(fitted.state.parameters, HELD_OUT.X, HELD_OUT.y))
        assert last == pytest.approx(fitted.history[-1].validation_loss, rel=1e-6)
        assert fitted.best.number < 60
        assert bits(fitted.state.parameters) != bits(fitted.parameters)
