"""The numeric check: it passes what is right, finds what is wrong, and says what it found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import BadSetting, GradientMismatch, MemogradError, NotDifferentiable
from memograd.gradient import transforms
from memograd.gradient.numeric import STEP, check_grad
from memograd.gradient.rules import RULES, Diagonal
from memograd.graph.traced import TracedArray

X = np.array([[0.3, -0.7, 1.1], [0.2, 0.9, -1.4]])


@dataclass
class Layer:
    W: Any
    name: str
    n_rows: int


def zero_when_traced(x):
    """A function with a derivative that is wrong: traced, it is a constant."""
    return 0.0 * x if isinstance(x, TracedArray) else np.sin(x)


def test_what_is_right_passes() -> None:
    """Trees of arguments and results, scalars of Python and NumPy, integers and strings that stay as they are."""
    layer = Layer(X, "first", 2)

    def f(layer, scale, pair):
        assert layer.name == "first"
        assert type(layer.n_rows) is int
        return {"y": layer.W[: layer.n_rows] * scale, "rest": [np.sum(pair[0]) ** 2, pair[1], None]}

    check_grad(f, layer, 2.0, (X[0], np.arange(3)), order=3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ">f8"])
def test_arguments_are_moved_in_double_precision(dtype: Any) -> None:
    """A float32 argument is checked as sharply as a float64 one, and is not written to."""
    x = X.astype(dtype)
    x.setflags(write=False)
    seen = set()

    def f(x):
        seen.add(x.dtype)
        return np.exp(x)

    check_grad(f, x, rtol=1e-7)
    assert seen == {np.dtype(np.float64)}


def test_wrong_derivatives_are_found() -> None:
    """The message has order, mode, both numbers, and by how much they differ."""
    with pytest.raises(GradientMismatch) as caught:
        check_grad(zero_when_traced, X)
    assert re.fullmatch(
        r"zero_when_traced, order 1: u·J·v is 0 in reverse mode, but -0\.063513\d+ by central differences: "
        r"a relative difference of 1\.0e\+00, where 1\.0e-06 is allowed",
        str(caught.value),
    )
    assert isinstance(caught.value, (MemogradError, AssertionError))
    with pytest.raises(GradientMismatch, match=r"order 1.* in forward mode"):
        check_grad(zero_when_traced, X, modes=("forward",))


def test_wrong_second_derivatives_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the derivative of the derivative is wrong the first order passes, and the second does not."""
    monkeypatch.setitem(RULES, "cos", Diagonal((lambda g, y, x: 0.0 * g,)))  # type: ignore[arg-type]
    check_grad(np.sin, X, order=1)
    with pytest.raises(GradientMismatch, match="sin, order 2: "):
        check_grad(np.sin, X)


def test_modes_that_disagree_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that is wrong in one mode is found by the other, to rounding, before differences are looked at."""
    forward = Diagonal((lambda g, y, x: 1.001 * g * np.cos(x),))
    reverse = RULES["sin"]

    class Mixed:
        pull = staticmethod(reverse.pull)
        push = staticmethod(forward.push)

    monkeypatch.setitem(RULES, "sin", Mixed)  # type: ignore[arg-type]
    check_grad(np.sin, X, order=1, modes=("reverse",))
    with pytest.raises(GradientMismatch, match=r"in reverse mode, but .* in forward mode"):
        check_grad(np.sin, X, order=1)
    with pytest.raises(GradientMismatch, match=r"in forward mode, but .* by central differences"):
        check_grad(np.sin, X, order=1, modes=("forward",))


def test_a_nan_is_no_agreement() -> None:
    """A derivative that is NaN does not pass, nor does a function that is."""
    with pytest.raises(GradientMismatch, match="u·J·v is nan"):
        check_grad(lambda x: np.where(x > 0, np.sqrt(x), 0.0), np.array([1.0, -1.0]))
    with pytest.raises(GradientMismatch, match="nan"):
        check_grad(lambda x: x * np.nan, X)


def test_jumps_and_kinks_are_found() -> None:
    """At a jump there is nothing to agree with; at a kink the second derivative is not what it says."""
    with pytest.raises(GradientMismatch, match="floor, order 1"):
        check_grad(np.floor, 1.0)
    check_grad(np.abs, 0.0, order=1)  # 0 is the mean of the derivatives on both sides
    with pytest.raises(GradientMismatch, match="absolute, order 2"):
        check_grad(np.abs, 0.0)


@given(st.floats(1e-3, 1e3), st.floats(1e-6, 1e6))
def test_scales_do_not_matter(scale: float, size: float) -> None:
    """Large arguments take large steps, and large values loosen what is allowed: polynomials pass at any scale."""
    check_grad(lambda x: size * x**2 + x, scale * X, order=1)


def test_the_step_is_the_best_one() -> None:
    """For a function like sin a step ten times larger or smaller than ε^(1/3) gives a worse difference."""

    def error(step: float) -> float:
        x = np.linspace(0.3, 1.2, 1000)
        return float(np.mean(abs((np.sin(x + step) - np.sin(x - step)) / (2 * step) - np.cos(x))))

    assert error(STEP) < 1e-10
    assert error(STEP) < error(10 * STEP) / 10
    assert error(STEP) < error(STEP / 10) / 2


def test_the_check_is_deterministic() -> None:
    """The same seed draws the same directions, another seed others."""

    def message(seed: int) -> str:
        with pytest.raises(GradientMismatch) as caught:
            check_grad(zero_when_traced, X, seed=seed)
        return str(caught.value)

    assert message(0) == message(0)
    assert message(0) != message(1)


def test_directions_are_as_many_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each order draws its own, and each direction takes a sweep in each mode."""
    calls = []
    reverse = transforms.vjp
    monkeypatch.setattr("memograd.gradient.numeric.vjp", lambda *args: calls.append(1) or reverse(*args))
    check_grad(np.sin, X, order=1, n_directions=5)
    assert len(calls) == 5


@pytest.mark.parametrize(
    ("f", "args", "message"),
    [
        (lambda x: x, (3,), "has no floating argument"),
        (lambda: 1.0, (), "has no floating argument"),
        (lambda x: np.argmax(x), (X,), "has no floating result"),
        (lambda x: None, (X,), "has no floating result"),
    ],
)
def test_nothing_to_differentiate(f: Any, args: tuple[Any, ...], message: str) -> None:
    """A check of nothing is refused, and does not pass."""
    with pytest.raises(NotDifferentiable, match=message):
        check_grad(f, *args)


@pytest.mark.parametrize("options", [{"order": 0}, {"modes": ()}, {"modes": ("backward",)}, {"n_directions": 0}])
def test_bad_settings(options: dict[str, Any]) -> None:
    """Orders and modes that there are not are refused."""
    with pytest.raises(BadSetting, match="counted from 1, and there are the modes reverse and forward"):
        check_grad(np.sin, X, **options)


@pytest.mark.parametrize("modes", [("reverse",), ("forward",), ("forward", "reverse")])
def test_high_orders(modes: Any) -> None:
    """Derivatives of derivatives, each checked against differences of the one before."""
    check_grad(np.sin, X, order=4, modes=modes)
    check_grad(lambda x, y: np.tanh(x * y) / (1 + x**2), X, X[0], order=3, modes=modes)
