"""One contender of `training.py`, in a process of its own: reads cases, prints the microseconds of a step.

Each line that it reads is a JSON object ``{"sizes": [...], "batch": …, "seconds": …}``; it answers each with one line,
``{"us_per_step": …}``. A case that is asked for again goes on where it stopped, without building anything anew.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

N_BATCHES = 32
"""Minibatches of an epoch."""

# Trains so many epochs, to the end.
Train = Callable[[int], Any]


def problem(sizes: tuple[int, ...], batch: int) -> tuple[Any, Any]:
    """Rows to train on: classes, or one number for one output."""
    rng = np.random.default_rng(0)
    n_rows = batch * N_BATCHES
    X = rng.normal(size=(n_rows, sizes[0])).astype(np.float32)
    if sizes[-1] == 1:
        return X, rng.normal(size=(n_rows, 1)).astype(np.float32)
    return X, rng.integers(0, sizes[-1], n_rows)


def weights(sizes: tuple[int, ...]) -> list[tuple[Any, Any]]:
    """The same start for those who take one."""
    rng = np.random.default_rng(1)
    return [
        (rng.normal(size=(i, o)).astype(np.float32) / np.float32(np.sqrt(i)), np.zeros(o, np.float32))
        for i, o in itertools.pairwise(sizes)
    ]


def memograd(sizes: tuple[int, ...], batch: int, n_threads: int) -> Train:
    """Whole epochs in one call; the order of rows is drawn in the time that is measured."""
    from memograd.nn.mlp import MLP
    from memograd.nn.optimizers import Adam
    from memograd.nn.step import training_step
    from memograd.train.native import NativeEpochs

    X, y = problem(sizes, batch)
    network = MLP(sizes, activation="relu", loss="squared_error" if sizes[-1] == 1 else "cross_entropy")
    optimizer = Adam()
    parameters = network.init(0)
    run = NativeEpochs(
        training_step(network, optimizer),
        parameters,
        optimizer.init(parameters),
        (X, y, None),
        batch_size=batch,
        epochs=10**7,
        seed=0,
        n_threads=n_threads,
    )
    return run.epochs


def jax(sizes: tuple[int, ...], batch: int, n_threads: int) -> Train:
    """`jit` of `lax.scan` over the steps of an epoch, with the order of rows handed in."""
    import jax
    import jax.numpy as jnp

    X, y = map(jnp.asarray, problem(sizes, batch))
    parameters = [tuple(map(jnp.asarray, pair)) for pair in weights(sizes)]
    tree = jax.tree_util.tree_map

    def loss(parameters: Any, x: Any, t: Any) -> Any:
        for W, b in parameters[:-1]:
            x = jax.nn.relu(x @ W + b)
        W, b = parameters[-1]
        z = x @ W + b
        if sizes[-1] == 1:
            return jnp.mean((z - t) ** 2)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), t[:, None], 1))

    def step(state: Any, rows: Any) -> Any:
        w, m, v, t = state
        value, g = jax.value_and_grad(loss)(w, X[rows], y[rows])
        t = t + 1
        m = tree(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = tree(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
        c1, c2 = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
        w = tree(lambda a, b, c: a - 1e-3 * (b * c1) / (jnp.sqrt(c * c2) + 1e-8), w, m, v)
        return (w, m, v, t), value

    epoch = jax.jit(lambda state, rows: jax.lax.scan(step, state, rows))
    zeros = tree(jnp.zeros_like, parameters)
    state = (parameters, zeros, zeros, jnp.float32(0))
    rng = np.random.default_rng(2)
    orders = [jnp.asarray(rng.permutation(len(X)).reshape(-1, batch)) for _ in range(4)]

    def train(n_epochs: int) -> None:
        nonlocal state
        for number in range(n_epochs):
            state, _ = epoch(state, orders[number % len(orders)])
        jax.block_until_ready(state)

    return train


def _torch(sizes: tuple[int, ...], batch: int, n_threads: int, *, is_compiled: bool) -> Train:
    import torch

    torch.set_num_threads(n_threads)
    X, y = map(torch.from_numpy, problem(sizes, batch))
    layers: list[Any] = []
    for i, o in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(i, o), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    criterion = torch.nn.MSELoss() if sizes[-1] == 1 else torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters(), fused=True)

    def loss_of(x: Any, t: Any) -> Any:
        return criterion(network(x), t)

    value = torch.compile(loss_of) if is_compiled else loss_of

    def train(n_epochs: int) -> None:
        for _ in range(n_epochs):
            order = torch.randperm(len(X))
            for rows in order.split(batch):
                optimizer.zero_grad(set_to_none=True)
                value(X[rows], y[rows]).backward()
                optimizer.step()

    return train


def torch(sizes: tuple[int, ...], batch: int, n_threads: int) -> Train:
    """A loop over minibatches, with the fused Adam."""
    return _torch(sizes, batch, n_threads, is_compiled=False)


def torch_compiled(sizes: tuple[int, ...], batch: int, n_threads: int) -> Train:
    """The same with `torch.compile` on network and loss."""
    return _torch(sizes, batch, n_threads, is_compiled=True)


def sklearn(sizes: tuple[int, ...], batch: int, n_threads: int) -> Train:
    """`fit` with `warm_start`, without early stopping."""
    import warnings

    from sklearn.neural_network import MLPClassifier, MLPRegressor

    warnings.simplefilter("ignore")
    X, y = problem(sizes, batch)
    kind = MLPRegressor if sizes[-1] == 1 else MLPClassifier
    model = kind(
        hidden_layer_sizes=sizes[1:-1], batch_size=batch, alpha=0.0, warm_start=True, tol=0.0, n_iter_no_change=10**9
    )

    def train(n_epochs: int) -> None:
        model.set_params(max_iter=n_epochs).fit(X, y.ravel())

    return train


CONTENDERS: dict[str, Callable[[tuple[int, ...], int, int], Train]] = {
    "memograd": memograd,
    "jax": jax,
    "torch": torch,
    "torch.compile": torch_compiled,
    "scikit-learn": sklearn,
}


def peak_gflops(n_threads: int, library: str) -> float:
    """The most that a product of square matrices of float32 reaches."""
    best = 0.0
    for n in (512, 1024, 1536):
        x = np.random.default_rng(0).normal(size=(n, n)).astype(np.float32)
        if library == "torch":
            import torch as library_

            library_.set_num_threads(n_threads)
            a, product = library_.from_numpy(x), library_.matmul
        else:
            a, product = x, np.matmul
        for _ in range(8):
            began = time.perf_counter()
            product(a, a)
            best = max(best, 2 * n**3 / (time.perf_counter() - began) / 1e9)
    return best


def main() -> None:
    """Answer questions until there are no more."""
    name, n_threads = sys.argv[1], int(sys.argv[2])
    known: dict[str, Train] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "peak" in asked:
            print(json.dumps({"gflops": peak_gflops(n_threads, asked["peak"])}), flush=True)
            continue
        key = json.dumps([asked["sizes"], asked["batch"]])
        if key not in known:
            known.clear()
            known[key] = CONTENDERS[name](tuple(asked["sizes"]), asked["batch"], n_threads)
            known[key](2)
        n_epochs, seconds = 1, 0.0
        while True:
            began = time.perf_counter()
            known[key](n_epochs)
            seconds = time.perf_counter() - began
            if seconds >= asked["seconds"]:
                break
            n_epochs = max(n_epochs + 1, min(10 * n_epochs, int(1.2 * n_epochs * asked["seconds"] / seconds)))
        print(json.dumps({"us_per_step": seconds / n_epochs / N_BATCHES * 1e6}), flush=True)


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[2])])
    main()
