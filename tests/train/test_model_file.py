"""A model file: what was written comes back bit for bit, and anything else is refused with a reason.

Forged files carry a right digest: it holds no secret, so whoever edits a file can make one.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
import os
import pickle
import random
import re
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memograd.errors import MemogradError, ModelFileError
from memograd.nn.activations import ACTIVATIONS, Activation
from memograd.nn.mlp import MLP
from memograd.nn.regression import Huber, Pinball
from memograd.train import model_file
from memograd.train.model import Model, Scaling
from memograd.train.model_file import load_model, save_model

X = np.random.default_rng(1).normal(size=(20, 3)) * [1, 10, 0.1]


def a_model(network: MLP, classes: tuple[str, ...] = (), dtype: Any = np.float32) -> Model:
    """Return an untrained model of three columns."""
    rng = np.random.default_rng(0)
    scaling = Scaling(rng.normal(size=3), rng.uniform(0.5, 2, 3))
    target_scaling = Scaling(np.zeros(1), np.ones(1)) if classes else Scaling(np.array([5.0]), np.array([3.0]))
    task = "classification" if classes else "regression"
    return Model(network, network.init(3, dtype), task, "y", ("a", "b b", "ŷ,\n"), classes, scaling, target_scaling)


MODELS = {
    "regression": a_model(MLP((3, 4, 1), "tanh")),
    "classification": a_model(MLP((3, 5, 4, 3), ["relu", "gelu"], "cross_entropy", dropout=0.1), ("x", "", "ŷ\n\0")),
    "one score": a_model(MLP((3, 1), loss="binary_cross_entropy"), ("no", "yes")),
    "layer norm": a_model(MLP((3, 4, 4, 1), "silu", Huber(0.5), layer_norm=True)),
    "settings": a_model(MLP((3, 4, 1), "selu", Pinball(0.9), "softplus")),
    "float64": a_model(MLP((3, 4, 1)), dtype=np.float64),
    **{name: a_model(MLP((3, 2, 1), name)) for name in ACTIVATIONS},
}
SMALL = MODELS["one score"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small model's file."""
    path = tmp_path / "m.model"
    save_model(SMALL, path)
    return path


def refusal(path: Path | str) -> str:
    """Return the one line with which a file is refused."""
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    assert len(message) < len(str(path)) + 400
    return message


@pytest.mark.parametrize("name", MODELS)
def test_round_trip(tmp_path: Path, name: str) -> None:
    """A model that was saved predicts bit-identically, and saving it again gives the same file."""
    model = MODELS[name]
    save_model(model, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert loaded.predict(X).tobytes() == model.predict(X).tobytes() or model.classes
    assert loaded.predict(X).tolist() == model.predict(X).tolist()
    for field in ("network", "task", "target", "columns", "classes"):
        assert getattr(loaded, field) == getattr(model, field)
    save_model(loaded, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


def predicts_the_same(path: Path) -> bool:
    """Whether a file is a model, which then must predict what the small one does; False if it is refused."""
    try:
        loaded = load_model(path)
    except ModelFileError:
        return False
    assert loaded.predict(X).tolist() == SMALL.predict(X).tolist()
    assert (loaded.columns, loaded.target) == (SMALL.columns, SMALL.target)
    return True


def test_every_bit(path: Path) -> None:
    """A file with one flipped bit is refused, whichever it is."""
    data = path.read_bytes()
    assert predicts_the_same(path)
    with path.open("r+b", buffering=0) as file:  # in place: thousands of new files would take seconds
        for place, bit in itertools.product(range(len(data)), range(8)):
            os.pwrite(file.fileno(), bytes([data[place] ^ 1 << bit]), place)
            assert not predicts_the_same(path), (place, bit)
            os.pwrite(file.fileno(), data[place : place + 1], place)


def test_every_length(path: Path) -> None:
    """A file that was cut anywhere, or has bytes after its end, is refused."""
    size = path.stat().st_size
    for n_bytes in [size + 1000, size + 8, size + 1, *reversed(range(size))]:
        os.truncate(path, n_bytes)
        assert not predicts_the_same(path), n_bytes


def test_many_bytes(path: Path) -> None:
    """A file with several bytes changed, exchanged or repeated is refused."""
    data, generator = path.read_bytes(), random.Random(1)
    for _ in range(500):
        first, second = sorted(generator.sample(range(len(data) + 1), 2))
        middle = generator.choice([data[first:second][::-1], data[first:second] * 2, b"", os.urandom(second - first)])
        changed = data[:first] + middle + data[second:]
        path.write_bytes(changed)
        assert changed == data or not predicts_the_same(path)


def test_refusals_are_one_line(path: Path) -> None:
    """However a file is damaged, the reason is one line of bounded length that begins with the path."""
    data = path.read_bytes()
    for changed in (
        b"",
        data[:7],
        data[:100],
        data[:-1],
        data + b"x",
        b"\n" * 50 + data,
        data.replace(b"F32", b"F\n2"),
    ):
        path.write_bytes(changed)
        assert refusal(path)


def test_two_files_mixed(path: Path, tmp_path: Path) -> None:
    """The head of one model and the arrays of another are no model."""
    other = a_model(SMALL.network, ("no", "yes"))
    other.parameters[0]["W"][0, 0] += 1
    save_model(other, tmp_path / "other")
    one, two = path.read_bytes(), (tmp_path / "other").read_bytes()
    head = 8 + int.from_bytes(one[:8], "little")
    assert len(one) == len(two)
    path.write_bytes(one[:head] + two[head:])
    assert "damaged" in refusal(path)


def test_the_digest_covers_all() -> None:
    """Other text, names, dtypes, shapes or numbers give another digest; another order does not."""
    one = {"a": np.zeros((2, 3), np.float32), "b": np.ones(2)}
    others: list[tuple[str, dict[str, Any]]] = [
        ("x", {**one, "a": one["a"].T.copy()}),
        ("x", {**one, "a": one["a"].view(np.int32)}),
        ("x", {**one, "b": np.array([1.0, 2.0])}),
        ("x", {"a": one["a"], "c": one["b"]}),
        ("x", {"a": one["a"]}),
        ("xa", one),
        ("", one),
    ]
    digests = {model_file._digest(text, tensors) for text, tensors in [("x", one), *others]}
    assert len(digests) == 1 + len(others)
    assert model_file._digest("x", dict(reversed(one.items()))) in digests


class Bomb:
    """What a pickle would run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def write_pickle(path: Path) -> None:
    """A pickle that makes a folder when it is read."""
    path.write_bytes(pickle.dumps(Bomb(path.with_name("exploded"))))


def write_archive(path: Path) -> None:
    """NumPy's archive, with such a pickle in it."""
    with path.open("wb") as file:
        np.savez(file, a=np.array([Bomb(path.with_name("exploded"))], dtype=object), allow_pickle=True)


def header(text: bytes, claimed: int | None = None) -> Callable[[Path], object]:
    """Return what writes a file of a header that claims to be so long."""
    return lambda path: path.write_bytes((len(text) if claimed is None else claimed).to_bytes(8, "little") + text)


def arrays(**metadata: str) -> Callable[[Path], None]:
    """Return what writes arrays that are no model."""
    return lambda path: safetensors.numpy.save_file({"a": np.zeros(3)}, path, metadata=metadata)


NO_MODELS: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "no model file"),
    "text": (lambda path: path.write_text("a,b\n1,2\n"), "no model file"),
    "a directory": (lambda path: path.mkdir(), "not a regular file"),
    "missing": (lambda path: None, "does not exist"),
    "a dangling link": (lambda path: path.symlink_to("nothing"), "does not exist"),
    "a circle of links": (lambda path: path.symlink_to(path.name), "cannot be read"),
    "a pickle": (write_pickle, "no model file"),
    "an archive": (write_archive, "no model file"),
    "a huge header": (header(b"{}", 2**63), "no model file"),
    "a header past the end": (header(b"{}", 99), "no model file"),
    "a header that is a list": (header(b"[]"), "no model file"),
    "a nested header": (header(b"[" * 100_000), "no model file"),
    "a header without arrays": (header(b"{}"), "not a model that memograd wrote"),
    "huge arrays": (
        header(json.dumps({"a": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}}).encode()),
        "no model file",
    ),
    "an array without bytes": (
        header(json.dumps({"a": {"dtype": "F64", "shape": [0, 2**62, 2**62], "data_offsets": [0, 0]}}).encode()),
        "",
    ),
    "a dtype that NumPy lacks": (
        header(b'{"a":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]}}'),
        "",
    ),
    "other arrays": (arrays(), "not a model that memograd wrote"),
    "another format": (arrays(format="pt"), "not a model that memograd wrote"),
    "no version": (arrays(format="memograd-model"), "version None"),
    "a later version": (arrays(format="memograd-model", version="2"), "version 2, and this memograd reads 1; upgrade"),
    "no digest": (arrays(format="memograd-model", version="1"), "damaged"),
}


@pytest.mark.parametrize("name", NO_MODELS)
def test_no_models(tmp_path: Path, name: str) -> None:
    """What is no model is refused with the reason, and nothing that it holds is run."""
    write, reason = NO_MODELS[name]
    write(tmp_path / "m")
    assert reason in refusal(tmp_path / "m")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A named pipe is refused at once, where opening it would wait for a writer."""
    os.mkfifo(tmp_path / "m")
    assert "not a regular file" in refusal(tmp_path / "m")


@pytest.mark.skipif(not hasattr(os, "seteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_no_permission(path: Path) -> None:
    """A file that one may not read is refused with that reason."""
    path.chmod(0o600)
    os.seteuid(65534)
    try:
        assert "Permission denied" in refusal(path)
    finally:
        os.seteuid(0)


def parts_of(model: Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the description and the arrays that a model's file holds."""
    return copy.deepcopy(model_file._describe(model)), dict(model_file._tensors(model))


def forge(path: Path, description: Any, tensors: dict[str, Any]) -> None:
    """Write a file of these parts, with a right digest."""
    text = description if isinstance(description, str) else json.dumps(description)
    metadata = {"format": "memograd-model", "version": "1", "description": text}
    metadata["digest"] = model_file._digest(text, tensors)
    safetensors.numpy.save_file(tensors, path, metadata=metadata)


def test_a_forgery_without_a_change_is_read(path: Path) -> None:
    """The forger writes files that are read when nothing in them is wrong; so it is the change that is refused."""
    for model in MODELS.values():
        forge(path, *parts_of(model))
        assert load_model(path).predict(X).tolist() == model.predict(X).tolist()


def at(*keys: Any, to: Any) -> Callable[[Any, Any], Any]:
    """Return an edit that sets one place of the description."""

    def edit(description: Any, tensors: Any) -> Any:
        place = description
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to
        return description

    return edit


def array(name: str, value: Any) -> Callable[[Any, Any], Any]:
    """Return an edit that sets one array, or takes it away."""

    def edit(description: Any, tensors: Any) -> Any:
        tensors.pop(name, None)
        tensors.update({} if value is None else {name: value})
        return description

    return edit


def swapped(description: Any, tensors: Any) -> Any:
    """Exchange the weights of two layers."""
    tensors["[0]['W']"], tensors["[1]['W']"] = tensors["[1]['W']"], tensors["[0]['W']"]
    return description


HUGE = 10**12
FORGERIES: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "no JSON": (lambda d, t: "{", "does not describe a model"),
    "nested without end": (lambda d, t: "[" * 100_000, "does not describe a model"),
    "a number without end": (lambda d, t: "9" * 10_000, "does not describe a model"),
    "a list": (lambda d, t: [d], "not the parts"),
    "null": (lambda d, t: None, "not the parts"),
    "a part missing": (lambda d, t: {k: v for k, v in d.items() if k != "task"}, "not the parts"),
    "a part too many": (at("code", to="import os"), "not the parts"),
    "no network": (at("network", to=None), "list of sizes"),
    "a network that is a list": (at("network", to=[1]), "list of sizes"),
    "sizes of text": (at("network", "sizes", to="345"), "list of sizes"),
    "huge sizes": (at("network", "sizes", to=[3, HUGE, 1]), "not those of the arrays"),
    "huge inputs": (at("network", "sizes", 0, to=HUGE), "not those of the arrays"),
    "many sizes": (at("network", "sizes", to=[1] * 100_000), "lacks the array"),
    "fractional sizes": (at("network", "sizes", 1, to=4.0), "positive integer"),
    "no sizes": (at("network", "sizes", to=[]), "two or more"),
    "one size": (at("network", "sizes", to=[3]), "two or more"),
    "sizes without width": (at("network", "sizes", 1, to=0), "not those of the arrays"),
    "a setting too many": (at("network", "device", to="cpu"), "device"),
    "no activation": (at("network", "activation", to=None), "does not describe a model"),
    "an unknown activation": (at("network", "activation", to=["os.system"]), "os.system"),
    "more activations": (at("network", "activation", to=["relu"] * 2), "2 activations"),
    "an endless activation": (at("network", "activation", to=["x" * 10**6]), "no activation"),
    "an activation that is no text": (at("network", "activation", to=[[]]), "no activation"),
    "an unknown output activation": (at("network", "output_activation", to="eval"), "eval"),
    "dropout of everything": (at("network", "dropout", to=1.0), "dropout"),
    "dropout of text": (at("network", "dropout", to="0.5"), "dropout"),
    "dropout without number": (at("network", "dropout", to=float("nan")), "dropout"),
    "layer norm that has no arrays": (at("network", "layer_norm", to=True), "lacks the array"),
    "layer norm of text": (at("network", "layer_norm", to="no"), "layer_norm"),
    "no loss": (at("network", "loss", to=None), "does not describe a model"),
    "a loss that is text": (at("network", "loss", to="huber"), "does not describe a model"),
    "an unknown loss": (at("network", "loss", to={"name": "__class__"}), "__class__"),
    "a loss of other settings": (at("network", "loss", "function", to="print"), "function"),
    "a loss of bad settings": (at("network", "loss", to={"name": "huber", "delta": -1}), "delta"),
    "a loss of classes": (at("network", "loss", to={"name": "binary_cross_entropy"}), "outputs"),
    "an unknown task": (at("task", to="ranking"), "ranking"),
    "a task that is a list": (at("task", to=["regression"]), "task"),
    "another task": (at("task", to="classification"), "outputs"),
    "a target that is no text": (at("target", to=7), "no text"),
    "columns that are text": (at("columns", to="abc"), "no lists"),
    "columns that are no text": (at("columns", to=[1, 2, 3]), "no text"),
    "columns twice": (at("columns", to=["a", "a", "b"]), "same name"),
    "columns of half a character": (at("columns", 0, to="\ud800"), "no text"),
    "fewer columns": (at("columns", to=["a", "b"]), "not the 3 inputs"),
    "many columns": (at("columns", to=["a"] * 10**5), "same name"),
    "classes": (at("classes", to=["x"]), "classes"),
    "classes that are a dict": (at("classes", to={}), "no lists"),
    "an array missing": (array("[1]['b']", None), "lacks the array [1]['b']"),
    "a scaling missing": (array("scaling.mean", None), "lacks the array scaling.mean"),
    "an array too many": (array("[2]['W']", np.zeros(3)), "[2]['W'], which is no part"),
    "an array of another shape": (array("[0]['b']", np.zeros((4, 1), np.float32)), "[0]['b'] is float32(4, 1)"),
    "an array of another dtype": (array("[1]['W']", np.zeros((4, 1))), "[1]['W'] is float64"),
    "arrays of integers": (array("[0]['W']", np.zeros((3, 4), np.int32)), "float32 or float64"),
    "exchanged arrays": (swapped, "not those of the arrays"),
    "a scaling of another length": (array("scaling.scale", np.ones(4)), "a scaling of"),
    "a scaling of another dtype": (array("scaling.mean", np.zeros(3, np.complex64)), "a scaling of"),
    "a scaling by nothing": (array("scaling.scale", np.zeros(3)), "not all positive"),
    "a scaling that is not finite": (array("target_scaling.mean", np.array([np.inf])), "not all finite"),
    "a target of two columns": (array("target_scaling.mean", np.zeros(2)), "a scaling of"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries(path: Path, name: str) -> None:
    """A file that was edited by someone who mended its digest is refused with a reason, and without much memory."""
    edit, reason = FORGERIES[name]
    description, tensors = parts_of(MODELS["regression"])
    forge(path, edit(description, tensors), tensors)
    tracemalloc.start()
    try:
        message = refusal(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reason in message
    # Searching names like an endless one takes 38 bytes for each of its letters.
    assert peak < 60 * path.stat().st_size + 1_000_000


def places(tree: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the keys of every place in a description."""
    if keys:
        yield keys
    if isinstance(tree, dict | list):
        for key in tree if isinstance(tree, dict) else range(len(tree)):
            yield from places(tree[key], (*keys, key))


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["relu", "huber"])
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3))


@pytest.mark.parametrize("name", ["regression", "classification"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_forgery(path: Path, name: str, data: st.DataObject) -> None:
    """Whatever stands in one place of the description, the file is refused, or is a model that predicts."""
    description, tensors = parts_of(MODELS[name])
    keys = data.draw(st.sampled_from(list(places(description))))
    forge(path, at(*keys, to=data.draw(VALUES))(description, tensors), tensors)
    with contextlib.suppress(ModelFileError):
        assert len(load_model(path).predict(X)) == len(X)


def test_parameters_that_are_no_numbers(path: Path) -> None:
    """A file may hold NaN; then rows have no prediction, which is said, and no class is made up."""
    description, tensors = parts_of(MODELS["classification"])
    tensors["[2]['b']"] = np.full(3, np.nan, np.float32)
    forge(path, description, tensors)
    with pytest.raises(MemogradError, match="row 1 has no finite prediction"):
        load_model(path).predict(X)


def my_loss(scores: Any, target: Any) -> Any:
    """A user's loss."""
    return np.sum((scores - target) ** 2, axis=1)


@pytest.mark.parametrize(
    "network",
    [
        MLP((3, 4, 1), np.sin),
        MLP((3, 4, 1), lambda x: x),
        MLP((3, 4, 1), Activation("relu", np.tanh, lambda n_in, n_out: 1.0)),
        MLP((3, 4, 1), output_activation=np.exp),
        MLP((3, 4, 1), loss=my_loss),
    ],
    ids=["activation", "lambda", "false name", "output activation", "loss"],
)
def test_code_is_not_saved(tmp_path: Path, network: MLP) -> None:
    """A network with a user's function is not saved; the error says why and what there is instead."""
    with pytest.raises(ModelFileError, match=r"is code, and a model file holds only names and numbers: use one of"):
        save_model(a_model(network), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["folder", "no/m", "x" * 300])
def test_unwritable(tmp_path: Path, place: str) -> None:
    """A place that cannot be written is named with the reason, and nothing is left there."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelFileError, match=rf"^{re.escape(str(tmp_path / place))}: cannot be written \(\w+"):
        save_model(SMALL, tmp_path / place)
    assert [*tmp_path.rglob("*")] == [tmp_path / "folder"]
