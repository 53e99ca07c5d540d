"""A model as an ONNX file: onnxruntime, which nobody here wrote, predicts from raw columns what the model does."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.checker
import onnxruntime
import pytest

from memograd.errors import BadSetting, CannotLower, ModelFileError
from memograd.graph.tree import map_leaves
from memograd.nn.activations import ACTIVATIONS
from memograd.nn.mlp import MLP
from memograd.nn.regression import Huber, Pinball
from memograd.table.columns import Table, as_table
from memograd.table.encoder import Encoder, EncoderSettings
from memograd.table.target import ClassTarget, LabelTarget, NumberTarget
from memograd.train.model import Model
from memograd.train.onnx import export_onnx
from memograd.train.onnx.columns import TABLE, encoded

RNG = np.random.default_rng(0)
N = 60
NUMBERS = RNG.normal(size=(N, 4)) * [1, 1000, 1e-3, 1] + [0, 1e5, 0, 0]
NUMBERS[RNG.random(NUMBERS.shape) < 0.1] = np.nan
NUMBERS[:, 3] = 7.0

CLASSES = ClassTarget.fit(np.array(["x", "y", "ŷ\n"]))
TARGETS: dict[str, Any] = {
    "text": CLASSES,
    "two": ClassTarget.fit(np.array(["no", "yes"])),
    "integers": ClassTarget.fit(np.array([-5, 0, 7], np.int32)),
    "truth values": ClassTarget.fit([False, True]),
    "fractions": ClassTarget.fit(np.array([0.0, 1.0])),
    "a number": NumberTarget.fit(RNG.normal(size=50) * 100 + 1e4),
    "numbers": NumberTarget.fit(RNG.normal(size=(50, 2)) * [1, 100]),
    "one column": NumberTarget.fit(RNG.normal(size=(50, 1))),
    "labels": LabelTarget(3),
    "a label": LabelTarget(1),
}
LOSSES: dict[type, Any] = {
    ClassTarget: "cross_entropy",
    NumberTarget: "squared_error",
    LabelTarget: "multilabel_cross_entropy",
}


def model_of(
    data: Any = NUMBERS,
    target: Any = CLASSES,
    n_members: int = 1,
    encoder: EncoderSettings | None = None,
    **chosen: Any,
) -> Model:
    """Return a model of random parameters."""
    fitted = Encoder.fit(as_table(data), encoder or EncoderSettings())
    settings = {"activation": "tanh", "loss": LOSSES[type(target)], "embedded": fitted.embedded, **chosen}
    n_outputs = 1 if settings["loss"] == "binary_cross_entropy" else target.n_outputs
    network = MLP((fitted.n_inputs, *settings.pop("hidden", (12, 5)), n_outputs), **settings)
    rng = np.random.default_rng(7)
    members = [
        map_leaves(lambda leaf: leaf + rng.normal(size=leaf.shape).astype(np.float32) * 0.3, network.init(seed))
        for seed in range(n_members)
    ]
    return Model(network, tuple(members), fitted, target)


def session_of(path: Path) -> Any:
    """Return what runs a file, which onnx's own checker must have passed."""
    onnx.checker.check_model(onnx.load(path), full_check=True)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def feeds(session: Any, data: Any) -> dict[str, Any]:
    """Return a table as the inputs of a file."""
    table = as_table(data)
    if [port.name for port in session.get_inputs()] == ["X"] and len(session.get_inputs()[0].shape) == 2:
        dtype = np.float32 if session.get_inputs()[0].type == "tensor(float)" else np.float64
        return {"X": np.stack([as_floats(column.values) for column in table.columns], axis=1).astype(dtype)}
    found = {}
    for port, column in zip(session.get_inputs(), table.columns, strict=True):
        assert port.shape == ["rows"]
        match port.type:
            case "tensor(string)":
                found[port.name] = np.array(["∅" if v is None else v for v in column.values], dtype=object)
            case "tensor(int64)":
                found[port.name] = np.array([-12345 if v is None else v for v in column.values], np.int64)
            case kind:
                dtype = np.float32 if kind == "tensor(float)" else np.float64
                found[port.name] = as_floats(column.values).astype(dtype)
    return found


def as_floats(values: Any) -> Any:
    """Return numbers or categories that are numbers as float64."""
    return np.array([np.nan if v is None else v for v in values], np.float64)


def check_same(model: Model, path: Path, data: Any, rows: tuple[int, ...] = (1, 2, 17), rtol: float = 1e-5) -> None:
    """Check that a file predicts what the model does, for some numbers of rows."""
    session = session_of(path)
    table = as_table(data)
    for n in rows:
        part = table.take(np.arange(table.n_rows - n, table.n_rows))
        found = dict(
            zip([port.name for port in session.get_outputs()], session.run(None, feeds(session, part)), strict=True)
        )
        # Sums in another order, and other polynomials for the same functions, in float32.
        if isinstance(model.target, NumberTarget):
            assert found.keys() == {"prediction"}
            expected = model.predict(part)
            scale = np.abs(model.target.scale).max()
            assert found["prediction"].shape == expected.shape
            np.testing.assert_allclose(found["prediction"], expected, rtol=rtol, atol=1e-5 * scale)
            continue
        name = "labels" if isinstance(model.target, LabelTarget) else "label"
        assert found.keys() == {name, "probabilities"}
        np.testing.assert_allclose(found["probabilities"], model.predict_proba(part), rtol=0, atol=1e-5)
        assert found["probabilities"].dtype == np.float64
        assert found[name].tolist() == model.predict(part).tolist()


def check_exported(model: Model, folder: Path, data: Any = NUMBERS, **settings: Any) -> None:
    """Export a model and check that the file predicts the same."""
    export_onnx(model, folder / "m.onnx", **settings)
    check_same(model, folder / "m.onnx", data)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(tmp_path: Path, name: str) -> None:
    """Every activation is translated, in hidden layers and behind the last one."""
    check_exported(model_of(activation=name), tmp_path)
    check_exported(model_of(target=TARGETS["a number"], output_activation=name), tmp_path)


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("name", TARGETS)
def test_targets(tmp_path: Path, name: str, n_members: int) -> None:
    """Classes of each type, numbers and labels come out as the model gives them, as the mean over members."""
    check_exported(model_of(target=TARGETS[name], n_members=n_members), tmp_path)


LOSSES_OF_NUMBERS = ["squared_error", "absolute_error", Huber(0.5), Pinball(0.9), "poisson"]


@pytest.mark.parametrize("loss", LOSSES_OF_NUMBERS, ids=str)
def test_losses_of_numbers(tmp_path: Path, loss: Any) -> None:
    """Whatever the loss makes of scores, such as their exponentials, is done; so is clipping."""
    for name in ("a number", "numbers"):
        model = model_of(target=TARGETS[name], loss=loss, n_members=2)
        check_exported(model, tmp_path)
        narrow = np.full(model.target.n_outputs, 0.1)
        target = dataclasses.replace(model.target, lowest=model.target.mean, highest=model.target.mean + narrow)
        clipped = dataclasses.replace(model, target=target, clip=True)
        check_exported(clipped, tmp_path)
        assert (clipped.predict(NUMBERS) - target.mean <= narrow * 1.001).all()


@pytest.mark.parametrize("name", ["two", "truth values", "fractions"])
def test_one_score_for_two_classes(tmp_path: Path, name: str) -> None:
    """A network of one score gives the probabilities of both classes."""
    check_exported(model_of(target=TARGETS[name], loss="binary_cross_entropy", n_members=2), tmp_path)


NETWORKS: dict[str, dict[str, Any]] = {
    "no hidden layers": {"hidden": ()},
    "three of 256": {"hidden": (256, 256, 256), "activation": "selu", "parametrization": "neural_tangent"},
    "scaled": {"scaled_input": True, "parametrization": "neural_tangent", "zero_output": True},
    "normalized": {"layer_norm": True, "dropout": 0.5},
    "each its own": {"activation": ["mish", "gelu"]},
    "ten members": {"n_members": 10},
}


@pytest.mark.parametrize("settings", NETWORKS.values(), ids=NETWORKS)
def test_networks(tmp_path: Path, settings: dict[str, Any]) -> None:
    """All that a network can be made of is translated."""
    check_exported(model_of(**settings), tmp_path)


def own(x: Any) -> Any:
    """A user's activation: an op of nearly every kind, and a constant that has a value for each row."""
    parts = np.concatenate([np.sin(x), np.log1p(np.abs(x))], axis=1)
    sums = np.cumsum(parts, axis=1)[:, ::-1][:, : x.shape[1]]
    flat = np.reshape(np.transpose(x)[::-1], (-1,))
    return sums * np.exp(-np.abs(x)) + np.ones(x.shape, x.dtype) + 0.0 * np.max(flat * 0.0)


def test_a_function_of_the_user(tmp_path: Path) -> None:
    """A user's activation is translated like any other: the exporter knows ops, not layers."""
    check_exported(model_of(activation=own, n_members=2), tmp_path)


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "angles": (lambda x: np.arctan2(x, 1.0), "arctan2.*has no operator in ONNX"),
    "the mean of the rows": (lambda x: x - np.mean(x, axis=0), "number of rows"),
    "places of rows": (lambda x: x * np.arange(x.shape[0], dtype=x.dtype)[:, None], "place of a row"),
    "half the rows": (lambda x: x + np.sum(x[::2]), "number of rows|no multiple"),
    "rows backwards": (lambda x: x[::-1], "number of rows"),
    "all but the first": (lambda x: x + np.sum(x[1:]), "number of rows|no multiple"),
    "one way or the other": (lambda x: np.sin(x) if x.shape[0] == 1009 else np.cos(x), "another way"),
    "longer": (lambda x: np.sin(np.sin(x)) if x.shape[0] == 1009 else np.sin(x), "another way|number of rows"),
}


@pytest.mark.parametrize(("function", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_functions(tmp_path: Path, function: Callable[[Any], Any], message: str) -> None:
    """What ONNX cannot do, or what depends on the other rows, is refused with the line of the user's code."""
    with pytest.raises(CannotLower, match=f"(?s)({message}).*test_onnx.py"):
        export_onnx(model_of(activation=function), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def raw(n: int = N) -> dict[str, list[Any]]:
    """Return a table of columns of every kind, with gaps in each."""
    rng = np.random.default_rng(3)

    def gaps(values: Any) -> list[Any]:
        return [None if rng.random() < 0.15 else value for value in values]

    return {
        "size": gaps(rng.normal(size=n).tolist()),
        "days": gaps(np.datetime64("2024-02-01T12:00:01", "s") + rng.integers(0, 10**8, n)),
        "on": gaps(rng.random(n) < 0.5),
        "always": gaps([True] * n),
        "few": gaps(rng.choice(["red", "", "größer"], n).tolist()),
        "both": gaps(rng.choice(["yes", "no"], n).tolist()),
        "many": gaps([f"c {i}" for i in rng.integers(0, 30, n)]),
        "grade": gaps(rng.integers(-2, 3, n).tolist()),
        "zip": gaps(rng.integers(0, 40, n).tolist()),
        "steps": gaps(rng.choice([0.5, 1.0, 2.25], n).tolist()),
        "same": ["a"] * n,
        "empty": [None] * n,
        "exact": rng.integers(0, 9, n).tolist(),
    }


CATEGORICAL = ["grade", "zip", "steps"]
ENCODERS = [
    EncoderSettings(),
    EncoderSettings("standard", one_hot_up_to=2),
    EncoderSettings("none", one_hot_up_to=100),
    EncoderSettings(smooth_clip=np.inf),
    EncoderSettings(smooth_clip=0.5),
]


def unseen(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return the columns with unseen categories and far numbers in the last rows."""
    found = {name: list(values) for name, values in columns.items()}
    for name, value in {"few": "rot", "both": "maybe", "many": "c", "grade": 99, "zip": -1, "steps": 0.75}.items():
        found[name][-1] = found[name][-5] = value
    found["size"][-2:] = [1e30, -1e30]
    found["exact"][-1] = None
    return found


def mixed(data: dict[str, list[Any]]) -> Table:
    """Return the table of such columns."""
    columns = {k: np.array(v, "datetime64[s]") if k == "days" else v for k, v in data.items()}
    return as_table(columns, None, [name for name in CATEGORICAL if name in columns])


@pytest.mark.parametrize("settings", ENCODERS, ids=range(len(ENCODERS)))
def test_columns(tmp_path: Path, settings: EncoderSettings) -> None:
    """Columns of every kind enter raw, with gaps and with categories that were never seen."""
    model = model_of(mixed(raw()), TARGETS["a number"], encoder=settings, n_members=2)
    data = raw() if settings.numeric == "none" else unseen(raw())
    check_exported(model, tmp_path, mixed(data))
    types = {port.name: port.type for port in session_of(tmp_path / "m.onnx").get_inputs()}
    assert {name: types[name] for name in ("size", "days", "on", "few", "grade", "steps", "empty")} == {
        "size": "tensor(double)",
        "days": "tensor(double)",
        "on": "tensor(double)",
        "few": "tensor(string)",
        "grade": "tensor(int64)",
        "steps": "tensor(double)",
        "empty": "tensor(double)",
    }


def test_columns_without_names(tmp_path: Path) -> None:
    """Numbers and integer categories without names are one input; with text among them, each is its own."""
    data = raw()
    names = ["size", "on", "always", "grade", "zip", "steps", "exact"]
    array = np.stack([as_floats(unseen(data)[name]) for name in names], axis=1)
    fitted = as_table(np.stack([as_floats(data[name]) for name in names], axis=1), None, [2, 3, 4, 5])
    assert not fitted.has_names
    model = model_of(fitted)
    check_exported(model, tmp_path, as_table(array, None, [3, 4, 5]))
    odd = np.full((3, 7), 0.25)
    odd[1:] = [[1e300] * 7, [np.nan] * 7]
    session = session_of(tmp_path / "m.onnx")
    odd_table = odd.copy()
    odd_table[:, 2:6] = np.nan  # what is none of the categories is missing
    np.testing.assert_allclose(session.run(["probabilities"], {"X": odd})[0], model.predict_proba(odd_table), atol=1e-5)
    rows = [list(row) for row in zip(*(data[name] for name in ("size", "few", "many")), strict=True)]
    check_exported(model_of(rows), tmp_path, rows)


def test_float32(tmp_path: Path) -> None:
    """Numbers can come in as float32, dates as float64 all the same."""
    data = {name: raw()[name] for name in ("size", "days", "few")}
    check_exported(model_of(mixed(data)), tmp_path, mixed(data), dtype="float32")
    types = [port.type for port in session_of(tmp_path / "m.onnx").get_inputs()]
    assert types == ["tensor(float)", "tensor(double)", "tensor(string)"]
    check_exported(model_of(NUMBERS[:, 2:]), tmp_path, NUMBERS[:, 2:].astype(np.float32), dtype="float32")
    with pytest.raises(BadSetting, match="float16"):
        export_onnx(model_of(), tmp_path / "m.onnx", dtype="float16")


@pytest.mark.parametrize("settings", ENCODERS, ids=range(len(ENCODERS)))
def test_encoded(settings: EncoderSettings) -> None:
    """The encoder as it is written for tracing gives the same bits as the encoder itself."""
    fitted, table = mixed(raw()), mixed(unseen(raw()) if settings.numeric != "none" else raw())
    encoder = Encoder.fit(fitted, settings)
    columns = {
        index: column.data
        if encoding.categories is None or column.categories is None
        else encoding.categories.codes(column)
        for index, (encoding, column) in enumerate(zip(encoder.columns, table.columns, strict=True))
    }
    assert encoded(encoder, columns).tobytes() == encoder.transform(table).tobytes()
    numbers = Encoder.fit(as_table(NUMBERS), settings)
    assert encoded(numbers, {TABLE: NUMBERS}).tobytes() == numbers.transform(as_table(NUMBERS)).tobytes()


def test_any_number_of_rows(tmp_path: Path) -> None:
    """No rows give no predictions; rows are predicted each by itself."""
    model = model_of(mixed(raw()))
    export_onnx(model, tmp_path / "m.onnx")
    session = session_of(tmp_path / "m.onnx")
    for n in (0, 1, 3, 60):
        label, probabilities = session.run(None, feeds(session, mixed(raw()).take(np.arange(n))))
        assert (label.shape, probabilities.shape) == ((n,), (n, 3))
    check_same(model, tmp_path / "m.onnx", mixed(raw()), (1, 8, 60))


def test_taken_names(tmp_path: Path) -> None:
    """Columns may be called like outputs and like values inside; then the outputs get underscores."""
    names = ["label", "probabilities", "probabilities_", "v0", "v1", "X", "rows", "a b\u00e9"]
    data = dict(zip(names, RNG.normal(size=(len(names), 20)).tolist(), strict=True))
    model = model_of(data)
    export_onnx(model, tmp_path / "m.onnx")
    session = session_of(tmp_path / "m.onnx")
    assert [port.name for port in session.get_inputs()] == names
    assert [port.name for port in session.get_outputs()] == ["label_", "probabilities__"]
    found = session.run(["probabilities__"], feeds(session, data))[0]
    np.testing.assert_allclose(found, model.predict_proba(data), atol=1e-5)


def categories(*values: Any) -> Table:
    """Return a table of one column of these categories."""
    return as_table({"mix": [*values, *values]}, None, ["mix"])


NO_TYPE: dict[str, tuple[Callable[[], Model], str]] = {
    "text and numbers": (lambda: model_of(categories("1", 1, 2)), "'mix' holds categories of more than one type"),
    "truth values and numbers": (lambda: model_of(categories(True, 1, 2)), "more than one type"),
    "huge integers": (lambda: model_of(categories(2**63, 1, 2)), "no 64-bit integer"),
    "no name": (lambda: model_of({"": [1.0, 2.0]}), "a column is called ''"),
    "half a character": (lambda: model_of({"\ud800": [1.0, 2.0]}), "no name for an input"),
    "two lines": (lambda: model_of({"a\nb": [1.0, 2.0]}), "no name for an input"),
    "mixed classes": (lambda: model_of(target=ClassTarget.fit(np.array(["1", 1], object))), "one type for all"),
    "huge classes": (lambda: model_of(target=ClassTarget.fit([2**70, 1])), "no type in ONNX"),
    "half a class": (lambda: model_of(target=ClassTarget.fit(["\ud800", "b"])), "ONNX cannot hold the model"),
    "half a category": (lambda: model_of(categories("\ud800", "b", "c")), "ONNX cannot hold the model"),
}


@pytest.mark.parametrize(("make", "message"), NO_TYPE.values(), ids=NO_TYPE)
def test_what_has_no_type(tmp_path: Path, make: Callable[[], Model], message: str) -> None:
    """Columns and classes that ONNX has no type for are refused by name, and nothing is written."""
    with pytest.raises(ModelFileError, match=message) as caught:
        export_onnx(make(), tmp_path / "m.onnx")
    assert len(str(caught.value).splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_the_same_bytes(tmp_path: Path) -> None:
    """The same model gives the same file, in a process with another order of hashes, too."""
    model = model_of(mixed(raw()), n_members=2)
    export_onnx(model, tmp_path / "a")
    export_onnx(model, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    code = """
import sys, numpy as np
from memograd.nn.mlp import MLP
from memograd.table.columns import as_table
from memograd.table.encoder import Encoder
from memograd.table.target import ClassTarget
from memograd.train.model import Model
from memograd.train.onnx import export_onnx
table = as_table({"b": [1.0, None, 3.0], "a": ["x", "y", "z"]})
encoder, network = Encoder.fit(table), MLP((5, 3, 2), "mish", "cross_entropy")
export_onnx(Model(network, (network.init(0), network.init(1)), encoder, ClassTarget.fit(["p", "q"])), sys.argv[1])
"""
    for seed in "12":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, tmp_path / seed], check=True, env=environment)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_without_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where onnx is not installed, the error says how to install it, and nothing is written."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModelFileError, match=r"not installed: pip install 'memograd\[onnx\]'"):
        export_onnx(model_of(), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_unwritable(tmp_path: Path) -> None:
    """A place that cannot be written is named with the reason."""
    with pytest.raises(ModelFileError, match=r"no.m: cannot be written \(\w+"):
        export_onnx(model_of(), tmp_path / "no" / "m")
