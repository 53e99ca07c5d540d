"""Files of version 1: those that the first release wrote are read, and edited ones are refused."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from memograd.errors import DataError, ModelFileError
from memograd.nn.mlp import MLP
from memograd.table.target import ClassTarget
from memograd.train.model_file import load_model, save_model

from .forgeries import ARRAYS, VALUES, array, at, forge, places, refusal

DATA = {"a": [0.5, 2.0, -1.0], "b b": [-10.0, 33.0, 0.0], "ŷ": [1e-3, 0.0, 5e-4]}


def test_version_1_of_numbers(tmp_path: Path) -> None:
    """A file that the first release wrote is read, and predicts what it did there; it can be saved anew."""
    model = load_model(Path(__file__).parent / "version_1" / "numbers.model")
    there = [44.49798732995987, 32.27807641029358, 30.473275184631348]
    np.testing.assert_allclose(model.predict(DATA), there, rtol=1e-6)
    assert (model.encoder.names, model.encoder.kinds, model.clip) == (tuple(DATA), ("number",) * 3, False)
    save_model(model, tmp_path / "m")
    assert load_model(tmp_path / "m").predict(DATA).tolist() == model.predict(DATA).tolist()


def test_version_1_of_classes() -> None:
    """Classes that were sorted as numbers, 2, 9, 10, are sorted as text now, and each keeps its score."""
    model = load_model(Path(__file__).parent / "version_1" / "classes.model")
    assert isinstance(model.target, ClassTarget)
    assert model.target.classes == ("10", "2", "9")
    there = {
        "2": [0.19192957878112793, 0.22250819206237793, -0.06718206405639648],
        "9": [-0.5798931121826172, -0.3381836712360382, -0.47220730781555176],
        "10": [-3.6233396530151367, -3.136903762817383, -3.6102421283721924],
    }
    scores = model.scores(DATA)[0]
    np.testing.assert_allclose(scores, np.stack([there[name] for name in model.target.classes], axis=1), atol=1e-5)
    assert model.predict(DATA).tolist() == ["2", "2", "2"]


SCALES = {"scaling.mean": 3, "scaling.scale": 3, "target_scaling.mean": 1, "target_scaling.scale": 1}


def version_1() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the description and the arrays of a file of version 1."""
    network = MLP((3, 4, 2), "tanh", "cross_entropy")
    config = {k: v for k, v in network.to_config().items() if k not in ("embedded", "scaled_input", "parametrization")}
    arrays = {f"[{i}]['{name}']": leaf for i, layer in enumerate(network.init(0)) for name, leaf in layer.items()}
    arrays |= {name: np.ones(n) for name, n in SCALES.items()}
    names = {"target": "y", "columns": list(DATA), "classes": ["a", "b"]}
    return {"network": config, "task": "classification", **names}, arrays


FORGERIES: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "a part missing": (lambda d, t: {k: v for k, v in d.items() if k != "task"}, "not the parts"),
    "null": (lambda d, t: None, "not the parts"),
    "columns that are text": (at("columns", to="abc"), "no lists"),
    "columns that are no text": (at("columns", to=[[], 2, 3]), "does not describe a column"),
    "classes that are no text": (at("classes", to=[1, "a"]), "no lists of text"),
    "classes of another number": (at("classes", to=["c", "b", "a"]), "in an order that this memograd does not have"),
    "classes that no array is for": (at("classes", to=["a", "b", "c"]), "outputs are not those"),
    "a scaling missing": (array("scaling.mean", None), "lacks the array scaling.mean"),
    "a scaling by nothing": (array("scaling.scale", np.zeros(3)), "finite"),
    "a scaling of integers": (array("scaling.mean", np.ones(3, np.int8)), "float64"),
    "a scaling of another length": (array("scaling.scale", np.ones(4)), "scale"),
    "a scaling without axes": (array("scaling.mean", np.array(1.0)), "center"),
    "no weights": (array("[0]['W']", None), "lacks the array members[0][0]['W']"),
    "no arrays": (lambda d, t: [t.pop(name) for name in list(t) if name[0] == "["] and d, "lacks the array"),
    "no biases, and classes not in order": (
        lambda d, t: [t.pop(f"[{i}]['b']") for i in (0, 1)] and {**d, "classes": ["b", "a"]},
        "in an order",
    ),
    "no last weights, and classes not in order": (
        lambda d, t: [t.pop("[1]['W']")] and {**d, "classes": ["b", "a"]},
        "in an order",
    ),
    "an array too many": (array("x", np.zeros(3)), "x, which is no part"),
    "huge sizes": (at("network", "sizes", 1, to=10**12), "not those of the arrays"),
}


def test_an_unchanged_file_of_version_1(tmp_path: Path) -> None:
    """The forger writes files of version 1 that are read, with and without order in the classes."""
    description, tensors = version_1()
    forge(tmp_path / "m", description, tensors, "1")
    probabilities = load_model(tmp_path / "m").predict_proba(DATA)
    forge(tmp_path / "m", {**description, "classes": ["b", "a"]}, tensors, "1")
    turned = load_model(tmp_path / "m")
    assert isinstance(turned.target, ClassTarget)
    assert turned.target.classes == ("a", "b")
    np.testing.assert_allclose(turned.predict_proba(DATA), probabilities[:, ::-1], atol=1e-6)


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries_of_version_1(tmp_path: Path, name: str) -> None:
    """An edited file of version 1 is refused with a reason, too."""
    edit, reason = FORGERIES[name]
    description, tensors = version_1()
    forge(tmp_path / "m", edit(description, tensors), tensors, "1")
    assert reason in refusal(tmp_path / "m")


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_forgery(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever stands in one place, in the description or among the arrays, the file is refused, or predicts."""
    description, tensors = version_1()
    if data.draw(st.booleans()):
        keys = data.draw(st.sampled_from(list(places(description))))
        description = at(*keys, to=data.draw(VALUES))(description, tensors)
    else:
        tensors[data.draw(st.sampled_from(sorted(tensors)))] = data.draw(ARRAYS)
    forge(tmp_path / "m", description, tensors, "1")
    with contextlib.suppress(ModelFileError):
        model = load_model(tmp_path / "m")
        with contextlib.suppress(DataError):
            assert len(model.predict(DATA)) == 3
