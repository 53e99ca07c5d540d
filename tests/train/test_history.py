"""Which epoch is best, and when a training ends: decided by the numbers alone, so that it can be decided again."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import TrainingDiverged
from memograd.train.history import Epoch, Standing, replay
from memograd.train.settings import Settings

SETTINGS = Settings(patience=None)
losses = st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0]), min_size=1, max_size=12)


def judged(numbers: list[Any], **others: Any) -> tuple[list[Epoch], Standing]:
    """Judge validation losses, or with the score as monitor, scores."""
    settings = replace(SETTINGS, **others)
    if settings.monitor == "score":
        return replay(settings, [(1.0, 1.0, score) for score in numbers])
    return replay(settings, [(1.0, loss, None) for loss in numbers])


@given(losses)
def test_the_least_loss_is_best(values: list[float]) -> None:
    """The best epoch is the first of the least loss, or with ties to the last, the last one."""
    first, last = judged(values)[1].best, judged(values, ties="last")[1].best
    assert first is not None
    assert last is not None
    assert first.number == values.index(min(values)) + 1
    assert last.number == len(values) - values[::-1].index(min(values))


@given(losses)
def test_the_largest_score_is_best(values: list[float]) -> None:
    """With the score as monitor, the larger is the better, and losses do not count."""
    best = judged(values, monitor="score")[1].best
    assert best is not None
    assert best.number == values.index(max(values)) + 1
    assert judged(values, monitor="score")[1].n_without_gain == judged([-v for v in values])[1].n_without_gain


@given(losses, st.integers(1, 4), st.sampled_from([0.0, 0.5, 0.75]), st.sampled_from(["first", "last"]))
def test_patience_and_tolerance(values: list[float], patience: int, tolerance: float, ties: str) -> None:
    """A training ends after so many epochs in a row of which none was better than all before by the tolerance."""
    epochs, standing = judged(values, patience=patience, tolerance=tolerance, ties=ties)
    without = 0
    for number, value in enumerate(values, start=1):
        best = min(values[: number - 1], default=math.inf)
        without = 0 if value < best and value <= best - tolerance else without + 1
        if without == patience:
            break
    assert (len(epochs), standing.n_without_gain) == (number, without)
    assert standing.is_over(replace(SETTINGS, patience=patience)) == (without == patience)


@given(losses, st.data())
def test_in_parts(values: list[float], data: Any) -> None:
    """A history that is judged in two parts, the second from where the first stands, is judged as the whole."""
    settings = replace(SETTINGS, patience=3, tolerance=0.5)
    epochs, standing = judged(values, patience=3, tolerance=0.5)
    n_first = data.draw(st.integers(0, len(epochs)))
    first, between = judged(values[:n_first], patience=3, tolerance=0.5)
    for value in values[n_first : len(epochs)]:
        epoch, between = between.after(settings, 1.0, value, None)
        first.append(epoch)
    assert (first, between) == (epochs, standing)


def test_without_validation() -> None:
    """Without rows that are held out, the loss of the training decides."""
    epochs, standing = replay(SETTINGS, [(2.0, None, None), (1.0, None, None), (3.0, None, None)])
    assert standing.best is epochs[1]
    assert [epoch.is_best for epoch in epochs] == [True, True, False]


def test_a_score_that_is_no_number() -> None:
    """A score that is NaN is never better; one that follows it is."""
    assert [epoch.is_best for epoch in judged([math.nan, math.nan, -1e9, math.nan], monitor="score")[0]] == [
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_losses_that_are_not_finite(bad: float) -> None:
    """A loss that is not finite is an error that names the epoch."""
    with pytest.raises(TrainingDiverged, match=r"the loss became .* in epoch 2"):
        replay(SETTINGS, [(1.0, None, None), (bad, None, None)])
    with pytest.raises(TrainingDiverged, match=r"the validation loss became .* in epoch 1"):
        judged([bad])


def test_numbers_go_on() -> None:
    """From a state, epochs are numbered on from it."""
    epochs, standing = replay(SETTINGS, [(1.0, None, None)] * 2, first=5)
    assert ([epoch.number for epoch in epochs], standing.number) == ([6, 7], 7)
