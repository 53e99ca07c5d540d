"""Training in machine code: the same parameters as NumPy's, and the same bits whatever runs beside it."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from memograd.errors import EngineFallback, TrainingDiverged
from memograd.graph.tree import flatten
from memograd.nn.layer import Noise
from memograd.nn.layers import Dense, Dropout, LayerNorm, Residual, Sequential
from memograd.nn.mlp import MLP
from memograd.nn.network import Network
from memograd.nn.optimizers import SGD, Adam, AdamW, Optimizer
from memograd.nn.step import Clock, training_step
from memograd.train import native
from memograd.train.loop import Rows, fit
from memograd.train.native import NativeEpochs
from memograd.train.settings import Settings

SEED = 5


def data(n_rows: int, n_in: int, n_out: int, dtype: Any, *, classes: bool) -> Rows:
    """Something to learn."""
    rng = np.random.default_rng(n_rows)
    X = rng.normal(size=(n_rows, n_in)).astype(dtype)
    y = rng.integers(0, n_out, n_rows) if classes else np.tanh(X @ rng.normal(size=(n_in, n_out))).astype(dtype)
    return Rows(X, y)


def epochs_of(network: Any, rows: Rows, optimizer: Optimizer, *, batch: int, epochs: int, n_threads: int) -> Any:
    """A native training, and the step and state that it starts from."""
    step = training_step(network, optimizer, "cosine", l2=0.01)
    parameters = network.init(SEED, rows.X.dtype)
    state = optimizer.init(parameters)
    run = NativeEpochs(
        step,
        parameters,
        state,
        (rows.X, rows.y, rows.weight),
        batch_size=batch,
        epochs=epochs,
        seed=SEED,
        n_threads=n_threads,
    )
    return run, step, parameters, state


def leaves(tree: Any) -> list[Any]:
    """The arrays of a tree."""
    return [np.asarray(leaf) for leaf in flatten(tree)[0]]


# name: (network, columns in and out, optimiser)
NETWORKS: dict[str, tuple[Any, int, int, Optimizer]] = {
    "relu": (MLP((7, 20, 3), loss="cross_entropy"), 7, 3, Adam(0.01)),
    "wide": (MLP((30, 50, 70, 10), "gelu", loss="cross_entropy"), 30, 10, AdamW(0.01)),
    "dropout": (MLP((16, 33, 16, 4), "silu", loss="cross_entropy", dropout=0.3), 16, 4, AdamW(0.01)),
    "dropout of eights": (MLP((16, 32, 64, 4), "elu", loss="cross_entropy", dropout=0.1), 16, 4, Adam(0.01)),
    "narrow": (MLP((2, 2, 2, 1), "tanh"), 2, 1, SGD(0.05, momentum=0.9)),
    "one of everything": (MLP((1, 1, 1), "sigmoid"), 1, 1, SGD(0.05, momentum=0.9, nesterov=True)),
    "linear": (MLP((5, 2)), 5, 2, SGD(0.05)),
    "deep": (MLP((3, *(9,) * 12, 2), "tanh", loss="huber"), 3, 2, Adam(0.01)),
    "layer norm": (
        Network(
            Sequential(Dense(6, 17), Residual(LayerNorm(17), Dense(17, 17, "gelu"), Dropout(0.1)), Dense(17, 3)),
            "cross_entropy",
        ),
        6,
        3,
        AdamW(0.01),
    ),
    "weighted": (MLP((6, 12, 2), "softplus", loss="absolute_error"), 6, 2, Adam(0.01)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_are_those_of_numpy(name: str, dtype: Any) -> None:
    """After several epochs of ragged minibatches, on 1, 2 and 3 threads: NumPy's parameters, and one set of bits."""
    network, n_in, n_out, optimizer = NETWORKS[name]
    rows = data(85, n_in, n_out, dtype, classes="CrossEntropy" in repr(network.loss))
    if name == "weighted":
        rows = Rows(rows.X, rows.y, np.random.default_rng(0).uniform(0, 2, 85).astype(dtype))
    n_epochs, batch = 3, 20
    found, losses = [], []
    for n_threads in (1, 2, 3):
        run, step, parameters, state = epochs_of(
            network, rows, optimizer, batch=batch, epochs=n_epochs, n_threads=n_threads
        )
        orders = []
        for _ in range(n_epochs):
            losses.append(run.epoch())
            orders.append(run._run._order.copy())
        found.append(run.parameters)
    for other in found[1:]:
        assert [x.tobytes() for x in leaves(other)] == [x.tobytes() for x in leaves(found[0])]
    n_steps = -(-85 // batch)
    for epoch, order in enumerate(orders):
        assert sorted(order) == list(range(85))
        total = amount = 0.0
        for number in range(n_steps):
            some = rows[order[number * batch : (number + 1) * batch]]
            clock = Clock((epoch + (number + 0.5) / n_steps) / n_epochs, Noise.at(SEED, epoch, number))
            parameters, state, value = step(parameters, state, some.X, some.y, some.weight, clock)
            share = len(some) if some.weight is None else some.weight.sum(dtype=np.float64)
            total, amount = total + float(value) * share, amount + share
        np.testing.assert_allclose(losses[epoch], total / amount, rtol=1e-5 if dtype is np.float32 else 1e-12)
    for ours, theirs in zip(leaves(found[0]), leaves(parameters), strict=True):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=scale * (2e-5 if dtype is np.float32 else 1e-11))


def test_two_trainings_at_once() -> None:
    """Models that train in two threads of Python do not disturb each other."""
    settings = [Settings(epochs=20, batch_size=16, seed=seed, n_threads=2) for seed in range(4)]
    rows = data(100, 5, 3, np.float32, classes=True)

    def trained(each: Settings) -> list[bytes]:
        return [x.tobytes() for x in leaves(fit(MLP((5, 16, 3), loss="cross_entropy"), rows, settings=each).parameters)]

    alone = [trained(each) for each in settings]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(trained, settings)) == alone


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_after_a_fork() -> None:
    """A process forked from one that has trained on several threads trains, too."""
    rows = data(100, 5, 3, np.float32, classes=True)
    run, *_ = epochs_of(MLP((5, 16, 3), loss="cross_entropy"), rows, Adam(), batch=10, epochs=4, n_threads=2)
    run.epoch()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            run.epoch()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    run.epoch()


def test_ctrl_c_within_an_epoch() -> None:
    """One long epoch is left when Ctrl-C comes, and not when it is over."""
    rows = data(400_000, 20, 2, np.float32, classes=True)
    settings = Settings(epochs=3, batch_size=4)
    timer = threading.Timer(1.0, lambda: os.kill(os.getpid(), 2))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        fit(MLP((20, 256, 256, 2), loss="cross_entropy"), rows, settings=settings)


def test_what_native_code_cannot_do_falls_back_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's function of an op without code is trained by NumPy, with one line that names the op."""

    def odd(x: Any) -> Any:
        return x.astype(np.float16).astype(x.dtype)

    rows = data(20, 3, 1, np.float32, classes=False)
    network = MLP((3, 4, 1), odd)
    with pytest.warns(EngineFallback, match="numpy engine: .*float16"):
        fit(network, rows, settings=Settings(epochs=1))
    monkeypatch.setattr(native, "NativeTraining", lambda *_, **__: pytest.fail("asked for NumPy"))
    fit(network, rows, settings=Settings(epochs=1, engine="numpy"))


def test_divergence_is_noticed() -> None:
    """Losses that are no numbers end the training."""
    rows = data(50, 3, 1, np.float32, classes=False)
    with pytest.raises(TrainingDiverged):
        fit(MLP((3, 8, 1), "relu"), rows, settings=Settings(epochs=50, optimizer=SGD(1e6)))
