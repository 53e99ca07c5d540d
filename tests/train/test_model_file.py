"""A model file: what was written comes back bit for bit, and anything else is refused with a reason.

Forged files carry a right digest: it holds no secret, so whoever edits a file can make one.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import itertools
import json
import os
import pickle
import random
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from memograd.errors import DataError, MemogradError, ModelFileError
from memograd.graph.tree import map_leaves
from memograd.nn.activations import ACTIVATIONS, Activation
from memograd.nn.classification import CrossEntropy
from memograd.nn.mlp import MLP
from memograd.nn.regression import Huber, Pinball
from memograd.table.columns import as_table
from memograd.table.encoder import Encoder, EncoderSettings
from memograd.table.target import ClassTarget, LabelTarget, NumberTarget
from memograd.train import model_file
from memograd.train.model import Model
from memograd.train.model_file import load_model, save_model

from .forgeries import ARRAYS, VALUES, array, at, forge, places, refusal

RNG = np.random.default_rng(1)
N = 20
NUMBERS = {
    name: (RNG.normal(size=N) * scale).tolist() for name, scale in {"a": 1, "b b": 10, "ŷ,\n\ud800": 0.1}.items()
}
MIXED = as_table(
    {
        **NUMBERS,
        "gaps": [None, *range(1, N)],
        "on": [True, None] * (N // 2),
        "day": np.arange(N).astype("datetime64[D]"),
        "few": [None, "", "ŷ\0", "c", '"'] * (N // 5),
        "mix": [1, "1", True, 1.5] * (N // 4),
        "many": [f"c {i}" for i in range(N)],
        "empty": [None] * N,
    },
    categorical=["mix"],
)
FEW, ONE = ClassTarget.fit(["x", "", "ŷ\n\0\ud800"]), NumberTarget.fit([5.0, 8.0])


def a_model(
    target: Any = ONE,
    data: Any = NUMBERS,
    encoder: EncoderSettings | None = None,
    n_members: int = 1,
    clip: bool = False,
    **chosen: Any,
) -> Model:
    """Return a model of random parameters."""
    fitted = Encoder.fit(as_table(data), encoder or EncoderSettings())
    losses = {ClassTarget: "cross_entropy", NumberTarget: "squared_error", LabelTarget: "multilabel_cross_entropy"}
    settings = {"activation": "tanh", "loss": losses[type(target)], "embedded": fitted.embedded, **chosen}
    n_outputs = 1 if settings["loss"] == "binary_cross_entropy" else target.n_outputs
    network = MLP((fitted.n_inputs, *settings.pop("hidden", (4,)), n_outputs), **settings)
    rng = np.random.default_rng(0)
    members = [
        map_leaves(lambda leaf: leaf + rng.normal(size=leaf.shape).astype(np.float32), network.init(seed))
        for seed in range(n_members)
    ]
    return Model(network, tuple(members), fitted, target, clip)


MODELS = {
    "regression": a_model(),
    "classification": a_model(FEW, hidden=(5, 4), activation=["relu", "gelu"], dropout=0.1),
    "one score": a_model(ClassTarget.fit([False, True]), hidden=(), loss="binary_cross_entropy"),
    "smoothed": a_model(FEW, loss=CrossEntropy(0.1), n_members=2),
    "several numbers": a_model(NumberTarget.fit([[1.0, 2.0], [3.0, 5.0]]), clip=True),
    "labels": a_model(LabelTarget(4), n_members=3),
    "integer classes": a_model(ClassTarget.fit(np.array([3, 1, 2], np.uint8))),
    "mixed classes": a_model(ClassTarget.fit(np.array([1, "1", True, 2**70], object))),
    "layer norm": a_model(hidden=(4, 4), activation="silu", loss=Huber(0.5), layer_norm=True),
    "settings": a_model(activation="selu", loss=Pinball(0.9), output_activation="softplus"),
    "tuned": a_model(FEW, MIXED, parametrization="neural_tangent", scaled_input=True, zero_output=True, n_members=9),
    "all one-hot": a_model(FEW, MIXED, EncoderSettings("standard", one_hot_up_to=99)),
    "embedded": a_model(FEW, MIXED, EncoderSettings("none", one_hot_up_to=2), embedding_width=3),
    "not clipped": a_model(ONE, MIXED, EncoderSettings(smooth_clip=np.inf)),
    "an array": a_model(ONE, np.array([[1.0, np.nan], [2.0, 3.0]])),
    **{name: a_model(activation=name, hidden=(2,)) for name in ACTIVATIONS},
    **{name: a_model(loss=name) for name in ("absolute_error", "huber", "poisson")},
}
SMALL = MODELS["one score"]


def data_of(model: Model) -> Any:
    """Return what a model can predict."""
    if not model.encoder.has_names:
        return np.array([[1.0, np.nan], [-2.0, 3.0]])
    return NUMBERS if len(model.encoder.columns) == 3 else MIXED


def predicted(model: Model) -> list[Any]:
    """Return all that a model predicts."""
    data = data_of(model)
    found = [model.predict(data)] if model.task == "regression" else [model.predict(data), model.predict_proba(data)]
    return [(array.dtype, array.tolist()) for array in (*found, model.scores(data))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small model's file."""
    path = tmp_path / "m.model"
    save_model(SMALL, path)
    return path


@pytest.mark.parametrize("name", MODELS)
def test_round_trip(tmp_path: Path, name: str) -> None:
    """A model that was saved predicts bit-identically, and saving it again gives the same file."""
    model = MODELS[name]
    save_model(model, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert predicted(loaded) == predicted(model)
    assert (loaded.network, loaded.clip, loaded.task) == (model.network, model.clip, model.task)
    assert (loaded.encoder.names, loaded.encoder.kinds) == (model.encoder.names, model.encoder.kinds)
    assert loaded.target.describe() == model.target.describe()
    save_model(loaded, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


def test_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    """The same model is the same file whatever the order of hashes."""
    code = """
import sys
from memograd.nn.mlp import MLP
from memograd.table.columns import as_table
from memograd.table.encoder import Encoder
from memograd.table.target import ClassTarget
from memograd.train.model import Model
from memograd.train.model_file import save_model
encoder, network = Encoder.fit(as_table({"b": [1.0, None], "a": ["x", "y"]})), MLP((3, 3, 2), "mish", "cross_entropy")
save_model(Model(network, (network.init(0), network.init(1)), encoder, ClassTarget.fit(["p", "q"])), sys.argv[1])
"""
    for seed in "12":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, tmp_path / seed], check=True, env=environment)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def predicts_the_same(path: Path) -> bool:
    """Whether a file is a model, which then must predict what the small one does; False if it is refused."""
    try:
        loaded = load_model(path)
    except ModelFileError:
        return False
    assert predicted(loaded) == predicted(SMALL)
    assert (loaded.encoder.names, loaded.target.describe()) == (SMALL.encoder.names, SMALL.target.describe())
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
    changed = map_leaves(lambda leaf: leaf + 1, SMALL.members[0])
    save_model(dataclasses.replace(SMALL, members=(changed,)), tmp_path / "other")
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
    digests = {model_file._digest("2", text, tensors) for text, tensors in [("x", one), *others]}
    assert len(digests) == 1 + len(others)
    assert model_file._digest("2", "x", dict(reversed(one.items()))) in digests
    assert model_file._digest("1", "x", one) not in digests


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
    "a later version": (
        arrays(format="memograd-model", version="3"),
        "version 3, and this memograd reads 1, 2; upgrade",
    ),
    "an endless version": (arrays(format="memograd-model", version="\n9" * 10**5), "upgrade"),
    "no digest": (arrays(format="memograd-model", version="2"), "damaged"),
    "no digest of an old one": (arrays(format="memograd-model", version="1"), "damaged"),
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


def test_a_forgery_without_a_change_is_read(path: Path) -> None:
    """The forger writes files that are read when nothing in them is wrong; so it is the change that is refused."""
    for model in MODELS.values():
        forge(path, *parts_of(model))
        assert predicted(load_model(path)) == predicted(model)


def swapped(description: Any, tensors: Any) -> Any:
    """Exchange the weights of two layers."""
    one, two = "members[0][0]['W']", "members[0][1]['W']"
    tensors[one], tensors[two] = tensors[two], tensors[one]
    return description


HUGE = 10**12
NO_COLUMN = "does not describe a column"
FORGERIES: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "no JSON": (lambda d, t: "{", "does not describe a model"),
    "nested without end": (lambda d, t: "[" * 100_000, "does not describe a model"),
    "a number without end": (lambda d, t: "9" * 10_000, "does not describe a model"),
    "a list": (lambda d, t: [d], "not the parts"),
    "null": (lambda d, t: None, "not the parts"),
    "a part missing": (lambda d, t: {k: v for k, v in d.items() if k != "clip"}, "not the parts"),
    "a part too many": (at("code", to="import os"), "not the parts"),
    "no network": (at("network", to=None), "list of sizes"),
    "a network that is a list": (at("network", to=[1]), "list of sizes"),
    "sizes of text": (at("network", "sizes", to="345"), "list of sizes"),
    "huge sizes": (at("network", "sizes", to=[3, HUGE, 1]), "not those of the arrays"),
    "huge inputs": (at("network", "sizes", 0, to=HUGE), "not those of the arrays"),
    "sizes beyond floats": (at("network", "sizes", 1, to=10**400), "not those of the arrays"),
    "many sizes": (at("network", "sizes", to=[1] * 100_000), "lacks the array"),
    "fractional sizes": (at("network", "sizes", 1, to=4.0), "positive integer"),
    "no sizes": (at("network", "sizes", to=[]), "two or more"),
    "one size": (at("network", "sizes", to=[3]), "two or more"),
    "sizes without width": (at("network", "sizes", 1, to=0), "positive integer"),
    "other sizes": (at("network", "sizes", 1, to=3), "is float32(3, 4), not float32(3, 3)"),
    "a setting too many": (at("network", "device", to="cpu"), "device"),
    "a setting missing": (lambda d, t: d["network"].pop("dropout") or d or d, "does not describe a model"),
    "no activation": (at("network", "activation", to=None), "does not describe a model"),
    "an unknown activation": (at("network", "activation", to=["os.system"]), "os.system"),
    "more activations": (at("network", "activation", to=["relu"] * 2), "2 activations"),
    "an endless activation": (at("network", "activation", to=["x" * 10**6]), "no activation"),
    "an activation that is no text": (at("network", "activation", to=[[]]), "no activation"),
    "an unknown output activation": (at("network", "output_activation", to="eval"), "eval"),
    "an unknown parametrization": (at("network", "parametrization", to="eval"), "eval"),
    "dropout of everything": (at("network", "dropout", to=1.0), "dropout"),
    "dropout of text": (at("network", "dropout", to="0.5"), "dropout"),
    "dropout without number": (at("network", "dropout", to=float("nan")), "dropout"),
    "dropout without end": (at("network", "dropout", to=10**400), "d"),
    "layer norm that has no arrays": (at("network", "layer_norm", to=True), "lacks the array"),
    "layer norm of text": (at("network", "layer_norm", to="no"), "layer_norm"),
    "a scaled input that has no array": (at("network", "scaled_input", to=True), "lacks the array"),
    "embedded columns that have no array": (
        at("network", "embedded", to=[2]),
        "lacks the array members[0][0]['embedding']",
    ),
    "huge embeddings": (at("network", "embedded", to=[HUGE]), "not those of the arrays"),
    "many embeddings": (at("network", "embedded", to=[1] * 10**5), "100000 columns are to be embedded"),
    "no embeddings": (at("network", "embedded", to=None), "embedded"),
    "no loss": (at("network", "loss", to=None), "does not describe a model"),
    "a loss that is text": (at("network", "loss", to="huber"), "does not describe a model"),
    "an unknown loss": (at("network", "loss", to={"name": "__class__"}), "__class__"),
    "a loss of other settings": (at("network", "loss", "function", to="print"), "function"),
    "a loss of bad settings": (at("network", "loss", to={"name": "huber", "delta": -1}), "delta"),
    "a loss of an endless setting": (at("network", "loss", to={"name": "huber", "delta": 10**400}), "int too large"),
    "a loss of classes": (at("network", "loss", to={"name": "binary_cross_entropy"}), "is not one of a regression"),
    "no members": (at("n_members", to=0), "no parameters"),
    "fewer than no members": (at("n_members", to=-1), "no parameters"),
    "many members": (at("n_members", to=HUGE), "lacks the array members[1]"),
    "members that are true": (at("n_members", to=True), "'n_members' is True"),
    "a clip that is a number": (at("clip", to=1), "'clip' is 1"),
    "no encoder": (at("encoder", to=None), "'columns' is None"),
    "no columns": (at("encoder", "columns", to=[]), "an encoder of no columns"),
    "fewer columns": (lambda d, t: d["encoder"]["columns"].pop() and d, "a scaling of 3 columns for 2"),
    "columns that are text": (at("encoder", "columns", to="abc"), "'columns' is 'abc'"),
    "a column that is no text": (at("encoder", "columns", 0, "name", to=7), NO_COLUMN),
    "a column twice": (at("encoder", "columns", 0, "name", to="b b"), "two columns of the same name"),
    "many columns": (at("encoder", "columns", to=["a"] * 10**5), NO_COLUMN),
    "a column of another kind": (at("encoder", "columns", 0, "kind", to="category"), "wrong kind of encoding"),
    "a column of an unknown kind": (at("encoder", "columns", 0, "kind", to="pickle"), "pickle"),
    "a column of a nested kind": (at("encoder", "columns", 0, "kind", to=[[]]), NO_COLUMN),
    "a column too deep": (
        lambda d, t: json.dumps(d).replace('"a"', "[" * 50_000 + "]" * 50_000),
        "does not describe a model",
    ),
    "a column with gaps": (at("encoder", "columns", 0, "has_gaps", to=True), "does not give the network's inputs"),
    "a bound that is negative": (at("encoder", "bound", to=-1.0), "bound"),
    "a bound that is an integer": (at("encoder", "bound", to=3), "bound"),
    "names or not": (at("encoder", "has_names", to=None), "has_names"),
    "no target": (at("target", to=None), "target"),
    "an unknown target": (at("target", "target", to="ranking"), "ranking"),
    "a target that is a list": (at("target", "target", to=["numbers"]), "target"),
    "another target": (at("target", to={"target": "labels", "n_labels": 1}), "does not describe a model"),
    "many labels": (at("target", to={"target": "labels", "n_labels": HUGE}), "labels"),
    "one class": (at("target", to={"target": "classes", "classes": ["a"], "dtype": "str"}), "a target of one class"),
    "classes twice": (at("target", to={"target": "classes", "classes": ["a", "a"], "dtype": "str"}), "not in order"),
    "classes of no dtype": (
        at("target", to={"target": "classes", "classes": ["a", "b"], "dtype": "O8,V9999999999"}),
        "dtype",
    ),
    "an array missing": (array("members[0][1]['b']", None), "lacks the array members[0][1]['b']"),
    "a scaling missing": (array("encoder.center", None), "the numbers center of an encoder are not there"),
    "a range missing": (array("target.lowest", None), "the numbers lowest of a target are not there"),
    "an array too many": (array("members[0][2]['W']", np.zeros(3)), "[2]['W'], which is no part"),
    "a member too many": (array("members[1][0]['W']", np.zeros(3)), "members[1][0]['W'], which is no part"),
    "an array of the encoder too many": (array("encoder.code", np.zeros(3)), "encoder.code, which is no part"),
    "an array of another shape": (
        array("members[0][0]['b']", np.zeros((4, 1), np.float32)),
        "members[0][0]['b'] is float32(4, 1), not float32(4,)",
    ),
    "an array of another dtype": (array("members[0][1]['W']", np.zeros((4, 1))), "['W'] is float64(4, 1)"),
    "arrays of integers": (array("members[0][0]['W']", np.zeros((3, 4), np.int32)), "is int32(3, 4)"),
    "exchanged arrays": (swapped, "is float32(4, 1), not float32(3, 4)"),
    "a scaling of another length": (array("encoder.scale", np.ones(4)), "scale of a scaling"),
    "a scaling of another dtype": (array("encoder.center", np.zeros(3, np.complex64)), "center of a scaling"),
    "a scaling that is negative": (array("encoder.scale", -np.ones(3)), "negative"),
    "a scaling that is not finite": (array("encoder.fill", np.array([np.inf, 0, 0])), "finite"),
    "a target's scale of nothing": (array("target.scale", np.zeros(1)), "not positive"),
    "a target of two columns": (array("target.mean", np.zeros(2)), "must be 2 finite numbers"),
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


@pytest.mark.parametrize("name", ["regression", "classification", "tuned", "labels"])
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_forgery(path: Path, name: str, data: st.DataObject) -> None:
    """Whatever stands in one place of the description, the file is refused, or is a model that predicts."""
    description, tensors = parts_of(MODELS[name])
    keys = data.draw(st.sampled_from(list(places(description))))
    forge(path, at(*keys, to=data.draw(VALUES))(description, tensors), tensors)
    with contextlib.suppress(ModelFileError):
        model = load_model(path)
        with contextlib.suppress(DataError):  # its columns may have other names
            assert len(model.predict(MIXED if name == "tuned" else NUMBERS)) == N


@pytest.mark.parametrize("name", ["one score", "tuned"])
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_array(path: Path, name: str, data: st.DataObject) -> None:
    """Whatever array stands in the place of another, the file is refused, or predicts, or says why it does not."""
    description, tensors = parts_of(MODELS[name])
    tensors[data.draw(st.sampled_from(sorted(tensors)))] = data.draw(ARRAYS)
    forge(path, description, tensors)
    with contextlib.suppress(ModelFileError):
        model = load_model(path)
        with contextlib.suppress(DataError):
            assert len(model.predict(MIXED if name == "tuned" else NUMBERS)) == N


def test_parameters_that_are_no_numbers(path: Path) -> None:
    """A file may hold NaN; then rows have no prediction, which is said, and no class is made up."""
    description, tensors = parts_of(MODELS["classification"])
    tensors["members[0][2]['b']"] = np.full(3, np.nan, np.float32)
    forge(path, description, tensors)
    with pytest.raises(MemogradError, match="row 1 has no finite prediction"):
        load_model(path).predict(NUMBERS)


def my_loss(scores: Any, target: Any) -> Any:
    """A user's loss."""
    return np.sum((scores - target) ** 2, axis=1)


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": np.sin},
        {"activation": lambda x: x},
        {"activation": Activation("relu", np.tanh, lambda n_in, n_out: 1.0)},
        {"output_activation": np.exp},
        {"loss": my_loss},
    ],
    ids=["activation", "lambda", "false name", "output activation", "loss"],
)
def test_code_is_not_saved(tmp_path: Path, settings: dict[str, Any]) -> None:
    """A network with a user's function is not saved; the error says why and what there is instead."""
    with pytest.raises(ModelFileError, match=r"is code, and a model file holds only names and numbers: use one of"):
        save_model(a_model(**settings), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_classes_beyond_numbers_that_are_read(tmp_path: Path) -> None:
    """A class whose digits no reader of JSON takes back is refused when it is saved, not when it is needed."""
    with pytest.raises(ModelFileError, match="cannot be written"):
        save_model(a_model(ClassTarget.fit([10**5000, 1])), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["folder", "no/m", "x" * 300])
def test_unwritable(tmp_path: Path, place: str) -> None:
    """A place that cannot be written is named with the reason, and nothing is left there."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelFileError, match=rf"^{re.escape(str(tmp_path / place))}: cannot be written \(\w+"):
        save_model(SMALL, tmp_path / place)
    assert [*tmp_path.rglob("*")] == [tmp_path / "folder"]
