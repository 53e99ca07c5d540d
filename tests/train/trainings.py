"""Small trainings of many kinds, drawn from a seed; and what makes hundreds of them take seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np

from memograd.engine.compiled import Compiled
from memograd.engine.native.training_code import TrainingCode
from memograd.graph.tree import flatten
from memograd.nn.layers import Dense, Dropout, LayerNorm, Residual, Sequential
from memograd.nn.mlp import MLP
from memograd.nn.network import Network
from memograd.nn.optimizers import SGD, Adam, AdamW
from memograd.train.epochs import NumpyPrograms
from memograd.train.loop import Fit, Rows, fit
from memograd.train.native import NativePrograms
from memograd.train.settings import Settings
from memograd.train.validation import Validation

N_TRAIN, N_HELD = 23, 9


@dataclass(frozen=True)
class Kind:
    """What is compiled: trainings of one kind differ in their data and in settings that machine code does not know."""

    network: Any
    optimizer: Any
    schedule: str = "constant"
    dtype: Any = np.float32
    is_weighted: bool = False
    batch_size: int = 7
    engine: str = "native"
    l2: float = 0.0


KINDS = (
    Kind(MLP((3, 20, 2), "tanh", "cross_entropy"), Adam(0.03)),
    Kind(MLP((3, 24, 24, 2), "silu", "cross_entropy", dropout=0.3), AdamW(0.02), schedule="cosine"),
    Kind(MLP((3, 18, 1), "relu", dropout=0.2), SGD(0.003, momentum=0.9), is_weighted=True),
    Kind(MLP((3, 4, 1), "tanh"), Adam(0.05), batch_size=5),  # narrow: the batch lies along the lanes
    Kind(MLP((3, 17, 1), "gelu", layer_norm=True), Adam(0.02), dtype=np.float64, l2=0.01),
    Kind(
        Network(Sequential(Dense(3, 16), Residual(LayerNorm(16), Dense(16, 16, "elu"), Dropout(0.1)), Dense(16, 1))),
        AdamW(0.02),
        schedule="warmup_cosine",
        batch_size=N_TRAIN,
    ),
    Kind(MLP((3, 6, 2), "tanh", "cross_entropy", dropout=0.2), AdamW(0.02), engine="numpy", is_weighted=True),
    Kind(MLP((3, 5, 1), "softplus", "huber"), SGD(0.02), engine="numpy", schedule="exponential", dtype=np.float64),
)


@dataclass(frozen=True)
class Training:
    """One training: its kind, and what else it takes."""

    kind: Kind
    settings: Settings
    train: Rows
    validation: Rows | None
    score: Callable[[Any, Rows], float] | None = None

    def fit(self, **others: Any) -> Fit:
        """Train; settings may be others, and all that `fit` takes beside."""
        names = {name: others.pop(name) for name in list(others) if hasattr(self.settings, name)}
        settings = replace(self.settings, **names)
        return fit(self.kind.network, self.train, self.validation, settings=settings, **{"score": self.score, **others})


def coarse(scores: Any, rows: Rows) -> float:
    """A score that often ties."""
    return round(-float(np.mean(np.abs(scores))), 2)


def drawn(rng: np.random.Generator, kind: Kind) -> Training:
    """A training of a kind."""
    is_validated = rng.random() < 0.7
    score = coarse if is_validated and rng.random() < 0.7 else None
    settings = Settings(
        epochs=int(rng.integers(2, 14)),
        batch_size=kind.batch_size,
        optimizer=kind.optimizer,
        schedule=kind.schedule,
        l2=kind.l2,
        engine=kind.engine,
        patience=None if rng.random() < 0.4 else int(rng.integers(1, 6)),
        monitor="score" if score is not None and rng.random() < 0.5 else "loss",
        tolerance=float(rng.choice([0.0, 0.01])),
        ties=str(rng.choice(["first", "last"])),
        seed=int(rng.integers(0, 2**63)),
    )
    return Training(
        kind, settings, rows_of(rng, kind, N_TRAIN), rows_of(rng, kind, N_HELD) if is_validated else None, score
    )


def rows_of(rng: np.random.Generator, kind: Kind, n_rows: int) -> Rows:
    """Rows that a network of the kind can be trained on."""
    X = rng.normal(size=(n_rows, 3)).astype(kind.dtype)
    is_classes = "CrossEntropy" in type(kind.network.loss).__name__
    y = rng.integers(0, 2, n_rows) if is_classes else (X[:, :1] ** 2 + rng.normal(size=(n_rows, 1))).astype(kind.dtype)
    return Rows(X, y, rng.uniform(0.1, 2, n_rows).astype(kind.dtype) if kind.is_weighted else None)


def bits(tree: Any) -> list[bytes]:
    """Return the bytes of every array of a tree."""
    return [np.asarray(leaf).tobytes() for leaf in flatten(tree)[0]]


def outcome(fitted: Fit) -> Any:
    """All that a training came to, in values that can be compared bit for bit."""
    state = fitted.state
    return (
        bits(fitted.parameters),
        bits(state.parameters),
        bits(state.optimizer_state),
        state.epoch,
        fitted.history,
        fitted.best,
        fitted.stopped,
    )


@contextmanager
def compiled_once() -> Iterator[Callable[[Kind], None]]:
    """Within, trainings of one kind share their programs; tell which kind comes next."""
    kept: dict[Any, Any] = {}
    current: list[Any] = [None]
    native, numpy, validation = NativePrograms.code, NumpyPrograms.program, Validation._compiled

    def native_code(self: Any, parameters: Any, state: Any, batch_size: int, n_rows: int) -> TrainingCode:
        key = current[0], "native", batch_size, n_rows
        return remembered(key, lambda: native(self, parameters, state, batch_size, n_rows))

    def numpy_program(self: Any, state: Any, rows: Rows, clock: Any) -> Compiled:
        return remembered((current[0], "numpy", len(rows)), lambda: numpy(self, state, rows, clock))

    def validating(self: Any, parameters: Any, rows: Rows) -> Compiled:
        key = current[0], "validation", self._score is None, len(rows)
        return remembered(key, lambda: validation(self, parameters, rows))

    def remembered(key: Any, make: Callable[[], Any]) -> Any:
        if key not in kept:
            kept[key] = make()
        return kept[key]

    with (
        mock.patch.object(NativePrograms, "code", native_code),
        mock.patch.object(NumpyPrograms, "program", numpy_program),
        mock.patch.object(Validation, "_compiled", validating),
    ):
        yield lambda kind: current.__setitem__(0, KINDS.index(kind))
