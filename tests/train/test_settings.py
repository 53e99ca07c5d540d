"""What can be chosen for a training, checked where it is chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import BadSetting, UnknownName
from memograd.nn.optimizers import SGD
from memograd.nn.schedules import Cosine
from memograd.train.settings import MAX_BATCH, MIN_BATCH, Settings


@pytest.mark.parametrize("name", ["epochs", "batch_size", "patience"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "3", True])
def test_counts(name: str, value: Any) -> None:
    """What is counted is a positive whole number, and the error names it, what was found and what is allowed."""
    with pytest.raises(BadSetting, match=rf"Settings\({name}={value!r}\): {name} must be a positive integer"):
        Settings(**{name: value})


@pytest.mark.parametrize(
    "bad", [{"seed": -1}, {"seed": 2**64}, {"seed": 0.0}, {"l2": -1e-9}, {"l2": float("nan")}, {"l2": float("inf")}]
)
def test_other_numbers(bad: dict[str, Any]) -> None:
    """A seed has 64 bits, and a penalty is finite and not negative."""
    with pytest.raises(BadSetting, match=next(iter(bad))):
        Settings(**bad)


@pytest.mark.parametrize("bad", [{"optimizer": "adamm"}, {"schedule": "cosin"}, {"optimizer": 3}, {"schedule": None}])
def test_names(bad: dict[str, Any]) -> None:
    """An unknown optimiser or schedule is refused before a training starts, and the error lists those there are."""
    with pytest.raises(UnknownName, match=r"There are: .*(sgd|cosine)"):
        Settings(**bad)


def test_names_become_records() -> None:
    """A name and the record that it stands for are the same setting, and numbers of NumPy become Python's."""
    settings = Settings(optimizer="sgd", schedule="cosine", epochs=np.int64(3))
    assert settings == Settings(optimizer=SGD(), schedule=Cosine(), epochs=3)
    assert type(settings.epochs) is int


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_rows_per_batch(n_rows: int, more: int) -> None:
    """A minibatch never holds more rows than there are, nor fewer when there are more of them."""
    chosen = Settings().rows_per_batch(n_rows)
    assert min(MIN_BATCH, n_rows) <= chosen <= min(MAX_BATCH, n_rows)
    assert chosen <= Settings().rows_per_batch(n_rows + more)
    assert Settings(batch_size=more).rows_per_batch(n_rows) == min(more, n_rows)


@pytest.mark.parametrize(
    "bad", [{"tolerance": -1e-9}, {"tolerance": float("nan")}, {"patience": 0}, {"patience": 1.5}, {"n_threads": 0}]
)
def test_numbers_of_stopping(bad: dict[str, Any]) -> None:
    """A tolerance is not negative, patience is a positive number of epochs or None."""
    with pytest.raises(BadSetting, match=next(iter(bad))):
        Settings(**bad)
    assert Settings(patience=None).patience is None


@pytest.mark.parametrize("bad", [{"monitor": "accuracy"}, {"ties": "best"}, {"engine": "gpu"}])
def test_choices(bad: dict[str, Any]) -> None:
    """A word that is no choice is refused, and the error lists those there are."""
    with pytest.raises(UnknownName, match=r"there is no (monitor|ties|engine) '.*'; there is .*(loss|first|numpy)"):
        Settings(**bad)


@given(n_rows=st.integers(1, 300_000), batch_size=st.integers(1, 600))
def test_even_batches(n_rows: int, batch_size: int) -> None:
    """Minibatches have about the size that is asked for, and the last one of many steps is no small one."""
    size = Settings(batch_size=batch_size, is_batch_even=True).rows_per_batch(n_rows)
    last = n_rows - (-(-n_rows // size) - 1) * size
    assert size <= 1.5 * batch_size + 1
    assert size >= min(n_rows, 0.6 * batch_size - 1)
    if batch_size >= 64:
        assert last >= 0.7 * size


def test_many_even_batches() -> None:
    """With as many steps as rows in each, to round the size up would take all rows of the last one."""
    size = Settings(batch_size=256, is_batch_even=True).rows_per_batch(65_793)
    assert 65_793 % size > 0.9 * size or 65_793 % size == 0
