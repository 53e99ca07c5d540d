"""Embeddings: the rows that codes stand for, what is no code, and what trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from memograd.errors import BadSetting, ShapeError
from memograd.gradient.numeric import check_grad
from memograd.gradient.transforms import grad
from memograd.nn.embedding import Embedding
from memograd.nn.mlp import MLP

FLOAT64 = np.dtype(np.float64)
LAYER = Embedding(4, (3, 5), width=2)
TABLE = np.arange(16.0).reshape(8, 2)


def test_codes_become_rows() -> None:
    """The last columns are replaced by the rows of their codes, each column by its own; the others stay."""
    x = np.array([[0.1, 0.2, 0.0, 0.0], [0.3, 0.4, 2.0, 4.0], [0.5, 0.6, 1.0, 3.0]])
    expected = [
        [0.1, 0.2, *TABLE[0], *TABLE[3 + 0]],
        [0.3, 0.4, *TABLE[2], *TABLE[3 + 4]],
        [0.5, 0.6, *TABLE[1], *TABLE[3 + 3]],
    ]
    np.testing.assert_array_equal(LAYER({"embedding": TABLE}, x), expected)
    assert (LAYER.n_out, LAYER.n_plain) == (6, 2)


def test_all_columns_can_be_embedded() -> None:
    """No other column need be there."""
    layer = Embedding(1, (3,), width=4)
    table = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(layer({"embedding": table}, np.array([[2.0], [0.0]])), table[[2, 0]])


@pytest.mark.parametrize("code", [-1.0, 3.0, 1e30, -1e30, 1.5, -0.5, 2.9999, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_no_code_is_code_0(code: float, dtype: Any) -> None:
    """Negative, too large, not whole, not finite: it reads the row of what was never seen, and no other column's."""
    x = np.array([[0.0, 0.0, code, 1.0]], dtype)
    np.testing.assert_array_equal(LAYER({"embedding": TABLE}, x)[0, 2:], [*TABLE[0], *TABLE[4]])


@given(x=arrays.arrays(np.float32, (3, 4), elements=st.floats(width=32)))
def test_no_input_is_outside_of_the_table(x: Any) -> None:
    """Whatever the floats are, each embedded column reads rows of its own."""
    found = LAYER({"embedding": TABLE.astype(np.float32)}, x)
    assert np.isin(found[:, 2], TABLE[:3, 0]).all()
    assert np.isin(found[:, 4], TABLE[3:, 0]).all()


def test_tables_start_normal_but_for_what_was_never_seen() -> None:
    """The row of code 0 of each column starts at 0, all others standard normal."""
    layer = Embedding(2, (3_000, 2_000), width=8)
    table = layer.init(np.random.default_rng(0), FLOAT64)["embedding"]
    assert table.shape == (5_000, 8)
    assert not table[[0, 3_000]].any()
    # A true sample has a p-value below 10⁻⁶ once in a million seeds, and this seed is fixed.
    assert scipy.stats.kstest(np.delete(table, [0, 3_000], axis=0).ravel(), "norm").pvalue > 1e-6


def test_the_derivative_is_a_sum_by_code() -> None:
    """A row of the table gets the sum of what reaches it from all samples that hold its code, and 0 from no sample."""
    x = np.array([[0.0, 0.0, 1.0, 4.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 7.0, 4.0]])
    weights = np.arange(1.0, 19.0).reshape(3, 6)
    found = grad(lambda table: np.sum(LAYER({"embedding": table}, x) * weights))(TABLE)
    expected = np.zeros((8, 2))
    expected[1] = weights[0, 2:4] + weights[1, 2:4]
    expected[0] = weights[2, 2:4]
    expected[3 + 4] = weights[0, 4:] + weights[2, 4:]
    expected[3] = weights[1, 4:]
    np.testing.assert_array_equal(found, expected)


NETWORK = MLP(
    (4, 6, 2), "mish", embedded=(3, 5), embedding_width=3, scaled_input=True, parametrization="neural_tangent"
)
X = np.column_stack([np.random.default_rng(0).normal(size=(9, 2)), np.arange(9) % 3, np.arange(9) % 5])
Y = np.random.default_rng(1).normal(size=(9, 2))


def test_derivatives_of_a_network() -> None:
    """All derivatives of a network with embedded columns are those of small differences, in float64."""
    check_grad(lambda parameters: NETWORK.loss_value(parameters, X, Y), NETWORK.init(0, np.float64))


def test_a_network_with_embedded_columns() -> None:
    """The first layer holds the table and takes the wider matrix; its scale covers embedded columns, too."""
    first, last = NETWORK.init(0)
    assert {name: array.shape for name, array in first.items()} == {
        "embedding": (8, 3), "W": (8, 6), "b": (6,), "input_scale": (8,),
    }  # fmt: skip
    assert last.keys() == {"W", "b"}
    assert NETWORK.network.body.n_in == 4
    assert NETWORK.predict(NETWORK.init(0, np.float64), X).shape == (9, 2)
    assert NETWORK.product_factors == (8**-0.5, 6**-0.5)


def test_a_network_of_one_layer_can_embed() -> None:
    """Where the first layer is the last it embeds, and starts at 0, too."""
    network = MLP((2, 1), embedded=[4], zero_output=True, scaled_input=True)
    (layer,) = network.init(0, np.float64)
    assert (layer["embedding"].shape, layer["W"].shape, layer["W"].any()) == ((4, 8), (9, 1), False)
    np.testing.assert_array_equal(network([layer], X[:, 1:3]), np.zeros((9, 1)))


def test_ten_thousand_categories() -> None:
    """Large tables are read where they are read, and not compared code by code: 10,000 codes in a blink."""
    network = MLP((1, 4, 1), embedded=(10_000,))
    codes = np.random.default_rng(0).integers(0, 10_000, (5_000, 1)).astype(np.float32)
    assert np.isfinite(network(network.init(0), codes)).all()


def test_equal_networks_are_equal() -> None:
    """Lists, tuples and NumPy's integers make the same network, with the same hash."""
    first = MLP((3, 1), embedded=[2, np.int64(5)], embedding_width=np.int32(4))  # type: ignore[list-item, arg-type]
    second = MLP((3, 1), embedded=(2, 5), embedding_width=4)
    assert first == second
    assert hash(first) == hash(second)
    assert first != MLP((3, 1), embedded=(2, 5))


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: MLP((2, 1), embedded=(3, 0)), BadSetting,
     r"MLP\(embedded=...\): cardinalities must be positive integers, and that of embedded column 1 is 0"),
    (lambda: MLP((2, 1), embedded=(-3,)), BadSetting, "embedded column 0 is -3"),
    (lambda: MLP((2, 1), embedded=(2.5,)), BadSetting, "embedded column 0 is 2.5"),  # type: ignore[arg-type]
    (lambda: MLP((2, 1), embedded=(True,)), BadSetting, "embedded column 0 is True"),
    (lambda: MLP((2, 1), embedded=(3, 3, 3)), BadSetting, "3 columns are to be embedded, and there are 2"),
    (lambda: MLP((2, 1), embedded=7), BadSetting, "must be a sequence of integers, not 7"),  # type: ignore[arg-type]
    (lambda: MLP((2, 1), embedded=(3,), embedding_width=0), BadSetting,
     r"MLP\(embedding_width=0\): embedding_width must be a positive integer"),
    (lambda: Embedding(1, (2, 2)), BadSetting, "Embedding: 2 columns are to be embedded, and there are 1"),
    (lambda: LAYER({"embedding": TABLE}, np.ones((2, 3))), ShapeError, r"takes an array of shape \(n_samples, 4\)"),
    (lambda: NETWORK(NETWORK.init(0), np.ones((2, 8), np.float32)), ShapeError, r"\(n_samples, 4\), not \(2, 8\)"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "text"), BAD)
def test_bad_settings(make: Callable[[], Any], kind: type[Exception], text: str) -> None:
    """An embedding that makes no sense cannot be made; the message says which column and what it is."""
    with pytest.raises(kind, match=text):
        make()
