"""The matrix of a table: what stands where, and that a row is nobody's affair but its own."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import DataError
from memograd.table.columns import Table, as_table
from memograd.table.encoder import Encoder, EncoderSettings

RNG = np.random.default_rng(0)


def raw(n_rows: int) -> dict[str, Any]:
    """Return columns of all kinds, with gaps."""
    letters = np.array([*"abcdefghijklm", None], dtype=object)
    numbers = RNG.normal(size=n_rows) * 10.0 ** RNG.integers(-3, 4, n_rows)
    return {
        "many": letters[RNG.integers(0, 14, n_rows)],
        "number": np.where(RNG.random(n_rows) < 0.2, np.nan, numbers),
        "truth": RNG.random(n_rows) < 0.5,
        "few": letters[[0, 1, 2, 13]][RNG.integers(0, 4, n_rows)],
        "date": np.datetime64("2020-01-01") + RNG.integers(0, 1000, n_rows),
        "two": letters[:2][RNG.integers(0, 2, n_rows)],
        "same": np.full(n_rows, 7.0),
        "none": np.full(n_rows, np.nan),
        "big": RNG.integers(-(2**62), 2**62, n_rows),
    }


TABLE = as_table(raw(500))
ENCODER = Encoder.fit(TABLE)
MATRIX = ENCODER.transform(TABLE)


def test_layout() -> None:
    """Numbers and dates come first, then gaps, zeros and signs, an input for each category, and codes last."""
    assert ENCODER.inputs == (
        *("number", "date", "same", "big", "number is missing", "none", "truth", "two"),
        *("few = a", "few = b", "few = c", "many"),
    )
    assert ENCODER.n_inputs == len(ENCODER.inputs) == MATRIX.shape[1]
    assert ENCODER.embedded == (14,)
    assert ENCODER.names == TABLE.names
    assert ENCODER.kinds == (
        *("category", "number", "boolean", "category", "date", "category", "number", "category", "number"),
    )
    assert MATRIX.dtype == np.float32


def test_values() -> None:
    """Each input holds what its name says; what is missing is nothing."""
    found = dict(zip(ENCODER.inputs, MATRIX.T, strict=True))
    missing = np.isnan(TABLE.column("number").values)
    np.testing.assert_array_equal(found["number is missing"], missing)
    assert not found["number"][missing].any()
    np.testing.assert_array_equal(found["truth"], 2 * TABLE.column("truth").values - 1)
    np.testing.assert_array_equal(found["two"], np.where(TABLE.column("two").values == "a", -1, 1))
    for letter in "abc":
        np.testing.assert_array_equal(found[f"few = {letter}"], TABLE.column("few").values == letter)
    codes = [0 if letter is None else "abcdefghijklm".index(letter) + 1 for letter in TABLE.column("many").values]
    np.testing.assert_array_equal(found["many"], codes)
    assert not found["same"].any()
    assert not found["none"].any()


@pytest.mark.parametrize("numeric", ["robust", "standard", "none"])
@given(rows=st.lists(st.integers(0, 499), max_size=40))
def test_rows_are_independent(numeric: Any, rows: list[int]) -> None:
    """The matrix of some rows is those rows of the matrix, bit for bit."""
    settings = EncoderSettings(numeric=numeric)
    encoder = Encoder.fit(TABLE, settings)
    assert encoder.transform(TABLE.take(rows)).tobytes() == encoder.transform(TABLE)[rows].tobytes()


def test_rows_are_independent_of_blocks() -> None:
    """Tables of more rows than are scaled at once, or more columns, are scaled no differently."""
    for shape in [(70_001, 3), (50, 3000)]:
        X = RNG.normal(size=shape).astype(np.float32)
        X[RNG.random(shape) < 0.01] = np.nan
        encoder = Encoder.fit(as_table(X))
        matrix = encoder.transform(as_table(X))
        rows = np.sort(RNG.integers(0, shape[0], 23))
        assert encoder.transform(as_table(X[rows])).tobytes() == matrix[rows].tobytes()
        assert encoder.transform(as_table(X[-1:])).tobytes() == matrix[-1:].tobytes()


@given(st.randoms())
def test_order_of_rows(random: Any) -> None:
    """An encoder is the same, bit for bit, in whatever order the rows stand."""
    encoder = Encoder.fit(TABLE.take(random.sample(range(500), 500)), EncoderSettings("standard"))
    expected = Encoder.fit(TABLE, EncoderSettings("standard"))
    assert encoder.describe() == expected.describe()
    for name, array in expected.arrays().items():
        assert encoder.arrays()[name].tobytes() == array.tobytes()


def test_same_from_every_container() -> None:
    """pandas, polars and arrays of the same values give the same encoder and matrix."""
    columns = {name: values for name, values in raw(60).items() if name != "none"}
    frames = [columns, pd.DataFrame(columns), pl.DataFrame(pd.DataFrame(columns))]
    encoders = [Encoder.fit(as_table(frame)) for frame in frames]
    for encoder in encoders:
        assert encoder.describe() == encoders[0].describe()
        for frame in frames:
            np.testing.assert_array_equal(encoder.transform(as_table(frame)), encoders[0].transform(as_table(columns)))
    X = scipy.sparse.random_array((40, 5), density=0.3, rng=RNG)
    one, two = (Encoder.fit(as_table(x)) for x in (X, X.toarray()))
    assert one.transform(as_table(X.tocsr())).tobytes() == two.transform(as_table(X.toarray())).tobytes()


def test_ten_thousand_categories() -> None:
    """Many categories share one input of codes; those that are unseen have code 0."""
    words = [f"word {number}" for number in range(10_000)]
    table = as_table({"word": words, "x": np.arange(10_000)})
    encoder = Encoder.fit(table)
    assert (encoder.embedded, encoder.n_inputs) == ((10_001,), 2)
    assert sorted(encoder.transform(table)[:, -1]) == list(range(1, 10_001))
    new = as_table({"word": ["word 3", "nothing", None], "x": [1, 2, 3]})
    codes = encoder.transform(new)[:, -1]
    assert codes[0] == sorted(words).index("word 3") + 1
    assert codes[1:].tolist() == [0, 0]


def test_unseen_and_missing() -> None:
    """Unseen categories are nothing in every style, and a column without gaps may have some later."""
    seen = as_table({"two": ["a", "b", "a"], "few": ["a", "b", "c"], "x": [1.0, 2.0, 3.0], "t": [True, False, True]})
    encoder = Encoder.fit(seen)
    new = as_table({"two": ["z", None], "few": [None, "z"], "x": [None, 2.0], "t": [None, None]})
    assert encoder.inputs == ("x", "two", "t", "few = a", "few = b", "few = c")
    np.testing.assert_array_equal(encoder.transform(new), np.zeros((2, 6)))


@pytest.mark.parametrize(
    ("values", "inputs"),
    [
        (["a", "a"], [0, 0]),
        (["a", None], [1, 0]),
        ([True, True], [0, 0]),
        ([False, None], [1, 0]),
        ([None, None], [0, 0]),
        ([4.0, 4.0], [0, 0]),
        ([4.0], [0]),
        (["a"], [0]),
        ([True, False], [1, -1]),
    ],
)
def test_columns_that_hardly_vary(values: list[Any], inputs: list[float]) -> None:
    """A column of one value is zero; beside gaps, that value is told from them."""
    table = as_table({"c": values})
    np.testing.assert_array_equal(Encoder.fit(table).transform(table)[:, 0], inputs)


def test_one_row() -> None:
    """One row is enough, and carries nothing; no row is an error."""
    table = TABLE.take([0])
    assert Encoder.fit(table).transform(table).shape[0] == 1
    with pytest.raises(DataError, match="0 rows"):
        Encoder.fit(TABLE.take([]))
    assert ENCODER.transform(TABLE.take([])).shape == (0, ENCODER.n_inputs)


def test_settings() -> None:
    """How many categories get an input each is the caller's choice."""
    assert Encoder.fit(TABLE, EncoderSettings(one_hot_up_to=13)).embedded == ()
    assert Encoder.fit(TABLE, EncoderSettings(one_hot_up_to=2)).embedded == (14, 4)


def test_too_large_for_float32() -> None:
    """A number that float32 cannot hold, where nothing clips it, is an error that names column and row."""
    for numeric in ("standard", "none"):
        encoder = Encoder.fit(as_table({"a": [1.0, 2.0], "b": [1.0, 2.0]}), EncoderSettings(numeric))  # type: ignore[arg-type]
        with pytest.raises(DataError, match=r"column 'b', row 2 of 2: 1e\+300 is too large"):
            encoder.transform(as_table({"a": [1.0, 2.0], "b": [1.0, 1e300]}))
    assert Encoder.fit(as_table([[1.0], [2.0]])).transform(as_table([[-1e300]])).tolist() == [[-3.0]]


def test_input_is_not_touched() -> None:
    """Neither fitting nor transforming writes into what it was given."""
    X = np.asfortranarray(RNG.normal(size=(300, 4)))
    before = X.copy()
    table = as_table(X)
    X.flags.writeable = False
    Encoder.fit(table).transform(table)
    np.testing.assert_array_equal(X, before)


def test_round_trip() -> None:
    """An encoder comes back from JSON and arrays as it was, the types of its categories included."""
    mixed = as_table(
        {"m": [1, "1", True, 0.5, 2**70, None, "ü"], "x": [1.0, 2.0, np.nan, 4.0, 5.0, 6.0, 7.0]}, categorical=["m"]
    )
    for table, settings in [(TABLE, "robust"), (TABLE, "standard"), (mixed, "none")]:
        encoder = Encoder.fit(table, EncoderSettings(settings))  # type: ignore[arg-type]
        restored = Encoder.restore(json.loads(json.dumps(encoder.describe())), encoder.arrays())
        assert restored.transform(table).tobytes() == encoder.transform(table).tobytes()
        assert restored.describe() == encoder.describe()
        assert (restored.embedded, restored.inputs, restored.kinds) == (encoder.embedded, encoder.inputs, encoder.kinds)
    found = encoder.columns[0].categories
    assert found is not None
    assert [type(category) for category in found.categories] == [bool, float, int, int, str, str]


def test_tables_are_small() -> None:
    """A table of thousands of columns is encoded in one go."""
    X = RNG.normal(size=(5, 20_000))
    table = as_table(X)
    assert isinstance(table, Table)
    assert Encoder.fit(table).transform(table).shape == (5, 20_000)
